//! What a store remembers when it is opened: the balances and holds that still matter.

use std::collections::BTreeMap;

use ledger::{
    BalanceId, BalanceName, BoundClass, HoldId, Member, Rolling, SetId, UnknownReason, UpstreamKeyId,
};
use money::Nano;
use smallvec::SmallVec;

/// The balances of a hold, each with the costs it takes.
pub type Members = SmallVec<[Member; 4]>;

/// The state of the ledger after the last valid record, without its past.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Balances, by id, whose window is open (or ended less than [`Recovered::GRACE_MS`] before `latest_ms`) or on
    /// which a hold is open. From [`crate::read`] all of them; from [`crate::Store::open`] those with an open hold
    /// and those that the books may not know in full yet: the others are found by [`crate::Store::find_balance`].
    pub balances: Vec<BalanceRow>,
    /// Holds that have not ended, by id.
    pub open: Vec<OpenHold>,
    /// The first balance id that was never given.
    pub next_balance: u32,
    /// The first set id that was never given.
    pub next_set: u32,
    /// The first hold id above all that were given.
    pub next_hold: u64,
    /// The highest time at which money moved, milliseconds since the Unix epoch; 0 in a new store.
    pub latest_ms: i64,
    /// The last [`crate::Record::Clock`] of this boot of the machine: wall clock and time since boot, milliseconds.
    /// `None` after a reboot, or when the system does not name its boots.
    pub clock: Option<(i64, i64)>,
    /// The books come from a backup of this instant, milliseconds since the Unix epoch, and nobody has accepted
    /// yet that what was spent since is missing: nothing may be admitted.
    pub restored: Option<i64>,
    /// Whether nothing acknowledged can be missing: the machine has not restarted since (same boot id), or the
    /// records were written with [`crate::Durability::Power`].
    pub exact: bool,
    /// Bytes of an unfinished record, or of records that a power cut left without their predecessors, which were
    /// cut off the end. None of them was acknowledged as durable.
    pub torn_bytes: u64,
    /// Sentences for the log about anything unusual.
    pub notes: Vec<String>,
}

impl Recovered {
    /// How long after its end a window is still returned, milliseconds.
    pub const GRACE_MS: i64 = 3_600_000;

    /// Adds balances of the books where nothing newer is known, and drops what does not count any more.
    pub(crate) fn add_balances(&mut self, rows: Vec<BalanceRow>) {
        let mut known: BTreeMap<BalanceId, BalanceRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        known.extend(self.balances.drain(..).map(|row| (row.id, row)));
        known.values_mut().for_each(|row| row.expire(self.latest_ms));
        self.balances = known.into_values().collect();
    }
}

/// One balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceRow {
    /// Its number.
    pub id: BalanceId,
    /// What it counts.
    pub name: BalanceName,
    /// Its limit, as last declared.
    pub limit: Nano,
    /// The sum of the costs of its settled holds, corrections included. Of a rolling window: since its first hold;
    /// what counts is in `buckets`.
    pub posted: Nano,
    /// Of a rolling window: first instant and sum of each bucket that counts at the highest time known, oldest
    /// first. Else empty.
    pub buckets: Vec<(i64, Nano)>,
}

impl BalanceRow {
    /// One that nothing is posted on.
    pub(crate) fn new(id: BalanceId, name: BalanceName, limit: Nano) -> Self {
        Self { id, name, limit, posted: Nano::ZERO, buckets: Vec::new() }
    }

    /// What counts against the limit: of a rolling window the buckets, else all that was posted.
    pub fn counted(&self) -> Nano {
        match Rolling::from_words(&self.name.window) {
            Some(_) => self.buckets.iter().map(|(_, sum)| *sum).sum(),
            None => self.posted,
        }
    }

    /// Posts a cost that settled at `at_ms`, or takes a part of it back. `None`: more than can be counted.
    pub(crate) fn post(&mut self, amount: Nano, at_ms: i64, latest_ms: i64) -> Option<()> {
        self.posted = self.posted.checked_add(amount)?;
        if let Some(rolling) = Rolling::from_words(&self.name.window) {
            let bucket = rolling.bucket_of(at_ms);
            match self.buckets.binary_search_by_key(&bucket, |(starts_ms, _)| *starts_ms) {
                Ok(at) => self.buckets[at].1 = self.buckets[at].1.checked_add(amount)?,
                Err(at) if rolling.counts(bucket, latest_ms) => self.buckets.insert(at, (bucket, amount)),
                Err(_) => {}
            }
        }
        self.expire(latest_ms);
        Some(())
    }

    /// Drops the buckets that do not count any more.
    pub(crate) fn expire(&mut self, latest_ms: i64) {
        if let Some(rolling) = Rolling::from_words(&self.name.window) {
            self.buckets.retain(|(starts_ms, _)| rolling.counts(*starts_ms, latest_ms));
        }
    }
}

/// A hold that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenHold {
    /// Its number.
    pub hold: HoldId,
    /// When it was made, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The most it may cost; held on each of `members`.
    pub bound: Nano,
    /// How well the bound is founded.
    pub class: BoundClass,
    /// The set it is held on; `None` for a hold of before there were sets.
    pub set: Option<SetId>,
    /// The balances of that set.
    pub members: Members,
    /// The upstream key it was sent with.
    pub upstream_key: UpstreamKeyId,
    /// The `key` label of the request; empty without one.
    pub key: String,
    /// The model asked for.
    pub model: String,
    /// The upstream's id of the generation, once its headers arrived.
    pub generation: Option<String>,
    /// Why its cost is not known, and the HTTP status of the answer (0: none), once that was recorded.
    pub unknown: Option<(UnknownReason, u16)>,
    /// When `unknown` was first recorded, milliseconds since the Unix epoch; 0 while it is `None`.
    pub unknown_since_ms: i64,
}

impl OpenHold {
    /// Notes that the cost is unknown; the first time counts, the last reason does.
    pub(crate) fn mark_unknown(&mut self, reason: UnknownReason, status: u16, at_ms: i64) {
        if self.unknown.is_none() {
            self.unknown_since_ms = at_ms;
        }
        self.unknown = Some((reason, status));
    }
}
