//! Posting a stretch of the journal: one transaction, idempotent, checked against what is there.

use std::path::PathBuf;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::posting::{Posting, Roster};
use super::rows::RowError;
use crate::disk::BootId;
use crate::error::Fault;
use crate::journal::Extent;
use crate::line::Line;
use crate::{DecisionRow, OpenError, SavingRow};

/// A stretch of one segment.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) path: PathBuf,
    /// The boot of the machine that the segment was written in.
    pub(crate) boot_id: Option<BootId>,
    /// Sequence number, offset, record; dense.
    pub(crate) lines: Vec<(u64, u64, Line)>,
    /// Where the next record begins.
    pub(crate) next: Extent,
}

/// Why a batch was not posted.
#[derive(Debug)]
pub(crate) enum PostError {
    /// May pass by itself.
    Sqlite(rusqlite::Error),
    /// Never passes.
    Disagree(Fault),
    /// The journal failed; it knows why.
    Closed,
}

impl From<rusqlite::Error> for PostError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// The one writer of the books.
#[derive(Debug)]
pub(crate) struct Books {
    connection: Connection,
    roster: Roster,
}

impl Books {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, roster: Roster::default() }
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Posts a batch and the place it reaches to, or nothing.
    pub(crate) fn post(&mut self, batch: &Batch) -> Result<(), PostError> {
        self.roster.bound();
        let result = self.post_or_nothing(batch);
        if result.is_err() {
            // What a transaction said that is taken back was never said.
            self.roster = Roster::default();
        }
        result
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

    /// Returns when everything posted so far survives a power cut: the log is one file, so a commit that is synced
    /// carries all commits before it. `clean` says that nothing will follow.
    pub(crate) fn make_durable(&mut self, clean: bool) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let sql = "UPDATE progress SET durable = durable + 1, clean = ?1 WHERE one = 1";
        let result = self.connection.execute(sql, [clean]);
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        result.map(|changed| assert_eq!(changed, 1, "the books lost their progress row"))
    }

    pub(crate) fn keep_decisions(&mut self, rows: &[DecisionRow], kept_max: u64) -> rusqlite::Result<()> {
        super::keep_decisions(&mut self.connection, rows, kept_max)
    }

    pub(crate) fn add_savings(&mut self, rows: &[SavingRow]) -> rusqlite::Result<()> {
        super::add_savings(&mut self.connection, rows)
    }

    /// Closes the file, which folds the write-ahead log into it when nobody else reads.
    pub(crate) fn close(self) -> rusqlite::Result<()> {
        self.connection.close().map_err(|(_, error)| error)
    }
}

impl Batch {
    fn fault(&self, seq: u64, offset: u64, what: String) -> PostError {
        PostError::Disagree(Fault { file: self.path.clone(), offset, seq, what })
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
            OpenError::Books { source, .. } => source.into(),
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
            Self::Sqlite(error) => PostError::Sqlite(error),
            Self::Wrong(what) => batch.fault(seq, offset, what),
        }
    }
}
