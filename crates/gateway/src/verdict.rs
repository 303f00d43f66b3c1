//! [`Attempt`]: one attempt upstream with its hold; and what an answer means for that hold.
//!
//! * success with a cost: settled. Success without one: unknown;
//! * 3xx, and 400-429 with OpenRouter's error body: refused, assumed not billed (README, "Assumptions"). The same
//!   status without that body and without a generation id never reached OpenRouter's router: refused as well;
//! * everything else: unknown, until `/generation` tells.

use std::sync::Arc;

use admission::Flight;
use http::StatusCode;
use ledger::{Evidence, UnknownReason};
use money::Nano;
use openrouter::error::UpstreamError;
use openrouter::sse::Outcome;
use openrouter::usage::Billed;
use pricing::{Reason, Used};

use crate::byok;
use crate::counting::Sample;
use crate::evidence::Recheck;
use crate::explain::{End, Explained};
use crate::honesty::Finding;
use crate::saving;
use crate::shared::{FlightCount, Shared};

/// One attempt upstream, with its hold. Dropped without a verdict, its cost is unknown.
#[derive(Debug)]
pub(crate) struct Attempt {
    flight: Flight,
    explained: Arc<Explained>,
    sample: Option<Sample>,
    count: FlightCount,
}

/// What an answer says about itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    pub(crate) billed: &'a Billed,
    /// The tokens it counts.
    pub(crate) used: Option<Used>,
    /// The model that answered.
    pub(crate) model: Option<&'a str>,
    /// The provider that served it.
    pub(crate) provider: Option<&'a str>,
}

