//! The handle: queues jobs for the database's threads and waits for their answers. Owns no connection itself.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};

use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::block_on::block_on;
use crate::connection::{Role, checkpoint, connect};
use crate::job::{self, ReadJob, WriteJob};
use crate::writer::{WriteTx, Writer};
use crate::{CipherKey, DbError, OpenError, Options, open, reader};

/// Jobs that may wait for the writer; further callers wait before they enter.
const WRITE_QUEUE: usize = 1024;
/// Jobs that may wait for a reader.
const READ_QUEUE: usize = 256;
const WRITER_NAME: &str = "curo-db-writer";
const READER_NAME: &str = "curo-db-reader";
/// SQLite's parser, SQLCipher and a job's own code (MLS trees) share the writer's stack.
const WRITER_STACK: usize = 8 << 20;

/// An open database. Clones are handles on the same one.
///
/// Jobs are detached: once entered they run to their end, whatever happens to the future that waits for them. After
/// [`Database::close`] every call fails with [`DbError::Closed`]. Dropping the last handle closes too and
/// waits for it: no thread is at work in the cipher's library when the process ends, which that library does not survive.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` once closed. Dropping the senders ends the threads after the entered jobs.
    queues: Mutex<Option<Queues>>,
    write_slots: Arc<Semaphore>,
    read_slots: Arc<Semaphore>,
    writer: ThreadId,
    closed: watch::Receiver<Option<Result<(), DbError>>>,
}

struct Queues {
    write: Sender<Box<dyn WriteJob>>,
    read: Sender<ReadJob>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.queues.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        // A job may hold the last handle; a database's threads cannot wait for themselves.
        let on_own_thread = thread::current()
            .name()
            .is_some_and(|name| name == WRITER_NAME || name == READER_NAME);
        if !on_own_thread {
            drop(block_on(self.closed.wait_for(Option::is_some)));
        }
    }
}

impl Database {
    /// Opens, creates or refuses the file, as the options say. Needs no runtime: all work is done on the writer's thread.
    ///
    /// # Errors
    /// See [`OpenError`]; a refused file stays byte for byte as it was.
    pub async fn open(path: impl Into<PathBuf>, key: &CipherKey, options: Options) -> Result<Self, OpenError> {
        Self::open_guarded(path, key, options, ()).await
    }

