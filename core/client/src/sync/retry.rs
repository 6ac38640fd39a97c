//! How long to wait before the next attempt. Knows no relay and no clock.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

/// Waits between attempts: doubling, jittered, never longer than the relay itself asks for or the options allow.
#[derive(Clone, Copy)]
pub(crate) struct Retry {
    pub(crate) min: Duration,
    pub(crate) max: Duration,
}

impl Retry {
    /// A schedule at its beginning.
    pub(crate) fn waits(self) -> Waits {
        Waits {
            retry: self,
            schedule: self.schedule(),
        }
    }

    fn schedule(self) -> ExponentialBackoff {
        ExponentialBuilder::default()
            .with_min_delay(self.min)
            .with_max_delay(self.max)
            .without_max_times()
            .with_jitter()
            .build()
    }
}

/// Where one task stands in its schedule.
pub(crate) struct Waits {
    retry: Retry,
    schedule: ExponentialBackoff,
}

impl Waits {
    /// The next wait: at least as long as the other side has `asked` for.
    pub(crate) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let own = self.schedule.next().unwrap_or(self.retry.max);
        asked.unwrap_or_default().max(own)
    }

    /// What was tried has worked: the next failure is a first one.
    pub(crate) fn begin_anew(&mut self) {
        self.schedule = self.retry.schedule();
    }

    /// After a connection has ended that had been live for so long, or never was. True where it had been a good one, which begins
    /// the schedule anew. One that only took long to fail was not: a network that swallows everything would else be asked
    /// with hardly a pause for ever.
    pub(crate) fn connection_ended(&mut self, live: Option<Duration>) -> bool {
        let good = live.is_some_and(|live| live > self.retry.max);
        if good {
            self.begin_anew();
        }
        good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry {
        min: Duration::from_millis(10),
        max: Duration::from_secs(5),
    };

    /// A schedule that has come to its longest waits.
    fn late() -> Waits {
        let mut waits = RETRY.waits();
        for _ in 0..20 {
            waits.next(None);
        }
        waits
    }

    /// The jitter adds at most as much again.
    fn is_first(wait: Duration) -> bool {
        wait <= 2 * RETRY.min
    }

    #[test]
    fn waits_grow_to_the_limit_and_begin_anew() {
        let mut waits = late();
        assert!(waits.next(None) >= RETRY.max);
        waits.begin_anew();
        assert!(is_first(waits.next(None)));
    }

    #[test]
    fn who_is_asked_to_wait_longer_does() {
        let asked = Duration::from_secs(3600);
        assert_eq!(late().next(Some(asked)), asked);
        assert!(late().next(Some(Duration::ZERO)) >= RETRY.max);
    }

    #[test]
    fn only_a_connection_that_was_live_for_long_begins_the_schedule_anew() {
        let mut waits = late();
        assert!(!waits.connection_ended(None));
        assert!(!is_first(waits.next(None)), "it was never live, however long it took");
        assert!(!waits.connection_ended(Some(RETRY.max)));
        assert!(!is_first(waits.next(None)));
        assert!(waits.connection_ended(Some(RETRY.max + Duration::from_millis(1))));
        assert!(is_first(waits.next(None)));
    }
}
