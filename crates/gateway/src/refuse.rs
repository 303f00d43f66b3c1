//! Our own errors, as clients need them (CLIENTS.md 1.2, tested with 28 of them on 2026-11-23).
//!
//! * [`Form::Stop`] (form A): 402, compact JSON, `x-should-retry: false`, no `Retry-After`: the client stops at once.
//! * [`Form::Later`] (form B): 503 and a small `Retry-After`: it passes by itself.
//! * [`Form::Wrong`]: a request that cannot be served as it is; the status says how.
//!
//! Clients search the whole body of a 402 for words and digits that mean "try again" to them, so a rendered body
//! is checked against that list, and what trips it falls back to a shorter one.

use admission::{Refusal, RefusalReason};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use money::Nano;
use pricing::{Fit, Unpriced};
use serde_json::json;

use crate::body::Body;
use crate::headers;

/// Digits and words that make some client repeat a refused request.
const DENIED: [&str; 38] = [
    "429",
    "500",
    "502",
    "503",
    "504",
    "520",
    "521",
    "522",
    "523",
    "524",
    "525",
    "526",
    "527",
    "528",
    "529",
    "rate limit",
    "too many requests",
    "overloaded",
    "unavailable",
    "exhausted",
    "server error",
    "internal error",
    "provider returned error",
    "timed out",
    "time out",
    "timeout",
    "terminated",
    "connection",
    "network",
    "socket",
    "capacity",
    "try again",
    "retry",
    "context",
    "too long",
    "too many tokens",
    "tokens exceed",
    "maximum",
];
const DENIED_MORE: [&str; 3] = ["moderation", "flagged", "authenticate"];
const SHORT: &str = "Insufficient credits: too little is left for this call. See: farebox explain last";

/// What kind of no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Used up, or not allowed: repeating it is of no use.
    Stop,
    /// Comes back by itself, in so many seconds.
    Later(u8),
    /// The request itself.
    Wrong(StatusCode),
}

/// An error of ours, before it is rendered.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) form: Form,
    pub(crate) message: String,
    /// A stable word for `metadata`.
    pub(crate) code: &'static str,
    /// Whose limit it was, for `metadata.limit_source`.
    pub(crate) limit_source: Option<&'static str>,
    /// The budget that binds.
    pub(crate) budget: Option<Box<str>>,
    /// Models that would fit; none that a client could misread.
    pub(crate) would_fit: Box<[String]>,
    /// What form A says when a client could misread the message.
    pub(crate) short: Option<String>,
}

impl Problem {
    pub(crate) fn wrong(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Problem::new(Form::Wrong(status), code, message.into(), None)
    }

    pub(crate) fn later(seconds: u8, code: &'static str, message: impl Into<String>) -> Self {
        Problem::new(Form::Later(seconds), code, message.into(), None)
    }

    /// A request that could cost what nobody can bound.
    pub(crate) fn unbounded(code: &'static str, sentence: &str) -> Self {
        let message = format!("Insufficient credits: no budget covers a cost without a bound: {sentence}");
        let short =
            "Insufficient credits: no budget covers a cost without a bound. See: farebox explain last";
        Problem { short: Some(short.to_owned()), ..Problem::stop(code, "farebox_bound", message) }
    }

    /// A final no, by this limit.
    pub(crate) fn stop(code: &'static str, limit_source: &'static str, message: String) -> Self {
        Problem::new(Form::Stop, code, message, Some(limit_source))
    }

    fn new(form: Form, code: &'static str, message: String, limit_source: Option<&'static str>) -> Self {
        Problem { form, message, code, limit_source, budget: None, would_fit: Box::default(), short: None }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self.form {
            Form::Stop => StatusCode::PAYMENT_REQUIRED,
            Form::Later(_) => StatusCode::SERVICE_UNAVAILABLE,
            Form::Wrong(status) => status,
        }
    }

    /// The response, without a request id.
    pub(crate) fn render(&self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers::set(headers, "x-farebox-reason", self.code);
        match self.form {
            Form::Later(seconds) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(u16::from(seconds)));
            }
            Form::Stop | Form::Wrong(_) => headers::set(headers, "x-should-retry", "false"),
        }
        response
    }

    fn body(&self) -> Bytes {
        match self.form {
            Form::Stop => self.stop_body(),
            Form::Later(_) => compact(&json!({"error": {"code": 503, "message": self.message}})),
            Form::Wrong(status) => {
                let code = status.as_u16();
                compact(
                    &json!({"error": {"code": code, "message": self.message, "metadata": {"reason": self.code}}}),
                )
            }
        }
    }

    /// Form A: the first of these that no client misreads: the whole sentence or the short one, with the budget's
    /// name or without.
    fn stop_body(&self) -> Bytes {
        let source = self.limit_source.unwrap_or("farebox_budget");
        let budget = self.budget.as_deref();
        let sentences = || [Some(self.message.as_str()), self.short.as_deref()].into_iter().flatten();
        let fits = self.would_fit.as_ref();
        let named = sentences().map(|sentence| stop_json(sentence, source, budget, fits));
        let bare = sentences().map(|sentence| stop_json(sentence, source, None, fits));
        let fitting = named.chain(bare).find(|body| !is_denied(body));
        fitting.unwrap_or_else(|| stop_json(SHORT, source, None, &[]))
    }
}

