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
    /// Part of `prompt` that is images, at the price of their tokens.
    pub(crate) images: u64,
    /// Part of `prompt` that is sound.
    pub(crate) audio: u64,
    /// Images, where each one has a price.
    pub(crate) pictures: u64,
    pub(crate) completion: u64,
    /// Part of `completion`.
    pub(crate) reasoning: u64,
    /// Part of `completion`.
    pub(crate) image_output: u64,
    /// Part of `completion`.
    pub(crate) audio_output: u64,
}

impl Usage {
    /// Both together.
    pub(crate) fn plus(&self, other: &Usage) -> Usage {
        Usage {
            prompt: self.prompt + other.prompt,
            cached: self.cached + other.cached,
            written: self.written + other.written,
            images: self.images + other.images,
            audio: self.audio + other.audio,
            pictures: self.pictures + other.pictures,
            completion: self.completion + other.completion,
            reasoning: self.reasoning + other.reasoning,
            image_output: self.image_output + other.image_output,
            audio_output: self.audio_output + other.audio_output,
        }
    }
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
        let plain = usage.prompt - usage.cached - usage.written - usage.images - usage.audio;
        let said = usage.completion - usage.reasoning - usage.image_output - usage.audio_output;
        Cost {
            prompt: rates
                .prompt
                .times(plain)
                .plus(rates.cache_read.unwrap_or(rates.prompt).times(usage.cached))
                .plus(write.times(usage.written))
                .plus(rates.image_rate().times(usage.images))
                .plus(rates.audio_rate().times(usage.audio))
                .plus(rates.per_picture().times(usage.pictures)),
            completion: rates
                .completion
                .times(said)
                .plus(rates.internal_reasoning.unwrap_or(rates.completion).times(usage.reasoning))
                .plus(rates.image_output.unwrap_or(rates.completion).times(usage.image_output))
                .plus(rates.audio_output.unwrap_or(rates.completion).times(usage.audio_output)),
            fees: rates.request.plus(rates.unknown).plus(fees),
        }
    }

    pub(crate) fn total(&self) -> Exact {
        self.prompt.plus(self.completion).plus(self.fees)
    }

    /// Both together.
    pub(crate) fn plus(&self, other: &Cost) -> Cost {
        Cost {
            prompt: self.prompt.plus(other.prompt),
            completion: self.completion.plus(other.completion),
            fees: self.fees.plus(other.fees),
        }
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

        // Reasoning at its own price.
        let rates = Rates {
            prompt: usd("0.000002"),
            completion: usd("0.000008"),
            internal_reasoning: Some(usd("0.000003")),
            ..Rates::default()
        };
        let usage = Usage { prompt: 100, completion: 50, reasoning: 20, ..Usage::default() };
        assert_eq!(Cost::of(&usage, &rates, Exact::ZERO, usd("0.1")).total().to_string(), "0.1005");

        // Images by their tokens and by themselves, sound in and out, an image out.
        let rates = Rates {
            prompt: usd("0.000001"),
            completion: usd("0.000002"),
            image: Some(usd("0.004")),
            image_token: Some(usd("0.000003")),
            audio: Some(usd("0.00001")),
            image_output: Some(usd("0.00003")),
            audio_output: Some(usd("0.00006")),
            ..Rates::default()
        };
        let usage = Usage {
            prompt: 1_000,
            images: 500,
            audio: 100,
            pictures: 2,
            completion: 60,
            image_output: 30,
            audio_output: 20,
            ..Usage::default()
        };
        let cost = Cost::of(&usage, &rates, Exact::ZERO, Exact::ZERO);
        assert_eq!(cost.prompt.to_string(), "0.0109", "400 + 1,500 + 1,000 millionths, and 8 thousandths");
        assert_eq!(cost.completion.to_string(), "0.00212", "20 + 900 + 1,200 millionths");
    }
}
