//! Death and start: memory goes, the journal stays, and every open hold is taken up as unknown.

use crate::configuration::Configuration;
use crate::evidence::Point;
use crate::journal::{Record, Stage};
use crate::line::Line;
use crate::money::index;
use crate::rules::Rule;
use crate::state::{ACCOUNTS, Account, Phase, State};

impl State {
    pub(crate) fn die(&mut self) {
        self.is_alive = false;
        self.is_serving = false;
        self.line = Line::default();
        self.accounts = [Account::default(); ACCOUNTS];
        for attempt in &mut self.attempts {
            attempt.phase = match attempt.phase {
                Phase::Idle => Phase::Idle,
                Phase::Short | Phase::Parked | Phase::Reserved | Phase::Gone => Phase::Gone,
                _ => Phase::Lost,
            };
        }
    }

    pub(crate) fn sync(&mut self, configuration: &Configuration) {
        self.journal.sync(configuration);
        self.point.iter_mut().for_each(Point::sync);
    }

    /// The power goes; so many unsynced records had reached the disk.
    pub(crate) fn cut(&mut self, configuration: &Configuration, more: usize) {
        self.die();
        self.point = self.point.filter(|point| point.outlives(more));
        self.journal.cut(configuration, more);
        self.point.iter_mut().for_each(Point::sync);
    }

    /// Whatever was found is put on disk, and then taken up.
    pub(crate) fn restart(&mut self, configuration: &Configuration) {
        self.sync(configuration);
        self.is_alive = true;
        let fold = self.journal.written(configuration);
        self.clock.restart(configuration, &fold);
        for (account, posted) in self.accounts.iter_mut().zip(fold.posted) {
            account.posted = posted;
        }
        for (at, entry) in fold.entries.into_iter().enumerate() {
            self.attempts[at].phase = match (self.attempts[at].phase, entry.stage) {
                (Phase::Lost, Stage::None) => Phase::Gone,
                (Phase::Lost, Stage::Ended) => Phase::Ended,
                (Phase::Lost, Stage::Held | Stage::Unknown) => self.take_up(configuration, at, entry.stage),
                (phase, _) => phase,
            };
        }
    }

    fn take_up(&mut self, configuration: &Configuration, at: usize, stage: Stage) -> Phase {
        if stage == Stage::Held {
            self.journal.append(configuration, Record::Unknown { attempt: index(at) });
        }
        if !configuration.lacks(Rule::VoidUnknownOnRestart) {
            self.charge_unknown(configuration, at);
        }
        Phase::Unknown
    }
}