fn stop_json(message: &str, limit_source: &str, budget: Option<&str>, would_fit: &[String]) -> Bytes {
    let mut metadata = json!({"error_type": "payment_required", "limit_source": limit_source});
    if let Some(budget) = budget {
        metadata["budget"] = budget.into();
    }
    if !would_fit.is_empty() {
        metadata["would_fit"] = would_fit.into();
    }
    let error = json!({
        "code": 402, "message": message, "type": "insufficient_quota", "param": null, "metadata": metadata,
    });
    compact(&json!({"error": error}))
}

fn compact(value: &serde_json::Value) -> Bytes {
    Bytes::from(value.to_string())
}

fn is_denied(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    DENIED.iter().chain(&DENIED_MORE).any(|denied| text.contains(denied))
}

/// What a refusal says to the program that was refused; `fits`: the models that would have fitted.
pub(crate) fn problem(refusal: &Refusal, fits: &[Fit]) -> Problem {
    let would_fit: Box<[String]> =
        fits.iter().map(|fit| fit.model.clone()).filter(|name| !is_denied(name.as_bytes())).collect();
    let instead = would_fit.first().map(String::as_str);
    let budget = refusal.balance.as_ref().map(|balance| balance.name.budget.as_str().into());
    let code = refusal.reason.text();
    match refusal.reason {
        RefusalReason::UsedUp => {
            let short = used_up_shortly(refusal);
            let stop = Problem::stop(code, "farebox_budget", used_up(refusal, instead));
            Problem { budget, short, would_fit, ..stop }
        }
        RefusalReason::PerRequest => {
            let message = format!(
                "Insufficient credits: this call could cost {}, more than one request may. {}",
                brief(refusal.needed),
                advice(refusal, instead)
            );
            let short = "Insufficient credits: this call could cost more than one request may. See: farebox explain last";
            let stop = Problem::stop(code, "farebox_per_request", message);
            Problem { budget, short: Some(short.to_owned()), would_fit, ..stop }
        }
        RefusalReason::Unbudgeted => {
            let message = "Insufficient credits: no budget matches this request. Add one to farebox.toml, or allow \
                           such requests with unbudgeted = \"allow\"";
            Problem::stop(code, "farebox_budget", message.to_owned())
        }
        RefusalReason::Held => {
            Problem::later(2, code, "Another request of this budget is still being settled")
        }
        RefusalReason::Full => {
            Problem::later(5, code, "Farebox holds as many balances or waiting requests as it may")
        }
        RefusalReason::Journal => Problem::later(
            5,
            code,
            "Farebox cannot write its journal, so nothing is forwarded. Its log and GET /readyz say why",
        ),
        RefusalReason::Clock => Problem::later(
            5,
            code,
            "The clock of Farebox's machine jumped, so no new window of a budget opens until it is right again or \
             OpenRouter's Date agrees with it. GET /readyz says by how much",
        ),
        RefusalReason::Restored => Problem::later(
            60,
            code,
            "Farebox's books come from a backup, and what was spent since is missing in them: farebox audit --apply books \
             it, farebox repair --accept goes on without",
        ),
    }
}

fn used_up(refusal: &Refusal, instead: Option<&str>) -> String {
    let Some(balance) = &refusal.balance else { return SHORT.to_owned() };
    let unknown = match balance.unknown {
        Nano::ZERO => String::new(),
        unknown => format!(", {} more not known yet", brief(unknown)),
    };
    format!(
        "Insufficient credits: budget '{}' allows {} per {}, {} is spent{unknown}, and this call could cost {}. {}",
        balance.name.budget,
        brief(balance.limit),
        balance.name.window,
        brief(balance.posted),
        brief(refusal.needed),
        advice(refusal, instead)
    )
    .replace("per lifetime", "in all")
    .replace("per rolling ", "in any ")
}

fn used_up_shortly(refusal: &Refusal) -> Option<String> {
    let budget = &refusal.balance.as_ref()?.name.budget;
    Some(format!(
        "Insufficient credits: budget '{budget}' has too little left for this call. See: farebox explain last"
    ))
}

/// An amount without the zeros at its end: the fewer digits, the fewer that read like a status code.
fn brief(amount: Nano) -> String {
    let text = amount.for_people();
    match text.split_once('.') {
        Some((dollars, cents)) => format!("{dollars}.{:0<2}", cents.trim_end_matches('0')),
        None => text,
    }
}

