//! OpenRouter's rows as pricing's rows (CONTRACT 8, read 2026-10-02).
//!
//! Lenient: unknown keys are skipped, a row without an id is skipped and counted. A price that cannot be read, or
//! whose key is unknown, stays with its row, so that the row is refused and not undercharged.

use std::borrow::Cow;
use std::collections::BTreeMap;

use money::{MoneyError, Rate};
use pricing::{
    About, Endpoint, Family, Feature, Modalities, Modality, Model, Override, Prices, RowPrices, Schedule,
    Tier, UnknownPrice,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::string;

/// Rows read, and how many were not.
#[derive(Debug)]
pub struct Rows<T> {
    /// The rows, in the order listed.
    pub rows: Vec<T>,
    /// Rows that could not be read at all.
    pub skipped: usize,
}

/// `discount` is inside the prices already; `video` keys are those of models that are not asked by chat.
const IRRELEVANT: [&str; 3] = ["discount", "video", "video_output"];

/// Reads the answer of `GET /models`; `None` when it is not one.
pub fn read_models(text: &str) -> Option<Rows<Model>> {
    let listing: Listing<'_> = serde_json::from_str(text).ok()?;
    Some(collect(listing.data, model))
}

/// Reads the answer of `GET /models/{author}/{slug}/endpoints`; `None` when it is not one.
pub fn read_endpoints(text: &str) -> Option<Rows<Endpoint>> {
    let listing: EndpointListing<'_> = serde_json::from_str(text).ok()?;
    Some(collect(listing.data.endpoints, endpoint))
}

/// `{"author/slug": <answer of /endpoints>}` as one text per model.
pub(super) fn split_endpoints(text: &str) -> BTreeMap<String, String> {
    let answers: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
    answers.into_iter().map(|(id, raw)| (id, raw.get().to_owned())).collect()
}

fn collect<T>(list: Vec<&RawValue>, read: fn(&RawValue) -> Option<T>) -> Rows<T> {
    let total = list.len();
    let rows: Vec<T> = list.into_iter().filter_map(read).collect();
    Rows { skipped: total - rows.len(), rows }
}

#[derive(Deserialize)]
struct Listing<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct EndpointListing<'a> {
    #[serde(borrow)]
    data: EndpointData<'a>,
}

#[derive(Deserialize)]
struct EndpointData<'a> {
    #[serde(borrow)]
    endpoints: Vec<&'a RawValue>,
}

type Object<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

fn object(raw: &RawValue) -> Option<Object<'_>> {
    serde_json::from_str(raw.get()).ok()
}

fn model(raw: &RawValue) -> Option<Model> {
    let row = object(raw)?;
    let id = field(&row, "id")?;
    let architecture = row.get("architecture").and_then(|raw| object(raw)).unwrap_or_default();
    let top = row.get("top_provider").and_then(|raw| object(raw)).unwrap_or_default();
    let alias = row.get("alias_target").and_then(|raw| object(raw)).unwrap_or_default();
    Some(Model {
        canonical_slug: field(&row, "canonical_slug").unwrap_or_else(|| id.clone()),
        alias_target: field(&alias, "slug"),
        context_length: count(&row, "context_length").max(count(&top, "context_length")),
        max_completion_tokens: count(&top, "max_completion_tokens"),
        family: field(&architecture, "tokenizer").map_or(Family::Other, |name| Family::from_tokenizer(&name)),
        prices: prices(row.get("pricing").copied()),
        endpoints: None,
        max_prompt_tokens: row
            .get("per_request_limits")
            .and_then(|raw| object(raw))
            .and_then(|limits| count(&limits, "prompt_tokens")),
        outputs: outputs(&architecture),
        supports_output_cap: lists_cap(&row),
        about: about(&row, &architecture),
        id,
    })
}

fn about(row: &Object<'_>, architecture: &Object<'_>) -> About {
    let listed = |object, key| list(object, key).unwrap_or_default();
    let names =
        listed(row, "supported_parameters").into_iter().chain(listed(architecture, "input_modalities"));
    About {
        name: field(row, "name").unwrap_or_default().into(),
        created_s: row.get("created").and_then(|raw| raw.get().parse().ok()),
        expires: field(row, "expiration_date").map(Into::into),
        features: names.filter_map(|name| Feature::listed_as(&name)).collect(),
    }
}

