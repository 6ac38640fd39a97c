//! The one runtime of the process, and the two ways in which a call runs on it. Foreign threads only wait: nothing of the
//! client is ever polled on them, so their stacks, priorities and fates do not matter.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use curo_types::ErrorCode;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::error::{CuroError, Result};

/// How many threads the library may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum RuntimeProfile {
    /// An app: as many workers as there are processors, at most four.
    App,
    /// A notification extension, which has little memory: one worker, small stacks.
    Extension,
}

/// What was chosen, and whether it is too late to choose.
struct Choice {
    profile: RuntimeProfile,
    taken: bool,
}

static CHOICE: Mutex<Choice> = Mutex::new(Choice {
    profile: RuntimeProfile::App,
    taken: false,
});
static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// Chooses how many threads the library may use. Call it before anything else, or not at all: an app's number is taken then.
/// Fails with busy where the library already runs with another one.
#[uniffi::export]
pub fn configure_runtime(profile: RuntimeProfile) -> Result<()> {
    let mut choice = CHOICE.lock().unwrap_or_else(PoisonError::into_inner);
    if choice.taken && choice.profile != profile {
        return Err(CuroError::new(&ErrorCode::BUSY));
    }
    choice.profile = profile;
    Ok(())
}

/// The runtime, started by whoever needs it first. It lives as long as the process. Who gets no threads may try again.
pub(crate) fn runtime() -> Result<&'static Runtime> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    // One at a time: only the first of many starts one.
    let mut choice = CHOICE.lock().unwrap_or_else(PoisonError::into_inner);
    if RUNTIME.get().is_none() {
        // This crate's own tests say by panics what is wrong.
        if !cfg!(test) {
            curo::redact_panics();
        }
        let made = start(choice.profile)?;
        choice.taken = true;
        return Ok(RUNTIME.get_or_init(|| made));
    }
    RUNTIME.get().ok_or_else(CuroError::internal)
}

fn start(profile: RuntimeProfile) -> Result<Runtime> {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let (workers, blocking, stack) = match profile {
        RuntimeProfile::App => (processors.clamp(2, 4), 64, 2 << 20),
        // What the app implements may block a thread for good; a few of them must not stop all work.
        RuntimeProfile::Extension => (1, 8, 1 << 20),
    };
    Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(blocking)
        .thread_stack_size(stack)
        .thread_name("curo")
        .enable_all()
        .build()
        // The operating system gives no threads.
        .map_err(|_| CuroError::new(&ErrorCode::BUSY))
}

/// Runs a call that changes something: once entered it finishes, whatever becomes of the caller.
pub(crate) async fn change<T, E>(work: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T>
where
    T: Send + 'static,
    E: Into<CuroError> + Send + 'static,
{
    ended(runtime()?.spawn(work).await)
}

/// Runs a call that reads or waits: it ends when the caller goes away.
pub(crate) async fn read<T, E>(work: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T>
where
    T: Send + 'static,
    E: Into<CuroError> + Send + 'static,
{
    ended(Tied(runtime()?.spawn(work)).await)
}

/// Runs a call that is done at once, on the caller's thread. A panic in it becomes an error without its text.
pub(crate) fn contained<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let _entered = runtime()?.enter();
    // What a panic has left half done inside is behind locks that the client itself looks after.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        forget(panic);
        Err(CuroError::internal())
    })
}

fn ended<T, E: Into<CuroError>>(result: std::result::Result<Result<T, E>, tokio::task::JoinError>) -> Result<T> {
    match result {
        Ok(result) => result.map_err(Into::into),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => {
                forget(panic);
                Err(CuroError::internal())
            }
            Err(_) => Err(CuroError::closed()),
        },
    }
}

/// Lets go of what a panic brought. It may be of a type whose own end panics.
fn forget(panic: Box<dyn std::any::Any + Send>) {
    let _ = catch_unwind(AssertUnwindSafe(move || drop(panic)));
}

/// A task that is aborted when nobody waits for it any more.
struct Tied<T>(JoinHandle<T>);

impl<T> Future for Tied<T> {
    type Output = std::result::Result<T, tokio::task::JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for Tied<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests;
