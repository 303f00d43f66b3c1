//! [`Admission`]: the one door to the money.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

use ledger::{
    Balance, BalanceId, Balances, Budget, Evidence, HoldId, HoldSet, Index, LedgerFull, Matched, Member,
    Missing, Scope, SetId, Share, Short, Slot, UnknownReason, UpstreamKeyId,
};
use money::Nano;
use parking_lot::{Mutex, RwLock};
use store::{DecisionRow, GenerationRow, JournalError, Members, Record, Recovered, SavingRow, Store};
use thiserror::Error;

use crate::ask::Ask;
use crate::permit::{OpenHold, Reserved, Terms};
use crate::queue::{Parked, Queue, Shortage, Wait};
use crate::refusal::{Refusal, RefusalReason};
use crate::report::{BalanceReport, Counters};
use crate::unknown::{DueHold, UnknownHold, Unknowns};

/// Balances in memory, at most. Each takes about a hundred bytes once it is used.
const BALANCES_MAX: usize = 1_000_000;
/// How long an ended balance stays in view, milliseconds.
const RETIRE_AFTER_MS: i64 = 3_600_000;
/// How often a request may find its window ended between matching and reserving before something is wrong.
const STALE_MAX: usize = 8;

/// What the user wants done with money in general.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The budgets, in the order configured.
    pub budgets: Vec<Budget>,
    /// Whether a request that no budget matches may pass, unmetered.
    pub allow_unbudgeted: bool,
}

/// Why the books cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The books cannot be read.
    #[error(transparent)]
    Books(#[from] store::OpenError),
    /// More balances are open than fit.
    #[error(transparent)]
    Full(#[from] LedgerFull),
}

/// The one door to the money. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Admission {
    core: Arc<Core>,
}

pub(crate) struct Core {
    pub(crate) store: Arc<Store>,
    pub(crate) money: Mutex<Balances>,
    pub(crate) queue: Queue,
    pub(crate) counters: Counters,
    index: RwLock<Index>,
    unknowns: Unknowns,
    allow_unbudgeted: bool,
    next_hold: AtomicU64,
    next_balance: AtomicU32,
    sets: Mutex<Sets>,
    latest_ms: AtomicI64,
}

/// The hold sets declared so far, by their balances.
#[derive(Debug, Default)]
struct Sets {
    known: HashMap<Members, SetId>,
    next: u32,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

impl Admission {
    /// Takes up what the store recovered: posted costs, and open holds as unknown.
    ///
    /// # Errors
    /// When the journal cannot be written, or there are too many balances.
    pub fn open(
        store: Arc<Store>,
        recovered: Recovered,
        policy: Policy,
        now_ms: i64,
    ) -> Result<Self, OpenError> {
        let core = Core {
            store,
            money: Mutex::new(Balances::with_room_for(BALANCES_MAX)),
            queue: Queue::default(),
            counters: Counters::default(),
            index: RwLock::new(Index::new(policy.budgets)),
            unknowns: Unknowns::default(),
            allow_unbudgeted: policy.allow_unbudgeted,
            next_hold: AtomicU64::new(recovered.next_hold),
            next_balance: AtomicU32::new(recovered.next_balance),
            sets: Mutex::new(Sets { known: HashMap::new(), next: recovered.next_set }),
            latest_ms: AtomicI64::new(recovered.latest_ms.max(now_ms)),
        };
        core.take_up(recovered)?;
        Ok(Admission { core: Arc::new(core) })
    }

    /// Reserves for one attempt on every matching balance, or on none; the output cap is lowered to what the money
    /// pays for, within the ask's [`crate::Clamp`].
    ///
    /// # Errors
    /// [`Shortage`]: refused, or worth parking for.
    pub fn reserve(&self, ask: &Ask<'_>, now_ms: i64) -> Result<Reserved, Shortage> {
        let now_ms = self.core.see(now_ms);
        let Some((floor, want)) = ask.amounts() else {
            return Err(Shortage::Refused(refusal(RefusalReason::PerRequest, ask, None)));
        };
        for _ in 0..STALE_MAX {
            let set = self.core.matching(&ask.scope, now_ms).map_err(|reason| refused(reason, ask))?;
            if set.is_empty() && !self.core.allow_unbudgeted {
                return Err(refused(RefusalReason::Unbudgeted, ask));
            }
            // Who takes nothing takes nothing from those who wait.
            let queued = want > Nano::ZERO && self.core.queue.is_ahead_of(&set);
            // Whoever must queue asks for more than there can be, to learn the binding balance.
            let granted = match queued {
                false => self.core.money.lock().reserve(&set, floor, want, Share::Whole, now_ms),
                true => self.core.money.lock().reserve(&set, Nano::MAX, Nano::MAX, Share::Whole, now_ms),
            };
            match granted {
                Ok(amount) => return Ok(Reserved::new(&self.core, set, amount, Terms::of(ask))),
                Err(Short::Stale) => continue,
                Err(Short::Money(balance)) => return Err(self.shortage(ask, set, (floor, want), &balance)),
            }
        }
        Err(refused(RefusalReason::Full, ask))
    }

