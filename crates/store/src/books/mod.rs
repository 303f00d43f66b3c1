//! The books: what the journal has said so far, in SQLite, for reports and for a start that does not read the past.
//!
//! Posted in batches by one writer ([`Books`]), read by anyone ([`reader`]). A batch and the place in the journal it
//! reaches to are one transaction, so that nothing is posted twice after a crash. WAL with `synchronous = NORMAL`:
//! a power cut may take the last batches, which the journal still has; before a segment goes, one `FULL` commit
//! makes all earlier ones durable.
//!
//! Outside failures: SQLite busy, full or failing is retried and told after a while, open as long as the journal has
//! room. A contradiction between journal and books is final and closes the journal.

mod connection;
mod decisions;
mod generations;
mod migrate;
mod post;
mod rows;
mod savings;
mod snapshot;

pub(crate) use connection::{reader, writer};
pub(crate) use decisions::{keep_decisions, last_decisions};
pub(crate) use generations::ended as ended_generation;
pub(crate) use post::{Batch, Books, PostError};
pub(crate) use savings::{add_savings, savings};
pub(crate) use snapshot::{Snapshot, balance};

use crate::OpenError;

/// The file, in the data folder.
pub(crate) const FILE: &str = "farebox.db";

/// For `map_err`: SQLite failed while doing this.
fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> OpenError {
    move |source| OpenError::Books { doing, source }
}
