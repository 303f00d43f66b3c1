//! [`Prices`]: what an endpoint lists, and [`Rates`]: what applies to one request.

use serde_json::{Map, Value};

use crate::catalogue::Family;
use crate::clock::Moment;
use crate::exact::Exact;
use crate::request::Cache;

/// Prices in force for one request, USD per unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rates {
    pub(crate) prompt: Exact,
    pub(crate) completion: Exact,
    pub(crate) request: Exact,
    pub(crate) web_search: Exact,
    pub(crate) cache_read: Option<Exact>,
    pub(crate) cache_write: Option<Exact>,
    pub(crate) cache_write_1h: Option<Exact>,
    pub(crate) internal_reasoning: Option<Exact>,
    /// For each image, or for each token of one: see [`Rates::image_rate`].
    pub(crate) image: Option<Exact>,
    pub(crate) image_token: Option<Exact>,
    pub(crate) image_output: Option<Exact>,
    pub(crate) audio: Option<Exact>,
    pub(crate) audio_cache: Option<Exact>,
    pub(crate) audio_output: Option<Exact>,
    /// The sum of what nobody knows the unit of.
    pub(crate) unknown: Exact,
}

/// A price for an image is that of a whole one from so much on: rows of 2025 list some tenths of a cent, those of 2026
/// the price of a token.
fn whole_image() -> Exact {
    Exact::micros(100)
}

/// The price list of an endpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prices {
    /// The top-level prices, which `max_price` is compared with.
    pub(crate) base: Rates,
    overrides: Vec<Override>,
}

/// Conditional prices. All conditions must hold; a later override wins per key.
#[derive(Clone, Debug, Default)]
struct Override {
    /// Strictly more prompt tokens than this.
    min_prompt_tokens: Option<u64>,
    /// UTC, `HHMM`, half open, may wrap midnight.
    hours: Option<(u32, u32)>,
    days: Option<Vec<u8>>,
    prices: Map<String, Value>,
}

impl Prices {
    /// Reads a `pricing` object; the error names the key that is no price. Negative prices (`-1`) are an error too.
    pub(crate) fn read(pricing: &Value) -> Result<Prices, String> {
        let object = pricing.as_object().ok_or("pricing")?;
        let mut base = Rates::default();
        base.put(object)?;
        if !object.contains_key("prompt") || !object.contains_key("completion") {
            return Err("prompt".to_owned());
        }
        let list = object.get("overrides").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let overrides = list.iter().map(Override::read).collect::<Result<_, _>>()?;
        Ok(Prices { base, overrides })
    }

    /// The prices for a prompt of so many tokens at this time.
    pub(crate) fn at(&self, prompt_tokens: u64, now: Moment) -> Rates {
        let mut rates = self.base;
        for conditional in self.overrides.iter().filter(|conditional| conditional.holds(prompt_tokens, now)) {
            rates.put(&conditional.prices).expect("was read once");
        }
        rates
    }

    /// The same with the conditional prices of a row, where it lists none itself and the row does.
    pub(crate) fn with_conditions_of(&self, row: &Prices) -> Option<Prices> {
        let lacks = self.overrides.is_empty() && !row.overrides.is_empty();
        lacks.then(|| Prices { base: self.base, overrides: row.overrides.clone() })
    }

    /// When to look between two moments: often enough to meet every hour that has a price of its own.
    pub(crate) fn moments(&self, from: Moment, to: Moment) -> Vec<Moment> {
        const STEP_MS: u64 = 30 * 60_000;
        if from >= to || !self.overrides.iter().any(|one| one.hours.is_some() || one.days.is_some()) {
            return vec![from];
        }
        let boundaries = (from.0 / STEP_MS + 1)..=(to.0 / STEP_MS);
        let within = boundaries.map(|half_hour| Moment(half_hour * STEP_MS));
        [from].into_iter().chain(within).chain([to]).collect()
    }

    /// The most that a search of the provider's own may cost.
    pub(crate) fn dearest_search(&self) -> Exact {
        let conditional = self.overrides.iter().map(|one| {
            let mut rates = Rates::default();
            rates.put(&one.prices).expect("was read once");
            rates.web_search
        });
        conditional.fold(self.base.web_search, Exact::max)
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.base.prompt.is_zero() && self.base.completion.is_zero() && self.base.request.is_zero()
    }
}

impl Override {
    fn read(value: &Value) -> Result<Override, String> {
        let object = value.as_object().ok_or("overrides")?;
        Rates::default().put(object)?;
        let hour = |key: &str| object.get(key).and_then(Value::as_u64).map(|hhmm| hhmm as u32);
        Ok(Override {
            min_prompt_tokens: object.get("min_prompt_tokens").and_then(Value::as_u64),
            hours: hour("utc_start").zip(hour("utc_end")),
            days: object
                .get("utc_days")
                .and_then(Value::as_array)
                .map(|days| days.iter().filter_map(weekday).collect()),
            prices: object.clone(),
        })
    }

    fn holds(&self, prompt_tokens: u64, now: Moment) -> bool {
        let hours = self.hours.is_none_or(|(start, end)| {
            let hhmm = now.hhmm();
            if start <= end { (start..end).contains(&hhmm) } else { hhmm >= start || hhmm < end }
        });
        let days = self.days.as_ref().is_none_or(|days| days.contains(&now.weekday()));
        self.min_prompt_tokens.is_none_or(|least| prompt_tokens > least) && hours && days
    }
}

