//! One attempt upstream: it consumes a permit, and goes on to its end whether or not the client stays.

use std::sync::Arc;

use admission::Permit;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use ledger::{Evidence, UnknownReason};
use openrouter::answer;
use openrouter::client::SendError;
use openrouter::error::UpstreamError;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::body::Body;
use crate::counting::Sample;
use crate::explain::Explained;
use crate::headers::{self, Decided};
use crate::no_money::{self, NoMoney};
use crate::refuse::Problem;
use crate::relay::Relay;
use crate::shared::Shared;
use crate::verdict::{Attempt, Told};

/// An error answer of the upstream is read up to here, bytes.
const ERROR_BYTES_MAX: usize = 1 << 20;

/// How an attempt ended, for the client.
pub(crate) enum Ended {
    /// With something to pass on.
    Answer(Response<Body>),
    /// Before a byte had left: may be tried again.
    NotSent(String),
    /// No endpoint within the ceiling: our prices may be old. With the answer, should that not be so.
    OverPrice(Response<Body>),
    /// None of the few who may serve a counted request is there.
    Unserved,
    /// OpenRouter has no money for it.
    NoMoney(Box<NoMoney>),
    /// With an error of ours.
    Problem(Problem),
}

/// Sends once. The attempt is a task of its own: dropping this future does not drop the hold.
pub(crate) async fn run(
    shared: &Arc<Shared>,
    permit: Permit,
    request: Request<Full<Bytes>>,
    decided: Decided,
    explained: Arc<Explained>,
    sample: Option<Sample>,
) -> Ended {
    let (tell, told) = oneshot::channel();
    let shared = Arc::clone(shared);
    // Counted from here on, for a stop that comes before the task has begun.
    let coming = shared.flight();
    tokio::spawn(async move {
        let attempt = Attempt::new(&shared, permit.sent(), explained, sample);
        drop(coming);
        // With nobody left to tell, the answer is dropped, and a relay in it reads on by itself.
        let _ = tell.send(send(&shared, attempt, request, decided).await);
    });
    told.await.unwrap_or_else(|_| Ended::Problem(bad_gateway("the exchange with the upstream was cut short")))
}

async fn send(
    shared: &Arc<Shared>,
    mut attempt: Attempt,
    request: Request<Full<Bytes>>,
    decided: Decided,
) -> Ended {
    let sending = timeout(shared.config.limits.upstream_header_timeout, shared.upstream.send(request));
    let response = match sending.await {
        Ok(Ok(response)) => response,
        Ok(Err(SendError::NeverSent(why))) => {
            attempt.void(Evidence::NeverSent);
            return Ended::NotSent(why);
        }
        Ok(Err(SendError::MaybeSent(why))) => {
            attempt.unknown(UnknownReason::Broken, 0);
            return Ended::Problem(bad_gateway(&format!("OpenRouter broke off before it answered ({why})")));
        }
        Err(_) => {
            attempt.unknown(UnknownReason::TimedOut, 0);
            let message = "OpenRouter did not answer in time; what the request cost is being asked for";
            return Ended::Problem(Problem::wrong(StatusCode::GATEWAY_TIMEOUT, "upstream-timeout", message));
        }
    };
    if let Some(id) = response.headers().get(headers::GENERATION_ID).and_then(|id| id.to_str().ok()) {
        attempt.generated(id);
    }
    if response.status().is_informational() {
        attempt.unknown(UnknownReason::Broken, response.status().as_u16());
        return Ended::Problem(bad_gateway("OpenRouter broke off to speak another protocol"));
    }
    if !response.status().is_success() {
        return error_answer(shared, attempt, response, &decided).await;
    }
    if is_stream(response.headers()) {
        return Ended::Answer(stream_answer(shared, attempt, response, &decided));
    }
    whole_answer(shared, attempt, response, &decided).await
}

fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream")
}

fn stream_answer(
    shared: &Arc<Shared>,
    attempt: Attempt,
    response: Response<Incoming>,
    decided: &Decided,
) -> Response<Body> {
    let (mut parts, incoming) = response.into_parts();
    headers::strip_answer(&mut parts.headers);
    headers::tell(&mut parts.headers, decided);
    Response::from_parts(parts, Body::relay(Relay::new(shared, incoming, attempt)))
}