impl Attempt {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        flight: Flight,
        explained: Arc<Explained>,
        sample: Option<Sample>,
    ) -> Self {
        explained.end(End::Unknown(UnknownReason::Broken));
        Attempt { flight, explained, sample, count: shared.flight() }
    }

    /// The upstream named the generation.
    pub(crate) fn generated(&mut self, id: &str) {
        self.explained.generation.name(id);
        self.flight.generated(id);
    }

    pub(crate) fn has_generation(&self) -> bool {
        self.flight.generation().is_some()
    }

    pub(crate) fn void(self, evidence: Evidence) {
        self.explained.end(End::Voided(evidence));
        let shared = self.count.shared();
        let now_ms = shared.now_ms();
        let recheck = (evidence == Evidence::Refused).then(|| self.recheck(now_ms)).flatten();
        self.flight.void(evidence, now_ms);
        // After the hold has ended, for only then can it be corrected.
        if let Some(recheck) = recheck {
            shared.rechecks.add(recheck, shared.config.evidence.recheck_after);
        }
    }

    /// What is needed to ask once more for a call that was taken as free.
    fn recheck(&self, voided_ms: i64) -> Option<Recheck> {
        Some(Recheck {
            hold: self.flight.hold()?,
            generation: self.flight.generation()?.to_owned(),
            key: self.flight.upstream_key()?,
            bound: self.explained.held,
            model: self.explained.model.clone(),
            voided_ms,
        })
    }

    /// Whether the model asked for is a free one.
    pub(crate) fn is_free(&self) -> bool {
        self.explained.model.ends_with(":free")
    }

    /// The id of the first model's row.
    pub(crate) fn model(&self) -> &str {
        &self.explained.model
    }

    pub(crate) fn unknown(self, reason: UnknownReason, status: u16) {
        self.explained.end(End::Unknown(reason));
        self.note_saving(None, None);
        let now_ms = self.count.shared().now_ms();
        self.flight.unknown(reason, status, now_ms);
    }

    /// Settles at the cost in an answer; `otherwise` says why it is unknown where there is none.
    pub(crate) fn settle(mut self, told: Told<'_>, otherwise: UnknownReason, status: u16) {
        self.judge(told, otherwise);
        let used = told.used;
        match told.billed.charge() {
            Some(charge) => {
                self.note_saving(Some(charge.amount), used);
                self.explained.end(End::Settled { cost: charge.amount, text: charge.text.clone() });
                let now_ms = self.count.shared().now_ms();
                self.flight.settle(charge.amount, &charge.text, Evidence::Usage, now_ms);
            }
            None => self.unknown(otherwise, status),
        }
    }

    /// Ends with a stream: `broken` says how it broke off, if it did.
    pub(crate) fn settle_stream(mut self, outcome: &Outcome, broken: Option<UnknownReason>) {
        if let Some(id) = &outcome.id {
            self.generated(id);
        }
        let otherwise = match &outcome.error {
            Some(_) if !outcome.content_seen => UnknownReason::ServerError,
            _ => broken.unwrap_or(if outcome.done { UnknownReason::NoCost } else { UnknownReason::Broken }),
        };
        let told = Told {
            billed: &outcome.billed,
            used: outcome.used,
            model: outcome.model.as_deref(),
            provider: outcome.provider.as_deref(),
        };
        self.settle(told, otherwise, 200);
    }

    /// Whether the answer keeps to what was agreed.
    fn judge(&mut self, told: Told<'_>, otherwise: UnknownReason) {
        let sample = self.sample.take();
        let shared = self.count.shared();
        let find = |finding| shared.find(&self.answered(told.model), told.provider, finding);
        let held = self.explained.held;
        let bound = self.explained.bound.as_ref();
        let with_fee = bound.is_some_and(|bound| bound.reasons.contains(Reason::Byok));
        if let Some(charge) = told.billed.charge() {
            shared.byok.billed(charge);
        }
        match told.billed.charge() {
            Some(charge) if charge.amount > byok::allowed(held, with_fee, charge) => {
                let in_vain = told.provider.is_some_and(|name| self.had_excluded(told.model, name));
                find(Finding::Overrun { held, cost: charge.amount, in_vain });
                // Whatever the reason: a count is no ground for it any more.
                shared.seen.disagreed(&self.explained.model, told.provider.unwrap_or_default());
            }
            Some(_) => {}
            None if otherwise == UnknownReason::NoCost => find(Finding::UsageMissing),
            None => {}
        }
        if told.used.is_some_and(|used| used.completion > self.explained.tokens_max) {
            find(Finding::CapBroken);
        }
        if told.provider.is_some_and(|name| self.had_not_named(name)) {
            tracing::warn!(provider = told.provider, "served a request that named others in provider.only");
            shared.seen.breach();
        }
        if let (Some(sample), Some(used)) = (sample, told.used) {
            sample.compare(shared, told.model, told.provider, used.prompt);
        }
    }

    /// The id of the row that answered, which in a chain need not be the first.
    fn answered(&self, named: Option<&str>) -> String {
        let book = self.count.shared().catalogue.book();
        let row = named.and_then(|named| book.model(named));
        row.map_or_else(|| self.explained.model.clone(), |row| row.id.clone())
    }

    /// Whether the request had named others than the provider that served it.
    fn had_not_named(&self, provider: &str) -> bool {
        let Some(bound) = self.explained.bound.as_ref().filter(|bound| !bound.only.is_empty()) else {
            return false;
        };
        let book = self.count.shared().catalogue.book();
        let endpoints = book.model(&bound.model).and_then(|row| row.endpoints.as_deref()).unwrap_or_default();
        !endpoints.iter().any(|endpoint| endpoint.is_named(provider) && bound.only.contains(&endpoint.tag))
    }

    /// Whether the request had excluded the provider that served it.
    fn had_excluded(&self, model: Option<&str>, provider: &str) -> bool {
        let Some(bound) = self.explained.bound.as_ref().filter(|bound| !bound.ignore.is_empty()) else {
            return false;
        };
        let book = self.count.shared().catalogue.book();
        let row = book.model(&self.answered(model));
        let endpoints = row.and_then(|row| row.endpoints.as_deref()).unwrap_or_default();
        endpoints.iter().any(|endpoint| endpoint.is_named(provider) && bound.ignore.contains(&endpoint.tag))
    }

    /// Of a call that asked for a route: what it saved.
    fn note_saving(&self, cost: Option<Nano>, used: Option<Used>) {
        let Some(route) = self.explained.routed.as_ref().and_then(|routed| routed.route.as_ref()) else {
            return;
        };
        let shared = self.count.shared();
        let row = saving::of(route, &shared.catalogue.book(), cost, used, shared.now_ms());
        shared.admission.note_saving(row);
    }

    /// Ends with an answer other than success.
    pub(crate) fn end_refused(self, status: StatusCode, error: Option<&UpstreamError>) {
        let reached_nobody = error.is_none() && !self.has_generation();
        let refused = match status.as_u16() {
            300..=399 => true,
            400..=429 => error.is_some() || reached_nobody,
            _ => false,
        };
        if refused {
            self.void(Evidence::Refused);
        } else {
            self.unknown(UnknownReason::ServerError, status.as_u16());
        }
    }
}
