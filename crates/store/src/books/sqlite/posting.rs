//! One batch on its way into the tables. A hold that begins and ends in it never touches `open_hold`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ledger::{BalanceId, BalanceName, Evidence, HoldId, Rolling, SetId};
use money::Nano;
use rusqlite::{OptionalExtension, Transaction, params};

use super::rows::{self, ENTRY_COLUMNS, OPEN_HOLD_COLUMNS};
use super::writer::LineError;
use super::{snapshot, totals};
use crate::OpenHold;
use crate::disk::BootId;
use crate::fold::Clock;
use crate::journal::Extent;
use crate::line::{Correction, Line};
use crate::recovered::Members;
use crate::tally::{Ended, Tally};

/// What the writer remembers of sets and balances, which never change once they are there.
#[derive(Debug, Default)]
pub(super) struct Roster {
    sets: HashMap<u32, Arc<Members>>,
    payees: HashMap<u32, Payee>,
}

/// A balance, as far as posting cares.
#[derive(Clone, Debug)]
struct Payee {
    budget: Arc<str>,
    rolling: Option<Rolling>,
}

impl Roster {
    const ROWS_MAX: usize = 100_000;

    /// Forgets everything when there is too much of it.
    pub(super) fn bound(&mut self) {
        if self.sets.len().max(self.payees.len()) > Self::ROWS_MAX {
            *self = Self::default();
        }
    }
}

pub(super) struct Posting<'a> {
    transaction: &'a Transaction<'a>,
    roster: &'a mut Roster,
    boot_id: Option<BootId>,
    fresh: HashMap<u64, OpenHold>,
    posted: BTreeMap<u32, Nano>,
    buckets: BTreeMap<u32, (Rolling, BTreeMap<i64, Nano>)>,
    tally: Tally,
    clock: Option<Clock>,
    latest_ms: i64,
    next_balance: u32,
    next_set: u32,
    next_hold: u64,
}

impl<'a> Posting<'a> {
    pub(super) fn new(
        transaction: &'a Transaction<'a>,
        roster: &'a mut Roster,
        boot_id: Option<BootId>,
        latest_ms: i64,
    ) -> Self {
        Self {
            transaction,
            roster,
            boot_id,
            fresh: HashMap::new(),
            posted: BTreeMap::new(),
            buckets: BTreeMap::new(),
            tally: Tally::default(),
            clock: None,
            latest_ms,
            next_balance: 0,
            next_set: 0,
            next_hold: 0,
        }
    }

