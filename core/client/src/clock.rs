//! The device's clocks, as an argument: what decides about idle time and sessions asks here, so that tests can turn them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Two clocks, because neither alone will do: one that people can set but that goes on while the device sleeps, and one
/// that only goes forward but may stand still meanwhile.
pub trait DeviceClock: Send + Sync {
    /// Milliseconds since 1970 UTC. May jump either way.
    fn wall_ms(&self) -> u64;

    /// Milliseconds since some moment. Never goes back.
    fn steady_ms(&self) -> u64;
}

/// The operating system's.
#[derive(Debug)]
pub(crate) struct SystemClock {
    since: Instant,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self { since: Instant::now() }
    }
}

impl DeviceClock for SystemClock {
    fn wall_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn steady_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
