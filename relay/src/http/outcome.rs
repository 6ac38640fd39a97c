//! Outcomes of the layers below in the words of the API.

use curo_types::ErrorCode;
use curo_types::api::Problem;
use tracing::Instrument as _;

use super::held;
use super::problem::Reject;
use crate::accept::AcceptError;
use crate::state::{AppState, Tenant};
use crate::storage::{Missing, Refusal, StorageError};

/// Trouble of the storage.
pub(super) fn storage(error: StorageError) -> Reject {
    let reject = if error.retryable() {
        tracing::warn!(%error, "storage");
        Reject::retry_after(ErrorCode::UNAVAILABLE, 1_000)
    } else {
        tracing::error!(%error, "storage");
        Reject::new(ErrorCode::INTERNAL)
    };
    reject.of_storage(error.kind())
}

/// A refusal by a rule, with what the caller has missed.
pub(super) fn refusal(state: &AppState, tenant: &Tenant, refusal: Refusal) -> Reject {
    let mut problem = Problem::new(refusal.code());
    let mut bring = |missing: Missing| {
        problem.tip = Some(tenant.sign_tip(state, missing.tip));
        problem.missing = missing.entries;
    };
    match refusal {
        Refusal::StaleEpoch(missing) => bring(missing),
        Refusal::StaleCounter { last, missing } => {
            bring(missing);
            problem.detail = Some(format!("the last accepted counter is {last}"));
        }
        Refusal::EpochTaken { winner, missing } => {
            bring(missing);
            problem.winner = winner;
        }
        Refusal::NotYourTurn { for_ms } => problem.retry_after_ms = Some(for_ms),
        Refusal::RemovalPending(pending) => problem.pending = pending,
        Refusal::MandatoryMember(users) => problem.mandatory = users,
        Refusal::Quota(what) | Refusal::Rule(what) => problem.detail = Some(what.to_owned()),
        _ => {}
    }
    problem.into()
}

impl From<AcceptError> for Reject {
    fn from(error: AcceptError) -> Self {
        use curo_mls::MlsError;
        let code = match &error {
            AcceptError::Format(_) => match error {
                AcceptError::Format(error) => return error.into(),
                _ => ErrorCode::INTERNAL,
            },
            AcceptError::Malformed(_) | AcceptError::Mls(MlsError::Malformed(_)) => ErrorCode::MALFORMED,
            AcceptError::TooLarge(_) | AcceptError::Mls(MlsError::TooLarge(_)) => ErrorCode::TOO_LARGE,
            AcceptError::Mls(MlsError::Storage(_) | MlsError::Internal) => {
                tracing::error!(%error, "follower");
                return Self::new(ErrorCode::INTERNAL);
            }
            AcceptError::Refused(_) | AcceptError::Mls(_) => ErrorCode::REFUSED,
        };
        Self::because(code, error.to_string())
    }
}

/// Runs work that must not stop half-way when the caller hangs up: what is durable must also be announced.
pub(super) async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, Reject>> + Send + 'static,
) -> Result<T, Reject> {
    let held = held::current();
    let work = async move {
        let _held = held;
        work.await
    };
    match tokio::spawn(work.in_current_span()).await {
        Ok(result) => result,
        Err(_) => {
            tracing::error!("a request panicked");
            Err(Reject::new(ErrorCode::INTERNAL))
        }
    }
}

/// Runs computation of milliseconds where it holds up nobody.
pub(super) async fn computed<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Reject> + Send + 'static,
) -> Result<T, Reject> {
    let held = held::current();
    let work = move || {
        let _held = held;
        work()
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => {
            tracing::error!("a computation panicked");
            Err(Reject::new(ErrorCode::INTERNAL))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;
    use crate::http::problem::Refused;

    #[test]
    fn trouble_of_the_storage_is_told_to_the_counters_and_not_to_the_caller() {
        for (error, code, kind) in [
            (StorageError::Full, ErrorCode::UNAVAILABLE, "full"),
            (StorageError::Broken("damaged"), ErrorCode::INTERNAL, "broken"),
        ] {
            let reject = storage(error);
            assert!(!format!("{reject:?}").contains("damaged"));
            let response = reject.into_response();
            let refused = response.extensions().get::<Refused>().unwrap();
            assert_eq!((&refused.code, refused.storage), (&code, Some(kind)));
        }
    }
}