impl Rates {
    /// Takes over every price in the object.
    fn put(&mut self, object: &Map<String, Value>) -> Result<(), String> {
        for (key, value) in object {
            let price = || value.as_str().and_then(Exact::parse).ok_or_else(|| key.clone());
            match key.as_str() {
                "prompt" => self.prompt = price()?,
                "completion" => self.completion = price()?,
                "request" => self.request = price()?,
                "web_search" => self.web_search = price()?,
                "input_cache_read" => self.cache_read = Some(price()?),
                "input_cache_write" => self.cache_write = Some(price()?),
                "input_cache_write_1h" => self.cache_write_1h = Some(price()?),
                // Rows of 2025 list a zero where nothing of its own is charged.
                "internal_reasoning" => {
                    self.internal_reasoning = Some(price()?).filter(|price| !price.is_zero())
                }
                "image" => self.image = Some(price()?),
                "image_token" => self.image_token = Some(price()?),
                "image_output" => self.image_output = Some(price()?),
                "audio" => self.audio = Some(price()?),
                "audio_output" => self.audio_output = Some(price()?),
                "input_audio_cache" => self.audio_cache = Some(price()?),
                _ => self.unknown = self.unknown.plus(price().unwrap_or_default()),
            }
        }
        Ok(())
    }

    /// For a token of an image, at its dearest.
    pub(crate) fn image_rate(&self) -> Exact {
        let token = self.image.filter(|&price| price < whole_image());
        self.prompt.max(token.unwrap_or_default()).max(self.image_token.unwrap_or_default())
    }

    /// For an image, beside its tokens.
    pub(crate) fn per_picture(&self) -> Exact {
        self.image.filter(|&price| price >= whole_image()).unwrap_or_default()
    }

    /// For a token of sound, at its dearest.
    pub(crate) fn audio_rate(&self) -> Exact {
        self.prompt.max(self.audio.unwrap_or_default()).max(self.audio_cache.unwrap_or_default())
    }

    /// For a token that is written to a cache, where a request can write one.
    pub(crate) fn write_price(&self, asked: Cache, family: Family, caches: bool) -> Option<Exact> {
        // These write only what is marked, or what the provider caches by itself; OpenAI and others write by themselves
        // (CONTRACT 9.3).
        if matches!(family, Family::Claude | Family::Gemini) && asked == Cache::None && !caches {
            return None;
        }
        let listed = match asked {
            Cache::OneHour if self.cache_write.is_some() || family == Family::Claude => Some(
                self.cache_write_1h
                    .unwrap_or_else(|| self.prompt.times(2))
                    .max(self.cache_write.unwrap_or_default()),
            ),
            Cache::FiveMinutes if family == Family::Claude => {
                Some(self.cache_write.unwrap_or_else(|| self.prompt.fraction_up(125, 100)))
            }
            _ => self.cache_write,
        }?;
        // Gemini lists the storage alone, which comes on top of the prompt.
        Some(if listed < self.prompt { listed.plus(self.prompt) } else { listed })
    }
}

/// A day as a number, 0 for Sunday, or by the first letters of its English name.
fn weekday(value: &Value) -> Option<u8> {
    if let Some(day) = value.as_u64() {
        return Some((day % 7) as u8);
    }
    let name = value.as_str()?.to_ascii_lowercase();
    ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
        .iter()
        .position(|day| name.starts_with(day))
        .map(|day| day as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn prompt(prices: &Prices, tokens: u64, hhmm: u64) -> String {
        let minutes = hhmm / 100 * 60 + hhmm % 100;
        prices.at(tokens, Moment(minutes * 60_000)).prompt.to_string()
    }

    #[test]
    fn overrides_hold_strictly_and_by_the_clock() {
        let prices = Prices::read(&json!({"prompt":"1","completion":"2","overrides":[
            {"utc_start":1630,"utc_end":30,"prompt":"3"},
            {"min_prompt_tokens":100,"prompt":"4"},
            {"min_prompt_tokens":100,"utc_days":["monday"],"prompt":"9"}]}))
        .expect("prices");
        for (tokens, hhmm, expect) in [
            (100, 1200, "1"),
            (101, 1200, "4"),
            (0, 1629, "1"),
            (0, 1630, "3"),
            (0, 2359, "3"),
            (0, 0, "3"),
            (0, 29, "3"),
            (0, 30, "1"),
            (101, 1700, "4"),
        ] {
            assert_eq!(prompt(&prices, tokens, hhmm), expect, "{tokens} {hhmm}");
        }
        assert_eq!(
            prices.at(101, Moment(4 * 86_400_000)).prompt.to_string(),
            "9",
            "the fifth day was a Monday"
        );
        assert_eq!(
            prices.at(101, Moment(0)).completion.to_string(),
            "2",
            "missing keys fall back to the base"
        );
    }

    #[test]
    fn bad_prices_are_named() {
        assert_eq!(
            Prices::read(&json!({"prompt":"-1","completion":"-1"})).map(|_| ()),
            Err("completion".to_owned())
        );
        assert_eq!(Prices::read(&json!({"prompt":"0"})).map(|_| ()), Err("prompt".to_owned()));
        assert_eq!(
            Prices::read(&json!({"prompt":"0","completion":"0","overrides":[{"prompt":"x"}]})).map(|_| ()),
            Err("prompt".to_owned())
        );
    }
}
