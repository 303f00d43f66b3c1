//! The index: from the labels of a request to the balances it is charged to.
//!
//! Looking up a request whose balances are open allocates nothing. Opening one is a slow step for the caller
//! (its name goes into the journal first), so the index only says what is [`Missing`].

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use smallvec::SmallVec;

use crate::balances::{HoldSet, Slot};
use crate::budget::{Budget, Label, Scope};
use crate::name::{BalanceId, BalanceName};
use crate::window::Span;

/// Which balances are open, by budget, scope values and window.
#[derive(Debug)]
pub struct Index {
    budgets: Vec<Budget>,
    spans: Vec<Span>,
    open: HashMap<u64, SmallVec<[Entry; 1]>>,
    names: HashMap<BalanceId, Arc<BalanceName>>,
}

#[derive(Debug)]
struct Entry {
    slot: Slot,
    budget: usize,
    name: Arc<BalanceName>,
}

/// What a look-up found.
#[derive(Debug, PartialEq, Eq)]
pub enum Matched {
    /// The balances the request is charged to; none when no budget matches it.
    Open(HoldSet),
    /// A balance that must be opened first.
    Missing(Missing),
}

/// A balance that a request needs and that is not open yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing {
    /// The budget, by its place in the configuration.
    pub budget: usize,
    /// The name of the balance.
    pub name: BalanceName,
}

impl Index {
    /// For these budgets.
    pub fn new(budgets: Vec<Budget>) -> Self {
        let spans = budgets.iter().map(|budget| budget.window.span(0)).collect();
        Index { budgets, spans, open: HashMap::new(), names: HashMap::new() }
    }

    /// The budgets, in the order configured.
    pub fn budgets(&self) -> &[Budget] {
        &self.budgets
    }

    /// Whether a window has passed since the last [`Index::turn`]: then call it before [`Index::matching`].
    pub fn is_due(&self, now_ms: i64) -> bool {
        self.spans.iter().any(|span| !span.contains(now_ms))
    }

    /// Moves the windows on to those that hold `now_ms`.
    pub fn turn(&mut self, now_ms: i64) {
        for (budget, span) in self.budgets.iter().zip(&mut self.spans) {
            if !span.contains(now_ms) {
                *span = budget.window.span(now_ms);
            }
        }
    }

    /// The balances a request is charged to, in the windows of the last [`Index::turn`].
    pub fn matching(&self, scope: &Scope<'_>) -> Matched {
        let mut set = HoldSet::new();
        for (number, budget) in self.budgets.iter().enumerate() {
            if !budget.matches(scope) {
                continue;
            }
            let span = self.spans[number];
            match self.find(number, scope, span) {
                Some(slot) => set.push(slot),
                None => {
                    return Matched::Missing(Missing { budget: number, name: name(budget, scope, span) });
                }
            }
        }
        Matched::Open(set)
    }

    fn find(&self, number: usize, scope: &Scope<'_>, span: Span) -> Option<Slot> {
        let budget = &self.budgets[number];
        let values = || budget.per.iter().map(|label| scope.value(*label));
        let entries = self.open.get(&fingerprint(&budget.name, span.starts_ms, values()))?;
        let same = |entry: &&Entry| {
            entry.budget == number
                && entry.name.starts_ms == span.starts_ms
                && entry.name.ends_ms == span.ends_ms
                && entry.name.scope.iter().map(|(_, value)| value.as_str()).eq(values())
        };
        entries.iter().find(same).map(|entry| entry.slot)
    }

    /// Which configured budget a balance of the books belongs to: the same name, window and `per` labels.
    pub fn budget_of(&self, name: &BalanceName) -> Option<usize> {
        self.budgets.iter().position(|budget| {
            budget.name == name.budget
                && budget.window.kind().word() == name.window
                && budget
                    .per
                    .iter()
                    .map(|label| label.word())
                    .eq(name.scope.iter().map(|(label, _)| label.as_str()))
        })
    }

    /// The balances of this window that budgets without `per` will have, and that nobody has used yet.
    pub fn untouched(&self) -> impl Iterator<Item = Missing> {
        let anybody = Scope::default();
        let single = self.budgets.iter().enumerate().filter(|(_, budget)| budget.per.is_empty());
        single.filter_map(move |(number, budget)| {
            let span = self.spans[number];
            let missing = || Missing { budget: number, name: name(budget, &anybody, span) };
            self.find(number, &anybody, span).is_none().then(missing)
        })
    }

    /// Records that a balance is open.
    pub fn insert(&mut self, budget: usize, name: BalanceName, slot: Slot) {
        let values = name.scope.iter().map(|(_, value)| value.as_str());
        let key = fingerprint(&name.budget, name.starts_ms, values);
        let name = Arc::new(name);
        self.names.insert(slot.id(), Arc::clone(&name));
        self.open.entry(key).or_default().push(Entry { slot, budget, name });
    }

