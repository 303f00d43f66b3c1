//! The index: from the labels of a request to the balances it is charged to.
//!
//! ```text
//! find    warm: one look-up by the values of the labels that any budget looks at -> Arc<HoldSet>; allocates nothing
//! gather  cold: the budgets that match, their windows of now (and the next, where a call may straddle the end)
//!          |-> Gap::Missing: a balance to open first, for the caller (its name goes into the journal)
//!          '-> Places -> known, or intern under a new number (declared in the journal) -> remember
//! ```
//!
//! A set is valid until a window of it turns; nothing here needs to be dropped for that, only [`Index::prune`]d.

use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::balances::Slot;
use crate::budget::{Budget, Label, Scope, Straddle};
use crate::hold_set::{HoldSet, Seat};
use crate::mutants::{self, Mutant};
use crate::name::{BalanceName, SetId};
use crate::rows::{Row, Rows};
use crate::selectors::Selectors;
use crate::values::{ByPrint, Values, fingerprint};
use crate::window::Span;

/// Hold sets, and scopes that lead to them, kept at most. Each takes some hundred bytes.
const KEPT_MAX: usize = 1 << 17;
/// Windows that one call may straddle, at most.
const WINDOWS_MAX: usize = 8;

/// Which balances are open, by budget, scope values and window, and the hold sets made of them.
#[derive(Debug)]
pub struct Index {
    budgets: Vec<Budget>,
    by_name: HashMap<String, u32>,
    selectors: Selectors,
    /// What decides which set a request has: `key` first, then the labels that any budget looks at.
    labels: SmallVec<[Label; Label::ALL.len()]>,
    attempt_ms_max: i64,
    spans: Vec<Span>,
    turn_ms: i64,
    rows: Rows,
    warm: HashMap<u64, Warm, ByPrint>,
    sets: HashMap<u64, Arc<HoldSet>, ByPrint>,
}

#[derive(Debug)]
struct Warm {
    values: Values,
    found: Found,
}

/// What a request is charged to.
#[derive(Clone, Debug)]
pub struct Found {
    /// The balances.
    pub set: Arc<HoldSet>,
    /// The value of its `key` label.
    pub key: Arc<str>,
}

/// The balances of a request, before they have a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Each in its place in memory, in the order of the budgets; none when no budget matches.
    pub seats: SmallVec<[Seat; 4]>,
    valid_until_ms: i64,
}

/// Why a request has no balances yet.
#[derive(Debug, PartialEq, Eq)]
pub enum Gap {
    /// A balance must be opened first.
    Missing(Missing),
    /// The window of this budget, by its place in the configuration, must not be opened now.
    Shut(usize),
}

/// A balance that a request needs and that is not open yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The budget, by its place in the configuration.
    pub budget: usize,
    /// The name of the balance.
    pub name: BalanceName,
}

impl Index {
    /// For these budgets, in the windows of `now_ms` (milliseconds since the Unix epoch). A call that may be under way
    /// for `attempt_ms_max` straddles the end of a window that is nearer, where its budget says so.
    pub fn new(budgets: Vec<Budget>, attempt_ms_max: i64, now_ms: i64) -> Self {
        let used = |label: &Label| budgets.iter().any(|budget| looks_at(budget, *label));
        let others = Label::ALL.into_iter().filter(|label| *label != Label::Key).filter(used);
        let labels = std::iter::once(Label::Key).chain(others).collect();
        let spans: Vec<Span> = budgets.iter().map(|budget| budget.window.span(now_ms)).collect();
        Index {
            by_name: (0..).zip(&budgets).map(|(number, budget)| (budget.name.clone(), number)).collect(),
            selectors: Selectors::new(&budgets),
            labels,
            attempt_ms_max,
            turn_ms: first_end(&spans),
            spans,
            rows: Rows::default(),
            warm: HashMap::default(),
            sets: HashMap::default(),
            budgets,
        }
    }

    /// The budgets, in the order configured.
    pub fn budgets(&self) -> &[Budget] {
        &self.budgets
    }

    /// The budgets that a request is charged to, in the order configured.
    pub fn matching(&self, scope: &Scope<'_>) -> impl Iterator<Item = &Budget> {
        let numbers = self.selectors.matching(&self.budgets, scope);
        numbers.into_iter().map(|number| &self.budgets[number as usize])
    }

    /// Whether a window has ended since the last [`Index::turn`].
    pub fn is_due(&self, now_ms: i64) -> bool {
        now_ms >= self.turn_ms
    }

    /// Moves the windows on to those that hold `now_ms`.
    pub fn turn(&mut self, now_ms: i64) {
        for (budget, span) in self.budgets.iter().zip(&mut self.spans) {
            if !span.contains(now_ms) {
                *span = budget.window.span(now_ms);
            }
        }
        self.turn_ms = first_end(&self.spans);
    }

