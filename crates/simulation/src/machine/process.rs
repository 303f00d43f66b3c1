//! [`Process`]: one run of the gateway on the machine, from its start to its end.

use std::sync::Arc;

use admission::Admission;
use store::{JournalError, OpenError, Recovered, Store};

use super::cable::Cable;
use super::disk::ProcessDisk;

/// A running process. Dropped, it is killed.
#[derive(Debug)]
pub struct Process {
    /// Its door to the money.
    pub admission: Admission,
    /// Its store, whose syncing and shipping the world does.
    pub store: Arc<Store>,
    /// Its disk.
    pub disk: Arc<ProcessDisk>,
    /// What it found at its start.
    pub recovered: Recovered,
    pub(super) cable: Arc<Cable>,
}

/// Why a process did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartError {
    /// Another one has the folder.
    Held,
    /// The journal is damaged, and how.
    Damaged(String),
    /// The trap killed it.
    Died,
    /// Anything else.
    Failed(String),
}

impl StartError {
    pub(super) fn of(error: &OpenError) -> Self {
        match error {
            OpenError::Held { .. } => StartError::Held,
            OpenError::Damaged(fault) => StartError::Damaged(fault.to_string()),
            error => StartError::Failed(format!("{error}: {error:?}")),
        }
    }
}

impl Process {
    /// `kill -9`: whatever is dropped from now on, the disk and the books hear nothing of it.
    pub fn kill(self) {}

    /// Ends in order: everything is synced and shipped.
    ///
    /// # Errors
    /// What the store could not do; then this was a crash.
    pub fn close(self) -> Result<(), JournalError> {
        self.store.close()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.cable.pull();
        self.store.abandon();
    }
}
