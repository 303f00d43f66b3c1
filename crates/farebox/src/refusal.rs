//! [`Refusal`]: a no, with what the program needs next.

use admission::{BalanceReport, RefusalReason};
use gateway::{Outcome, Receipt};
use money::Nano;
use pricing::Fit;

/// A call that the budgets do not let pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: RefusalReason,
    /// One sentence, as the gateway says it.
    pub sentence: String,
    /// The balance that binds, as it stood.
    pub balance: Option<BalanceReport>,
    /// The least that was needed, at the lowest output cap worth sending, USD.
    pub needed: Option<Nano>,
    /// The output cap that would have fitted, tokens, where one would: with it as `max_tokens`, the call passes.
    pub fitting_cap: Option<u64>,
    /// Models with which the same call would fit, each with its cap and bound.
    pub would_fit: Vec<Fit>,
    /// The number of the request, for `farebox explain`.
    pub request: Option<String>,
}

/// All of them, to find one by its word.
const REASONS: [RefusalReason; 8] = [
    RefusalReason::UsedUp,
    RefusalReason::Held,
    RefusalReason::PerRequest,
    RefusalReason::Unbudgeted,
    RefusalReason::Full,
    RefusalReason::Journal,
    RefusalReason::Clock,
    RefusalReason::Restored,
];

impl Refusal {
    /// The budget that binds.
    pub fn budget(&self) -> Option<&str> {
        self.balance.as_ref().map(|balance| balance.name.budget.as_str())
    }

    /// From the stable word and the receipt of an answer; `None` when it is no refusal by a budget.
    pub(crate) fn read(code: &str, sentence: &str, receipt: Option<&Receipt>) -> Option<Refusal> {
        let reason = REASONS.into_iter().find(|reason| reason.text() == code)?;
        let (needed, fitting_cap, would_fit) = match receipt.map(Receipt::outcome) {
            Some(Outcome::Refused { needed, fitting_cap, would_fit, .. }) => (needed, fitting_cap, would_fit),
            _ => (None, None, Vec::new()),
        };
        Some(Refusal {
            reason,
            sentence: sentence.to_owned(),
            balance: receipt.and_then(Receipt::balance).cloned(),
            needed,
            fitting_cap,
            would_fit,
            request: receipt.map(|receipt| receipt.request().to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for reason in REASONS {
            let refusal = Refusal::read(reason.text(), "no", None);
            assert_eq!(refusal.map(|refusal| refusal.reason), Some(reason));
        }
        assert!(Refusal::read("stale-prices", "no", None).is_none());
    }
}
