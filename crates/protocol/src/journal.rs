//! [`Journal`]: a list of records of which a prefix is on disk; [`Fold`]: what a replay makes of them.

use crate::configuration::{ATTEMPTS, Configuration, Durability};
use crate::rules::Rule;
use crate::state::{ACCOUNTS, accounts_of, takes};

/// Records that are not on disk yet, at most.
const TAIL: usize = 10;

/// What proved a cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Evidence {
    /// Nothing did.
    #[default]
    None,
    /// The answer told.
    Usage,
    /// Nothing was sent.
    NeverSent,
    /// `/generation` told.
    Generation,
    /// `/generation` knew nothing for long, which is believed to mean that nothing was billed.
    Insured,
    /// The counter shows nothing that is not booked.
    ControlTotal,
    /// The counter shows something that this may be.
    Attributed,
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Record {
    Hold { attempt: u8, hold: i8, seats: u8, at: u8 },
    Generation { attempt: u8 },
    Unknown { attempt: u8 },
    Settle { attempt: u8, cost: i8, evidence: Evidence, at: u8 },
    Correct { attempt: u8, cost: i8, at: u8 },
}

/// How far a hold has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    #[default]
    None,
    Held,
    Unknown,
    Ended,
}

/// What the records say of one attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) stage: Stage,
    pub(crate) hold: i8,
    pub(crate) seats: u8,
    pub(crate) has_id: bool,
    pub(crate) cost: i8,
    pub(crate) evidence: Evidence,
    pub(crate) settled: u8,
    /// How often it ended.
    pub(crate) ends: u8,
}

/// What a replay finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Fold {
    pub(crate) entries: [Entry; ATTEMPTS],
    pub(crate) posted: [i8; ACCOUNTS],
    /// The latest window in which money moved.
    pub(crate) latest: u8,
}

/// The journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Journal {
    /// What is on disk, folded: its order cannot matter any more.
    pub(crate) synced: Fold,
    /// What a power cut may take.
    tail: [Option<Record>; TAIL],
}

impl Journal {
    /// With process durability the page cache is as good as the disk, for no power cut is promised anything.
    pub(crate) fn append(&mut self, configuration: &Configuration, record: Record) {
        match configuration.durability {
            Durability::Process => self.synced.apply(configuration, record),
            Durability::Power => {
                let place = self.tail.iter_mut().find(|place| place.is_none());
                *place.expect("the tail has room for every record of every attempt") = Some(record);
            }
        }
    }

    pub(crate) fn unsynced(&self) -> usize {
        self.tail.iter().flatten().count()
    }

    /// Everything written, folded.
    pub(crate) fn written(&self, configuration: &Configuration) -> Fold {
        self.first(configuration, TAIL)
    }

    /// What is on disk and so many records more.
    fn first(&self, configuration: &Configuration, more: usize) -> Fold {
        let mut fold = self.synced;
        self.tail.iter().flatten().take(more).for_each(|record| fold.apply(configuration, *record));
        fold
    }

    pub(crate) fn sync(&mut self, configuration: &Configuration) {
        self.cut(configuration, TAIL);
    }

    /// The power goes; so many records had reached the disk by themselves.
    pub(crate) fn cut(&mut self, configuration: &Configuration, more: usize) {
        *self = Journal { synced: self.first(configuration, more), tail: [None; TAIL] };
    }
}

impl Fold {
    pub(crate) fn apply(&mut self, configuration: &Configuration, record: Record) {
        match record {
            Record::Hold { attempt, hold, seats, at } => {
                let entry = &mut self.entries[usize::from(attempt)];
                (entry.stage, entry.hold, entry.seats) = (Stage::Held, hold, seats);
                self.latest = self.latest.max(at);
            }
            Record::Generation { attempt } => self.entries[usize::from(attempt)].has_id = true,
            Record::Unknown { attempt } => self.entries[usize::from(attempt)].stage = Stage::Unknown,
            Record::Settle { attempt, cost, evidence, at } => self.settle(attempt, cost, evidence, at),
            Record::Correct { attempt, cost, at } => self.correct(configuration, attempt, cost, at),
        }
    }

    fn settle(&mut self, attempt: u8, cost: i8, evidence: Evidence, at: u8) {
        let entry = &mut self.entries[usize::from(attempt)];
        entry.stage = Stage::Ended;
        entry.ends = (entry.ends + 1).min(2);
        (entry.cost, entry.evidence, entry.settled) = (cost, evidence, at);
        let seats = entry.seats;
        self.post(seats, cost, at);
        self.latest = self.latest.max(at);
    }

    fn correct(&mut self, configuration: &Configuration, attempt: u8, cost: i8, at: u8) {
        let entry = &mut self.entries[usize::from(attempt)];
        let (more, seats) = (cost - entry.cost, entry.seats);
        let window = window_of_correction(configuration, more, entry.settled, at);
        (entry.cost, entry.evidence) = (cost, Evidence::Generation);
        self.post(seats, more, window);
        self.latest = self.latest.max(at);
    }

    fn post(&mut self, seats: u8, amount: i8, window: u8) {
        for account in accounts_of(seats).filter(|account| takes(seats, *account, window)) {
            self.posted[account] += amount;
        }
    }

    /// What is booked on the key in all, and what of it ended after those of a mask did.
    pub(crate) fn booked(&self) -> i8 {
        self.entries.iter().filter(|entry| entry.stage == Stage::Ended).map(|entry| entry.cost).sum()
    }

    /// Which attempts have ended, a bit each.
    pub(crate) fn ended(&self) -> u8 {
        let ended = |(at, entry): (usize, &Entry)| u8::from(entry.stage == Stage::Ended) << at;
        self.entries.iter().enumerate().map(ended).sum()
    }
}

/// Which window's balance takes a correction: that which took the cost.
pub(crate) fn window_of_correction(configuration: &Configuration, more: i8, settled: u8, now: u8) -> u8 {
    if more > 0 && configuration.lacks(Rule::RaiseMovesOn) { now } else { settled }
}
