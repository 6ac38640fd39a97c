//! Small helpers over rusqlite. Knows nothing of the relay's nouns.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use curo_sqlite::rusqlite::{self, Connection, OptionalExtension as _, Params, Row};

/// An unsigned number in a signed column. Numbers from outside that no column can hold saturate: nothing is stored under
/// them, so a look-up finds nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct U(pub(super) u64);

impl ToSql for U {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for U {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = i64::column_result(value)?;
        u64::try_from(number)
            .map(Self)
            .map_err(|_| FromSqlError::OutOfRange(number))
    }
}

/// Why a transaction ends without a commit.
#[derive(Debug)]
pub(super) enum Stop<R> {
    /// A rule says no; what was written so far is undone.
    Refused(Box<R>),
    /// The database failed.
    Db(DbError),
}

impl<R> Stop<R> {
    pub(super) fn refused(refusal: R) -> Self {
        Self::Refused(Box::new(refusal))
    }

    pub(super) fn map<S>(self, change: impl FnOnce(R) -> S) -> Stop<S> {
        match self {
            Self::Refused(refusal) => Stop::refused(change(*refusal)),
            Self::Db(error) => Stop::Db(error),
        }
    }
}

impl<R> From<DbError> for Stop<R> {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl<R> From<rusqlite::Error> for Stop<R> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Runs a statement that returns nothing; the number of changed rows.
pub(super) fn run(conn: &Connection, sql: &'static str, params: impl Params) -> Result<usize, DbError> {
    Ok(conn.prepare_cached(sql)?.execute(params)?)
}

/// The first row, if there is one.
pub(super) fn first<T>(
    conn: &Connection,
    sql: &'static str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, DbError> {
    Ok(conn.prepare_cached(sql)?.query_row(params, read).optional()?)
}

/// The one row that must be there.
pub(super) fn one<T>(
    conn: &Connection,
    sql: &'static str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<T, DbError> {
    Ok(conn.prepare_cached(sql)?.query_row(params, read)?)
}

/// Whether there is a row.
pub(super) fn exists(conn: &Connection, sql: &'static str, params: impl Params) -> Result<bool, DbError> {
    Ok(first(conn, sql, params, |_| Ok(()))?.is_some())
}

/// All rows.
pub(super) fn all<T>(
    conn: &Connection,
    sql: &'static str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, DbError> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params, read)?.collect::<Result<Vec<_>, _>>()?;
    Ok(rows)
}

/// Rows as long as `take` wants more; it sees each row and says whether to go on.
pub(super) fn each(
    conn: &Connection,
    sql: &'static str,
    params: impl Params,
    mut take: impl FnMut(&Row<'_>) -> Result<bool, DbError>,
) -> Result<(), DbError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        if !take(row)? {
            break;
        }
    }
    Ok(())
}
