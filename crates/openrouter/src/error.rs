//! Errors as OpenRouter words them (CONTRACT 10).
//!
//! Three shapes arrive: `{"error":{"code":…,"message":…,"metadata":{…}}}`, the same inside a 200, and the
//! validation shape `{"success":false,"error":{"name":"ZodError","message":…}}`. Codes are numbers or strings.
//! Texts are only matched where no field says the same, and then as narrowly as they were seen.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// An error body, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamError {
    /// HTTP status of the answer.
    pub status: u16,
    /// `error.code`, number or string, as text; empty when there is none.
    pub code: String,
    /// `error.message`; the validation shape's message when that is what came.
    pub message: String,
    /// Whose limit was hit.
    pub limit_source: Option<LimitSource>,
    /// `error_type`, wherever the skin puts it.
    pub error_type: Option<String>,
    /// `error.availability.code`.
    pub availability: Option<String>,
    /// `error.metadata.reason`.
    pub reason: Option<String>,
    /// When the limit opens again, as written.
    pub resets_at: Option<String>,
    /// The provider it came from.
    pub provider: Option<String>,
}

/// Whose money or rate limit refused a request (CONTRACT 10.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitSource {
    /// The account's credits.
    Credits,
    /// The limit of the upstream key.
    Key,
    /// A guardrail's budget.
    Guardrail,
    /// A workspace's budget.
    Workspace,
    /// OpenRouter's own in-flight budget; passes by itself.
    InFlight,
    /// The daily count of free requests.
    FreeTier,
    /// The provider's shared pool; passes by itself.
    Provider,
    /// One we do not know, as written.
    Other(String),
}

impl LimitSource {
    fn read(text: &str) -> Self {
        match text {
            "openrouter_credits" => LimitSource::Credits,
            "openrouter_key_limit" => LimitSource::Key,
            "openrouter_guardrail_budget" => LimitSource::Guardrail,
            "openrouter_workspace_budget" => LimitSource::Workspace,
            "openrouter_in_flight_budget" => LimitSource::InFlight,
            "openrouter_free_tier_daily" => LimitSource::FreeTier,
            "upstream_provider_shared_pool" => LimitSource::Provider,
            other => LimitSource::Other(other.to_owned()),
        }
    }

    /// Whose limit it is, for a sentence: "the limit of … is used up".
    pub fn whose(&self) -> &str {
        match self {
            LimitSource::Credits => "the OpenRouter account's credits",
            LimitSource::Key => "the OpenRouter key",
            LimitSource::Guardrail => "an OpenRouter guardrail",
            LimitSource::Workspace => "the OpenRouter workspace",
            LimitSource::InFlight => "OpenRouter's in-flight budget",
            LimitSource::FreeTier => "OpenRouter's free requests",
            LimitSource::Provider => "the provider's shared pool",
            LimitSource::Other(name) => name,
        }
    }
}

impl UpstreamError {
    /// Reads an error body; `None` when it is not one of OpenRouter's.
    pub fn read(status: u16, body: &[u8]) -> Option<UpstreamError> {
        let envelope: Envelope<'_> = serde_json::from_slice(body).ok()?;
        let mut error = Self::from_object(status, envelope.error?.get())?;
        error.error_type = error.error_type.or_else(|| string(envelope.error_type));
        Some(error)
    }

    /// Reads the object under `error`.
    pub(crate) fn from_object(status: u16, object: &str) -> Option<UpstreamError> {
        let raw: Object<'_> = serde_json::from_str(object).ok()?;
        let metadata: Metadata<'_> =
            raw.metadata.and_then(|m| serde_json::from_str(m.get()).ok()).unwrap_or_default();
        let availability: Availability<'_> =
            raw.availability.and_then(|a| serde_json::from_str(a.get()).ok()).unwrap_or_default();
        let message = string(raw.message).unwrap_or_default();
        let mut error = UpstreamError {
            status,
            code: raw.code.map(scalar).unwrap_or_default(),
            limit_source: string(metadata.limit_source).map(|text| LimitSource::read(&text)),
            error_type: string(metadata.error_type).or_else(|| string(raw.error_type)),
            availability: string(availability.code),
            reason: string(metadata.reason),
            resets_at: string(metadata.resets_at),
            provider: string(metadata.provider_name),
            message,
        };
        if error.limit_source.is_none() {
            error.limit_source = error.limit_from_text();
        }
        Some(error)
    }

