//! Money in JSON: exact decimal text with nine places, never a number.

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
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.as_str()),
    };
    let amount = Nano::parse_ceil(digits).map_err(D::Error::custom)?;
    Ok(Nano::from_nanos(sign * amount.nanos()))
}