    /// The name of an open balance.
    pub fn name(&self, id: BalanceId) -> Option<&Arc<BalanceName>> {
        self.names.get(&id)
    }

    /// Every open balance with its name.
    pub fn entries(&self) -> impl Iterator<Item = (&Arc<BalanceName>, Slot)> {
        self.open.values().flatten().map(|entry| (&entry.name, entry.slot))
    }

    /// Drops the balances for which `keep` says no.
    pub fn retain(&mut self, mut keep: impl FnMut(&BalanceName, Slot) -> bool) {
        let names = &mut self.names;
        self.open.retain(|_, entries| {
            entries.retain(|entry| {
                let kept = keep(&entry.name, entry.slot);
                if !kept {
                    names.remove(&entry.slot.id());
                }
                kept
            });
            !entries.is_empty()
        });
    }
}

fn name(budget: &Budget, scope: &Scope<'_>, span: Span) -> BalanceName {
    let labelled = |label: &Label| (label.word().to_owned(), scope.value(*label).to_owned());
    BalanceName {
        budget: budget.name.clone(),
        window: budget.window.kind().word().to_owned(),
        scope: budget.per.iter().map(labelled).collect(),
        starts_ms: span.starts_ms,
        ends_ms: span.ends_ms,
    }
}

fn fingerprint<'v>(budget: &str, starts_ms: i64, values: impl Iterator<Item = &'v str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    budget.hash(&mut hasher);
    starts_ms.hash(&mut hasher);
    values.for_each(|value| value.hash(&mut hasher));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Balance, BalanceId, Balances, Window};
    use money::Nano;

    fn budget(name: &str, selector: &[(Label, &str)], per: &[Label], window: &str) -> Budget {
        Budget {
            name: name.into(),
            selector: selector.iter().map(|(label, value)| (*label, (*value).to_owned())).collect(),
            per: per.iter().copied().collect(),
            limit: Nano::from_cents(100),
            window: Window::new(window, "UTC").unwrap(),
        }
    }

    fn open_all(index: &mut Index, money: &mut Balances, scope: &Scope<'_>) -> HoldSet {
        loop {
            match index.matching(scope) {
                Matched::Open(set) => return set,
                Matched::Missing(Missing { budget, name }) => {
                    let id = BalanceId(index.entries().count() as u32);
                    let balance = Balance::new(id, Nano::ZERO, name.ends_ms);
                    let slot = money.open(balance).unwrap();
                    assert_eq!(index.budget_of(&name), Some(budget));
                    index.insert(budget, name, slot);
                }
            }
        }
    }

    #[test]
    fn selectors_and_per_choose_the_balances() {
        let mut money = Balances::with_room_for(100);
        let mut index = Index::new(vec![
            budget("all", &[], &[], "lifetime"),
            budget("alice", &[(Label::User, "alice")], &[], "day"),
            budget("each-app", &[], &[Label::User, Label::App], "hour"),
        ]);
        index.turn(1_000);
        let alice = Scope::default().with(Label::User, "alice").with(Label::App, "cli");
        let bob = Scope::default().with(Label::User, "bob").with(Label::App, "cli");
        let nobody = Scope::default();
        let alices = open_all(&mut index, &mut money, &alice);
        let bobs = open_all(&mut index, &mut money, &bob);
        let nobodys = open_all(&mut index, &mut money, &nobody);
        assert_eq!((alices.len(), bobs.len(), nobodys.len()), (3, 2, 2));
        assert_eq!(alices[0], bobs[0], "the budget over everything is one balance");
        assert_ne!(alices[2], bobs[1], "one balance for each user and app");
        assert_ne!(bobs[1], nobodys[1], "a missing label is a value of its own, not an escape");
        assert_eq!(open_all(&mut index, &mut money, &alice), alices, "looked up again, nothing is opened");
    }

    #[test]
    fn the_next_window_is_another_balance() {
        const HOUR: i64 = 3_600_000;
        let mut money = Balances::with_room_for(10);
        let mut index = Index::new(vec![budget("b", &[], &[], "hour")]);
        assert!(!index.is_due(0) && index.is_due(HOUR));
        let first = open_all(&mut index, &mut money, &Scope::default());
        index.turn(HOUR);
        let second = open_all(&mut index, &mut money, &Scope::default());
        assert_ne!(first, second);
        index.retain(|name, slot| name.ends_ms > Some(HOUR) || !money.retire(slot));
        assert_eq!(index.entries().count(), 1);
    }
}
