//! One call through the gateway, as a program makes it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use money::Nano;

use super::plan::{Manner, Plan};

/// The end of an answer that is kept to find its cost in, bytes.
const TAIL_BYTES: usize = 8 << 10;

/// A connection pool to the gateway.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    http: Client<HttpConnector, Full<Bytes>>,
    gateway: SocketAddr,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Answered; the client may have left in the middle.
    Served(Served),
    /// A final no. `needed`: the least it would have had to hold, USD.
    Refused { needed: Option<Nano> },
    /// Try again in a while.
    Later { after: Duration, needed: Option<Nano> },
    /// The gateway is not there, or was killed in the middle of the answer.
    Lost,
    /// Anything else: an error of the upstream, passed on, or a call that no budget could cover.
    Other,
}

/// An answered call.
#[derive(Debug)]
pub(crate) struct Served {
    /// As the answer says; `None` when the client did not wait for it.
    pub(crate) cost: Option<Nano>,
    /// OpenRouter's id of it.
    pub(crate) generation: Option<String>,
}

impl Caller {
    pub(crate) fn new(gateway: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let http = Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build(connector);
        Caller { http, gateway }
    }

    /// Makes it.
    pub(crate) async fn call(&self, plan: &Plan) -> Outcome {
        let request = Request::post(format!("http://{}/api/v1/chat/completions", self.gateway))
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, "Bearer demo")
            .body(Full::new(Bytes::from(plan.body.clone())));
        let Ok(request) = request else { return Outcome::Other };
        let Ok(response) = self.http.request(request).await else { return Outcome::Lost };
        let (head, body) = response.into_parts();
        let needed = amount(&head.headers, "x-farebox-needed-usd");
        match head.status {
            StatusCode::OK => read(plan.manner, &head.headers, body).await,
            StatusCode::PAYMENT_REQUIRED if needed.is_some() => Outcome::Refused { needed },
            StatusCode::SERVICE_UNAVAILABLE => Outcome::Later { after: retry_after(&head.headers), needed },
            _ => Outcome::Other,
        }
    }
}

async fn read(manner: Manner, headers: &HeaderMap, mut body: Incoming) -> Outcome {
    let generation = text(headers, "x-generation-id").map(str::to_owned);
    let mut tail: Vec<u8> = Vec::new();
    let mut pieces = 0;
    loop {
        if manner == Manner::Leave(pieces) {
            return Outcome::Served(Served { cost: None, generation });
        }
        match body.frame().await {
            None => break,
            Some(Err(_)) => return Outcome::Lost,
            Some(Ok(frame)) => {
                pieces += 1;
                if let Some(data) = frame.data_ref() {
                    tail.extend_from_slice(data);
                    let surplus = tail.len().saturating_sub(TAIL_BYTES);
                    tail.drain(..surplus);
                }
            }
        }
    }
    Outcome::Served(Served { cost: cost(&tail), generation })
}

/// The last `"cost":` of an answer, by its text.
fn cost(tail: &[u8]) -> Option<Nano> {
    let text = String::from_utf8_lossy(tail);
    let (_, rest) = text.rsplit_once("\"cost\":")?;
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit() && !".eE+-".contains(c)).unwrap_or(rest.len());
    Nano::parse_ceil(&rest[..end]).ok()
}

fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = text(headers, RETRY_AFTER.as_str()).and_then(|text| text.parse().ok()).unwrap_or(1);
    Duration::from_secs(seconds)
}

fn amount(headers: &HeaderMap, name: &str) -> Option<Nano> {
    Nano::parse_ceil(text(headers, name)?).ok()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_of_an_answer() {
        for (tail, nanos) in [
            (r#"data: {"usage":{"cost":0.00123,"is_byok":false}}"#, Some(1_230_000)),
            (r#"..."cost":1e-6}"#, Some(1_000)),
            (r#"..."cost": 0}"#, Some(0)),
            (r#"..."cost":null}"#, None),
            ("", None),
        ] {
            assert_eq!(cost(tail.as_bytes()), nanos.map(Nano::from_nanos), "{tail}");
        }
    }
}
