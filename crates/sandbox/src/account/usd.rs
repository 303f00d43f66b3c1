//! [`Usd`]: an exact amount in an answer: a JSON number, its digits as booked.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::exact::Exact;

/// A JSON number. Only for `serde_json::to_string`; through a `Value` it would lose digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Usd(String);

impl Usd {
    /// A limit less what was spent, which may be below zero.
    pub(crate) fn left(limit: Exact, spent: Exact) -> Usd {
        Usd(limit.less(spent))
    }
}

impl From<Exact> for Usd {
    fn from(amount: Exact) -> Self {
        Usd(amount.to_string())
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.clone()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// The text of an answer.
pub(crate) fn text(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).expect("an answer is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_is_kept() {
        let amount = Exact::parse("0.000000000000000000000000000001").expect("an amount");
        assert_eq!(text(&[Usd::from(amount)]), "[0.000000000000000000000000000001]");
        assert_eq!(text(&Usd::left(Exact::ZERO, amount)), "-0.000000000000000000000000000001");
    }
}
