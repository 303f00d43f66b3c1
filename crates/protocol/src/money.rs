//! reserve, journal, send, settle: the order that LEDGER.md 5.2 prescribes.

use crate::configuration::{Configuration, WINDOWS};
use crate::journal::{Evidence, Record};
use crate::rules::Rule;
use crate::state::{Attempt, Phase, State, accounts_of, takes};
use crate::upstream::Truth;

/// How much of what is left one may take, beyond its floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    Whole,
    Half,
}

impl State {
    pub(crate) fn ask(&mut self, configuration: &Configuration, at: usize) {
        self.clock.see(configuration);
        let plan = configuration.plans[at];
        let Some(owes) = self.owes(configuration, plan.balances) else {
            self.attempts[at].phase = Phase::Gone;
            return;
        };
        let attempt = &mut self.attempts[at];
        (attempt.owes, attempt.admitted) = (owes, self.clock.truth);
        attempt.seats = seats(configuration, owes);
        let is_queued = self.is_anybody_ahead(at);
        let granted = !is_queued && self.reserve(configuration, at, Share::Whole);
        self.attempts[at].phase = match granted {
            true => Phase::Reserved,
            false if self.is_out_of_reach(configuration, at) || !configuration.sides.parking => Phase::Gone,
            false => Phase::Short,
        };
    }

    /// The accounts of now of some balances; `None` while the clock opens no window.
    fn owes(&mut self, configuration: &Configuration, balances: u8) -> Option<u8> {
        let mut owes = 0;
        for balance in (0..configuration.limits.len()).filter(|balance| balances & (1 << balance) != 0) {
            let first = balance * WINDOWS;
            if balance > 0 || !configuration.sides.windows {
                owes |= 1 << first;
                continue;
            }
            if !self.clock.turn(configuration) {
                return None;
            }
            let is_near_its_end = configuration.sides.straddle && self.clock.open == 0;
            owes |= if is_near_its_end { 0b11 } else { 1 << (first + usize::from(self.clock.open)) };
        }
        Some(owes)
    }

    /// All accounts of the set, or none.
    pub(crate) fn reserve(&mut self, configuration: &Configuration, at: usize, share: Share) -> bool {
        let plan = configuration.plans[at];
        let available = |account: usize| self.accounts[account].available(configuration.limit(account));
        let available = accounts_of(self.attempts[at].seats).map(available).min().unwrap_or(0);
        let most = if share == Share::Half { available / 2 } else { available };
        let bound = plan.want.min(most.max(plan.floor));
        let hold = match configuration.off {
            Some(Rule::TrustBypass) if available >= 2 => 0,
            Some(Rule::FlatEstimate) => 1,
            Some(Rule::ShrunkHold) if available > 0 => bound.min(available),
            _ => bound,
        };
        if available < hold {
            return false;
        }
        let attempt = &mut self.attempts[at];
        (attempt.bound, attempt.hold) = (bound, hold);
        for account in accounts_of(attempt.seats) {
            self.accounts[account].held += hold;
        }
        true
    }

    pub(crate) fn is_out_of_reach(&self, configuration: &Configuration, at: usize) -> bool {
        let floor = configuration.plans[at].floor;
        let beyond = |account: usize| self.accounts[account].gone() + floor > configuration.limit(account);
        accounts_of(self.attempts[at].seats).any(beyond)
    }

    pub(crate) fn journal_hold(&mut self, configuration: &Configuration, at: usize) {
        let Attempt { hold, seats, .. } = self.attempts[at];
        let now = self.clock.see(configuration);
        self.attempts[at].phase = Phase::Held;
        if !configuration.lacks(Rule::SendWithoutHold) {
            let record = Record::Hold { attempt: index(at), hold, seats, at: now };
            self.journal.append(configuration, record);
        }
    }

    pub(crate) fn send(&mut self, at: usize) {
        self.attempts[at].phase = Phase::Flight;
        self.attempts[at].truth = Truth::Running;
    }

