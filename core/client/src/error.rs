//! The public error, and the rich internal one that it is made from at one place.
//!
//! [`Fault`] says all that the core needs to decide; it stays inside. [`Error`] is what apps see: a stable code, whether
//! a retry may help, and no text from outside, so that nothing of PHI can come with it.

use std::fmt;
use std::time::Duration;

use curo_mls::MlsError;
use curo_store::{StoreError, VaultError};
use curo_types::api::Problem;
use curo_types::{ErrorCode, FormatError, UserId};

/// What went wrong, for apps. The codes are an open set ([`ErrorCode`]); decide by code and [`Error::retryable`].
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    code: ErrorCode,
    retry_after: Option<Duration>,
}

/// What the client's calls return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) const fn new(code: ErrorCode) -> Self {
        Self {
            code,
            retry_after: None,
        }
    }

    /// The stable code.
    pub const fn code(&self) -> &ErrorCode {
        &self.code
    }

    /// Whether the same call may succeed later without the user's help.
    pub fn retryable(&self) -> bool {
        self.code.retryable()
    }

    /// How long to wait before a retry, where the relay has said so.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "curo: {}", self.code)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({}, retryable: {})", self.code, self.retryable())
    }
}

impl std::error::Error for Error {}

/// Everything that can go wrong inside.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Mls(#[from] MlsError),
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The relay said no.
    #[error("problem {}", .0.code)]
    Problem(Box<Problem>),
    /// The relay cannot be reached, or the connection broke.
    #[error("offline: {0}")]
    Offline(&'static str),
    /// The relay's answer is not the protocol or does not verify.
    #[error("bad relay: {0}")]
    BadRelay(&'static str),
    /// The judgement of a commit or join needs envelopes of these users up to this version first.
    #[error("directory entries of {} users are needed", users.len())]
    NeedDirectory { users: Vec<UserId>, version: u64 },
    /// An entry cannot be applied, ever. The transaction that tried it is rolled back.
    #[error("entry {seq} cannot be applied: {code}")]
    Entry { seq: u64, code: ErrorCode },
    /// A plain code.
    #[error("{0}")]
    Code(ErrorCode),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(StoreError::from(error))
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl Fault {
    /// The public code: the one crossing from rich to few.
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Store(error) => store_code(error),
            Self::Mls(MlsError::Storage(fault)) => {
                if fault.retryable {
                    ErrorCode::BUSY
                } else {
                    ErrorCode::STORE_UNREADABLE
                }
            }
            Self::Mls(_) => ErrorCode::REFUSED,
            Self::Format(FormatError::TooLarge { .. }) => ErrorCode::TOO_LARGE,
            Self::Format(FormatError::UnsupportedVersion { .. }) => ErrorCode::UNSUPPORTED_VERSION,
            Self::Format(_) | Self::BadRelay(_) | Self::NeedDirectory { .. } => ErrorCode::BAD_RELAY,
            Self::Problem(problem) => problem.code.clone(),
            Self::Offline(_) => ErrorCode::OFFLINE,
            Self::Entry { code, .. } | Self::Code(code) => code.clone(),
        }
    }

    /// Whether waiting alone may cure it.
    pub(crate) fn retryable(&self) -> bool {
        match self {
            Self::Mls(error) => error.retryable(),
            // A relay in front of which something else answers (a captive portal, a proxy) gets better by itself.
            Self::BadRelay(_) => true,
            _ => self.code().retryable(),
        }
    }

    /// Where it comes from, in words of our own code.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Store(_) => "store",
            Self::Mls(_) => "mls",
            Self::Format(_) => "format",
            Self::Problem(_) => "refused by the relay",
            Self::Offline(reason) | Self::BadRelay(reason) => reason,
            Self::NeedDirectory { .. } => "directory needed",
            Self::Entry { .. } => "entry",
            Self::Code(_) => "code",
        }
    }

    /// The relay's own word on how long to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem(problem) => problem.retry_after_ms.map(Duration::from_millis),
            _ => None,
        }
    }
}

