//! The entries, one after the other: each checked by itself, and added to the sums.

use ledger::{Evidence, HoldId, Member, invariants};
use money::{Exact, Nano};
use rusqlite::{Connection, Row};

use super::holdings::{Correction, Holdings};
use super::sums::{Call, Key, Sums};
use super::{Stage, Verification, failed};
use crate::{OpenError, tally};

/// Entries between two words on progress.
const WORD_EVERY: u64 = 100_000;

const SQL: &str = "SELECT hold, settled_ms, bound_nanos, cost_nanos, cost_text, evidence, overrun_nanos, balances, \
     set_id, upstream_key, key, model, unknown_reason IS NOT NULL, at_ms FROM entry ORDER BY hold";

struct Entry {
    hold: i64,
    at_ms: i64,
    settled_ms: i64,
    bound: Nano,
    cost: Nano,
    text: String,
    evidence: u8,
    overrun: Nano,
    members: Option<Vec<Member>>,
    key: Key,
    was_unknown: bool,
}

/// Reads them all.
pub(super) fn read(
    connection: &Connection,
    holdings: &Holdings,
    found: &mut Verification,
    watch: &mut dyn FnMut(Stage),
) -> Result<Sums, OpenError> {
    let about: u64 = connection
        .query_row("SELECT coalesce(max(rowid), 0) FROM entry", [], |row| row.get::<_, i64>(0))
        .map_err(failed)?
        .cast_unsigned();
    let mut sums = Sums::default();
    let mut statement = connection.prepare(SQL).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let entry = Entry::read(row, holdings).map_err(failed)?;
        if found.entries.is_multiple_of(WORD_EVERY) {
            watch(Stage::Entries(found.entries, about.max(found.entries)));
        }
        found.entries += 1;
        entry.check_and_add(holdings, &mut sums, found);
    }
    open_holds(connection, holdings, &mut sums, found)?;
    Ok(sums)
}

impl Entry {
    fn read(row: &Row<'_>, holdings: &Holdings) -> rusqlite::Result<Self> {
        let balances: String = row.get(7)?;
        Ok(Entry {
            hold: row.get(0)?,
            settled_ms: row.get(1)?,
            bound: Nano::from_nanos(row.get(2)?),
            cost: Nano::from_nanos(row.get(3)?),
            text: row.get(4)?,
            evidence: row.get(5)?,
            overrun: Nano::from_nanos(row.get(6)?),
            members: holdings.members(row.get(8)?, &balances),
            key: Key { upstream: row.get(9)?, key: row.get(10)?, model: row.get(11)? },
            was_unknown: row.get(12)?,
            at_ms: row.get(13)?,
        })
    }

    fn check_and_add(&self, holdings: &Holdings, sums: &mut Sums, found: &mut Verification) {
        let hold = self.hold;
        found.posted = found.posted.saturating_add(self.cost);
        let corrections = holdings.corrections.get(&hold).map_or(&[][..], Vec::as_slice);
        let first = corrections.first().map_or(self.cost, |correction| correction.was);
        let first_text = corrections.first().map_or(&self.text, |correction| &correction.was_text);
        self.check(first, first_text, corrections, found);
        let Some(members) = &self.members else {
            found.wrong(format!("hold {hold} has a set that is not there"));
            return;
        };
        let call = Call {
            at_ms: self.settled_ms,
            bound: self.bound,
            cost: first,
            overrun: above(first, self.bound),
            late: self.was_unknown,
        };
        sums.call(holdings, members, &self.key, call);
        for correction in corrections {
            sums.correction(holdings, members, &self.key, self.settled_ms, correction);
        }
        sums.text(&self.key.upstream, tally::exact(self.cost, &self.text));
    }

    fn check(&self, first: Nano, first_text: &str, corrections: &[Correction], found: &mut Verification) {
        let hold = self.hold;
        match Evidence::from_code(self.evidence) {
            None => {
                found.wrong(format!("hold {hold} ended by an unknown kind of evidence, {}", self.evidence))
            }
            Some(evidence) => {
                let id = HoldId(hold.cast_unsigned());
                found.holds(invariants::i8_evidence(id, self.cost, &self.text, evidence));
            }
        }
        if self.settled_ms < self.at_ms {
            found.wrong(format!("hold {hold} ended before it was made"));
        }
        let mut was = first;
        for correction in corrections {
            if correction.was != was {
                found.wrong(format!(
                    "hold {hold}: record {} corrects {} where {was} was booked",
                    correction.seq, correction.was
                ));
            }
            was = correction.cost;
        }
        if was != self.cost {
            found.wrong(format!("hold {hold} is booked as {}, its corrections come to {was}", self.cost));
        }
        let raised = corrections.iter().map(|correction| above(correction.cost, correction.was));
        let overrun = raised.fold(above(first, self.bound), Nano::saturating_add);
        if overrun != self.overrun {
            found.wrong(format!("hold {hold} says it was overrun by {}, it was by {overrun}", self.overrun));
        }
        for (cost, text) in [(first, first_text), (self.cost, self.text.as_str())] {
            if !text.is_empty() && !is_ceiling(cost, text) {
                found.wrong(format!("hold {hold} is booked as {cost}, OpenRouter's figure was {text}"));
            }
        }
    }
}

/// I11: a cost is its text, rounded up to a nano-dollar; where two parties billed, each is.
fn is_ceiling(cost: Nano, text: &str) -> bool {
    Exact::parse_sum(text).is_ok_and(|exact| {
        let parts = 1 + text.matches('+').count() as i64;
        let beyond = cost.nanos().saturating_sub(exact.ceil().nanos());
        (0..parts).contains(&beyond)
    })
}

fn above(cost: Nano, bound: Nano) -> Nano {
    cost.saturating_sub(bound).max(Nano::ZERO)
}

fn open_holds(
    connection: &Connection,
    holdings: &Holdings,
    sums: &mut Sums,
    found: &mut Verification,
) -> Result<(), OpenError> {
    let sql = "SELECT hold, bound_nanos, balances, set_id, EXISTS (SELECT 1 FROM entry WHERE entry.hold = open_hold.hold)
               FROM open_hold";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let read = || -> rusqlite::Result<(i64, i64, String, Option<u32>, bool)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        };
        let (hold, bound, balances, set, ended) = read().map_err(failed)?;
        found.open += 1;
        found.charged = found.charged.saturating_add(Nano::from_nanos(bound));
        if ended {
            found.wrong(format!("hold {hold} is open, and has ended"));
        }
        match holdings.members(set, &balances) {
            Some(members) => sums.open(&members, Nano::from_nanos(bound)),
            None => found.wrong(format!("open hold {hold} has a set that is not there")),
        }
    }
    Ok(())
}