    /// Older servers send money errors without metadata (CONTRACT 10.2).
    fn limit_from_text(&self) -> Option<LimitSource> {
        let says = |text: &str| self.message.contains(text);
        match self.effective_status() {
            402 if says("in-flight requests") => Some(LimitSource::InFlight),
            402 if says("/settings/keys") || says("key with a higher") || says("key's") => {
                Some(LimitSource::Key)
            }
            402 => Some(LimitSource::Credits),
            403 if says("Key limit exceeded") => Some(LimitSource::Key),
            403 if says("Workspace") && says("budget") => Some(LimitSource::Workspace),
            429 if says("free-models-per-day") => Some(LimitSource::FreeTier),
            _ => None,
        }
    }

    /// The HTTP status, or the code when the error came inside a 200.
    pub fn effective_status(&self) -> u16 {
        match self.status {
            200 => self.code.parse().unwrap_or(self.status),
            status => status,
        }
    }

    /// Whether no endpoint is left within `provider.max_price`: the price book may be stale (CONTRACT 8.4).
    pub fn is_max_price(&self) -> bool {
        self.effective_status() == 404
            && (self.message.contains("max price") || self.message.contains("max_price"))
    }

    /// Whether the same request may succeed a little later without anyone doing anything.
    pub fn is_retryable(&self) -> bool {
        match (&self.limit_source, self.effective_status()) {
            (Some(LimitSource::InFlight | LimitSource::Provider), _) => {
                self.reason.as_deref() != Some("weight_exceeds_budget")
            }
            (Some(_), _) => false,
            (None, status) => matches!(status, 408 | 429 | 500 | 502 | 503 | 504 | 524 | 529),
        }
    }

    /// The output tokens that the money at OpenRouter still pays for, when a 402 says so (CONTRACT 10.2,
    /// "…but can only afford 1234.").
    pub fn affordable_tokens(&self) -> Option<u64> {
        if self.effective_status() != 402 {
            return None;
        }
        let (_, rest) = self.message.split_once("can only afford ")?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
        digits.parse().ok()
    }

    /// Whose money is used up, when that is what the error says: 402 and the 403 of a spent key or budget.
    pub fn money_limit(&self) -> Option<&LimitSource> {
        let source = self.limit_source.as_ref()?;
        match source {
            LimitSource::FreeTier | LimitSource::Provider | LimitSource::InFlight => None,
            LimitSource::Other(_) => matches!(self.effective_status(), 402 | 403).then_some(source),
            _ => Some(source),
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error_type: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow, default)]
    code: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error_type: Option<&'a RawValue>,
    #[serde(borrow, default)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow, default)]
    availability: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, default)]
    limit_source: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error_type: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reason: Option<&'a RawValue>,
    #[serde(borrow, default)]
    resets_at: Option<&'a RawValue>,
    #[serde(borrow, default)]
    provider_name: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Availability<'a> {
    #[serde(borrow, default)]
    code: Option<&'a RawValue>,
}

/// A JSON string's text; `None` for anything else.
pub(crate) fn string(raw: Option<&RawValue>) -> Option<String> {
    serde_json::from_str::<Cow<'_, str>>(raw?.get()).ok().map(Cow::into_owned)
}

