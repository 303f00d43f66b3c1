//! POSTing JSON, once, to where the operator said.
//!
//! The URL is the operator's own, from a secret file or variable, never a caller's. Two guards stand all the same, so
//! that a mistyped or borrowed URL cannot talk to a machine's neighbours: redirects are not followed, and a name that
//! resolves to a private address is not connected to unless `allow_private` says so. The check is on the very
//! addresses that are connected to. A loopback address must stand in the URL as such (`localhost`, `127.0.0.1`,
//! `[::1]`).

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, DATE, HOST, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use openrouter::https::{HttpsClient, https_client};
use thiserror::Error;

use super::Outcome;
use crate::Secret;
use crate::words::printable;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// What is read of an answer, bytes: it is only shown.
const ANSWER_BYTES_MAX: usize = 4 << 10;
/// What is shown of it, characters.
const ANSWER_CHARS_MAX: usize = 120;
const AGENT: &str = concat!("farebox/", env!("CARGO_PKG_VERSION"));

/// Where to POST. The URL may be a secret in itself, so only its host is ever shown.
#[derive(Clone)]
pub struct Target {
    url: Secret,
    uri: Uri,
    pub(crate) allow_private: bool,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("host", &self.host()).finish_non_exhaustive()
    }
}

/// Why a URL cannot be used. Never shows it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TargetError {
    /// Not an absolute http or https URL.
    #[error("it is not an http or https URL")]
    NotAUrl,
    /// Secrets would travel in the clear.
    #[error("it is http, and what is sent there could be read on its way: use https")]
    Bare,
    /// A private address.
    #[error("{0} is a private address: allow_private = true lets messages go there")]
    Private(IpAddr),
}

impl Target {
    /// Checks a URL. `http` only for loopback, or with `allow_private`.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn new(url: &Secret, allow_private: bool) -> Result<Target, TargetError> {
        let uri: Uri = url.expose().parse().map_err(|_| TargetError::NotAUrl)?;
        let host = uri.host().ok_or(TargetError::NotAUrl)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let address: Option<IpAddr> = bare.parse().ok();
        let is_loopback =
            address.map_or_else(|| bare.eq_ignore_ascii_case("localhost"), |address| address.is_loopback());
        match (uri.scheme_str(), address) {
            _ if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) => {
                Err(TargetError::NotAUrl)
            }
            (Some("https" | "http"), Some(address))
                if !is_loopback && !allow_private && !is_public(address) =>
            {
                Err(TargetError::Private(address))
            }
            (Some("http"), _) if !is_loopback && !allow_private => Err(TargetError::Bare),
            // `localhost` is a name, and would be looked up and turned away.
            (Some("https" | "http"), _) => {
                Ok(Target { url: url.clone(), uri, allow_private: allow_private || is_loopback })
            }
            _ => Err(TargetError::NotAUrl),
        }
    }

    /// The whole URL.
    pub(crate) fn text(&self) -> &str {
        self.url.expose()
    }

    /// The host, for people.
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }
}

/// An address of the public internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let shared = first == 100 && (64..128).contains(&second);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || first == 0
                || first >= 240
                || shared)
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped().or_else(|| embedded(v6.segments())) {
            Some(v4) => is_public(IpAddr::V4(v4)),
            None => {
                let first = v6.segments()[0];
                !(v6.is_loopback()
                    || v6.is_unspecified()
                    || v6.is_multicast()
                    || first & 0xfe00 == 0xfc00
                    || first & 0xffc0 == 0xfe80
                    || first & 0xffc0 == 0xfec0)
            }
        },
    }
}

/// The IPv4 address that a NAT64 address (64:ff9b::/96) leads to.
fn embedded(segments: [u16; 8]) -> Option<std::net::Ipv4Addr> {
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = segments else { return None };
    Some(std::net::Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
}

/// A client.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: HttpsClient,
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after_ms: Option<i64>,
    /// Its beginning, fit to show.
    pub(crate) text: String,
}

impl Http {
    pub(crate) fn new(may_reach: fn(IpAddr) -> bool) -> Result<Self, rustls::Error> {
        Ok(Http { client: https_client(CONNECT_TIMEOUT, may_reach)? })
    }

