//! A ledger in memory, opened by need, as admission does it, without a journal.

use std::sync::Arc;

use ledger::{
    Balance, BalanceId, Balances, Budget, Gap, HoldSet, Index, Label, Missing, Places, Scope, SetId,
    Straddle, Window, WindowKind,
};
use money::Nano;

/// An index and its balances.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) index: Index,
    pub(crate) money: Balances,
    balances: u32,
    sets: u32,
}

pub(crate) fn budget(
    name: &str,
    selector: &[(Label, &str)],
    per: &[Label],
    limit: i64,
    window: &str,
) -> Budget {
    Budget {
        name: name.into(),
        selector: selector.iter().map(|(label, value)| (*label, (*value).to_owned())).collect(),
        per: per.iter().copied().collect(),
        limit: Nano::from_nanos(limit),
        window: Window::new(window, "UTC").expect("a window"),
        straddle: Straddle::Admission,
    }
}

impl House {
    pub(crate) fn new(budgets: Vec<Budget>, attempt_ms_max: i64, most: usize) -> Self {
        let index = Index::new(budgets, attempt_ms_max, 0);
        House { index, money: Balances::with_room_for(most), balances: 0, sets: 0 }
    }

    /// The set of a request at an instant; opens what is missing.
    pub(crate) fn set(&mut self, scope: &Scope<'_>, now_ms: i64) -> Arc<HoldSet> {
        if let Some(found) = self.index.find(scope, now_ms) {
            return found.set;
        }
        let places = self.places(scope, now_ms);
        let set = self.index.known(&places).unwrap_or_else(|| {
            self.sets += 1;
            self.index.intern(SetId(self.sets), &places)
        });
        self.index.remember(scope, set).set
    }

    /// The balances of a request at an instant, without a set made of them; opens what is missing.
    pub(crate) fn places(&mut self, scope: &Scope<'_>, now_ms: i64) -> Places {
        loop {
            match self.index.gather(scope, now_ms, true) {
                Ok(places) => return places,
                Err(Gap::Missing(missing)) => self.open(&missing, now_ms),
                Err(Gap::Shut(_)) => panic!("windows may turn"),
            }
        }
    }

    fn open(&mut self, missing: &Missing, now_ms: i64) {
        let budget = &self.index.budgets()[missing.budget];
        let balance = Balance::new(BalanceId(self.balances), budget.limit, missing.name.ends_ms);
        self.balances += 1;
        let slot = match budget.window.kind() {
            WindowKind::Rolling(rolling) => self.money.open_rolling(balance, rolling, &[], now_ms),
            _ => self.money.open(balance),
        };
        self.index.insert(missing.budget, &missing.name, slot.expect("there is room"));
    }
}
