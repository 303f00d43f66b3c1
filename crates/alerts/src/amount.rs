//! Money in stored JSON: exact decimal text.

use money::Nano;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// For `#[serde(with = "amount")]`.
pub(crate) fn serialize<S: Serializer>(amount: &Nano, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

/// The same text read back; a leading minus is an overrun.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Nano, D::Error> {
    let text = String::deserialize(deserializer)?;
    read(&text).ok_or_else(|| D::Error::custom("not an amount"))
}

/// Reads what `Nano` prints.
pub(crate) fn read(text: &str) -> Option<Nano> {
    match text.strip_prefix('-') {
        Some(digits) => Nano::parse_ceil(digits).ok().map(|amount| Nano::from_nanos(-amount.nanos())),
        None => Nano::parse_ceil(text).ok(),
    }
}