    /// POSTs JSON once.
    pub(crate) async fn post(
        &self,
        target: &Target,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Answer, Outcome> {
        let request =
            request(target, headers, body).ok_or_else(|| Outcome::failed("the request cannot be made"))?;
        let response = self.client.request(request).await.map_err(|error| Outcome::later(chain(&error)))?;
        let status = response.status();
        let retry_after_ms = retry_after_ms(response.headers());
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        // The status is the answer; what cannot be read of the body is not shown.
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        Ok(Answer {
            status,
            retry_after_ms,
            text: printable(&String::from_utf8_lossy(&body), ANSWER_CHARS_MAX),
        })
    }
}

impl Answer {
    /// What a status means, where 200 to 299 is success.
    pub(crate) fn outcome(self) -> Outcome {
        let words = self.words();
        match self.status.as_u16() {
            200..=299 => Outcome::Delivered { answer: words },
            410 => Outcome::Gone { why: words },
            300..=399 => Outcome::failed(format!("{words}; redirects are not followed")),
            408 | 429 | 500.. => Outcome::Later { why: words, retry_after_ms: self.retry_after_ms },
            _ => Outcome::failed(words),
        }
    }

    pub(crate) fn words(&self) -> String {
        match self.text.is_empty() {
            true => format!("status {}", self.status.as_u16()),
            false => format!("status {}: {}", self.status.as_u16(), self.text),
        }
    }
}

fn request(
    target: &Target,
    headers: &[(&'static str, String)],
    body: Vec<u8>,
) -> Option<Request<Full<Bytes>>> {
    let mut request = Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target.uri.clone();
    let own = request.headers_mut();
    own.insert(HOST, HeaderValue::from_str(target.uri.authority()?.as_str()).ok()?);
    own.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    own.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        own.insert(HeaderName::from_static(name), HeaderValue::from_str(value).ok()?);
    }
    Some(request)
}

/// Seconds, or a date, which is measured by the receiver's own clock.
fn retry_after_ms(headers: &HeaderMap) -> Option<i64> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let instant_ms =
        |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp().as_millisecond());
    let wanted = text(RETRY_AFTER)?;
    if let Ok(seconds) = wanted.parse::<i64>() {
        return Some(seconds.max(0).saturating_mul(1_000));
    }
    Some(instant_ms(wanted)?.saturating_sub(instant_ms(text(DATE)?)?).max(0))
}

/// An error and its causes on one line. hyper's do not contain the URL.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str, allow_private: bool) -> Result<String, TargetError> {
        Target::new(&Secret::new(url), allow_private).map(|target| target.host().to_owned())
    }

    #[test]
    fn urls() {
        for url in [
            "https://hooks.example.com/x?y=1",
            "http://127.0.0.1:9/x",
            "http://localhost/",
            "https://[::1]/",
            "https://1.1.1.1/",
        ] {
            assert!(target(url, false).is_ok(), "{url}");
        }
        for url in ["", "hooks.example.com", "ftp://x/", "/x", "https://user:word@example.com/", "https://"] {
            assert_eq!(target(url, true), Err(TargetError::NotAUrl), "{url}");
        }
        assert_eq!(target("http://hooks.example.com/", false), Err(TargetError::Bare));
        assert!(target("http://hooks.example.com/", true).is_ok());
        for address in [
            "10.0.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "[fd00::1]",
            "[fe80::1]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::a00:1]",
        ] {
            let url = format!("https://{address}/");
            assert!(matches!(target(&url, false), Err(TargetError::Private(_))), "{url}");
            assert!(target(&url, true).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_secret_url_is_not_shown() {
        let target =
            Target::new(&Secret::new("https://hooks.example.com/T0/B0/secret"), false).expect("a URL");
        assert!(!format!("{target:?}").contains("secret"));
        let error = Target::new(&Secret::new("http://x.example/secret"), false).expect_err("bare");
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn patience() {
        let of = |text: &str| {
            let value = |text: &str| HeaderValue::from_str(text).expect("a value");
            let now = value("Fri, 31 Dec 1999 23:58:59 GMT");
            retry_after_ms(&[(RETRY_AFTER, value(text)), (DATE, now)].into_iter().collect())
        };
        assert_eq!(of("120"), Some(120_000));
        assert_eq!(of("-1"), Some(0));
        assert_eq!(of("soon"), None);
        assert_eq!(of("Fri, 31 Dec 1999 23:59:59 GMT"), Some(60_000));
        assert_eq!(of("Fri, 31 Dec 1999 23:00:00 GMT"), Some(0));
        assert_eq!(retry_after_ms(&HeaderMap::new()), None);
    }
}
