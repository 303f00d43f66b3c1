//! The evidence ladder (LEDGER.md 5.8): what a call cost that no answer told. Each rung is a file:
//!
//! ```text
//! asking     GET /generation for every unknown hold that has an id, until it tells
//! ```
//!
//! Everything here runs beside the requests and is bounded. Fails closed: as long as nothing tells, a hold stays
//! charged at its bound; time alone never frees money.

mod asking;
mod counter;
mod leftover;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::shared::Shared;

const TICK_EVERY: Duration = Duration::from_secs(1);
/// Ticks between two sweeps.
const TICKS_A_SWEEP: u64 = 60;

/// Starts the ladder, and the passing of time.
pub(crate) fn start(shared: &Arc<Shared>, background: &mut JoinSet<()>) {
    background.spawn(asking::run(Arc::clone(shared)));
    background.spawn(tick(Arc::clone(shared)));
}

/// Lets time pass for those who wait, and retires balances whose window has ended; for ever.
async fn tick(shared: Arc<Shared>) {
    for tick in 1_u64.. {
        sleep(TICK_EVERY).await;
        shared.admission.tick(shared.now_ms());
        if tick.is_multiple_of(TICKS_A_SWEEP) {
            shared.admission.sweep(shared.now_ms());
        }
    }
}
