//! [`Configuration`]: the plans of the callers, the limits, and which side of the world is open.

use crate::properties::Goal;
use crate::rules::Rule;

/// Attempts, at most.
pub(crate) const ATTEMPTS: usize = 3;
/// Balances, at most.
pub(crate) const BALANCES: usize = 2;
/// Windows of a balance.
pub(crate) const WINDOWS: usize = 2;

/// One attempt that somebody will make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The least and the most that its bound may be.
    pub floor: i8,
    /// See `floor`.
    pub want: i8,
    /// The balances it is charged to, a bit each.
    pub balances: u8,
}

/// What a record has to survive before a request leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The death of the process: the page cache is enough, and no power cut is promised anything.
    Process,
    /// A power cut: the record is synced first.
    Power,
}

/// Which sides of the world are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// Kills, at most.
    pub kills: u8,
    /// Power cuts, at most.
    pub cuts: u8,
    /// Holds are dropped before anything is sent.
    pub drops: bool,
    /// Answers are lost.
    pub losses: bool,
    /// Headers bring an id, by which the cost can be asked for.
    pub ids: bool,
    /// `/generation` is believed when it knows nothing for long; and that may be wrong.
    pub insured: bool,
    /// The counter of the key is read.
    pub counter: bool,
    /// The upstream takes back what it billed. Not with a counter: nobody knows whether that would follow.
    pub refunds: bool,
    /// Booked costs are corrected.
    pub corrections: bool,
    /// Who is short of money waits.
    pub parking: bool,
    /// The first balance has windows, and the wall clock goes where it likes.
    pub windows: bool,
    /// Calls in the first window hold on both.
    pub straddle: bool,
    /// The upstream may bill one above the bound.
    pub overruns: bool,
}

/// A world to exhaust.
#[derive(Clone, Copy, Debug)]
pub struct Configuration {
    /// Its name.
    pub name: &'static str,
    /// Who calls.
    pub plans: &'static [Plan],
    /// USD, in the smallest numbers there are.
    pub limits: [i8; BALANCES],
    /// See [`Durability`].
    pub durability: Durability,
    /// See [`Sides`].
    pub sides: Sides,
    /// What must be reachable.
    pub goals: &'static [Goal],
    /// Unique states when all rules hold.
    pub states: usize,
    /// The rule that is off.
    pub off: Option<Rule>,
}

impl Configuration {
    /// The same without a rule.
    #[must_use]
    pub fn without(self, rule: Rule) -> Self {
        Configuration { off: Some(rule), ..self }
    }

    /// Whether a rule is off.
    pub(crate) fn lacks(&self, rule: Rule) -> bool {
        self.off == Some(rule)
    }

    /// The limit of an account.
    pub(crate) fn limit(&self, account: usize) -> i8 {
        self.limits[account / WINDOWS]
    }
}
