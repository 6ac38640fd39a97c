//! What an app decides when it opens a client.

use std::path::PathBuf;
use std::time::Duration;

use curo_types::ProfileId;

/// How to open a [`Client`](crate::Client).
#[derive(Clone, Debug)]
pub struct ClientOptions {
    pub(crate) root: PathBuf,
    pub(crate) relay: String,
    pub(crate) profile: Option<ProfileId>,
    pub(crate) extra_roots: Vec<Vec<u8>>,
    pub(crate) request_timeout: Duration,
    pub(crate) retry_min: Duration,
    pub(crate) retry_max: Duration,
}

impl ClientOptions {
    /// A client whose profiles live in the folder `root` and whose relay is at `relay`, an `https` address without path.
    pub fn new(root: impl Into<PathBuf>, relay: impl Into<String>) -> Self {
        Self {
            root: root.into(),
            relay: relay.into(),
            profile: None,
            extra_roots: Vec::new(),
            request_timeout: Duration::from_secs(30),
            retry_min: Duration::from_millis(250),
            retry_max: Duration::from_secs(30),
        }
    }

    /// Opens this profile. Without it the folder's only profile is opened, or the first one is made.
    #[must_use]
    pub const fn profile(mut self, profile: ProfileId) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Also trusts this certification authority (DER) beside the bundled web roots: for relays behind a private CA.
    #[must_use]
    pub fn extra_root(mut self, certificate_der: impl Into<Vec<u8>>) -> Self {
        self.extra_roots.push(certificate_der.into());
        self
    }

    /// How long one request may take, the live stream excepted. 30 s unless told.
    #[must_use]
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// The shortest and longest wait between attempts to reach the relay; waits double and are jittered. 250 ms and 30 s unless told.
    #[must_use]
    pub const fn retry_between(mut self, min: Duration, max: Duration) -> Self {
        self.retry_min = min;
        self.retry_max = max;
        self
    }
}
