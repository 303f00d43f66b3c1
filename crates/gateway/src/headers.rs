//! Headers: which go on, which stay, which we add.

use std::sync::Arc;

use admission::{BalanceReport, Refusal};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use money::Nano;

use crate::plan::Routed;

/// Hop-by-hop (RFC 9110 7.6.1), and what the HTTP library writes by itself.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::HOST,
    header::CONTENT_LENGTH,
];
/// Credentials and wishes that are ours to decide. An encoded answer could not be scanned for its cost.
const OURS: [&str; 8] = [
    "authorization",
    "x-api-key",
    "api-key",
    "cookie",
    "accept-encoding",
    "expect",
    "keep-alive",
    "proxy-connection",
];
const PREFIX: &str = "x-farebox-";

/// The caller's ceiling for one request, USD.
pub(crate) const MAX_COST: HeaderName = HeaderName::from_static("x-farebox-max-cost-usd");
/// The route that was asked for.
pub(crate) const ROUTE: &str = "x-farebox-route";
/// The model used, where it is another than the one asked for.
pub(crate) const MODEL: &str = "x-farebox-model";
/// The label `user`, where the body has none.
pub(crate) const USER: &str = "x-farebox-user";
/// The generation id, before the first byte of a body (CONTRACT 7.1).
pub(crate) const GENERATION_ID: &str = "x-generation-id";

/// The caller's headers as they go on, with the key that pays.
pub(crate) fn onward(from: &HeaderMap, upstream_key: &str) -> HeaderMap {
    let named_by_connection = connection_names(from);
    let mut onward = HeaderMap::with_capacity(from.len() + 1);
    for (name, value) in from {
        let stays = HOP_BY_HOP.contains(name)
            || OURS.contains(&name.as_str())
            || name.as_str().starts_with(PREFIX)
            || named_by_connection.iter().any(|named| named.eq_ignore_ascii_case(name.as_str()));
        if !stays {
            onward.append(name.clone(), value.clone());
        }
    }
    if let Ok(mut bearer) = HeaderValue::try_from(format!("Bearer {upstream_key}")) {
        bearer.set_sensitive(true);
        onward.insert(header::AUTHORIZATION, bearer);
    }
    onward
}

fn connection_names(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).collect()
}

/// Drops from an answer what belongs to the connection it came on, and what only we may say.
pub(crate) fn strip_answer(headers: &mut HeaderMap) {
    let named: Vec<String> = connection_names(headers).into_iter().map(str::to_owned).collect();
    for name in named.iter().map(String::as_str).chain(["keep-alive", "proxy-connection", "set-cookie"]) {
        headers.remove(name);
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    let ours: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with(PREFIX)).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
}

/// What was decided about the money of an admitted request.
#[derive(Clone, Debug)]
pub(crate) struct Decided {
    pub(crate) request_id: String,
    pub(crate) balance: Option<BalanceReport>,
    pub(crate) held_max: Nano,
    /// The cap before and after, where it was lowered.
    pub(crate) clamped: Option<(u64, u64)>,
    /// What tools and plugins were held to.
    pub(crate) pinned: Vec<String>,
    /// What was made of the name asked for.
    pub(crate) routed: Option<Arc<Routed>>,
    /// Several models were sent: the answer says which one it was.
    pub(crate) is_chain: bool,
}

/// Adds what was decided to an answer.
pub(crate) fn tell(headers: &mut HeaderMap, decided: &Decided) {
    set(headers, "x-request-id", &decided.request_id);
    set(headers, "x-farebox-held-max-usd", &decided.held_max.to_string());
    if let Some((from, to)) = decided.clamped {
        set(headers, "x-farebox-clamped", &format!("{from}>{to}"));
    }
    if !decided.pinned.is_empty() {
        set(headers, "x-farebox-pinned", &decided.pinned.join("; "));
    }
    if let Some(routed) = &decided.routed {
        tell_routed(headers, routed);
    }
    if let Some(balance) = &decided.balance {
        tell_balance(headers, balance);
    }
}

fn tell_routed(headers: &mut HeaderMap, routed: &Routed) {
    if let Some(route) = &routed.route {
        set(headers, ROUTE, &route.name);
    }
    if routed.model != routed.asked {
        set(headers, MODEL, &routed.model);
    }
    if routed.is_downgrade() {
        set(headers, "x-farebox-downgraded", &format!("{}>{}", routed.asked, routed.model));
    }
}

/// Adds a refusal's amounts. They are here and not in the body, where a digit could be taken for a status code.
pub(crate) fn tell_refusal(headers: &mut HeaderMap, refusal: &Refusal) {
    set(headers, "x-farebox-needed-usd", &refusal.needed.to_string());
    set(headers, "x-farebox-bound-usd", &refusal.bound.to_string());
    if let Some(cap) = refusal.fitting_cap {
        set(headers, "x-farebox-fitting-cap", &cap.to_string());
    }
    if let Some(balance) = &refusal.balance {
        tell_balance(headers, balance);
    }
}

fn tell_balance(headers: &mut HeaderMap, balance: &BalanceReport) {
    set(headers, "x-farebox-budget", &balance.name.budget);
    set(headers, "x-farebox-limit-usd", &balance.limit.to_string());
    set(headers, "x-farebox-posted-usd", &balance.posted.to_string());
    set(headers, "x-farebox-held-usd", &balance.held.saturating_add(balance.unknown).to_string());
    set(headers, "x-farebox-available-usd", &balance.available.to_string());
    if let Some(ends) = balance.name.ends_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()) {
        set(headers, "x-farebox-window-ends-at", &ends.to_string());
    }
}

/// Sets a header; a value with bytes that no header may carry is left out.
pub(crate) fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_go_on_goes_on() {
        let mut from = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer fb-secret"),
            ("x-api-key", "fb-secret"),
            ("host", "127.0.0.1"),
            ("connection", "close, x-per-hop"),
            ("x-per-hop", "1"),
            ("content-length", "3"),
            ("accept-encoding", "gzip"),
            ("cookie", "a=b"),
            ("x-farebox-max-cost-usd", "1"),
            ("http-referer", "https://app.example"),
            ("x-title", "App"),
            ("content-type", "application/json"),
        ] {
            from.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        let onward = onward(&from, "sk-or-v1-x");
        let mut names: Vec<&str> = onward.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["authorization", "content-type", "http-referer", "x-title"]);
        assert_eq!(onward["authorization"], "Bearer sk-or-v1-x");
        assert!(!format!("{onward:?}").contains("sk-or"), "the key does not print");
    }
}
