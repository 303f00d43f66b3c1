//! Who may ask: programs on this machine, and pages that this console served. Closed by default.
//!
//! A page on the web can make a browser connect to a loopback address, under its own host name (DNS rebinding) or
//! from its own origin. Both show in a header.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

/// Why a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// `Host` is neither a loopback name nor our own address.
    Host,
    /// `Origin` is another page's.
    Origin,
}

impl Stranger {
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Stranger::Host => "this host name is not ours: use the address the console listens on",
            Stranger::Origin => "pages of other origins may not ask the console",
        }
    }
}

/// Checks the headers of a request that arrived at `own`. No `Host` at all passes: no browser does that.
pub(crate) fn check(headers: &HeaderMap, own: SocketAddr) -> Result<(), Stranger> {
    let text = |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap_or(""));
    if !text(HOST).all(|host| is_ours(host, own)) {
        return Err(Stranger::Host);
    }
    let same = |origin: &str| origin.strip_prefix("http://").is_some_and(|host| is_ours(host, own));
    if !text(ORIGIN).all(same) {
        return Err(Stranger::Origin);
    }
    Ok(())
}

/// Any port passes on a loopback name: it may have been forwarded.
fn is_ours(authority: &str, own: SocketAddr) -> bool {
    let Ok(authority) = authority.parse::<http::uri::Authority>() else {
        return false;
    };
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback() || ip == own.ip(),
        Err(_) => bare.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(host: Option<&str>, origin: Option<&str>) -> Result<(), Stranger> {
        let mut headers = HeaderMap::new();
        host.map(|host| headers.insert(HOST, host.parse().unwrap()));
        origin.map(|origin| headers.insert(ORIGIN, origin.parse().unwrap()));
        check(&headers, "127.0.0.1:4748".parse().unwrap())
    }

    #[test]
    fn hosts() {
        for host in ["127.0.0.1:4748", "localhost", "LocalHost:9", "[::1]:4748", "127.0.0.2", "localhost."] {
            assert_eq!(asked(Some(host), None), Ok(()), "{host}");
        }
        for host in
            ["evil.example", "127.0.0.1.evil.example:4748", "10.0.0.1", "", "localhost@evil.example", "a b"]
        {
            assert_eq!(asked(Some(host), None), Err(Stranger::Host), "{host}");
        }
        assert_eq!(asked(None, None), Ok(()));
    }

    #[test]
    fn origins() {
        assert_eq!(asked(Some("localhost:4748"), Some("http://localhost:4748")), Ok(()));
        for origin in ["https://evil.example", "null", "http://127.0.0.1.evil.example", "file://"] {
            assert_eq!(asked(Some("localhost:4748"), Some(origin)), Err(Stranger::Origin), "{origin}");
        }
    }
}
