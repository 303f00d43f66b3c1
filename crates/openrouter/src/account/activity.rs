//! `GET /activity`: what was spent per day, model and endpoint, with a management key (CONTRACT 7.2).
//!
//! The last 30 completed UTC days; today is not among them. Good to compare by the day, and for nothing quicker.

use money::Nano;
use serde::Deserialize;

use super::read::{self, Data};
use super::{AccountError, Admin, part};

/// Which days and keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityFilter {
    /// One day, `2026-11-23`.
    pub date: Option<String>,
    /// One key, by its hash.
    pub key_hash: Option<String>,
}

impl ActivityFilter {
    fn path(&self) -> String {
        let parts = [("date", &self.date), ("api_key_hash", &self.key_hash)];
        let parts: Vec<String> = parts
            .iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={}", part(value))))
            .collect();
        match parts.is_empty() {
            true => "/activity".to_owned(),
            false => format!("/activity?{}", parts.join("&")),
        }
    }
}

/// One day, model and endpoint. Amounts are USD.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ActivityRow {
    /// The UTC day, as written: `2026-11-23`, or with a time of midnight behind it.
    pub date: String,
    /// The model asked for.
    #[serde(default, deserialize_with = "read::text")]
    pub model: Option<String>,
    /// Its dated slug.
    #[serde(default, deserialize_with = "read::text")]
    pub model_permaslug: Option<String>,
    /// Who served it.
    #[serde(default, deserialize_with = "read::text")]
    pub provider_name: Option<String>,
    /// Requests.
    #[serde(default, deserialize_with = "read::count")]
    pub requests: Option<u64>,
    /// Tokens in.
    #[serde(default, deserialize_with = "read::count")]
    pub prompt_tokens: Option<u64>,
    /// Tokens out.
    #[serde(default, deserialize_with = "read::count")]
    pub completion_tokens: Option<u64>,
    /// Tokens of reasoning, among those out.
    #[serde(default, deserialize_with = "read::count")]
    pub reasoning_tokens: Option<u64>,
    /// Credits spent.
    #[serde(default, deserialize_with = "read::spent")]
    pub usage: Option<Nano>,
    /// Spent at providers with own keys.
    #[serde(default, deserialize_with = "read::spent")]
    pub byok_usage_inference: Option<Nano>,
}

impl Admin {
    /// Activity of the last 30 completed days.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn activity(&self, filter: &ActivityFilter) -> Result<Vec<ActivityRow>, AccountError> {
        let answer: Data<Vec<ActivityRow>> = self.get(&filter.path()).await?;
        Ok(answer.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_paths() {
        let body = r#"{"data":[{"date":"2026-11-22","model":"openai/gpt-4.1","model_permaslug":"openai/gpt-4.1-2025-04-14",
            "endpoint_id":"e","provider_name":"OpenAI","requests":5,"prompt_tokens":"50","completion_tokens":125,"reasoning_tokens":25,
            "usage":0.015,"byok_usage_inference":0.012}]}"#;
        let rows = serde_json::from_str::<Data<Vec<ActivityRow>>>(body).expect("rows").data;
        assert_eq!((rows[0].usage, rows[0].prompt_tokens), (Some(Nano::from_nanos(15_000_000)), Some(50)));
        let filter = ActivityFilter { date: Some("2026-11-22".to_owned()), key_hash: Some("ab".to_owned()) };
        assert_eq!(filter.path(), "/activity?date=2026-11-22&api_key_hash=ab");
        assert_eq!(ActivityFilter::default().path(), "/activity");
    }
}
