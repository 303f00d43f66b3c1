//! Reserve, clamp, park, refuse: the order of DESIGN.md 4.6. No byte is sent while parked (a 402 must stay
//! possible); a client that leaves leaves the queue, because its future is dropped.

use admission::{Ask, Refusal, RefusalReason, Reserved, Shortage};
use tokio::time::{Instant, timeout_at};

use crate::shared::Shared;

/// Gets money for one attempt, waiting for it until `deadline` where only others' holds are in the way. `bytes`: of its
/// body.
pub(crate) async fn admit(
    shared: &Shared,
    ask: &Ask<'_>,
    bytes: usize,
    deadline: Instant,
) -> Result<Reserved, Refusal> {
    let mut parked_before = false;
    loop {
        let wait = match shared.admission.reserve(ask, shared.now_ms()) {
            Ok(reserved) => return Ok(reserved),
            Err(Shortage::Refused(refusal)) => return Err(refusal),
            Err(Shortage::Wait(wait)) => wait,
        };
        if Instant::now() >= deadline {
            return Err(wait.refusal);
        }
        let Some(_lease) = shared.parked_bodies.lease(bytes, shared.config.limits.parked_bytes_max) else {
            return Err(wait.refusal);
        };
        if !parked_before {
            shared.stats.parked.add();
            parked_before = true;
        }
        let parked = shared.admission.park(wait).map_err(|refusal| *refusal)?;
        // Matched again when its window ended, and once more at the deadline for the freshest reason.
        if let Ok(Some(reserved)) = timeout_at(deadline, parked).await {
            return Ok(reserved);
        }
    }
}

/// Whether a smaller bound could have passed.
pub(crate) fn is_for_money(refusal: &Refusal) -> bool {
    matches!(refusal.reason, RefusalReason::UsedUp | RefusalReason::PerRequest | RefusalReason::Held)
}
