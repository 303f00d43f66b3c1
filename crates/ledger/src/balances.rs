//! The money: balances, and the few moves that change them.
//!
//! ```text
//! available = limit - posted - held - unknown
//! RESERVE available -> held      SETTLE held -> posted(cost), held -> available(bound - cost)
//! UNKNOWN held -> unknown        SETTLE of an unknown hold: the same, out of `unknown`
//! EXPIRE  posted -> available    of a rolling window, when a bucket is older than the window
//! ```
//!
//! Every move is on all balances of a set or on none; a cost is posted to those that take what settles at its instant
//! ([`Seat`]). An overrun (cost above the hold) is booked in full, even past the limit: truth first. Nothing here
//! allocates once [`Balances`] stands, except opening a balance.

use money::Nano;
use thiserror::Error;

use crate::balance::Balance;
use crate::hold_set::Seat;
use crate::mutants::{self, Mutant};
use crate::name::BalanceId;
use crate::ring::Ring;
use crate::rolling::Rolling;

/// Where a balance stands in memory. Reused once its balance is retired, hence always paired with its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    index: u32,
    id: BalanceId,
}

impl Slot {
    /// The balance that stood here when this slot was handed out.
    pub const fn id(self) -> BalanceId {
        self.id
    }

    /// The place among all balances.
    pub(crate) const fn place(self) -> usize {
        self.index as usize
    }
}

/// How much of what is left one request may take, beyond its floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// All of it.
    Whole,
    /// Half of it: others are waiting.
    Half,
}

impl Share {
    fn of(self, available: Nano) -> Nano {
        match self {
            Share::Whole => available,
            Share::Half => Nano::from_nanos(available.nanos() / 2),
        }
    }
}

/// Why a reserve did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Short {
    /// This balance has too little: the tightest one of the set.
    Money(Balance),
    /// A window of the set has ended, or its balance was retired: match again.
    Stale,
}

/// There are as many balances as this machine may hold.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("too many balances are open; use fewer distinct `per` values or shorter windows")]
pub struct LedgerFull;

/// All balances in memory.
#[derive(Debug)]
pub struct Balances {
    rows: Vec<Option<Balance>>,
    free: Vec<u32>,
    rings: Vec<Option<Ring>>,
    free_rings: Vec<u32>,
    most: usize,
}

impl Balances {
    /// Room for `most` balances. The address space is taken at once, so that nothing moves or grows later.
    pub fn with_room_for(most: usize) -> Self {
        let (rows, free) = (Vec::with_capacity(most), Vec::with_capacity(most));
        Balances { rows, free, rings: Vec::new(), free_rings: Vec::new(), most }
    }

    /// Whether one more balance can be opened.
    pub fn has_room(&self) -> bool {
        !self.free.is_empty() || self.rows.len() < self.most
    }

