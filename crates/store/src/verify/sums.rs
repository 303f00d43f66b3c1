//! The sums, made again, and held against those in the books.

use std::collections::{BTreeMap, HashMap};

use ledger::invariants::{self, Amounts};
use ledger::{BalanceId, Member};
use money::{Exact, Nano};
use rusqlite::Connection;

use super::holdings::{Correction, Holdings};
use super::{Verification, failed};
use crate::{OpenError, tally};

/// Whose call it was.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) upstream: Vec<u8>,
    pub(super) key: String,
    pub(super) model: String,
}

/// A call as it settled.
pub(super) struct Call {
    pub(super) at_ms: i64,
    pub(super) bound: Nano,
    pub(super) cost: Nano,
    pub(super) overrun: Nano,
    pub(super) late: bool,
}

/// One line of a report: calls, late, corrections, overruns, cost, bound, overrun.
type Line = [i64; 7];

/// What the entries come to.
#[derive(Default)]
pub(super) struct Sums {
    posted: HashMap<u32, Nano>,
    open: HashMap<u32, Nano>,
    overrun: HashMap<u32, Nano>,
    buckets: BTreeMap<(u32, i64), Nano>,
    keys: BTreeMap<Vec<u8>, (i64, Nano, Exact)>,
    days: HashMap<(i64, Key), Line>,
    budgets: HashMap<(i64, String), Line>,
}

impl Sums {
    pub(super) fn call(&mut self, holdings: &Holdings, members: &[Member], key: &Key, call: Call) {
        self.post(holdings, members, (call.at_ms, call.at_ms), call.at_ms, call.cost, call.overrun);
        let overruns = i64::from(call.overrun > Nano::ZERO);
        let late = i64::from(call.late);
        let line = [1, late, 0, overruns, call.cost.nanos(), call.bound.nanos(), call.overrun.nanos()];
        self.report(holdings, members, key, (call.at_ms, call.at_ms), line);
        let total = self.keys.entry(key.upstream.clone()).or_default();
        total.0 += 1;
        total.1 = total.1.saturating_add(call.cost);
    }

    /// Posted to those that took the cost. A rolling window counts a raise from its own instant on.
    pub(super) fn correction(
        &mut self,
        holdings: &Holdings,
        members: &[Member],
        key: &Key,
        settled_ms: i64,
        correction: &Correction,
    ) {
        let change = correction.cost.saturating_sub(correction.was);
        let raised = change.max(Nano::ZERO);
        let counted_ms = if change.is_negative() { settled_ms } else { correction.at_ms };
        self.post(holdings, members, (settled_ms, counted_ms), correction.at_ms, change, raised);
        let overruns = i64::from(raised > Nano::ZERO);
        let line = [0, 0, 1, overruns, change.nanos(), 0, raised.nanos()];
        self.report(holdings, members, key, (correction.at_ms, settled_ms), line);
        let total = self.keys.entry(key.upstream.clone()).or_default();
        total.1 = total.1.saturating_add(change);
    }

    pub(super) fn text(&mut self, upstream: &[u8], exact: Exact) {
        let total = self.keys.entry(upstream.to_vec()).or_default();
        total.2 = total.2 + exact;
    }

    pub(super) fn open(&mut self, members: &[Member], bound: Nano) {
        for member in members {
            add(self.open.entry(member.balance.0).or_default(), bound);
        }
    }

    fn post(
        &mut self,
        holdings: &Holdings,
        members: &[Member],
        (taken_ms, counted_ms): (i64, i64),
        booked_ms: i64,
        change: Nano,
        overrun: Nano,
    ) {
        for member in members.iter().filter(|member| member.takes(taken_ms)) {
            let id = member.balance.0;
            add(self.posted.entry(id).or_default(), change);
            add(self.overrun.entry(id).or_default(), overrun);
            let rolling = holdings.balances.get(&id).and_then(|row| row.rolling);
            if let Some(rolling) = rolling {
                let bucket = rolling.bucket_of(counted_ms);
                if rolling.counts(bucket, booked_ms) {
                    add(self.buckets.entry((id, bucket)).or_default(), change);
                }
            }
        }
    }

    fn report(
        &mut self,
        holdings: &Holdings,
        members: &[Member],
        key: &Key,
        (booked_ms, taken_ms): (i64, i64),
        line: Line,
    ) {
        let day = tally::day_of(booked_ms);
        add_line(self.days.entry((day, key.clone())).or_default(), line);
        let mut budgets: Vec<&str> = members
            .iter()
            .filter(|member| member.takes(taken_ms))
            .filter_map(|member| holdings.balances.get(&member.balance.0))
            .map(|row| row.budget.as_str())
            .collect();
        budgets.sort_unstable();
        budgets.dedup();
        for budget in budgets {
            add_line(self.budgets.entry((day, budget.to_owned())).or_default(), line);
        }
    }

    /// Holds them against the books.
    pub(super) fn compare(
        &self,
        connection: &Connection,
        holdings: &Holdings,
        found: &mut Verification,
    ) -> Result<(), OpenError> {
        self.balances(holdings, found);
        self.buckets(connection, holdings, found)?;
        self.keys(connection, found)?;
        self.reports(connection, found)
    }

    /// I2, I4 and I10, and I1 as far as the limit of today tells.
    fn balances(&self, holdings: &Holdings, found: &mut Verification) {
        let of = |sums: &HashMap<u32, Nano>, id: &u32| sums.get(id).copied().unwrap_or_default();
        for (id, row) in &holdings.balances {
            let posted = of(&self.posted, id);
            if invariants::i10_posted(BalanceId(*id), row.posted, [posted]).is_err() {
                let says = row.posted;
                found.wrong(format!("balance {id} ({}) says {says}, its entries come to {posted}", row.name));
            }
            if row.rolling.is_some() {
                continue;
            }
            let amounts = Amounts {
                limit: row.limit,
                posted,
                unknown: of(&self.open, id),
                overruns: of(&self.overrun, id),
                ..Amounts::default()
            };
            if let Err(broken) = invariants::i1_within_limit(&amounts) {
                found.notes.push(format!("balance {id} ({}): {broken}; the limit was lowered", row.name));
            }
        }
    }

