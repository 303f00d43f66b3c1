//! Paths to answers.

use std::net::SocketAddr;

use admission::Admission;
use alerts::Alerts;
use bytes::Bytes;
use gateway::Gateway;
use http::header::{ALLOW, CONNECTION};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Body;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::audit::AuditRow;
use crate::change::Change;
use crate::generation::GenerationRow;
use crate::honesty::HonestyRow;
use crate::reply::{self, Reply, beside};
use crate::routes::{RouteRow, day_of};
use crate::row::BudgetRow;
use crate::token::Token;
use crate::unknown::UnknownRow;
use crate::{guard, metrics};

/// How far back an explanation is looked for in memory; older ones are in the books.
const EXPLANATIONS_MAX: usize = 10_000;

/// Events told of, at most.
const EVENTS_MAX: u32 = 100;
const NO_TOKEN: &str =
    "changes need the token in the file console-token of the data folder: use farebox's commands";
/// The longest body of a change, bytes.
const CHANGE_BYTES_MAX: usize = 1 << 20;
/// Days of savings that are told, today included.
const DAYS: i64 = 30;

/// What the answers are made of.
#[derive(Clone, Debug)]
pub(crate) struct Router {
    pub(crate) admission: Admission,
    pub(crate) gateway: Gateway,
    pub(crate) alerts: Option<Alerts>,
    /// Without one nothing can be changed here.
    pub(crate) token: Option<Token>,
    pub(crate) own: SocketAddr,
    pub(crate) version: &'static str,
}

impl Router {
    /// Answers one request.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes>,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        if let Some(refused) = self.refused(&request) {
            return refused;
        }
        if request.method() == Method::POST {
            return self.change(request).await;
        }
        match request.uri().path() {
            "/metrics" => self.metrics().await,
            "/budgets" => self.budgets().await,
            path => match path.strip_prefix("/generation/") {
                Some(id) => self.generation(id.to_owned()).await,
                None => self.page(path),
            },
        }
    }

    fn refused<B: Body>(&self, request: &Request<B>) -> Option<Reply> {
        if let Err(stranger) = guard::check(request.headers(), self.own) {
            return Some(reply::error(StatusCode::FORBIDDEN, stranger.sentence()));
        }
        match *request.method() {
            Method::GET | Method::HEAD if request.body().is_end_stream() => None,
            Method::GET | Method::HEAD => {
                Some(closing(StatusCode::PAYLOAD_TOO_LARGE, "a GET request has no body here"))
            }
            Method::POST => None,
            _ => {
                let mut reply =
                    closing(StatusCode::METHOD_NOT_ALLOWED, "the console only answers GET, HEAD and POST");
                reply.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
                Some(reply)
            }
        }
    }

    async fn change<B>(&self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes>,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, CHANGE_BYTES_MAX).collect().await else {
            return closing(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large, or broke off");
        };
        // The body is read first: a connection that ends with some of it unread may lose the answer.
        if !self.token.as_ref().is_some_and(|token| token.is_shown_by(&parts.headers)) {
            return reply::error(StatusCode::UNAUTHORIZED, NO_TOKEN);
        }
        let change = match Change::read(parts.uri.path(), &body.to_bytes()) {
            Ok(change) => change,
            Err(unreadable) => return unreadable.reply(),
        };
        change.run(self.admission.clone(), self.gateway.clone()).await
    }

    /// The books are read beside the runtime: SQLite may wait for a lock.
    async fn generation(&self, id: String) -> Reply {
        let admission = self.admission.clone();
        beside(move || match admission.find_generation(&id) {
            Ok(Some(row)) => ok(&GenerationRow::from(&row)),
            Ok(None) => reply::error(StatusCode::NOT_FOUND, "no such generation is in these books"),
            Err(error) => {
                tracing::warn!(%error, "the books cannot be read");
                reply::error(StatusCode::SERVICE_UNAVAILABLE, "the books cannot be read now")
            }
        })
        .await
    }

    /// As the books: what is not in memory stands there.
    async fn budgets(&self) -> Reply {
        let admission = self.admission.clone();
        beside(move || {
            let now_ms = Timestamp::now().as_millisecond();
            ok(&BudgetRow::live(&admission.balances(now_ms), now_ms))
        })
        .await
    }

    async fn metrics(&self) -> Reply {
        let (admission, stats) = (self.admission.clone(), self.stats());
        beside(move || {
            let now_ms = Timestamp::now().as_millisecond();
            let page = metrics::page(&admission.balances(now_ms), &admission.unknown_holds(), &stats, now_ms);
            reply::text(metrics::CONTENT_TYPE, page)
        })
        .await
    }

    fn page(&self, path: &str) -> Reply {
        let now_ms = Timestamp::now().as_millisecond();
        match path {
            "/healthz" => ok(&json!({ "healthy": true })),
            "/readyz" => self.ready(),
            "/version" => ok(&json!({ "name": "farebox", "version": self.version })),
            "/unknown" => {
                let holds = self.admission.unknown_holds();
                ok(&holds.iter().map(|hold| UnknownRow::new(hold, now_ms)).collect::<Vec<_>>())
            }
            "/honesty" => ok(&self.gateway.honesty().iter().map(HonestyRow::from).collect::<Vec<_>>()),
            "/audit" => match self.gateway.audit() {
                Some(report) => ok(&AuditRow::new(&report, false, false)),
                None => reply::error(StatusCode::NOT_FOUND, "nothing was audited yet"),
            },
            "/stats" => ok(&self.stats()),
            "/alerts" => self.alerts(),
            "/routes" => self.routes(now_ms),
            "/" => ok(&json!({ "name": "farebox", "version": self.version, "paths": PATHS })),
            _ => match path.strip_prefix("/explain/") {
                Some(request) => self.explain(request),
                None => reply::error(StatusCode::NOT_FOUND, "there is no such page; see /"),
            },
        }
    }

    fn stats(&self) -> Value {
        let mut stats = self.gateway.stats();
        if let (Value::Object(stats), Some(alerts)) = (&mut stats, &self.alerts) {
            stats.insert("alert_failures".to_owned(), alerts.failures().into());
        }
        stats
    }

    fn alerts(&self) -> Reply {
        match self.alerts.as_ref().map(|alerts| alerts.report(EVENTS_MAX)) {
            Some(Ok(report)) => ok(&report),
            Some(Err(error)) => reply::error(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
            None => reply::error(StatusCode::NOT_FOUND, "nothing is watched here"),
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
            true => match self.gateway.warnings() {
                warnings if warnings.is_empty() => ok(&json!({ "ready": true })),
                warnings => ok(&json!({ "ready": true, "warnings": warnings })),
            },
            false => {
                reply::json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "ready": false, "reasons": reasons }))
            }
        }
    }

    fn routes(&self, now_ms: i64) -> Reply {
        match self.gateway.savings(day_of(now_ms) - (DAYS - 1)) {
            Ok(savings) => ok(&RouteRow::all(self.gateway.routes(), &savings)),
            Err(error) => reply::error(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
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

/// An error after which the connection ends: its body was not read.
fn closing(status: StatusCode, sentence: &str) -> Reply {
    let mut reply = reply::error(status, sentence);
    reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    reply
}

const PATHS: [&str; 14] = [
    "/healthz",
    "/readyz",
    "/version",
    "/budgets",
    "/unknown",
    "/explain/last",
    "/explain/{request}",
    "/generation/{id}",
    "/routes",
    "/honesty",
    "/audit",
    "/stats",
    "/metrics",
    "/alerts",
];

fn ok(value: &impl serde::Serialize) -> Reply {
    reply::json(StatusCode::OK, value)
}
