//! [`Balance`]: the amounts of one budget in one window, in exact money.

use money::Nano;

use crate::invariants::{self, Amounts, Broken};
use crate::name::BalanceId;

/// One balance. A cache line: sixty-four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Its number in the books.
    pub id: BalanceId,
    /// Which ring its costs are in; [`Balance::NO_RING`] unless its window rolls.
    pub(crate) ring: u32,
    /// USD that may be spent in its window.
    pub limit: Nano,
    /// Known costs; of a rolling window: those that still count.
    pub posted: Nano,
    /// Bounds of requests in flight.
    pub held: Nano,
    /// Bounds of requests whose cost is not known yet.
    pub unknown: Nano,
    /// The part of `unknown` that nothing will resolve by itself: no generation id ever came back.
    pub stuck: Nano,
    /// The first instant after its window, milliseconds since the Unix epoch; `None` for `lifetime` and `rolling`.
    pub ends_ms: Option<i64>,
}

const _: () = assert!(size_of::<Option<Balance>>() == 64);

impl Balance {
    pub(crate) const NO_RING: u32 = u32::MAX;

    /// A balance that nothing has been charged to yet.
    pub fn new(id: BalanceId, limit: Nano, ends_ms: Option<i64>) -> Self {
        let zero = Nano::ZERO;
        let (posted, held, unknown, stuck) = (zero, zero, zero, zero);
        Balance { id, ring: Self::NO_RING, limit, posted, held, unknown, stuck, ends_ms }
    }

    /// What may still be reserved; below zero after an overrun or a lowered limit.
    pub fn available(&self) -> Nano {
        self.limit.saturating_sub(self.posted).saturating_sub(self.held).saturating_sub(self.unknown)
    }

    /// What is gone for good: no hold that settles will bring it back.
    pub fn gone(&self) -> Nano {
        self.posted.saturating_add(self.stuck)
    }

    /// Whether its window has ended at `now_ms`.
    pub(crate) fn has_ended(&self, now_ms: i64) -> bool {
        self.ends_ms.is_some_and(|ends| now_ms >= ends)
    }

    /// As [`Balance::assert_whole`], right after a reserve: no overrun and no lowered limit is an excuse for that.
    #[inline]
    pub(crate) fn assert_within_limit(&self) {
        let Balance { limit, posted, held, unknown, .. } = *self;
        let amounts = Amounts { limit, posted, held, unknown, overruns: Nano::ZERO };
        if let Err(broken) = invariants::i1_within_limit(&amounts) {
            stop(self.id, &broken);
        }
    }

    /// Stops the process rather than going on with amounts that cannot be.
    #[inline]
    pub(crate) fn assert_whole(&self) {
        if let Err(broken) = invariants::i3_whole(self) {
            stop(self.id, &broken);
        }
    }
}

#[cold]
#[inline(never)]
fn stop(id: BalanceId, broken: &Broken) -> ! {
    panic!("balance {id:?}: {broken}");
}
