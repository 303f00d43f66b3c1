//! [`Clock`]: the true window, the wall clock, and what the machine makes of both.

use crate::configuration::Configuration;
use crate::journal::Fold;
use crate::rules::Rule;
use crate::state::State;

/// Windows are the only instants there are: 0, then 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Clock {
    /// The window that it truly is. The boot clock keeps up with it.
    pub(crate) truth: u8,
    /// The window that the wall clock says.
    pub(crate) wall: u8,
    /// The latest window told; never goes back while the process lives.
    pub(crate) now: u8,
    /// The window that is open.
    pub(crate) open: u8,
}

impl Clock {
    /// A wall clock is believed where the boot clock, or the upstream's date, agrees with it.
    pub(crate) fn is_trusted(&self, configuration: &Configuration) -> bool {
        self.wall == self.truth || configuration.lacks(Rule::ClockOpensWindow)
    }

    /// What time the machine goes by: the wall clock's, or the boot clock's while that is not believed.
    pub(crate) fn see(&mut self, configuration: &Configuration) -> u8 {
        let told = if self.is_trusted(configuration) { self.wall } else { self.truth };
        self.now = if configuration.lacks(Rule::ClockOpensWindow) { told } else { self.now.max(told) };
        self.now
    }

    /// Opens the window of now, if it may be opened. Whether it is open.
    pub(crate) fn turn(&mut self, configuration: &Configuration) -> bool {
        if self.is_trusted(configuration) {
            self.open = self.now;
        }
        self.open == self.now
    }

    /// As a start finds it: nothing is known of before but what the journal says.
    pub(crate) fn restart(&mut self, configuration: &Configuration, fold: &Fold) {
        (self.now, self.open) = (fold.latest, fold.latest);
        self.see(configuration);
        self.turn(configuration);
    }
}

impl State {
    pub(crate) fn tick(&mut self, configuration: &Configuration) {
        self.clock.see(configuration);
        self.clock.turn(configuration);
        self.is_serving |= !self.line.is_empty();
    }
}
