//! [`Books`]: every generation and what is owed for it, exactly.
//!
//! A generation is booked at its whole cost before it runs. It ends exactly once, at a cost that is never higher. What
//! is forgotten to bound memory stays in the sums.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::account::payer::{Payer, short};
use crate::account::tally::Tallies;
use crate::bill::Bill;
use crate::clock::Moment;
use crate::cost::{Charge, Usage};
use crate::exact::Exact;
use crate::plan::Plan;

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Books {
    generations: HashMap<Arc<str>, Generation>,
    order: VecDeque<Arc<str>>,
    /// Of ended generations, for whoever counts them against a limit.
    pub(crate) tallies: Tallies,
    /// By the hash of the key, 64 hex digits.
    by_key: BTreeMap<Arc<str>, Exact>,
    by_model: BTreeMap<Arc<str>, Exact>,
    openrouter: Exact,
    provider: Exact,
    requests: u64,
    running: u64,
    aborted: u64,
    failed: u64,
}

/// One generation in the books.
#[derive(Clone, Debug)]
pub(crate) struct Generation {
    pub(crate) plan: Arc<Plan>,
    pub(crate) payer: Payer,
    pub(crate) status: Status,
    pub(crate) charge: Charge,
    pub(crate) usage: Usage,
    pub(crate) ended: Option<Moment>,
    /// From when on `/generation` finds it; `None` while it runs, or for ever when it is lost.
    pub(crate) ready: Option<Moment>,
}

/// How far it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Running,
    Done,
    /// The client left and the provider stopped.
    Aborted,
    /// The provider failed.
    Failed,
}

/// How a generation ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) status: Status,
    /// Tokens that were produced.
    pub(crate) completion: u64,
    /// Nothing is owed.
    pub(crate) free: bool,
}

impl Status {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Done => "done",
            Status::Aborted => "aborted",
            Status::Failed => "failed",
        }
    }
}

impl Books {
    /// Books a generation at its whole cost, and forgets the oldest ones beyond `most`.
    pub(crate) fn open(&mut self, plan: Arc<Plan>, payer: Payer, most: usize) {
        let generation = Generation {
            payer,
            status: Status::Running,
            charge: plan.charge(),
            usage: plan.usage,
            ended: None,
            ready: None,
            plan,
        };
        self.requests += 1;
        self.running += 1;
        self.put(&generation, Exact::plus);
        let id = Arc::clone(&generation.plan.id);
        self.order.push_back(Arc::clone(&id));
        let before = self.generations.insert(id, generation);
        assert!(before.is_none(), "two generations of one id");
        self.forget(most);
    }

    /// Ends a generation after so many completion tokens; when `free`, nothing is owed. Counters see it `lag_ms` later.
    pub(crate) fn close(&mut self, id: &str, end: End, now: Moment, lag_ms: u64) {
        let End { status, completion, free } = end;
        let Some(mut generation) = self.generations.remove(id) else { return };
        assert_eq!(generation.status, Status::Running, "a generation ends once");
        self.put(&generation, Exact::minus);
        let plan = Arc::clone(&generation.plan);
        let delay = match status {
            Status::Aborted | Status::Failed => plan.ready_after_ms * plan.aborted_tenths / 10,
            Status::Running | Status::Done => plan.ready_after_ms,
        };
        let owed = if free { Charge::NONE } else { plan.charge_at(completion) };
        assert!(owed.total() <= generation.charge.total(), "a generation never gets dearer");
        generation.status = status;
        generation.usage = plan.usage_at(completion);
        generation.charge = owed;
        generation.ended = Some(now);
        generation.ready = (!plan.fate.generation_lost).then(|| now.after_ms(delay));
        self.put(&generation, Exact::plus);
        self.running -= 1;
        self.aborted += u64::from(status == Status::Aborted);
        self.failed += u64::from(status == Status::Failed);
        self.tallies.count(&generation.payer, &plan, &generation.usage, &generation.charge, now, lag_ms);
        self.generations.insert(Arc::clone(&plan.id), generation);
    }

    /// A generation, however young.
    pub(crate) fn find(&self, id: &str) -> Option<&Generation> {
        self.generations.get(id)
    }

    /// All that are remembered, oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Generation> {
        self.order.iter().filter_map(|id| self.generations.get(id))
    }

    pub(crate) fn bill(&self) -> Bill {
        let texts = |sums: &BTreeMap<Arc<str>, Exact>| {
            sums.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
        };
        Bill {
            total: self.openrouter.plus(self.provider).to_string(),
            requests: self.requests,
            by_key: self.by_key.iter().map(|(k, v)| (short(k).to_owned(), v.to_string())).collect(),
            by_model: texts(&self.by_model),
            openrouter_usd: self.openrouter.to_string(),
            provider_usd: self.provider.to_string(),
            running: self.running,
            aborted: self.aborted,
            failed: self.failed,
        }
    }

    /// Adds a generation to every sum, or takes it out.
    fn put(&mut self, generation: &Generation, apply: fn(Exact, Exact) -> Exact) {
        let charge = &generation.charge;
        self.openrouter = apply(self.openrouter, charge.openrouter);
        self.provider = apply(self.provider, charge.provider);
        let by_key = self.by_key.entry(Arc::clone(&generation.payer.key)).or_default();
        *by_key = apply(*by_key, charge.total());
        let by_model = self.by_model.entry(Arc::clone(&generation.plan.model.id)).or_default();
        *by_model = apply(*by_model, charge.total());
    }

    /// Forgets the oldest ended generations.
    fn forget(&mut self, most: usize) {
        let excess = self.order.len().saturating_sub(most.max(1));
        for _ in 0..excess {
            let Some(id) = self.order.pop_front() else { break };
            if self.generations.get(&id).is_some_and(|generation| generation.status == Status::Running) {
                self.order.push_back(id);
            } else {
                self.generations.remove(&id);
            }
        }
    }
}
