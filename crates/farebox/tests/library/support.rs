//! A sandbox with what its books say, and a plain HTTP client.

use std::time::Duration;

use bytes::Bytes;
use farebox::{Builder, Durability, Farebox, Nano};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sandbox::{Config, Sandbox};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "sk-or-v1-test";
pub(crate) const MODEL: &str = "openai/gpt-4o-mini";

pub(crate) type Http = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn http() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

pub(crate) async fn sandbox(config: Config) -> Sandbox {
    Sandbox::start("127.0.0.1:0".parse().unwrap(), config).await.unwrap()
}

pub(crate) fn url(sandbox: &Sandbox) -> String {
    format!("http://{}/api/v1", sandbox.addr())
}

/// A house on a folder and a sandbox; nothing waits for money, so that no test waits for time.
pub(crate) fn builder(data: &std::path::Path, upstream: &str) -> Builder {
    Farebox::builder()
        .data(data)
        .upstream(upstream)
        .upstream_key(KEY)
        .durability(Durability::Process)
        .park_max(Duration::ZERO)
        // The built-in prices must do for these tests whenever they run.
        .prices_age_max(Duration::from_secs(100 * 365 * 24 * 3600))
}

pub(crate) fn body(words: &str, cap: u64) -> Value {
    json!({"model": MODEL, "messages": [{"role": "user", "content": words}], "max_tokens": cap})
}

pub(crate) fn stream(words: &str, cap: u64) -> Value {
    let mut body = body(words, cap);
    body["stream"] = true.into();
    body
}

/// One exchange over a socket, read to its end; a body that breaks off is `Err`.
pub(crate) async fn exchange(
    http: &Http,
    method: Method,
    url: &str,
    headers: &HeaderMap,
    body: &str,
) -> (Response<()>, Result<Bytes, ()>) {
    let mut request = Request::new(Full::new(Bytes::from(body.to_owned())));
    *request.method_mut() = method;
    *request.uri_mut() = url.parse().unwrap();
    *request.headers_mut() = headers.clone();
    let (parts, incoming) = http.request(request).await.expect("an answer").into_parts();
    let body = incoming.collect().await.map(|body| body.to_bytes()).map_err(|_| ());
    (Response::from_parts(parts, ()), body)
}

/// Every generation that a sandbox ran: its id and cost.
pub(crate) async fn generations(http: &Http, sandbox: &Sandbox) -> Vec<(String, Nano)> {
    let url = format!("http://{}/sandbox/generations", sandbox.addr());
    let (_, body) = exchange(http, Method::GET, &url, &HeaderMap::new(), "").await;
    let rows: Value = serde_json::from_slice(&body.unwrap()).unwrap();
    let row = |row: &Value| {
        let cost = Nano::parse_ceil(row["cost_usd"].as_str().unwrap()).unwrap();
        (row["id"].as_str().unwrap().to_owned(), cost)
    };
    rows["data"].as_array().unwrap().iter().map(row).collect()
}

/// Ends when nothing is held and everything that the sandbox can tell has been told.
pub(crate) async fn settled(house: &Farebox, http: &Http, sandbox: &Sandbox) {
    let settling = async {
        loop {
            let held: Nano = house.balances().iter().map(|balance| balance.held).sum();
            let unknown = house.unknown();
            let asked: Vec<&str> = unknown.iter().filter_map(|hold| hold.generation.as_deref()).collect();
            let open = held > Nano::ZERO
                || (!asked.is_empty()
                    && generations(http, sandbox).await.iter().any(|(id, _)| asked.contains(&id.as_str())));
            if !open {
                return;
            }
            // Asked for now, not when the back-off says so.
            unknown.iter().for_each(|hold| house.admission().key_is_here(hold.upstream_key));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), settling).await.expect("everything settles");
}

/// Of all that a house has posted on the balance of this budget.
pub(crate) fn posted(house: &Farebox, budget: &str) -> Nano {
    let balances = house.balances();
    balances.iter().find(|balance| balance.name.budget == budget).map_or(Nano::ZERO, |balance| balance.posted)
}
