//! [`Admission`]: the one door to the money.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ledger::mutants::{self, Mutant};
use ledger::{Balance, BalanceName, Evidence, HoldId, LedgerFull, Scope, Share, Short, UpstreamKeyId};
use money::Nano;
use smallvec::SmallVec;
use store::{DecisionRow, GenerationRow, JournalError, Recovered, SavingRow, Store};
use thiserror::Error;

use crate::ask::Ask;
use crate::books::Books;
use crate::core::Core;
use crate::correction::{CorrectError, Correction};
use crate::permit::Reserved;
use crate::policy::Policy;
use crate::queue::{Parked, Shortage, Wait};
use crate::refusal::{Refusal, RefusalReason};
use crate::report::{BalanceList, Counters};
use crate::unknown::{DueHold, UnknownHold};

/// How often a request may find its window ended between matching and reserving before something is wrong.
const STALE_MAX: usize = 8;

/// Why the books cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// More balances are open than fit.
    #[error(transparent)]
    Full(#[from] LedgerFull),
}

/// The one door to the money. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Admission {
    pub(crate) core: Arc<Core>,
}

impl Admission {
    /// Takes up what the store recovered: posted costs, and open holds as unknown. Other balances are looked up in the
    /// books when they are needed.
    ///
    /// # Errors
    /// When the journal cannot be written, or there are too many balances.
    pub fn open(
        store: Arc<Store>,
        recovered: Recovered,
        policy: Policy,
        now_ms: i64,
    ) -> Result<Self, OpenError> {
        let core = Core::new(store, &recovered, policy, now_ms);
        core.take_up(recovered)?;
        core.note_clock();
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
            return Err(refused(RefusalReason::PerRequest, ask));
        };
        let floor = if mutants::is(Mutant::ShrunkHold) { Nano::ZERO } else { floor };
        for _ in 0..STALE_MAX {
            let way = self.core.matching(ask, now_ms).map_err(|reason| refused(reason, ask))?;
            let set = &way.found.set;
            // Who takes nothing takes nothing from those who wait.
            let queued = want > Nano::ZERO && self.core.queue.is_ahead_of(set);
            let queued = queued && !mutants::is(Mutant::QueueJumped);
            // Whoever must queue asks for more than there can be, to learn the binding balance.
            let (least, most) = if queued { (Nano::MAX, Nano::MAX) } else { (floor, want) };
            let granted = self.core.money.lock().reserve(set.seats(), least, most, Share::Whole, now_ms);
            match granted {
                Ok(amount) => {
                    let set = Arc::clone(set);
                    return Ok(Reserved::new(&self.core, set, amount, way.terms(ask)));
                }
                Err(Short::Stale) => self.core.forget(&ask.scope, set),
                Err(Short::Money(tightest)) => {
                    return Err(self.core.shortage(ask, way, (floor, want), &tightest));
                }
            }
        }
        Err(refused(RefusalReason::Full, ask))
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

    /// `None` while an attempt with this upstream key is in flight, or an unknown hold is just being ended; else when the
    /// last one ended, milliseconds since the Unix epoch, and the start of this process when there was none.
    pub fn quiet_since(&self, key: UpstreamKeyId) -> Option<i64> {
        if self.core.unknowns.is_ending() {
            // Not among the unknown ones any more, and not in the books yet.
            return None;
        }
        self.core.ways.read().keys.quiet_since(key)
    }

    /// Evidence has come for an unknown hold. Returns whether it was still open.
    pub fn resolve(&self, hold: HoldId, cost: Nano, text: &str, evidence: Evidence, now_ms: i64) -> bool {
        self.core.resolve(hold, cost, text, evidence, now_ms)
    }

    /// A hold that has ended cost something else than was booked: more counts as an overrun, less is given back where
    /// it was taken. The same cost again changes nothing. Blocks until the books have it: not for a runtime's thread.
    ///
    /// # Errors
    /// [`CorrectError`]; the money has not moved then, but for [`CorrectError::Shipping`].
    pub fn correct(
        &self,
        hold: HoldId,
        cost: Nano,
        text: &str,
        evidence: Evidence,
        now_ms: i64,
    ) -> Result<Correction, CorrectError> {
        self.core.correct(hold, cost, text, evidence, now_ms)
    }

    /// Time has passed: those who wait in a window that has ended go on to the next. Call about every second.
    pub fn tick(&self, now_ms: i64) {
        self.core.tick(now_ms);
    }

    /// An answer of the upstream said in its `Date` that it is `date_ms` now (milliseconds since the Unix epoch): what
    /// confirms a wall clock that jumped.
    pub fn observe_date(&self, date_ms: i64) {
        self.core.time.hear(date_ms);
    }

    /// The time that money goes by: the highest told so far, milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        self.core.latest_ms()
    }

    /// How far the wall clock is from the time that money goes by, milliseconds (below zero: behind), while it is not
    /// trusted to open a window; `None` while it is.
    pub fn clock_is_off_by(&self) -> Option<i64> {
        self.core.time.off_ms()
    }

    /// Forgets balances whose window has long ended. Walks all of them: call every minute or so.
    pub fn sweep(&self, now_ms: i64) {
        self.core.sweep(now_ms);
    }

    /// The balances in view, by budget; a budget that nobody has used in this window shows as untouched. Reads the
    /// books: not for a runtime's thread.
    pub fn balances(&self, now_ms: i64) -> BalanceList {
        self.core.balances(now_ms)
    }

    /// The names of the budgets that a request is charged to, in the order configured.
    pub fn budgets_of(&self, scope: &Scope<'_>) -> Vec<String> {
        let ways = self.core.ways.read();
        ways.index.matching(scope).map(|budget| budget.name.clone()).collect()
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

    /// From which backup the books come (its instant, milliseconds since the Unix epoch), while nobody has accepted
    /// that what was spent since is missing: until then nothing is admitted.
    pub fn restored(&self) -> Option<i64> {
        let is_waiting = self.core.is_restored.load(Ordering::SeqCst);
        self.core.restored_ms.filter(|_| is_waiting)
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

    /// The books, to be read beside the requests.
    pub fn books(&self) -> Books {
        Books::new(&self.core.store)
    }

    /// Whether the mutex of the money is held now: an auditor asks while the disk works, and it must not be.
    #[doc(hidden)]
    pub fn is_money_locked(&self) -> bool {
        self.core.money.is_locked()
    }

    /// The balances that a request with this scope would be charged to, as they stand at `now_ms`, in the order of the
    /// budgets; `None` when no such request came before in the same windows. No I/O.
    pub fn standing(&self, scope: &Scope<'_>, now_ms: i64) -> Option<SmallVec<[Balance; 4]>> {
        self.core.standing(scope, now_ms)
    }

    /// Every balance in memory that belongs to a configured budget, as it stands at `now_ms`. No I/O; holds requests up
    /// for as long as it takes.
    #[doc(hidden)]
    pub fn each_balance(&self, now_ms: i64, each: &mut dyn FnMut(&BalanceName, &Balance)) {
        self.core.each_balance(now_ms, each);
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
    Shortage::Refused(Refusal::new(reason, ask, None))
}
