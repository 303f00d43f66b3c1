//! How a store is opened: what "on disk" means, and a limit on everything that could grow.

use std::time::Duration;

/// What an acknowledged record survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: [`crate::Store::durable`] waits for a group-committed `fdatasync`.
    Power,
    /// The death of the process (`kill -9`, panic, out of memory): the page cache suffices. A power cut may
    /// cost the last [`Options::sync_every`].
    Process,
}

/// How to open a [`crate::Store`]. `Options::default()` is what the gateway ships with.
#[derive(Clone, Debug)]
pub struct Options {
    /// What an acknowledged record survives.
    pub durability: Durability,
    /// Size of one journal segment, in bytes, preallocated. At least [`Options::SEGMENT_BYTES_MIN`].
    pub segment_bytes: u64,
    /// Where the journal stops taking holds because shipping does not keep up, in bytes of segments. Records
    /// that end or describe a hold get one segment more, so that what is in flight can still settle. Segments that are
    /// in the books and stay because a hold that began in them is open come on top: four, or a quarter of this limit
    /// where that is less.
    pub journal_bytes_max: u64,
    /// The longest a record waits before it is shipped to the books.
    pub ship_every: Duration,
    /// Records that make the shipper start before `ship_every`, and the most in one transaction.
    pub ship_records: usize,
    /// How long shipping may fail before [`crate::Store::health`] says so.
    pub ship_grace: Duration,
    /// How long a record that nobody waits for may stay without an `fdatasync`.
    pub sync_every: Duration,
    /// The pause before the next attempt at a new segment when the disk had no room for one.
    pub retry_after: Duration,
    /// Decisions waiting to be written; more are dropped and counted.
    pub notes_queued_max: usize,
    /// Decisions kept in the books; older ones go.
    pub notes_kept_max: u64,
}

impl Options {
    const PINNED_MAX: usize = 4;

    /// The smallest segment: room for a header and any one record.
    pub const SEGMENT_BYTES_MIN: u64 = 32 << 10;

    /// How many segments may stay for their open holds.
    pub(crate) fn pinned_max(&self) -> usize {
        let quarter = self.journal_bytes_max / 4 / self.segment_bytes;
        usize::try_from(quarter).unwrap_or(usize::MAX).min(Self::PINNED_MAX)
    }

    /// The default options with this durability.
    pub fn new(durability: Durability) -> Self {
        Self { durability, ..Self::default() }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Power,
            segment_bytes: 64 << 20,
            journal_bytes_max: 1 << 30,
            ship_every: Duration::from_millis(250),
            ship_records: 4096,
            ship_grace: Duration::from_secs(10),
            sync_every: Duration::from_millis(100),
            retry_after: Duration::from_secs(1),
            notes_queued_max: 4096,
            notes_kept_max: 20_000,
        }
    }
}
