//! [`Candidates`]: who may serve one model, and who must be kept out.

use money::Rate;
use smallvec::SmallVec;

use crate::book::Resolved;
use crate::distrust::Distrusted;
use crate::model::{Endpoint, Model, Tier};
use crate::price_key::PriceKey;
use crate::prices::Prices;
use crate::shape::{CallerMaxPrice, Shape, TierAsked};
use crate::unpriced::Unpriced;

/// Who may serve one model, and who must be kept out.
pub(super) struct Candidates<'b> {
    pub(super) model: &'b Model,
    pub(super) alias: bool,
    pub(super) known: bool,
    pub(super) usable: SmallVec<[Candidate<'b>; 8]>,
    pub(super) shut_out: SmallVec<[&'b Endpoint; 2]>,
    /// Providers that have not kept to their bounds at this model.
    pub(super) distrusted: &'b [Distrusted],
    /// The dearest base prices of the usable ones, within the ceiling.
    pub(super) prompt: Rate,
    pub(super) completion: Rate,
    pub(super) request: Rate,
}

/// One endpoint, or the model row standing for all of them.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'b> {
    pub(super) prices: &'b Prices,
    /// The model's own row, where this endpoint lists no conditional prices and the row does: nobody says that they
    /// are for others alone.
    pub(super) row: Option<&'b Prices>,
    pub(super) endpoint: Option<&'b Endpoint>,
    pub(super) capped: bool,
    pub(super) output_limit: Option<u64>,
}

/// How candidates are looked for.
#[derive(Clone, Copy)]
pub(super) struct Search<'s, 'a, 'b> {
    pub(super) shape: &'s Shape<'a>,
    pub(super) distrusted: &'b [Distrusted],
    /// The dearest base prices that are accepted.
    pub(super) ceiling: CallerMaxPrice,
    /// Unknown price keys are passed over: an allowance stands for them.
    pub(super) unknown_allowed: bool,
    /// Nobody can be kept out, for a router picks.
    pub(super) keep_all: bool,
}

impl<'b> Candidates<'b> {
    /// Of a model.
    ///
    /// # Errors
    /// No price, or none within the ceiling.
    pub(super) fn of(resolved: Resolved<'b>, search: &Search<'_, '_, 'b>) -> Result<Self, Unpriced> {
        let model = resolved.model;
        let mut set = Candidates {
            model,
            alias: resolved.alias,
            known: false,
            usable: SmallVec::new(),
            shut_out: SmallVec::new(),
            distrusted: search.distrusted,
            prompt: Rate::ZERO,
            completion: Rate::ZERO,
            request: Rate::ZERO,
        };
        // A free row is pinned by its price of zero; its endpoint list may be that of the paid model (CONTRACT 8.1).
        match model.endpoints.as_deref() {
            Some(endpoints) if !endpoints.is_empty() && !model.is_free() => set.fill(endpoints, search)?,
            _ => set.stand_in(search)?,
        }
        set.permit(resolved.nitro, search)?;
        Ok(set)
    }

    /// Whether a dearer tier may serve, unless the request says otherwise.
    pub(super) fn has_premium(&self) -> bool {
        self.usable.iter().any(|candidate| candidate.endpoint.is_some_and(|e| e.tier == Tier::Premium))
    }

    /// Whether nobody but this provider may serve.
    pub(super) fn is_served_by(&self, provider: &str, shape: &Shape<'_>) -> bool {
        self.usable.iter().all(|candidate| {
            candidate
                .endpoint
                .is_some_and(|endpoint| !shape.accepts(endpoint) || endpoint.provider == provider)
        })
    }

    fn stand_in(&mut self, search: &Search<'_, '_, '_>) -> Result<(), Unpriced> {
        let model = self.model;
        let Some(prices) = model.prices.priced() else {
            return Err(Unpriced::Router(model.id.clone()));
        };
        if let Some(unknown) = prices.unknown.first().filter(|_| !search.unknown_allowed) {
            return Err(Unpriced::UnknownPrice { model: model.id.clone(), key: unknown.key.clone() });
        }
        let free = model.is_free() && is_zero(prices);
        self.known = free;
        self.usable.push(Candidate {
            prices,
            row: None,
            endpoint: None,
            capped: model.supports_output_cap || free,
            output_limit: model.max_completion_tokens.or(model.context_length),
        });
        Ok(())
    }

