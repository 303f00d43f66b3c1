//! Posting a stretch of the journal: one transaction, idempotent, checked against what is there.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use ledger::{BalanceId, BalanceName, Evidence, HoldId};
use money::Nano;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, params};

use super::rows::{self, OPEN_HOLD_COLUMNS, RowError};
use crate::error::Fault;
use crate::journal::Extent;
use crate::line::Line;
use crate::{DecisionRow, OpenHold, SavingRow};

/// A stretch of one segment.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) path: PathBuf,
    /// Sequence number, offset, record; dense.
    pub(crate) lines: Vec<(u64, u64, Line)>,
    /// Where the next record begins.
    pub(crate) next: Extent,
}

/// Why a batch was not posted.
#[derive(Debug)]
pub(crate) enum PostError {
    /// May pass by itself.
    Sqlite(rusqlite::Error),
    /// Never passes.
    Disagree(Fault),
    /// The journal failed; it knows why.
    Closed,
}

impl From<rusqlite::Error> for PostError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// The one writer of the books.
#[derive(Debug)]
pub(crate) struct Books {
    connection: Connection,
}

impl Books {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection }
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Posts a batch and the place it reaches to, or nothing.
    pub(crate) fn post(&mut self, batch: &Batch) -> Result<(), PostError> {
        let Some((first, offset, _)) = batch.lines.first() else { return Ok(()) };
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let seq: u64 = transaction
            .prepare_cached("SELECT seq FROM progress WHERE one = 1")?
            .query_row([], |row| row.get::<_, i64>(0))?
            .cast_unsigned();
        if seq + 1 != *first {
            return Err(batch.fault(*first, *offset, format!("the books reach to record {seq}")));
        }
        let mut posting = Posting::new(&transaction);
        for (seq, offset, line) in &batch.lines {
            posting.line(line).map_err(|error| error.at(batch, *seq, *offset))?;
        }
        posting.finish(&batch.next).map_err(|error| error.at(batch, *first, *offset))?;
        Ok(transaction.commit()?)
    }

    /// Returns when everything posted so far survives a power cut: the log is one file, so a commit that is synced
    /// carries all commits before it. `clean` says that nothing will follow.
    pub(crate) fn make_durable(&mut self, clean: bool) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let sql = "UPDATE progress SET durable = durable + 1, clean = ?1 WHERE one = 1";
        let result = self.connection.execute(sql, [clean]);
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        result.map(|changed| assert_eq!(changed, 1, "the books lost their progress row"))
    }

    pub(crate) fn keep_decisions(&mut self, rows: &[DecisionRow], kept_max: u64) -> rusqlite::Result<()> {
        super::keep_decisions(&mut self.connection, rows, kept_max)
    }

    pub(crate) fn add_savings(&mut self, rows: &[SavingRow]) -> rusqlite::Result<()> {
        super::add_savings(&mut self.connection, rows)
    }

    /// Closes the file, which folds the write-ahead log into it when nobody else reads.
    pub(crate) fn close(self) -> rusqlite::Result<()> {
        self.connection.close().map_err(|(_, error)| error)
    }
}

impl Batch {
    fn fault(&self, seq: u64, offset: u64, what: String) -> PostError {
        PostError::Disagree(Fault { file: self.path.clone(), offset, seq, what })
    }
}

/// What is wrong with a line, before it has a place.
enum LineError {
    Sqlite(rusqlite::Error),
    Wrong(String),
}

impl From<rusqlite::Error> for LineError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) => Self::Wrong(error.to_string()),
            _ => Self::Sqlite(error),
        }
    }
}

impl From<RowError> for LineError {
    fn from(error: RowError) -> Self {
        match error {
            RowError::Sqlite(error) => error.into(),
            RowError::Row(what) => Self::Wrong(what),
        }
    }
}

impl LineError {
    fn at(self, batch: &Batch, seq: u64, offset: u64) -> PostError {
        match self {
            Self::Sqlite(error) => PostError::Sqlite(error),
            Self::Wrong(what) => batch.fault(seq, offset, what),
        }
    }
}

/// One transaction. A hold that begins and ends in it never touches `open_hold`.
struct Posting<'a> {
    transaction: &'a Transaction<'a>,
    fresh: HashMap<u64, OpenHold>,
    posted: BTreeMap<u32, Nano>,
    latest_ms: i64,
    next_balance: u32,
    next_hold: u64,
}

impl<'a> Posting<'a> {
    fn new(transaction: &'a Transaction<'a>) -> Self {
        Self {
            transaction,
            fresh: HashMap::new(),
            posted: BTreeMap::new(),
            latest_ms: 0,
            next_balance: 0,
            next_hold: 0,
        }
    }

    fn line(&mut self, line: &Line) -> Result<(), LineError> {
        self.latest_ms = self.latest_ms.max(line.at_ms().unwrap_or(0));
        match line {
            Line::Balance { id, name, limit } => self.balance(*id, name, *limit),
            Line::Hold(open) => {
                self.next_hold = self.next_hold.max(open.hold.0 + 1);
                match self.fresh.insert(open.hold.0, open.clone()) {
                    None => Ok(()),
                    Some(_) => Err(LineError::Wrong(format!("hold {} is open already", open.hold.0))),
                }
            }
            Line::Generation { hold, id } => match self.fresh.get_mut(&hold.0) {
                Some(open) => {
                    open.generation = Some(id.clone());
                    Ok(())
                }
                None => self.update_open(*hold, "generation = ?2", params![id_of(*hold), id]),
            },
            Line::Unknown { hold, at_ms, reason, status } => match self.fresh.get_mut(&hold.0) {
                Some(open) => {
                    open.mark_unknown(*reason, *status, *at_ms);
                    Ok(())
                }
                None => self.update_open(
                    *hold,
                    "unknown_since_ms = iif(unknown_reason IS NULL, ?4, unknown_since_ms), \
                     unknown_reason = ?2, unknown_status = ?3",
                    params![id_of(*hold), reason.code(), status, at_ms],
                ),
            },
            Line::Settle { hold, at_ms, cost, text, evidence } => {
                self.settle(*hold, *at_ms, *cost, text, *evidence)
            }
        }
    }

