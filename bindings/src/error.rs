//! The one error that crosses, and the codes that it may bear. Knows no call.

use curo_types::ErrorCode;

use crate::convert;

/// What every call fails with. Decide by the code; codes are an open set, so treat one that you do not know by `retryable`.
/// It holds nothing of what people wrote and nothing of what a relay, a vault or a token provider said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum CuroError {
    /// The only kind there is.
    #[error("curo: {code}")]
    Failed {
        /// The stable code, for example `offline`.
        code: String,
        /// Whether the same call may succeed later without the user's help.
        retryable: bool,
        /// How long to wait before a retry, in milliseconds, where the relay has said so.
        retry_after_ms: Option<i64>,
    },
}

/// What the exported calls return.
pub type Result<T, E = CuroError> = std::result::Result<T, E>;

/// Why something that is shown has failed: what an error says, as a value.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Failure {
    /// The stable code.
    pub code: String,
    /// Whether the same may succeed later without the user's help.
    pub retryable: bool,
    /// How long to wait before a retry, in milliseconds, where the relay has said so.
    pub retry_after_ms: Option<i64>,
}

/// A code that this version knows.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct KnownErrorCode {
    /// The code.
    pub code: String,
    /// Whether what failed with it may succeed later without the user's help.
    pub retryable: bool,
}

/// Every error code that this version knows. Later versions know more.
#[uniffi::export]
pub fn known_error_codes() -> Result<Vec<KnownErrorCode>> {
    let known = ErrorCode::KNOWN.iter().map(|(code, _, retryable)| KnownErrorCode {
        code: (*code).to_owned(),
        retryable: *retryable,
    });
    Ok(known.collect())
}

impl CuroError {
    pub(crate) fn new(code: &ErrorCode) -> Self {
        Self::Failed {
            code: code.as_str().to_owned(),
            retryable: code.retryable(),
            retry_after_ms: None,
        }
    }

    pub(crate) fn invalid() -> Self {
        Self::new(&ErrorCode::INVALID_ARGUMENT)
    }

    pub(crate) fn closed() -> Self {
        Self::new(&ErrorCode::CLOSED)
    }

    /// A fault of our own: a panic, whose text stays where it was.
    pub(crate) fn internal() -> Self {
        Self::Failed {
            code: ErrorCode::INTERNAL.as_str().to_owned(),
            // The relay's `internal` gets better by itself; a fault in this process rarely does.
            retryable: false,
            retry_after_ms: None,
        }
    }
}

impl Failure {
    pub(crate) fn new(code: &ErrorCode, retryable: bool) -> Self {
        Self {
            code: code.as_str().to_owned(),
            retryable,
            retry_after_ms: None,
        }
    }
}

impl From<curo::Error> for CuroError {
    fn from(error: curo::Error) -> Self {
        let Failure {
            code,
            retryable,
            retry_after_ms,
        } = error.into();
        Self::Failed {
            code,
            retryable,
            retry_after_ms,
        }
    }
}

impl From<curo::Error> for Failure {
    fn from(error: curo::Error) -> Self {
        Self {
            code: error.code().as_str().to_owned(),
            retryable: error.retryable(),
            retry_after_ms: error.retry_after().map(convert::millis),
        }
    }
}

/// An exception that the app did not declare. Its text may hold anything, a token for instance: it is dropped.
impl From<uniffi::UnexpectedUniFFICallbackError> for CuroError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::internal()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_exception_is_dropped() {
        let thrown = uniffi::UnexpectedUniFFICallbackError::new("CANARY");
        let error = CuroError::from(thrown);
        assert_eq!(error, CuroError::internal());
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }

    #[test]
    fn every_known_code_is_told_once() {
        let mut codes: Vec<_> = known_error_codes()
            .unwrap()
            .into_iter()
            .map(|known| known.code)
            .collect();
        assert!(codes.iter().any(|code| code == "offline"));
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), ErrorCode::KNOWN.len());
    }
}