    fn shortage(
        &self,
        ask: &Ask<'_>,
        set: HoldSet,
        (floor, want): (Nano, Nano),
        tightest: &Balance,
    ) -> Shortage {
        let out_of_reach = |balance: &Balance| balance.gone().saturating_add(floor) > balance.limit;
        let beyond = {
            let money = self.core.money.lock();
            set.iter().filter_map(|slot| money.balance(*slot)).find(|balance| out_of_reach(balance)).copied()
        };
        match beyond {
            Some(balance) => {
                Shortage::Refused(refusal(RefusalReason::UsedUp, ask, self.core.report(&balance)))
            }
            None => {
                let refusal = refusal(RefusalReason::Held, ask, self.core.report(tightest));
                Shortage::Wait(Box::new(Wait { set, floor, want, terms: Terms::of(ask), refusal }))
            }
        }
    }

    /// Waits in line until other requests' holds have settled. The caller sets the time limit, by dropping it.
    ///
    /// # Errors
    /// The refusal, when the queue is full.
    pub fn park(&self, wait: Box<Wait>) -> Result<Parked, Box<Refusal>> {
        Parked::join(&self.core, wait)
    }

    /// Unknown holds to ask for now, of keys that the caller has at hand.
    pub fn due(&self, now_ms: i64, most: usize, has_key: impl Fn(UpstreamKeyId) -> bool) -> Vec<DueHold> {
        self.core.unknowns.due(self.core.see(now_ms), most, has_key)
    }

    /// A caller's own key is here: what is unknown on it can be asked for.
    pub fn key_is_here(&self, key: UpstreamKeyId) {
        self.core.unknowns.wake(key);
    }

    /// Evidence has come for an unknown hold. Returns whether it was still open.
    pub fn resolve(&self, hold: HoldId, cost: Nano, text: &str, evidence: Evidence, now_ms: i64) -> bool {
        self.core.resolve(hold, cost, text, evidence, now_ms)
    }

    /// Time has passed: those who wait in a window that has ended go on to the next. Call about every second.
    pub fn tick(&self, now_ms: i64) {
        let now_ms = self.core.see(now_ms);
        self.core.queue.serve(&self.core.money, now_ms);
    }

    /// Forgets balances whose window has long ended. Walks all of them: call every minute or so.
    pub fn sweep(&self, now_ms: i64) {
        let now_ms = self.core.see(now_ms);
        let ended =
            |ends_ms: Option<i64>| ends_ms.is_some_and(|ends| ends.saturating_add(RETIRE_AFTER_MS) < now_ms);
        let mut index = self.core.index.write();
        index.retain(|name, slot| !(ended(name.ends_ms) && self.core.money.lock().retire(slot)));
    }

    /// Every balance in view, by budget; a budget that nobody has used in this window shows as untouched.
    pub fn balances(&self, now_ms: i64) -> Vec<BalanceReport> {
        self.core.balances(self.core.see(now_ms))
    }

    /// The names of the budgets that a request is charged to, in the order configured.
    pub fn budgets_of(&self, scope: &Scope<'_>) -> Vec<String> {
        let index = self.core.index.read();
        let matching = index.budgets().iter().filter(|budget| budget.matches(scope));
        matching.map(|budget| budget.name.clone()).collect()
    }

    /// Every unknown hold.
    pub fn unknown_holds(&self) -> Vec<UnknownHold> {
        self.core.unknowns.list()
    }

    /// Requests parked now.
    pub fn parked(&self) -> usize {
        self.core.queue.len()
    }

    /// Counts since the start.
    pub fn counters(&self) -> &Counters {
        &self.core.counters
    }

    /// Keeps an explanation in the books. Best effort: never slows or fails a request.
    pub fn note(&self, row: DecisionRow) {
        self.core.store.note(row);
    }

    /// What was held and booked for a generation, by OpenRouter's id. Reads the books: not for a runtime's thread.
    ///
    /// # Errors
    /// When the books cannot be read.
    pub fn find_generation(&self, id: &str) -> Result<Option<GenerationRow>, store::OpenError> {
        self.core.store.find_generation(id)
    }

