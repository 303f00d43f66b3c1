//! What counted tokens would have cost elsewhere: the baseline of a saving. An estimate, never a charge.

use money::Nano;

use crate::model::Model;
use crate::price_key::PriceKey;

/// Tokens as OpenRouter counted them (CONTRACT 11.1): cached ones are among the prompt's, reasoning ones among the
/// answer's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Prompt tokens, the cached ones included.
    pub prompt: u64,
    /// Of these, read from a cache.
    pub cached: u64,
    /// Answer tokens, the reasoning ones included.
    pub completion: u64,
}

/// What these tokens cost at the prices of a model's row, USD; `None` when the row lists none that we can read.
///
/// Deliberately low, so that a saving is never flattered: cached tokens at the row's cache price where it lists one,
/// no cache writes, no conditional prices, and the same number of tokens although another tokenizer may make more.
pub fn listed_cost(model: &Model, used: Used) -> Option<Nano> {
    let prices = model.prices.priced()?;
    let cached = used.cached.min(used.prompt);
    let cache_read =
        prices.rates[PriceKey::CacheRead].map_or(prices.prompt(), |read| read.min(prices.prompt()));
    let prompt = prices.prompt().times(used.prompt - cached).checked_add(cache_read.times(cached))?;
    prompt.checked_add(prices.completion().times(used.completion))?.checked_add(prices.request().times(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Family, Prices, RowPrices};
    use money::Rate;

    fn row(prices: RowPrices) -> Model {
        Model {
            id: "a/m".to_owned(),
            canonical_slug: "a/m".to_owned(),
            alias_target: None,
            context_length: None,
            max_completion_tokens: None,
            family: Family::Gpt,
            prices,
            endpoints: None,
            outputs: crate::Modalities::TEXT,
            supports_output_cap: true,
            ..Model::default()
        }
    }

    #[test]
    fn tokens_at_the_rows_prices() {
        let rate = |text: &str| Rate::parse_ceil(text).unwrap();
        let plain = Prices::new(rate("0.000003"), rate("0.000015"));
        let caching = plain.clone().with(PriceKey::CacheRead, rate("0.0000003"));
        let dear_cache = plain.clone().with(PriceKey::CacheRead, rate("0.000009"));
        let fee = plain.clone().with(PriceKey::Request, rate("0.01"));
        let used = Used { prompt: 1000, cached: 400, completion: 100 };
        for (prices, used, nanos) in [
            (plain.clone(), Used::default(), 0),
            (plain.clone(), used, 3_000_000 + 1_500_000),
            (caching.clone(), used, 1_800_000 + 120_000 + 1_500_000),
            (dear_cache, used, 3_000_000 + 1_500_000),
            (fee, used, 4_500_000 + 10_000_000),
            (caching, Used { prompt: 10, cached: 99, completion: 0 }, 3_000),
        ] {
            let cost = listed_cost(&row(RowPrices::Priced(prices)), used);
            assert_eq!(cost.map(Nano::nanos), Some(nanos), "{used:?}");
        }
        assert_eq!(listed_cost(&row(RowPrices::Dynamic), used), None);
        let endless = Used { prompt: u64::MAX, cached: 0, completion: u64::MAX };
        assert_eq!(listed_cost(&row(RowPrices::Priced(plain)), endless), None, "beyond what money can count");
    }
}
