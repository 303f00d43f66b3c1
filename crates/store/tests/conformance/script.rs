//! Short ways to say what is posted.

use std::sync::Arc;

use ledger::{BalanceId, BalanceName, BoundClass, Evidence, HoldId, Member, SetId, UpstreamKeyId};
use money::Nano;
use store::books::{Batch, Books, Correction, Extent, Line, PostError, Reader, Writer};
use store::{OpenHold, Record};

use crate::Factory;

pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;
pub(crate) const KEY: UpstreamKeyId = UpstreamKeyId(*b"upstream");

/// Books, and how far they have come.
pub(crate) struct Script {
    books: Arc<dyn Books>,
    writer: Option<Box<dyn Writer>>,
    pub(crate) at: Extent,
}

impl Script {
    pub(crate) fn new(factory: &impl Factory) -> Self {
        let books = factory.books();
        let writer = Some(books.writer().unwrap());
        Self { books, writer, at: Extent { ordinal: 1, offset: 72, seq: 0 } }
    }

    pub(crate) fn reader(&self) -> Box<dyn Reader> {
        self.books.reader().unwrap()
    }

    pub(crate) fn writer(&mut self) -> &mut dyn Writer {
        &mut **self.writer.as_mut().unwrap()
    }

    /// As a process that dies and starts again.
    pub(crate) fn reopen(&mut self) {
        self.writer = None;
        self.writer = Some(self.books.writer().unwrap());
    }

    pub(crate) fn batch(&self, lines: &[Line]) -> Batch {
        let numbered = (1..).zip(lines).map(|(n, line)| (self.at.seq + n, self.at.offset + n, line.clone()));
        let count = lines.len() as u64;
        Batch {
            path: "segment".into(),
            boot_id: Some([7; 16]),
            lines: numbered.collect(),
            next: Extent {
                ordinal: self.at.ordinal,
                offset: self.at.offset + count + 1,
                seq: self.at.seq + count,
            },
        }
    }

    pub(crate) fn try_post(&mut self, lines: &[Line]) -> Result<(), PostError> {
        let batch = self.batch(lines);
        self.writer().post(&batch)?;
        self.at = batch.next;
        Ok(())
    }

    pub(crate) fn post(&mut self, lines: &[Line]) {
        self.try_post(lines).unwrap_or_else(|error| panic!("{error:?}"));
    }

    /// Posts what must be refused; what is wrong with it.
    pub(crate) fn refuse(&mut self, lines: &[Line]) -> String {
        match self.try_post(lines) {
            Err(PostError::Disagree(fault)) => fault.what,
            other => panic!("a contradiction was posted: {other:?}"),
        }
    }

    pub(crate) fn posted(&self, balance: u32) -> i64 {
        self.reader().balance(BalanceId(balance)).unwrap().unwrap().posted.nanos()
    }

    /// First instant and sum of each bucket that counts.
    pub(crate) fn buckets(&self, balance: u32) -> Vec<(i64, i64)> {
        let row = self.reader().balance(BalanceId(balance)).unwrap().unwrap();
        row.buckets.into_iter().map(|(starts_ms, sum)| (starts_ms, sum.nanos())).collect()
    }
}

pub(crate) fn name(id: u32, window: &str, span: (i64, Option<i64>)) -> BalanceName {
    BalanceName {
        budget: format!("b{}", id % 3),
        window: window.to_owned(),
        scope: vec![("user".to_owned(), format!("u\"{id}"))],
        starts_ms: span.0,
        ends_ms: span.1,
    }
}

pub(crate) fn balance(id: u32, window: &str, span: (i64, Option<i64>)) -> Line {
    Line::Balance { id: BalanceId(id), name: name(id, window, span), limit: Nano::from_cents(100) }
}

pub(crate) fn lifetime(id: u32) -> Line {
    balance(id, "lifetime", (0, None))
}

pub(crate) fn set(id: u32, balances: &[u32]) -> Line {
    let members = balances.iter().map(|id| Member::plain(BalanceId(*id))).collect();
    Line::Set { id: SetId(id), members }
}

/// A hold of a thousand nano-dollars.
pub(crate) fn hold(hold: u64, set: u32, at_ms: i64) -> Line {
    Line::Hold(OpenHold {
        hold: HoldId(hold),
        at_ms,
        bound: Nano::from_nanos(1_000),
        class: BoundClass::Proven,
        set: Some(SetId(set)),
        members: store::Members::new(),
        upstream_key: KEY,
        key: "app".to_owned(),
        model: "m/one".to_owned(),
        generation: None,
        unknown: None,
        unknown_since_ms: 0,
    })
}

pub(crate) fn settle(hold: u64, at_ms: i64, nanos: i64) -> Line {
    let text = format!("{nanos}e-9");
    Line::Settle { hold: HoldId(hold), at_ms, cost: Nano::from_nanos(nanos), text, evidence: Evidence::Usage }
}

pub(crate) fn void(hold: u64, at_ms: i64) -> Line {
    let (cost, text) = (Nano::ZERO, String::new());
    Line::Settle { hold: HoldId(hold), at_ms, cost, text, evidence: Evidence::Refused }
}

/// From one cost to another, at a time, of a hold that settled at another.
pub(crate) fn correct(hold: u64, set: u32, times: (i64, i64), was: i64, cost: i64) -> Line {
    Line::Correct(Correction {
        hold: HoldId(hold),
        at_ms: times.0,
        settled_ms: times.1,
        was: Nano::from_nanos(was),
        cost: Nano::from_nanos(cost),
        text: format!("{cost}e-9"),
        evidence: Evidence::Analytics,
        set: SetId(set),
    })
}

/// The record that a line says.
pub(crate) fn record(line: &Line) -> Record<'_> {
    match line {
        Line::Balance { id, name, limit } => Record::Balance { id: *id, name, limit: *limit },
        Line::Set { id, members } => Record::Set { id: *id, members },
        Line::Hold(open) => Record::Hold {
            hold: open.hold,
            at_ms: open.at_ms,
            bound: open.bound,
            class: open.class,
            set: open.set.unwrap(),
            upstream_key: open.upstream_key,
            key: &open.key,
            model: &open.model,
        },
        Line::Generation { hold, id } => Record::Generation { hold: *hold, id },
        Line::Unknown { hold, at_ms, reason, status } => {
            Record::Unknown { hold: *hold, at_ms: *at_ms, reason: *reason, status: *status }
        }
        Line::Settle { hold, at_ms, cost, text, evidence } => {
            Record::Settle { hold: *hold, at_ms: *at_ms, cost: *cost, text, evidence: *evidence }
        }
        Line::Correct(correction) => Record::Correct {
            hold: correction.hold,
            at_ms: correction.at_ms,
            settled_ms: correction.settled_ms,
            was: correction.was,
            cost: correction.cost,
            text: &correction.text,
            evidence: correction.evidence,
            set: correction.set,
        },
        Line::Clock { at_ms, boot_ms } => Record::Clock { at_ms: *at_ms, boot_ms: *boot_ms },
        Line::Action { at_ms, who, what } => Record::Action { at_ms: *at_ms, who, what },
    }
}
