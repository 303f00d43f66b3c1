//! The evidence ladder (LEDGER.md 5.8): what a call cost that no answer told. Each rung is a file:
//!
//! ```text
//! asking     GET /generation for every unknown hold that has an id, until it tells
//! recheck    once more, later, for those that were taken as free
//! control    the counter of a quiet key, held against the books (admission::control: when, and what it proves)
//! analytics  OpenRouter's bill by generation, with a management key (leftover: what it proves)
//! auditing   the books of a day, held against that bill (crate::audit: what differs)
//! ```
//!
//! Everything here runs beside the requests and is bounded: in questions at a time, in what is remembered, in what is
//! read of the books, which happens on threads of its own. Fails closed: as long as nothing tells, a hold stays charged
//! at its bound; time alone never frees money.

mod analytics;
mod asking;
mod auditing;
mod bills;
mod control;
mod leftover;
mod recheck;

use std::sync::Arc;
use std::time::Duration;

use admission::{Admission, CorrectError, Correction};
use ledger::{Evidence, HoldId};
use money::Nano;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

pub use self::auditing::Booking;
pub(crate) use self::auditing::audit;
pub use self::bills::AuditError;
pub(crate) use self::recheck::{Recheck, Rechecks};
use crate::shared::Shared;

const TICK_EVERY: Duration = Duration::from_secs(1);
/// Ticks between two sweeps.
const TICKS_A_SWEEP: u64 = 60;

/// Starts the ladder, and the passing of time.
pub(crate) fn start(shared: &Arc<Shared>, background: &mut JoinSet<()>) {
    background.spawn(asking::run(Arc::clone(shared)));
    background.spawn(recheck::run(Arc::clone(shared)));
    background.spawn(control::run(Arc::clone(shared)));
    if shared.admin.is_some() {
        background.spawn(analytics::run(Arc::clone(shared)));
        background.spawn(auditing::run(Arc::clone(shared)));
    }
    background.spawn(tick(Arc::clone(shared)));
    background.spawn(hear(Arc::clone(shared)));
}

/// Asks what time it is while our clock is in doubt; for ever.
async fn hear(shared: Arc<Shared>) {
    loop {
        sleep(TICK_EVERY).await;
        if shared.admission.clock_is_off_by().is_some() {
            shared.hear_the_time().await;
        }
    }
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

/// Does what waits for the books' file on a thread of its own. `None`: that thread panicked, and said so.
async fn blocking<T: Send + 'static>(
    shared: &Shared,
    work: impl FnOnce(&Admission) -> T + Send + 'static,
) -> Option<T> {
    let admission = shared.admission.clone();
    spawn_blocking(move || work(&admission)).await.ok()
}

/// Books what an ended hold really cost.
async fn correct(
    shared: &Shared,
    hold: HoldId,
    cost: Nano,
    text: String,
    evidence: Evidence,
) -> Option<Correction> {
    let now_ms = shared.now_ms();
    let done =
        blocking(shared, move |admission| admission.correct(hold, cost, &text, evidence, now_ms)).await?;
    match done {
        Ok(correction) => {
            if correction.was != correction.cost {
                shared.stats.corrected.add();
                tracing::warn!(hold = hold.0, was = %correction.was, %cost, "a cost was booked anew");
            }
            Some(correction)
        }
        Err(error) => {
            log_failure(hold, &error);
            None
        }
    }
}

fn log_failure(hold: HoldId, error: &CorrectError) {
    tracing::warn!(hold = hold.0, %error, "a cost could not be booked anew");
}

/// A length of time in milliseconds, as the ledger counts.
fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
