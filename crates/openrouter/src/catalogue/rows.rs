//! OpenRouter's rows as pricing's rows (CONTRACT 8, read 2026-10-02).
//!
//! Lenient: unknown keys are skipped, a row without an id is skipped and counted. A price that cannot be read, or
//! whose key is unknown, stays with its row, so that the row is refused and not undercharged.

use std::collections::BTreeMap;

use pricing::{About, Effort, Endpoint, Family, Feature, Modalities, Modality, Model, Thinking, Tier};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::object::{Object, object};
use super::price::prices;
use crate::error::string;

/// Rows read, and how many were not.
#[derive(Debug)]
pub struct Rows<T> {
    /// The rows, in the order listed.
    pub rows: Vec<T>,
    /// Rows that could not be read at all.
    pub skipped: usize,
}

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

/// The models that `GET /endpoints/zdr` lists, each with the tags of the endpoints that keep nothing; `None` when it is
/// no such list.
pub(super) fn read_zdr(text: &str) -> Option<BTreeMap<String, Vec<String>>> {
    let listing: Listing<'_> = serde_json::from_str(text).ok()?;
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in listing.data.into_iter().filter_map(object) {
        if let (Some(model), Some(tag)) = (field(&row, "model_id"), field(&row, "tag")) {
            found.entry(model).or_default().push(tag);
        }
    }
    Some(found)
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

fn model(raw: &RawValue) -> Option<Model> {
    let row = object(raw)?;
    let id = field(&row, "id")?;
    let architecture = row.get("architecture").and_then(object).unwrap_or_default();
    let top = row.get("top_provider").and_then(object).unwrap_or_default();
    let limits = row.get("per_request_limits").and_then(object).unwrap_or_default();
    let alias = row.get("alias_target").and_then(object).unwrap_or_default();
    Some(Model {
        canonical_slug: field(&row, "canonical_slug").unwrap_or_else(|| id.clone()),
        alias_target: field(&alias, "slug"),
        context_length: count(&row, "context_length").max(count(&top, "context_length")),
        max_completion_tokens: least(
            count(&top, "max_completion_tokens"),
            count(&limits, "completion_tokens"),
        ),
        family: field(&architecture, "tokenizer").map_or(Family::Other, |name| Family::from_tokenizer(&name)),
        prices: prices(row.get("pricing")),
        endpoints: None,
        max_prompt_tokens: count(&limits, "prompt_tokens"),
        outputs: outputs(&architecture),
        supports_output_cap: lists_cap(&row),
        thinking: thinking(&row),
        about: about(&row, &architecture),
        id,
    })
}

fn about(row: &Object<'_>, architecture: &Object<'_>) -> About {
    let listed = |object: &Object<'_>, key: &str| list(object, key).unwrap_or_default();
    let names =
        listed(row, "supported_parameters").into_iter().chain(listed(architecture, "input_modalities"));
    About {
        name: field(row, "name").unwrap_or_default().into(),
        created_s: row.get("created").and_then(|raw| raw.get().parse().ok()),
        expires: field(row, "expiration_date").map(Into::into),
        features: names.filter_map(|name| Feature::listed_as(&name)).collect(),
    }
}

/// `reasoning`, where the row has it: an effort that it does not name is a medium one.
fn thinking(row: &Object<'_>) -> Thinking {
    let object = row.get("reasoning").and_then(object).unwrap_or_default();
    let says = |key: &str| object.get(key).is_some_and(|raw| raw.get() == "true");
    let effort = || field(&object, "default_effort").map_or(Effort::Medium, |word| Effort::named(&word));
    let always = says("mandatory");
    Thinking { always, unasked: (always || says("default_enabled")).then(effort) }
}

fn endpoint(raw: &RawValue) -> Option<Endpoint> {
    let row = object(raw)?;
    let provider = field(&row, "provider_name")?;
    let tag = field(&row, "tag").unwrap_or_else(|| provider.to_ascii_lowercase().replace(' ', "-"));
    Some(Endpoint {
        context_length: count(&row, "context_length"),
        max_completion_tokens: count(&row, "max_completion_tokens"),
        max_prompt_tokens: count(&row, "max_prompt_tokens"),
        prices: prices(row.get("pricing")),
        supports_output_cap: lists_cap(&row),
        implicit_caching: row.get("supports_implicit_caching").is_some_and(|raw| raw.get() == "true"),
        tier: tier(field(&row, "service_tier").as_deref(), &tag),
        native_search: row
            .get("native_tools")
            .and_then(object)
            .map(|tools| tools.get("openrouter:web_search").is_some()),
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
    string(row.get(key))
}

/// A whole number above zero: OpenRouter lists 0 where a limit does not apply.
fn count(row: &Object<'_>, key: &str) -> Option<u64> {
    row.get(key)?.get().parse().ok().filter(|&count| count > 0)
}

fn least(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
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