fn store_code(error: &StoreError) -> ErrorCode {
    match error {
        StoreError::Locked => ErrorCode::LOCKED,
        StoreError::Missing | StoreError::Erasing => ErrorCode::STORE_MISSING,
        StoreError::Newer { .. } => ErrorCode::STORE_NEWER,
        StoreError::Busy => ErrorCode::BUSY,
        StoreError::Full => ErrorCode::STORAGE_FULL,
        StoreError::Vault(VaultError::NotReady) => ErrorCode::VAULT_NOT_READY,
        StoreError::Vault(VaultError::UserAuthNeeded) => ErrorCode::VAULT_USER_AUTH_NEEDED,
        StoreError::Vault(VaultError::Missing | VaultError::Invalidated) => ErrorCode::STORE_MISSING,
        _ if error.retryable() => ErrorCode::BUSY,
        _ => ErrorCode::STORE_UNREADABLE,
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        crate::log::event!(Debug, "call_failed", code = fault.code(), reason = fault.reason());
        Self {
            code: fault.code(),
            retry_after: fault.retry_after(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use curo_mls::StoreFault;

    fn problem(code: ErrorCode, retry_after_ms: Option<u64>) -> Fault {
        Fault::from(Problem {
            retry_after_ms,
            ..Problem::new(code)
        })
    }

    #[test]
    fn every_fault_crosses_to_one_stable_code() {
        let table = [
            (Fault::from(StoreError::Locked), "locked", false),
            (Fault::from(StoreError::Missing), "store_missing", false),
            (Fault::from(StoreError::Erasing), "store_missing", false),
            (Fault::from(StoreError::Foreign), "store_unreadable", false),
            (Fault::from(StoreError::WrongKey), "store_unreadable", false),
            (Fault::from(StoreError::Corrupt), "store_unreadable", false),
            (Fault::from(StoreError::Busy), "busy", true),
            (Fault::from(StoreError::Full), "storage_full", true),
            (
                Fault::from(StoreError::Vault(VaultError::NotReady)),
                "vault_not_ready",
                true,
            ),
            (
                Fault::from(StoreError::Vault(VaultError::UserAuthNeeded)),
                "vault_user_auth_needed",
                false,
            ),
            (
                Fault::from(StoreError::Vault(VaultError::Missing)),
                "store_missing",
                false,
            ),
            (
                Fault::from(StoreError::Vault(VaultError::Invalidated)),
                "store_missing",
                false,
            ),
            (
                Fault::from(MlsError::Storage(StoreFault::retryable("disk"))),
                "busy",
                true,
            ),
            (
                Fault::from(MlsError::Storage(StoreFault::permanent("row"))),
                "store_unreadable",
                false,
            ),
            (Fault::from(MlsError::Undecryptable), "refused", false),
            (Fault::Offline("no connection"), "offline", true),
            (Fault::Code(ErrorCode::SIGN_IN_NEEDED), "sign_in_needed", false),
            (problem(ErrorCode::STALE_EPOCH, None), "stale_epoch", true),
            (
                problem(ErrorCode::from("from_the_future".to_owned()), None),
                "from_the_future",
                false,
            ),
            (
                Fault::Entry {
                    seq: 7,
                    code: ErrorCode::KEY_MISMATCH,
                },
                "key_mismatch",
                false,
            ),
            (
                Fault::from(FormatError::TooLarge {
                    format: "content",
                    size: 2,
                    limit: 1,
                }),
                "too_large",
                false,
            ),
        ];
        for (fault, code, retryable) in table {
            let name = format!("{fault:?}");
            assert_eq!(fault.retryable(), retryable, "{name}");
            let error = Error::from(fault);
            assert_eq!((error.code().as_str(), error.retryable()), (code, retryable), "{name}");
            assert_eq!(error.to_string(), format!("curo: {code}"));
        }
    }

    #[test]
    fn the_relays_wait_comes_along() {
        let error = Error::from(problem(ErrorCode::RATE_LIMITED, Some(1500)));
        assert_eq!(error.retry_after(), Some(Duration::from_millis(1500)));
        assert!(error.retryable());
    }

    #[test]
    fn nothing_that_the_relay_wrote_can_be_printed() {
        let hostile = Problem::new(ErrorCode::REFUSED).with_detail("CANARY");
        let fault = Fault::from(hostile);
        assert!(!fault.to_string().contains("CANARY"));
        let error = Error::from(fault);
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }
}
