//! The books as one file, and back.
//!
//! Everything shipped first, the books are the whole ledger as of one record: a copy of them is a backup, without the
//! journal. Whoever restores one lacks what was spent since, so the copy is marked, and admits nothing until somebody
//! has accepted that ([`crate::Recovered::restored`]): money fails closed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::OpenError;
use crate::books;
use crate::lock::Lock;
use crate::reading::JOURNAL;

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The last record in it.
    pub last_record: u64,
    /// Its size.
    pub bytes: u64,
}

/// A backup that was put in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The time of its last record, milliseconds since the Unix epoch.
    pub as_of_ms: i64,
    /// Where the books are that were there before.
    pub moved_to: Option<PathBuf>,
}

/// Copies the books of `dir`, which are up to date, into a new file.
pub(crate) fn make(dir: &Path, to: &Path) -> Result<Backup, OpenError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    made.map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => OpenError::Exists(to.to_path_buf()),
        _ => OpenError::io("make", to, source),
    })?;
    let copied = copy(dir, to);
    if copied.is_err() {
        // Half a backup is none.
        let _ = fs::remove_file(to);
    }
    copied
}

fn copy(dir: &Path, to: &Path) -> Result<Backup, OpenError> {
    let failed = |source| OpenError::Books { doing: "copy", source };
    let name =
        to.to_str().ok_or_else(|| OpenError::io("name", to, std::io::ErrorKind::InvalidInput.into()))?;
    books::reader(dir)?.execute("VACUUM INTO ?1", [name]).map_err(failed)?;
    sync(to)?;
    let bytes = fs::metadata(to).map_err(|e| OpenError::io("read", to, e))?.len();
    let copy = Connection::open_with_flags(to, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    let last: i64 =
        copy.query_row("SELECT seq FROM progress WHERE one = 1", [], |row| row.get(0)).map_err(failed)?;
    Ok(Backup { last_record: last.cast_unsigned(), bytes })
}

/// Puts a backup into a folder, which is made where it is not there. Books in it are moved aside.
///
/// # Errors
/// [`OpenError::Held`] while a gateway has the folder; what is no backup, or of a newer Farebox; what the system says.
pub fn restore(from: &Path, dir: &Path, now_ms: i64) -> Result<Restored, OpenError> {
    books::check(from)?;
    make_folder(dir)?;
    let _lock = Lock::take(dir)?;
    let new = dir.join("restoring.db");
    let _ = fs::remove_file(&new);
    fs::copy(from, &new).map_err(|e| OpenError::io("copy", from, e))?;
    let as_of_ms = mark(&new)?;
    let moved_to = set_aside(dir, &[books::FILE, JOURNAL], "replaced", now_ms)?;
    make_folder(&dir.join(JOURNAL))?;
    let place = dir.join(books::FILE);
    fs::rename(&new, &place).map_err(|e| OpenError::io("move", &new, e))?;
    sync(dir)?;
    Ok(Restored { as_of_ms, moved_to })
}

/// Marks a copy: its journal is not here, and what came after it is missing.
fn mark(file: &Path) -> Result<i64, OpenError> {
    let failed = |source| OpenError::Books { doing: "mark", source };
    let connection = Connection::open(file).map_err(failed)?;
    let as_of_ms = mark_incomplete(&connection).map_err(failed)?;
    connection.close().map_err(|(_, source)| failed(source))?;
    sync(file)?;
    Ok(as_of_ms)
}

/// From here on the books stand alone, without a journal, and something may be missing behind their last record.
pub(crate) fn mark_incomplete(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "UPDATE progress SET segment = 0, offset = 0, clean = 0,
               restored_ms = coalesce(restored_ms, latest_ms) WHERE one = 1 RETURNING restored_ms";
    connection.query_row(sql, [], |row| row.get(0))
}

/// Nothing is missing any more, or somebody takes it on himself.
pub(crate) fn accept(dir: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::Books { doing: "write", source };
    let connection = books::second_writer(dir)?;
    connection.execute("UPDATE progress SET restored_ms = NULL WHERE one = 1", []).map_err(failed)?;
    Ok(())
}

/// Moves what is there of these files and folders into a new folder beside them; `None`: nothing was there.
pub(crate) fn set_aside(
    dir: &Path,
    names: &[&str],
    word: &str,
    now_ms: i64,
) -> Result<Option<PathBuf>, OpenError> {
    let with_logs =
        names.iter().flat_map(|name| [(*name).to_owned(), format!("{name}-wal"), format!("{name}-shm")]);
    let there: Vec<String> = with_logs.filter(|name| dir.join(name).exists()).collect();
    if there.is_empty() {
        return Ok(None);
    }
    let aside = dir.join(format!("{word}-{now_ms}"));
    DirBuilder::new().mode(0o700).create(&aside).map_err(|e| OpenError::io("make", &aside, e))?;
    for name in there {
        let path = dir.join(&name);
        fs::rename(&path, aside.join(&name)).map_err(|e| OpenError::io("move", &path, e))?;
    }
    sync(dir)?;
    Ok(Some(aside))
}

/// For its owner alone.
pub(crate) fn make_folder(dir: &Path) -> Result<(), OpenError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| OpenError::io("make", dir, e))
}

/// A file or a folder.
fn sync(path: &Path) -> Result<(), OpenError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|e| OpenError::io("sync", path, e))
}
