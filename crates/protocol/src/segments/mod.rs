//! The files behind the journal of [`crate::Machine`], which takes for granted that what survives is a prefix, holds
//! everything that was told to be durable, and can always be opened again.
//!
//! ```text
//! append ── segment, segment, ... ── sync (the files this process has written to) ── told durable
//!                 └── ship ── books (a power cut takes back what is not durable) ── segments go
//! ```
//!
//! A power cut keeps what was synced, and of the rest of each file nothing, all of it, or the last record alone.

mod journal;
mod model;
mod recovery;

pub use model::{Segments, Step, World};
pub use recovery::Rest;

/// Records, at most.
const RECORDS: usize = 6;
/// Records of a segment, at most.
const CAPACITY: u8 = 2;

/// A rule of the files, named by the mistake of doing without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileRule {
    /// A segment goes before the books that carry it on are durable.
    SegmentGoesEarly,
    /// A sync covers the last file alone.
    FullSegmentsUnsynced,
    /// A sync is told before it is done.
    ToldBeforeSynced,
    /// A start syncs only what the books do not have, though they may lose what they have.
    ShippedSegmentsUnsynced,
    /// A start takes the first record after a gap for the next one.
    GapAccepted,
}
