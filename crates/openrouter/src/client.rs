//! The HTTP client: one attempt per call, and an honest word on whether a byte may have left.
//!
//! hyper's pooled client with every hidden retry off. A failed attempt is *never sent* only where that is proved
//! (read in hyper 1.12.0 and hyper-util 0.1.21): the connector failed, or hyper reports the request canceled, which
//! it does only when it hands the request back undispatched (`client/dispatch.rs`, `proto/h1/dispatch.rs`).
//! Everything else *may have been sent*, and the money stays held. Fails closed.

use std::error::Error as _;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use thiserror::Error;

pub use crate::generation::{Generation, GenerationAnswer};
use crate::https::{HttpsClient, https_client};

/// For name look-up, TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const MODELS_TIMEOUT: Duration = Duration::from_secs(60);
const GENERATION_TIMEOUT: Duration = Duration::from_secs(15);
const MODELS_BYTES_MAX: usize = 64 << 20;
const GENERATION_BYTES_MAX: usize = 1 << 20;
const AGENT: &str = concat!("farebox/", env!("CARGO_PKG_VERSION"));

/// A connection pool to one OpenRouter base URL. Cheap to clone.
#[derive(Clone)]
pub struct Upstream {
    base: Arc<str>,
    client: HttpsClient,
    listener: Arc<OnceLock<Listener>>,
}

/// Sees the headers of every answer.
type Listener = Box<dyn Fn(&HeaderMap) + Send + Sync>;

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("base", &self.base).finish_non_exhaustive()
    }
}

/// Why a base URL cannot be used.
#[derive(Debug, Error)]
pub enum BaseError {
    /// Not an absolute http or https URL.
    #[error("'{0}' is not an http or https URL")]
    NotAUrl(String),
    /// No TLS could be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// Why no response came.
#[derive(Debug, Error)]
pub enum SendError {
    /// Proof that no byte of the request left: no name, no connection, no TLS, or a pooled connection that was
    /// gone before the request was handed to it.
    #[error("the request was not sent: {0}")]
    NeverSent(String),
    /// Some of it may have arrived.
    #[error("the request may have been sent: {0}")]
    MaybeSent(String),
}

/// Why a question of our own (catalogue, generation) had no answer.
#[derive(Debug, Error)]
pub enum AskError {
    /// No response.
    #[error(transparent)]
    Send(#[from] SendError),
    /// A status other than 200.
    #[error("status {0}")]
    Status(u16),
    /// The body broke off, took too long or was too large.
    #[error("the answer broke off: {0}")]
    Body(String),
    /// The question or the answer is not what it should be.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

impl Upstream {
    /// A client for a base URL such as `https://openrouter.ai/api/v1`.
    ///
    /// # Errors
    /// When it is no http(s) URL, or TLS cannot be set up.
    pub fn new(base: &str) -> Result<Upstream, BaseError> {
        Self::connecting_within(CONNECT_TIMEOUT, base)
    }

    fn connecting_within(connect_timeout: Duration, base: &str) -> Result<Upstream, BaseError> {
        let base = base.trim().trim_end_matches('/');
        let not_a_url = || BaseError::NotAUrl(base.to_owned());
        let uri: Uri = base.parse().map_err(|_| not_a_url())?;
        if !matches!(uri.scheme_str(), Some("http" | "https"))
            || uri.host().is_none()
            || uri.query().is_some()
        {
            return Err(not_a_url());
        }
        let client = https_client(connect_timeout, |_| true).map_err(BaseError::Tls)?;
        Ok(Upstream { base: base.into(), client, listener: Arc::default() })
    }

    /// The base URL, without a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The URL of a path below the base; `path_and_query` begins with a slash.
    ///
    /// # Errors
    /// When the two together are no URL.
    pub fn uri(&self, path_and_query: &str) -> Result<Uri, http::uri::InvalidUri> {
        format!("{}{path_and_query}", self.base).parse()
    }

    /// Sends a request once; it is never retried.
    ///
    /// # Errors
    /// [`SendError`], which says whether a byte may have left.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, SendError> {
        let response = self.client.request(request).await.map_err(|error| classify(&error))?;
        if let Some(listener) = self.listener.get() {
            listener(response.headers());
        }
        Ok(response)
    }

    /// Shows the headers of every answer, of this client and its clones, to one listener, which must not block. The
    /// first one stays.
    pub fn on_answer(&self, listener: impl Fn(&HeaderMap) + Send + Sync + 'static) {
        let _ = self.listener.set(Box::new(listener));
    }

    /// `GET /generation?id=` with an upstream key.
    ///
    /// # Errors
    /// When no answer came or it cannot be read.
    pub async fn generation(&self, id: &str, key: &str) -> Result<GenerationAnswer, AskError> {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            return Err(AskError::Unreadable("not a generation id".to_owned()));
        }
        let path = format!("/generation?id={id}");
        let (status, body) = self.get(&path, Some(key), GENERATION_BYTES_MAX, GENERATION_TIMEOUT).await?;
        GenerationAnswer::read(status.as_u16(), &body)
            .ok_or_else(|| AskError::Unreadable("not a generation".to_owned()))
    }

