//! What can go wrong, as values. Every I/O error of the journal is kept once it happened: money fails closed.

use std::io;
use std::path::{Path, PathBuf};

use ledger::{BalanceId, HoldId, SetId};
use thiserror::Error;

/// Why a record was not taken, or is not known to be on disk. Cheap to clone: one failure answers many waiters.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JournalError {
    /// The disk refused a write or a sync. Final for this process: what the disk holds now is only known after
    /// a restart reads it back.
    #[error("cannot {doing} {}: {reason}", file.display())]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// The file it was tried on.
        file: PathBuf,
        /// What the system answered.
        reason: String,
    },
    /// No room for the next journal segment. Passes by itself when there is room again.
    #[error("no room on disk for the next journal segment: {reason}")]
    NoSpace {
        /// What the system answered.
        reason: String,
    },
    /// The journal reached its size limit because the books do not keep up. Passes when they do.
    #[error("the journal holds {bytes} bytes that are not in the books yet (limit {bytes_max})")]
    Full {
        /// Bytes of all segments.
        bytes: u64,
        /// The limit, [`crate::Options::journal_bytes_max`].
        bytes_max: u64,
    },
    /// The books could not be written for longer than [`crate::Options::ship_grace`]. Only from
    /// [`crate::Store::health`]: the journal still takes records.
    #[error("the books have not been written for {for_ms} ms: {reason}")]
    Shipping {
        /// Since when, in milliseconds.
        for_ms: u64,
        /// The last error.
        reason: String,
    },
    /// Journal and books contradict each other. Final.
    #[error("journal and books disagree: {0}")]
    Disagree(Fault),
    /// A thread of the store panicked. Final.
    #[error("the {0} thread of the store panicked")]
    Panicked(&'static str),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The record names a hold that is not open; it was not written.
    #[error("hold {} is not open", .0.0)]
    NotOpen(HoldId),
    /// A second hold record for an open hold; it was not written.
    #[error("hold {} is open already", .0.0)]
    AlreadyOpen(HoldId),
    /// The set names a balance without a balance record before it; it was not written.
    #[error("balance {} was never declared", .0.0)]
    Undeclared(BalanceId),
    /// The hold or correction names a set without a set record before it; it was not written.
    #[error("hold set {} was never declared", .0.0)]
    UndeclaredSet(SetId),
    /// An amount below zero or a text beyond its limit; the record was not written.
    #[error("record refused: {0}")]
    Invalid(&'static str),
}

impl JournalError {
    pub(crate) fn io(doing: &'static str, file: &Path, error: &io::Error) -> Self {
        Self::Io { doing, file: file.to_path_buf(), reason: error.to_string() }
    }
}

/// What the storage of the books says when it fails.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Why a store could not be opened or read.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has the folder.
    #[error("{} is in use by process {}{}", dir.display(), pid_text(*pid), address_text(address))]
    Held {
        /// The folder.
        dir: PathBuf,
        /// The holder's process id, when its lock file says so.
        pid: Option<u32>,
        /// The holder's console address, when it has told.
        address: Option<String>,
    },
    /// There is no store in the folder (only from the read-only functions).
    #[error("no books in {}", .0.display())]
    Absent(PathBuf),
    /// An option is out of range.
    #[error("{0}")]
    Options(&'static str),
    /// The journal is damaged where it was whole before, or contradicts itself or the books.
    #[error("the journal is damaged: {0}")]
    Damaged(Fault),
    /// Written by a newer Farebox.
    #[error("{} has format {found}, this program knows {known}", file.display())]
    TooNew {
        /// The file.
        file: PathBuf,
        /// The version found.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// Written by an older Farebox, and only to be read; opening the store brings it up to date.
    #[error("{} has format {found}, this program reads {known}: the gateway brings it up to date when it starts", file.display())]
    TooOld {
        /// The file.
        file: PathBuf,
        /// The version found.
        found: u32,
        /// The version that is read.
        known: u32,
    },
    /// The books' own storage failed.
    #[error("cannot {doing} the books")]
    Books {
        /// What was tried, as a verb.
        doing: &'static str,
        /// The cause.
        #[source]
        source: Trouble,
    },
    /// A row of the books that no version of this program has written.
    #[error("the books hold an unreadable row: {0}")]
    Row(String),
    /// The linked SQLite is too old to be trusted with a write-ahead log.
    #[error("SQLite {found} is older than 3.51.3")]
    OldSqlite {
        /// The version linked.
        found: String,
    },
    /// The journal could not be carried into the books.
    #[error(transparent)]
    Journal(JournalError),
    /// A file that is to be made is there already.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The system refused something.
    #[error("cannot {doing} {}", file.display())]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// The file or folder it was tried on.
        file: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl OpenError {
    pub(crate) fn io(doing: &'static str, file: &Path, source: io::Error) -> Self {
        Self::Io { doing, file: file.to_path_buf(), source }
    }
}

fn pid_text(pid: Option<u32>) -> String {
    pid.map_or_else(|| "(unknown)".to_owned(), |pid| pid.to_string())
}

fn address_text(address: &Option<String>) -> String {
    address.as_ref().map_or_else(String::new, |address| format!(" at {address}"))
}

/// A place in the journal and what is wrong there.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{} at byte {offset} (record {seq}): {what}", file.display())]
pub struct Fault {
    /// The segment file.
    pub file: PathBuf,
    /// Byte offset in it.
    pub offset: u64,
    /// Sequence number of the record found or expected there.
    pub seq: u64,
    /// What is wrong.
    pub what: String,
}
