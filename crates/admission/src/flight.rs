//! [`Flight`]: an attempt whose bytes have left. It ends settled, voided, or unknown; never by being forgotten.

use std::sync::Arc;

use ledger::mutants::{self, Mutant};
use ledger::{Evidence, HoldId, UnknownReason, UpstreamKeyId};
use money::Nano;
use store::Record;

use crate::permit::OpenHold;

/// OpenRouter's ids are at most 64 characters long (CONTRACT 7.1, 2026-10-02); what is much longer is none.
const GENERATION_BYTES_MAX: usize = 256;

/// An attempt upstream. Dropped without an end, its cost is unknown and stays charged.
#[derive(Debug)]
pub struct Flight {
    hold: Option<OpenHold>,
    generation: Option<String>,
}

impl Flight {
    pub(crate) fn new(hold: Option<OpenHold>) -> Self {
        Flight { hold, generation: None }
    }

    /// Its number in the books.
    pub fn hold(&self) -> Option<HoldId> {
        self.hold.as_ref().map(|hold| hold.id)
    }

    /// The key it was sent with.
    pub fn upstream_key(&self) -> Option<UpstreamKeyId> {
        self.hold.as_ref().map(|hold| hold.upstream_key.id)
    }

    /// The generation id that the upstream gave it, once known.
    pub fn generation(&self) -> Option<&str> {
        self.generation.as_deref()
    }

    /// Journals the generation id, as soon as the response headers bring it. The first one counts.
    pub fn generated(&mut self, id: &str) {
        if self.generation.is_some() || id.is_empty() || id.len() > GENERATION_BYTES_MAX {
            return;
        }
        if let Some(hold) = self.hold.as_ref().filter(|_| !mutants::is(Mutant::GenerationForgotten)) {
            // A failed journal has already stopped admission; the id is kept in memory all the same.
            let _ = hold.core.store.append(&Record::Generation { hold: hold.id, id });
            self.generation = Some(id.to_owned());
        }
    }

    /// The cost is known: `text` is the upstream's own, verbatim.
    pub fn settle(mut self, cost: Nano, text: &str, evidence: Evidence, now_ms: i64) {
        if let Some(hold) = self.hold.take() {
            Arc::clone(&hold.core).end(hold, cost, text, evidence, now_ms);
        }
    }

    /// Proved free.
    pub fn void(self, evidence: Evidence, now_ms: i64) {
        self.settle(Nano::ZERO, "", evidence, now_ms);
    }

    /// The cost is not known: stays charged at its bound until evidence resolves it. `status`: HTTP, or 0.
    pub fn unknown(mut self, reason: UnknownReason, status: u16, now_ms: i64) {
        self.keep_unknown(reason, status, now_ms);
    }

    fn keep_unknown(&mut self, reason: UnknownReason, status: u16, now_ms: i64) {
        if let Some(hold) = self.hold.take() {
            Arc::clone(&hold.core).keep_unknown(hold, self.generation.take(), reason, status, now_ms);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let now_ms = self.hold.as_ref().map_or(0, |hold| hold.core.latest_ms());
        self.keep_unknown(UnknownReason::Broken, 0, now_ms);
    }
}