    /// `GET /models`: the raw body.
    ///
    /// # Errors
    /// When no answer came, its status is not 200, or it is too large.
    pub async fn models(&self) -> Result<Bytes, AskError> {
        self.listing("/models").await
    }

    /// `GET /models/{author}/{slug}/endpoints`: the raw body.
    ///
    /// # Errors
    /// As [`Upstream::models`].
    pub async fn endpoints(&self, model: &str) -> Result<Bytes, AskError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:~/".contains(&byte);
        if !model.bytes().all(plain) || model.contains("..") {
            return Err(AskError::Unreadable("not a model id".to_owned()));
        }
        self.listing(&format!("/models/{model}/endpoints")).await
    }

    /// `GET /endpoints/zdr`, the endpoints that retain nothing: the raw body.
    ///
    /// # Errors
    /// As [`Upstream::models`].
    pub async fn zdr_endpoints(&self) -> Result<Bytes, AskError> {
        self.listing("/endpoints/zdr").await
    }

    async fn listing(&self, path: &str) -> Result<Bytes, AskError> {
        match self.get(path, None, MODELS_BYTES_MAX, MODELS_TIMEOUT).await? {
            (StatusCode::OK, body) => Ok(body),
            (status, _) => Err(AskError::Status(status.as_u16())),
        }
    }

    async fn get(
        &self,
        path: &str,
        key: Option<&str>,
        bytes_max: usize,
        timeout: Duration,
    ) -> Result<(StatusCode, Bytes), AskError> {
        let question = Question { method: Method::GET, path, key, body: None, bytes_max, timeout };
        self.ask(question).await.map(|answer| (answer.status, answer.body))
    }

    /// Asks once and reads the whole answer, whatever its status.
    pub(crate) async fn ask(&self, question: Question<'_>) -> Result<Answer, AskError> {
        let (bytes_max, timeout) = (question.bytes_max, question.timeout);
        let request = self.request(question)?;
        let exchange = async {
            let response = self.send(request).await?;
            let status = response.status();
            let retry_after = response.headers().get(RETRY_AFTER).and_then(seconds);
            let body = Limited::new(response.into_body(), bytes_max).collect().await;
            let body = body.map_err(|error| AskError::Body(error.to_string()))?;
            Ok(Answer { status, retry_after, body: body.to_bytes() })
        };
        match tokio::time::timeout(timeout, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(AskError::Body(format!("no answer within {} s", timeout.as_secs()))),
        }
    }

    fn request(&self, question: Question<'_>) -> Result<Request<Full<Bytes>>, AskError> {
        let unreadable = |what: &str| AskError::Unreadable(what.to_owned());
        let uri = self.uri(question.path).map_err(|_| unreadable("not a path"))?;
        let has_body = question.body.is_some();
        let mut request = Request::new(Full::new(question.body.unwrap_or_default()));
        *request.method_mut() = question.method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(key) = question.key {
            let mut bearer =
                HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| unreadable("not a key"))?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(request)
    }
}

/// One question of our own.
pub(crate) struct Question<'a> {
    pub(crate) method: Method,
    /// Path and query below the base, beginning with a slash.
    pub(crate) path: &'a str,
    pub(crate) key: Option<&'a str>,
    /// JSON.
    pub(crate) body: Option<Bytes>,
    /// The longest answer that is read.
    pub(crate) bytes_max: usize,
    /// For connection, question and whole answer together.
    pub(crate) timeout: Duration,
}

/// The whole answer to a [`Question`].
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// `Retry-After`, when it counts seconds.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Bytes,
}

