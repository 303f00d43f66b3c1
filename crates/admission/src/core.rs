//! [`Core`]: what all clones of an [`crate::Admission`] share, and the moves of money in their one right order.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ledger::mutants::{self, Mutant};
use ledger::{
    Balance, Balances, Evidence, Found, HoldId, HoldSet, Index, Scope, Seat, Slot, UnknownReason,
    UpstreamKeyId,
};
use money::Nano;
use store::sync::{AtomicBool, AtomicI64, AtomicU64, Mutex, RwLock};
use store::{Record, Recovered, Store};

use crate::ask::Ask;
use crate::keys::{Keys, SharedKey};
use crate::opening::Opening;
use crate::permit::{OpenHold, Terms};
use crate::policy::{ATTEMPT_MS_MAX, Policy};
use crate::queue::{Queue, Shortage, Wait};
use crate::refusal::{Refusal, RefusalReason};
use crate::report::{BalanceReport, Counters};
use crate::time::Time;
use crate::unknown::{UnknownHold, Unknowns};

/// Balances in memory, at most. Each takes about two hundred bytes once it is used; of a rolling window, a thousand.
const BALANCES_MAX: usize = 1_000_000;
/// How long an ended balance stays in view, milliseconds.
const RETIRE_AFTER_MS: i64 = 3_600_000;
/// Balances retired at one go.
const RETIRED_MAX: usize = 100_000;
/// From one clock record to the next, milliseconds.
const CLOCK_EVERY_MS: i64 = 60_000;

pub(crate) struct Core {
    pub(crate) store: Arc<Store>,
    pub(crate) money: Mutex<Balances>,
    pub(crate) queue: Queue,
    pub(crate) counters: Counters,
    pub(crate) time: Time,
    pub(crate) ways: RwLock<Ways>,
    /// Held while a balance or a set gets its number, and while an entry is corrected.
    pub(crate) opening: Mutex<Opening>,
    pub(crate) correcting: Mutex<()>,
    pub(crate) unknowns: Unknowns,
    pub(crate) allow_unbudgeted: bool,
    pub(crate) restored_ms: Option<i64>,
    pub(crate) is_restored: AtomicBool,
    pub(crate) next_hold: AtomicU64,
    noted_ms: AtomicI64,
}

/// What a request finds on its way: the balances it is charged to, and the key it is sent with.
#[derive(Debug)]
pub(crate) struct Ways {
    pub(crate) index: Index,
    pub(crate) keys: Keys,
}

/// The way of one request.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) found: Found,
    pub(crate) upstream_key: SharedKey,
}

impl Way {
    pub(crate) fn terms(self, ask: &Ask<'_>) -> Terms {
        Terms::of(ask, self.upstream_key, self.found.key)
    }
}

