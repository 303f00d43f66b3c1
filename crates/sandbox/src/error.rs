//! Errors in OpenRouter's shapes (CONTRACT 10).

use serde::Serialize;
use serde_json::{Value, json};

use crate::account::usd::text;

/// The account that every key belongs to.
pub(crate) const USER: &str = "user_sandbox";
/// The organisation of every member.
pub(crate) const ORGANIZATION: &str = "org_sandbox";

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

    /// The usual shape, with metadata whose amounts keep every digit.
    pub(crate) fn exact(status: u16, message: &str, metadata: &impl Serialize) -> Failure {
        let message = Value::from(message);
        let body = format!(
            "{{\"error\":{{\"code\":{status},\"message\":{message},\"metadata\":{}}},\"user_id\":\"{USER}\"}}",
            text(metadata)
        );
        Failure { status, body, headers: Vec::new() }
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

    /// 401 for a key that is unknown, deleted, disabled or expired. One text was seen (CONTRACT 1), for unknown ones.
    pub(crate) fn unknown_key() -> Failure {
        Failure::plain(401, "User not found.", "authentication")
    }

    /// 403 on what administers.
    pub(crate) fn management_only() -> Failure {
        Failure::plain(403, "Only management keys can perform this operation", "permission_denied")
    }

    /// 403 for a management key on inference. The text is not recorded anywhere.
    pub(crate) fn no_inference() -> Failure {
        Failure::plain(403, "Management keys cannot be used for inference", "permission_denied")
    }

    /// 404 for something that an administrative route names.
    pub(crate) fn no_resource() -> Failure {
        Failure::plain(404, "Resource not found", "not_found")
    }

    /// 410.
    pub(crate) fn coinbase() -> Failure {
        let message = "The Coinbase APIs used by this endpoint have been deprecated, so the Coinbase Commerce credits API \
            has been removed. Use the web credits purchase flow instead.";
        Failure {
            status: 410,
            body: json!({ "error": { "code": 410, "message": message } }).to_string(),
            headers: Vec::new(),
        }
    }

    /// 403: a guardrail allows none of the models or providers. The text is not recorded anywhere.
    pub(crate) fn guarded(what: &str) -> Failure {
        let metadata = json!({ "error_type": "permission_denied", "limit_source": "openrouter_guardrail" });
        Failure::new(403, &format!("Request blocked: {what} is not allowed by your guardrail"), metadata)
    }

    fn plain(status: u16, message: &str, kind: &str) -> Failure {
        let metadata = json!({ "error_type": kind });
        let body = json!({ "error": { "code": status, "message": message, "metadata": metadata } });
        Failure { status, body: body.to_string(), headers: Vec::new() }
    }

    /// 404 for what is no route.
    pub(crate) fn not_found(path: &str) -> Failure {
        let body = json!({ "error": { "code": 404, "message": format!("Not found: {path}") } });
        Failure { status: 404, body: body.to_string(), headers: Vec::new() }
    }

    /// 402: the account is empty.
    pub(crate) fn no_credits() -> Failure {
        credits(
            "Insufficient credits. Add more using https://openrouter.ai/settings/credits",
            "openrouter_credits",
        )
    }

    /// 402: the account was always empty.
    pub(crate) fn never_bought() -> Failure {
        let message = "Insufficient credits. This account never purchased credits. Make sure your key is on the correct \
            account or org, and if so, purchase more at https://openrouter.ai/settings/credits";
        credits(message, "openrouter_credits")
    }

    /// 402: not enough for what was asked, at any of the endpoints that were tried.
    pub(crate) fn unaffordable(message: &str, source: &str, before: &[String]) -> Failure {
        let mut metadata = json!({ "error_type": "payment_required", "limit_source": source,
            "remedy_hint": "Ask for fewer tokens, or add credits." });
        if !before.is_empty() {
            let previous: Vec<Value> =
                before.iter().map(|message| json!({ "code": 402, "message": message })).collect();
            metadata["previous_errors"] = previous.into();
        }
        Failure::new(402, message, metadata)
    }

    /// 402: requests that run have the in-flight budget.
    pub(crate) fn in_flight_exhausted() -> Failure {
        let metadata = json!({ "error_type": "payment_required", "limit_source": "openrouter_in_flight_budget",
            "reason": "in_flight_budget_exhausted" });
        let message = "This request would exceed your available credits given your current in-flight requests. Retry shortly.";
        Failure::new(402, message, metadata).with("retry-after", "1")
    }

    /// 402: this request alone is beyond the in-flight budget.
    pub(crate) fn in_flight_too_heavy() -> Failure {
        let metadata = json!({ "error_type": "payment_required", "limit_source": "openrouter_credits",
            "reason": "weight_exceeds_budget" });
        Failure::new(
            402,
            "This request requires more credits than your account may have in flight.",
            metadata,
        )
    }

    /// One of the money errors of CONTRACT 10.2, at random amounts.
    pub(crate) fn money(which: u64) -> Failure {
        let spent = |status, message: &str, metadata: Value| Failure::new(status, message, metadata);
        let reset = "2030-01-01T00:00:00Z";
        match which % 8 {
            0 => Failure::no_credits(),
            1 => Failure::unaffordable(
                "This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only \
                 afford 1234. To increase, visit https://openrouter.ai/settings/credits and add more credits",
                "openrouter_credits",
                &[],
            ),
            2 => spent(
                403,
                "Key limit exceeded (daily limit). Manage it using https://openrouter.ai/settings/keys",
                json!({ "limit_source": "openrouter_key_limit", "scope": "key_limit", "limit_usd": 30, "spend_usd": 30.0142,
                    "resets_at": reset, "remedy_hint": "Raise the limit of the key." }),
            ),
            3 => spent(
                403,
                "Workspace monthly budget of $500.00 exceeded. Contact your org admin.",
                json!({ "limit_source": "openrouter_workspace_budget", "scope": "workspace", "limit_usd": 500,
                    "spend_usd": 500.02, "resets_at": reset }),
            ),
            4 => Failure::in_flight_exhausted(),
            5 => Failure::in_flight_too_heavy(),
            // Older servers sent it without metadata.
            6 => spent(
                403,
                "Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys",
                Value::Null,
            ),
            _ => spent(
                403,
                "Guardrail budget exceeded (monthly limit of $20.00). Contact your org admin.",
                json!({ "limit_source": "openrouter_guardrail_budget", "scope": "member", "limit_usd": 20,
                    "spend_usd": 20.5, "resets_at": reset }),
            ),
        }
    }

    /// A refusal that is about the request, not about money.
    pub(crate) fn refused(which: u64) -> Failure {
        let kind =
            |status, message: &str, kind: &str| Failure::new(status, message, json!({ "error_type": kind }));
        match which % 8 {
            0 => kind(400, "Provider returned error", "invalid_request"),
            1 => Failure::unknown_key(),
            2 => Failure::new(
                403,
                "Request blocked: prompt injection patterns detected",
                json!({ "error_type": "permission_denied", "reasons": ["prompt_injection"],
                    "patterns": ["ignore all previous instructions"] }),
            ),
            3 => Failure::availability(
                404,
                "No endpoints found matching your data policy (Free model training)",
                "privacy_restricted",
                &[],
            ),
            4 => kind(408, "Request timed out", "timeout"),
            5 => kind(413, "Request body is too large", "payload_too_large"),
            6 => kind(422, "Provider could not process the request", "unprocessable"),
            _ => kind(400, "Input exceeds the maximum number of tokens", "token_limit_exceeded"),
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
        let (status, message, kind) = match which % 6 {
            0 => (500, "Internal Server Error", "server"),
            1 => (502, "Provider returned error", "provider_unavailable"),
            2 => (503, "No instances available", "provider_overloaded"),
            3 => (524, "Provider timed out", "timeout"),
            4 => (504, "Gateway timeout", "timeout"),
            _ => (529, "Provider overloaded", "provider_overloaded"),
        };
        let failure = Failure::new(status, message, json!({ "error_type": kind }));
        if status == 503 { failure.with("retry-after", "1") } else { failure }
    }

    /// With a further header, its name in small letters.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Failure {
        self.headers.push((name, value.to_owned()));
        self
    }
}

fn credits(message: &str, source: &str) -> Failure {
    Failure::new(402, message, json!({ "error_type": "payment_required", "limit_source": source }))
}