fn advice(refusal: &Refusal, instead: Option<&str>) -> String {
    let fits = match (refusal.fitting_cap, instead) {
        (Some(cap), Some(model)) => format!("With max_tokens {cap} it would fit, and so would {model}. "),
        (Some(cap), None) => format!("With max_tokens {cap} it would fit. "),
        (None, Some(model)) => format!("{model} would fit. "),
        (None, None) => String::new(),
    };
    format!("{fits}See: farebox explain last")
}

/// The response to a refusal, with its amounts in headers.
pub(crate) fn refusal_response(refusal: &Refusal, problem: &Problem) -> Response<Body> {
    let mut response = problem.render();
    headers::tell_refusal(response.headers_mut(), refusal);
    response
}

/// Why a request has no bound, and how it can be let through all the same.
pub(crate) fn unbounded(unpriced: &Unpriced) -> String {
    match unpriced.allowed_by() {
        Some(how) => format!("{unpriced}; or {how}"),
        None => unpriced.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use admission::BalanceReport;
    use ledger::BalanceName;
    use std::sync::Arc;

    fn refusal(budget: &str, limit_cents: i32) -> Refusal {
        let name = BalanceName {
            budget: budget.to_owned(),
            window: "day".to_owned(),
            scope: Vec::new(),
            starts_ms: 0,
            ends_ms: Some(1_795_478_400_000),
        };
        let balance = BalanceReport {
            name: Arc::new(name),
            limit: Nano::from_cents(limit_cents),
            posted: Nano::from_cents(limit_cents),
            held: Nano::ZERO,
            unknown: Nano::ZERO,
            available: Nano::ZERO,
            next_release_ms: None,
        };
        let reason = RefusalReason::UsedUp;
        let needed = Nano::from_cents(3);
        Refusal { reason, balance: Some(Box::new(balance)), needed, bound: needed, fitting_cap: None }
    }

    fn body(response: Response<Body>) -> String {
        String::from_utf8(response.into_body().whole().unwrap_or_default().to_vec()).unwrap()
    }

    #[test]
    fn form_a_is_what_clients_stop_at() {
        let refusal = refusal("proj-x", 600);
        let response = refusal_response(&refusal, &problem(&refusal, &[]));
        assert_eq!(response.status(), 402);
        let headers = response.headers();
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["x-should-retry"], "false");
        assert_eq!(headers["x-farebox-budget"], "proj-x");
        assert_eq!(headers["x-farebox-limit-usd"], "6.000000000");
        assert_eq!(headers["x-farebox-window-ends-at"], "2026-11-24T00:00:00Z");
        assert!(!headers.contains_key("retry-after"));
        let body = body(response);
        assert!(body.contains("\"code\":402") && body.contains("Insufficient credits"), "{body}");
        assert!(body.contains("budget 'proj-x' allows $6.00 per day, $6.00 is spent"), "{body}");
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(json["error"]["metadata"]["limit_source"], "farebox_budget");
        assert_eq!(json["error"]["metadata"]["error_type"], "payment_required");
    }

    #[test]
    fn amounts_lose_the_digits_that_clients_misread() {
        // A limit of five cents prints as $0.0500 elsewhere.
        let body = problem(&refusal("day", 5), &[]).stop_body();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("budget 'day' allows $0.05 per day, $0.05 is spent"), "{body}");
        let body = problem(&refusal("day", 50_000), &[]).stop_body();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("budget 'day' has too little left"), "{body}");
    }

    #[test]
    fn nothing_in_a_402_makes_a_client_repeat_it() {
        let fit =
            |model: &str| Fit { model: model.to_owned(), output_cap: 4_096, bound: Nano::from_cents(1) };
        let fits = ["meta-llama/llama-3.1-8b-instruct", "a/context-500k", "x/network:free"].map(fit);
        let traps = ["timeout-tests", "a-503-b", "retry", "Network", "team 52", "team524", "max", "plain"];
        for (budget, limit) in
            traps.into_iter().flat_map(|budget| [(budget, 50_000), (budget, 42_900), (budget, 1)])
        {
            let body = problem(&refusal(budget, limit), &fits).stop_body();
            assert!(!is_denied(&body), "{}", String::from_utf8_lossy(&body));
            assert!(body.windows(20).any(|window| window == b"Insufficient credits"));
        }
        assert!(!is_denied(SHORT.as_bytes()));
    }

    #[test]
    fn form_b_passes_by_itself() {
        let mut refusal = refusal("proj-x", 500);
        refusal.reason = RefusalReason::Held;
        let response = refusal_response(&refusal, &problem(&refusal, &[]));
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "2");
        assert!(!response.headers().contains_key("x-should-retry"));
        let expected =
            r#"{"error":{"code":503,"message":"Another request of this budget is still being settled"}}"#;
        assert_eq!(body(response), expected);
    }
}
