//! A small HTTP client: JSON in and out, over a connection pool that never retries by itself.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// The pool.
#[derive(Clone, Debug)]
pub struct Http(Client<HttpConnector, Full<Bytes>>);

impl Default for Http {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Http(Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build(connector))
    }
}

impl Http {
    /// Sends a JSON body and returns the answer as it begins.
    ///
    /// # Errors
    /// When no answer begins.
    pub async fn post(&self, url: &str, body: String) -> Result<Response<Incoming>> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(url)
            .header("content-type", "application/json")
            .header("authorization", "Bearer anyone")
            .body(Full::new(Bytes::from(body)))?;
        Ok(self.0.request(request).await?)
    }

    /// Reads a JSON document.
    ///
    /// # Errors
    /// When there is none, or its status is not 200.
    pub async fn json(&self, url: &str) -> Result<Value> {
        let request = Request::get(url).header("authorization", "Bearer anyone").body(Full::default())?;
        let response = self.0.request(request).await?;
        ensure!(response.status() == 200, "{url} answered {}", response.status());
        let body = response.into_body().collect().await?.to_bytes();
        serde_json::from_slice(&body).with_context(|| format!("{url} is not JSON"))
    }
}
