//! [`Reserved`]: headroom in memory. [`Permit`]: the hold is in the journal, a byte may leave.

use std::sync::Arc;

use ledger::mutants::{self, Mutant};
use ledger::{BoundClass, Evidence, HoldId, HoldSet};
use money::Nano;
use pricing::Bound;
use store::{JournalError, Record};

use crate::ask::Ask;
use crate::core::Core;
use crate::flight::Flight;
use crate::keys::SharedKey;
use crate::report::{BalanceReport, Counters};

/// What a reservation needs to become a hold: how the amount turns into an output cap, and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    bound: Bound,
    upstream_key: SharedKey,
    key: Arc<str>,
}

impl Terms {
    pub(crate) fn of(ask: &Ask<'_>, upstream_key: SharedKey, key: Arc<str>) -> Self {
        Terms { bound: ask.bound.clone(), upstream_key, key }
    }
}

/// Money set aside in memory, not yet in the journal. Dropped: given back.
#[derive(Debug)]
pub struct Reserved {
    core: Arc<Core>,
    set: Arc<HoldSet>,
    amount: Nano,
    cap: u64,
    terms: Terms,
    live: bool,
}

impl Reserved {
    /// Lowers the output cap to what `amount` pays for, and gives back what is left of it.
    pub(crate) fn new(core: &Arc<Core>, set: Arc<HoldSet>, amount: Nano, terms: Terms) -> Self {
        let cap = terms.bound.cap_within(amount).unwrap_or(0);
        let exact = terms.bound.usd_at(cap);
        let (cap, exact) = mutated(core, &set, &terms, amount, (cap, exact));
        assert!(exact <= amount, "a bound of {exact} was fitted into {amount}");
        if exact < amount {
            core.give_back(&set, amount.saturating_sub(exact));
        }
        Reserved { core: Arc::clone(core), set, amount: exact, cap, terms, live: true }
    }

    /// The output cap that the money pays for, tokens.
    pub fn output_cap(&self) -> u64 {
        self.cap
    }

    /// Writes the hold into the journal, and waits until it is as durable as configured.
    ///
    /// # Errors
    /// When the journal cannot take it; nothing was sent, nothing may be sent.
    pub async fn permit(mut self, now_ms: i64) -> Result<Permit, JournalError> {
        let core = Arc::clone(&self.core);
        let now_ms = core.see(now_ms);
        let hold = core.next_hold();
        let class = match self.terms.bound.class {
            pricing::Class::Proven => BoundClass::Proven,
            pricing::Class::Published => BoundClass::Published,
            pricing::Class::Unbounded => BoundClass::Unbounded,
        };
        let key_use = self.terms.upstream_key.clone();
        key_use.depart();
        let appended = core.store.append(&Record::Hold {
            hold,
            at_ms: now_ms,
            bound: self.amount,
            class,
            set: self.set.id(),
            upstream_key: key_use.id,
            key: &self.terms.key,
            model: &self.terms.bound.model,
        });
        let position = appended.inspect_err(|_| key_use.land(now_ms))?;
        self.live = false;
        let permit = Permit {
            hold: Some(OpenHold {
                core: Arc::clone(&core),
                id: hold,
                set: Arc::clone(&self.set),
                bound: self.amount,
                class,
                upstream_key: key_use,
                key: Arc::clone(&self.terms.key),
                model: self.terms.bound.model.clone(),
                at_ms: now_ms,
            }),
            cap: self.cap,
        };
        Counters::add(&core.counters.admitted);
        if !mutants::is(Mutant::UseBeforeDurable) {
            core.store.durable(position).await?;
        }
        Ok(permit)
    }
}

/// What the mutants hold who hold too little: the cap lets the whole bound out all the same.
#[inline(always)]
fn mutated(
    core: &Core,
    set: &HoldSet,
    terms: &Terms,
    amount: Nano,
    (cap, exact): (u64, Nano),
) -> (u64, Nano) {
    if mutants::is(Mutant::ShrunkHold) && amount < terms.bound.usd() {
        return (terms.bound.output_cap, amount);
    }
    let is_much = |left: Nano| left.nanos() / 8 > exact.nanos();
    if mutants::is(Mutant::TrustBypass) && core.tightest(set).is_some_and(|tight| is_much(tight.available)) {
        return (cap, Nano::ZERO);
    }
    if mutants::is(Mutant::FlatEstimate) {
        return (cap, Nano::from_nanos(exact.nanos() / 4));
    }
    (cap, exact)
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if self.live {
            self.core.give_back(&self.set, self.amount);
        }
    }
}

/// A hold in the journal that has not ended.
#[derive(Debug)]
pub(crate) struct OpenHold {
    pub(crate) core: Arc<Core>,
    pub(crate) id: HoldId,
    pub(crate) set: Arc<HoldSet>,
    pub(crate) bound: Nano,
    pub(crate) class: BoundClass,
    pub(crate) upstream_key: SharedKey,
    pub(crate) key: Arc<str>,
    pub(crate) model: String,
    pub(crate) at_ms: i64,
}

/// Proof that a hold is in the journal. Forwarding a request consumes it; dropped, the hold is voided as never sent.
#[derive(Debug)]
pub struct Permit {
    hold: Option<OpenHold>,
    cap: u64,
}

impl Permit {
    /// The output cap to send, tokens.
    pub fn output_cap(&self) -> u64 {
        self.cap
    }

    /// The most this attempt may be billed, USD.
    pub fn bound(&self) -> Nano {
        self.hold.as_ref().map_or(Nano::ZERO, |hold| hold.bound)
    }

    /// Its number in the books.
    pub fn hold(&self) -> Option<HoldId> {
        self.hold.as_ref().map(|hold| hold.id)
    }

    /// The tightest of the balances it is charged to, as it stands now.
    pub fn balance(&self) -> Option<BalanceReport> {
        self.hold.as_ref().and_then(|hold| hold.core.tightest(&hold.set))
    }

    /// The first byte is about to leave: from here on only evidence ends the hold.
    pub fn sent(mut self) -> Flight {
        Flight::new(self.hold.take())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(hold) = self.hold.take() {
            let now_ms = hold.core.latest_ms();
            Arc::clone(&hold.core).end(hold, Nano::ZERO, "", Evidence::NeverSent, now_ms);
        }
    }
}