fn endpoint(raw: &RawValue) -> Option<Endpoint> {
    let row = object(raw)?;
    let provider = field(&row, "provider_name")?;
    let tag = field(&row, "tag").unwrap_or_else(|| provider.to_ascii_lowercase().replace(' ', "-"));
    Some(Endpoint {
        context_length: count(&row, "context_length"),
        max_completion_tokens: count(&row, "max_completion_tokens"),
        max_prompt_tokens: count(&row, "max_prompt_tokens"),
        prices: prices(row.get("pricing").copied()),
        supports_output_cap: lists_cap(&row),
        implicit_caching: row.get("supports_implicit_caching").is_some_and(|raw| raw.get() == "true"),
        tier: tier(field(&row, "service_tier").as_deref(), &tag),
        native_search: row
            .get("native_tools")
            .and_then(|raw| object(raw))
            .map(|tools| tools.contains_key("openrouter:web_search")),
        provider,
        tag,
    })
}

/// By `service_tier`, or by the tag where the row does not say; a tier we do not know is a dear one.
fn tier(listed: Option<&str>, tag: &str) -> Tier {
    match (listed, tag.rsplit('/').next()) {
        (_, Some("priority" | "ultrafast" | "fast" | "scale")) => Tier::Premium,
        (Some("flex"), _) | (None, Some("flex")) => Tier::Flex,
        (None | Some("" | "default" | "standard"), _) => Tier::Standard,
        _ => Tier::Premium,
    }
}

fn field(row: &Object<'_>, key: &str) -> Option<String> {
    string(row.get(key).copied())
}

/// A whole number above zero: OpenRouter lists 0 where a limit does not apply.
fn count(row: &Object<'_>, key: &str) -> Option<u64> {
    row.get(key)?.get().parse().ok().filter(|&count| count > 0)
}

fn list(row: &Object<'_>, key: &str) -> Option<Vec<String>> {
    serde_json::from_str(row.get(key)?.get()).ok()
}

fn lists_cap(row: &Object<'_>) -> bool {
    list(row, "supported_parameters")
        .is_some_and(|names| names.iter().any(|name| name == "max_tokens" || name == "max_completion_tokens"))
}

/// From the list, or from `text+image->text` in rows that have none.
fn outputs(architecture: &Object<'_>) -> Modalities {
    let listed = list(architecture, "output_modalities").unwrap_or_else(|| {
        let modality = field(architecture, "modality").unwrap_or_default();
        let outputs = modality.split_once("->").map(|(_, outputs)| outputs).unwrap_or_default();
        outputs.split('+').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    });
    listed.iter().map(|word| Modality::listed_as(word)).collect()
}

fn prices(raw: Option<&RawValue>) -> RowPrices {
    let Some(row) = raw.and_then(object) else {
        return RowPrices::Unreadable("no price is listed".to_owned());
    };
    match read_prices(&row) {
        Ok(prices) => RowPrices::Priced(prices),
        Err(PriceError::Dynamic) => RowPrices::Dynamic,
        Err(PriceError::Unreadable(key)) => RowPrices::Unreadable(format!("'{key}' is no price")),
    }
}

enum PriceError {
    Dynamic,
    Unreadable(String),
}

fn read_prices(row: &Object<'_>) -> Result<Prices, PriceError> {
    let required = |key: &str| rate(row, key)?.ok_or_else(|| PriceError::Unreadable(key.to_owned()));
    let mut prices = Prices {
        prompt: required("prompt")?,
        completion: required("completion")?,
        request: rate(row, "request")?.unwrap_or_default(),
        cache_read: rate(row, "input_cache_read")?,
        cache_write: rate(row, "input_cache_write")?,
        cache_write_1h: rate(row, "input_cache_write_1h")?,
        internal_reasoning: rate(row, "internal_reasoning")?,
        web_search: rate(row, "web_search")?,
        image: rate(row, "image")?,
        image_token: rate(row, "image_token")?,
        image_output: rate(row, "image_output")?,
        audio: rate(row, "audio")?,
        audio_output: rate(row, "audio_output")?,
        audio_cache: rate(row, "input_audio_cache")?,
        overrides: Vec::new(),
        unknown: Vec::new(),
    };
    for (key, raw) in row {
        if key == "overrides" {
            read_overrides(raw, &mut prices)?;
        } else if !is_read(key) {
            keep_unknown(key, raw, &mut prices.unknown);
        }
    }
    Ok(prices)
}

