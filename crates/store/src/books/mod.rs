//! The books: what the journal has said so far, in SQLite, for reports and for a start that does not read the past.
//!
//! Posted in batches by one writer ([`Books`]), read by anyone ([`reader`]). A batch and the place in the journal it
//! reaches to are one transaction, so that nothing is posted twice after a crash. WAL with `synchronous = NORMAL`:
//! a power cut may take the last batches, which the journal still has; before a segment goes, one `FULL` commit
//! makes all earlier ones durable.
//!
//! Outside failures: SQLite busy, full or failing is retried and told after a while, open as long as the journal has
//! room. A contradiction between journal and books is final and closes the journal.

mod backfill;
mod connection;
mod decisions;
mod entries;
mod migrate;
mod post;
mod posting;
mod rows;
mod savings;
mod snapshot;
mod totals;

pub(crate) use connection::{check, reader, second_writer, writer};
pub(crate) use decisions::{keep_decisions, last_decisions};
pub(crate) use entries::{ended as ended_generation, entries, entry};
pub(crate) use post::{Batch, Books, PostError};
pub(crate) use rows::{balance_ids, members, members_text};
pub(crate) use savings::{add_savings, savings};
pub(crate) use snapshot::{Past, Snapshot, find_balance, open_balances};

use ledger::UpstreamKeyId;

use crate::{KeyTotal, OpenError};

/// The file, in the data folder.
pub(crate) const FILE: &str = "farebox.db";

/// For `map_err`: SQLite failed while doing this.
fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> OpenError {
    move |source| OpenError::Books { doing, source }
}

/// What is booked on an upstream key.
pub(crate) fn key_total(
    connection: &rusqlite::Connection,
    key: UpstreamKeyId,
) -> Result<KeyTotal, OpenError> {
    let sums = totals::key_sums(connection, key).map_err(failed("read"))?;
    Ok(KeyTotal { entries: sums.entries.cast_unsigned(), posted: sums.posted, exact: sums.exact })
}
