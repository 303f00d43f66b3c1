//! `tower`: the house as a [`Service`], and as a [`Layer`] around an HTTP client.
//!
//! The layer sorts requests in three:
//!
//! * chat completions to OpenRouter are answered under the budgets, never by the client;
//! * whatever else to OpenRouter could spend is refused, as the gateway does, with 404 and the reason `unmetered`;
//! * reads of OpenRouter, and everything to other hosts, go through the client, untouched.
//!
//! OpenRouter is `openrouter.ai`, whatever is below it, and the configured upstream. A request that names no host
//! counts as meant for it.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use gateway::{Body, may_spend};
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use http_body_util::Either;
use tower_layer::Layer;
use tower_service::Service;

use crate::Farebox;

const OPENROUTER: &str = "openrouter.ai";
/// Where the gateway knows the API.
const API: &str = "/api/v1";

type Answering<R, E> = Pin<Box<dyn Future<Output = Result<Response<R>, E>> + Send>>;

/// Answers every request as the gateway would, without a socket. The answer's body has a [`gateway::Receipt`].
#[derive(Clone, Debug)]
pub struct FareboxService {
    farebox: Farebox,
}

impl FareboxService {
    pub(crate) fn new(farebox: &Farebox) -> Self {
        FareboxService { farebox: farebox.clone() }
    }
}

impl<B> Service<Request<B>> for FareboxService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering<Body, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let farebox = self.farebox.clone();
        Box::pin(async move { Ok(farebox.answer(request).await) })
    }
}

/// Puts the budgets around an HTTP client.
#[derive(Clone, Debug)]
pub struct FareboxLayer {
    farebox: Farebox,
}

impl FareboxLayer {
    pub(crate) fn new(farebox: &Farebox) -> Self {
        FareboxLayer { farebox: farebox.clone() }
    }
}

impl<S> Layer<S> for FareboxLayer {
    type Service = Metered<S>;

    fn layer(&self, client: S) -> Metered<S> {
        Metered { farebox: self.farebox.clone(), client }
    }
}

/// A client within the budgets.
#[derive(Clone, Debug)]
pub struct Metered<S> {
    farebox: Farebox,
    client: S,
}

impl<S, B, R> Service<Request<B>> for Metered<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<Either<Body, R>>;
    type Error = S::Error;
    type Future = Answering<Either<Body, R>, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.client.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let path = path_at(request.uri(), self.farebox.upstream().base());
        if path.as_ref().is_none_or(|path| !may_spend(request.method(), path.path())) {
            let passing = self.client.call(request);
            return Box::pin(async move { Ok(passing.await?.map(Either::Right)) });
        }
        *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
        let farebox = self.farebox.clone();
        Box::pin(async move { Ok(farebox.answer(request).await.map(Either::Left)) })
    }
}

/// The path as the gateway knows it, when a request is meant for OpenRouter.
fn path_at(uri: &Uri, base: &str) -> Option<PathAndQuery> {
    let own = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let Some(host) = uri.host() else { return Some(own) };
    let base: Uri = base.parse().ok()?;
    if is_same(uri, &base) {
        let below = own.as_str().strip_prefix(base.path().trim_end_matches('/'));
        let below = below.filter(|below| below.starts_with('/'));
        return Some(below.and_then(|below| format!("{API}{below}").parse().ok()).unwrap_or(own));
    }
    let host = plain(host);
    let is_openrouter =
        host.strip_suffix(OPENROUTER).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    is_openrouter.then_some(own)
}

/// Whether two URLs are the same server. All names of this machine are one.
fn is_same(one: &Uri, other: &Uri) -> bool {
    let name = |uri: &Uri| {
        let host = plain(uri.host().unwrap_or_default());
        let here = host == "localhost"
            || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
        if here { "localhost".to_owned() } else { host }
    };
    let port = |uri: &Uri| uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
    name(one) == name(other) && port(one) == port(other)
}

/// A host as names are compared: small letters, no brackets, no dot at the end.
fn plain(host: &str) -> String {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    #[test]
    fn what_is_meant_for_openrouter() {
        let at =
            |uri: &str, base: &str| path_at(&uri.parse().unwrap(), base).map(|path| path.as_str().to_owned());
        let openrouter = "https://openrouter.ai/api/v1";
        for (uri, base, path) in [
            ("/api/v1/chat/completions", openrouter, Some("/api/v1/chat/completions")),
            ("https://openrouter.ai/api/v1/models?x=1", openrouter, Some("/api/v1/models?x=1")),
            ("https://OpenRouter.ai./api/v1/embeddings", openrouter, Some("/api/v1/embeddings")),
            ("https://eu.openrouter.ai/api/v1/models", openrouter, Some("/api/v1/models")),
            ("https://openrouter.ai/other", "http://127.0.0.1:1/api/v1", Some("/other")),
            ("https://notopenrouter.ai/api/v1/chat/completions", openrouter, None),
            ("https://example.com/v1/chat/completions", openrouter, None),
            ("http://localhost:9/api/v1/models", "http://127.0.0.1:9/api/v1", Some("/api/v1/models")),
            ("http://localhost:8/api/v1/models", "http://127.0.0.1:9/api/v1", None),
            (
                "http://proxy.example/or/chat/completions",
                "http://proxy.example/or",
                Some("/api/v1/chat/completions"),
            ),
            ("http://proxy.example/orb/x", "http://proxy.example/or", Some("/orb/x")),
            ("http://proxy.example:80/or/models", "http://proxy.example/or", Some("/api/v1/models")),
        ] {
            assert_eq!(at(uri, base).as_deref(), path, "{uri} with {base}");
        }
        assert_eq!(at("openrouter.ai:443", openrouter).as_deref(), Some("/"), "CONNECT");
        assert!(may_spend(&Method::CONNECT, "/"));
    }
}