    /// Before anything was sent: a reservation is given back, a permit voided.
    pub(crate) fn drop_early(&mut self, configuration: &Configuration, at: usize) {
        if self.attempts[at].phase == Phase::Held {
            return self.settle(configuration, at, 0, Evidence::NeverSent);
        }
        let Attempt { hold, seats, .. } = self.attempts[at];
        accounts_of(seats).for_each(|account| self.accounts[account].held -= hold);
        self.attempts[at].phase = Phase::Gone;
        self.wake();
    }

    /// The first half of an end: the journal.
    pub(crate) fn settle(&mut self, configuration: &Configuration, at: usize, cost: i8, evidence: Evidence) {
        self.clock.see(configuration);
        let is_clamped = configuration.lacks(Rule::OverrunClamped);
        let cost = if is_clamped { cost.min(self.attempts[at].hold) } else { cost };
        if configuration.lacks(Rule::SettleBeforeJournal) {
            self.move_end(configuration, at, cost, self.clock.now);
        } else {
            self.journal_end(configuration, at, cost, evidence);
        }
        self.attempts[at].phase = Phase::Settling(cost);
    }

    pub(crate) fn journal_end(
        &mut self,
        configuration: &Configuration,
        at: usize,
        cost: i8,
        evidence: Evidence,
    ) {
        let record = Record::Settle { attempt: index(at), cost, evidence, at: self.clock.now };
        self.journal.append(configuration, record);
    }

    /// The second half: the balances, and whoever waits.
    pub(crate) fn book(&mut self, configuration: &Configuration, at: usize, cost: i8) {
        if configuration.lacks(Rule::SettleBeforeJournal) {
            self.journal_end(configuration, at, cost, Evidence::Usage);
        } else {
            let settled = self.journal.written(configuration).entries[at].settled;
            self.move_end(configuration, at, cost, settled);
        }
        self.attempts[at].phase = Phase::Ended;
        if !configuration.lacks(Rule::WaiterForgotten) {
            self.wake();
        }
    }

    fn move_end(&mut self, configuration: &Configuration, at: usize, cost: i8, settled: u8) {
        let Attempt { hold, seats, phase, .. } = self.attempts[at];
        let is_stuck = !self.journal.written(configuration).entries[at].has_id;
        let back = match configuration.off {
            Some(Rule::DoubleSettle) => 2 * hold,
            Some(Rule::RestKept) => cost,
            _ => hold,
        };
        for account in accounts_of(seats) {
            let amounts = &mut self.accounts[account];
            if matches!(phase, Phase::Resolving(_)) {
                amounts.unknown = (amounts.unknown - back).max(0);
                amounts.stuck = if is_stuck { (amounts.stuck - back).max(0) } else { amounts.stuck };
            } else {
                amounts.held = (amounts.held - back).max(0);
            }
            amounts.posted += if takes(seats, account, settled) { cost } else { 0 };
        }
    }

    pub(crate) fn lose(&mut self, configuration: &Configuration, at: usize) {
        self.journal.append(configuration, Record::Unknown { attempt: index(at) });
        let Attempt { hold, seats, .. } = self.attempts[at];
        accounts_of(seats).for_each(|account| self.accounts[account].held -= hold);
        self.attempts[at].phase = Phase::Unknown;
        if !configuration.lacks(Rule::UnknownAsZero) {
            self.charge_unknown(configuration, at);
        }
        if !configuration.lacks(Rule::LossWakesNobody) {
            self.wake();
        }
    }

    pub(crate) fn charge_unknown(&mut self, configuration: &Configuration, at: usize) {
        let Attempt { hold, seats, .. } = self.attempts[at];
        let is_stuck = !self.journal.written(configuration).entries[at].has_id;
        for account in accounts_of(seats) {
            self.accounts[account].unknown += hold;
            self.accounts[account].stuck += if is_stuck { hold } else { 0 };
        }
    }
}

/// What is held of what is owed: all of it.
fn seats(configuration: &Configuration, owes: u8) -> u8 {
    match configuration.off {
        Some(Rule::FirstBalanceOnly) => owes & owes.wrapping_neg(),
        Some(Rule::StraddleOne) if owes & 0b11 == 0b11 => owes & !0b10,
        _ => owes,
    }
}

/// An attempt as a record names it.
pub(crate) fn index(at: usize) -> u8 {
    u8::try_from(at).expect("there are few attempts")
}
