//! The wall clock of a device, which can be years off: the app's process is started with libfaketime in front of the C library, so
//! that everything in it sees the other time, on every platform. Knows no driver.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::Trouble;

/// Where Debian's package `libfaketime` puts the library, below a folder for the machine's architecture.
const LIBRARIES: &str = "/usr/lib";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// What a device's wall clock shows. Unless turned: the time.
#[derive(Clone, Debug, Default)]
pub(crate) struct WallClock(Option<Turned>);

#[derive(Clone, Debug)]
struct Turned {
    library: PathBuf,
    days: i64,
}

impl WallClock {
    /// A clock that is off by so many days.
    pub(crate) fn off(days: i64) -> Result<Self, Trouble> {
        Self::with(days, library(Path::new(LIBRARIES)))
    }

    fn with(days: i64, library: Option<PathBuf>) -> Result<Self, Trouble> {
        if days == 0 {
            return Ok(Self(None));
        }
        let library = library.ok_or_else(|| {
            let reason = "a device's clock cannot be turned here (libfaketime is missing)";
            Trouble::Cannot(reason.to_owned())
        })?;
        Ok(Self(Some(Turned { library, days })))
    }

    /// Whether what a process says of its wall clock is what this clock shows, within a day.
    pub(crate) fn proven(&self, now_ms: Option<i64>) -> Result<(), String> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.shows(i64::try_from(since.as_millis()).unwrap_or(i64::MAX), now_ms)
    }

    fn shows(&self, really_ms: i64, now_ms: Option<i64>) -> Result<(), String> {
        let days = self.0.as_ref().map_or(0, |turned| turned.days);
        let shown = really_ms.saturating_add(days.saturating_mul(DAY_MS));
        match now_ms {
            Some(now) if now.abs_diff(shown) < DAY_MS.unsigned_abs() => Ok(()),
            now => Err(format!(
                "the app's clock shows {now:?} ms; {shown}, off by {days} days, was expected"
            )),
        }
    }

    /// What the app's process is started with.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let Some(Turned { library, days }) = &self.0 else {
            return Vec::new();
        };
        vec![
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME", format!("{days:+}d")),
            // Only the wall clock is off. Java's virtual machine waits by the other one, and stands still with the correction that
            // the library would make by itself.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("FAKETIME_FORCE_MONOTONIC_FIX", "0".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
        ]
    }
}

/// The library, where it is installed.
fn library(below: &Path) -> Option<PathBuf> {
    let folders = std::fs::read_dir(below).ok()?;
    let mut found: Vec<_> = folders
        .filter_map(|folder| Some(folder.ok()?.path().join(LIBRARY)))
        .filter(|library| library.is_file())
        .collect();
    found.sort();
    // The other architectures' come from people who cross-compile; a wrong one would be told by the loader, and change nothing.
    found
        .into_iter()
        .find(|library| library.to_string_lossy().contains(std::env::consts::ARCH))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_right_needs_nothing() {
        assert!(WallClock::default().environment().is_empty());
        assert!(WallClock::with(0, None).unwrap().environment().is_empty());
    }

    #[test]
    fn a_clock_that_is_off_changes_the_wall_clock_only() {
        let clock = WallClock::with(-3650, Some("/l.so".into())).unwrap();
        let environment = clock.environment();
        for wanted in [
            ("LD_PRELOAD", "/l.so"),
            ("FAKETIME", "-3650d"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ] {
            assert!(environment.contains(&(wanted.0, wanted.1.to_owned())), "{wanted:?}");
        }
        let ahead = WallClock::with(7, Some("/l.so".into())).unwrap().environment();
        assert!(ahead.contains(&("FAKETIME", "+7d".to_owned())));
    }

    #[test]
    fn an_app_that_still_has_the_right_time_is_noticed() {
        let clock = WallClock::with(3650, Some("/l.so".into())).unwrap();
        let now = 1_700_000_000_000;
        clock.shows(now, Some(now + 3650 * DAY_MS - 5)).unwrap();
        WallClock::default().shows(now, Some(now + 5)).unwrap();
        for wrong in [Some(now), Some(now - 3650 * DAY_MS), None] {
            clock.shows(now, wrong).unwrap_err();
        }
    }

    #[test]
    fn without_the_library_it_cannot_be_played() {
        let refused = WallClock::with(1, None).unwrap_err();
        assert!(matches!(refused, Trouble::Cannot(reason) if reason.contains("libfaketime")));
    }

    #[test]
    fn the_library_of_this_machine_is_found() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(library(root.path()), None);
        for arch in ["another", std::env::consts::ARCH] {
            let at = root.path().join(format!("{arch}-linux-gnu")).join(LIBRARY);
            std::fs::create_dir_all(at.parent().unwrap()).unwrap();
            std::fs::write(at, "").unwrap();
        }
        let found = library(root.path()).unwrap();
        assert!(found.display().to_string().contains(std::env::consts::ARCH));
    }
}
