//! [`Tallies`]: what each key, member, workspace and the account spent, by UTC day; and who used which endpoint.
//!
//! Only generations that have ended count, on the day they began. A counter *shows* an amount only after the lag that
//! is configured: that is what limits are checked with and what `/key` tells, so that a key overshoots as the real ones
//! do. What was really spent is never hidden from `GET /sandbox/keys`.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::account::payer::Payer;
use crate::clock::Moment;
use crate::cost::{Charge, Usage};
use crate::exact::Exact;
use crate::plan::Plan;

/// USD: at OpenRouter, and at providers whose key the account brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) openrouter: Exact,
    pub(crate) byok: Exact,
}

/// Whose spending.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    Account,
    Key(Arc<str>),
    Member(Arc<str>),
    Workspace(Arc<str>),
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    counters: HashMap<Subject, Counter>,
    last_used: HashMap<Arc<str>, Moment>,
    activity: BTreeMap<Place, Traffic>,
}

/// One line of `/activity` before it is summed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Days since 1970.
    pub(crate) day: u64,
    pub(crate) model: Arc<str>,
    pub(crate) canonical: Arc<str>,
    pub(crate) endpoint: Arc<str>,
    pub(crate) provider: Arc<str>,
    pub(crate) payer: Payer,
}

/// What went over an endpoint in a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) requests: u64,
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
    pub(crate) reasoning: u64,
    pub(crate) cached: u64,
    pub(crate) spent: Spent,
}

impl Spent {
    pub(crate) fn plus(self, other: Spent) -> Spent {
        Spent { openrouter: self.openrouter.plus(other.openrouter), byok: self.byok.plus(other.byok) }
    }

    fn minus(self, other: Spent) -> Spent {
        Spent { openrouter: self.openrouter.minus(other.openrouter), byok: self.byok.minus(other.byok) }
    }

    /// What a limit counts.
    pub(crate) fn counted(self, with_byok: bool) -> Exact {
        if with_byok { self.openrouter.plus(self.byok) } else { self.openrouter }
    }
}

impl Tallies {
    /// A key was used.
    pub(crate) fn touch(&mut self, key: &Arc<str>, now: Moment) {
        self.last_used.insert(Arc::clone(key), now);
    }

    pub(crate) fn last_used(&self, key: &str) -> Option<Moment> {
        self.last_used.get(key).copied()
    }

    /// Counts a generation that ended now; its counters show it after `lag_ms`.
    pub(crate) fn count(
        &mut self,
        payer: &Payer,
        plan: &Plan,
        usage: &Usage,
        charge: &Charge,
        now: Moment,
        lag_ms: u64,
    ) {
        let spent = Spent { openrouter: charge.openrouter, byok: charge.provider };
        let (day, shown) = (plan.created.day(), now.after_ms(lag_ms));
        for subject in payer.subjects() {
            self.counters.entry(subject).or_default().add(day, spent, shown, now);
        }
        self.activity.entry(Place::of(plan, payer)).or_default().add(usage, spent);
    }

    /// A generation that was counted costs something else from now on; its counters show it after `lag_ms`.
    pub(crate) fn correct(
        &mut self,
        payer: &Payer,
        plan: &Plan,
        (was, is): (&Charge, &Charge),
        now: Moment,
        lag_ms: u64,
    ) {
        let spent = |charge: &Charge| Spent { openrouter: charge.openrouter, byok: charge.provider };
        let (day, shown) = (plan.created.day(), now.after_ms(lag_ms));
        for subject in payer.subjects() {
            let counter = self.counters.entry(subject).or_default();
            counter.waiting.push_back(Waiting { shown, day, plus: spent(is), minus: spent(was) });
        }
        if let Some(traffic) = self.activity.get_mut(&Place::of(plan, payer)) {
            traffic.spent = traffic.spent.plus(spent(is)).minus(spent(was));
        }
    }

    /// What is shown as spent from a day on.
    pub(crate) fn shown(&mut self, subject: &Subject, first_day: u64, now: Moment) -> Spent {
        self.counters.get_mut(subject).map(|counter| counter.since(first_day, now)).unwrap_or_default()
    }

