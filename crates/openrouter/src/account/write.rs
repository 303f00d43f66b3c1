//! Fields as they are sent. For `#[serde(serialize_with)]`.

use money::Nano;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// An amount as a JSON number with exactly its digits: OpenRouter's schema wants numbers, and a float would not do.
pub(crate) fn number<S: Serializer>(amount: &Nano, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(amount.shortest()).map_err(S::Error::custom)?.serialize(serializer)
}

/// The same; `None` is `null`.
pub(crate) fn number_or_null<S: Serializer>(amount: &Option<Nano>, serializer: S) -> Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => number(amount, serializer),
        None => serializer.serialize_none(),
    }
}

/// A change that may be to `null`. The field is left out with `skip_serializing_if = "Option::is_none"`.
pub(crate) fn number_changed<S: Serializer>(
    amount: &Option<Option<Nano>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    number_or_null(&amount.flatten(), serializer)
}
