//! Reads that pass through to the upstream: models, providers, key, credits, generation. They cannot spend.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::body::Body;
use crate::caller::Caller;
use crate::headers;
use crate::refuse::Problem;
use crate::shared::Shared;

const HEADER_TIMEOUT: Duration = Duration::from_secs(60);

/// Passes one read on; `path` is below the upstream's base.
pub(crate) async fn answer(shared: &Arc<Shared>, request: &Request<Incoming>, path: &str) -> Response<Body> {
    pass(shared, request, path).await.unwrap_or_else(|problem| problem.render())
}

async fn pass(
    shared: &Arc<Shared>,
    request: &Request<Incoming>,
    path: &str,
) -> Result<Response<Body>, Problem> {
    let caller = Caller::of(request.headers(), shared.local.as_ref());
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let uri = shared.upstream.uri(&format!("{path}{query}"));
    let uri = uri.map_err(|error| Problem::wrong(StatusCode::BAD_REQUEST, "bad-path", error.to_string()))?;
    let mut onward = Request::new(Full::new(Bytes::new()));
    *onward.method_mut() = request.method().clone();
    *onward.uri_mut() = uri;
    *onward.headers_mut() = match &caller {
        Some(caller) => headers::onward(request.headers(), caller.upstream_key.expose()),
        None => {
            let mut without_key = headers::onward(request.headers(), "");
            without_key.remove(http::header::AUTHORIZATION);
            without_key
        }
    };
    if let Some(caller) = &caller {
        shared.see_key(caller);
    }
    let response = match timeout(HEADER_TIMEOUT, shared.upstream.send(onward)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            let message = format!("OpenRouter cannot be reached ({error})");
            return Err(Problem::wrong(StatusCode::BAD_GATEWAY, "upstream-unreachable", message));
        }
        Err(_) => {
            let message = "OpenRouter did not answer in time";
            return Err(Problem::wrong(StatusCode::GATEWAY_TIMEOUT, "upstream-timeout", message));
        }
    };
    let (mut parts, incoming) = response.into_parts();
    headers::strip_answer(&mut parts.headers);
    Ok(Response::from_parts(parts, Body::Passage(incoming)))
}