    /// What a warm request is charged to: one that came before, in the same windows. Allocates nothing.
    pub fn find(&self, scope: &Scope<'_>, now_ms: i64) -> Option<Found> {
        let warm = self.warm.get(&self.print(scope))?;
        let is_it = warm.found.set.is_valid(now_ms) && warm.values.are(self.values(scope));
        is_it.then(|| warm.found.clone())
    }

    /// The balances of a request at `now_ms`, in the order of the budgets. `may_turn`: whether windows may turn.
    ///
    /// # Errors
    /// [`Gap`]: what stands in the way.
    pub fn gather(&mut self, scope: &Scope<'_>, now_ms: i64, may_turn: bool) -> Result<Places, Gap> {
        let mut places = Places { seats: SmallVec::new(), valid_until_ms: i64::MAX };
        for number in self.selectors.matching(&self.budgets, scope) {
            let at = number as usize;
            if !self.spans[at].contains(now_ms) {
                if !may_turn {
                    return Err(Gap::Shut(at));
                }
                self.spans[at] = self.budgets[at].window.span(now_ms);
            }
            self.seat(number, scope, now_ms, &mut places)?;
            if mutants::is(Mutant::FirstBalanceOnly) {
                break;
            }
        }
        Ok(places)
    }

    /// Adds the balances of one budget: that of the window of now, and those of the next ones that a call may reach.
    fn seat(&self, number: u32, scope: &Scope<'_>, now_ms: i64, places: &mut Places) -> Result<(), Gap> {
        let budget = &self.budgets[number as usize];
        let mut span = self.spans[number as usize];
        let mut valid_until_ms = span.ends_ms.unwrap_or(i64::MAX);
        let mut from_ms = None;
        for windows in 1.. {
            let missing =
                || Gap::Missing(Missing { budget: number as usize, name: name(budget, scope, span) });
            let slot = self.rows.find(number, span, values_of(budget, scope)).ok_or_else(missing)?;
            let reach_ms = now_ms.saturating_add(self.attempt_ms_max);
            let end_ms = span.ends_ms.filter(|_| budget.straddle == Straddle::Both);
            let end_ms = end_ms.filter(|_| !mutants::is(Mutant::StraddleOne));
            let straddled_ms = end_ms.filter(|end| reach_ms >= *end && windows < WINDOWS_MAX);
            places.seats.push(Seat::between(slot, from_ms, straddled_ms));
            let Some(end_ms) = straddled_ms else {
                let more_ms = end_ms.map_or(i64::MAX, |end| end.saturating_sub(self.attempt_ms_max));
                // With as many windows as may be, it stays as it is until the first one ends.
                if windows < WINDOWS_MAX {
                    valid_until_ms = valid_until_ms.min(more_ms);
                }
                break;
            };
            (from_ms, span) = (Some(end_ms), budget.window.span(end_ms));
        }
        places.valid_until_ms = places.valid_until_ms.min(valid_until_ms);
        Ok(())
    }

    /// The set of these balances, when there is one already.
    pub fn known(&self, places: &Places) -> Option<Arc<HoldSet>> {
        let set = self.sets.get(&print_of(&places.seats))?;
        (set.seats() == places.seats.as_slice()).then(|| Arc::clone(set))
    }

    /// A new set of these balances, under a number that the journal has.
    pub fn intern(&mut self, id: SetId, places: &Places) -> Arc<HoldSet> {
        if self.sets.len() >= KEPT_MAX {
            self.sets.clear();
        }
        let set = Arc::new(HoldSet::new(id, &places.seats, places.valid_until_ms));
        self.sets.insert(print_of(&places.seats), Arc::clone(&set));
        set
    }

    /// Makes requests with this scope warm.
    pub fn remember(&mut self, scope: &Scope<'_>, set: Arc<HoldSet>) -> Found {
        if self.warm.len() >= KEPT_MAX {
            self.warm.clear();
        }
        let found = Found { set, key: scope.value(Label::Key).into() };
        let warm = Warm { values: Values::new(self.values(scope)), found: found.clone() };
        self.warm.insert(self.print(scope), warm);
        found
    }

    /// Forgets that requests with this scope are charged to this set: a balance of it was retired.
    pub fn forget(&mut self, scope: &Scope<'_>, set: &HoldSet) {
        self.warm.remove(&self.print(scope));
        self.sets.remove(&print_of(set.seats()));
    }

    /// Drops the sets whose windows have turned.
    pub fn prune(&mut self, now_ms: i64) {
        self.warm.retain(|_, warm| warm.found.set.is_valid(now_ms));
        self.sets.retain(|_, set| set.is_valid(now_ms));
    }

