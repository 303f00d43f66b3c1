//! [`Run`]: a generation under way, which ends exactly once whatever becomes of the connection.

use std::sync::Arc;

use crate::account::payer::Payer;
use crate::entry::{End, Status};
use crate::exact::Exact;
use crate::plan::Plan;
use crate::server::State;

/// A generation under way. Dropping it is the client leaving: a stream stops, and its billing with it, where the
/// provider can stop; everything else runs on and is billed in full.
pub(crate) struct Run {
    state: Arc<State>,
    pub(crate) plan: Arc<Plan>,
    /// Completion tokens so far.
    pub(crate) produced: u64,
    /// What is set aside of the in-flight budget.
    held: Exact,
    over: bool,
}

impl Run {
    /// Books it; so much of the in-flight budget is set aside for it.
    pub(crate) fn start(state: &Arc<State>, plan: Arc<Plan>, payer: Payer, held: Exact) -> Run {
        state.books().open(Arc::clone(&plan), payer, state.config.generations_max);
        Run { state: Arc::clone(state), plan, produced: 0, held, over: false }
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
            let (state, end) = (&self.state, End { status, completion, free });
            let (lag_ms, most) = (state.config.counter_lag_ms, state.config.generations_max);
            state.books().close(&self.plan.id, end, state.now(), lag_ms, most);
            if !self.held.is_zero() {
                state.flow.lock().free(self.held);
            }
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
