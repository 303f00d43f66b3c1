//! Errors in OpenRouter's shapes (CONTRACT 10).

use serde_json::{Value, json};

/// The account that every key belongs to.
pub(crate) const USER: &str = "user_sandbox";

/// A refusal, as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// Further headers.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Failure {
    /// The usual shape, with `metadata` unless it is null.
    pub(crate) fn new(status: u16, message: &str, metadata: Value) -> Failure {
        let mut error = json!({ "code": status, "message": message });
        if !metadata.is_null() {
            error["metadata"] = metadata;
        }
        Failure { status, body: json!({ "error": error, "user_id": USER }).to_string(), headers: Vec::new() }
    }

    /// 400.
    pub(crate) fn invalid(message: String) -> Failure {
        Failure::new(400, &message, json!({ "error_type": "invalid_request" }))
    }

    /// The other shape of a 400.
    pub(crate) fn zod(message: &str, path: &[&str]) -> Failure {
        let issues =
            json!([{ "code": "invalid_type", "path": path, "message": format!("Invalid input: {message}") }]);
        let body =
            json!({ "success": false, "error": { "name": "ZodError", "message": issues.to_string() } });
        Failure { status: 400, body: body.to_string(), headers: Vec::new() }
    }

    /// 404 or another status that is about which endpoints there are.
    pub(crate) fn availability(status: u16, message: &str, code: &str, models: &[String]) -> Failure {
        let body = json!({
            "error": {
                "code": status,
                "message": message,
                "metadata": { "error_type": if status == 400 { "invalid_request" } else { "not_found" } },
                "availability": { "code": code, "retryable": false, "requested_models": models },
            },
            "user_id": USER,
        });
        Failure { status, body: body.to_string(), headers: Vec::new() }
    }

    /// 401.
    pub(crate) fn unauthenticated() -> Failure {
        let body = json!({ "error": { "code": 401, "message": "No cookie auth credentials found",
            "metadata": { "error_type": "authentication" } } });
        Failure { status: 401, body: body.to_string(), headers: Vec::new() }
    }

    /// 404 for what is no route.
    pub(crate) fn not_found(path: &str) -> Failure {
        let body = json!({ "error": { "code": 404, "message": format!("Not found: {path}") } });
        Failure { status: 404, body: body.to_string(), headers: Vec::new() }
    }

    /// One of the money errors of CONTRACT 10.2.
    pub(crate) fn money(which: u64) -> Failure {
        let credits = |status, message: &str| {
            Failure::new(
                status,
                message,
                json!({ "error_type": "payment_required", "limit_source": "openrouter_credits" }),
            )
        };
        match which % 5 {
            0 => credits(402, "Insufficient credits. Add more using https://openrouter.ai/settings/credits"),
            1 => credits(
                402,
                "This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only \
                 afford 1234. To increase, visit https://openrouter.ai/settings/credits and add more credits",
            ),
            2 => Failure::new(
                403,
                "Key limit exceeded (daily limit). Manage it using https://openrouter.ai/settings/keys",
                json!({ "limit_source": "openrouter_key_limit", "scope": "key_limit", "limit_usd": 30, "spend_usd": 30.0142,
                    "resets_at": "2030-01-01T00:00:00Z", "remedy_hint": "Raise the limit of the key." }),
            ),
            3 => Failure::new(
                403,
                "Workspace monthly budget of $500.00 exceeded. Contact your org admin.",
                json!({ "limit_source": "openrouter_workspace_budget", "scope": "workspace", "limit_usd": 500,
                    "spend_usd": 500.02, "resets_at": "2030-01-01T00:00:00Z" }),
            ),
            _ => Failure::new(
                402,
                "This request would exceed your available credits given your current in-flight requests. Retry shortly.",
                json!({ "error_type": "payment_required", "limit_source": "openrouter_in_flight_budget",
                    "reason": "in_flight_budget_exhausted" }),
            )
            .with("retry-after", "1"),
        }
    }

    /// A provider's 429.
    pub(crate) fn rate_limited(retry_after: bool) -> Failure {
        let mut metadata = json!({
            "raw": "{\"error\":{\"message\":\"Too many requests\"}}", "provider_name": "OpenAI", "is_byok": false,
            "provider_error_code": "rate_limit_exceeded", "limit_source": "upstream_provider_shared_pool",
            "remedy_hint": "Retry shortly.", "error_type": "rate_limit_exceeded",
        });
        if !retry_after {
            return Failure::new(429, "Provider returned error", metadata);
        }
        metadata["retry_after_seconds"] = json!(1);
        Failure::new(429, "Provider returned error", metadata).with("retry-after", "1")
    }

    /// A 5xx.
    pub(crate) fn server(which: u64) -> Failure {
        let (status, message, kind) = match which % 5 {
            0 => (500, "Internal Server Error", "server"),
            1 => (502, "Provider returned error", "provider_unavailable"),
            2 => (503, "No instances available", "provider_overloaded"),
            3 => (524, "Provider timed out", "timeout"),
            _ => (529, "Provider overloaded", "provider_overloaded"),
        };
        let failure = Failure::new(status, message, json!({ "error_type": kind }));
        if status == 503 { failure.with("retry-after", "1") } else { failure }
    }

    fn with(mut self, name: &'static str, value: &str) -> Failure {
        self.headers.push((name, value.to_owned()));
        self
    }
}
