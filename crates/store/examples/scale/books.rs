//! Large books, written straight into SQLite: what years of calls leave behind, in a minute.
//!
//! Every user has a balance, every call is charged to its user, its team and to all; the sums in the tables are those
//! of the entries. The journal begins anew, as if all of it had been shipped and let go.

use std::collections::BTreeMap;
use std::path::Path;

use ledger::{BalanceId, BalanceName, UpstreamKeyId};
use money::{Exact, Nano};
use rusqlite::{Connection, params};
use store::books::{Books, Sqlite};

pub(crate) const DAY_MS: i64 = 86_400_000;
/// The first day that anything was booked on, days since 1970-01-01.
pub(crate) const FIRST_DAY: i64 = 20_000;
const TEAMS: u32 = 100;
const MODELS: u64 = 12;
const KEYS: u64 = 20;
const BOUND: i64 = 2_000_000;

/// How large.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Balances: one over all, one of each of a hundred teams, the others of users.
    pub(crate) balances: u32,
    /// Holds that have ended.
    pub(crate) entries: u64,
    /// Holds that have not.
    pub(crate) open: u64,
    /// Days over which they are spread.
    pub(crate) days: i64,
}

/// What should be in the books.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) posted: Vec<i64>,
    pub(crate) cost: i64,
    pub(crate) exact: Exact,
    pub(crate) by_day: BTreeMap<i64, (u64, i64)>,
}

/// The name of a balance.
pub(crate) fn name(id: u32) -> BalanceName {
    let (budget, scope) = match id {
        0 => ("everything", vec![]),
        _ if id <= TEAMS => ("teams", vec![("team".to_owned(), format!("team-{id}"))]),
        _ => ("users", vec![("user".to_owned(), format!("user-{id}@example.org"))]),
    };
    BalanceName {
        budget: budget.to_owned(),
        window: "lifetime".to_owned(),
        scope,
        starts_ms: 0,
        ends_ms: None,
    }
}

pub(crate) fn upstream_key() -> UpstreamKeyId {
    UpstreamKeyId(*b"upstream")
}

/// The balances of a call; its set has the number of its user.
pub(crate) fn members(user: u32) -> [BalanceId; 3] {
    [BalanceId(0), BalanceId(1 + user % TEAMS), BalanceId(user)]
}

/// Makes them in `dir`.
pub(crate) fn make(dir: &Path, size: Size) -> Made {
    drop(Sqlite::new(dir).writer().expect("empty books"));
    let mut books = Connection::open(dir.join("farebox.db")).expect("the books");
    books.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000").expect("pragmas");
    let transaction = books.transaction().expect("a transaction");
    let made = entries(&transaction, size);
    balances(&transaction, size, &made);
    open_holds(&transaction, size);
    sums(&transaction, &made);
    let (latest_ms, next_hold) = (last_ms(size), (size.entries + size.open).cast_signed());
    transaction
        .execute(
            "UPDATE progress SET latest_ms = ?1, next_balance = ?2, next_set = ?2, next_hold = ?3",
            params![latest_ms, size.balances, next_hold],
        )
        .expect("progress");
    transaction.commit().expect("a commit");
    books.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("a checkpoint");
    made.total
}

pub(crate) fn last_ms(size: Size) -> i64 {
    (FIRST_DAY + size.days) * DAY_MS
}

/// When a hold is made: evenly over all days.
pub(crate) fn made_ms(size: Size, hold: u64) -> i64 {
    let all_ms = i128::from(size.days * DAY_MS);
    let into = i128::from(hold) * all_ms / i128::from(size.entries + size.open);
    FIRST_DAY * DAY_MS + i64::try_from(into).expect("some days")
}

fn user_of(size: Size, hold: u64) -> u32 {
    let users = u64::from(size.balances - TEAMS - 1);
    // Far apart, so that pages are not written in order.
    TEAMS + 1 + u32::try_from(hold.wrapping_mul(0x9E37_79B9_7F4A_7C15) % users).expect("a user")
}

/// Day, key label, model.
type Cell = (i64, u64, u64);

#[derive(Default)]
struct Making {
    total: Made,
    cells: BTreeMap<Cell, (u64, i64)>,
    budgets: BTreeMap<i64, (u64, i64)>,
}