    /// As [`Database::open`], for callers without a runtime. Blocks.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn open_blocking(path: impl Into<PathBuf>, key: &CipherKey, options: Options) -> Result<Self, OpenError> {
        block_on(Self::open(path, key, options))
    }

    /// As [`Database::open`], and keeps `guard` until the last connection is closed, however that comes about: by
    /// [`Database::close`], by dropping the handles, or by a refusal. For a lease on the file.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open_guarded(
        path: impl Into<PathBuf>,
        key: &CipherKey,
        options: Options,
        guard: impl Send + 'static,
    ) -> Result<Self, OpenError> {
        let (path, key) = (path.into(), key.duplicate());
        let (write, write_queue) = mpsc::channel();
        let (read, read_queue) = mpsc::channel();
        let (report_closed, closed) = watch::channel(None);
        let (report_open, opened) = oneshot::channel();
        let main = move || {
            let started = start(path, &key, &options, read_queue);
            // The connections have the key now. Ours is wiped here, not when the database closes.
            drop(key);
            match started {
                Ok((writer, readers)) => {
                    drop(report_open.send(Ok(())));
                    let result = finish(writer.run(&write_queue), readers);
                    drop(guard);
                    report_closed.send_replace(Some(result));
                }
                Err(error) => {
                    drop(guard);
                    drop(report_open.send(Err(error)));
                }
            }
        };
        let thread = thread::Builder::new()
            .name(WRITER_NAME.into())
            .stack_size(WRITER_STACK)
            .spawn(main)?;
        let inner = Inner {
            queues: Mutex::new(Some(Queues { write, read })),
            write_slots: Arc::new(Semaphore::new(WRITE_QUEUE)),
            read_slots: Arc::new(Semaphore::new(READ_QUEUE)),
            writer: thread.thread().id(),
            closed,
        };
        opened.await.unwrap_or(Err(OpenError::Db(DbError::Closed)))?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Runs `job` on the writer's thread inside a transaction and answers after its commit is on the disk.
    ///
    /// Jobs run in the order in which they were entered and may share a commit with others; one that returns an error
    /// undoes only itself.
    ///
    /// # Errors
    /// The job's own, after its effects were undone; else a [`DbError`] of the transaction. [`DbError::Panic`] if the job
    /// panicked.
    pub async fn write<T, E>(&self, job: impl FnOnce(&WriteTx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let Ok(slot) = Arc::clone(&self.inner.write_slots).acquire_owned().await else {
            return Err(DbError::Closed.into());
        };
        let (job, answer) = job::write(job, slot);
        self.enter(|queues| queues.write.send(job).is_ok())?;
        answer.await.unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// How many write jobs have entered and are not answered yet, at most 1,024. For watching.
    pub fn waiting_writes(&self) -> usize {
        WRITE_QUEUE.saturating_sub(self.inner.write_slots.available_permits())
    }

    /// As [`Database::write`], for callers without a runtime. Blocks until the commit.
    ///
    /// # Errors
    /// As [`Database::write`], and [`DbError::Reentrant`] from inside a write job.
    pub fn write_blocking<T, E>(&self, job: impl FnOnce(&WriteTx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        if thread::current().id() == self.inner.writer {
            return Err(DbError::Reentrant.into());
        }
        block_on(self.write(job))
    }

    /// Runs `job` on a read-only connection. All its queries see one state, that of the last commit before it started:
    /// at least every write whose answer was seen before this call.
    ///
    /// # Errors
    /// The job's own, else a [`DbError`]. [`DbError::Panic`] if the job panicked.
    pub async fn read<T, E>(&self, job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let Ok(slot) = Arc::clone(&self.inner.read_slots).acquire_owned().await else {
            return Err(DbError::Closed.into());
        };
        let (job, answer) = job::read(job, slot);
        self.enter(|queues| queues.read.send(job).is_ok())?;
        answer.await.unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// Begins what [`Database::close`] does and does not wait: further jobs are refused from now on, and the database's own
    /// threads finish the entered ones and close every connection, whatever becomes of the caller.
    pub fn begin_close(&self) {
        drop(self.inner.queues.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Refuses further jobs, waits for the entered ones, folds the WAL into the file and closes every connection, which
    /// wipes SQLCipher's copies of the key. Calling it again waits for the same end.
    ///
    /// # Errors
    /// What the last checkpoint or the closing met. The database is closed and every commit is safe in any case.
    pub async fn close(&self) -> Result<(), DbError> {
        self.begin_close();
        let mut closed = self.inner.closed.clone();
        match closed.wait_for(Option::is_some).await {
            Ok(result) => result.clone().unwrap_or(Ok(())),
            Err(_) => Err(DbError::Closed),
        }
    }

    /// As [`Database::close`], for callers without a runtime. Blocks.
    ///
    /// # Errors
    /// As [`Database::close`], and [`DbError::Reentrant`] from inside a write job.
    pub fn close_blocking(&self) -> Result<(), DbError> {
        if thread::current().id() == self.inner.writer {
            return Err(DbError::Reentrant);
        }
        block_on(self.close())
    }

    fn enter(&self, send: impl FnOnce(&Queues) -> bool) -> Result<(), DbError> {
        let queues = self.inner.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if queues.as_ref().is_some_and(send) {
            Ok(())
        } else {
            Err(DbError::Closed)
        }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").finish_non_exhaustive()
    }
}

/// Opens every connection and starts the readers. On an error all that was opened is closed again.
fn start(
    path: PathBuf,
    key: &CipherKey,
    options: &Options,
    read_queue: Receiver<ReadJob>,
) -> Result<(Writer, Vec<JoinHandle<()>>), OpenError> {
    let writer = Writer::new(open::open(&path, key, options)?)?;
    let connections = (0..options.readers)
        .map(|_| connect(&path, key, Role::Reader, options.cache_kib))
        .collect::<Result<Vec<_>, _>>()?;
    let read_queue = Arc::new(Mutex::new(read_queue));
    let readers = connections
        .into_iter()
        .map(|connection| {
            let queue = Arc::clone(&read_queue);
            thread::Builder::new()
                .name(READER_NAME.into())
                .spawn(move || reader::run(connection, &queue))
                .map_err(OpenError::from)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok((writer, readers))
}

/// Closes in the order that lets the last connection, the writer's, fold the WAL in.
fn finish(connection: Connection, readers: Vec<JoinHandle<()>>) -> Result<(), DbError> {
    for reader in readers {
        if reader.join().is_err() {
            tracing::error!("a database reader panicked");
        }
    }
    let folded = checkpoint(&connection);
    match connection.close() {
        Ok(()) => folded,
        Err((_, error)) => Err(error.into()),
    }
}
