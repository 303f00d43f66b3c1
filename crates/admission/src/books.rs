//! [`Books`]: what has ended, to be read beside the requests, and what is kept beside the money. It moves none.
//!
//! Everything here blocks on the books' file: never on a thread of a runtime.

use std::sync::Arc;

use ledger::{Evidence, HoldId, UpstreamKeyId};
use money::{Exact, Nano};
use store::{ControlPoint, EntryRow, GenerationRow, HonestyRow, JournalError, KeyTotal, OpenError, Store};

use crate::control::{self, Booked};

/// Entries read at a time, and in all for one look.
const PAGE: usize = 5_000;
const ENTRIES_MAX: usize = 1_000_000;
/// How far the clocks of a control point and of the holds after it may be apart, milliseconds.
const SLACK_MS: i64 = 120_000;

/// The books of an open ledger. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Books {
    store: Arc<Store>,
}

impl Books {
    pub(crate) fn new(store: &Arc<Store>) -> Books {
        Books { store: Arc::clone(store) }
    }

    /// Returns once everything that happened so far is in the books.
    ///
    /// # Errors
    /// Why it is not.
    pub fn flush(&self) -> Result<(), JournalError> {
        self.store.flush()
    }

    /// The entry of a hold that has ended.
    ///
    /// # Errors
    /// When the books cannot be read.
    pub fn entry(&self, hold: HoldId) -> Result<Option<EntryRow>, OpenError> {
        self.store.entry(hold)
    }

    /// Entries of holds made from one instant until before another (milliseconds since the Unix epoch), in their order,
    /// at most `most`; `after`: the last of the page before.
    ///
    /// # Errors
    /// When the books cannot be read.
    pub fn entries(
        &self,
        from_ms: i64,
        until_ms: i64,
        after: Option<HoldId>,
        most: usize,
    ) -> Result<Vec<EntryRow>, OpenError> {
        self.store.entries(from_ms, until_ms, after, most)
    }

    /// The hold that a generation was made under, open or ended.
    ///
    /// # Errors
    /// When the books cannot be read.
    pub fn find_generation(&self, id: &str) -> Result<Option<GenerationRow>, OpenError> {
        self.store.find_generation(id)
    }

    /// All that is booked on an upstream key, corrections included.
    ///
    /// # Errors
    /// When the books cannot be read.
    pub fn key_total(&self, key: UpstreamKeyId) -> Result<KeyTotal, OpenError> {
        self.store.key_total(key)
    }

    /// Keeps what OpenRouter's counter of a key said beside our sum.
    ///
    /// # Errors
    /// When the books cannot be written.
    pub fn keep_control(&self, point: &ControlPoint) -> Result<(), OpenError> {
        self.store.keep_control(point)
    }

    /// The last such point of a key.
    ///
    /// # Errors
    /// When the books cannot be read.
    pub fn last_control(&self, key: UpstreamKeyId) -> Result<Option<ControlPoint>, OpenError> {
        Ok(self.store.control_points(key)?.into_iter().next())
    }

    /// What of the books' growth on a key since a control point was surely billed since ([`control::explained`]), USD;
    /// `None` where that cannot be told. `ours`: [`Books::key_total`] of now.
    ///
    /// # Errors
    /// When the books cannot be read.
    pub fn explained(&self, point: &ControlPoint, ours: &KeyTotal) -> Result<Option<Exact>, OpenError> {
        let count = ours.entries.checked_sub(point.entries).and_then(|count| usize::try_from(count).ok());
        let Some(count) = count else { return Ok(None) };
        // At the point nothing was open on the key, so these are the last holds of it.
        let mut last = self.entries_since(point)?;
        if last.len() < count {
            return Ok(None);
        }
        let since = last.split_off(last.len() - count);
        Ok(Some(control::explained(ours.exact - point.exact, &since)))
    }

    /// The entries of a control point's key since about then, in the order of their holds; none when they are too many.
    fn entries_since(&self, point: &ControlPoint) -> Result<Vec<Booked>, OpenError> {
        let (mut own, mut after, mut all) = (Vec::new(), None, 0);
        loop {
            let page = self.entries(point.at_ms.saturating_sub(SLACK_MS), i64::MAX, after, PAGE)?;
            after = page.last().map(|entry| entry.hold);
            all += page.len();
            if all > ENTRIES_MAX {
                return Ok(Vec::new());
            }
            own.extend(page.iter().filter(|entry| entry.upstream_key == point.upstream_key).map(booked));
            if page.len() < PAGE {
                return Ok(own);
            }
        }
    }

    /// The honesty register as earlier processes left it.
    ///
    /// # Errors
    /// When the books cannot be read.
    pub fn honesty(&self) -> Result<Vec<HonestyRow>, OpenError> {
        self.store.honesty()
    }

    /// Adds counts to the honesty register. Best effort, and the one thing here that does not block.
    pub fn note_honesty(&self, counts: HonestyRow) {
        self.store.note_honesty(counts);
    }

    /// Begins the counts of a model anew, at one provider or at all.
    ///
    /// # Errors
    /// When the books cannot be written.
    pub fn clear_honesty(&self, model: &str, provider: Option<&str>, at_ms: i64) -> Result<usize, OpenError> {
        self.store.set_honesty_cleared(model, provider, at_ms)
    }
}

/// A hold of nothing stands for no call: an operator booked it for a bill of another time.
fn booked(entry: &EntryRow) -> Booked {
    let cost = Exact::parse_sum(&entry.text).unwrap_or_else(|_| Exact::from(entry.cost));
    let is_sure = entry.evidence != Evidence::Attributed && entry.bound > Nano::ZERO;
    Booked { cost, is_sure }
}