    /// Counts what a route saved. Best effort, beside the books: it moves no money.
    pub fn note_saving(&self, saving: SavingRow) {
        self.core.store.note_saving(saving);
    }

    /// What routes saved since a day (days since 1970-01-01), as far as it is written.
    ///
    /// # Errors
    /// When the books cannot be read.
    pub fn savings(&self, since_day: i64) -> Result<Vec<SavingRow>, store::OpenError> {
        self.core.store.savings(since_day)
    }

    /// Whether money can move.
    ///
    /// # Errors
    /// What is wrong with the journal.
    pub fn health(&self) -> Result<(), JournalError> {
        self.core.store.health()
    }
}

fn refused(reason: RefusalReason, ask: &Ask<'_>) -> Shortage {
    Shortage::Refused(refusal(reason, ask, None))
}

fn refusal(reason: RefusalReason, ask: &Ask<'_>, balance: Option<BalanceReport>) -> Refusal {
    let room = match reason {
        RefusalReason::PerRequest => ask.ceiling,
        _ => balance.as_ref().map(|balance| balance.available),
    };
    Refusal {
        reason,
        balance: balance.map(Box::new),
        needed: ask.bound.usd_at(ask.cap_floor()),
        bound: ask.bound.usd(),
        fitting_cap: room.and_then(|room| ask.bound.cap_to_ask_for(room)),
    }
}

impl Core {
    /// The time to go by: the highest seen so far.
    pub(crate) fn see(&self, now_ms: i64) -> i64 {
        self.latest_ms.fetch_max(now_ms, Ordering::Relaxed).max(now_ms)
    }

    pub(crate) fn latest_ms(&self) -> i64 {
        self.latest_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn next_hold(&self) -> HoldId {
        HoldId(self.next_hold.fetch_add(1, Ordering::Relaxed))
    }

    /// The number of this set of balances; declared when it is new.
    pub(crate) fn set_of(&self, slots: &[Slot]) -> Result<SetId, JournalError> {
        let members: Members = slots.iter().map(|slot| Member::plain(slot.id())).collect();
        let mut sets = self.sets.lock();
        if let Some(set) = sets.known.get(&members) {
            return Ok(*set);
        }
        let set = SetId(sets.next);
        self.store.append(&Record::Set { id: set, members: &members })?;
        sets.next += 1;
        sets.known.insert(members, set);
        Ok(set)
    }

    /// The balances of a request, opened where they were not.
    fn matching(&self, scope: &Scope<'_>, now_ms: i64) -> Result<HoldSet, RefusalReason> {
        {
            let index = self.index.read();
            if !index.is_due(now_ms)
                && let Matched::Open(set) = index.matching(scope)
            {
                return Ok(set);
            }
        }
        let mut index = self.index.write();
        index.turn(now_ms);
        loop {
            match index.matching(scope) {
                Matched::Open(set) => return Ok(set),
                Matched::Missing(missing) => self.open_balance(&mut index, missing)?,
            }
        }
    }

    /// A balance is in the journal before it is in memory.
    fn open_balance(
        &self,
        index: &mut Index,
        Missing { budget, name }: Missing,
    ) -> Result<(), RefusalReason> {
        if !self.money.lock().has_room() {
            return Err(RefusalReason::Full);
        }
        let limit = index.budgets()[budget].limit;
        let id = BalanceId(self.next_balance.fetch_add(1, Ordering::Relaxed));
        let record = Record::Balance { id, name: &name, limit };
        self.store.append(&record).map_err(|_| RefusalReason::Journal)?;
        let balance = Balance::new(id, limit, name.ends_ms);
        let slot = self.money.lock().open(balance).map_err(|LedgerFull| RefusalReason::Full)?;
        index.insert(budget, name, slot);
        Ok(())
    }

    fn take_up(&self, recovered: Recovered) -> Result<(), OpenError> {
        let mut index = self.index.write();
        index.turn(self.latest_ms());
        let touched: HashSet<BalanceId> = recovered.balances.iter().map(|row| row.id).collect();
        let mut rows = self.store.open_balances(self.latest_ms(), BALANCES_MAX)?;
        rows.retain(|row| !touched.contains(&row.id));
        rows.extend(recovered.balances);
        let mut slots: HashMap<BalanceId, Slot> = HashMap::with_capacity(rows.len());
        for row in rows {
            let budget = index.budget_of(&row.name);
            let limit = budget.map_or(row.limit, |budget| index.budgets()[budget].limit);
            if limit != row.limit {
                self.store.append(&Record::Balance { id: row.id, name: &row.name, limit })?;
            }
            let mut balance = Balance::new(row.id, limit, row.name.ends_ms);
            balance.posted = row.posted;
            let slot = self.money.lock().open(balance)?;
            slots.insert(row.id, slot);
            if let Some(budget) = budget {
                index.insert(budget, row.name, slot);
            }
        }
        drop(index);
        let now_ms = self.latest_ms();
        for open in recovered.open {
            let slot = |member: &Member| slots.get(&member.balance).copied();
            let set: HoldSet = open.members.iter().filter_map(slot).collect();
            assert_eq!(
                set.len(),
                open.members.len(),
                "hold {:?} is on a balance that was not recovered",
                open.hold
            );
            if open.unknown.is_none() {
                let (reason, status) = (UnknownReason::Restart, 0);
                self.store.append(&Record::Unknown { hold: open.hold, at_ms: now_ms, reason, status })?;
            }
            let (reason, status) = open.unknown.unwrap_or((UnknownReason::Restart, 0));
            let hold = UnknownHold {
                hold: open.hold,
                at_ms: open.at_ms,
                since_ms: if open.unknown.is_some() { open.unknown_since_ms } else { now_ms },
                bound: open.bound,
                class: open.class,
                model: open.model,
                generation: open.generation,
                reason,
                status,
                upstream_key: open.upstream_key,
                set,
            };
            self.money.lock().charge_unknown(&hold.set, hold.bound, hold.is_stuck());
            self.unknowns.insert(hold, now_ms);
        }
        Ok(())
    }

    pub(crate) fn give_back(&self, set: &[Slot], amount: Nano) {
        self.money.lock().give_back(set, amount);
        self.queue.serve(&self.money, self.latest_ms());
    }

    /// Ends a hold in flight: the journal first, then the money, then the waiters.
    pub(crate) fn end(&self, hold: OpenHold, cost: Nano, text: &str, evidence: Evidence, now_ms: i64) {
        let now_ms = self.see(now_ms);
        let record = Record::Settle { hold: hold.id, at_ms: now_ms, cost, text, evidence };
        if self.store.append(&record).is_err() {
            // Not in the journal, so not settled: it stays held, and recovery will find it open.
            return;
        }
        self.money.lock().settle(&hold.set, hold.bound, cost);
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
            upstream_key: hold.upstream_key,
            set: hold.set,
        };
        self.money.lock().keep_unknown(&unknown.set, unknown.bound, unknown.is_stuck());
        self.unknowns.insert(unknown, now_ms);
    }

