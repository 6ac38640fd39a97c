//! What every stream has in common: snapshots that are pulled, and an end that wakes whoever waits.

use std::sync::{Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::convert;
use crate::error::{CuroError, Result};
use crate::held::Held;
use crate::runtime;

/// A source of snapshots, until it is ended.
pub(crate) struct Pull<S: Clone + Send + 'static> {
    source: Mutex<Option<Held<S>>>,
    ended: CancellationToken,
}

impl<S: Clone + Send + 'static> Pull<S> {
    pub(crate) fn new(source: S) -> Self {
        Self {
            source: Mutex::new(Some(Held::new(source))),
            ended: CancellationToken::new(),
        }
    }

    /// Waits for what `next` gives, until the caller goes away or the stream is ended.
    pub(crate) async fn next<T, F>(&self, after: i64, next: impl FnOnce(S, u64) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = curo::Result<T>> + Send + 'static,
    {
        let after = convert::revision(after)?;
        let (waiting, ended) = (next(self.source()?, after), self.ended.clone());
        runtime::read(async move {
            tokio::select! {
                biased;
                () = ended.cancelled() => Err(CuroError::closed()),
                snapshot = waiting => snapshot.map_err(CuroError::from),
            }
        })
        .await
    }

    /// The source, for calls that move what it shows.
    pub(crate) fn source(&self) -> Result<S> {
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        source.as_ref().map(|held| S::clone(held)).ok_or_else(CuroError::closed)
    }

    /// Wakes all who wait and lets go of the source. Harmless to repeat.
    pub(crate) fn end(&self) {
        self.ended.cancel();
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(source);
    }
}
