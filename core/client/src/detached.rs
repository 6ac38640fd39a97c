//! State changes that, once entered, run to their end, whatever becomes of the future that waits for them.

use curo_types::ErrorCode;

use crate::error::{Error, Result};

/// Runs `work` on the runtime and waits for it. Dropping the returned future does not stop it.
pub(crate) async fn detached<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    // It ends without a result only with the runtime, or by a fault of our own.
    tokio::spawn(work).await.unwrap_or_else(|ended| {
        Err(Error::new(if ended.is_panic() {
            ErrorCode::INTERNAL
        } else {
            ErrorCode::CLOSED
        }))
    })
}