    pub(super) fn line(&mut self, seq: u64, line: &Line) -> Result<(), LineError> {
        self.latest_ms = self.latest_ms.max(line.at_ms().unwrap_or(0));
        match line {
            Line::Balance { id, name, limit } => self.balance(*id, name, *limit),
            Line::Set { id, members } => self.set(*id, members),
            Line::Hold(open) => self.hold(open),
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
            Line::Correct(correction) => self.correct(seq, correction),
            Line::Clock { at_ms, boot_ms } => {
                self.clock = Some(Clock { at_ms: *at_ms, boot_ms: *boot_ms, boot_id: self.boot_id });
                Ok(())
            }
            Line::Action { at_ms, who, what } => {
                let sql = "INSERT INTO action (seq, at_ms, who, what) VALUES (?1, ?2, ?3, ?4)";
                let row = params![seq.cast_signed(), at_ms, who, what];
                self.transaction.prepare_cached(sql)?.execute(row)?;
                Ok(())
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

    fn set(&mut self, id: SetId, members: &Members) -> Result<(), LineError> {
        self.next_set = self.next_set.max(id.0 + 1);
        for member in members {
            self.payee(member.balance)?;
        }
        let sql = "INSERT INTO hold_set (id, members) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        let row = params![id.0, rows::members_text(members)];
        let changed = self.transaction.prepare_cached(sql)?.execute(row)?;
        expect_one(changed, || format!("set {} is declared already", id.0))?;
        self.roster.sets.insert(id.0, Arc::new(members.clone()));
        Ok(())
    }

    fn hold(&mut self, open: &OpenHold) -> Result<(), LineError> {
        self.next_hold = self.next_hold.max(open.hold.0 + 1);
        for member in self.members(open)?.iter() {
            self.payee(member.balance)?;
        }
        match self.fresh.insert(open.hold.0, open.clone()) {
            None => Ok(()),
            Some(_) => Err(LineError::Wrong(format!("hold {} is open already", open.hold.0))),
        }
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
        let members = self.members(&open)?;
        self.post(&members, cost, (at_ms, at_ms))?;
        let budgets = self.budgets(&members, at_ms)?;
        let ended = Ended { open: &open, settled_ms: at_ms, cost, text, evidence };
        self.tally.ended(&ended, budgets.iter().map(|budget| &**budget));
        self.insert_entry(&ended)
    }

    fn insert_entry(&self, ended: &Ended<'_>) -> Result<(), LineError> {
        let Ended { open, settled_ms, cost, text, evidence } = *ended;
        let sql = format!(
            "INSERT INTO entry ({ENTRY_COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
        );
        self.transaction.prepare_cached(&sql)?.execute(params![
            id_of(open.hold),
            open.at_ms,
            settled_ms,
            open.bound.nanos(),
            open.class.code(),
            cost.nanos(),
            text,
            evidence.code(),
            ended.overrun().nanos(),
            rows::balances_text(open),
            open.upstream_key.0,
            open.model,
            open.generation,
            open.unknown.map(|(reason, _)| reason.code()),
            open.unknown.map_or(0, |(_, status)| status),
            open.unknown_since_ms,
            open.set.map(|set| set.0),
            open.key,
        ])?;
        Ok(())
    }

    fn correct(&mut self, seq: u64, correction: &Correction) -> Result<(), LineError> {
        let Correction { hold, at_ms, settled_ms, was, cost, evidence, set, .. } = *correction;
        let sql = format!("SELECT {ENTRY_COLUMNS} FROM entry WHERE hold = ?1");
        let entry = self
            .transaction
            .prepare_cached(&sql)?
            .query_row([id_of(hold)], |row| Ok(rows::entry(row)))
            .optional()?
            .transpose()?;
        let Some(entry) = entry else {
            return Err(LineError::Wrong(format!("hold {} is corrected but has not ended", hold.0)));
        };
        if (entry.cost, entry.settled_ms) != (was, settled_ms) {
            return Err(LineError::Wrong(format!(
                "hold {} is corrected from {was} at {settled_ms}, booked is {} at {}",
                hold.0, entry.cost, entry.settled_ms
            )));
        }
        let open = entry.open_hold();
        let members = self.members_of(set)?;
        if *self.members(&open)? != *members {
            return Err(LineError::Wrong(format!("hold {} is corrected on another set", hold.0)));
        }
        let (amount, counted_ms) = correction.posting();
        self.post(&members, amount, (settled_ms, counted_ms))?;
        let budgets = self.budgets(&members, settled_ms)?;
        self.tally.corrected(correction, &open, &entry.text, budgets.iter().map(|budget| &**budget));
        self.transaction
            .prepare_cached(
                "INSERT INTO correction (seq, hold, at_ms, was_nanos, cost_nanos, was_text, cost_text, evidence, set_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                seq.cast_signed(),
                id_of(hold),
                at_ms,
                was.nanos(),
                cost.nanos(),
                entry.text,
                correction.text,
                evidence.code(),
                set.0
            ])?;
        let changed = self
            .transaction
            .prepare_cached(
                "UPDATE entry SET cost_nanos = ?2, cost_text = ?3, evidence = ?4,
                 overrun_nanos = overrun_nanos + max(?5, 0) WHERE hold = ?1",
            )?
            .execute(params![id_of(hold), cost.nanos(), correction.text, evidence.code(), amount.nanos()])?;
        expect_one(changed, || format!("entry {} is gone", hold.0))
    }

    /// Posts to the members that take what settles at `settled_ms`; rolling windows count it from `counted_ms` on.
    fn post(
        &mut self,
        members: &Members,
        amount: Nano,
        (settled_ms, counted_ms): (i64, i64),
    ) -> Result<(), LineError> {
        for member in members.iter().filter(|member| member.takes(settled_ms)) {
            let id = member.balance;
            let posted = self.posted.entry(id.0).or_default();
            *posted = posted.checked_add(amount).ok_or_else(|| overflow(id))?;
            let Some(rolling) = self.payee(id)?.rolling else { continue };
            let bucket = rolling.bucket_of(counted_ms);
            // Every touched window is tidied, also when the bucket counts no more.
            let (_, sums) = self.buckets.entry(id.0).or_insert_with(|| (rolling, BTreeMap::new()));
            if rolling.counts(bucket, self.latest_ms) {
                let sum = sums.entry(bucket).or_default();
                *sum = sum.checked_add(amount).ok_or_else(|| overflow(id))?;
            }
        }
        Ok(())
    }

    /// The names of the budgets that take what settles at `when_ms`, each once.
    fn budgets(&mut self, members: &Members, when_ms: i64) -> Result<Vec<Arc<str>>, LineError> {
        let mut budgets: Vec<Arc<str>> = Vec::with_capacity(members.len());
        for member in members.iter().filter(|member| member.takes(when_ms)) {
            let budget = self.payee(member.balance)?.budget;
            if !budgets.contains(&budget) {
                budgets.push(budget);
            }
        }
        Ok(budgets)
    }

    fn members(&mut self, open: &OpenHold) -> Result<Arc<Members>, LineError> {
        match open.set {
            Some(set) => self.members_of(set),
            None => Ok(Arc::new(open.members.clone())),
        }
    }

    fn members_of(&mut self, set: SetId) -> Result<Arc<Members>, LineError> {
        if let Some(members) = self.roster.sets.get(&set.0) {
            return Ok(Arc::clone(members));
        }
        let members = snapshot::set(self.transaction, set)?;
        let members = members.ok_or_else(|| LineError::Wrong(format!("set {} was never declared", set.0)))?;
        let members = Arc::new(members);
        self.roster.sets.insert(set.0, Arc::clone(&members));
        Ok(members)
    }

    fn payee(&mut self, id: BalanceId) -> Result<Payee, LineError> {
        if let Some(payee) = self.roster.payees.get(&id.0) {
            return Ok(payee.clone());
        }
        let sql = "SELECT budget, window FROM balance WHERE id = ?1";
        let found = self.transaction.prepare_cached(sql)?.query_row([id.0], |row| {
            let (budget, window): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(Payee { budget: budget.into(), rolling: Rolling::from_words(&window) })
        });
        let payee = found
            .optional()?
            .ok_or_else(|| LineError::Wrong(format!("balance {} was never declared", id.0)))?;
        self.roster.payees.insert(id.0, payee.clone());
        Ok(payee)
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

    pub(super) fn finish(mut self, next: &Extent) -> Result<(), LineError> {
        self.insert_open(next.ordinal)?;
        let mut post = self
            .transaction
            .prepare_cached("UPDATE balance SET posted_nanos = posted_nanos + ?2 WHERE id = ?1")?;
        for (balance, posted) in &self.posted {
            let changed = post.execute(params![balance, posted.nanos()])?;
            expect_one(changed, || format!("balance {balance} was never declared"))?;
        }
        self.finish_buckets()?;
        totals::add(self.transaction, &self.tally)?;
        self.finish_clock()?;
        let changed = self
            .transaction
            .prepare_cached(
                "UPDATE progress SET seq = ?1, segment = ?2, offset = ?3, latest_ms = ?4,
                 next_balance = max(next_balance, ?5), next_hold = max(next_hold, ?6),
                 next_set = max(next_set, ?7), clean = 0 WHERE one = 1",
            )?
            .execute(params![
                next.seq.cast_signed(),
                next.ordinal.cast_signed(),
                next.offset.cast_signed(),
                self.latest_ms,
                self.next_balance,
                self.next_hold.cast_signed(),
                self.next_set
            ])?;
        expect_one(changed, || "the books lost their progress row".to_owned())
    }

    fn insert_open(&mut self, segment: u64) -> Result<(), LineError> {
        let sql = format!(
            "INSERT INTO open_hold ({OPEN_HOLD_COLUMNS}, segment)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
        );
        let mut insert = self.transaction.prepare_cached(&sql)?;
        let mut fresh: Vec<_> = std::mem::take(&mut self.fresh).into_values().collect();
        fresh.sort_unstable_by_key(|open| open.hold);
        for open in fresh {
            insert.execute(params![
                id_of(open.hold),
                open.at_ms,
                open.bound.nanos(),
                open.class.code(),
                rows::balances_text(&open),
                open.upstream_key.0,
                open.model,
                open.generation,
                open.unknown.map(|(reason, _)| reason.code()),
                open.unknown.map_or(0, |(_, status)| status),
                open.unknown_since_ms,
                open.set.map(|set| set.0),
                open.key,
                segment.cast_signed(),
            ])?;
        }
        Ok(())
    }

    fn finish_buckets(&self) -> Result<(), LineError> {
        let mut add = self.transaction.prepare_cached(
            "INSERT INTO bucket (balance, starts_ms, posted_nanos) VALUES (?1, ?2, ?3)
             ON CONFLICT (balance, starts_ms) DO UPDATE SET posted_nanos = posted_nanos + excluded.posted_nanos",
        )?;
        let mut tidy =
            self.transaction.prepare_cached("DELETE FROM bucket WHERE balance = ?1 AND starts_ms <= ?2")?;
        for (balance, (rolling, sums)) in &self.buckets {
            for (starts_ms, sum) in sums {
                add.execute(params![balance, starts_ms, sum.nanos()])?;
            }
            let over_ms = self.latest_ms.saturating_sub(rolling.released_ms(0));
            tidy.execute(params![balance, over_ms])?;
        }
        Ok(())
    }

    fn finish_clock(&self) -> Result<(), LineError> {
        let Some(Clock { at_ms, boot_ms, boot_id }) = self.clock else { return Ok(()) };
        let sql =
            "UPDATE progress SET clock_at_ms = ?1, clock_boot_ms = ?2, clock_boot_id = ?3 WHERE one = 1";
        let changed = self.transaction.prepare_cached(sql)?.execute(params![at_ms, boot_ms, boot_id])?;
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
