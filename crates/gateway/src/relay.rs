//! [`Relay`]: a stream on its way to the client, byte for byte, with its hold behind it.
//!
//! Nothing is buffered: a piece is read from the upstream when the client takes one. A scanner looks at the pieces
//! as they pass, for the cost, an error, the end. When the client leaves, the hold does not: the rest is read on
//! to learn the cost, or the stream is aborted where its provider stops billing then (CONTRACT 11.6).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use ledger::UnknownReason;
use openrouter::sse::Scanner;
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::body::BrokenOff;
use crate::config::ClientGone;
use crate::shared::Shared;
use crate::verdict::Attempt;

/// How long a stream is read on after its client left, in all.
const READ_ON_MAX: Duration = Duration::from_secs(3_600);

pub(crate) struct Relay {
    shared: Arc<Shared>,
    stream: Option<Stream>,
    idle: Pin<Box<Sleep>>,
    /// It broke off: to be told once everything before has been written out.
    broken: Option<BrokenOff>,
}

/// The upstream's side, until its end.
struct Stream {
    incoming: Incoming,
    scanner: Scanner,
    attempt: Attempt,
}

impl Relay {
    pub(crate) fn new(shared: &Arc<Shared>, incoming: Incoming, attempt: Attempt) -> Self {
        let stream = Stream { incoming, scanner: Scanner::new(), attempt };
        let idle = Box::pin(sleep(shared.config.limits.upstream_idle));
        Relay { shared: Arc::clone(shared), stream: Some(stream), idle, broken: None }
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        loop {
            let Some(stream) = &mut self.stream else { return Poll::Ready(self.broken.take().map(Err)) };
            let Poll::Ready(frame) = Pin::new(&mut stream.incoming).poll_frame(cx) else {
                ready!(self.idle.as_mut().poll(cx));
                return self.break_off(UnknownReason::TimedOut, "nothing came for too long", cx);
            };
            match frame {
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    stream.take(&data);
                    let next = Instant::now() + self.shared.config.limits.upstream_idle;
                    self.idle.as_mut().reset(next);
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Some(Err(error)) => return self.break_off(UnknownReason::Broken, &error.to_string(), cx),
                None => {
                    if let Some(stream) = self.stream.take() {
                        self.shared.stats.served.add();
                        stream.end(None);
                    }
                    return Poll::Ready(None);
                }
            }
        }
    }

    /// An error makes the server drop what it has not written yet, were it the head of the answer: so it comes a
    /// poll later, after a flush.
    fn break_off(
        &mut self,
        reason: UnknownReason,
        why: &str,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if let Some(stream) = self.stream.take() {
            stream.end(Some(reason));
        }
        self.broken = Some(BrokenOff(why.to_owned()));
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let Some(stream) = self.stream.take() else { return };
        let outcome = stream.scanner.outcome();
        // Most clients close as soon as they have read the end mark.
        if outcome.done && outcome.billed.charge().is_some() {
            self.shared.stats.served.add();
            return stream.end(None);
        }
        self.shared.stats.clients_gone.add();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(read_on(Arc::clone(&self.shared), stream))),
            Err(_) => stream.end(Some(UnknownReason::ClientGone)),
        }
    }
}

impl Stream {
    fn take(&mut self, data: &[u8]) {
        self.scanner.feed(data);
        if !self.attempt.has_generation()
            && let Some(id) = self.scanner.id()
        {
            self.attempt.generated(id);
        }
    }

    fn end(self, broken: Option<UnknownReason>) {
        let outcome = self.scanner.finish();
        self.attempt.settle_stream(&outcome, broken);
    }
}

/// The client has left: learn the cost, or stop it from growing.
async fn read_on(shared: Arc<Shared>, mut stream: Stream) {
    let idle = shared.config.limits.upstream_idle;
    let until = Instant::now() + READ_ON_MAX;
    loop {
        let stops = || {
            let provider = stream.scanner.provider();
            provider.is_some_and(|name| shared.honesty().stops_billing(stream.attempt.model(), name))
        };
        if is_to_abort(shared.config.on_client_gone, stops) || Instant::now() > until {
            return stream.end(Some(UnknownReason::ClientGone));
        }
        match timeout(idle, stream.incoming.frame()).await {
            Ok(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    stream.take(data);
                }
            }
            Ok(Some(Err(_))) => return stream.end(Some(UnknownReason::Broken)),
            Ok(None) => return stream.end(None),
            Err(_) => return stream.end(Some(UnknownReason::TimedOut)),
        }
    }
}

fn is_to_abort(policy: ClientGone, stops_billing: impl FnOnce() -> bool) -> bool {
    match policy {
        ClientGone::Abort => true,
        ClientGone::ReadOn => false,
        ClientGone::Auto => stops_billing(),
    }
}