    /// Puts a balance in its place.
    ///
    /// # Errors
    /// When all places are taken.
    pub fn open(&mut self, balance: Balance) -> Result<Slot, LedgerFull> {
        balance.assert_whole();
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.rows.len() < self.most => {
                self.rows.push(None);
                u32::try_from(self.rows.len() - 1).map_err(|_| LedgerFull)?
            }
            None => return Err(LedgerFull),
        };
        self.rows[index as usize] = Some(balance);
        Ok(Slot { index, id: balance.id })
    }

    /// Puts a balance of a rolling window in its place, with the buckets that the books have: first instant,
    /// milliseconds since the Unix epoch, and cost. What is posted is what of them counts at `now_ms`.
    ///
    /// # Errors
    /// When all places are taken.
    pub fn open_rolling(
        &mut self,
        mut balance: Balance,
        rolling: Rolling,
        buckets: &[(i64, Nano)],
        now_ms: i64,
    ) -> Result<Slot, LedgerFull> {
        if !self.has_room() {
            return Err(LedgerFull);
        }
        let (ring, posted) = Ring::new(rolling, buckets, now_ms);
        balance.posted = posted;
        balance.ring = self.free_rings.pop().map_or_else(
            || {
                self.rings.push(None);
                u32::try_from(self.rings.len() - 1).map_err(|_| LedgerFull)
            },
            Ok,
        )?;
        self.rings[balance.ring as usize] = Some(ring);
        self.open(balance)
    }

    /// The balance at a slot, unless it was retired. Of a rolling window as of its last move: see [`Balances::expire`].
    pub fn balance(&self, slot: Slot) -> Option<&Balance> {
        self.rows.get(slot.place())?.as_ref().filter(|balance| balance.id == slot.id)
    }

    /// The balance at a slot as it stands at `now_ms`, unless it was retired.
    pub fn expire(&mut self, slot: Slot, now_ms: i64) -> Option<&Balance> {
        let balance = row(&mut self.rows, slot)?;
        expire(balance, &mut self.rings, now_ms);
        Some(balance)
    }

    /// When the next money of a rolling window is released, milliseconds since the Unix epoch.
    pub fn next_release_ms(&self, slot: Slot) -> Option<i64> {
        self.rings.get(self.balance(slot)?.ring as usize)?.as_ref()?.next_release_ms()
    }

    /// Another limit for the same balance; what was spent stays spent.
    pub fn set_limit(&mut self, slot: Slot, limit: Nano) {
        if let Some(balance) = row(&mut self.rows, slot) {
            balance.limit = limit;
        }
    }

    /// Reserves on every balance of the set, or on none: `want`, or the `share` of what the tightest balance has left,
    /// but never less than `floor`. Returns what was reserved.
    ///
    /// # Errors
    /// [`Short`]; nothing has changed then, but that old costs of rolling windows were released.
    pub fn reserve(
        &mut self,
        seats: &[Seat],
        floor: Nano,
        want: Nano,
        share: Share,
        now_ms: i64,
    ) -> Result<Nano, Short> {
        assert!(!floor.is_negative() && floor <= want, "floor {floor} and want {want} out of order");
        let mut tightest: Option<(Nano, Slot)> = None;
        for seat in seats {
            let slot = seat.slot();
            let balance = row(&mut self.rows, slot).ok_or(Short::Stale)?;
            if balance.has_ended(now_ms) {
                return Err(Short::Stale);
            }
            expire(balance, &mut self.rings, now_ms);
            let available = balance.available();
            if tightest.is_none_or(|(least, _)| available < least) {
                tightest = Some((available, slot));
            }
        }
        let amount = match tightest {
            Some((available, slot)) if available < floor => {
                return Err(self.balance(slot).map_or(Short::Stale, |balance| Short::Money(*balance)));
            }
            Some((available, _)) => want.min(share.of(available).max(floor)),
            None => want,
        };
        self.each(seats, amount, |balance, _| {
            balance.held = balance.held.saturating_add(amount);
            balance.assert_within_limit();
        });
        Ok(amount)
    }

    /// Gives back a part of a hold that is not needed, or all of one that was never journaled.
    pub fn give_back(&mut self, seats: &[Seat], amount: Nano) {
        self.each(seats, amount, |balance, _| balance.held = balance.held.saturating_sub(amount));
    }

    /// The hold's cost is not known: it stays charged at its bound, on view. `stuck`: and nothing can be asked for it.
    pub fn keep_unknown(&mut self, seats: &[Seat], bound: Nano, stuck: bool) {
        self.each(seats, bound, |balance, _| {
            balance.held = balance.held.saturating_sub(bound);
            balance.unknown = balance.unknown.saturating_add(bound);
            if stuck {
                balance.stuck = balance.stuck.saturating_add(bound);
            }
        });
    }

    /// Charges an unknown hold that was recovered from the books: whatever is left, it is owed.
    pub fn charge_unknown(&mut self, seats: &[Seat], bound: Nano, stuck: bool) {
        self.each(seats, bound, |balance, _| balance.held = balance.held.saturating_add(bound));
        self.keep_unknown(seats, bound, stuck);
    }

    /// Ends a hold in flight at its cost; zero for a void. A cost above the bound is booked in full. `at_ms`: as in the
    /// journal, milliseconds since the Unix epoch.
    pub fn settle(&mut self, seats: &[Seat], bound: Nano, cost: Nano, at_ms: i64) {
        let back = if mutants::is(Mutant::RestKept) { bound.min(cost) } else { bound };
        self.each_with_rings(seats, bound, |balance, seat, rings| {
            balance.held = balance.held.saturating_sub(back);
            post(balance, seat, rings, cost, at_ms);
            // Out of what is posted: out of what others hold, a balance would notice by itself.
            if mutants::is(Mutant::DoubleSettle) && balance.ring == Balance::NO_RING {
                balance.posted = balance.posted.saturating_sub(bound.min(balance.posted));
            }
        });
    }

    /// Ends an unknown hold at its cost; zero for a void. `stuck` as it was kept.
    pub fn settle_unknown(&mut self, seats: &[Seat], bound: Nano, cost: Nano, stuck: bool, at_ms: i64) {
        self.each_with_rings(seats, bound, |balance, seat, rings| {
            balance.unknown = balance.unknown.saturating_sub(bound);
            if stuck {
                balance.stuck = balance.stuck.saturating_sub(bound);
            }
            post(balance, seat, rings, cost, at_ms);
        });
    }

    /// More was billed for a hold that had ended at `settled_ms`: it goes where its cost went, and counts from `at_ms`
    /// on. Balances that were retired are passed over: the books have them.
    pub fn raise(&mut self, seats: &[Seat], more: Nano, settled_ms: i64, at_ms: i64) {
        self.each_with_rings(seats, Nano::ZERO, |balance, seat, rings| {
            if seat.takes(settled_ms) {
                add(balance, rings, more, at_ms);
            }
        });
    }

    /// Less was billed for a hold that had ended at `settled_ms`; a rolling window has it back only while that counts.
    pub fn refund(&mut self, seats: &[Seat], less: Nano, settled_ms: i64) {
        let less = if mutants::is(Mutant::RefundTwice) { less.saturating_add(less) } else { less };
        self.each_with_rings(seats, Nano::ZERO, |balance, seat, rings| {
            if seat.takes(settled_ms) {
                let back = ring(rings, balance).map_or(less, |ring| ring.take(settled_ms, less));
                balance.posted = balance.posted.saturating_sub(back.min(balance.posted));
            }
        });
    }

    /// Forgets a balance whose window has ended and that holds nothing any more. Its books stay in the store.
    /// Returns whether it is gone.
    pub fn retire(&mut self, slot: Slot) -> bool {
        let Some(balance) = self.balance(slot) else { return false };
        if balance.held != Nano::ZERO || balance.unknown != Nano::ZERO {
            return false;
        }
        if balance.ring != Balance::NO_RING {
            let ring = balance.ring;
            self.rings[ring as usize] = None;
            self.free_rings.push(ring);
        }
        self.rows[slot.place()] = None;
        self.free.push(slot.index);
        true
    }

    fn each(&mut self, seats: &[Seat], amount: Nano, mut change: impl FnMut(&mut Balance, &Seat)) {
        self.each_with_rings(seats, amount, |balance, seat, _| change(balance, seat));
    }

    /// Changes every balance, on each of which `amount` is held or unknown. Where that is nothing, the balance may have
    /// been retired: then the books alone have the change.
    fn each_with_rings(
        &mut self,
        seats: &[Seat],
        amount: Nano,
        mut change: impl FnMut(&mut Balance, &Seat, &mut [Option<Ring>]),
    ) {
        for seat in seats {
            let Some(balance) = row(&mut self.rows, seat.slot()) else {
                assert!(amount == Nano::ZERO, "a balance with a hold on it is never retired");
                continue;
            };
            change(balance, seat, &mut self.rings);
            balance.assert_whole();
        }
    }
}