impl Ways {
    /// What a warm request finds, without an allocation.
    fn find(&self, scope: &Scope<'_>, upstream_key: UpstreamKeyId, now_ms: i64) -> Option<Way> {
        let upstream_key = self.keys.find(upstream_key)?;
        Some(Way { found: self.index.find(scope, now_ms)?, upstream_key })
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

impl Core {
    pub(crate) fn new(store: Arc<Store>, recovered: &Recovered, policy: Policy, wall_ms: i64) -> Self {
        let latest_ms = if mutants::is(Mutant::RebootTrustsClock) { 0 } else { recovered.latest_ms };
        let time = Time::start(policy.boot_clock, recovered.clock, latest_ms, wall_ms);
        let now_ms = time.latest_ms();
        // A clock that is not trusted opens no window: those of the last moment that is known to have been go on.
        let known_ms =
            recovered.clock.map_or(recovered.latest_ms, |(at_ms, _)| at_ms.max(recovered.latest_ms));
        let open_ms = if time.is_trusted() { now_ms } else { known_ms };
        let attempt_ms_max = policy.attempt_ms_max.clamp(0, ATTEMPT_MS_MAX);
        let index = Index::new(policy.budgets, attempt_ms_max, open_ms);
        Core {
            store,
            money: Mutex::new(Balances::with_room_for(BALANCES_MAX)),
            queue: Queue::default(),
            counters: Counters::default(),
            time,
            ways: RwLock::new(Ways { index, keys: Keys::new(now_ms) }),
            opening: Mutex::new(Opening::new(recovered)),
            correcting: Mutex::new(()),
            unknowns: Unknowns::default(),
            allow_unbudgeted: policy.allow_unbudgeted,
            restored_ms: recovered.restored,
            is_restored: AtomicBool::new(recovered.restored.is_some()),
            next_hold: AtomicU64::new(recovered.next_hold),
            noted_ms: AtomicI64::new(i64::MIN),
        }
    }

    /// The time to go by when the wall clock says `wall_ms`: never earlier than before.
    pub(crate) fn see(&self, wall_ms: i64) -> i64 {
        self.time.see(wall_ms)
    }

    pub(crate) fn latest_ms(&self) -> i64 {
        self.time.latest_ms()
    }

    pub(crate) fn next_hold(&self) -> HoldId {
        HoldId(self.next_hold.fetch_add(1, Ordering::Relaxed))
    }

    /// The balances of a request, opened where they were not, and the key it is sent with.
    pub(crate) fn matching(&self, ask: &Ask<'_>, now_ms: i64) -> Result<Way, RefusalReason> {
        if self.is_restored.load(Ordering::Relaxed) && !mutants::is(Mutant::RestoredAdmits) {
            return Err(RefusalReason::Restored);
        }
        let warm = self.ways.read().find(&ask.scope, ask.upstream_key, now_ms);
        let found = match warm {
            Some(way) => Ok(way),
            None => self.open_way(&ask.scope, ask.upstream_key, now_ms),
        }?;
        match found.found.set.is_empty() && !self.allow_unbudgeted {
            true => Err(RefusalReason::Unbudgeted),
            false => Ok(found),
        }
    }

    /// A balance of this set was retired: it is gathered anew.
    pub(crate) fn forget(&self, scope: &Scope<'_>, set: &HoldSet) {
        self.ways.write().index.forget(scope, set);
    }

    /// Why a request was not granted, and whether waiting helps.
    pub(crate) fn shortage(
        &self,
        ask: &Ask<'_>,
        way: Way,
        (floor, want): (Nano, Nano),
        tightest: &Balance,
    ) -> Shortage {
        let set = Arc::clone(&way.found.set);
        let out_of_reach = |balance: &Balance| balance.gone().saturating_add(floor) > balance.limit;
        let beyond = {
            let money = self.money.lock();
            let balances = set.seats().iter().filter_map(|seat| money.balance(seat.slot()));
            balances.copied().find(out_of_reach)
        };
        match beyond {
            Some(balance) => {
                Shortage::Refused(Refusal::new(RefusalReason::UsedUp, ask, self.report(&set, &balance)))
            }
            None => {
                let refusal = Refusal::new(RefusalReason::Held, ask, self.report(&set, tightest));
                Shortage::Wait(Box::new(Wait { set, floor, want, terms: way.terms(ask), refusal }))
            }
        }
    }

    pub(crate) fn give_back(&self, set: &HoldSet, amount: Nano) {
        self.money.lock().give_back(set.seats(), amount);
        self.queue.serve(&self.money, self.latest_ms());
    }

    /// Ends a hold in flight: the journal first, then the money, then the waiters.
    pub(crate) fn end(&self, hold: OpenHold, cost: Nano, text: &str, evidence: Evidence, now_ms: i64) {
        let now_ms = self.see(now_ms);
        let cost = if mutants::is(Mutant::OverrunClamped) { cost.min(hold.bound) } else { cost };
        let record = Record::Settle { hold: hold.id, at_ms: now_ms, cost, text, evidence };
        let is_journaled = self.store.append(&record).is_ok();
        // Its cost may be on the key's counter and is not in the books: as long as that is so, the key is not quiet.
        if is_journaled || mutants::is(Mutant::QuietUnsettled) {
            hold.upstream_key.land(now_ms);
        }
        if !is_journaled && !mutants::is(Mutant::SettleBeforeJournal) {
            // Not in the journal, so not settled: it stays held, and recovery will find it open.
            return;
        }
        self.money.lock().settle(hold.set.seats(), hold.bound, cost, now_ms);
        self.count_end(hold.bound, cost, evidence);
        self.queue.serve(&self.money, now_ms);
    }

    fn count_end(&self, bound: Nano, cost: Nano, evidence: Evidence) {
        match evidence {
            Evidence::Usage | Evidence::Generation => Counters::add(&self.counters.settled),
            Evidence::NeverSent | Evidence::Refused | Evidence::Insured => {
                Counters::add(&self.counters.voided)
            }
            Evidence::ControlTotal | Evidence::Attributed | Evidence::Analytics | Evidence::Operator => {
                let counter = if cost == Nano::ZERO { &self.counters.voided } else { &self.counters.settled };
                Counters::add(counter);
            }
        }
        if cost > bound {
            self.counters.overrun(cost.saturating_sub(bound));
        }
    }

    pub(crate) fn keep_unknown(
        &self,
        hold: OpenHold,
        generation: Option<String>,
        reason: UnknownReason,
        status: u16,
        now_ms: i64,
    ) {
        let now_ms = self.see(now_ms);
        if mutants::is(Mutant::UnknownAsZero) {
            return self.end(hold, Nano::ZERO, "", Evidence::Insured, now_ms);
        }
        // Should the journal fail here, recovery finds the hold open and calls it unknown by itself.
        let _ = self.store.append(&Record::Unknown { hold: hold.id, at_ms: now_ms, reason, status });
        Counters::add(&self.counters.unknowns);
        let unknown = UnknownHold {
            hold: hold.id,
            at_ms: hold.at_ms,
            since_ms: now_ms,
            bound: hold.bound,
            class: hold.class,
            model: hold.model,
            generation,
            reason,
            status,
            upstream_key: hold.upstream_key.id,
            key: hold.key,
            set: hold.set,
        };
        self.money.lock().keep_unknown(unknown.set.seats(), unknown.bound, unknown.is_stuck());
        self.unknowns.insert(unknown, now_ms);
        // Last: whoever finds the key quiet finds the hold among the unknown ones.
        hold.upstream_key.land(now_ms);
        // Who waits for this money may wait in vain now, and be in the way of others.
        self.queue.serve(&self.money, now_ms);
    }

    pub(crate) fn resolve(
        &self,
        hold: HoldId,
        cost: Nano,
        text: &str,
        evidence: Evidence,
        now_ms: i64,
    ) -> bool {
        let now_ms = self.see(now_ms);
        let Some(unknown) = self.unknowns.take(hold) else {
            return false;
        };
        let cost = if mutants::is(Mutant::OverrunClamped) { cost.min(unknown.bound) } else { cost };
        let record = Record::Settle { hold, at_ms: now_ms, cost, text, evidence };
        if self.store.append(&record).is_err() {
            self.unknowns.put_back(unknown, now_ms);
            return false;
        }
        let (seats, is_stuck) = (unknown.set.seats(), unknown.is_stuck());
        self.money.lock().settle_unknown(seats, unknown.bound, cost, is_stuck, now_ms);
        self.unknowns.ended(hold);
        self.count_end(unknown.bound, cost, evidence);
        self.queue.serve(&self.money, now_ms);
        true
    }

    pub(crate) fn tick(&self, now_ms: i64) {
        let now_ms = self.time.read(now_ms);
        if now_ms.saturating_sub(self.noted_ms.load(Ordering::Relaxed)) >= CLOCK_EVERY_MS {
            self.note_clock();
        }
        self.turn(now_ms);
        if mutants::is(Mutant::HoldTimeoutVoids) {
            for old in self.unknowns.list().iter().filter(|hold| now_ms - hold.since_ms >= 86_400_000) {
                self.resolve(old.hold, Nano::ZERO, "", Evidence::Insured, now_ms);
            }
        }
        self.queue.serve(&self.money, now_ms);
    }

    /// Writes down what the clocks say, for the next start. Should the journal fail, that start asks the upstream.
    pub(crate) fn note_clock(&self) {
        if let Some(reading) = self.time.accepted() {
            let record = Record::Clock { at_ms: reading.wall_ms, boot_ms: reading.boot_ms };
            if self.store.append(&record).is_ok() {
                self.noted_ms.store(self.latest_ms(), Ordering::Relaxed);
            }
        }
    }

    /// Opens the windows of now, so that they are open should the clock jump in them.
    pub(crate) fn turn(&self, now_ms: i64) {
        if self.time.is_trusted() && self.ways.read().index.is_due(now_ms) {
            self.ways.write().index.turn(now_ms);
        }
    }

    pub(crate) fn sweep(&self, now_ms: i64) {
        let now_ms = self.see(now_ms);
        let before_ms = now_ms.saturating_sub(RETIRE_AFTER_MS);
        let ended = self.ways.read().index.ended(before_ms, RETIRED_MAX);
        let retired: Vec<Slot> = ended.into_iter().filter(|slot| self.money.lock().retire(*slot)).collect();
        let mut ways = self.ways.write();
        retired.into_iter().for_each(|slot| ways.index.remove(slot));
        ways.index.prune(now_ms);
        ways.keys.prune(now_ms);
    }

    /// The report of one balance of a set, with its name.
    fn report(&self, set: &HoldSet, balance: &Balance) -> Option<BalanceReport> {
        let name = set.name(balance.id, |slot| self.ways.read().index.name(slot))?;
        let seat = set.seats().iter().find(|seat| seat.slot().id() == balance.id);
        let next_release_ms = seat.and_then(|seat| self.money.lock().next_release_ms(seat.slot()));
        Some(BalanceReport { next_release_ms, ..BalanceReport::new(name, balance) })
    }

    /// The balance of a set that has least left, of those that a request of now reserves on.
    pub(crate) fn tightest(&self, set: &HoldSet) -> Option<BalanceReport> {
        let now_ms = self.latest_ms();
        let tightest = {
            let mut money = self.money.lock();
            let balance = |seat: &Seat| money.expire(seat.slot(), now_ms).copied();
            set.seats().iter().filter_map(balance).min_by_key(Balance::available)
        };
        tightest.and_then(|balance| self.report(set, &balance))
    }
}