    /// What was really spent, ever.
    pub(crate) fn exact(&self, subject: &Subject) -> Spent {
        self.counters.get(subject).map(Counter::exact).unwrap_or_default()
    }

    /// Traffic of these days, both included.
    pub(crate) fn activity(&self, first_day: u64, last_day: u64) -> impl Iterator<Item = (&Place, &Traffic)> {
        self.activity.iter().filter(move |(place, _)| (first_day..=last_day).contains(&place.day))
    }
}

impl Place {
    fn of(plan: &Plan, payer: &Payer) -> Place {
        Place {
            day: plan.created.day(),
            model: Arc::clone(&plan.model.id),
            canonical: Arc::clone(&plan.model.canonical),
            endpoint: Arc::clone(&plan.endpoint),
            provider: Arc::clone(&plan.provider),
            payer: payer.clone(),
        }
    }
}

impl Traffic {
    fn add(&mut self, usage: &Usage, spent: Spent) {
        let one = Traffic {
            requests: 1,
            prompt: usage.prompt,
            completion: usage.completion,
            reasoning: usage.reasoning,
            cached: usage.cached,
            spent,
        };
        *self = self.plus(&one);
    }

    pub(crate) fn plus(&self, other: &Traffic) -> Traffic {
        Traffic {
            requests: self.requests + other.requests,
            prompt: self.prompt + other.prompt,
            completion: self.completion + other.completion,
            reasoning: self.reasoning + other.reasoning,
            cached: self.cached + other.cached,
            spent: self.spent.plus(other.spent),
        }
    }
}

/// Amounts by day, and those that are not shown yet, in the order in which they came.
#[derive(Debug, Default)]
struct Counter {
    days: BTreeMap<u64, Spent>,
    waiting: VecDeque<Waiting>,
}

/// What is shown from a moment on. What is taken off came before, so that no sum falls below zero.
#[derive(Debug)]
struct Waiting {
    shown: Moment,
    day: u64,
    plus: Spent,
    minus: Spent,
}

impl Counter {
    fn add(&mut self, day: u64, spent: Spent, shown: Moment, now: Moment) {
        self.waiting.push_back(Waiting { shown, day, plus: spent, minus: Spent::default() });
        self.show(now);
    }

    fn show(&mut self, now: Moment) {
        while let Some(waiting) = self.waiting.pop_front_if(|waiting| waiting.shown <= now) {
            let own = self.days.entry(waiting.day).or_default();
            *own = own.plus(waiting.plus).minus(waiting.minus);
        }
    }

    fn since(&mut self, first_day: u64, now: Moment) -> Spent {
        self.show(now);
        self.days.range(first_day..).fold(Spent::default(), |sum, (_, spent)| sum.plus(*spent))
    }

    fn exact(&self) -> Spent {
        let shown = self.days.values().fold(Spent::default(), |sum, spent| sum.plus(*spent));
        self.waiting.iter().fold(shown, |sum, waiting| sum.plus(waiting.plus).minus(waiting.minus))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Spent {
        Spent { openrouter: Exact::parse(text).expect(text), byok: Exact::ZERO }
    }

    #[test]
    fn a_counter_lags_and_forgets_nothing() {
        let mut counter = Counter::default();
        counter.add(10, usd("1"), Moment(100), Moment(0));
        counter.add(11, usd("2"), Moment(200), Moment(100));
        let seen =
            |counter: &mut Counter, first, now| counter.since(first, Moment(now)).openrouter.to_string();
        assert_eq!(seen(&mut counter, 0, 99), "1", "the second one showed the first");
        assert_eq!(seen(&mut counter, 0, 199), "1");
        assert_eq!(counter.exact(), usd("3"));
        assert_eq!(
            (seen(&mut counter, 0, 200), seen(&mut counter, 11, 200)),
            ("3".to_owned(), "2".to_owned())
        );
        assert_eq!(seen(&mut counter, 12, 200), "0");
        assert_eq!(counter.exact(), usd("3"));
        counter.waiting.push_back(Waiting { shown: Moment(300), day: 11, plus: usd("0.5"), minus: usd("2") });
        assert_eq!((seen(&mut counter, 0, 299), counter.exact()), ("3".to_owned(), usd("1.5")), "a refund");
        assert_eq!(seen(&mut counter, 11, 300), "0.5");
    }
}