fn entries(books: &Connection, size: Size) -> Making {
    let mut making = Making::default();
    making.total.posted = vec![0; size.balances as usize];
    let mut insert = books
        .prepare(
            "INSERT INTO entry (hold, at_ms, settled_ms, bound_nanos, class, cost_nanos, cost_text, evidence,
                overrun_nanos, balances, upstream_key, model, generation, unknown_reason, unknown_status,
                unknown_since_ms, set_id, key)
             VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, 1, 0, '', ?7, ?8, ?9, NULL, 0, 0, ?10, ?11)",
        )
        .expect("a statement");
    for hold in 0..size.entries {
        let (at_ms, user) = (made_ms(size, hold), user_of(size, hold));
        let cost = 1_000 + (hold.wrapping_mul(7_919) % 1_900_000).cast_signed();
        let text = format!("0.{cost:09}");
        let (key, model) = (hold % KEYS, hold % MODELS);
        let generation = format!("gen-{}-{hold:020}", at_ms / 1_000);
        let (key_text, model_text) = (format!("key-{key}"), format!("vendor-{model}/some-model-{model}"));
        insert
            .execute(params![
                hold.cast_signed(),
                at_ms,
                at_ms,
                BOUND,
                cost,
                text,
                upstream_key().0,
                model_text,
                generation,
                user,
                key_text
            ])
            .expect("an entry");
        for id in members(user) {
            making.total.posted[id.0 as usize] += cost;
        }
        making.total.cost += cost;
        making.total.exact = making.total.exact + Exact::from(Nano::from_nanos(cost));
        let day = at_ms / DAY_MS;
        let (cell, budget) = (making.cells.entry((day, key, model)), making.budgets.entry(day));
        for sums in [cell.or_default(), budget.or_default(), making.total.by_day.entry(day).or_default()] {
            *sums = (sums.0 + 1, sums.1 + cost);
        }
    }
    making
}

fn balances(books: &Connection, size: Size, made: &Making) {
    let mut balance = books
        .prepare(
            "INSERT INTO balance (id, budget, window, scope, starts_ms, ends_ms, limit_nanos, posted_nanos)
             VALUES (?1, ?2, ?3, ?4, 0, NULL, ?5, ?6)",
        )
        .expect("a statement");
    let mut set = books.prepare("INSERT INTO hold_set (id, members) VALUES (?1, ?2)").expect("a statement");
    for id in 0..size.balances {
        let BalanceName { budget, window, scope, .. } = name(id);
        let scope: Vec<String> =
            scope.iter().map(|(label, value)| format!("[\"{label}\",\"{value}\"]")).collect();
        let scope = format!("[{}]", scope.join(","));
        let posted = made.total.posted[id as usize];
        balance.execute(params![id, budget, window, scope, i64::MAX, posted]).expect("a balance");
        let members = members(id).map(|id| id.0.to_string()).join(",");
        set.execute(params![id, members]).expect("a set");
    }
}

fn open_holds(books: &Connection, size: Size) {
    let mut insert = books
        .prepare(
            "INSERT INTO open_hold (hold, at_ms, bound_nanos, class, balances, upstream_key, model, set_id, key)
             VALUES (?1, ?2, ?3, 1, '', ?4, 'vendor-1/some-model-1', ?5, 'key-1')",
        )
        .expect("a statement");
    for hold in size.entries..size.entries + size.open {
        let row =
            params![hold.cast_signed(), made_ms(size, hold), BOUND, upstream_key().0, user_of(size, hold)];
        insert.execute(row).expect("a hold");
    }
}

fn sums(books: &Connection, made: &Making) {
    let mut cell = books
        .prepare("INSERT INTO rollup VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0, ?6, ?7, 0)")
        .expect("a statement");
    for ((day, key, model), (calls, cost)) in &made.cells {
        let (key, model) = (format!("key-{key}"), format!("vendor-{model}/some-model-{model}"));
        let calls = calls.cast_signed();
        let row = params![day, key, model, upstream_key().0, calls, cost, calls * BOUND];
        cell.execute(row).expect("a sum");
    }
    let mut budget = books
        .prepare("INSERT INTO budget_rollup VALUES (?1, ?2, ?3, 0, 0, 0, 0, ?4, ?5, 0)")
        .expect("a statement");
    for (day, (calls, cost)) in &made.budgets {
        for name in ["everything", "teams", "users"] {
            let calls = calls.cast_signed();
            budget.execute(params![day, name, calls, cost, calls * BOUND]).expect("a sum");
        }
    }
    let entries: u64 = made.total.by_day.values().map(|(calls, _)| calls).sum();
    let exact = made.total.exact.attos().to_string();
    let row = params![upstream_key().0, entries.cast_signed(), made.total.cost, exact];
    books.execute("INSERT INTO key_total VALUES (?1, ?2, ?3, ?4)", row).expect("a sum");
}
