//! The file as a whole: copied, checked, marked, read table by table.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::{FILE, connection, failed};
use crate::OpenError;

pub(crate) use super::rows::{balance_ids, members, members_text};

/// Where it is, in a data folder.
pub(crate) fn file(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// Its names in a data folder: itself, and SQLite's beside it while somebody has it open.
pub(crate) fn names() -> [String; 3] {
    ["", "-wal", "-shm"].map(|end| format!("{FILE}{end}"))
}

/// For reading any table.
pub(crate) fn tables(dir: &Path) -> Result<Connection, OpenError> {
    connection::reader(dir)
}

/// Copies the books as they are now into an empty file; the last record in the copy.
pub(crate) fn copy(dir: &Path, to: &Path) -> Result<u64, OpenError> {
    let name =
        to.to_str().ok_or_else(|| OpenError::io("name", to, std::io::ErrorKind::InvalidInput.into()))?;
    connection::reader(dir)?.execute("VACUUM INTO ?1", [name]).map_err(failed("copy"))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let copy = Connection::open_with_flags(to, flags).map_err(failed("copy"))?;
    let sql = "SELECT seq FROM progress WHERE one = 1";
    let last: i64 = copy.query_row(sql, [], |row| row.get(0)).map_err(failed("copy"))?;
    Ok(last.cast_unsigned())
}

/// Whether a file is a copy that this program can read, and whole.
pub(crate) fn check(file: &Path) -> Result<(), OpenError> {
    connection::check(file)
}

/// From here on the books in `dir` stand alone, without a journal, and something may be missing behind their last
/// record. When that was, milliseconds since the Unix epoch.
pub(crate) fn mark_incomplete(dir: &Path) -> Result<i64, OpenError> {
    let connection = connection::writer(dir)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed("mark"))?;
    let sql = "UPDATE progress SET segment = 0, offset = 0, clean = 0,
               restored_ms = coalesce(restored_ms, latest_ms) WHERE one = 1 RETURNING restored_ms";
    let as_of_ms = connection.query_row(sql, [], |row| row.get(0)).map_err(failed("mark"))?;
    // The segments that open holds began in are of a journal that is gone; the next one counts from the start.
    connection.execute("UPDATE open_hold SET segment = NULL", []).map_err(failed("mark"))?;
    connection.close().map_err(|(_, error)| failed("mark")(error))?;
    Ok(as_of_ms)
}
