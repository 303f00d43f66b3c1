//! Account administration passes through: keys, guardrails, workspaces, activity, credits. It cannot spend.
//!
//! Only with the caller's own management key. Farebox's key is for inference; lending it, or a management key of
//! Farebox's, to whoever reaches this port would hand out the account. So a caller without a key gets 401 here.
//!
//! The answer to a new key is the one answer that is touched: OpenRouter puts the plaintext beside `data`
//! (CONTRACT 4), while published scripts read `data.key`, so it stands there as well.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::body::Body;
use crate::caller;
use crate::headers;
use crate::intake;
use crate::passage::{self, Answered};
use crate::refuse::Problem;
use crate::shared::Shared;

/// A key with everything that is said of it takes less than a thousand bytes.
const KEY_BYTES_MAX: usize = 64 << 10;
const KEY_TIMEOUT: Duration = Duration::from_secs(60);

/// Passes one call on; `path` is below the upstream's base.
pub(crate) async fn answer<B>(shared: &Arc<Shared>, parts: &Parts, incoming: B, path: &str) -> Response<Body>
where
    B: http_body::Body<Data = Bytes>,
{
    pass(shared, parts, incoming, path).await.unwrap_or_else(|problem| problem.render())
}

async fn pass<B: http_body::Body<Data = Bytes>>(
    shared: &Arc<Shared>,
    parts: &Parts,
    incoming: B,
    path: &str,
) -> Result<Response<Body>, Problem> {
    let onward_headers = own_headers(&parts.headers)?;
    let taken = intake::take(incoming, &shared.bodies, &shared.config.limits).await;
    let taken = taken.map_err(intake::IntakeError::problem)?;
    let onward = onward(shared, parts, onward_headers, taken.bytes.clone(), path)?;
    let makes_a_key = parts.method == Method::POST && path == "/keys";
    let answered = passage::send(shared, onward).await?;
    if makes_a_key && answered.parts.status == StatusCode::CREATED {
        return new_key(answered).await;
    }
    Ok(answered.passing(shared))
}

/// The caller's headers with the caller's key: the only one that is used here.
fn own_headers(headers: &HeaderMap) -> Result<HeaderMap, Problem> {
    let key = caller::own_openrouter_key(headers).ok_or_else(|| {
        let message = "This needs your own OpenRouter management key as a bearer; Farebox lends its key for calls \
                       only. One is made at https://openrouter.ai/settings/management-keys";
        Problem::wrong(StatusCode::UNAUTHORIZED, "no-management-key", message)
    })?;
    Ok(headers::onward(headers, key))
}

fn onward(
    shared: &Shared,
    parts: &Parts,
    headers: HeaderMap,
    body: Bytes,
    path: &str,
) -> Result<Request<Full<Bytes>>, Problem> {
    let mut onward = Request::new(Full::new(body));
    *onward.method_mut() = parts.method.clone();
    *onward.uri_mut() = passage::uri(shared, path, parts.uri.query())?;
    *onward.headers_mut() = headers;
    Ok(onward)
}

#[derive(Deserialize)]
struct NewKey<'a> {
    #[serde(borrow)]
    key: &'a RawValue,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// Read whole, for it is short. One that broke off is told as it is: the key may exist.
async fn new_key(answered: Answered) -> Result<Response<Body>, Problem> {
    let Answered { parts, incoming } = answered;
    let reading = Limited::new(incoming, KEY_BYTES_MAX).collect();
    let Ok(Ok(body)) = timeout(KEY_TIMEOUT, reading).await else {
        let message = "OpenRouter broke off in the middle of its answer; the key may have been made. See: farebox keys list";
        return Err(Problem::wrong(StatusCode::BAD_GATEWAY, "upstream-broken", message));
    };
    Ok(Response::from_parts(parts, Body::from(with_key_in_data(body.to_bytes()))))
}

/// `{"key":K,"data":{…}}` with `"key":K` at the head of `data`; anything else as it is.
fn with_key_in_data(body: Bytes) -> Bytes {
    let Ok(read) = serde_json::from_slice::<NewKey<'_>>(&body) else { return body };
    let (key, data) = (read.key.get(), read.data.get());
    let is_text = key.starts_with('"');
    let Some(members) = data.strip_prefix('{').filter(|_| is_text && !has_key(data)) else { return body };
    let comma = if members.trim_start().starts_with('}') { "" } else { "," };
    // Both were borrowed from the body, so the difference of their addresses is the place in it.
    let at = data.as_ptr() as usize - body.as_ptr() as usize + 1;
    let mut spliced = BytesMut::with_capacity(body.len() + key.len() + 8);
    spliced.extend_from_slice(&body[..at]);
    spliced.extend_from_slice(format!("\"key\":{key}{comma}").as_bytes());
    spliced.extend_from_slice(&body[at..]);
    spliced.freeze()
}

fn has_key(object: &str) -> bool {
    #[derive(Deserialize)]
    struct Inner {
        key: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_str::<Inner>(object).is_ok_and(|inner| inner.key.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spliced(text: &'static str) -> String {
        String::from_utf8(with_key_in_data(Bytes::from_static(text.as_bytes())).to_vec()).unwrap()
    }

    #[test]
    fn a_new_key_stands_in_both_places() {
        for (body, expected) in [
            (
                r#"{"key":"sk-or-v1-1","data":{"hash":"h","limit":50}}"#,
                r#"{"key":"sk-or-v1-1","data":{"key":"sk-or-v1-1","hash":"h","limit":50}}"#,
            ),
            (r#"{"data": {}, "key": "k"}"#, r#"{"data": {"key":"k"}, "key": "k"}"#),
            (r#"{"data":{"key":"x"},"key":"k"}"#, r#"{"data":{"key":"x"},"key":"k"}"#),
            (r#"{"data":[1],"key":"k"}"#, r#"{"data":[1],"key":"k"}"#),
            (r#"{"data":{},"key":null}"#, r#"{"data":{},"key":null}"#),
            (r#"{"data":{}}"#, r#"{"data":{}}"#),
            ("not json", "not json"),
        ] {
            assert_eq!(spliced(body), expected, "{body}");
        }
    }
}
