//! What must be right before anything starts.

use std::net::{IpAddr, SocketAddr};

use farebox::Config;
use http::Uri;

use crate::failure::Failure;

/// Checks a configuration as a whole.
pub(crate) fn all(config: &Config, sandbox: bool) -> Result<(), Failure> {
    if !config.says_what_to_hold() {
        return Err(Failure::usage("there is no budget, so there is nothing to hold calls to")
            .hint("farebox serve --budget 10/day (or --budget none to pass everything uncounted)"));
    }
    for (what, address) in [("programs", config.listen), ("the console", config.console)] {
        if !address.ip().is_loopback() {
            return Err(Failure::usage(format!(
                "{address} for {what} can be reached from other machines, and nobody who calls is asked for a key yet"
            ))
            .hint(format!("listen on this machine only: 127.0.0.1:{}", address.port())));
        }
    }
    if config.listen == config.console && config.listen.port() != 0 {
        return Err(Failure::usage(format!("programs and the console cannot both be on {}", config.listen))
            .hint("give the console another port: --console 127.0.0.1:4748"));
    }
    if !sandbox {
        is_url(&config.upstream.value)?;
        no_loop(&config.upstream.value, &[config.listen, config.console])?;
    }
    Ok(())
}

fn is_url(url: &str) -> Result<(), Failure> {
    let wrong = |why: &str| {
        Failure::usage(format!("the upstream '{url}' {why}"))
            .hint("an upstream is a URL such as https://openrouter.ai/api/v1")
    };
    let uri: Uri = url.parse().map_err(|_| wrong("is not a URL"))?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(authority)) if authority.as_str().contains('@') => {
            Err(wrong("has a user name in it"))
        }
        (Some("http" | "https"), Some(_)) if uri.query().is_some() => Err(wrong("has a question mark in it")),
        (Some("http" | "https"), Some(_)) => Ok(()),
        _ => Err(wrong("is not an http or https URL")),
    }
}

/// An upstream that is this very gateway would answer every call with another.
pub(crate) fn no_loop(url: &str, own: &[SocketAddr]) -> Result<(), Failure> {
    let Ok(uri) = url.parse::<Uri>() else { return Ok(()) };
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let here = match bare.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback() || ip.is_unspecified(),
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    };
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    if here && own.iter().any(|address| address.port() == port) {
        return Err(Failure::usage(format!(
            "the upstream {url} is this gateway itself: calls would go in a circle"
        ))
        .hint(
            "OPENROUTER_BASE_URL says where farebox sends calls; unset it here, or name another --upstream",
        ));
    }
    Ok(())
}

/// Whether a key would travel unencrypted over a network.
pub(crate) fn is_bare_http(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let here =
        bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    uri.scheme_str() == Some("http") && !here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles() {
        let own = ["127.0.0.1:4747".parse().unwrap(), "127.0.0.1:80".parse().unwrap()];
        for url in [
            "http://127.0.0.1:4747/api/v1",
            "http://localhost:4747",
            "http://[::1]:4747/v1",
            "http://0.0.0.0:4747",
            "http://localhost",
        ] {
            assert!(no_loop(url, &own).is_err(), "{url}");
        }
        for url in
            ["http://127.0.0.1:4749/api/v1", "https://openrouter.ai:4747/api/v1", "https://localhost/api/v1"]
        {
            assert!(no_loop(url, &own).is_ok(), "{url}");
        }
    }

    #[test]
    fn urls() {
        for url in ["https://openrouter.ai/api/v1", "http://127.0.0.1:1/api/v1/", "http://[::1]:1"] {
            assert!(is_url(url).is_ok(), "{url}");
        }
        for url in ["", "openrouter.ai", "ftp://x/y", "https://a:b@x/y", "https://x/y?z", "not a url", "/api"]
        {
            assert!(is_url(url).is_err(), "{url}");
        }
        assert!(is_bare_http("http://proxy.example/api"));
        assert!(!is_bare_http("http://localhost:1") && !is_bare_http("https://proxy.example"));
    }
}
