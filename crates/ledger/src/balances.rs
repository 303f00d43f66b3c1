//! The money: balances, and the few moves that change them.
//!
//! ```text
//! available = limit - posted - held - unknown
//! RESERVE available -> held      SETTLE held -> posted(cost), held -> available(bound - cost)
//! UNKNOWN held -> unknown        SETTLE of an unknown hold: the same, out of `unknown`
//! ```
//!
//! Every move is on all balances of a [`HoldSet`] or on none. An overrun (cost above the hold) is booked in full,
//! even past the limit: truth first. Nothing here allocates once [`Balances`] stands, except [`Balances::open`].

use money::Nano;
use smallvec::SmallVec;
use thiserror::Error;

use crate::name::BalanceId;

/// Where a balance stands in memory. Reused once its balance is retired, hence always paired with its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    index: u32,
    id: BalanceId,
}

impl Slot {
    /// The balance that stood here when this slot was handed out.
    pub fn id(self) -> BalanceId {
        self.id
    }
}

/// The balances that one request is charged to.
pub type HoldSet = SmallVec<[Slot; 4]>;

/// One balance, in exact money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Its number in the books.
    pub id: BalanceId,
    /// USD that may be spent in its window.
    pub limit: Nano,
    /// Known costs.
    pub posted: Nano,
    /// Bounds of requests in flight.
    pub held: Nano,
    /// Bounds of requests whose cost is not known yet.
    pub unknown: Nano,
    /// The part of `unknown` that nothing will resolve by itself: no generation id ever came back.
    pub stuck: Nano,
    /// The first instant after its window, milliseconds since the Unix epoch; `None` for `lifetime`.
    pub ends_ms: Option<i64>,
}

impl Balance {
    /// A balance that nothing has been charged to yet.
    pub fn new(id: BalanceId, limit: Nano, ends_ms: Option<i64>) -> Self {
        let zero = Nano::ZERO;
        Balance { id, limit, posted: zero, held: zero, unknown: zero, stuck: zero, ends_ms }
    }

    /// What may still be reserved; below zero after an overrun or a lowered limit.
    pub fn available(&self) -> Nano {
        self.limit.saturating_sub(self.posted).saturating_sub(self.held).saturating_sub(self.unknown)
    }

    /// What is gone for good: no hold that settles will bring it back.
    pub fn gone(&self) -> Nano {
        self.posted.saturating_add(self.stuck)
    }

    fn assert_whole(&self) {
        assert!(
            !self.stuck.is_negative() && self.stuck <= self.unknown,
            "stuck beyond unknown on {:?}",
            self.id
        );
        assert!(!self.held.is_negative(), "held below zero on {:?}", self.id);
        assert!(!self.unknown.is_negative(), "unknown below zero on {:?}", self.id);
        assert!(!self.posted.is_negative(), "posted below zero on {:?}", self.id);
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
    most: usize,
}

impl Balances {
    /// Room for `most` balances. The address space is taken at once, so that nothing moves or grows later.
    pub fn with_room_for(most: usize) -> Self {
        Balances { rows: Vec::with_capacity(most), free: Vec::with_capacity(most), most }
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
            Some(index) => {
                self.rows[index as usize] = Some(balance);
                index
            }
            None if self.rows.len() < self.most => {
                self.rows.push(Some(balance));
                u32::try_from(self.rows.len() - 1).map_err(|_| LedgerFull)?
            }
            None => return Err(LedgerFull),
        };
        Ok(Slot { index, id: balance.id })
    }

    /// The balance at a slot, unless it was retired.
    pub fn balance(&self, slot: Slot) -> Option<&Balance> {
        self.rows.get(slot.index as usize)?.as_ref().filter(|balance| balance.id == slot.id)
    }

    /// Reserves on every balance of the set, or on none: `want`, or the `share` of what the tightest balance has left,
    /// but never less than `floor`. Returns what was reserved.
    ///
    /// # Errors
    /// [`Short`]; nothing has changed then.
    pub fn reserve(
        &mut self,
        set: &[Slot],
        floor: Nano,
        want: Nano,
        share: Share,
        now_ms: i64,
    ) -> Result<Nano, Short> {
        assert!(!floor.is_negative() && floor <= want, "floor {floor} and want {want} out of order");
        let mut tightest: Option<&Balance> = None;
        for slot in set {
            let balance = self.balance(*slot).ok_or(Short::Stale)?;
            if balance.ends_ms.is_some_and(|ends| now_ms >= ends) {
                return Err(Short::Stale);
            }
            if tightest.is_none_or(|least| balance.available() < least.available()) {
                tightest = Some(balance);
            }
        }
        let amount = match tightest {
            Some(balance) if balance.available() < floor => return Err(Short::Money(*balance)),
            Some(balance) => want.min(share.of(balance.available()).max(floor)),
            None => want,
        };
        self.each(set, |balance| balance.held = balance.held.saturating_add(amount));
        Ok(amount)
    }