    fn balance(&mut self, id: BalanceId, name: &BalanceName, limit: Nano) -> Result<(), LineError> {
        self.next_balance = self.next_balance.max(id.0 + 1);
        let changed = self
            .transaction
            .prepare_cached(
                "INSERT INTO balance (id, budget, window, scope, starts_ms, ends_ms, limit_nanos)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (id) DO UPDATE SET limit_nanos = excluded.limit_nanos
                 WHERE budget = excluded.budget AND window = excluded.window AND scope = excluded.scope
                   AND starts_ms = excluded.starts_ms AND ends_ms IS excluded.ends_ms",
            )?
            .execute(params![
                id.0,
                name.budget,
                name.window,
                rows::scope_text(name),
                name.starts_ms,
                name.ends_ms,
                limit.nanos()
            ])?;
        expect_one(changed, || format!("balance {} has another name already", id.0))
    }

    fn update_open(&self, hold: HoldId, set: &str, values: &[&dyn rusqlite::ToSql]) -> Result<(), LineError> {
        let sql = format!("UPDATE open_hold SET {set} WHERE hold = ?1");
        let changed = self.transaction.prepare_cached(&sql)?.execute(values)?;
        expect_one(changed, || format!("hold {} is not open", hold.0))
    }

    fn settle(
        &mut self,
        hold: HoldId,
        at_ms: i64,
        cost: Nano,
        text: &str,
        evidence: Evidence,
    ) -> Result<(), LineError> {
        let open = match self.fresh.remove(&hold.0) {
            Some(open) => open,
            None => self.take_open(hold)?,
        };
        for balance in &open.balances {
            let posted = self.posted.entry(balance.0).or_default();
            *posted = posted.checked_add(cost).ok_or_else(|| overflow(*balance))?;
        }
        let overrun = cost.nanos().saturating_sub(open.bound.nanos()).max(0);
        self.transaction
            .prepare_cached(
                "INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            )?
            .execute(params![
                id_of(hold),
                open.at_ms,
                at_ms,
                open.bound.nanos(),
                open.class.code(),
                cost.nanos(),
                text,
                evidence.code(),
                overrun,
                rows::balances_text(&open.balances),
                open.upstream_key.0,
                open.model,
                open.generation,
                open.unknown.map(|(reason, _)| reason.code()),
                open.unknown.map_or(0, |(_, status)| status),
                open.unknown_since_ms,
            ])?;
        Ok(())
    }

    fn take_open(&self, hold: HoldId) -> Result<OpenHold, LineError> {
        let sql = format!("DELETE FROM open_hold WHERE hold = ?1 RETURNING {OPEN_HOLD_COLUMNS}");
        let mut statement = self.transaction.prepare_cached(&sql)?;
        let mut found = statement.query([id_of(hold)])?;
        let Some(row) = found.next()? else {
            return Err(LineError::Wrong(format!("hold {} ends but is not open", hold.0)));
        };
        let open = rows::open_hold(row)?;
        // The deletion is only certain once the statement has run to its end.
        let more = found.next()?.is_some();
        assert!(!more, "one hold, one row");
        Ok(open)
    }

    fn finish(self, next: &Extent) -> Result<(), LineError> {
        let mut insert = self
            .transaction
            .prepare_cached("INSERT INTO open_hold VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?;
        let mut fresh: Vec<_> = self.fresh.into_values().collect();
        fresh.sort_unstable_by_key(|open| open.hold);
        for open in fresh {
            insert.execute(params![
                id_of(open.hold),
                open.at_ms,
                open.bound.nanos(),
                open.class.code(),
                rows::balances_text(&open.balances),
                open.upstream_key.0,
                open.model,
                open.generation,
                open.unknown.map(|(reason, _)| reason.code()),
                open.unknown.map_or(0, |(_, status)| status),
                open.unknown_since_ms,
            ])?;
        }
        let mut post = self
            .transaction
            .prepare_cached("UPDATE balance SET posted_nanos = posted_nanos + ?2 WHERE id = ?1")?;
        for (balance, posted) in self.posted {
            let changed = post.execute(params![balance, posted.nanos()])?;
            expect_one(changed, || format!("balance {balance} was never declared"))?;
        }
        let changed = self
            .transaction
            .prepare_cached(
                "UPDATE progress SET seq = ?1, segment = ?2, offset = ?3, latest_ms = max(latest_ms, ?4),
                 next_balance = max(next_balance, ?5), next_hold = max(next_hold, ?6) WHERE one = 1",
            )?
            .execute(params![
                next.seq.cast_signed(),
                next.ordinal.cast_signed(),
                next.offset.cast_signed(),
                self.latest_ms,
                self.next_balance,
                self.next_hold.cast_signed()
            ])?;
        expect_one(changed, || "the books lost their progress row".to_owned())
    }
}

/// Hold ids are checked to fit when they are written.
fn id_of(hold: HoldId) -> i64 {
    hold.0.cast_signed()
}

fn expect_one(changed: usize, what: impl FnOnce() -> String) -> Result<(), LineError> {
    if changed == 1 { Ok(()) } else { Err(LineError::Wrong(what())) }
}

fn overflow(balance: BalanceId) -> LineError {
    LineError::Wrong(format!("balance {} exceeds what can be counted", balance.0))
}
