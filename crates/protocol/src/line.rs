//! [`Line`]: those who wait for other requests' holds, first come first served.

use crate::configuration::{ATTEMPTS, Configuration};
use crate::money::{Share, index};
use crate::rules::Rule;
use crate::state::{Phase, State, accounts_of};

/// Who waits, in the order they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    waiters: [Option<Waiter>; ATTEMPTS],
}

/// One who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Waiter {
    pub(crate) attempt: u8,
    /// Nobody passes it any more on the account it is short of.
    pub(crate) is_old: bool,
}

impl Line {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiters[0].is_none()
    }

    pub(crate) fn waiters(&self) -> impl Iterator<Item = Waiter> {
        self.waiters.into_iter().flatten()
    }

    fn join(&mut self, attempt: u8) {
        let place = self.waiters.iter_mut().find(|place| place.is_none());
        *place.expect("there is room for every attempt") = Some(Waiter { attempt, is_old: false });
    }

    pub(crate) fn age(&mut self, attempt: u8) {
        let waiters = self.waiters.iter_mut().flatten();
        waiters.filter(|waiter| waiter.attempt == attempt).for_each(|waiter| waiter.is_old = true);
    }

    fn leave(&mut self, attempt: u8) {
        let before = *self;
        let mut kept = before.waiters().filter(|waiter| waiter.attempt != attempt);
        self.waiters = std::array::from_fn(|_| kept.next());
    }
}

impl State {
    /// Money came back: whoever waits is to be served.
    pub(crate) fn wake(&mut self) {
        self.is_serving |= !self.line.is_empty();
    }

    pub(crate) fn is_anybody_ahead(&self, at: usize) -> bool {
        let seats = self.attempts[at].seats;
        self.line.waiters().any(|waiter| self.attempts[usize::from(waiter.attempt)].seats & seats != 0)
    }

    pub(crate) fn park(&mut self, at: usize) {
        self.attempts[at].phase = Phase::Parked;
        self.line.join(index(at));
        self.wake();
    }

    pub(crate) fn leave(&mut self, configuration: &Configuration, at: usize) {
        self.attempts[at].phase = Phase::Gone;
        self.line.leave(index(at));
        if !configuration.lacks(Rule::DepartureWakesNobody) {
            self.wake();
        }
    }

    /// Hands what is there to those who wait, in order. Whether anybody got anything.
    pub(crate) fn serve(&mut self, configuration: &Configuration) -> bool {
        self.is_serving = false;
        let mut blocked = 0_u8;
        let mut is_anybody_served = false;
        let share = if self.line.waiters().count() > 1 { Share::Half } else { Share::Whole };
        for waiter in self.line.waiters().collect::<Vec<_>>() {
            let at = usize::from(waiter.attempt);
            let seats = self.attempts[at].seats;
            if seats & blocked != 0 {
                continue;
            }
            if self.is_stale(configuration, at) || self.is_out_of_reach(configuration, at) {
                // Matched again: it finds the window of now, or is told that nothing is left.
                self.attempts[at].phase = Phase::Idle;
                self.line.leave(waiter.attempt);
            } else if self.reserve(configuration, at, share) {
                self.attempts[at].phase = Phase::Reserved;
                self.attempts[at].is_served = true;
                self.line.leave(waiter.attempt);
                is_anybody_served = true;
            } else if waiter.is_old {
                blocked |= self.tightest(configuration, seats);
            }
        }
        is_anybody_served
    }

    fn is_stale(&self, configuration: &Configuration, at: usize) -> bool {
        let first = self.attempts[at].seats & 0b11;
        configuration.sides.windows && first != 0 && first & (1 << self.clock.now) == 0
    }

    /// The account of a set with the least left.
    fn tightest(&self, configuration: &Configuration, seats: u8) -> u8 {
        let available = |account: &usize| self.accounts[*account].available(configuration.limit(*account));
        accounts_of(seats).min_by_key(available).map_or(0, |account| 1 << account)
    }
}
