//! HTTP over TLS, as every caller of ours does it: hyper's pooled client with every hidden retry off, no redirect, no
//! decoding, one deadline over name look-up, TCP and TLS, the certificates of webpki-roots.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tower_service::Service;

use crate::connector::{BoxError, Timed};

/// Shorter than the idle timeouts of load balancers, so that we are the ones who close.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
const KEEPALIVE: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// A pool of connections to anywhere. Cheap to clone.
pub type HttpsClient = Client<Timed<HttpsConnector<HttpConnector<Filtered>>>, Full<Bytes>>;

/// Makes a client. Names resolve only to addresses that `may_reach` says yes to; an address that stands in the URL
/// itself is not looked up and must be checked by the caller.
///
/// # Errors
/// When TLS cannot be set up.
pub fn https_client(
    connect_timeout: Duration,
    may_reach: fn(IpAddr) -> bool,
) -> Result<HttpsClient, rustls::Error> {
    let resolver = Filtered { inner: GaiResolver::new(), may_reach };
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEPALIVE));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls()?)
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new())
        .retry_canceled_requests(false)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(KEEPALIVE)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .build(Timed::new(connector, connect_timeout)))
}

/// TLS 1.2 and 1.3 over ring, with the certificate authorities of webpki-roots.
///
/// # Errors
/// When TLS cannot be set up.
pub fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_webpki_roots().with_no_client_auth())
}

/// The system's resolver, without the addresses that must not be reached.
#[derive(Clone, Debug)]
pub struct Filtered {
    inner: GaiResolver,
    may_reach: fn(IpAddr) -> bool,
}

/// A name has addresses, and none of them may be reached.
#[derive(Debug, thiserror::Error)]
#[error("the name leads only to addresses that must not be reached")]
struct OutOfReach;

impl Service<Name> for Filtered {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (looking, may_reach) = (self.inner.call(name), self.may_reach);
        Box::pin(async move {
            let addresses: Vec<SocketAddr> =
                looking.await?.filter(|address| may_reach(address.ip())).collect();
            if addresses.is_empty() { Err(OutOfReach.into()) } else { Ok(addresses.into_iter()) }
        })
    }
}