fn row(rows: &mut [Option<Balance>], slot: Slot) -> Option<&mut Balance> {
    rows.get_mut(slot.place())?.as_mut().filter(|balance| balance.id == slot.id)
}

fn ring<'r>(rings: &'r mut [Option<Ring>], balance: &Balance) -> Option<&'r mut Ring> {
    match balance.ring {
        Balance::NO_RING => None,
        index => rings.get_mut(index as usize)?.as_mut(),
    }
}

fn expire(balance: &mut Balance, rings: &mut [Option<Ring>], now_ms: i64) {
    if let Some(ring) = ring(rings, balance) {
        balance.posted = balance.posted.saturating_sub(ring.expire(now_ms));
    }
}

/// Posts a cost to a balance that takes what settles now.
fn post(balance: &mut Balance, seat: &Seat, rings: &mut [Option<Ring>], cost: Nano, at_ms: i64) {
    if seat.takes(at_ms) || mutants::is(Mutant::StraddleTwice) {
        add(balance, rings, cost, at_ms);
    }
}

fn add(balance: &mut Balance, rings: &mut [Option<Ring>], cost: Nano, at_ms: i64) {
    expire(balance, rings, at_ms);
    let counted = ring(rings, balance).map_or(cost, |ring| ring.add(at_ms, cost));
    balance.posted = balance.posted.saturating_add(counted);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Seats = Vec<Seat>;

    fn dollars(nanos: i64) -> Nano {
        Nano::from_nanos(nanos)
    }

    fn balances(limits: &[i64]) -> (Balances, Seats) {
        let mut balances = Balances::with_room_for(limits.len());
        let set = limits
            .iter()
            .enumerate()
            .map(|(n, &limit)| {
                let id = BalanceId(n as u32);
                let limit = dollars(limit);
                Seat::plain(balances.open(Balance::new(id, limit, Some(100))).unwrap())
            })
            .collect();
        (balances, set)
    }

    #[test]
    fn all_or_nothing_and_the_tightest_is_named() {
        let (mut money, set) = balances(&[10, 4]);
        assert_eq!(money.reserve(&set, dollars(3), dollars(3), Share::Whole, 0), Ok(dollars(3)));
        let short = money.reserve(&set, dollars(2), dollars(5), Share::Whole, 0).unwrap_err();
        let Short::Money(tight) = short else { panic!("{short:?}") };
        assert_eq!((tight.id, tight.available()), (BalanceId(1), dollars(1)));
        assert_eq!(
            money.balance(set[0].slot()).unwrap().held,
            dollars(3),
            "nothing was left on the wide one"
        );
    }

    #[test]
    fn what_is_left_is_lent_down_to_the_floor() {
        let (mut money, set) = balances(&[10, 4]);
        assert_eq!(money.reserve(&set, dollars(2), dollars(7), Share::Whole, 0), Ok(dollars(4)));
        money.settle(&set, dollars(4), dollars(1), 0);
        assert_eq!(money.balance(set[1].slot()).unwrap().available(), dollars(3));
        assert_eq!(money.balance(set[0].slot()).unwrap().posted, dollars(1));
    }

    #[test]
    fn while_others_wait_half_is_enough() {
        let (mut money, set) = balances(&[100]);
        for (floor, want, granted) in [(10, 90, 50), (10, 20, 20), (20, 90, 20), (5, 90, 5)] {
            assert_eq!(
                money.reserve(&set, dollars(floor), dollars(want), Share::Half, 0),
                Ok(dollars(granted))
            );
        }
    }

    #[test]
    fn an_overrun_is_booked_past_the_limit_and_stops_all() {
        let (mut money, set) = balances(&[4]);
        money.reserve(&set, dollars(4), dollars(4), Share::Whole, 0).unwrap();
        money.keep_unknown(&set, dollars(4), true);
        assert_eq!(money.balance(set[0].slot()).unwrap().gone(), dollars(4));
        money.settle_unknown(&set, dollars(4), dollars(9), true, 0);
        let balance = *money.balance(set[0].slot()).unwrap();
        assert_eq!(
            (balance.posted, balance.unknown, balance.available()),
            (dollars(9), Nano::ZERO, dollars(-5))
        );
        assert!(matches!(money.reserve(&set, Nano::ZERO, Nano::ZERO, Share::Whole, 0), Err(Short::Money(_))));
    }

    #[test]
    fn an_ended_window_and_a_retired_balance_are_stale() {
        let (mut money, set) = balances(&[4]);
        assert_eq!(money.reserve(&set, dollars(1), dollars(1), Share::Whole, 100), Err(Short::Stale));
        money.reserve(&set, dollars(1), dollars(1), Share::Whole, 99).unwrap();
        assert!(!money.retire(set[0].slot()), "a hold is open");
        money.give_back(&set, dollars(1));
        assert!(money.retire(set[0].slot()));
        assert_eq!(money.reserve(&set, dollars(1), dollars(1), Share::Whole, 0), Err(Short::Stale));
        let (id, limit) = (BalanceId(7), dollars(5));
        let slot = money.open(Balance::new(id, limit, None));
        assert_ne!(slot.unwrap(), set[0].slot(), "the place is reused, the name is not");
        assert!(money.balance(set[0].slot()).is_none());
    }

    #[test]
    fn a_hold_of_nothing_outlives_its_balance() {
        let (mut money, set) = balances(&[4, 4]);
        let zero = Nano::ZERO;
        for _ in 0..2 {
            money.reserve(&set, zero, zero, Share::Whole, 0).unwrap();
        }
        assert!(money.retire(set[0].slot()), "nothing is held on it");
        money.keep_unknown(&set, zero, true);
        money.settle_unknown(&set, zero, dollars(3), true, 0);
        money.settle(&set, zero, zero, 0);
        assert_eq!(money.balance(set[1].slot()).unwrap().posted, dollars(3));
    }

    #[test]
    #[should_panic(expected = "never retired")]
    fn a_hold_of_something_does_not() {
        let (mut money, set) = balances(&[4]);
        assert!(money.retire(set[0].slot()));
        money.settle(&set, dollars(1), dollars(1), 0);
    }

    #[test]
    fn room_is_bounded() {
        let (mut money, _) = balances(&[1, 2]);
        let id = BalanceId(9);
        let more = Balance::new(id, Nano::ZERO, None);
        assert!(!money.has_room());
        assert_eq!(money.open(more), Err(LedgerFull));
    }

    proptest! {
        /// Whatever the order of moves: reserved never exceeds the limit, and every hold ends where it began.
        #[test]
        fn reserved_never_exceeds_the_limit(
            limits in prop::collection::vec(0..1_000_i64, 1..5),
            moves in prop::collection::vec((0..400_i64, 0..400_i64, 0..4_u8, 0..100_i64), 1..60),
        ) {
            let (mut money, set) = balances(&limits);
            let mut open: Vec<(Nano, bool)> = Vec::new();
            for (floor, extra, what, cost) in moves {
                match (what, open.pop()) {
                    (0, last) => {
                        open.extend(last);
                        if let Ok(bound) = money.reserve(&set, dollars(floor), dollars(floor + extra), Share::Whole, 0) {
                            prop_assert!(bound >= dollars(floor));
                            open.push((bound, false));
                        }
                    }
                    (1, Some((bound, false))) => {
                        money.keep_unknown(&set, bound, false);
                        open.push((bound, true));
                    }
                    (_, Some((bound, unknown))) => {
                        let cost = dollars(cost).min(bound);
                        if unknown { money.settle_unknown(&set, bound, cost, false, 0) } else { money.settle(&set, bound, cost, 0) }
                    }
                    (_, None) => {}
                }
                for seat in &set {
                    let balance = money.balance(seat.slot()).unwrap();
                    prop_assert!(!balance.available().is_negative());
                    let open: Nano = open.iter().map(|(bound, _)| *bound).sum();
                    prop_assert_eq!(balance.held.saturating_add(balance.unknown), open);
                }
            }
        }
    }
}
