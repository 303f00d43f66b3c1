//! [`Explanation`]: a bound as a sum that people can check line by line.

use money::{Nano, Rate};

/// How a bound came about. The terms add up to the total, each rounded up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The terms, in reading order.
    pub terms: Vec<Term>,
    /// The bound at the cap asked about.
    pub total: Nano,
    /// `proven` or `published`.
    pub class: &'static str,
    /// Why it is not proven; empty when it is.
    pub why: Vec<&'static str>,
    /// Which endpoint sets the price, as `provider (tag)`; the model row when endpoints are unknown.
    pub dearest: String,
    /// Endpoints excluded with `provider.ignore`, by tag.
    pub ignored: Vec<String>,
}

/// One line: `quantity x rate = amount`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// What is paid for.
    pub what: &'static str,
    /// How many units.
    pub quantity: u64,
    /// Of which unit.
    pub unit: &'static str,
    /// USD per million tokens, per unit where the unit is another; exact decimal text, empty where there is no rate.
    pub rate: String,
    /// The product, rounded up.
    pub amount: Nano,
}

impl Term {
    /// So many tokens.
    pub(crate) fn tokens(what: &'static str, rate: Rate, quantity: u64) -> Term {
        let amount = rate.times(quantity);
        Term { what, quantity, unit: "token", rate: rate.per_million().to_string(), amount }
    }
}
