//! [`Run`]: a generation under way, which ends exactly once whatever becomes of the connection.

use std::sync::Arc;

use crate::books::Status;
use crate::clock::Moment;
use crate::plan::Plan;
use crate::server::State;

/// A generation under way. Dropping it is the client leaving: a stream stops, and its billing with it, where the
/// provider can stop; everything else runs on and is billed in full.
pub(crate) struct Run {
    state: Arc<State>,
    pub(crate) plan: Arc<Plan>,
    /// Completion tokens so far.
    pub(crate) produced: u64,
    over: bool,
}

impl Run {
    /// Books it.
    pub(crate) fn start(state: &Arc<State>, plan: Arc<Plan>, key: Arc<str>) -> Run {
        state.books.lock().open(Arc::clone(&plan), key, state.config.generations_max);
        Run { state: Arc::clone(state), plan, produced: 0, over: false }
    }

    /// It came to its end.
    pub(crate) fn finish(&mut self) {
        self.end(Status::Done, self.plan.usage.completion, false);
    }

    /// The provider failed. Nothing is owed before the first token (CONTRACT 11.7).
    pub(crate) fn fail(&mut self) {
        self.end(Status::Failed, self.produced, self.produced == 0);
    }

    fn end(&mut self, status: Status, completion: u64, free: bool) {
        if !self.over {
            self.over = true;
            self.state.books.lock().close(&self.plan.id, status, completion, free, Moment::now());
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.plan.stream && self.plan.cancels {
            self.end(Status::Aborted, self.produced, false);
        } else {
            self.end(Status::Done, self.plan.usage.completion, false);
        }
    }
}