    fn fill(&mut self, endpoints: &'b [Endpoint], search: &Search<'_, '_, '_>) -> Result<(), Unpriced> {
        self.known = true;
        let row = self.model.prices.priced().filter(|row| !row.overrides.is_empty());
        let row_of = move |prices: &'b Prices| row.filter(|_| prices.overrides.is_empty());
        let unknown = move |prices: &'b Prices| {
            [Some(prices), row_of(prices)].into_iter().flatten().find_map(|listed| listed.unknown.first())
        };
        let readable = |endpoint: &&'b Endpoint| {
            endpoint.prices.priced().is_some_and(|p| search.unknown_allowed || unknown(p).is_none())
        };
        let distrusted = self.distrusted;
        let trusted = |endpoint: &Endpoint| !distrusted.iter().any(|one| endpoint.is_named(&one.provider));
        let good =
            |endpoint: &&'b Endpoint| endpoint.supports_output_cap && readable(endpoint) && trusted(endpoint);
        let remains = !search.keep_all
            && endpoints.iter().filter(good).any(|endpoint| {
                search.shape.accepts(endpoint)
                    && !endpoints.iter().any(|other| !good(&other) && endpoint.is_covered_by(&other.tag))
            });
        for endpoint in endpoints {
            let kept = if remains { good(&endpoint) } else { readable(&endpoint) };
            match endpoint.prices.priced() {
                Some(prices) if kept => self.usable.push(Candidate {
                    prices,
                    row: row_of(prices),
                    endpoint: Some(endpoint),
                    capped: endpoint.supports_output_cap,
                    output_limit: endpoint.output_limit(),
                }),
                _ => self.shut_out.push(endpoint),
            }
        }
        if !self.usable.is_empty() {
            return Ok(());
        }
        let first = endpoints.iter().find_map(|e| e.prices.priced());
        Err(match first.and_then(unknown) {
            Some(unknown) => {
                Unpriced::UnknownPrice { model: self.model.id.clone(), key: unknown.key.clone() }
            }
            None => Unpriced::UnreadablePrice {
                model: self.model.id.clone(),
                reason: "no provider lists a price".to_owned(),
            },
        })
    }

    /// Whether a request may be served by this provider. One without a name may be any; unknown endpoints may be its.
    pub(super) fn may_reach(&self, one: &Distrusted) -> bool {
        let is_it = |candidate: &Candidate<'_>| match candidate.endpoint {
            None => true,
            Some(endpoint) => one.provider.is_empty() || endpoint.is_named(&one.provider),
        };
        self.usable.iter().any(is_it)
    }

    /// The dearest base prices within the ceiling, over the tiers that the request can be routed to.
    fn permit(&mut self, nitro: bool, search: &Search<'_, '_, '_>) -> Result<(), Unpriced> {
        let premium = nitro || search.keep_all || search.shape.tier == TierAsked::Premium;
        let routed = |c: &Candidate<'_>| premium || c.endpoint.is_none_or(|e| e.tier != Tier::Premium);
        let any_routed = self.usable.iter().any(routed);
        let ceiling = search.ceiling;
        let within = |prices: &Prices| {
            ceiling.prompt.is_none_or(|most| prices.prompt() <= most)
                && ceiling.completion.is_none_or(|most| prices.completion() <= most)
                && ceiling.request.is_none_or(|most| prices.request() <= most)
        };
        let mut found = false;
        for candidate in self.usable.iter().filter(|c| !any_routed || routed(c)) {
            // An unknown endpoint may be cheaper than the row that stands for it.
            if !within(candidate.prices) && (candidate.endpoint.is_some() || search.keep_all) {
                continue;
            }
            found = true;
            self.prompt = self.prompt.max(candidate.prices.prompt());
            self.completion = self.completion.max(candidate.prices.completion());
            self.request = self.request.max(candidate.prices.request());
        }
        if found { Ok(()) } else { Err(Unpriced::NothingWithinMaxPrice(self.model.id.clone())) }
    }
}

impl Candidate<'_> {
    /// What tells two endpoints apart whose prices the permission makes equal.
    pub(super) fn base(&self) -> Rate {
        self.prices.prompt().saturating_add(self.prices.completion())
    }

    pub(super) fn name(&self, model: &Model) -> String {
        match self.endpoint {
            Some(endpoint) => format!("{} ({})", endpoint.provider, endpoint.tag),
            None => model.id.clone(),
        }
    }

    /// Whether anything limits its answer, and its prompt.
    pub(super) fn is_limited(&self, model: &Model) -> bool {
        (self.capped || self.output_limit.is_some()) && self.context(model).is_some()
    }

    /// Most tokens of prompt it takes.
    pub(super) fn context(&self, model: &Model) -> Option<u64> {
        let own = self.endpoint.and_then(|endpoint| endpoint.context_length);
        let context = own.max(model.context_length);
        match self.endpoint.and_then(|endpoint| endpoint.max_prompt_tokens) {
            Some(most) => Some(context.map_or(most, |context| context.min(most))),
            None => context,
        }
    }
}

fn is_zero(prices: &Prices) -> bool {
    use PriceKey::{Completion, Prompt, Reasoning, Request};
    let is_zero = |key| prices.rates[key].unwrap_or_default() == Rate::ZERO;
    [Prompt, Completion, Request, Reasoning].into_iter().all(is_zero) && prices.overrides.is_empty()
}
