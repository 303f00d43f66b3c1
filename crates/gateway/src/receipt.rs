//! [`Receipt`]: what became of the money of one call, for whoever called from within the program. The same that
//! headers and `farebox explain` tell, as values.

use std::fmt;
use std::sync::Arc;

use admission::BalanceReport;
use ledger::UnknownReason;
use money::Nano;
use parking_lot::Mutex;
use pricing::Fit;
use serde_json::Value;

use crate::explain::{End, Explained};

/// The money of one call. Cheap to clone.
#[derive(Clone)]
pub struct Receipt(Arc<Explained>);

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not sent yet.
    Running,
    /// It cost this, USD, by OpenRouter's own figure.
    Settled(Nano),
    /// It cost nothing: it was never sent, or turned down before anything ran.
    Voided,
    /// Not known, or not yet: the hold stays charged at its bound until OpenRouter tells.
    Unknown(UnknownReason),
    /// It was not admitted, and nothing was sent.
    Refused {
        /// The stable word, as in `x-farebox-reason`.
        code: &'static str,
        /// One sentence.
        sentence: String,
        /// The least that was needed, USD, where the request could be bounded.
        needed: Option<Nano>,
        /// The output cap that would have fitted, tokens, where one would.
        fitting_cap: Option<u64>,
        /// What the same call would cost with other models, where it would fit.
        would_fit: Vec<Fit>,
    },
}

impl Receipt {
    /// The number of the request, for `farebox explain`.
    pub fn request(&self) -> &str {
        &self.0.request
    }

    /// The name that was asked for: a route, or a model.
    pub fn asked(&self) -> &str {
        self.0.routed.as_ref().map_or(&self.0.model, |routed| &routed.asked)
    }

    /// Whether a cheaper model stood in, because the money did not pay for the one asked for.
    pub fn is_downgraded(&self) -> bool {
        self.0.routed.as_ref().is_some_and(|routed| routed.is_downgrade())
    }

    /// The name that was sent first: the one asked for, or what its route or a fallback made of it.
    pub fn sent(&self) -> &str {
        self.0.routed.as_ref().map_or(&self.0.model, |routed| &routed.model)
    }

    /// The id of its row in the price book.
    pub fn model(&self) -> &str {
        &self.0.model
    }

    /// What was set aside, USD: it cannot cost more.
    pub fn held(&self) -> Nano {
        self.0.held
    }

    /// The output cap asked for and the one sent, tokens, where it was lowered to fit the money.
    pub fn clamped(&self) -> Option<(u64, u64)> {
        self.0.clamped
    }

    /// The tightest balance it was charged to or refused by, as it stood then.
    pub fn balance(&self) -> Option<&BalanceReport> {
        self.0.balance.as_ref()
    }

    /// What became of it when its attempt ended. What is unknown then may be settled in the books later.
    pub fn outcome(&self) -> Outcome {
        match self.0.end.lock().clone() {
            End::InFlight => Outcome::Running,
            End::Settled { cost, .. } => Outcome::Settled(cost),
            End::Voided(_) => Outcome::Voided,
            End::Unknown(reason) => Outcome::Unknown(reason),
            End::Refused { reason, sentence, needed, fitting_cap, would_fit } => {
                Outcome::Refused { code: reason, sentence, needed, fitting_cap, would_fit }
            }
        }
    }

    /// All of it, as `farebox explain --json` has it.
    pub fn to_json(&self) -> Value {
        self.0.to_json()
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (request, outcome) = (self.request(), self.outcome());
        f.debug_struct("Receipt")
            .field("request", &request)
            .field("outcome", &outcome)
            .finish_non_exhaustive()
    }
}

/// Where a walk leaves the receipt of its last attempt.
#[derive(Debug, Default)]
pub(crate) struct Slot(Mutex<Option<Receipt>>);

impl Slot {
    pub(crate) fn put(&self, explained: &Arc<Explained>) {
        *self.0.lock() = Some(Receipt(Arc::clone(explained)));
    }

    pub(crate) fn take(self) -> Option<Receipt> {
        self.0.into_inner()
    }
}
