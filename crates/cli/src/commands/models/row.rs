//! A model on one line: for tables and for machines.

use jiff::Timestamp;
use money::Rate;
use pricing::{Modality, Model, PriceKey, Prices, RowPrices};
use serde_json::{Value, json};

use crate::amount::rate;

/// A price per million tokens, exact.
pub(super) fn price(price: Option<Rate>) -> String {
    price.map_or_else(|| "-".to_owned(), |price| rate(&price.per_million().to_string()))
}

/// What a model asks for input and output, per million tokens; words where there is no such price.
pub(super) fn prices(model: &Model) -> [String; 2] {
    match &model.prices {
        RowPrices::Priced(_) if !tells_its_price(model) => ["unknown".to_owned(), "unknown".to_owned()],
        RowPrices::Priced(prices) => [price(Some(prices.prompt())), price(Some(prices.completion()))],
        RowPrices::Dynamic => ["varies".to_owned(), "varies".to_owned()],
        RowPrices::Unreadable(_) => ["unknown".to_owned(), "unknown".to_owned()],
    }
}

/// Whether the listed price is one of tokens and means what it says: a zero is not free unless the model is (CONTRACT
/// 8.2), and what answers in neither text, images nor audio is billed by seconds, pages and songs.
pub(super) fn tells_its_price(model: &Model) -> bool {
    let zero = model.prices.priced().is_some_and(|p| {
        p.prompt() == Rate::ZERO && p.completion() == Rate::ZERO && p.request() == Rate::ZERO
    });
    let by_token = [Modality::Text, Modality::Image, Modality::Audio];
    (!zero || model.is_free()) && by_token.into_iter().any(|kind| model.outputs.contains(kind))
}

/// `200k`, `1.05M`: rounded down, for a table.
pub(super) fn context(tokens: Option<u64>) -> String {
    let Some(tokens) = tokens else { return "-".to_owned() };
    match tokens {
        ..1_000 => tokens.to_string(),
        1_000..1_000_000 => format!("{}k", tokens / 1_000),
        _ => match tokens % 1_000_000 / 10_000 {
            0 => format!("{}M", tokens / 1_000_000),
            part => format!("{}.{part:02}M", tokens / 1_000_000),
        },
    }
}

/// `tools images`.
pub(super) fn features(model: &Model) -> String {
    model.about.features.iter().map(|feature| feature.word()).collect::<Vec<_>>().join(" ")
}

/// The day OpenRouter listed it.
pub(super) fn listed(model: &Model) -> Option<String> {
    let at = Timestamp::from_second(model.about.created_s?).ok()?;
    Some(at.to_string().chars().take(10).collect())
}

/// Every price of a row under OpenRouter's name for it, USD per unit.
fn listed_usd(prices: &Prices) -> Value {
    prices
        .rates
        .iter()
        .map(|(key, rate)| (key.name().to_owned(), Value::from(rate.per_unit().to_string())))
        .collect()
}

/// For machines. A price per million tokens is exact decimal text.
pub(super) fn json(model: &Model) -> Value {
    let prices = model.prices.priced();
    let per_million = |rate: Option<Rate>| rate.map(|rate| rate.per_million().to_string());
    json!({
        "id": model.id,
        "name": model.about.name,
        "listed": listed(model),
        "expires": model.about.expires,
        "context_length": model.context_length,
        "max_completion_tokens": model.max_completion_tokens,
        "can": model.about.features.iter().map(|feature| feature.word()).collect::<Vec<_>>(),
        "free": model.is_free(),
        "prompt_usd_per_million": per_million(prices.map(Prices::prompt)),
        "completion_usd_per_million": per_million(prices.map(Prices::completion)),
        "cache_read_usd_per_million": per_million(prices.and_then(|prices| prices.rates[PriceKey::CacheRead])),
        "cache_write_usd_per_million": per_million(prices.and_then(|prices| prices.rates[PriceKey::CacheWrite])),
        "request_usd": prices.map(|prices| prices.request().per_unit().to_string()),
        "answers_in": model.outputs.iter().map(|modality| modality.word()).collect::<Vec<_>>(),
        "listed_usd": prices.map(listed_usd),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts() {
        for (tokens, text) in [
            (None, "-"),
            (Some(999), "999"),
            (Some(8_192), "8k"),
            (Some(131_072), "131k"),
            (Some(1_000_000), "1M"),
            (Some(1_050_000), "1.05M"),
            (Some(1_048_576), "1.04M"),
        ] {
            assert_eq!(context(tokens), text);
        }
    }
}
