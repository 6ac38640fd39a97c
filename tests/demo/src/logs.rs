//! Everything that relay and clients log while the demo runs, kept for the search for leaks.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// All that the product says, and what its libraries say short of every frame on the wire.
const FILTER: &str =
    "debug,curo=trace,curo_relay=trace,curo_mls=trace,curo_store=trace,h2=info,hyper=info,hyper_util=info";
/// More is not kept; then the search says so.
const LIMIT: usize = 64 * 1024 * 1024;

static CAPTURE: OnceLock<Option<Logs>> = OnceLock::new();

/// The captured logs of this process.
#[derive(Clone, Default)]
pub struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    /// Captures the logs of the whole process from now on; the same capture when called again. `None` where the process has
    /// another subscriber already.
    pub fn capture() -> Option<Self> {
        let installed = CAPTURE.get_or_init(|| {
            let logs = Self::default();
            let subscriber = tracing_subscriber::fmt()
                .with_env_filter(EnvFilter::new(FILTER))
                .json()
                .with_writer(logs.clone())
                .finish();
            tracing::subscriber::set_global_default(subscriber).ok().map(|()| logs)
        });
        installed.clone()
    }

    /// What was logged so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.lock().clone()
    }

    /// Whether nothing had to be dropped.
    pub(crate) fn complete(&self) -> bool {
        self.lock().len() < LIMIT
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Logs({} bytes)", self.lock().len())
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.lock();
        let room = LIMIT - kept.len();
        kept.extend(bytes.iter().take(room));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logs {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
