//! The books as one file, and back.
//!
//! Everything shipped first, the books are the whole ledger as of one record: a copy of them is a backup, without the
//! journal. Whoever restores one lacks what was spent since, so the copy is marked, and admits nothing until somebody
//! has accepted that ([`crate::Recovered::restored`]): money fails closed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::OpenError;
use crate::books::upkeep;
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
    let last_record = upkeep::copy(dir, to)?;
    sync(to)?;
    let bytes = fs::metadata(to).map_err(|e| OpenError::io("read", to, e))?.len();
    Ok(Backup { last_record, bytes })
}

/// Puts a backup into a folder, which is made where it is not there. Books in it are moved aside.
///
/// # Errors
/// [`OpenError::Held`] while a gateway has the folder; what is no backup, or of a newer Farebox; what the system says.
pub fn restore(from: &Path, dir: &Path, now_ms: i64) -> Result<Restored, OpenError> {
    upkeep::check(from)?;
    make_folder(dir)?;
    let _lock = Lock::take(dir)?;
    let new = dir.join("restoring");
    let _ = fs::remove_dir_all(&new);
    make_folder(&new)?;
    fs::copy(from, upkeep::file(&new)).map_err(|e| OpenError::io("copy", from, e))?;
    let as_of_ms = upkeep::mark_incomplete(&new)?;
    sync(&upkeep::file(&new))?;
    let moved_to = set_aside(dir, &names_of_books(), "replaced", now_ms)?;
    make_folder(&dir.join(JOURNAL))?;
    fs::rename(upkeep::file(&new), upkeep::file(dir)).map_err(|e| OpenError::io("move", &new, e))?;
    sync(dir)?;
    let _ = fs::remove_dir_all(&new);
    Ok(Restored { as_of_ms, moved_to })
}

fn names_of_books() -> Vec<String> {
    upkeep::names().into_iter().chain([JOURNAL.to_owned()]).collect()
}

/// Moves what is there of these files and folders into a new folder beside them; `None`: nothing was there.
pub(crate) fn set_aside(
    dir: &Path,
    names: &[String],
    word: &str,
    now_ms: i64,
) -> Result<Option<PathBuf>, OpenError> {
    let there: Vec<&String> = names.iter().filter(|name| dir.join(name).exists()).collect();
    if there.is_empty() {
        return Ok(None);
    }
    let aside = dir.join(format!("{word}-{now_ms}"));
    DirBuilder::new().mode(0o700).create(&aside).map_err(|e| OpenError::io("make", &aside, e))?;
    for name in there {
        let path = dir.join(name);
        fs::rename(&path, aside.join(name)).map_err(|e| OpenError::io("move", &path, e))?;
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
