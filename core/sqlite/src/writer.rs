//! The writing thread: takes what waits in the queue, runs each job in its own savepoint, commits once, then answers.
//!
//! One fsync thus serves many callers, which is where most of the speed is; a caller alone pays one fsync and no savepoint.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::mpsc::Receiver;

use rusqlite::Connection;

use crate::DbError;
use crate::connection::Fence;
use crate::job::WriteJob;

/// At most this many jobs share a commit, so that the first does not wait for ever.
const BATCH: usize = 256;

/// What a write job gets: the connection inside a transaction that the writer ends.
///
/// A job cannot begin, commit, roll back, attach or set pragmas; it undoes its effects by returning an error.
#[derive(Debug)]
pub struct WriteTx<'a> {
    connection: &'a Connection,
    rollbacks: u64,
}

impl WriteTx<'_> {
    /// How often anything was rolled back before this job, since the database was opened. Who keeps state in memory
    /// that mirrors rows compares it at the start of each job and drops the state when it has risen.
    #[must_use]
    pub fn rollbacks(&self) -> u64 {
        self.rollbacks
    }
}

impl Deref for WriteTx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

pub(crate) struct Writer {
    connection: Connection,
    fence: Fence,
    rollbacks: Cell<u64>,
}

/// How a job left the transaction.
enum Step {
    Kept,
    Undone,
    /// The whole transaction is gone or unusable, and with it the jobs before.
    Lost(DbError),
}

impl Writer {
    pub(crate) fn new(mut connection: Connection) -> Result<Self, DbError> {
        let fence = Fence::install(&mut connection)?;
        Ok(Self {
            connection,
            fence,
            rollbacks: Cell::new(0),
        })
    }

    /// Serves until the queue ends; gives the connection back for closing.
    pub(crate) fn run(self, queue: &Receiver<Box<dyn WriteJob>>) -> Connection {
        while let Ok(first) = queue.recv() {
            let mut jobs = VecDeque::from([first]);
            jobs.extend(queue.try_iter().take(BATCH - 1));
            while !jobs.is_empty() {
                self.transaction(&mut jobs);
            }
        }
        self.fence.lower();
        self.connection
    }

    /// Runs and answers jobs from the front until all are done or the transaction is lost.
    fn transaction(&self, jobs: &mut VecDeque<Box<dyn WriteJob>>) {
        if let Err(error) = self.begin() {
            return jobs.drain(..).for_each(|job| job.finish(Err(error.clone())));
        }
        let alone = jobs.len() == 1;
        let mut ran = Vec::with_capacity(jobs.len());
        let mut kept = false;
        while let Some(mut job) = jobs.pop_front() {
            let step = self.step(job.as_mut(), alone);
            ran.push(job);
            match step {
                Step::Kept => kept = true,
                Step::Undone => {}
                Step::Lost(error) => {
                    self.roll_back();
                    return ran.into_iter().for_each(|job| job.finish(Err(error.clone())));
                }
            }
        }
        let outcome = if kept { self.commit() } else { Ok(()) };
        if !kept || outcome.is_err() {
            self.roll_back();
        }
        ran.into_iter().for_each(|job| job.finish(outcome.clone()));
    }

    fn step(&self, job: &mut dyn WriteJob, alone: bool) -> Step {
        if !alone && let Err(error) = self.execute("SAVEPOINT job") {
            return Step::Lost(error);
        }
        let tx = WriteTx {
            connection: &self.connection,
            rollbacks: self.rollbacks.get(),
        };
        let keep = job.run(&tx);
        // On a full disk, an I/O error or lack of memory SQLite itself rolls everything back.
        if self.connection.is_autocommit() {
            return Step::Lost(DbError::RolledBack);
        }
        if alone {
            return if keep { Step::Kept } else { Step::Undone };
        }
        if !keep {
            self.count_rollback();
            if let Err(error) = self.execute("ROLLBACK TO job") {
                return Step::Lost(error);
            }
        }
        match self.execute("RELEASE job") {
            Ok(()) if keep => Step::Kept,
            Ok(()) => Step::Undone,
            Err(error) => Step::Lost(error),
        }
    }

    fn begin(&self) -> Result<(), DbError> {
        if !self.connection.is_autocommit() {
            // The last rollback failed; without another one every later job would fail.
            self.execute("ROLLBACK")?;
        }
        self.execute("BEGIN IMMEDIATE")
    }

    fn commit(&self) -> Result<(), DbError> {
        fail::fail_point!("sqlite.before_commit", |how: Option<String>| Err(
            match how.as_deref() {
                Some("full") => DbError::Full,
                _ => DbError::Io {
                    code: rusqlite::ffi::SQLITE_IOERR,
                },
            }
        ));
        self.execute("COMMIT")
            .inspect_err(|error| tracing::error!(%error, "a commit failed"))?;
        fail::fail_point!("sqlite.after_commit");
        Ok(())
    }

    fn roll_back(&self) {
        self.count_rollback();
        if !self.connection.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK")
        {
            tracing::error!(%error, "a rollback failed");
        }
    }

    fn count_rollback(&self) {
        self.rollbacks.set(self.rollbacks.get().wrapping_add(1));
    }

    fn execute(&self, sql: &str) -> Result<(), DbError> {
        self.fence.execute(&self.connection, sql)
    }
}
