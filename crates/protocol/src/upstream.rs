//! The truth at the upstream: what an attempt is billed, and how much of that its counter shows.

use crate::journal::{Entry, Evidence, Stage};
use crate::state::{Attempt, State};

/// What is true of one attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Truth {
    /// Nothing has reached the upstream.
    #[default]
    Unsent,
    /// It may be billed anything up to its bound.
    Running,
    /// It is billed so much, for good, whether anybody was told or not; and whether the counter shows it.
    Billed(i8, bool),
}

impl Attempt {
    pub(crate) fn is_sent(&self) -> bool {
        self.truth != Truth::Unsent
    }

    /// What was billed or may still be.
    pub(crate) fn exposure(&self) -> i8 {
        let again = if self.is_twice { self.bound } else { 0 };
        again
            + match self.truth {
                Truth::Unsent => 0,
                Truth::Running => self.bound,
                Truth::Billed(cost, _) => cost,
            }
    }

    /// The cost, once it is final.
    pub(crate) fn billed(&self) -> Option<i8> {
        match self.truth {
            Truth::Billed(cost, _) => Some(cost),
            Truth::Unsent | Truth::Running => None,
        }
    }

    /// Whether the counter shows all that there will ever be.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self.truth, Truth::Unsent | Truth::Billed(_, true))
    }
}

impl State {
    /// What the counter of the key shows.
    pub(crate) fn counter(&self) -> i8 {
        let counted = |attempt: &Attempt| match attempt.truth {
            Truth::Billed(cost, true) => cost,
            _ => 0,
        };
        self.attempts.iter().map(counted).sum()
    }
}

/// Whether the books took an attempt as free on an assumption that no evidence has replaced.
pub(crate) fn is_assumed_free(entry: &Entry) -> bool {
    entry.stage == Stage::Ended && entry.evidence == Evidence::Insured
}
