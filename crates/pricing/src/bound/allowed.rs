//! [`Allowed`]: costs that nobody can bound, and the figures that the operator allows for them.

use money::Nano;

use crate::allowance::Allowances;
use crate::shape::{CallerMaxPrice, Shape};
use crate::unpriced::Unpriced;

/// What has been allowed so far.
pub(super) struct Allowed<'a> {
    allowances: &'a Allowances,
    /// USD, all together.
    pub(super) usd: Nano,
    pub(super) any: bool,
    /// What is allowed may put into the prompt what it likes.
    pub(super) fills: bool,
}

impl<'a> Allowed<'a> {
    pub(super) fn new(allowances: &'a Allowances) -> Allowed<'a> {
        Allowed { allowances, usd: Nano::ZERO, any: false, fills: false }
    }

    /// Takes a cost in.
    ///
    /// # Errors
    /// The cost itself, when nothing is allowed for it.
    pub(super) fn take(&mut self, cost: &Unpriced) -> Result<(), Unpriced> {
        let usd = cost.key().and_then(|key| self.allowances.of(&key)).ok_or_else(|| cost.clone())?;
        self.usd = self.usd.saturating_add(usd);
        self.any = true;
        self.fills |= matches!(
            cost,
            Unpriced::WebSearch(_)
                | Unpriced::SearchingModel(_)
                | Unpriced::Plugin(_)
                | Unpriced::Preset(_)
                | Unpriced::Media { .. }
        );
        Ok(())
    }

    /// Whether a cost is allowed, without taking it in.
    pub(super) fn has(&self, cost: &Unpriced) -> bool {
        !self.allowances.usd.is_empty() && cost.key().is_some_and(|key| self.allowances.of(&key).is_some())
    }
}

/// The dearest base prices that a router may pick: the operator's, the caller's, the lower of both; `None` where
/// neither says.
pub(super) fn router_ceiling(shape: &Shape<'_>, allowances: &Allowances) -> Option<CallerMaxPrice> {
    let caller = shape.caller_max_price.unwrap_or_default();
    let own = allowances.router;
    let least = |one: Option<money::Rate>, other: Option<money::Rate>| match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let prompt = least(caller.prompt, own.map(|own| own.prompt))?;
    let completion = least(caller.completion, own.map(|own| own.completion))?;
    Some(CallerMaxPrice { prompt: Some(prompt), completion: Some(completion), ..caller })
}
