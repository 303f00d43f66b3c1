//! Reads that pass through to the upstream: models, providers, key, credits, generation. They cannot spend.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode, Uri};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::body::{Body, BrokenOff};
use crate::caller::Caller;
use crate::headers;
use crate::refuse::Problem;
use crate::shared::Shared;

const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a generation of a moment ago is waited for: shorter than the five seconds that scripts allow.
const FOUND_WITHIN: Duration = Duration::from_secs(4);
const FOUND_FIRST: Duration = Duration::from_millis(100);

/// Passes one read on; `path` is below the upstream's base.
pub(crate) async fn answer(shared: &Arc<Shared>, request: &Parts, path: &str) -> Response<Body> {
    pass(shared, request, path).await.unwrap_or_else(|problem| problem.render())
}

async fn pass(shared: &Arc<Shared>, request: &Parts, path: &str) -> Result<Response<Body>, Problem> {
    let caller = caller(request, path, shared.local.as_ref());
    let mut onward = Request::new(Full::new(Bytes::new()));
    *onward.method_mut() = request.method.clone();
    *onward.uri_mut() = uri(shared, path, request.uri.query())?;
    *onward.headers_mut() = match &caller {
        Some(caller) => headers::onward(&request.headers, caller.upstream_key.expose()),
        None => {
            let mut without_key = headers::onward(&request.headers, "");
            without_key.remove(http::header::AUTHORIZATION);
            without_key
        }
    };
    if let Some(caller) = &caller {
        shared.see_key(caller);
    }
    match generation_asked(request, path).filter(|id| shared.explanations.know(id)) {
        Some(_) => Ok(send_until_found(shared, &onward).await?.passing(shared)),
        None => Ok(send(shared, onward).await?.passing(shared)),
    }
}

/// The id of a generation that is asked for.
fn generation_asked<'r>(request: &'r Parts, path: &str) -> Option<&'r str> {
    let query = request.uri.query().filter(|_| path == "/generation")?;
    query.split('&').find_map(|pair| pair.strip_prefix("id="))
}

/// OpenRouter knows a generation only some time after its end (CONTRACT 7.1), and scripts ask once, at once: for one
/// that went through here a moment ago, its "not found" means "not yet".
async fn send_until_found(shared: &Shared, onward: &Request<Full<Bytes>>) -> Result<Answered, Problem> {
    let until = Instant::now() + FOUND_WITHIN;
    let mut pause = FOUND_FIRST;
    loop {
        let answered = send(shared, onward.clone()).await?;
        if answered.parts.status != StatusCode::NOT_FOUND || Instant::now() + pause > until {
            return Ok(answered);
        }
        sleep(pause).await;
        pause *= 2;
    }
}

/// Whose key a read goes with. Credits are told to management keys only (CONTRACT 3), and ours is none.
fn caller(request: &Parts, path: &str, ours: Option<&Caller>) -> Option<Caller> {
    let own = || Caller::of(&request.headers, None);
    if path == "/credits" { own().or_else(|| ours.cloned()) } else { Caller::of(&request.headers, ours) }
}

/// The URL of a path below the upstream's base, with the caller's query.
pub(crate) fn uri(shared: &Shared, path: &str, query: Option<&str>) -> Result<Uri, Problem> {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let uri = shared.upstream.uri(&format!("{path}{query}"));
    uri.map_err(|error| Problem::wrong(StatusCode::BAD_REQUEST, "bad-path", error.to_string()))
}

/// An answer whose body has yet to come, with headers that may go on.
pub(crate) struct Answered {
    pub(crate) parts: http::response::Parts,
    pub(crate) incoming: Incoming,
}

impl Answered {
    /// As it goes to the client: piece by piece.
    pub(crate) fn passing(self, shared: &Shared) -> Response<Body> {
        let passage = Passage::new(self.incoming, shared.config.limits.upstream_idle);
        Response::from_parts(self.parts, Body::passage(passage))
    }
}

/// Sends a call that cannot spend.
pub(crate) async fn send(shared: &Shared, onward: Request<Full<Bytes>>) -> Result<Answered, Problem> {
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
    Ok(Answered { parts, incoming })
}

/// A read on its way to the client, given up when nothing comes for too long.
pub(crate) struct Passage {
    incoming: Incoming,
    idle_max: Duration,
    idle: Pin<Box<Sleep>>,
    /// It broke off: told a poll later, so that what came before is written out first.
    broken: Option<BrokenOff>,
}

impl Passage {
    fn new(incoming: Incoming, idle_max: Duration) -> Self {
        Passage { incoming, idle_max, idle: Box::pin(sleep(idle_max)), broken: None }
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if let Some(broken) = self.broken.take() {
            return Poll::Ready(Some(Err(broken)));
        }
        let why = match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.idle.as_mut().reset(Instant::now() + self.idle_max);
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => error.to_string(),
            Poll::Pending => {
                ready!(self.idle.as_mut().poll(cx));
                "nothing came for too long".to_owned()
            }
        };
        self.broken = Some(BrokenOff(why));
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
