//! The schema of the books, brought up to date in one transaction. The version is SQLite's `user_version`.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{backfill, failed};
use crate::OpenError;

/// Each migration, in order; never edited once released.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_books.sql"),
    include_str!("migrations/0002_generation.sql"),
    include_str!("migrations/0003_savings.sql"),
    include_str!("migrations/0004_evidence.sql"),
    include_str!("migrations/0005_counts.sql"),
];

/// The migration that made the tables of sums.
const SUMS: u32 = 4;

/// The newest schema known here.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// The schema version of an open file; [`OpenError::TooNew`] when it is beyond this program.
pub(super) fn version(connection: &Connection, file: &Path) -> Result<u32, OpenError> {
    let found: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed("read the version of"))?;
    if found > VERSION {
        return Err(OpenError::TooNew { file: file.to_path_buf(), found, known: VERSION });
    }
    Ok(found)
}

/// Runs the migrations that the file has not seen.
pub(super) fn migrate(connection: &mut Connection, file: &Path) -> Result<(), OpenError> {
    if version(connection, file)? == VERSION {
        return Ok(());
    }
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed("migrate"))?;
    let from = version(&transaction, file)?;
    for sql in &MIGRATIONS[from as usize..] {
        transaction.execute_batch(sql).map_err(failed("migrate"))?;
    }
    if (1..SUMS).contains(&from) {
        backfill::totals(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", VERSION).map_err(failed("migrate"))?;
    transaction.commit().map_err(failed("migrate"))
}
