//! Answers: JSON, small, never cached.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

/// A whole answer.
pub(crate) type Reply = Response<Full<Bytes>>;

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    let (status, body) = match serde_json::to_vec(value) {
        Ok(body) => (status, body),
        Err(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, br#"{"error":"the answer cannot be written"}"#.to_vec())
        }
    };
    let mut reply = whole("application/json", body);
    *reply.status_mut() = status;
    reply
}

/// A page of another kind.
pub(crate) fn text(kind: &'static str, body: String) -> Reply {
    whole(kind, body.into_bytes())
}

fn whole(kind: &'static str, body: Vec<u8>) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    reply
}

/// An error in one sentence.
pub(crate) fn error(status: StatusCode, sentence: &str) -> Reply {
    json(status, &serde_json::json!({ "error": sentence }))
}

/// Work that may wait for a disk, off the runtime's threads.
pub(crate) async fn beside(work: impl FnOnce() -> Reply + Send + 'static) -> Reply {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| error(StatusCode::INTERNAL_SERVER_ERROR, "the answer was not finished"))
}
