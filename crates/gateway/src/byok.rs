//! [`Byok`]: whether the account has keys of its own at providers.
//!
//! Where it has, OpenRouter asks those providers first and takes a fee on top of what they charge (CONTRACT 8.4, 9.4), so
//! that bounds grow by it. Nothing tells before the first such call; an answer does, and the counter of a key.
//! Kept in memory: after a start the counter tells anew, once the key has been quiet for a while.
//!
//! Once seen with one key it holds for all: keys of one account share it, and another account's are held for 5 % too
//! much, which is the safe side.

use std::sync::atomic::{AtomicBool, Ordering};

use money::Nano;
use openrouter::usage::Charge;
use pricing::BYOK_FEE;

/// What has been seen so far.
#[derive(Debug, Default)]
pub(crate) struct Byok(AtomicBool);

impl Byok {
    /// Whether anything has shown such a key.
    pub(crate) fn is_seen(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// What an answer was billed.
    pub(crate) fn billed(&self, charge: &Charge) {
        if charge.is_byok() {
            self.see();
        }
    }

    /// What a key's counter has of it.
    pub(crate) fn counted(&self, usage: Option<Nano>) {
        if usage.is_some_and(|usage| usage > Nano::ZERO) {
            self.see();
        }
    }

    fn see(&self) {
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::info!(
                "providers are asked with keys of your own (BYOK): OpenRouter's fee of 5 % is held for too"
            );
        }
    }
}

/// What may be billed under a hold before a provider has broken its word: with an own key the fee on top, if the hold knew
/// nothing of it.
pub(crate) fn allowed(held: Nano, with_fee: bool, charge: &Charge) -> Nano {
    if charge.is_byok() && !with_fee { BYOK_FEE.of(held) } else { held }
}
