//! `GET /generation?id=`, all of it that is for people (CONTRACT 7.1; SDK of 2026-10-27, recorded bodies agree).

use http::Method;
use money::Nano;
use serde::Deserialize;

use super::AccountError;
use super::read::{self, Data};
use crate::client::Upstream;
use crate::usage::Charge;

/// One generation. Amounts are USD.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct GenerationDetails {
    /// Its id.
    pub id: String,
    /// When it was made, RFC 3339 as written.
    #[serde(default, deserialize_with = "read::text")]
    pub created_at: Option<String>,
    /// The model that was billed, by its dated slug; not the one asked for.
    #[serde(default, deserialize_with = "read::text")]
    pub model: Option<String>,
    /// The provider that served it.
    #[serde(default, deserialize_with = "read::text")]
    pub provider_name: Option<String>,
    /// `completions`, `embeddings`, …
    #[serde(default, deserialize_with = "read::text")]
    pub api_type: Option<String>,
    /// Such as `flex`.
    #[serde(default, deserialize_with = "read::text")]
    pub service_tier: Option<String>,
    /// What was charged, digits as written; `None` when it does not say.
    #[serde(default, deserialize_with = "read::number")]
    pub total_cost: Option<String>,
    /// The same by its older name.
    #[serde(default, deserialize_with = "read::number")]
    pub usage: Option<String>,
    /// What the provider charged an own key (BYOK only), digits as written.
    #[serde(default, deserialize_with = "read::number")]
    pub upstream_inference_cost: Option<String>,
    /// What caching saved; below zero for a surcharge on writing.
    #[serde(default, deserialize_with = "read::left")]
    pub cache_discount: Option<Nano>,
    /// Whether an own key at the provider was used.
    #[serde(default, deserialize_with = "read::flag")]
    pub is_byok: Option<bool>,
    /// Whether it was streamed.
    #[serde(default, deserialize_with = "read::flag")]
    pub streamed: Option<bool>,
    /// Whether it was cancelled.
    #[serde(default, deserialize_with = "read::flag")]
    pub cancelled: Option<bool>,
    /// How it ended.
    #[serde(default, deserialize_with = "read::text")]
    pub finish_reason: Option<String>,
    /// Tokens in, by the model's own count, which is what is billed.
    #[serde(default, deserialize_with = "read::count")]
    pub native_tokens_prompt: Option<u64>,
    /// Tokens out.
    #[serde(default, deserialize_with = "read::count")]
    pub native_tokens_completion: Option<u64>,
    /// Tokens of reasoning, among those out.
    #[serde(default, deserialize_with = "read::count")]
    pub native_tokens_reasoning: Option<u64>,
    /// Tokens read from the provider's cache, among those in.
    #[serde(default, deserialize_with = "read::count")]
    pub native_tokens_cached: Option<u64>,
    /// Until the first token, milliseconds.
    #[serde(default, deserialize_with = "read::count")]
    pub latency: Option<u64>,
    /// From the first token to the last, milliseconds.
    #[serde(default, deserialize_with = "read::count")]
    pub generation_time: Option<u64>,
    /// Each provider that was tried, in order.
    #[serde(default, deserialize_with = "read::list")]
    pub provider_responses: Vec<ProviderTry>,
}

/// One provider that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ProviderTry {
    /// Which.
    #[serde(default, deserialize_with = "read::text")]
    pub provider_name: Option<String>,
    /// Its model.
    #[serde(default, deserialize_with = "read::text")]
    pub model_permaslug: Option<String>,
    /// Its HTTP status; `None` when it gave none.
    #[serde(default, deserialize_with = "read::count")]
    pub status: Option<u64>,
    /// Milliseconds.
    #[serde(default, deserialize_with = "read::count")]
    pub latency: Option<u64>,
    /// Whether an own key was used.
    #[serde(default, deserialize_with = "read::flag")]
    pub is_byok: Option<bool>,
}

impl GenerationDetails {
    /// What it cost in all, BYOK included, by the rule that the gateway settles by; `None` when it does not say in a
    /// way we can read.
    pub fn charge(&self) -> Option<Charge> {
        let own = Charge::read(self.total_cost.as_ref().or(self.usage.as_ref())?)?;
        match self.is_byok {
            Some(true) => own.plus(&Charge::read(self.upstream_inference_cost.as_ref()?)?),
            _ => Some(own),
        }
    }
}

impl Upstream {
    /// `GET /generation?id=`: everything it says. [`AccountError::NotFound`] means not yet or never: it is ready half
    /// a second to several minutes after the call, broken streams last (CONTRACT 7.1).
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn generation_details(&self, id: &str, key: &str) -> Result<GenerationDetails, AccountError> {
        let path = format!("/generation?id={}", super::part(id));
        let answer: Data<GenerationDetails> = self.ask_json(Method::GET, &path, key, None).await?;
        Ok(answer.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_body() {
        // CONTRACT A.5.
        let body = r#"{"data":{"id":"gen-1795428000-AbCdEfGhIjKlMnOpQrSt","request_id":"req-1","created_at":"2026-11-23T10:00:01.123Z",
            "model":"openai/gpt-4o-mini-2024-07-18","api_type":"completions","provider_name":"OpenAI","service_tier":"default",
            "streamed":true,"cancelled":true,"finish_reason":null,"latency":310,"moderation_latency":0,"generation_time":840,
            "tokens_prompt":194,"tokens_completion":12,"native_tokens_prompt":190,"native_tokens_completion":12,"native_tokens_reasoning":0,
            "native_tokens_cached":0,"is_byok":false,"usage":0.0000357,"total_cost":0.0000357,"cache_discount":null,"upstream_inference_cost":0,
            "provider_responses":[{"endpoint_id":"e","model_permaslug":"openai/gpt-4o-mini","provider_name":"OpenAI","status":200,"latency":310,"is_byok":false}]}}"#;
        let found = serde_json::from_str::<Data<GenerationDetails>>(body).expect("a generation").data;
        assert_eq!(found.charge().map(|charge| charge.text).as_deref(), Some("0.0000357"), "as written");
        assert_eq!((found.cancelled, found.native_tokens_prompt), (Some(true), Some(190)));
        assert_eq!(found.provider_responses[0].status, Some(200));
    }

    #[test]
    fn charges() {
        let of = |text: &str| {
            let found: GenerationDetails = serde_json::from_str(text).expect("a generation");
            found.charge().map(|charge| charge.text)
        };
        assert_eq!(of(r#"{"id":"g","usage":1.5E-6}"#).as_deref(), Some("1.5E-6"));
        let byok = r#"{"id":"g","total_cost":0.000095,"is_byok":true,"upstream_inference_cost":0.0019}"#;
        assert_eq!(of(byok).as_deref(), Some("0.000095+0.0019"));
        assert_eq!(of(r#"{"id":"g","total_cost":0,"is_byok":true,"upstream_inference_cost":null}"#), None);
        assert_eq!(of(r#"{"id":"g","total_cost":null}"#), None, "unknown is never zero");
    }
}
