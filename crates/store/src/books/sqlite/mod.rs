//! [`Sqlite`]: the books in one file, `farebox.db`.
//!
//! WAL with `synchronous = NORMAL`: a power cut may take the last batches, which the journal still has; before a
//! segment goes, one `FULL` commit makes all earlier ones durable.

mod backfill;
mod beside;
mod connection;
mod decisions;
mod entries;
mod migrate;
mod posting;
mod reader;
mod report;
mod rows;
mod savings;
mod snapshot;
mod totals;
pub(crate) mod upkeep;
mod writer;

use std::path::PathBuf;

use crate::OpenError;
use crate::books::{Books, Reader, Writer};

/// The file, in the data folder.
pub(crate) const FILE: &str = "farebox.db";

/// The books of a data folder.
#[derive(Clone, Debug)]
pub struct Sqlite {
    dir: PathBuf,
}

impl Sqlite {
    /// Those in `dir`, whether they are there yet or not.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }
}

impl Books for Sqlite {
    fn writer(&self) -> Result<Box<dyn Writer>, OpenError> {
        Ok(Box::new(writer::SqliteWriter::new(connection::writer(&self.dir)?)))
    }

    fn reader(&self) -> Result<Box<dyn Reader>, OpenError> {
        Ok(Box::new(reader::SqliteReader::new(connection::reader(&self.dir)?)))
    }
}

/// For `map_err`: SQLite failed while doing this.
fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> OpenError {
    move |source| OpenError::Books { doing, source: Box::new(source) }
}
