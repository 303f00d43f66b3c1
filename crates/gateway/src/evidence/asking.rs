//! Resolving unknown holds: `GET /generation` until it tells the cost (CONTRACT 7.1), from a second to ten minutes
//! apart. A server error of which it knows nothing after `final_after` is taken as insured (CONTRACT 11.7).
//!
//! Fails closed: as long as nobody tells, the hold stays charged at its bound.

use std::sync::Arc;
use std::time::Duration;

use admission::DueHold;
use ledger::{Evidence, UnknownReason};
use money::Nano;
use openrouter::client::{Generation, GenerationAnswer};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::ms;
use super::recheck::Recheck;
use crate::byok;
use crate::honesty::Finding;
use crate::shared::Shared;

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Questions at the same time.
const ASKED_MAX: usize = 16;

/// Asks for ever.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut asked: JoinSet<()> = JoinSet::new();
    loop {
        while asked.try_join_next().is_some() {}
        let room = ASKED_MAX - asked.len();
        if room > 0 {
            for due in shared.admission.due(shared.now_ms(), room, |id| shared.key(id).is_some()) {
                asked.spawn(ask(Arc::clone(&shared), due));
            }
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn ask(shared: Arc<Shared>, due: DueHold) {
    let Some(key) = shared.key(due.upstream_key) else { return };
    match shared.upstream.generation(&due.generation, key.expose()).await {
        Ok(GenerationAnswer::Found(generation)) => {
            let Some(charge) = &generation.charge else { return };
            let (cost, now_ms) = (charge.amount, shared.now_ms());
            if shared.admission.resolve(due.hold, cost, &charge.text, Evidence::Generation, now_ms) {
                judge(&shared, &due, &generation);
                // A cost of zero may be one that is not charged yet.
                if cost == Nano::ZERO {
                    shared.rechecks.add(recheck(due, now_ms), shared.config.evidence.recheck_after);
                }
            }
        }
        Ok(GenerationAnswer::NotYet)
            if due.is_insured(shared.now_ms(), ms(shared.config.evidence.final_after)) =>
        {
            let now_ms = shared.now_ms();
            if shared.admission.resolve(due.hold, Nano::ZERO, "", Evidence::Insured, now_ms) {
                shared.rechecks.add(recheck(due, now_ms), shared.config.evidence.recheck_after);
            }
        }
        Ok(GenerationAnswer::NotYet) => {}
        Ok(GenerationAnswer::Refused(status)) => {
            tracing::warn!(status, generation = due.generation, "OpenRouter refuses to tell a cost");
        }
        Err(error) => tracing::debug!(%error, generation = due.generation, "cannot ask for a cost"),
    }
}

fn recheck(due: DueHold, voided_ms: i64) -> Recheck {
    let DueHold { hold, generation, upstream_key, bound, model, .. } = due;
    Recheck { hold, generation, key: upstream_key, bound, model, voided_ms }
}

/// Whether a stream that was aborted at a provider that stops billing then did stop: it ran on when it was not
/// cancelled, or came out at its whole cap. What was billed above its hold counts as well.
fn judge(shared: &Shared, due: &DueHold, generation: &Generation) {
    let provider = generation.provider.as_deref();
    let book = shared.catalogue.book();
    let model = generation.model.as_deref().and_then(|named| book.model(named));
    let model = model.map_or(due.model.as_str(), |row| row.id.as_str());
    let charge = generation.charge.as_ref();
    // As far as can be told now: holds from before the fee was known end soon.
    let with_fee = shared.config.bounds.byok || shared.byok.is_seen();
    if let Some(charge) = charge {
        shared.byok.billed(charge);
    }
    if let Some(charge) = charge.filter(|charge| charge.amount > byok::allowed(due.bound, with_fee, charge)) {
        shared.find(
            model,
            provider,
            Finding::Overrun { held: due.bound, cost: charge.amount, in_vain: false },
        );
    }
    let stops = provider.is_some_and(openrouter::providers::stops_billing);
    let cap = shared.explanations.cap_of(&due.generation);
    let at_cap = cap.zip(generation.completion_tokens).is_some_and(|(cap, tokens)| tokens >= cap);
    if due.reason == UnknownReason::ClientGone && stops && (at_cap || generation.cancelled == Some(false)) {
        shared.find(model, provider, Finding::CancelBroken);
    }
}
