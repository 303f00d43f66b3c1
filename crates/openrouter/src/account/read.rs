//! Fields as they come. For `#[serde(deserialize_with)]`: a field that is not what it should be is not there.

use money::Nano;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// `{"data": …}`, as most answers are.
#[derive(Deserialize)]
pub(crate) struct Data<T> {
    pub(crate) data: T,
}

/// A sum that was charged: rounded up, `None` when it is no amount.
pub(crate) fn spent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Nano>, D::Error> {
    Ok(number(deserializer)?.and_then(|text| Nano::parse_ceil(&text).ok()))
}

/// A sum that is left, or a discount: may be below zero, rounded down; `None` when it is no amount.
pub(crate) fn left<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Nano>, D::Error> {
    Ok(number(deserializer)?.and_then(|text| Nano::parse_left(&text).ok()))
}

/// A limit: `null` is none, anything else must be an amount. Without `default` it must be there.
pub(crate) fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Nano>, D::Error> {
    match number(deserializer)? {
        None => Ok(None),
        Some(text) => Nano::parse_left(&text).map(Some).map_err(D::Error::custom),
    }
}

/// An amount that must be there; charged, so rounded up.
pub(crate) fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Nano, D::Error> {
    let text = number(deserializer)?.ok_or_else(|| D::Error::custom("an amount is null"))?;
    Nano::parse_ceil(&text).map_err(D::Error::custom)
}

/// A limit that must be there; rounded down.
pub(crate) fn some_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Nano, D::Error> {
    limit(deserializer)?.ok_or_else(|| D::Error::custom("a limit is null"))
}

/// The digits as they were written, also of a string; `None` for `null`.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = Option::<Box<RawValue>>::deserialize(deserializer)?;
    Ok(raw.map(|raw| raw.get().trim_matches('"').to_owned()))
}

/// Yes, no, or not said.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    lenient(deserializer)
}

/// A text that is there and not empty.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(lenient::<String, D>(deserializer)?.filter(|text| !text.is_empty()))
}

/// A whole number; some counts arrive as strings (CONTRACT 7.3).
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(number(deserializer)?.and_then(|text| text.parse().ok()))
}

/// A whole number that may be below zero.
pub(crate) fn signed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(number(deserializer)?.and_then(|text| text.parse().ok()))
}

/// Anything that reads as `T`.
pub(crate) fn lenient<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let raw = Option::<Box<RawValue>>::deserialize(deserializer)?;
    Ok(raw.and_then(|raw| serde_json::from_str(raw.get()).ok()))
}

/// A list, of which those are kept that read as `T`.
pub(crate) fn list<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let rows: Option<Vec<Box<RawValue>>> = lenient(deserializer)?;
    let rows = rows.unwrap_or_default();
    Ok(rows.iter().filter_map(|raw| serde_json::from_str(raw.get()).ok()).collect())
}