fn seconds(value: &HeaderValue) -> Option<Duration> {
    value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Whether hyper's error proves that nothing left.
fn classify(error: &hyper_util::client::legacy::Error) -> SendError {
    let undispatched = error
        .source()
        .and_then(|source| source.downcast_ref::<hyper::Error>())
        .is_some_and(hyper::Error::is_canceled);
    let words = chain(error);
    if error.is_connect() || undispatched { SendError::NeverSent(words) } else { SendError::MaybeSent(words) }
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    fn post(upstream: &Upstream) -> Request<Full<Bytes>> {
        let uri = upstream.uri("/chat/completions").expect("a URL");
        Request::post(uri).body(Full::new(Bytes::from_static(b"{}"))).expect("a request")
    }

    #[test]
    fn bases() {
        for good in [
            "https://openrouter.ai/api/v1",
            "http://127.0.0.1:9/api/v1/",
            " https://eu.openrouter.ai/api/v1 ",
        ] {
            let upstream = Upstream::new(good).expect(good);
            assert!(upstream.uri("/models").expect("a URL").path().ends_with("/v1/models"));
        }
        for bad in ["", "openrouter.ai", "ftp://x/y", "/api/v1", "https://", "http://x/?q=1"] {
            assert!(Upstream::new(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn nobody_listens_means_never_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let upstream = Upstream::new(&format!("http://{address}/api/v1")).expect("a base");
        assert!(matches!(upstream.send(post(&upstream)).await, Err(SendError::NeverSent(_))));
    }

    #[tokio::test]
    async fn a_peer_that_never_shakes_hands_means_never_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let silent = tokio::spawn(async move { listener.accept().await.map(|(socket, _)| socket) });
        let base = format!("https://{address}/api/v1");
        let upstream = Upstream::connecting_within(Duration::from_millis(50), &base).expect("a base");
        assert!(matches!(upstream.send(post(&upstream)).await, Err(SendError::NeverSent(_))));
        drop(silent.await);
    }

    #[tokio::test]
    async fn a_peer_that_speaks_no_tls_means_never_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.expect("a peer");
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        });
        let upstream = Upstream::new(&format!("https://{address}/api/v1")).expect("a base");
        assert!(matches!(upstream.send(post(&upstream)).await, Err(SendError::NeverSent(_))));
    }

    #[tokio::test]
    async fn a_connection_cut_after_the_request_means_maybe_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.expect("a peer");
            let mut bytes = [0; 16];
            let _ = socket.read(&mut bytes).await;
        });
        let upstream = Upstream::new(&format!("http://{address}/api/v1")).expect("a base");
        assert!(matches!(upstream.send(post(&upstream)).await, Err(SendError::MaybeSent(_))));
        server.await.expect("the server ends");
    }

    #[tokio::test]
    async fn generations_and_listings() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut bytes = [0; 2048];
                let read = socket.read(&mut bytes).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&bytes[..read]).into_owned();
                let (status, body) = match () {
                    () if head.contains("id=gen-late") => {
                        ("404 Not Found", "{\"error\":{\"code\":404,\"message\":\"x\"}}")
                    }
                    () if head.contains("id=gen-no") => ("401 Unauthorized", "{}"),
                    () if head.contains("id=gen-1") && head.contains("Bearer k") => {
                        ("200 OK", "{\"data\":{\"total_cost\":0.5,\"is_byok\":false,\"cancelled\":true}}")
                    }
                    () => ("200 OK", "{}"),
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        let upstream = Upstream::new(&format!("http://{address}/api/v1")).expect("a base");
        let found = upstream.generation("gen-1", "k").await.expect("an answer");
        assert!(matches!(
            found,
            GenerationAnswer::Found(Generation { cancelled: Some(true), charge: Some(_), .. })
        ));
        assert_eq!(upstream.generation("gen-late", "k").await.expect("an answer"), GenerationAnswer::NotYet);
        assert_eq!(
            upstream.generation("gen-no", "k").await.expect("an answer"),
            GenerationAnswer::Refused(401)
        );
        assert!(matches!(upstream.generation("gen-2", "k").await, Err(AskError::Unreadable(_))));
        assert!(matches!(upstream.generation("gen 1", "k").await, Err(AskError::Unreadable(_))));
        assert_eq!(upstream.models().await.expect("a body").as_ref(), b"{}");
        assert!(matches!(upstream.endpoints("a/../b").await, Err(AskError::Unreadable(_))));
    }
}
