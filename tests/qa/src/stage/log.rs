//! What a process has said, kept for the report: bounded, each line with its time.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Of one line, in characters: a message may have a mebibyte.
const LINE: usize = 600;
/// Of the whole, in bytes. What comes first is dropped.
const WHOLE: usize = 512 * 1024;

/// Lines of one process.
#[derive(Debug)]
pub(crate) struct Log {
    began: Instant,
    text: Mutex<String>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            text: Mutex::default(),
        }
    }
}

impl Log {
    pub(crate) fn line(&self, line: &str) {
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shown: String = line.chars().take(LINE).collect();
        if shown.len() < line.len() {
            shown.push('…');
        }
        // A string takes all that is written to it.
        let _ = writeln!(text, "{:>9.3} {shown}", self.began.elapsed().as_secs_f64());
        if text.len() > 2 * WHOLE {
            let from = text.len() - WHOLE;
            let from = (from..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(from);
            *text = format!("… earlier lines are left out\n{}", text.split_off(from));
        }
    }

    pub(crate) fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_bounded_and_keeps_its_end() {
        let log = Log::default();
        for n in 0..4000 {
            log.line(&format!("{n} {}", "ü".repeat(1000)));
        }
        let text = log.text();
        assert!(text.len() <= 2 * WHOLE + 4 * LINE);
        assert!(text.contains("3999 ü"));
        assert!(text.starts_with("… earlier"));
    }
}
