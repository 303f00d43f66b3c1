//! [`Toll`]: what a request comes to at one endpoint, turn by turn.
//!
//! A turn is one run of the model. Most requests have one; server tools make more, each with the whole conversation so
//! far as its prompt. [`worst`] takes the most that the request permits and OpenRouter documents, [`usual`] what is
//! plausible.

pub(crate) mod fees;
mod matter;
pub(crate) mod usual;
pub(crate) mod vision;
pub(crate) mod worst;

pub(crate) use fees::Fee;
pub(crate) use matter::Matter;

use crate::cost::{Cost, Usage};
use crate::exact::Exact;
use crate::prices::Rates;

/// How an adversary counts the tokens of a prompt. The largest template comes to either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counting {
    /// A token for each byte.
    #[default]
    Bytes,
    /// By the model's own tokenizer, and by o200k where that is not public.
    Tokenizer,
}

/// What is on for a whole account, whatever a request says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Defaults {
    /// Plugins that are on unless a request switches them off.
    pub(crate) plugins: Vec<String>,
    /// `auto`, and nothing, may mean a dearer tier.
    pub(crate) premium: bool,
    /// Pinned to the United States.
    pub(crate) in_the_states: bool,
}

/// One run of the model.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Turn {
    pub(crate) usage: Usage,
    pub(crate) rates: Rates,
    /// The price of a token written to a cache.
    pub(crate) write: Exact,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Toll {
    /// Those before the last.
    pub(crate) earlier: Vec<Turn>,
    pub(crate) last: Turn,
    pub(crate) fees: Vec<Fee>,
}

impl Turn {
    pub(crate) fn cost(&self) -> Cost {
        Cost::of(&self.usage, &self.rates, self.write, Exact::ZERO)
    }
}

impl Toll {
    pub(crate) fn total(&self) -> Exact {
        let turns = self.earlier.iter().chain([&self.last]);
        turns.fold(self.fee(), |sum, turn| sum.plus(turn.cost().total()))
    }

    /// All fees.
    pub(crate) fn fee(&self) -> Exact {
        self.fees.iter().fold(Exact::ZERO, |sum, fee| sum.plus(fee.each.times(fee.count)))
    }

    /// What the earlier turns came to.
    pub(crate) fn before(&self) -> (Usage, Cost) {
        self.earlier.iter().fold((Usage::default(), Cost::default()), |(usage, cost), turn| {
            (usage.plus(&turn.usage), cost.plus(&turn.cost()))
        })
    }
}
