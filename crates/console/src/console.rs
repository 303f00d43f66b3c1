//! [`Console`]: the listener.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use admission::Admission;
use alerts::Alerts;
use gateway::Gateway;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::router::Router;
use crate::token::Token;

/// Connections at the same time.
const CONNECTIONS_MAX: usize = 256;
/// All header lines of one request, bytes.
const HEADER_BYTES_MAX: usize = 16 << 10;
/// From the opening of a connection, or the last answer on it, to the end of the next request's headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a stop waits for answers under way.
const DRAIN: Duration = Duration::from_secs(5);
/// The pause after a failed accept (usually: no file descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The control plane of one gateway.
#[derive(Clone, Debug)]
pub struct Console {
    router: Router,
}

impl Console {
    /// A console on `own`, the address it listens on, which decides the `Host` headers it answers to.
    pub fn new(admission: Admission, gateway: Gateway, own: SocketAddr, version: &'static str) -> Self {
        Console { router: Router { admission, gateway, alerts: None, token: None, own, version } }
    }

    /// The same console, which also tells about alerts.
    #[must_use]
    pub fn with_alerts(mut self, alerts: Alerts) -> Self {
        self.router.alerts = Some(alerts);
        self
    }

    /// The same console, which also takes changes from whoever shows this token.
    #[must_use]
    pub fn with_token(mut self, token: Token) -> Self {
        self.router.token = Some(token);
        self
    }

    /// Answers until `shutdown` ends, then finishes what is under way.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let router = Arc::new(self.router);
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let graceful = GracefulShutdown::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let (stream, place) = tokio::select! {
                accepted = accept(&listener, &places) => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        pause_after(&error).await;
                        continue;
                    }
                },
                () = &mut shutdown => break,
            };
            let connection = graceful.watch(connection(stream, Arc::clone(&router)));
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a console connection broke off");
                }
                drop(place);
            });
        }
        drop(listener);
        let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    Ok((listener.accept().await?.0, place))
}

fn connection(
    stream: TcpStream,
    router: Arc<Router>,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let router = Arc::clone(&router);
        async move { Ok::<_, Infallible>(router.answer(request).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
}

async fn pause_after(error: &io::Error) {
    let of_one_connection = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    );
    if !of_one_connection {
        tracing::warn!(%error, "the console cannot accept connections");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}
