//! [`Usage`] times [`Rates`] is [`Cost`]; and who is owed it.

use crate::exact::Exact;
use crate::prices::Rates;

/// What was used, in native tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) prompt: u64,
    /// Part of `prompt` that was read from a cache.
    pub(crate) cached: u64,
    /// Part of `prompt` that was written to a cache.
    pub(crate) written: u64,
    pub(crate) completion: u64,
    /// Part of `completion`.
    pub(crate) reasoning: u64,
    /// Searches of the web.
    pub(crate) searches: u64,
}

/// What it comes to, USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) prompt: Exact,
    pub(crate) completion: Exact,
    /// Per request, searches, plugins.
    pub(crate) fees: Exact,
}

impl Cost {
    /// `write` is the price of a token that is written to a cache.
    pub(crate) fn of(usage: &Usage, rates: &Rates, write: Exact, fees: Exact) -> Cost {
        let plain = usage.prompt - usage.cached - usage.written;
        Cost {
            prompt: rates
                .prompt
                .times(plain)
                .plus(rates.cache_read.unwrap_or(rates.prompt).times(usage.cached))
                .plus(write.times(usage.written)),
            completion: rates
                .completion
                .times(usage.completion - usage.reasoning)
                .plus(rates.internal_reasoning.unwrap_or(rates.completion).times(usage.reasoning)),
            fees: rates.request.plus(rates.web_search.times(usage.searches)).plus(fees),
        }
    }

    pub(crate) fn total(&self) -> Exact {
        self.prompt.plus(self.completion).plus(self.fees)
    }
}

/// What is owed for a generation, USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Charge {
    /// To OpenRouter: `usage.cost`.
    pub(crate) openrouter: Exact,
    /// To the provider, when the caller brought the provider's key; else nothing.
    pub(crate) provider: Exact,
    /// At list price.
    pub(crate) cost: Cost,
}

impl Charge {
    pub(crate) const NONE: Charge = Charge {
        openrouter: Exact::ZERO,
        provider: Exact::ZERO,
        cost: Cost { prompt: Exact::ZERO, completion: Exact::ZERO, fees: Exact::ZERO },
    };

    /// Each of its parts, with that of another charge; the list price stays.
    pub(crate) fn with(&self, other: &Charge, each: impl Fn(Exact, Exact) -> Exact) -> Charge {
        Charge {
            openrouter: each(self.openrouter, other.openrouter),
            provider: each(self.provider, other.provider),
            cost: self.cost,
        }
    }

    /// What it costs the caller altogether.
    pub(crate) fn total(&self) -> Exact {
        self.openrouter.plus(self.provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Exact {
        Exact::parse(text).expect(text)
    }

    #[test]
    fn by_hand() {
        // CONTRACT A.14: 300,000 prompt tokens of which 100,000 cached, 2,000 out, at override prices.
        let rates = Rates {
            prompt: usd("0.000004"),
            completion: usd("0.000015"),
            cache_read: Some(usd("0.0000002")),
            ..Rates::default()
        };
        let usage = Usage { prompt: 300_000, cached: 100_000, completion: 2_000, ..Usage::default() };
        assert_eq!(Cost::of(&usage, &rates, Exact::ZERO, Exact::ZERO).total().to_string(), "0.85");

        // 23 digits: 7 x 0.00000008333333333333334 + 3 x 0.0000025, and a fee.
        let rates = Rates {
            prompt: usd("0.0000003"),
            completion: usd("0.0000025"),
            request: usd("0.005"),
            ..Rates::default()
        };
        let usage = Usage { prompt: 10, written: 7, completion: 3, ..Usage::default() };
        let cost = Cost::of(&usage, &rates, usd("0.00000008333333333333334"), Exact::ZERO);
        assert_eq!(cost.prompt.to_string(), "0.00000148333333333333338");
        assert_eq!(cost.completion.to_string(), "0.0000075");
        assert_eq!(cost.total().to_string(), "0.00500898333333333333338");

        // Reasoning at its own price, searches.
        let rates = Rates {
            prompt: usd("0.000002"),
            completion: usd("0.000008"),
            internal_reasoning: Some(usd("0.000003")),
            web_search: usd("0.005"),
            ..Rates::default()
        };
        let usage = Usage { prompt: 100, completion: 50, reasoning: 20, searches: 3, ..Usage::default() };
        assert_eq!(Cost::of(&usage, &rates, Exact::ZERO, usd("0.1")).total().to_string(), "0.1155");
    }
}
