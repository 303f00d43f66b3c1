//! Connections to the books: the one that writes, and those that only read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{FILE, failed, migrate};
use crate::OpenError;

/// 3.7.0 to 3.51.2 can corrupt a write-ahead log that two connections use (fixed in 3.51.3).
const SQLITE_MIN: i32 = 3_051_003;
const BUSY: Duration = Duration::from_secs(5);

/// Opens the books for writing; creates or migrates them.
pub(super) fn writer(dir: &Path) -> Result<Connection, OpenError> {
    check_sqlite()?;
    let file = dir.join(FILE);
    let mut connection = Connection::open(&file).map_err(failed("open"))?;
    connection.busy_timeout(BUSY).map_err(failed("open"))?;
    for (pragma, value) in [
        ("journal_mode", "WAL"),
        ("synchronous", "FULL"),
        // Pages, 64 MB in all: what is changed again and again is carried over once.
        ("wal_autocheckpoint", "16000"),
        // KiB. A batch over balances far apart changes thousands of pages, each of which would be written more than
        // once if they did not fit.
        ("cache_size", "-65536"),
        ("foreign_keys", "ON"),
        ("trusted_schema", "OFF"),
    ] {
        connection
            .pragma_update_and_check(None, pragma, value, |_| Ok(()))
            .or_else(|error| match error {
                // A pragma that answers with nothing.
                rusqlite::Error::QueryReturnedNoRows => Ok(()),
                error => Err(error),
            })
            .map_err(failed("set up"))?;
    }
    migrate::migrate(&mut connection, &file)?;
    connection.pragma_update(None, "synchronous", "NORMAL").map_err(failed("set up"))?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Whether a file is a backup that this program can read, and whole.
pub(super) fn check(file: &Path) -> Result<(), OpenError> {
    check_sqlite()?;
    if !file.is_file() {
        return Err(OpenError::Absent(file.to_path_buf()));
    }
    let connection =
        Connection::open_with_flags(uri(file), OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI);
    let connection = connection.map_err(failed("open"))?;
    if migrate::version(&connection, file)? == 0 {
        return Err(OpenError::Row(format!("{} is no backup of farebox's", file.display())));
    }
    let told: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed("check"))?;
    match told.as_str() {
        "ok" => Ok(()),
        told => Err(OpenError::Row(format!("{}: {told}", file.display()))),
    }
}

/// Opens the books for reading, while a gateway writes them or not.
pub(super) fn reader(dir: &Path) -> Result<Connection, OpenError> {
    check_sqlite()?;
    let file = dir.join(FILE);
    if !file.is_file() {
        return Err(OpenError::Absent(dir.to_path_buf()));
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri(&file), flags).map_err(failed("open"))?;
    connection.busy_timeout(BUSY).map_err(failed("open"))?;
    match migrate::version(&connection, &file)? {
        0 => Err(OpenError::Absent(dir.to_path_buf())),
        migrate::VERSION => {
            connection.set_prepared_statement_cache_capacity(32);
            Ok(connection)
        }
        found => Err(OpenError::TooOld { file, found, known: migrate::VERSION }),
    }
}

/// Without a write-ahead log nobody has the books open: then not even its index file is made beside them.
fn uri(file: &Path) -> PathBuf {
    let log = file.with_extension("db-wal");
    let Some(text) = file.to_str() else { return file.to_path_buf() };
    let escaped = text.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let mode = if log.exists() { "" } else { "&immutable=1" };
    PathBuf::from(format!("file:{escaped}?mode=ro{mode}"))
}

fn check_sqlite() -> Result<(), OpenError> {
    if rusqlite::version_number() < SQLITE_MIN {
        return Err(OpenError::OldSqlite { found: rusqlite::version().to_owned() });
    }
    Ok(())
}
