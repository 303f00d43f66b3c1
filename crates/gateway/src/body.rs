//! [`Body`]: what we answer with. One enum, so that no answer is boxed twice.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::passage::Passage;
use crate::receipt::Receipt;
use crate::relay::Relay;

/// An answer's body.
pub struct Body {
    kind: Kind,
    receipt: Option<Receipt>,
}

enum Kind {
    /// All of it.
    Whole(Option<Bytes>),
    /// A stream with a hold behind it.
    Relay(Box<Relay>),
    /// A read that passes through.
    Passage(Box<Passage>),
}

/// A stream that ended before its end; over a socket the connection is cut so that the client sees it too.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off: {0}")]
pub struct BrokenOff(pub(crate) String);

impl Body {
    /// What became of the money, where the request was priced. Of a stream: what is known so far.
    pub fn receipt(&self) -> Option<&Receipt> {
        self.receipt.as_ref()
    }

    pub(crate) fn relay(relay: Relay) -> Self {
        Body { kind: Kind::Relay(Box::new(relay)), receipt: None }
    }

    pub(crate) fn passage(passage: Passage) -> Self {
        Body { kind: Kind::Passage(Box::new(passage)), receipt: None }
    }

    pub(crate) fn keep(&mut self, receipt: Option<Receipt>) {
        self.receipt = receipt;
    }

    /// All of it, where it is not a stream.
    #[cfg(test)]
    pub(crate) fn whole(self) -> Option<Bytes> {
        match self.kind {
            Kind::Whole(bytes) => bytes,
            Kind::Relay(_) | Kind::Passage(_) => None,
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("receipt", &self.receipt).finish_non_exhaustive()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Body { kind: Kind::Whole(Some(bytes).filter(|bytes| !bytes.is_empty())), receipt: None }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match &mut self.get_mut().kind {
            Kind::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Relay(relay) => relay.poll_frame(cx),
            Kind::Passage(passage) => passage.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole(bytes) => bytes.is_none(),
            Kind::Relay(_) => false,
            Kind::Passage(passage) => passage.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Kind::Relay(_) => SizeHint::default(),
            Kind::Passage(passage) => passage.size_hint(),
        }
    }
}