/// A non-streamed answer is billed in full whatever the client does (CONTRACT 11.6), so it is read to its end.
async fn whole_answer(
    shared: &Arc<Shared>,
    mut attempt: Attempt,
    response: Response<Incoming>,
    decided: &Decided,
) -> Ended {
    let (mut parts, incoming) = response.into_parts();
    let body = match read(shared, incoming, shared.config.limits.answer_bytes_max).await {
        Ok(body) => body,
        Err((reason, why)) => {
            attempt.unknown(reason, parts.status.as_u16());
            return Ended::Problem(bad_gateway(&why));
        }
    };
    let answer = answer::read(&body);
    if let Some(id) = &answer.id {
        attempt.generated(id);
    }
    headers::strip_answer(&mut parts.headers);
    headers::tell(&mut parts.headers, decided);
    tell_model(shared, &mut parts.headers, decided, attempt.model(), answer.model.as_deref());
    if let Some(charge) = answer.billed.charge() {
        headers::set(&mut parts.headers, "x-farebox-cost-usd", &charge.amount.to_string());
    }
    let otherwise = if answer.error.is_some() { UnknownReason::ServerError } else { UnknownReason::NoCost };
    let told = Told {
        billed: &answer.billed,
        used: answer.used,
        model: answer.model.as_deref(),
        provider: answer.provider.as_deref(),
    };
    attempt.settle(told, otherwise, parts.status.as_u16());
    shared.stats.served.add();
    Ended::Answer(Response::from_parts(parts, Body::from(body)))
}

/// Of a chain, the answer says which model it was: tell where that is not the first.
fn tell_model(
    shared: &Shared,
    headers: &mut HeaderMap,
    decided: &Decided,
    first: &str,
    answered: Option<&str>,
) {
    let Some(answered) = answered.filter(|_| decided.is_chain) else { return };
    let bare = |id: &str| id.split(':').next().unwrap_or_default().to_owned();
    let book = shared.catalogue.book();
    if let Some(row) = book.model(answered).filter(|row| bare(&row.id) != bare(first)) {
        headers::set(headers, headers::MODEL, &row.id);
    }
}

async fn error_answer(
    shared: &Arc<Shared>,
    attempt: Attempt,
    response: Response<Incoming>,
    decided: &Decided,
) -> Ended {
    shared.stats.upstream_errors.add();
    let (mut parts, incoming) = response.into_parts();
    let (body, whole) = match read(shared, incoming, ERROR_BYTES_MAX).await {
        Ok(body) => (body, true),
        Err(_) => (Bytes::new(), false),
    };
    let error = UpstreamError::read(parts.status.as_u16(), &body);
    let free = attempt.is_free();
    attempt.end_refused(parts.status, error.as_ref());
    if let Some(problem) = error.as_ref().and_then(no_money::passing) {
        return Ended::Problem(problem);
    }
    if let Some(no) = error.as_ref().and_then(|error| no_money::read(error, free)) {
        return Ended::NoMoney(Box::new(no));
    }
    if !whole {
        return Ended::Problem(bad_gateway("OpenRouter broke off in the middle of an error"));
    }
    headers::strip_answer(&mut parts.headers);
    headers::tell(&mut parts.headers, decided);
    let answer = Response::from_parts(parts, Body::from(body));
    match error {
        Some(error) if error.is_max_price() => Ended::OverPrice(answer),
        _ => Ended::Answer(answer),
    }
}

fn bad_gateway(why: &str) -> Problem {
    Problem::wrong(StatusCode::BAD_GATEWAY, "upstream-broken", why)
}

/// Reads a body to its end, bounded in size, in what all of them occupy, and in time between two pieces.
async fn read(
    shared: &Shared,
    mut incoming: Incoming,
    most: usize,
) -> Result<Bytes, (UnknownReason, String)> {
    let idle = shared.config.limits.upstream_idle;
    let mut lease = shared.answers.open();
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let frame = timeout(idle, incoming.frame()).await;
        let frame =
            frame.map_err(|_| (UnknownReason::TimedOut, "OpenRouter stopped in the middle".to_owned()))?;
        let Some(frame) = frame else { break };
        let frame =
            frame.map_err(|error| (UnknownReason::Broken, format!("OpenRouter broke off ({error})")))?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > most {
            return Err((UnknownReason::Broken, format!("OpenRouter's answer is larger than {most} bytes")));
        }
        if !lease.grow(data.len(), shared.config.limits.answers_bytes_max) {
            return Err((UnknownReason::Broken, "Farebox holds as many answers as it may".to_owned()));
        }
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&std::mem::take(&mut first));
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(lease.around(if rest.is_empty() { first } else { rest.freeze() }))
}
