//! [`HoldSet`]: the balances that one request is charged to, under one number. Made once, shared by all requests
//! alike: a warm request neither gathers it again nor allocates for it.

use std::sync::{Arc, OnceLock};

use smallvec::SmallVec;

use crate::balances::Slot;
use crate::name::{BalanceId, BalanceName, Member, SetId};

/// A balance of a hold set in its place in memory, and which costs it takes ([`Member`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seat {
    slot: Slot,
    from_ms: i64,
    until_ms: i64,
}

impl Seat {
    /// A balance that takes whatever settles.
    pub const fn plain(slot: Slot) -> Self {
        Seat { slot, from_ms: i64::MIN, until_ms: i64::MAX }
    }

    /// A balance that takes what settles at or after `from_ms` and before `until_ms`, milliseconds since the Unix epoch.
    pub fn between(slot: Slot, from_ms: Option<i64>, until_ms: Option<i64>) -> Self {
        Seat { slot, from_ms: from_ms.unwrap_or(i64::MIN), until_ms: until_ms.unwrap_or(i64::MAX) }
    }

    /// Where the balance stands.
    pub const fn slot(&self) -> Slot {
        self.slot
    }

    /// As the books have it.
    pub fn member(&self) -> Member {
        Member {
            balance: self.slot.id(),
            from_ms: (self.from_ms != i64::MIN).then_some(self.from_ms),
            until_ms: (self.until_ms != i64::MAX).then_some(self.until_ms),
        }
    }

    /// Whether a cost that settles at `at_ms` is this balance's.
    pub const fn takes(&self, at_ms: i64) -> bool {
        at_ms >= self.from_ms && at_ms < self.until_ms
    }
}

/// The balances that one request is charged to, as declared in the journal under [`HoldSet::id`].
#[derive(Debug)]
pub struct HoldSet {
    id: SetId,
    seats: Box<[Seat]>,
    names: Box<[OnceLock<Arc<BalanceName>>]>,
    valid_until_ms: i64,
}

impl HoldSet {
    /// A set for requests before `valid_until_ms`, milliseconds since the Unix epoch: then a window of it turns.
    pub fn new(id: SetId, seats: &[Seat], valid_until_ms: i64) -> Self {
        let names = seats.iter().map(|_| OnceLock::new()).collect();
        HoldSet { id, seats: seats.into(), names, valid_until_ms }
    }

    /// Its number in the journal.
    pub fn id(&self) -> SetId {
        self.id
    }

    /// Its balances, in the order of the budgets.
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Whether a request is charged to nothing.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// As the journal declares it.
    pub fn members(&self) -> SmallVec<[Member; 4]> {
        self.seats.iter().map(Seat::member).collect()
    }

    /// Whether a balance is in both.
    pub fn shares_with(&self, other: &HoldSet) -> bool {
        self.seats.iter().any(|seat| other.seats.iter().any(|another| another.slot == seat.slot))
    }

    /// Whether a request that comes at `now_ms` may still use it.
    pub fn is_valid(&self, now_ms: i64) -> bool {
        now_ms < self.valid_until_ms
    }

    /// The name of one of its balances, asked for once and kept with the set.
    pub fn name(
        &self,
        id: BalanceId,
        find: impl FnOnce(Slot) -> Option<BalanceName>,
    ) -> Option<Arc<BalanceName>> {
        let place = self.seats.iter().position(|seat| seat.slot.id() == id)?;
        if let Some(name) = self.names[place].get() {
            return Some(Arc::clone(name));
        }
        let name = Arc::new(find(self.seats[place].slot)?);
        Some(Arc::clone(self.names[place].get_or_init(|| name)))
    }
}
