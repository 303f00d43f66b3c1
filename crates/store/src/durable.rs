//! Waiting until a record is on disk, from async code or from a thread, without a runtime.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use crate::syncer::Syncer;
use crate::{JournalError, Position};

/// Ends when a record is as durable as [`crate::Options::durability`] asks. Dropping it forgets the wait, not the
/// record.
#[must_use = "a record is only known to be on disk when this has ended"]
pub struct Durable {
    at: Position,
    /// `None`: the process surviving is all that was asked for.
    syncer: Option<Arc<Syncer>>,
    ticket: Option<u64>,
}

impl Durable {
    pub(crate) fn new(at: Position, syncer: Option<Arc<Syncer>>) -> Self {
        Self { at, syncer, ticket: None }
    }

    /// Blocks the thread until the record is durable.
    ///
    /// # Errors
    /// As the future does: [`JournalError::Io`] when the sync failed.
    pub fn wait(self) -> Result<(), JournalError> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut this = pin!(self);
        loop {
            match this.as_mut().poll(&mut context) {
                Poll::Ready(result) => return result,
                Poll::Pending => thread::park(),
            }
        }
    }
}

impl Future for Durable {
    type Output = Result<(), JournalError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(syncer) = &this.syncer else { return Poll::Ready(Ok(())) };
        syncer.poll(this.at.seq(), &mut this.ticket, context.waker())
    }
}

impl Drop for Durable {
    fn drop(&mut self) {
        if let (Some(syncer), Some(ticket)) = (&self.syncer, self.ticket) {
            syncer.forget(ticket);
        }
    }
}

impl fmt::Debug for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Durable").field("at", &self.at).finish_non_exhaustive()
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