    fn resolve(&self, hold: HoldId, cost: Nano, text: &str, evidence: Evidence, now_ms: i64) -> bool {
        let now_ms = self.see(now_ms);
        let Some(unknown) = self.unknowns.take(hold) else {
            return false;
        };
        let record = Record::Settle { hold, at_ms: now_ms, cost, text, evidence };
        if self.store.append(&record).is_err() {
            self.unknowns.put_back(unknown, now_ms);
            return false;
        }
        self.money.lock().settle_unknown(&unknown.set, unknown.bound, cost, unknown.is_stuck());
        self.count_end(unknown.bound, cost, evidence);
        self.queue.serve(&self.money, now_ms);
        true
    }

    /// The report of one balance, with its name.
    fn report(&self, balance: &Balance) -> Option<BalanceReport> {
        let name = Arc::clone(self.index.read().name(balance.id)?);
        Some(BalanceReport::new(name, balance))
    }

    /// The balance of a set that has least left.
    pub(crate) fn tightest(&self, set: &[Slot]) -> Option<BalanceReport> {
        let tightest = {
            let money = self.money.lock();
            set.iter()
                .filter_map(|slot| money.balance(*slot))
                .min_by_key(|balance| balance.available())
                .copied()
        };
        tightest.and_then(|balance| self.report(&balance))
    }

    fn balances(&self, now_ms: i64) -> Vec<BalanceReport> {
        let mut index = self.index.write();
        index.turn(now_ms);
        let money = self.money.lock();
        let mut reports: Vec<(usize, BalanceReport)> = index
            .entries()
            .filter_map(|(name, slot)| {
                let budget = index.budget_of(name)?;
                Some((budget, BalanceReport::new(Arc::clone(name), money.balance(slot)?)))
            })
            .collect();
        drop(money);
        reports.extend(index.untouched().map(|Missing { budget, name }| {
            let balance = Balance::new(BalanceId(u32::MAX), index.budgets()[budget].limit, name.ends_ms);
            (budget, BalanceReport::new(Arc::new(name), &balance))
        }));
        reports.sort_by(|(a, one), (b, other)| (a, &one.name).cmp(&(b, &other.name)));
        reports.into_iter().map(|(_, report)| report).collect()
    }
}
