//! What an app decides when it opens a client.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use curo_store::Footprint;
use curo_types::ProfileId;

use crate::clock::{DeviceClock, SystemClock};
use crate::guard::Bounds;
use crate::pin::SpkiPin;
use crate::proxy::Proxy;

/// How to open a [`Client`](crate::Client).
#[derive(Clone, Debug)]
pub struct ClientOptions {
    pub(crate) root: PathBuf,
    pub(crate) relay: String,
    pub(crate) profile: Option<ProfileId>,
    pub(crate) extra_roots: Vec<Vec<u8>>,
    pub(crate) pins: Option<Vec<SpkiPin>>,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) retry_min: Duration,
    pub(crate) retry_max: Duration,
    pub(crate) idle_lock: Duration,
    pub(crate) session_limit: Duration,
    pub(crate) footprint: Footprint,
    pub(crate) clock: Clock,
}

/// Whose clocks count.
#[derive(Clone, Default)]
pub(crate) struct Clock(Option<Arc<dyn DeviceClock>>);

impl Clock {
    pub(crate) fn get(&self) -> Arc<dyn DeviceClock> {
        self.0.clone().unwrap_or_else(|| Arc::new(SystemClock::new()))
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl ClientOptions {
    /// A client whose profiles live in the folder `root` and whose relay is at `relay`, an `https` address without path.
    pub fn new(root: impl Into<PathBuf>, relay: impl Into<String>) -> Self {
        Self {
            root: root.into(),
            relay: relay.into(),
            profile: None,
            extra_roots: Vec::new(),
            pins: None,
            proxy: None,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            retry_min: Duration::from_millis(250),
            retry_max: Duration::from_secs(30),
            idle_lock: Duration::from_millis(Bounds::WIDEST.idle),
            session_limit: Duration::from_millis(Bounds::WIDEST.session),
            footprint: Footprint::NORMAL,
            clock: Clock::default(),
        }
    }

    /// As [`ClientOptions::new`], for a notification extension: small caches, two database connections, short time-outs.
    /// Give it the profile ([`ClientOptions::profile`]) and a Tokio runtime with one worker thread.
    ///
    /// ```
    /// # fn example(profile: curo::ProfileId) -> curo::ClientOptions {
    /// curo::ClientOptions::notification_extension("/group/curo", "https://relay.example").profile(profile)
    /// # }
    /// ```
    pub fn notification_extension(root: impl Into<PathBuf>, relay: impl Into<String>) -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            footprint: Footprint::SMALL,
            ..Self::new(root, relay)
        }
    }

    /// After how long without [`Client::note_user_activity`](crate::Client::note_user_activity) the client locks: at most
    /// 15 minutes, which hold unless told. The tenant may set less. More is refused by
    /// [`Client::open`](crate::Client::open) with `invalid_argument`.
    #[must_use]
    pub const fn idle_lock(mut self, after: Duration) -> Self {
        self.idle_lock = after;
        self
    }

    /// How long a sign-in holds: at most 12 hours, which hold unless told. The tenant may set less. More is refused by
    /// [`Client::open`](crate::Client::open) with `invalid_argument`.
    #[must_use]
    pub const fn session_limit(mut self, limit: Duration) -> Self {
        self.session_limit = limit;
        self
    }

    /// Other clocks than the device's, for tests: an app that shipped with this could not lock in time.
    #[cfg(feature = "failpoints")]
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn DeviceClock>) -> Self {
        self.clock = Clock(Some(clock));
        self
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

    /// Accepts only relays whose certificate has one of these public keys, in addition to all other checks: the chain must
    /// still verify. At least two different pins: one of them belongs to a key that is kept apart, for the day when the
    /// other one is lost. Pins are compared with the relay's own certificate, not with authorities above it.
    ///
    /// [`Client::open`](crate::Client::open) refuses fewer than two different pins with `invalid_argument`. A relay with another
    /// key is `pin_mismatch`; nothing is sent to it.
    ///
    /// ```
    /// # fn main() -> curo::Result<()> {
    /// let in_use = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".parse()?;
    /// let backup = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse()?;
    /// let options = curo::ClientOptions::new("/data/curo", "https://relay.example").pins([in_use, backup]);
    /// # let _ = options;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn pins(mut self, pins: impl IntoIterator<Item = SpkiPin>) -> Self {
        self.pins = Some(pins.into_iter().collect());
        self
    }

    /// Reaches the relay through this proxy. Without it the process's environment (`HTTPS_PROXY`) decides, which phones do
    /// not have.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// How long a connection may take until TLS stands, the proxy included. 10 s unless told.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long one request may take; of the live stream, how long until it is open. 30 s unless told.
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