/// A string's text, or the number as written.
pub(crate) fn scalar(raw: &RawValue) -> String {
    match raw.get() {
        "null" => String::new(),
        text => string(Some(raw)).unwrap_or_else(|| text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> UpstreamError {
        UpstreamError::read(status, body.as_bytes()).expect("an error body")
    }

    #[test]
    fn whose_money_it_is() {
        for (status, body, source, money, retry) in [
            (
                402,
                r#"{"error":{"code":402,"message":"Insufficient credits.","metadata":{"limit_source":"openrouter_credits"}}}"#,
                Some(LimitSource::Credits),
                true,
                false,
            ),
            (
                402,
                r#"{"error":{"code":402,"message":"This request requires more credits, or fewer max_tokens. visit https://openrouter.ai/settings/credits"}}"#,
                Some(LimitSource::Credits),
                true,
                false,
            ),
            (
                402,
                r#"{"error":{"code":402,"message":"fewer max_tokens ... adjust the key's daily limit"}}"#,
                Some(LimitSource::Key),
                true,
                false,
            ),
            (
                403,
                r#"{"error":{"code":403,"message":"Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys"}}"#,
                Some(LimitSource::Key),
                true,
                false,
            ),
            (
                403,
                r#"{"error":{"code":403,"message":"Workspace monthly budget of $500.00 exceeded. Contact your org admin."}}"#,
                Some(LimitSource::Workspace),
                true,
                false,
            ),
            (
                402,
                r#"{"error":{"code":402,"message":"x","metadata":{"limit_source":"openrouter_in_flight_budget","reason":"in_flight_budget_exhausted"}}}"#,
                Some(LimitSource::InFlight),
                false,
                true,
            ),
            (
                429,
                r#"{"error":{"code":429,"message":"Rate limit exceeded: free-models-per-day."}}"#,
                Some(LimitSource::FreeTier),
                false,
                false,
            ),
            (
                429,
                r#"{"error":{"code":429,"message":"Provider returned error","metadata":{"limit_source":"upstream_provider_shared_pool"}}}"#,
                Some(LimitSource::Provider),
                false,
                true,
            ),
            (
                402,
                r#"{"error":{"code":402,"message":"x","metadata":{"limit_source":"openrouter_moon"}}}"#,
                Some(LimitSource::Other("openrouter_moon".to_owned())),
                true,
                false,
            ),
            (503, r#"{"error":{"code":503,"message":"x","metadata":null}}"#, None, false, true),
            (401, r#"{"error":{"code":401,"message":"User not found."}}"#, None, false, false),
        ] {
            let error = read(status, body);
            assert_eq!(error.limit_source, source, "{body}");
            assert_eq!(error.money_limit().is_some(), money, "{body}");
            assert_eq!(error.is_retryable(), retry, "{body}");
        }
    }

    #[test]
    fn what_can_be_afforded() {
        for (status, message, tokens) in [
            (
                402,
                "You requested up to 65536 tokens, but can only afford 1234. To increase, visit",
                Some(1234),
            ),
            (402, "but can only afford 0.", Some(0)),
            (402, "but can only afford 7", Some(7)),
            (402, "but can only afford -5.", None),
            (402, "but can only afford many", None),
            (402, "but can only afford 99999999999999999999999.", None),
            (402, "Insufficient credits.", None),
            (403, "but can only afford 1234.", None),
        ] {
            let body = format!(r#"{{"error":{{"code":{status},"message":"{message}"}}}}"#);
            assert_eq!(read(status, &body).affordable_tokens(), tokens, "{message}");
        }
    }

    #[test]
    fn shapes_and_types() {
        let error = read(
            404,
            r#"{"error":{"code":404,"message":"No endpoints found that satisfy the max price for this request","availability":{"code":"constraint_filtered"}},"user_id":"u"}"#,
        );
        assert!(error.is_max_price());
        assert_eq!(error.availability.as_deref(), Some("constraint_filtered"));
        let error = read(400, r#"{"success":false,"error":{"name":"ZodError","message":"[{\"code\":1}]"}}"#);
        assert_eq!((error.code.as_str(), error.message.as_str()), ("", "[{\"code\":1}]"));
        let error =
            read(200, r#"{"error":{"code":"server_error","message":"m"},"error_type":"payment_required"}"#);
        assert_eq!(error.error_type.as_deref(), Some("payment_required"));
        assert_eq!(error.effective_status(), 200);
        assert_eq!(read(200, r#"{"error":{"code":402,"message":"m"}}"#).effective_status(), 402);
        for body in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"error":null}"#,
            r#"{"error":"text"}"#,
            "<html>",
            "{\"error\":{\"code\":",
        ] {
            assert_eq!(UpstreamError::read(500, body.as_bytes()), None, "{body}");
        }
    }
}