    /// Those that still count; older ones may be gone already.
    fn buckets(
        &self,
        connection: &Connection,
        holdings: &Holdings,
        found: &mut Verification,
    ) -> Result<(), OpenError> {
        let mut statement =
            connection.prepare("SELECT balance, starts_ms, posted_nanos FROM bucket").map_err(failed)?;
        let rows = statement
            .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), Nano::from_nanos(row.get(2)?))))
            .map_err(failed)?;
        let books: BTreeMap<(u32, i64), Nano> = rows.collect::<Result<_, _>>().map_err(failed)?;
        let counts = |(id, bucket): &(u32, i64)| {
            let rolling = holdings.balances.get(id).and_then(|row| row.rolling);
            rolling.is_some_and(|rolling| rolling.counts(*bucket, holdings.latest_ms))
        };
        let both = self.buckets.keys().chain(books.keys()).filter(|place| counts(place));
        let places: std::collections::BTreeSet<&(u32, i64)> = both.collect();
        for place in places {
            let of = |sums: &BTreeMap<(u32, i64), Nano>| sums.get(place).copied().unwrap_or_default();
            if of(&self.buckets) != of(&books) {
                found.wrong(format!(
                    "balance {}, bucket {}: the books say {}, its entries come to {}",
                    place.0,
                    place.1,
                    of(&books),
                    of(&self.buckets)
                ));
            }
        }
        Ok(())
    }

    /// I10 and I11: what is booked on each upstream key, rounded and verbatim.
    fn keys(&self, connection: &Connection, found: &mut Verification) -> Result<(), OpenError> {
        let sql = "SELECT upstream_key, entries, posted_nanos, exact_attos FROM key_total";
        let mut statement = connection.prepare(sql).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        let mut seen = 0;
        while let Some(row) = rows.next().map_err(failed)? {
            let read = || -> rusqlite::Result<(Vec<u8>, i64, i64, String)> {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            };
            let (key, entries, posted, exact) = read().map_err(failed)?;
            let named: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            let ours = self.keys.get(&key).copied().unwrap_or_default();
            let says = (entries, Nano::from_nanos(posted), exact.parse().ok().map(Exact::from_attos));
            seen += usize::from(self.keys.contains_key(&key));
            if says != (ours.0, ours.1, Some(ours.2)) {
                found.wrong(format!(
                    "upstream key {named}: the books say {entries} entries, {}, {exact} attos; they are {}, {}, {}",
                    says.1,
                    ours.0,
                    ours.1,
                    ours.2.attos()
                ));
            }
            // A cost of two parties is rounded twice.
            let count = ours.0.cast_unsigned().saturating_mul(2);
            found.holds(invariants::i11_rounding(i128::from(ours.1.nanos()), ours.2, count));
        }
        if seen != self.keys.len() {
            found.wrong("an upstream key with entries has no total".to_owned());
        }
        Ok(())
    }

    fn reports(&self, connection: &Connection, found: &mut Verification) -> Result<(), OpenError> {
        const COLUMNS: &str = "calls, late, corrections, overruns, cost_nanos, bound_nanos, overrun_nanos";
        let sql = format!("SELECT {COLUMNS}, day, upstream_key, key, model FROM rollup");
        let days = lines(connection, &sql, |row| {
            Ok((row.get(7)?, Key { upstream: row.get(8)?, key: row.get(9)?, model: row.get(10)? }))
        })?;
        differ(&self.days, &days, found, |(day, key)| {
            format!("day {day} of key '{}' and {}", key.key, key.model)
        });
        let sql = format!("SELECT {COLUMNS}, day, budget FROM budget_rollup");
        let budgets = lines(connection, &sql, |row| Ok((row.get(7)?, row.get(8)?)))?;
        differ(&self.budgets, &budgets, found, |(day, budget)| format!("day {day} of budget {budget}"));
        Ok(())
    }
}

fn add(sum: &mut Nano, amount: Nano) {
    *sum = sum.saturating_add(amount);
}

fn add_line(sum: &mut Line, line: Line) {
    sum.iter_mut().zip(line).for_each(|(sum, more)| *sum = sum.saturating_add(more));
}

fn lines<K: std::hash::Hash + Eq>(
    connection: &Connection,
    sql: &str,
    key: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<K>,
) -> Result<HashMap<K, Line>, OpenError> {
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let rows = statement
        .query_map([], |row| {
            let mut line = Line::default();
            for (at, number) in line.iter_mut().enumerate() {
                *number = row.get(at)?;
            }
            Ok((key(row)?, line))
        })
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

fn differ<K: std::hash::Hash + Eq>(
    ours: &HashMap<K, Line>,
    books: &HashMap<K, Line>,
    found: &mut Verification,
    name: impl Fn(&K) -> String,
) {
    for (key, line) in ours {
        if books.get(key).unwrap_or(&Line::default()) != line {
            found.wrong(format!("the report for {} is not the sum of its entries", name(key)));
        }
    }
    let empty = |line: &Line| line.iter().all(|number| *number == 0);
    for (key, _) in books.iter().filter(|(key, line)| !ours.contains_key(*key) && !empty(line)) {
        found.wrong(format!("the report for {} has no entries", name(key)));
    }
}
