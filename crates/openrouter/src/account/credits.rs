//! `GET /credits`: the money of the account (CONTRACT 3).

use http::Method;
use money::Nano;
use serde::Deserialize;

use super::AccountError;
use super::read::{self, Data};
use crate::client::Upstream;

/// Credits bought and used over the life of the account, USD. Lagging by seconds to minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Credits {
    /// Bought.
    #[serde(rename = "total_credits", deserialize_with = "read::some_limit")]
    pub bought: Nano,
    /// Used.
    #[serde(rename = "total_usage", deserialize_with = "read::amount")]
    pub used: Nano,
}

impl Credits {
    /// Bought less used; below zero when the account is overdrawn.
    pub fn left(&self) -> Nano {
        self.bought.saturating_sub(self.used)
    }

    /// Both numbers are zero. To an ordinary key OpenRouter has answered so with status 200 while the account had
    /// money (openchamber#3411, 2026-09): such an answer says nothing unless [`super::KeyInfo::is_management_key`].
    pub fn is_zeros(&self) -> bool {
        self.bought == Nano::ZERO && self.used == Nano::ZERO
    }
}

impl Upstream {
    /// `GET /credits`. To be trusted with a management key only, see [`Credits::is_zeros`].
    ///
    /// # Errors
    /// [`AccountError`]; [`AccountError::Forbidden`] is what the documentation promises to ordinary keys.
    pub async fn credits(&self, management_key: &str) -> Result<Credits, AccountError> {
        let answer: Data<Credits> = self.ask_json(Method::GET, "/credits", management_key, None).await?;
        Ok(answer.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Credits, String> {
        serde_json::from_str::<Data<Credits>>(body)
            .map(|answer| answer.data)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn answers() {
        let credits = read(r#"{"data":{"total_credits":100.5,"total_usage":25.75}}"#).expect("credits");
        assert_eq!((credits.left(), credits.is_zeros()), (Nano::from_cents(7_475), false));
        let overdrawn = read(r#"{"data":{"total_credits":1,"total_usage":1.25}}"#).expect("credits");
        assert_eq!(overdrawn.left(), Nano::from_cents(-25));
        assert!(read(r#"{"data":{"total_credits":0,"total_usage":0}}"#).expect("credits").is_zeros());
        for body in
            ["{}", r#"{"data":{"total_credits":1}}"#, r#"{"data":{"total_credits":null,"total_usage":0}}"#]
        {
            assert!(read(body).is_err(), "unknown is never zero: {body}");
        }
    }
}
