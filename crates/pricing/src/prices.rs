//! [`Prices`]: what one row of the catalogue asks for, per unit.

use money::{Rate, grouped};

use crate::price_key::PriceKey;
use crate::rates::Rates;
use crate::schedule::{Schedule, Span};

/// The prices of one model row or one endpoint (CONTRACT 8.2, read 2026-10-02).
///
/// Keys the reader does not know are kept in [`Prices::unknown`], for a price we cannot read may be one we pay;
/// `discount` is left out, for it is inside the prices already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    /// The base prices. A request fee of zero is none.
    pub rates: Rates,
    /// Conditional prices, in the order listed.
    pub overrides: Vec<Override>,
    /// Keys this version does not know, whose price is not zero.
    pub unknown: Vec<UnknownPrice>,
}

impl Prices {
    /// The two that every row lists, USD per token.
    pub fn new(prompt: Rate, completion: Rate) -> Prices {
        let rates = Rates::default().with(PriceKey::Prompt, prompt).with(PriceKey::Completion, completion);
        Prices { rates, ..Prices::default() }
    }

    /// The same with this base price.
    #[must_use]
    pub fn with(mut self, key: PriceKey, rate: Rate) -> Prices {
        self.rates[key] = Some(rate);
        self
    }

    /// USD per input token.
    pub fn prompt(&self) -> Rate {
        self.rates[PriceKey::Prompt].unwrap_or_default()
    }

    /// USD per output token.
    pub fn completion(&self) -> Rate {
        self.rates[PriceKey::Completion].unwrap_or_default()
    }

    /// USD per request.
    pub fn request(&self) -> Rate {
        self.rates[PriceKey::Request].unwrap_or_default()
    }
}

/// A price key of a row that is not zero and that this version does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPrice {
    /// The key as listed.
    pub key: String,
    /// Its value as listed.
    pub value: String,
}

/// A conditional price: the keys present replace the base price when all conditions hold (CONTRACT 8.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Override {
    /// Holds when the prompt has strictly more tokens than this.
    pub min_prompt_tokens: Option<u64>,
    /// Holds only at some times of the day or week.
    pub schedule: Option<Schedule>,
    /// What replaces the base prices.
    pub rates: Rates,
}

impl Override {
    /// Whether a prompt of up to `tokens` tokens can meet this price in a call that runs within `span`; without one,
    /// every time of day is taken as met.
    pub fn may_apply(&self, tokens: u64, span: Option<Span>) -> bool {
        self.min_prompt_tokens.is_none_or(|threshold| tokens > threshold)
            && self.schedule.is_none_or(|schedule| span.is_none_or(|span| schedule.meets(span)))
    }

    /// When it holds, in words: `above 272,000 prompt tokens, from 16:30 to 00:30 UTC`.
    pub fn when(&self) -> String {
        let above = self.min_prompt_tokens.map(|least| format!("above {} prompt tokens", grouped(least)));
        let times = self.schedule.map(|schedule| schedule.to_string());
        let parts: Vec<String> = above.into_iter().chain(times).collect();
        if parts.is_empty() { "under a condition farebox does not know".to_owned() } else { parts.join(", ") }
    }
}

/// What a row says about its prices.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every row has prices, and one read per bound is enough"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowPrices {
    /// Prices we can read.
    Priced(Prices),
    /// `-1`: decided at run time (routers).
    Dynamic,
    /// Something else, with the reason.
    Unreadable(String),
}

/// No price: closed.
impl Default for RowPrices {
    fn default() -> Self {
        RowPrices::Unreadable("no price is listed".to_owned())
    }
}

impl RowPrices {
    /// The prices, when they can be read.
    pub fn priced(&self) -> Option<&Prices> {
        match self {
            RowPrices::Priced(prices) => Some(prices),
            RowPrices::Dynamic | RowPrices::Unreadable(_) => None,
        }
    }
}
