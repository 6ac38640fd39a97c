//! Times, durations, counts and numbers: all cross as 64 bits with a sign, because Kotlin's and Swift's own types for them
//! have traps. Knows no noun.

use std::time::Duration;

use crate::error::{CuroError, Result};

/// A count or a time. Nothing that is real is above the limit.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A duration that an app gave; a negative one is refused. More than a hundred years are a hundred years: a moment that far
/// can be reckoned with on every platform.
pub(crate) fn duration(millis: i64) -> Result<Duration> {
    const LONGEST_MS: u64 = 100 * 366 * 24 * 60 * 60 * 1000;
    let millis = u64::try_from(millis).map_err(|_| CuroError::invalid())?;
    Ok(Duration::from_millis(millis.min(LONGEST_MS)))
}

/// A limit or a page's size that an app gave. What is too large is refused by the client itself.
pub(crate) fn count(number: i64) -> Result<usize> {
    usize::try_from(number).map_err(|_| CuroError::invalid())
}

/// The revision that a collector has seen.
pub(crate) fn revision(after: i64) -> Result<u64> {
    u64::try_from(after).map_err(|_| CuroError::invalid())
}

/// Every element as another type.
pub(crate) fn all<A, B: From<A>>(items: impl IntoIterator<Item = A>) -> Vec<B> {
    items.into_iter().map(B::from).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn nothing_wraps_around() {
        assert_eq!((int(0), int(7), int(u64::MAX)), (0, 7, i64::MAX));
        assert_eq!(millis(Duration::MAX), i64::MAX);
        assert_eq!(duration(1500).unwrap(), Duration::from_millis(1500));
        assert!(
            std::time::Instant::now()
                .checked_add(duration(i64::MAX).unwrap())
                .is_some()
        );
        for bad in [-1, i64::MIN] {
            assert_eq!(duration(bad).unwrap_err(), CuroError::invalid());
            assert_eq!(count(bad).unwrap_err(), CuroError::invalid());
            assert_eq!(revision(bad).unwrap_err(), CuroError::invalid());
        }
    }
}