    /// Which configured budget a balance of the books belongs to: the same name, window and `per` labels.
    pub fn budget_of(&self, name: &BalanceName) -> Option<usize> {
        let number = *self.by_name.get(&name.budget)? as usize;
        let budget = &self.budgets[number];
        let labels = name.scope.iter().map(|(label, _)| label.as_str());
        let same = budget.window.kind().words() == name.window
            && budget.per.iter().map(|label| label.word()).eq(labels);
        same.then_some(number)
    }

    /// The balances of this window that budgets without `per` will have, and that nobody has used yet.
    pub fn untouched(&self) -> impl Iterator<Item = Missing> {
        let anybody = Scope::default();
        let single = (0..).zip(&self.budgets).filter(|(_, budget)| budget.per.is_empty());
        single.filter_map(move |(number, budget)| {
            let span = self.spans[number as usize];
            let missing = || Missing { budget: number as usize, name: name(budget, &anybody, span) };
            self.rows.find(number, span, std::iter::empty()).is_none().then(missing)
        })
    }

    /// Records that a balance of a budget (by its place in the configuration) is open.
    pub fn insert(&mut self, budget: usize, name: &BalanceName, slot: Slot) {
        let Ok(number) = u32::try_from(budget) else { return };
        let values = Values::new(name.scope.iter().map(|(_, value)| value.as_str()));
        self.rows.insert(number, Span { starts_ms: name.starts_ms, ends_ms: name.ends_ms }, values, slot);
    }

    /// Forgets a balance that was retired.
    pub fn remove(&mut self, slot: Slot) {
        self.rows.remove(slot);
    }

    /// Whether a balance with this name is open.
    pub fn is_open(&self, name: &BalanceName) -> bool {
        self.slot_of(name).is_some()
    }

    /// Where the balance with this name stands, when it is open.
    pub fn slot_of(&self, name: &BalanceName) -> Option<Slot> {
        let number = u32::try_from(self.budget_of(name)?).ok()?;
        let span = Span { starts_ms: name.starts_ms, ends_ms: name.ends_ms };
        self.rows.find(number, span, name.scope.iter().map(|(_, value)| value.as_str()))
    }

    /// The name of an open balance.
    pub fn name(&self, slot: Slot) -> Option<BalanceName> {
        self.rows.get(slot).map(|row| self.name_of(row))
    }

    /// How many balances are open.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no balance is open.
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }

    /// Every open balance, with its budget's place in the configuration.
    pub fn open(&self) -> impl Iterator<Item = (usize, Slot)> {
        self.rows.iter().map(|row| (row.budget as usize, row.slot))
    }

    /// Up to `most` balances whose window ended before `before_ms`.
    pub fn ended(&self, before_ms: i64, most: usize) -> Vec<Slot> {
        let ended = |row: &&Row| row.span.ends_ms.is_some_and(|ends| ends < before_ms);
        self.rows.iter().filter(ended).take(most).map(|row| row.slot).collect()
    }

    fn name_of(&self, row: &Row) -> BalanceName {
        let budget = &self.budgets[row.budget as usize];
        named(budget, row.span, row.values.iter())
    }

    fn values<'a>(&self, scope: &Scope<'a>) -> impl Iterator<Item = &'a str> {
        self.labels.iter().map(|label| scope.value(*label))
    }

    fn print(&self, scope: &Scope<'_>) -> u64 {
        fingerprint(0, self.values(scope))
    }
}

fn looks_at(budget: &Budget, label: Label) -> bool {
    budget.per.contains(&label) || budget.selector.iter().any(|(selected, _)| *selected == label)
}

fn first_end(spans: &[Span]) -> i64 {
    spans.iter().filter_map(|span| span.ends_ms).min().unwrap_or(i64::MAX)
}

fn values_of<'a>(budget: &Budget, scope: &Scope<'a>) -> impl Iterator<Item = &'a str> + Clone {
    budget.per.iter().map(|label| scope.value(*label))
}

fn name(budget: &Budget, scope: &Scope<'_>, span: Span) -> BalanceName {
    named(budget, span, values_of(budget, scope))
}

fn named<'v>(budget: &Budget, span: Span, values: impl Iterator<Item = &'v str>) -> BalanceName {
    let labelled = |(label, value): (&Label, &str)| (label.word().to_owned(), value.to_owned());
    BalanceName {
        budget: budget.name.clone(),
        window: budget.window.kind().words().into_owned(),
        scope: budget.per.iter().zip(values).map(labelled).collect(),
        starts_ms: span.starts_ms,
        ends_ms: span.ends_ms,
    }
}

fn print_of(seats: &[Seat]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    seats.hash(&mut hasher);
    hasher.finish()
}
