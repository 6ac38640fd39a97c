//! A panic on purpose, so that the tests of each platform can prove that it does not take the app down.

use crate::error::Result;
use crate::runtime;

/// Panics inside the library, on one of its threads or on the caller's. For tests of the bindings alone: it fails with
/// `internal` and does nothing else.
#[uniffi::export]
#[expect(clippy::panic, reason = "this is what it is for")]
pub async fn provoke_panic(on_own_thread: bool) -> Result<()> {
    const TEXT: &str = "CANARY of a panic";
    if on_own_thread {
        runtime::change::<(), crate::CuroError>(async { panic!("{TEXT}") }).await
    } else {
        runtime::contained(|| panic!("{TEXT}"))
    }
}
