//! The service and the layer: chat completions by the budgets, other spending refused, the rest through the client.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use farebox::{Farebox, Outcome};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, Full};
use sandbox::{Config, Sandbox};
use tempfile::TempDir;
use tower_layer::Layer;
use tower_service::Service;

use crate::support;

type Plain = Full<Bytes>;

/// Stands in for an HTTP client: notes what it is asked to send.
#[derive(Clone, Debug, Default)]
struct Noting(Arc<Mutex<Vec<String>>>);

impl Service<Request<Plain>> for Noting {
    type Response = Response<Plain>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Plain>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Plain>) -> Self::Future {
        self.0.lock().unwrap().push(request.uri().to_string());
        ready(Ok(Response::new(Full::new(Bytes::from_static(b"from the client")))))
    }
}

async fn open() -> (Farebox, Sandbox, TempDir) {
    let sandbox = support::sandbox(Config::default()).await;
    let data = tempfile::tempdir().unwrap();
    let house = support::builder(data.path(), &support::url(&sandbox)).budget("1/day").open().await.unwrap();
    (house, sandbox, data)
}

fn request(method: Method, uri: &str) -> Request<Plain> {
    let body = support::body("hello", 50).to_string();
    Request::builder().method(method).uri(uri).body(Full::new(Bytes::from(body))).unwrap()
}

#[tokio::test]
async fn a_service_answers_as_the_gateway_does() {
    let (house, sandbox, _data) = open().await;
    let mut service = house.service();
    let answer = service.call(request(Method::POST, "/api/v1/chat/completions")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let Outcome::Settled(cost) = answer.body().receipt().unwrap().outcome() else { panic!() };
    assert_eq!(answer.headers()["x-farebox-cost-usd"], cost.to_string());
    assert_eq!(support::generations(&support::http(), &sandbox).await[0].1, cost);
    let refused = service.call(request(Method::POST, "/api/v1/embeddings")).await.unwrap();
    assert_eq!(
        (refused.status(), &refused.headers()["x-farebox-reason"]),
        (StatusCode::NOT_FOUND, &"unmetered".parse().unwrap())
    );
    let models = service.call(request(Method::GET, "/api/v1/models")).await.unwrap();
    assert!(models.into_body().collect().await.unwrap().to_bytes().starts_with(b"{\"data\":["));
    house.close().await.unwrap();
}

#[tokio::test]
async fn nothing_spends_around_a_layer() {
    let (house, sandbox, _data) = open().await;
    let client = Noting::default();
    let mut layered = house.layer().layer(client.clone());
    let base = support::url(&sandbox);
    let local = format!("http://localhost:{}/api/v1", sandbox.addr().port());
    for (method, uri, status) in [
        // By the budgets.
        (Method::POST, format!("{base}/chat/completions"), Some(200)),
        (Method::POST, format!("{local}/chat/completions"), Some(200)),
        (Method::POST, "https://openrouter.ai/api/v1/chat/completions".to_owned(), Some(200)),
        (Method::POST, "/v1/chat/completions".to_owned(), Some(200)),
        // Spends, and is not metered.
        (Method::POST, format!("{base}/embeddings"), Some(404)),
        (Method::POST, "https://openrouter.ai/api/v1/responses".to_owned(), Some(404)),
        (Method::POST, "https://OPENROUTER.AI./api/v1/messages".to_owned(), Some(404)),
        (Method::POST, "https://openrouter.ai/api/beta/anything".to_owned(), Some(404)),
        (Method::PUT, "/somewhere".to_owned(), Some(404)),
        (Method::POST, format!("{base}/x/../chat/completions"), Some(400)),
        (Method::CONNECT, "openrouter.ai:443".to_owned(), Some(405)),
        // Cannot spend, or is none of our business.
        (Method::GET, format!("{base}/models"), None),
        (Method::GET, "https://openrouter.ai/api/v1/models".to_owned(), None),
        (Method::POST, "https://example.com/v1/anything".to_owned(), None),
    ] {
        client.0.lock().unwrap().clear();
        let answer = layered.call(request(method.clone(), &uri)).await.unwrap();
        let by_client = matches!(answer.body(), Either::Right(_));
        assert_eq!(by_client, status.is_none(), "{method} {uri}: {}", answer.status());
        assert_eq!(client.0.lock().unwrap().len(), usize::from(by_client), "{method} {uri}");
        assert_eq!(answer.status().as_u16(), status.unwrap_or(200), "{method} {uri}");
    }
    assert_eq!(support::generations(&support::http(), &sandbox).await.len(), 4, "four were metered");
    house.close().await.unwrap();
}
