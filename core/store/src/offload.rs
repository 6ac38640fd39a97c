//! Blocking file work on a thread of its own, so that no caller's executor waits and none is needed.

use std::io;
use std::thread;

use tokio::sync::oneshot;

/// Runs `work` to its end, whatever happens to the future.
pub(crate) async fn offload<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (reply, answer) = oneshot::channel();
    thread::Builder::new()
        .name("curo-store-files".into())
        .spawn(move || drop(reply.send(work())))?;
    answer.await.map_err(io::Error::other)
}
