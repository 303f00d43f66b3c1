//! Paths to answers.

use std::net::SocketAddr;

use admission::Admission;
use gateway::Gateway;
use http::header::{ALLOW, CONNECTION};
use http::{HeaderValue, Method, Request, StatusCode};
use hyper::body::Body;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::guard;
use crate::reply::{self, Reply};
use crate::row::BudgetRow;
use crate::unknown::UnknownRow;

/// How far back an explanation is looked for in memory; older ones are in the books.
const EXPLANATIONS_MAX: usize = 10_000;

/// What the answers are made of.
#[derive(Clone, Debug)]
pub(crate) struct Router {
    pub(crate) admission: Admission,
    pub(crate) gateway: Gateway,
    pub(crate) own: SocketAddr,
    pub(crate) version: &'static str,
}

impl Router {
    /// Answers one request. Its body, if it has one, is not read.
    pub(crate) fn answer<B: Body>(&self, request: &Request<B>) -> Reply {
        if let Err(stranger) = guard::check(request.headers(), self.own) {
            return reply::error(StatusCode::FORBIDDEN, stranger.sentence());
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut reply =
                reply::error(StatusCode::METHOD_NOT_ALLOWED, "the console only answers GET and HEAD");
            reply.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            return reply;
        }
        if !request.body().is_end_stream() {
            let mut reply = reply::error(StatusCode::PAYLOAD_TOO_LARGE, "a GET request has no body here");
            reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            return reply;
        }
        self.page(request.uri().path())
    }

    fn page(&self, path: &str) -> Reply {
        let now_ms = Timestamp::now().as_millisecond();
        match path {
            "/healthz" => ok(&json!({ "healthy": true })),
            "/readyz" => self.ready(),
            "/version" => ok(&json!({ "name": "farebox", "version": self.version })),
            "/budgets" => ok(&BudgetRow::live(&self.admission.balances(now_ms), now_ms)),
            "/unknown" => {
                let holds = self.admission.unknown_holds();
                ok(&holds.iter().map(|hold| UnknownRow::new(hold, now_ms)).collect::<Vec<_>>())
            }
            "/stats" => ok(&self.gateway.stats()),
            "/" => ok(&json!({ "name": "farebox", "version": self.version, "paths": PATHS })),
            _ => match path.strip_prefix("/explain/") {
                Some(request) => self.explain(request),
                None => reply::error(StatusCode::NOT_FOUND, "there is no such page; see /"),
            },
        }
    }

    fn ready(&self) -> Reply {
        let mut reasons = self.gateway.ready().err().unwrap_or_default();
        if let Err(error) = self.admission.health() {
            let reason = error.to_string();
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        match reasons.is_empty() {
            true => ok(&json!({ "ready": true })),
            false => {
                reply::json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "ready": false, "reasons": reasons }))
            }
        }
    }

    fn explain(&self, request: &str) -> Reply {
        let found = match request {
            "last" => self.gateway.explanations(1).into_iter().next(),
            id => {
                let is_it = |row: &Value| row.get("request").and_then(Value::as_str) == Some(id);
                self.gateway.explanations(EXPLANATIONS_MAX).into_iter().find(is_it)
            }
        };
        match found {
            Some(explanation) => ok(&explanation),
            None => reply::error(StatusCode::NOT_FOUND, "no such request is remembered"),
        }
    }
}

const PATHS: [&str; 8] = [
    "/healthz",
    "/readyz",
    "/version",
    "/budgets",
    "/unknown",
    "/explain/last",
    "/explain/{request}",
    "/stats",
];

fn ok(value: &impl serde::Serialize) -> Reply {
    reply::json(StatusCode::OK, value)
}
