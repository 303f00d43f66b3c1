//! [`Reset`]: when a limit of OpenRouter's begins anew.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How often a limit begins anew. Windows are UTC: midnight, Monday, the first of the month (CONTRACT 2, spec of
/// 2026-08-22). No `Reset` at all: the limit is for a lifetime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reset {
    /// At midnight UTC.
    Daily,
    /// On Monday, midnight UTC.
    Weekly,
    /// On the first of the month, midnight UTC.
    Monthly,
    /// One we do not know, as written.
    Other(String),
}

impl Reset {
    /// OpenRouter's word.
    pub fn word(&self) -> &str {
        match self {
            Reset::Daily => "daily",
            Reset::Weekly => "weekly",
            Reset::Monthly => "monthly",
            Reset::Other(word) => word,
        }
    }

    /// From OpenRouter's word.
    pub fn of_word(word: &str) -> Reset {
        match word {
            "daily" => Reset::Daily,
            "weekly" => Reset::Weekly,
            "monthly" => Reset::Monthly,
            other => Reset::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for Reset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// For `#[serde(deserialize_with)]`.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Reset>, D::Error> {
    let word = Option::<String>::deserialize(deserializer)?;
    Ok(word.map(|word| Reset::of_word(&word)))
}
