//! [`Books`]: every generation and what is owed for it, exactly.
//!
//! A generation is booked at its whole cost before it runs. It ends exactly once, at a cost that is never higher. Only
//! faults change what it costs afterwards: [`Books::ripen`] books late charges and corrections when their time has
//! come. What is forgotten to bound memory stays in the sums.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::account::payer::{Payer, short};
use crate::account::tally::Tallies;
use crate::bill::Bill;
use crate::clock::Moment;
use crate::cost::Charge;
use crate::entry::{End, Generation, Status, corrected};
use crate::exact::Exact;
use crate::plan::Plan;

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Books {
    generations: HashMap<Arc<str>, Generation>,
    order: VecDeque<Arc<str>>,
    /// What changes a cost later on, by its time and a number that tells two apart.
    due: BTreeMap<(Moment, u64), Arc<str>>,
    dues: u64,
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
    late: u64,
    corrected: u64,
    duplicated: u64,
}

impl Books {
    /// Books a generation at its whole cost, and forgets the oldest ones beyond `most`.
    pub(crate) fn open(&mut self, plan: Arc<Plan>, payer: Payer, most: usize) {
        let charge = plan.charge();
        self.running += 1;
        self.insert(Generation::new(plan, payer, charge), most);
    }

    /// Books a generation that failed before it said anything, and is billed in full some time later.
    pub(crate) fn open_late(&mut self, plan: Arc<Plan>, payer: Payer, now: Moment, most: usize) {
        let late_ms = plan.fate.late_ms.unwrap_or_default();
        let told_as_free = plan.seed.is_multiple_of(2) && !plan.fate.generation_lost;
        let mut generation = Generation::new(Arc::clone(&plan), payer, Charge::NONE);
        generation.status = Status::Failed;
        generation.usage = plan.usage_at(0);
        generation.ended = Some(now);
        generation.ready = told_as_free.then(|| now.after_ms(plan.ready_after_ms));
        generation.pending = true;
        self.failed += 1;
        self.insert(generation, most);
        self.put_off(now.after_ms(late_ms), &plan.id);
    }

    /// Ends a generation after so many completion tokens; when `free`, nothing is owed. Counters see it `lag_ms` later.
    pub(crate) fn close(&mut self, id: &str, end: End, now: Moment, lag_ms: u64, most: usize) {
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
        generation.billed = Some(now);
        generation.ready = (!plan.fate.generation_lost).then(|| now.after_ms(delay));
        generation.pending = plan.fate.corrected_ms.is_some();
        self.put(&generation, Exact::plus);
        self.running -= 1;
        self.aborted += u64::from(status == Status::Aborted);
        self.failed += u64::from(status == Status::Failed);
        self.tallies.count(&generation.payer, &plan, &generation.usage, &owed, now, lag_ms);
        let twin = plan.fate.duplicated.and_then(|how| generation.twin(how, now));
        if let Some(ms) = plan.fate.corrected_ms {
            self.put_off(now.after_ms(ms), &plan.id);
        }
        self.generations.insert(Arc::clone(&plan.id), generation);
        if let Some(twin) = twin {
            self.duplicated += 1;
            self.tallies.count(&twin.payer, &twin.plan, &twin.usage, &twin.charge, now, lag_ms);
            self.insert(twin, most);
        }
    }

    /// Books what has become due by now: late charges, and corrections.
    pub(crate) fn ripen(&mut self, now: Moment, lag_ms: u64) {
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((at, _), id) = entry.remove_entry();
            let Some(mut generation) = self.generations.remove(&id) else { continue };
            self.put(&generation, Exact::minus);
            let (plan, was) = (Arc::clone(&generation.plan), generation.charge);
            generation.pending = false;
            if generation.billed.is_some() {
                generation.charge = corrected(&plan, &was);
                generation.before = Some((at, was));
                self.corrected += 1;
                self.tallies.correct(&generation.payer, &plan, (&was, &generation.charge), at, lag_ms);
            } else {
                generation.charge = plan.charge();
                generation.usage = plan.usage_at(u64::MAX);
                generation.billed = Some(at);
                generation.ready = (!plan.fate.generation_lost).then_some(at);
                self.late += 1;
                let (usage, charge) = (&generation.usage, &generation.charge);
                self.tallies.count(&generation.payer, &plan, usage, charge, at, lag_ms);
            }
            self.put(&generation, Exact::plus);
            self.generations.insert(id, generation);
        }
    }

    /// A generation, however young.
    pub(crate) fn find(&self, id: &str) -> Option<&Generation> {
        self.generations.get(id)
    }

    /// All that are remembered, oldest first.
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &Generation> {
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
            late: self.late,
            corrected: self.corrected,
            duplicated: self.duplicated,
            pending: self.due.len() as u64,
        }
    }

    fn insert(&mut self, generation: Generation, most: usize) {
        self.requests += 1;
        self.put(&generation, Exact::plus);
        let id = Arc::clone(&generation.plan.id);
        self.order.push_back(Arc::clone(&id));
        let before = self.generations.insert(id, generation);
        assert!(before.is_none(), "two generations of one id");
        self.forget(most);
    }

    fn put_off(&mut self, at: Moment, id: &Arc<str>) {
        self.dues += 1;
        self.due.insert((at, self.dues), Arc::clone(id));
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
            let stays = |own: &Generation| own.status == Status::Running || own.pending;
            if self.generations.get(&id).is_some_and(stays) {
                self.order.push_back(id);
            } else {
                self.generations.remove(&id);
            }
        }
    }
}