fn read_overrides(raw: &RawValue, prices: &mut Prices) -> Result<(), PriceError> {
    let unreadable = || PriceError::Unreadable("overrides".to_owned());
    let list: Option<Vec<Object<'_>>> = serde_json::from_str(raw.get()).map_err(|_| unreadable())?;
    for row in list.unwrap_or_default() {
        let conditional = Override {
            min_prompt_tokens: row.get("min_prompt_tokens").and_then(|raw| raw.get().parse().ok()),
            schedule: schedule(&row),
            prompt: rate(&row, "prompt")?,
            completion: rate(&row, "completion")?,
            request: rate(&row, "request")?,
            cache_read: rate(&row, "input_cache_read")?,
            cache_write: rate(&row, "input_cache_write")?,
            cache_write_1h: rate(&row, "input_cache_write_1h")?,
            internal_reasoning: rate(&row, "internal_reasoning")?,
            web_search: rate(&row, "web_search")?,
            image: rate(&row, "image")?,
            image_token: rate(&row, "image_token")?,
            image_output: rate(&row, "image_output")?,
            audio: rate(&row, "audio")?,
            audio_output: rate(&row, "audio_output")?,
            audio_cache: rate(&row, "input_audio_cache")?,
        };
        for (key, raw) in &row {
            match key.as_ref() {
                "min_prompt_tokens" | "utc_start" | "utc_end" | "utc_days" => {}
                key if is_read(key) => {}
                // A condition we do not know is a number or a list, and is taken to hold; a price is a string.
                key if raw.get().starts_with('"') => keep_unknown(key, raw, &mut prices.unknown),
                _ => {}
            }
        }
        prices.overrides.push(conditional);
    }
    Ok(())
}

/// The time of day and the days of a condition. What cannot be read is taken as always.
fn schedule(row: &Object<'_>) -> Option<Schedule> {
    let hhmm = |key: &str| row.get(key).map(|raw| raw.get().trim_matches('"').parse::<u32>());
    let days = row.get("utc_days").map(|raw| days(raw).unwrap_or(Schedule::ALL_DAYS));
    match (hhmm("utc_start"), hhmm("utc_end")) {
        (None, None) => days.map(Schedule::on),
        (Some(Ok(start)), Some(Ok(end))) => Schedule::new(start, end, days.unwrap_or(Schedule::ALL_DAYS)),
        _ => None,
    }
}

/// Days of the week as numbers, 0 for Sunday, or by the first three letters of their names.
fn days(raw: &RawValue) -> Option<u8> {
    const NAMES: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let list: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
    list.into_iter().try_fold(0, |days, raw| {
        let text = raw.get().trim_matches('"').to_ascii_lowercase();
        let day = match text.parse::<usize>() {
            Ok(number) => (number <= 7).then_some(number % 7),
            Err(_) => NAMES.iter().position(|name| text.starts_with(name)),
        };
        Some(days | 1 << day?)
    })
}

/// Whether a price key is read into a field, or known not to matter.
fn is_read(key: &str) -> bool {
    matches!(
        key,
        "prompt"
            | "completion"
            | "request"
            | "input_cache_read"
            | "input_cache_write"
            | "input_cache_write_1h"
            | "internal_reasoning"
            | "web_search"
            | "image"
            | "image_token"
            | "image_output"
            | "audio"
            | "audio_output"
            | "input_audio_cache"
    ) || IRRELEVANT.contains(&key)
}

fn keep_unknown(key: &str, raw: &RawValue, unknown: &mut Vec<UnknownPrice>) {
    let value = raw.get().trim_matches('"');
    if value != "null" && Rate::parse_ceil(value) != Ok(Rate::ZERO) {
        unknown.push(UnknownPrice { key: key.to_owned(), value: value.to_owned() });
    }
}

/// A price: decimal text, or a number; `None` when absent or null.
fn rate(row: &Object<'_>, key: &str) -> Result<Option<Rate>, PriceError> {
    let Some(raw) = row.get(key) else { return Ok(None) };
    match raw.get().trim_matches('"') {
        "null" => Ok(None),
        text => match Rate::parse_ceil(text) {
            Ok(rate) => Ok(Some(rate)),
            Err(MoneyError::Negative) => Err(PriceError::Dynamic),
            Err(_) => Err(PriceError::Unreadable(key.to_owned())),
        },
    }
}
