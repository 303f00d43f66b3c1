//! The store.
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::{DecisionRow, JournalError, OpenError, Options, Position, Record, Recovered, Durability};

/// The open store.
#[derive(Debug)]
pub struct Store {}

impl Store {
    /// Opens or creates the store in `dir`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(_dir: &Path, _options: Options) -> Result<(Self, Recovered), OpenError> {
        Err(OpenError::Options("not built yet"))
    }
    /// Appends a record; once this returns it survives the death of the process.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn append(&self, _record: &Record<'_>) -> Result<Position, JournalError> {
        Err(JournalError::Closed)
    }
    /// A future (or [`Durable::wait`]) that ends when the record at `at` is as durable as the options ask.
    pub fn durable(&self, at: Position) -> Durable {
        Durable { at }
    }
    /// Keeps an explanation; best effort.
    pub fn note(&self, _row: DecisionRow) {}
    /// How many notes were dropped.
    pub fn notes_dropped(&self) -> u64 {
        0
    }
    /// The durability it was opened with.
    pub fn durability(&self) -> Durability {
        Durability::Power
    }
    /// Whether money can be spent.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn health(&self) -> Result<(), JournalError> {
        Err(JournalError::Closed)
    }
    /// Writes the console's address where the commands look for it.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn set_address(&self, _address: &str) -> Result<(), JournalError> {
        Err(JournalError::Closed)
    }
    /// Ships and syncs everything and ends the threads. Further calls answer as the first.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn close(&self) -> Result<(), JournalError> {
        Err(JournalError::Closed)
    }
}

/// Ends when a record is durable; `Send`, `Unpin`, runs on any executor.
#[derive(Debug)]
pub struct Durable {
    at: Position,
}

impl Durable {
    /// Blocks until it is.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn wait(self) -> Result<(), JournalError> {
        Err(JournalError::Closed)
    }
}

impl Future for Durable {
    type Output = Result<(), JournalError>;
    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Self::Output> {
        let _ = self.at;
        Poll::Ready(Err(JournalError::Closed))
    }
}

/// The state of the store in `dir`, read without lock and without writing.
///
/// # Errors
/// [`OpenError`].
pub fn read(dir: &Path) -> Result<Recovered, OpenError> {
    Err(OpenError::Absent(dir.to_path_buf()))
}
/// The last `n` decisions, newest first; only those of one request when `request` is given.
///
/// # Errors
/// [`OpenError`].
pub fn last_decisions(dir: &Path, _n: usize, _request: Option<&str>) -> Result<Vec<DecisionRow>, OpenError> {
    Err(OpenError::Absent(dir.to_path_buf()))
}
/// The console address of the gateway that has the folder open, if one does.
pub fn live_address(_dir: &Path) -> Option<String> {
    None
}
