//! A closure on its way to a database thread, with the caller who waits for its answer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{DbError, WriteTx};

/// What the caller waits for. Dropping it does not undo the job.
pub(crate) type Answer<T, E> = oneshot::Receiver<Result<T, E>>;

/// A write: run inside the transaction, answered after the commit.
pub(crate) trait WriteJob: Send {
    /// Runs the closure once and keeps its result. `true` if its effects are to be kept.
    fn run(&mut self, tx: &WriteTx<'_>) -> bool;
    /// Answers. The closure's own error goes before the transaction's.
    fn finish(self: Box<Self>, transaction: Result<(), DbError>);
}

struct TypedWrite<F, T, E> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
    /// Frees the queue's slot when the job is answered.
    _slot: OwnedSemaphorePermit,
}

pub(crate) fn write<F, T, E>(work: F, slot: OwnedSemaphorePermit) -> (Box<dyn WriteJob>, Answer<T, E>)
where
    F: FnOnce(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (
        Box::new(TypedWrite {
            work: Some(work),
            result: None,
            reply,
            _slot: slot,
        }),
        answer,
    )
}

impl<F, T, E> WriteJob for TypedWrite<F, T, E>
where
    F: FnOnce(&WriteTx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn run(&mut self, tx: &WriteTx<'_>) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        let result = guarded(|| work(tx)).unwrap_or_else(|| Err(DbError::Panic.into()));
        self.result.insert(result).is_ok()
    }

    fn finish(self: Box<Self>, transaction: Result<(), DbError>) {
        let Self { result, reply, .. } = *self;
        // Converting and dropping run the caller's code, which may panic; the thread must outlive that.
        guarded(move || {
            let answer = match (result, transaction) {
                (Some(Err(own)), _) => Err(own),
                (_, Err(error)) => Err(error.into()),
                (Some(Ok(value)), Ok(())) => Ok(value),
                (None, Ok(())) => Err(DbError::Closed.into()),
            };
            drop(reply.send(answer));
        });
    }
}

/// A read: given a connection inside a read transaction, or the reason why there is none.
pub(crate) type ReadJob = Box<dyn FnOnce(Result<&Connection, DbError>) + Send>;

pub(crate) fn read<F, T, E>(work: F, slot: OwnedSemaphorePermit) -> (ReadJob, Answer<T, E>)
where
    F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let job = move |connection: Result<&Connection, DbError>| {
        let _slot = slot;
        guarded(move || {
            let result = match connection {
                Ok(connection) => guarded(|| work(connection)).unwrap_or_else(|| Err(DbError::Panic.into())),
                Err(error) => Err(error.into()),
            };
            drop(reply.send(result));
        });
    };
    (Box::new(job), answer)
}

/// Runs foreign code. `None` if it panicked; the panic's text, which may hold anything, is dropped.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
