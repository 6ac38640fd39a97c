//! Bodies of answers that a client takes piece by piece, or loses: one that takes nothing for a while is dropped with all that
//! the answer holds.
//!
//! The HTTP library asks for more only when the client has taken what was there, so that a client which stopped reading
//! would otherwise keep a large answer for as long as its connection lives.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use axum::response::Response;
use bytes::Bytes;
use futures_util::Stream;
use tokio::task::AbortHandle;

use super::held::Held;

/// A client that takes nothing for so long is dropped, after twice that at the latest.
pub(super) const STALLED: Duration = Duration::from_secs(60);
/// Answers up to this size go out whole.
const PIECE: usize = 64 * 1024;

/// The same answer. A large one holds the request's places until it was taken, a live stream does not.
pub(super) fn paced(response: Response, held: Arc<Held>) -> Response {
    let (parts, body) = response.into_parts();
    let body = match body.size_hint().exact() {
        Some(size) if size <= PIECE as u64 => body,
        Some(_) => pace(body, Some(held), STALLED),
        None => pace(body, None, STALLED),
    };
    Response::from_parts(parts, body)
}

fn pace(body: Body, held: Option<Arc<Held>>, stalled: Duration) -> Body {
    let shared = Arc::new(Mutex::new(State {
        source: Some(Source {
            stream: body.into_data_stream(),
            rest: Bytes::new(),
            _held: held,
        }),
        ended: false,
        taken: 0,
        waiting: None,
    }));
    let watch = tokio::spawn(watch(shared.clone(), stalled)).abort_handle();
    Body::from_stream(Paced { shared, watch })
}

struct Paced {
    shared: Arc<Mutex<State>>,
    watch: AbortHandle,
}

struct State {
    /// `None` once it has ended or was dropped.
    source: Option<Source>,
    ended: bool,
    /// How often the client has taken something.
    taken: u64,
    /// Set while the client waits for the relay, and not the other way round.
    waiting: Option<Waker>,
}

struct Source {
    stream: BodyDataStream,
    rest: Bytes,
    _held: Option<Arc<Held>>,
}

fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn watch(shared: Arc<Mutex<State>>, stalled: Duration) {
    let mut before = 0;
    loop {
        tokio::time::sleep(stalled).await;
        let mut state = lock(&shared);
        if state.waiting.is_none() && state.taken == before {
            let dropped = state.source.take();
            drop(state);
            drop(dropped);
            return;
        }
        before = state.taken;
    }
}

impl Stream for Paced {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut guard = lock(&self.shared);
        let state = &mut *guard;
        state.waiting = None;
        state.taken += 1;
        let Some(source) = state.source.as_mut() else {
            let gone = || Err(io::Error::from(io::ErrorKind::TimedOut));
            return Poll::Ready((!state.ended).then(gone));
        };
        while source.rest.is_empty() {
            match Pin::new(&mut source.stream).poll_next(cx) {
                Poll::Pending => {
                    state.waiting = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                Poll::Ready(Some(Ok(bytes))) => source.rest = bytes,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                Poll::Ready(None) => {
                    state.ended = true;
                    state.source = None;
                    return Poll::Ready(None);
                }
            }
        }
        let piece = source.rest.split_to(source.rest.len().min(PIECE));
        // A copy: a piece that waits to be written must not keep the whole.
        Poll::Ready(Some(Ok(Bytes::copy_from_slice(&piece))))
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use futures_util::StreamExt as _;
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn everything_arrives_in_pieces() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let body = pace(Body::from(bytes.clone()), None, STALLED);
        assert_eq!(body.collect().await.unwrap().to_bytes(), bytes);
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_more_loses_the_answer() {
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let big = Bytes::from(vec![7; 3 * PIECE]);
        // Ends when the body is dropped.
        let source = futures_util::stream::once(async move { Ok::<_, io::Error>(big) }).chain(
            futures_util::stream::once(async move {
                receiver.await.ok();
                Ok(Bytes::new())
            }),
        );
        let mut body = pace(Body::from_stream(source), None, Duration::from_millis(1)).into_data_stream();
        assert_eq!(body.next().await.unwrap().unwrap().len(), PIECE);
        let mut sender = sender;
        sender.closed().await;
        assert!(body.next().await.unwrap().is_err(), "it does not look like the end");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_waits_for_the_relay_is_not_stalled() {
        let (sender, receiver) = tokio::sync::mpsc::channel::<io::Result<Bytes>>(1);
        let source = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
        let mut body = pace(source, None, STALLED).into_data_stream();
        let (line, ()) = tokio::join!(body.next(), async {
            tokio::time::sleep(10 * STALLED).await;
            sender.send(Ok(Bytes::from_static(b"line"))).await.unwrap();
        });
        assert_eq!(line.unwrap().unwrap(), "line");
    }
}
