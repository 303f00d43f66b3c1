//! The evidence ladder: what ends an unknown hold, and what corrects an ended one (LEDGER.md 5.8).

use crate::configuration::Configuration;
use crate::journal::{Evidence, Fold, Record, Stage, window_of_correction};
use crate::money::index;
use crate::rules::Rule;
use crate::state::{Phase, State, accounts_of, takes};
use crate::upstream::is_assumed_free;

/// Counter and books at an instant when nothing was unknown or under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Point {
    theirs: i8,
    ours: i8,
    /// Which attempts had ended, a bit each.
    ended: u8,
    /// Records that were not synced then and are not now: the books have the point behind them, so it goes with them.
    unsynced: usize,
}

impl Point {
    /// A point that a power cut takes with what it rests on is one that was never made.
    pub(crate) fn outlives(&self, records: usize) -> bool {
        records >= self.unsynced
    }

    pub(crate) fn sync(&mut self) {
        self.unsynced = 0;
    }
}

impl State {
    /// Nothing is under way on the key, and nothing is going to be but by a new hold.
    fn is_quiet(&self) -> bool {
        !self.attempts.iter().any(|attempt| matches!(attempt.phase, Phase::Held | Phase::Flight))
    }

    /// Whether all that was sent is billed and on the counter; what was taken as free is not waited for.
    fn is_final(&self, fold: &Fold) -> bool {
        let known = self.attempts.iter().zip(&fold.entries);
        known.into_iter().all(|(attempt, entry)| attempt.is_final() || is_assumed_free(entry))
    }

    /// The holds that nobody has ended.
    fn is_any_unknown(&self) -> bool {
        let is_open = |phase: Phase| matches!(phase, Phase::Unknown | Phase::Judged(_, _));
        self.attempts.iter().any(|attempt| is_open(attempt.phase))
    }

    pub(crate) fn may_point(&self, configuration: &Configuration) -> bool {
        let fold = self.journal.written(configuration);
        self.is_quiet() && !self.is_any_unknown() && self.is_final(&fold)
    }

    pub(crate) fn point(&mut self, configuration: &Configuration) {
        let fold = self.journal.written(configuration);
        self.point = Some(Point {
            theirs: self.counter(),
            ours: fold.booked(),
            ended: fold.ended(),
            unsynced: self.journal.unsynced(),
        });
    }

    /// What each unknown hold is to be booked at, by what the counter and the books grew by since the control point.
    pub(crate) fn verdict(&self, configuration: &Configuration) -> Option<i8> {
        let fold = self.journal.written(configuration);
        let is_judged = |phase: Phase| matches!(phase, Phase::Judged(_, _));
        let is_under_way = self.attempts.iter().any(|attempt| is_judged(attempt.phase));
        let may_read =
            configuration.lacks(Rule::ReconcileBeforeQuiescent) || self.is_quiet() && self.is_final(&fold);
        if !self.is_any_unknown() || is_under_way || !may_read {
            return None;
        }
        let point = self.point?;
        let more = self.counter() - point.theirs - explained(configuration, &point, &fold);
        (more >= 0).then_some(more)
    }

    pub(crate) fn judge(&mut self, more: i8) {
        for attempt in self.attempts.iter_mut().filter(|attempt| attempt.phase == Phase::Unknown) {
            let evidence = if more == 0 { Evidence::ControlTotal } else { Evidence::Attributed };
            attempt.phase = Phase::Judged(more.min(attempt.hold), evidence);
        }
    }

    pub(crate) fn resolve(&mut self, configuration: &Configuration, at: usize, cost: i8, evidence: Evidence) {
        self.clock.see(configuration);
        self.journal_end(configuration, at, cost, evidence);
        let attempt = &mut self.attempts[at];
        attempt.phase = Phase::Resolving(cost);
        attempt.is_late |= evidence == Evidence::Insured && attempt.is_sent() && attempt.billed() != Some(0);
    }

    /// What an ended hold is to be booked at, where that is not what is booked.
    pub(crate) fn correction(&self, configuration: &Configuration, at: usize) -> Option<i8> {
        let entry = self.journal.written(configuration).entries[at];
        let cost = self.attempts[at].billed().filter(|cost| *cost != entry.cost)?;
        (self.attempts[at].phase == Phase::Ended && entry.stage == Stage::Ended).then_some(cost)
    }

    pub(crate) fn correct(&mut self, configuration: &Configuration, at: usize, cost: i8) {
        let entry = self.journal.written(configuration).entries[at];
        let now = self.clock.see(configuration);
        self.journal.append(configuration, Record::Correct { attempt: index(at), cost, at: now });
        let more = cost - entry.cost;
        let window = window_of_correction(configuration, more, entry.settled, now);
        let times = if configuration.lacks(Rule::RefundTwice) { 2 } else { 1 };
        for account in accounts_of(entry.seats).filter(|account| takes(entry.seats, *account, window)) {
            let posted = &mut self.accounts[account].posted;
            match more > 0 {
                true if configuration.lacks(Rule::RaiseForgotten) => {}
                true => *posted += more,
                false => *posted -= (-more * times).min(*posted),
            }
        }
        self.wake();
    }
}

/// What is surely billed of what was booked since a control point: never too much. A hold that was charged on
/// suspicion may have been free, and a cost that was raised since may have been on the counter before.
fn explained(configuration: &Configuration, point: &Point, fold: &Fold) -> i8 {
    let is_since = |(at, _): &(usize, _)| (fold.ended() & !point.ended) & (1 << *at) != 0;
    let since = || fold.entries.iter().enumerate().filter(is_since).map(|(_, entry)| entry);
    let is_sure = |evidence| evidence != Evidence::Attributed || configuration.lacks(Rule::SuspicionExplains);
    let sure: i8 = since().filter(|entry| is_sure(entry.evidence)).map(|entry| entry.cost).sum();
    let older = fold.booked() - point.ours - since().map(|entry| entry.cost).sum::<i8>();
    sure + if configuration.lacks(Rule::OldRaiseExplains) { older } else { older.min(0) }
}
