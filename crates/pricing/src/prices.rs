//! [`Prices`]: what one row of the catalogue asks for, per unit.

use money::Rate;

use crate::schedule::{Schedule, Span};

/// The prices of one model row or one endpoint, each rounded up from its text (CONTRACT 8.2, read 2026-10-02).
///
/// Keys the reader does not know are kept in [`Prices::unknown`], for a price we cannot read may be one we pay;
/// `discount` is left out, for it is inside the prices already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    /// USD per input token.
    pub prompt: Rate,
    /// USD per output token.
    pub completion: Rate,
    /// USD per request.
    pub request: Rate,
    /// USD per input token read from a cache.
    pub cache_read: Option<Rate>,
    /// USD per input token written to a cache for five minutes.
    pub cache_write: Option<Rate>,
    /// USD per input token written to a cache for an hour.
    pub cache_write_1h: Option<Rate>,
    /// USD per reasoning token, when it differs from `completion`.
    pub internal_reasoning: Option<Rate>,
    /// USD per web search of the provider's own engine.
    pub web_search: Option<Rate>,
    /// USD per input image in rows of 2025, per image token in those of 2026; which one, its size tells.
    pub image: Option<Rate>,
    /// USD per token of an input image.
    pub image_token: Option<Rate>,
    /// USD per token of an image in the answer.
    pub image_output: Option<Rate>,
    /// USD per token of input audio.
    pub audio: Option<Rate>,
    /// USD per token of audio in the answer.
    pub audio_output: Option<Rate>,
    /// USD per token of input audio read from a cache.
    pub audio_cache: Option<Rate>,
    /// Conditional prices, in the order listed.
    pub overrides: Vec<Override>,
    /// Keys this version does not know, whose price is not zero.
    pub unknown: Vec<UnknownPrice>,
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
    /// Replaces [`Prices::prompt`].
    pub prompt: Option<Rate>,
    /// Replaces [`Prices::completion`].
    pub completion: Option<Rate>,
    /// Replaces [`Prices::request`].
    pub request: Option<Rate>,
    /// Replaces [`Prices::cache_read`].
    pub cache_read: Option<Rate>,
    /// Replaces [`Prices::cache_write`].
    pub cache_write: Option<Rate>,
    /// Replaces [`Prices::cache_write_1h`].
    pub cache_write_1h: Option<Rate>,
    /// Replaces [`Prices::internal_reasoning`].
    pub internal_reasoning: Option<Rate>,
    /// Replaces [`Prices::web_search`].
    pub web_search: Option<Rate>,
    /// Replaces [`Prices::image`].
    pub image: Option<Rate>,
    /// Replaces [`Prices::image_token`].
    pub image_token: Option<Rate>,
    /// Replaces [`Prices::image_output`].
    pub image_output: Option<Rate>,
    /// Replaces [`Prices::audio`].
    pub audio: Option<Rate>,
    /// Replaces [`Prices::audio_output`].
    pub audio_output: Option<Rate>,
    /// Replaces [`Prices::audio_cache`].
    pub audio_cache: Option<Rate>,
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

/// `272,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
