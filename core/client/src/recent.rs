//! The last error codes of a client, for [`Client::diagnostics`](crate::Client::diagnostics). Codes and times only.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use curo_types::ErrorCode;

use crate::core::now_ms;

const KEPT: usize = 32;

/// One thing that went wrong.
#[derive(Clone)]
pub(crate) struct Noted {
    pub(crate) time_ms: u64,
    /// Where: a name in our code.
    pub(crate) place: &'static str,
    pub(crate) code: ErrorCode,
    /// How often in a row.
    pub(crate) times: u64,
}

/// A bounded memory; the oldest is forgotten first.
#[derive(Default)]
pub(crate) struct Recent(Mutex<VecDeque<Noted>>);

impl Recent {
    pub(crate) fn note(&self, place: &'static str, code: &ErrorCode) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = noted.back_mut()
            && last.place == place
            && last.code == *code
        {
            last.times = last.times.saturating_add(1);
            last.time_ms = now_ms();
            return;
        }
        if noted.len() == KEPT {
            noted.pop_front();
        }
        noted.push_back(Noted {
            time_ms: now_ms(),
            place,
            code: code.clone(),
            times: 1,
        });
    }

    /// Oldest first.
    pub(crate) fn all(&self) -> Vec<Noted> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_last_and_counts_repeats() {
        let recent = Recent::default();
        for n in 0..100 {
            let code = if n % 2 == 0 {
                ErrorCode::OFFLINE
            } else {
                ErrorCode::TIMEOUT
            };
            recent.note("request", &code);
            recent.note("request", &code);
        }
        let all = recent.all();
        assert_eq!(all.len(), KEPT);
        assert!(all.iter().all(|noted| noted.times == 2));
        assert_eq!(all.last().map(|noted| noted.code.clone()), Some(ErrorCode::TIMEOUT));
    }
}
