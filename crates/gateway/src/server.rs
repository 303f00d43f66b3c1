//! Accepting connections, with limits on everything a stranger can make us keep, and a stop that loses nothing.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tokio_io_timeout::TimeoutStream;

use crate::body::Body;
use crate::refuse::Problem;
use crate::route::Route;
use crate::shared::Shared;
use crate::{admin, chat, passage};

/// Header lines of one request, at most.
const HEADERS_MAX: usize = 200;

pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let connections = Arc::new(Semaphore::new(shared.config.limits.connections_max));
    tokio::pin!(shutdown);
    loop {
        let next = async {
            let place = Arc::clone(&connections).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = &mut shutdown => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, mostly: others will close theirs.
                tracing::warn!(%error, "cannot accept a connection");
                sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let connection = connection(&shared, stream);
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    drain(&shared, graceful).await;
}

type Connection = http1::Connection<TokioIo<Pin<Box<TimeoutStream<TcpStream>>>>, Handler>;

fn connection(shared: &Arc<Shared>, stream: TcpStream) -> Connection {
    // Small writes must not wait for an acknowledgement: it costs a stream 40 ms a piece.
    let _ = stream.set_nodelay(true);
    let limits = &shared.config.limits;
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write_stall));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(HEADERS_MAX)
        .max_buf_size(limits.header_bytes_max)
        .keep_alive(true)
        .serve_connection(TokioIo::new(Box::pin(stream)), Handler(Arc::clone(shared)))
}

/// Answers the requests of one connection.
struct Handler(Arc<Shared>);

impl Service<Request<Incoming>> for Handler {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { Ok(handle(&shared, request).await) })
    }
}

async fn drain(shared: &Shared, graceful: GracefulShutdown) {
    let deadline = Instant::now() + shared.config.limits.drain;
    let _ = timeout(shared.config.limits.drain, graceful.shutdown()).await;
    idle(shared, deadline).await;
}

/// Ends when nothing is in flight, or at the deadline: streams that are read on without their client end on their own.
pub(crate) async fn idle(shared: &Shared, deadline: Instant) {
    while shared.in_flight() > 0 && Instant::now() < deadline {
        sleep(Duration::from_millis(20)).await;
    }
}

async fn handle(shared: &Arc<Shared>, request: Request<Incoming>) -> Response<Body> {
    if !is_ours(request.headers(), request.uri(), shared.config.listen) {
        shared.stats.requests.add();
        let message = "Farebox answers to its own address only; call it as 127.0.0.1 or localhost";
        return Problem::wrong(StatusCode::FORBIDDEN, "foreign-host", message).render();
    }
    call(shared, request).await
}

/// Answers a request, wherever it came from.
pub(crate) async fn call<B>(shared: &Arc<Shared>, request: Request<B>) -> Response<Body>
where
    B: http_body::Body<Data = Bytes>,
{
    shared.stats.requests.add();
    let (parts, body) = request.into_parts();
    let (method, path) = (&parts.method, parts.uri.path());
    match Route::of(method, path) {
        Route::Chat => chat::answer(shared, &parts, body).await,
        Route::Read(below) => passage::answer(shared, &parts, below).await,
        Route::Admin(below) => admin::answer(shared, &parts, body, below).await,
        Route::Base => base(),
        Route::WrongMethod => {
            let message = format!("{path} does not take {method}");
            Problem::wrong(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", message).render()
        }
        Route::Unmetered => {
            let message = format!(
                "Farebox does not forward {method} {path}: it is not metered yet, and nothing spends around the \
                 budget. Metered: POST /api/v1/chat/completions"
            );
            Problem::wrong(StatusCode::NOT_FOUND, "unmetered", message).render()
        }
        Route::Nowhere => {
            Problem::wrong(StatusCode::NOT_FOUND, "nowhere", format!("there is nothing at {path}")).render()
        }
        Route::Crooked => Problem::wrong(
            StatusCode::BAD_REQUEST,
            "crooked-path",
            "the path has '..', '//', '%' or '\\' in it",
        )
        .render(),
    }
}

fn base() -> Response<Body> {
    let body = json!({"name": "farebox", "version": env!("CARGO_PKG_VERSION")}).to_string();
    let mut response = Response::new(Body::from(Bytes::from(body)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Whether a request was meant for us: a page somewhere else may make a browser call a loopback address
/// (DNS rebinding), but cannot hide its own name. Every `Host` and `Origin` line counts.
fn is_ours(headers: &HeaderMap, uri: &Uri, listen: SocketAddr) -> bool {
    let texts = |name| headers.get_all(name).into_iter().map(|value| value.to_str().unwrap_or("?"));
    let origin_host = |origin: &'_ str| origin.find("://").map_or(origin.len(), |at| at + 3);
    let origins = texts(header::ORIGIN).map(|origin| &origin[origin_host(origin)..]);
    let authority = uri.authority().map(|authority| authority.as_str());
    authority.into_iter().chain(texts(header::HOST)).chain(origins).all(|host| is_own_host(host, listen))
}

fn is_own_host(host: &str, listen: SocketAddr) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<std::net::IpAddr>();
    bare.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.is_loopback() || ip == listen.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requests_meant_for_us() {
        let listen = "127.0.0.1:4747".parse().unwrap();
        for (host, ours) in [
            ("127.0.0.1:4747", true),
            ("localhost:4747", true),
            ("LOCALHOST", true),
            ("[::1]:4747", true),
            ("127.0.0.1", true),
            ("evil.example", false),
            ("localhost.evil.example:4747", false),
            ("10.0.0.1", false),
            ("", false),
        ] {
            assert_eq!(is_own_host(host, listen), ours, "{host}");
        }
        let with = |name: header::HeaderName, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:4747"));
            headers.insert(name, value.parse().unwrap());
            headers
        };
        let uri = Uri::from_static("/");
        assert!(is_ours(&with(header::ORIGIN, "http://localhost:3000"), &uri, listen));
        assert!(!is_ours(&with(header::ORIGIN, "https://evil.example"), &uri, listen));
        assert!(!is_ours(&with(header::ORIGIN, "null"), &uri, listen));
        assert!(!is_ours(&with(header::ACCEPT, "*/*"), &Uri::from_static("http://evil.example/v1"), listen));
    }
}
