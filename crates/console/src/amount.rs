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
    Nano::parse_left(&text).map_err(D::Error::custom)
}

/// For `#[serde(with = "amount::maybe")]`: `null` when it is not known.
pub(crate) mod maybe {
    use super::{Deserialize, Deserializer, Error, Nano, Serializer};

    /// As above.
    pub(crate) fn serialize<S: Serializer>(amount: &Option<Nano>, serializer: S) -> Result<S::Ok, S::Error> {
        match amount {
            Some(amount) => super::serialize(amount, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// As above.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Nano>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| Nano::parse_left(&text).map_err(D::Error::custom)).transpose()
    }
}
