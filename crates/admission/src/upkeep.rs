//! What an operator does to the books through the process that has them open.

use std::path::Path;
use std::sync::atomic::Ordering;

use ledger::HoldId;
use store::Backup;

use crate::Admission;

impl Admission {
    /// Copies the books into a new file, whole as of its last record. Blocks for as long as it takes to write.
    ///
    /// # Errors
    /// As [`store::Store::back_up`].
    pub fn back_up(&self, to: &Path) -> Result<Backup, store::OpenError> {
        self.core.store.back_up(to)
    }

    /// Whether a hold has ended, as far as the books know; its cost may be corrected then. Reads the books.
    ///
    /// # Errors
    /// When they cannot be brought up to date or read.
    pub fn find_entry(&self, hold: HoldId) -> Result<bool, store::OpenError> {
        self.core.store.flush().map_err(store::OpenError::Journal)?;
        Ok(self.core.store.entry(hold)?.is_some())
    }

    /// Writes down what an operator did, and why.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn note_action(&self, who: &str, what: &str, now_ms: i64) -> Result<(), store::JournalError> {
        let at_ms = self.core.see(now_ms);
        self.core.store.append(&store::Record::Action { at_ms, who, what }).map(drop)
    }

    /// Goes on with books that may miss calls: the mark goes from the books first, and then calls are admitted.
    ///
    /// # Errors
    /// When the books cannot be written.
    pub fn accept_restored(&self) -> Result<(), store::OpenError> {
        self.core.store.accept_restored()?;
        self.core.is_restored.store(false, Ordering::SeqCst);
        Ok(())
    }
}
