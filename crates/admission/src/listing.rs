//! The list of balances: those in memory, those that only the books have, and those that nobody has used.

use std::collections::HashSet;
use std::sync::Arc;

use ledger::{Balance, BalanceId, BalanceName, Missing, Scope, Slot};
use money::Nano;
use smallvec::SmallVec;

use crate::core::{Core, Ways};
use crate::report::{BalanceList, BalanceReport};

/// Balances in a list, at most.
const LISTED_MAX: usize = 10_000;
/// Balances read under one lock of the money.
const AT_A_GO: usize = 256;

/// A report, and its budget's place in the configuration.
type Listed = (usize, BalanceReport);

impl Core {
    pub(crate) fn balances(&self, now_ms: i64) -> BalanceList {
        let now_ms = self.see(now_ms);
        self.turn(now_ms);
        let kept = self.store.open_balances(now_ms, LISTED_MAX);
        let ways = self.ways.read();
        let mut complete = ways.index.len() <= LISTED_MAX;
        let mut listed = self.in_memory(&ways, now_ms);
        match kept {
            Ok(rows) => {
                complete &= rows.len() < LISTED_MAX;
                listed.extend(rows.into_iter().filter_map(|row| only_kept(&ways, row)));
            }
            Err(_) => complete = false,
        }
        listed.extend(untouched(&ways, &listed));
        listed.sort_by(|(budget, report), (other, another)| {
            (budget, &report.name).cmp(&(other, &another.name))
        });
        complete &= listed.len() <= LISTED_MAX;
        listed.truncate(LISTED_MAX);
        BalanceList { reports: listed.into_iter().map(|(_, report)| report).collect(), complete }
    }

    pub(crate) fn standing(&self, scope: &Scope<'_>, now_ms: i64) -> Option<SmallVec<[Balance; 4]>> {
        let now_ms = self.see(now_ms);
        let found = self.ways.read().index.find(scope, now_ms)?;
        let mut money = self.money.lock();
        found.set.seats().iter().map(|seat| money.expire(seat.slot(), now_ms).copied()).collect()
    }

    pub(crate) fn each_balance(&self, now_ms: i64, each: &mut dyn FnMut(&BalanceName, &Balance)) {
        let now_ms = self.see(now_ms);
        let ways = self.ways.read();
        let mut money = self.money.lock();
        for (_, slot) in ways.index.open() {
            if let (Some(name), Some(balance)) = (ways.index.name(slot), money.expire(slot, now_ms)) {
                each(&name, balance);
            }
        }
    }

    fn in_memory(&self, ways: &Ways, now_ms: i64) -> Vec<Listed> {
        let open: Vec<(usize, Slot)> = ways.index.open().take(LISTED_MAX).collect();
        let mut listed = Vec::with_capacity(open.len());
        for some in open.chunks(AT_A_GO) {
            let mut balances: Vec<(Balance, Option<i64>)> = Vec::with_capacity(some.len());
            let mut money = self.money.lock();
            for (_, slot) in some {
                let zero = Balance::new(BalanceId(u32::MAX), Nano::ZERO, None);
                let balance = money.expire(*slot, now_ms).copied().unwrap_or(zero);
                balances.push((balance, money.next_release_ms(*slot)));
            }
            drop(money);
            let report = |((budget, slot), (balance, next_release_ms)): (&(usize, Slot), _)| {
                let balance: Balance = balance;
                let name = ways.index.name(*slot).filter(|_| balance.id == slot.id())?;
                let report = BalanceReport::new(Arc::new(name), &balance);
                Some((*budget, BalanceReport { next_release_ms, ..report }))
            };
            listed.extend(some.iter().zip(balances).filter_map(report));
        }
        listed
    }
}

/// A balance of the books that is not in memory: nothing is held on it.
fn only_kept(ways: &Ways, row: store::BalanceRow) -> Option<Listed> {
    let budget = ways.index.budget_of(&row.name)?;
    if ways.index.is_open(&row.name) {
        return None;
    }
    let mut balance = Balance::new(row.id, ways.index.budgets()[budget].limit, row.name.ends_ms);
    balance.posted = row.counted();
    let rolling = ledger::Rolling::from_words(&row.name.window);
    let oldest_ms = row.buckets.iter().find(|(_, cost)| *cost > Nano::ZERO).map(|(starts_ms, _)| *starts_ms);
    let next_release_ms = rolling.zip(oldest_ms).map(|(rolling, starts_ms)| rolling.released_ms(starts_ms));
    let report = BalanceReport::new(Arc::new(row.name), &balance);
    Some((budget, BalanceReport { next_release_ms, ..report }))
}

fn untouched(ways: &Ways, listed: &[Listed]) -> Vec<Listed> {
    let names: HashSet<&BalanceName> = listed.iter().map(|(_, report)| &*report.name).collect();
    let is_listed = |missing: &Missing| names.contains(&missing.name);
    let report = |Missing { budget, name }: Missing| {
        let balance = Balance::new(BalanceId(u32::MAX), ways.index.budgets()[budget].limit, name.ends_ms);
        (budget, BalanceReport::new(Arc::new(name), &balance))
    };
    ways.index.untouched().filter(|missing| !is_listed(missing)).map(report).collect()
}
