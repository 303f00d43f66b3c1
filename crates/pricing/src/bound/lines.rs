//! [`Lines`]: the parts of a bound that do not depend on the output cap, as a sum that can be told line by line.

use money::{Nano, Rate};
use smallvec::SmallVec;

use crate::explain::Term;

/// One part: so many units at a rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) what: &'static str,
    pub(super) quantity: u64,
    pub(super) unit: &'static str,
    pub(super) rate: Rate,
    pub(super) amount: Nano,
}

/// The parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines(SmallVec<[Line; 2]>);

impl Lines {
    /// One more, unless it costs nothing; a prompt is always told.
    pub(super) fn add(&mut self, what: &'static str, quantity: u64, unit: &'static str, rate: Rate) {
        if quantity > 0 && (rate > Rate::ZERO || self.0.is_empty()) {
            self.0.push(Line { what, quantity, unit, rate, amount: rate.times(quantity) });
        }
    }

    /// One more of a given amount.
    pub(super) fn add_amount(&mut self, what: &'static str, amount: Nano) {
        self.0.push(Line { what, quantity: 1, unit: "request", rate: Rate::ZERO, amount });
    }

    /// All together.
    pub(super) fn total(&self) -> Nano {
        self.0.iter().fold(Nano::ZERO, |sum, line| sum.saturating_add(line.amount))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Line> {
        self.0.iter()
    }
}

impl Line {
    pub(super) fn term(&self) -> Term {
        let rate = match self.unit {
            "token" => self.rate.per_million().to_string(),
            _ if self.rate == Rate::ZERO => String::new(),
            _ => self.rate.per_unit().to_string(),
        };
        Term { what: self.what, quantity: self.quantity, unit: self.unit, rate, amount: self.amount }
    }
}
