//! [`Timed`]: a connector with one deadline over name look-up, TCP and TLS together. A peer that accepts and then
//! says nothing would otherwise hold a request, and its money, until the answer's own deadline, and then leave it
//! unknown although nothing was sent.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use tokio::time::timeout;
use tower_service::Service;

/// Connects within a time, or not at all.
#[derive(Clone, Debug)]
pub struct Timed<C> {
    connector: C,
    most: Duration,
}

impl<C> Timed<C> {
    pub(crate) fn new(connector: C, most: Duration) -> Self {
        Timed { connector, most }
    }
}

/// The deadline passed.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {} s", .0.as_secs_f32())]
struct TooSlow(Duration);

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (most, connecting) = (self.most, self.connector.call(uri));
        Box::pin(async move {
            match timeout(most, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err(TooSlow(most).into()),
            }
        })
    }
}
