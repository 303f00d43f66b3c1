//! How far the journal has come, and whether it failed: the few words its threads share without a lock.

use std::sync::atomic::Ordering;

use crate::JournalError;
use crate::sync::{AtomicU64, OnceLock};

/// Sequence numbers: `shipped` and `synced` never pass `appended`.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    appended: AtomicU64,
    synced: AtomicU64,
    shipped: AtomicU64,
    failed: OnceLock<JournalError>,
}

impl Progress {
    pub(crate) fn new(last: u64, shipped: u64) -> Self {
        assert!(shipped <= last, "books ahead of their own journal");
        Self {
            appended: AtomicU64::new(last),
            synced: AtomicU64::new(last),
            shipped: AtomicU64::new(shipped),
            failed: OnceLock::new(),
        }
    }

    pub(crate) fn appended(&self) -> u64 {
        self.appended.load(Ordering::Acquire)
    }

    pub(crate) fn set_appended(&self, seq: u64) {
        self.appended.store(seq, Ordering::Release);
    }

    pub(crate) fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    pub(crate) fn set_synced(&self, seq: u64) {
        debug_assert!(seq <= self.appended(), "synced what was not written");
        self.synced.fetch_max(seq, Ordering::AcqRel);
    }

    pub(crate) fn shipped(&self) -> u64 {
        self.shipped.load(Ordering::Acquire)
    }

    pub(crate) fn set_shipped(&self, seq: u64) {
        debug_assert!(seq <= self.appended(), "shipped what was not written");
        self.shipped.store(seq, Ordering::Release);
    }

    /// Closes the journal for good; the first failure is the one that is told. Fail closed.
    pub(crate) fn fail(&self, error: JournalError) {
        if self.failed.set(error).is_ok()
            && let Some(error) = self.failed.get()
        {
            tracing::error!(%error, "the journal is closed: no request that costs money is admitted until a restart");
        }
    }

    /// The failure, once there is one.
    pub(crate) fn failure(&self) -> Result<(), JournalError> {
        self.failed.get().map_or(Ok(()), |error| Err(error.clone()))
    }
}
