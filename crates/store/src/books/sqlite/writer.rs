//! [`SqliteWriter`]: posting a batch is one transaction, idempotent, checked against what is there.

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::posting::{Posting, Roster};
use super::rows::RowError;
use super::{beside, decisions, savings};
use crate::books::{Batch, PostError, Writer};
use crate::error::Trouble;
use crate::{ControlPoint, DecisionRow, HonestyRow, OpenError, SavingRow};

/// The one writer of the books.
#[derive(Debug)]
pub(super) struct SqliteWriter {
    connection: Connection,
    roster: Roster,
}

impl From<rusqlite::Error> for PostError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Trouble(Box::new(error))
    }
}

impl SqliteWriter {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, roster: Roster::default() }
    }

    fn post_or_nothing(&mut self, batch: &Batch) -> Result<(), PostError> {
        let Some((first, offset, _)) = batch.lines.first() else { return Ok(()) };
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (seq, latest_ms) = transaction
            .prepare_cached("SELECT seq, latest_ms FROM progress WHERE one = 1")?
            .query_row([], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))?;
        if seq + 1 != *first {
            return Err(batch.fault(*first, *offset, format!("the books reach to record {seq}")));
        }
        let mut posting = Posting::new(&transaction, &mut self.roster, batch.boot_id, latest_ms);
        for (seq, offset, line) in &batch.lines {
            posting.line(*seq, line).map_err(|error| error.at(batch, *seq, *offset))?;
        }
        posting.finish(&batch.next).map_err(|error| error.at(batch, *first, *offset))?;
        Ok(transaction.commit()?)
    }
}

impl Writer for SqliteWriter {
    fn post(&mut self, batch: &Batch) -> Result<(), PostError> {
        self.roster.bound();
        let result = self.post_or_nothing(batch);
        if result.is_err() {
            // What a transaction said that is taken back was never said.
            self.roster = Roster::default();
        }
        result
    }

    /// The log is one file, so a commit that is synced carries all commits before it.
    fn make_durable(&mut self, clean: bool) -> Result<(), Trouble> {
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let sql = "UPDATE progress SET durable = durable + 1, clean = ?1 WHERE one = 1";
        let result = self.connection.execute(sql, [clean]);
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        assert_eq!(result?, 1, "the books lost their progress row");
        Ok(())
    }

    fn keep_decisions(&mut self, rows: &[DecisionRow], kept_max: u64) -> Result<(), Trouble> {
        Ok(decisions::keep_decisions(&mut self.connection, rows, kept_max)?)
    }

    fn add_savings(&mut self, rows: &[SavingRow]) -> Result<(), Trouble> {
        Ok(savings::add_savings(&mut self.connection, rows)?)
    }

    fn add_honesty(&mut self, rows: &[HonestyRow]) -> Result<(), Trouble> {
        Ok(beside::add_honesty(&mut self.connection, rows)?)
    }

    fn clear_honesty(&mut self, model: &str, provider: Option<&str>, at_ms: i64) -> Result<usize, Trouble> {
        Ok(beside::clear_honesty(&mut self.connection, model, provider, at_ms)?)
    }

    fn keep_control(&mut self, point: &ControlPoint) -> Result<(), Trouble> {
        Ok(beside::keep_control(&mut self.connection, point)?)
    }

    /// As durable as what closes the books, for money depends on it.
    fn set_restored(&mut self, at_ms: Option<i64>) -> Result<(), Trouble> {
        self.connection.execute("UPDATE progress SET restored_ms = ?1 WHERE one = 1", [at_ms])?;
        self.make_durable(false)
    }

    /// Folds the write-ahead log into the file when nobody else reads.
    fn close(self: Box<Self>) -> Result<(), Trouble> {
        self.connection.close().map_err(|(_, error)| error.into())
    }
}

/// What is wrong with a line, before it has a place.
pub(super) enum LineError {
    Sqlite(rusqlite::Error),
    Wrong(String),
}

impl From<OpenError> for LineError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Books { source, .. } => match source.downcast::<rusqlite::Error>() {
                Ok(error) => Self::from(*error),
                Err(error) => Self::Wrong(error.to_string()),
            },
            error => Self::Wrong(error.to_string()),
        }
    }
}

impl From<rusqlite::Error> for LineError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) => Self::Wrong(error.to_string()),
            _ => Self::Sqlite(error),
        }
    }
}

impl From<RowError> for LineError {
    fn from(error: RowError) -> Self {
        match error {
            RowError::Sqlite(error) => error.into(),
            RowError::Row(what) => Self::Wrong(what),
        }
    }
}

impl LineError {
    fn at(self, batch: &Batch, seq: u64, offset: u64) -> PostError {
        match self {
            Self::Sqlite(error) => error.into(),
            Self::Wrong(what) => batch.fault(seq, offset, what),
        }
    }
}