    /// Gives back a part of a hold that is not needed, or all of one that was never journaled.
    pub fn give_back(&mut self, set: &[Slot], amount: Nano) {
        self.each(set, |balance| balance.held = balance.held.saturating_sub(amount));
    }

    /// The hold's cost is not known: it stays charged at its bound, on view. `stuck`: and nothing can be asked for it.
    pub fn keep_unknown(&mut self, set: &[Slot], bound: Nano, stuck: bool) {
        self.each(set, |balance| {
            balance.held = balance.held.saturating_sub(bound);
            balance.unknown = balance.unknown.saturating_add(bound);
            if stuck {
                balance.stuck = balance.stuck.saturating_add(bound);
            }
        });
    }

    /// Charges an unknown hold that was recovered from the books: whatever is left, it is owed.
    pub fn charge_unknown(&mut self, set: &[Slot], bound: Nano, stuck: bool) {
        self.each(set, |balance| balance.held = balance.held.saturating_add(bound));
        self.keep_unknown(set, bound, stuck);
    }

    /// Ends a hold in flight at its cost; zero for a void. A cost above the bound is booked in full.
    pub fn settle(&mut self, set: &[Slot], bound: Nano, cost: Nano) {
        self.each(set, |balance| {
            balance.held = balance.held.saturating_sub(bound);
            balance.posted = balance.posted.saturating_add(cost);
        });
    }

    /// Ends an unknown hold at its cost; zero for a void. `stuck` as it was kept.
    pub fn settle_unknown(&mut self, set: &[Slot], bound: Nano, cost: Nano, stuck: bool) {
        self.each(set, |balance| {
            balance.unknown = balance.unknown.saturating_sub(bound);
            if stuck {
                balance.stuck = balance.stuck.saturating_sub(bound);
            }
            balance.posted = balance.posted.saturating_add(cost);
        });
    }

    /// Forgets a balance whose window has ended and that holds nothing any more. Its books stay in the store.
    /// Returns whether it is gone.
    pub fn retire(&mut self, slot: Slot) -> bool {
        let done = self
            .balance(slot)
            .is_some_and(|balance| balance.held == Nano::ZERO && balance.unknown == Nano::ZERO);
        if done {
            self.rows[slot.index as usize] = None;
            self.free.push(slot.index);
        }
        done
    }

    fn each(&mut self, set: &[Slot], mut change: impl FnMut(&mut Balance)) {
        for slot in set {
            let row = self.rows.get_mut(slot.index as usize).and_then(Option::as_mut);
            let balance = row.filter(|balance| balance.id == slot.id);
            let balance = balance.expect("a balance with a hold on it is never retired");
            change(balance);
            balance.assert_whole();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dollars(nanos: i64) -> Nano {
        Nano::from_nanos(nanos)
    }

    fn balances(limits: &[i64]) -> (Balances, HoldSet) {
        let mut balances = Balances::with_room_for(limits.len());
        let set = limits
            .iter()
            .enumerate()
            .map(|(n, &limit)| {
                let id = BalanceId(n as u32);
                let limit = dollars(limit);
                balances.open(Balance::new(id, limit, Some(100))).unwrap()
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
        assert_eq!(money.balance(set[0]).unwrap().held, dollars(3), "nothing was left on the wide one");
    }

    #[test]
    fn what_is_left_is_lent_down_to_the_floor() {
        let (mut money, set) = balances(&[10, 4]);
        assert_eq!(money.reserve(&set, dollars(2), dollars(7), Share::Whole, 0), Ok(dollars(4)));
        money.settle(&set, dollars(4), dollars(1));
        assert_eq!(money.balance(set[1]).unwrap().available(), dollars(3));
        assert_eq!(money.balance(set[0]).unwrap().posted, dollars(1));
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
        assert_eq!(money.balance(set[0]).unwrap().gone(), dollars(4));
        money.settle_unknown(&set, dollars(4), dollars(9), true);
        let balance = *money.balance(set[0]).unwrap();
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
        assert!(!money.retire(set[0]), "a hold is open");
        money.give_back(&set, dollars(1));
        assert!(money.retire(set[0]));
        assert_eq!(money.reserve(&set, dollars(1), dollars(1), Share::Whole, 0), Err(Short::Stale));
        let (id, limit) = (BalanceId(7), dollars(5));
        let slot = money.open(Balance::new(id, limit, None));
        assert_ne!(slot.unwrap(), set[0], "the place is reused, the name is not");
        assert!(money.balance(set[0]).is_none());
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
                        if unknown { money.settle_unknown(&set, bound, cost, false) } else { money.settle(&set, bound, cost) }
                    }
                    (_, None) => {}
                }
                for slot in &set {
                    let balance = money.balance(*slot).unwrap();
                    prop_assert!(!balance.available().is_negative());
                    let open: Nano = open.iter().map(|(bound, _)| *bound).sum();
                    prop_assert_eq!(balance.held.saturating_add(balance.unknown), open);
                }
            }
        }
    }
}
