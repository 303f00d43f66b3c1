//! [`Offer`]: who is likely to serve a request, and at which listed prices.

use money::Rate;

use crate::bound::{Bound, PER_IMAGE_FROM};
use crate::likely::Likely;
use crate::model::{Endpoint, Model, Tier};
use crate::price_key::PriceKey;
use crate::prices::{Override, Prices, RowPrices};
use crate::shape::{CacheWrite, Shape};

/// The listed prices of a request at one endpoint, or at the model row while endpoints are unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) prompt: Rate,
    pub(crate) completion: Rate,
    pub(crate) request: Rate,
    /// Per token of an image, and per image where that is what is listed.
    pub(crate) image: Rate,
    pub(crate) each_image: Rate,
    /// Per token of audio.
    pub(crate) audio: Rate,
    /// Per token of an image in the answer.
    pub(crate) image_output: Rate,
    /// Per search of the provider's own.
    pub(crate) search: Rate,
    /// Where it is listed.
    pub(crate) cache_read: Option<Rate>,
    /// What writing the prompt to a cache costs, where the request asks for that and it is listed.
    pub(crate) cache_write: Option<Rate>,
    /// The provider, or the model where endpoints are unknown.
    pub(crate) by: String,
}

/// Who may serve, besides being listed.
pub(crate) struct Terms<'t, 's> {
    /// The cheapest is asked first (`:floor`).
    pub(crate) floor: bool,
    /// Of text.
    pub(crate) prompt_tokens: u64,
    /// What is not text.
    pub(crate) likely: Likely,
    pub(crate) output_tokens: u64,
    /// The request and its permission, when there is one.
    pub(crate) sent: Option<(&'t Shape<'s>, &'t Bound)>,
}

impl Offer {
    /// The cheapest endpoint for `:floor` and for requests that insist on providers; else the one that the row's
    /// price is of. Endpoints that the permission shuts out are passed over.
    pub(crate) fn of(model: &Model, terms: &Terms<'_, '_>) -> Option<Offer> {
        let row = model.prices.priced()?;
        let listed = model.endpoints.as_deref().filter(|_| !model.is_free()).unwrap_or_default();
        let of_row = |endpoint: &&&Endpoint| {
            endpoint
                .prices
                .priced()
                .is_some_and(|p| p.prompt() == row.prompt() && p.completion() == row.completion())
        };
        let open: Vec<&Endpoint> = listed.iter().filter(|endpoint| terms.admit(endpoint)).collect();
        let wanted: Vec<&Endpoint> = open.iter().copied().filter(|e| terms.prefer(e)).collect();
        let insists = terms.sent.is_some_and(|(shape, _)| !shape.only.is_empty());
        let same = if terms.floor || insists { None } else { wanted.iter().find(of_row) };
        let cost = |e: &&&Endpoint| e.prices.priced().map(|prices| terms.price(prices, "").cost(terms));
        let found = same.or_else(|| wanted.iter().min_by_key(cost)).or_else(|| open.iter().min_by_key(cost));
        let Some(endpoint) = found else {
            let offer = terms.price(row, &model.id);
            return Some(if listed.is_empty() { offer } else { offer.within(terms) });
        };
        let by = match same {
            Some(_) => providers(wanted.iter().filter(|endpoint| of_row(endpoint))),
            None => endpoint.provider.clone(),
        };
        Some(terms.price(endpoint.prices.priced()?, &by))
    }

    /// Whom a router picks is for nobody to know: what the ceiling of the request lets it ask. `None` where the row is of
    /// no router, or nothing is sent.
    pub(crate) fn at_ceiling(model: &Model, terms: &Terms<'_, '_>) -> Option<Offer> {
        let (_, bound) = terms.sent.filter(|_| model.prices == RowPrices::Dynamic)?;
        let most = &bound.max_price;
        Some(Offer {
            prompt: most.prompt,
            completion: most.completion,
            request: most.request.unwrap_or_default(),
            image: most.prompt,
            each_image: Rate::ZERO,
            audio: most.prompt,
            image_output: most.completion,
            search: Rate::ZERO,
            cache_read: None,
            cache_write: None,
            by: "the ceiling of max_price".to_owned(),
        })
    }

    /// Nobody may serve: what the permission lets be asked stands in.
    fn within(mut self, terms: &Terms<'_, '_>) -> Offer {
        if let Some((_, bound)) = terms.sent {
            let most = &bound.max_price;
            self.prompt = self.prompt.min(most.prompt);
            self.completion = self.completion.min(most.completion);
            self.request = self.request.min(most.request.unwrap_or_default());
            self.cache_write = None;
        }
        self
    }

    fn cost(&self, terms: &Terms<'_, '_>) -> money::Nano {
        let (prompt, output) =
            (self.prompt.times(terms.tokens()), self.completion.times(terms.output_tokens));
        prompt.saturating_add(output).saturating_add(self.request.times(1))
    }
}

/// `A, B or C`: all who ask the same.
fn providers<'e>(endpoints: impl Iterator<Item = &'e &'e Endpoint>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for endpoint in endpoints {
        if !names.contains(&endpoint.provider.as_str()) {
            names.push(&endpoint.provider);
        }
    }
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => names.concat(),
    }
}

impl Terms<'_, '_> {
    /// Of the whole prompt.
    fn tokens(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.likely.tokens())
    }

    /// Whether the permission lets it serve.
    fn admit(&self, endpoint: &Endpoint) -> bool {
        let Some(prices) = endpoint.prices.priced().filter(|prices| prices.unknown.is_empty()) else {
            return false;
        };
        let Some((_, bound)) = self.sent else { return true };
        let most = &bound.max_price;
        prices.prompt() <= most.prompt
            && prices.completion() <= most.completion
            && most.request.is_none_or(|request| prices.request() <= request)
            && !bound.ignore.iter().any(|tag| endpoint.is_covered_by(tag))
    }

    /// Whether an ordinary request is routed to it, and the caller wants it.
    fn prefer(&self, endpoint: &Endpoint) -> bool {
        let accepted = |shape: &Shape<'_>| {
            shape.only.is_empty() || shape.only.iter().any(|name| endpoint.is_named(name))
        };
        endpoint.tier != Tier::Premium && self.sent.is_none_or(|(shape, _)| accepted(shape))
    }

    /// The prices with the long-context conditions that this prompt meets; later entries win. Conditions on the
    /// time of day are passed over: the base prices are those of when the book was read.
    fn price(&self, prices: &Prices, by: &str) -> Offer {
        let applies = |o: &&Override| o.schedule.is_none() && o.may_apply(self.tokens(), None);
        let last = |key: PriceKey| {
            let conditional = prices.overrides.iter().filter(applies).filter_map(|o| o.rates[key]);
            conditional.fold(prices.rates[key], |_, later| Some(later))
        };
        let of = |key| last(key).unwrap_or_default();
        let prompt = of(PriceKey::Prompt);
        let write = match self.sent.map_or(CacheWrite::None, |(shape, _)| shape.cache_write) {
            CacheWrite::None => None,
            CacheWrite::FiveMinutes => last(PriceKey::CacheWrite),
            CacheWrite::OneHour => last(PriceKey::CacheWriteHour).max(last(PriceKey::CacheWrite)),
        };
        let listed = of(PriceKey::Image);
        let by_image = listed > prompt.saturating_mul(PER_IMAGE_FROM);
        let per_token = of(PriceKey::ImageToken).max(if by_image { Rate::ZERO } else { listed });
        let completion = of(PriceKey::Completion);
        Offer {
            prompt,
            image: if per_token > Rate::ZERO { per_token } else { prompt },
            each_image: if by_image { listed } else { Rate::ZERO },
            audio: last(PriceKey::Audio).unwrap_or(prompt),
            image_output: last(PriceKey::ImageOutput).unwrap_or(completion),
            search: of(PriceKey::WebSearch),
            completion,
            request: of(PriceKey::Request),
            cache_read: last(PriceKey::CacheRead),
            // Gemini lists the storage alone, paid on top of the prompt (CONTRACT 9.3, rows of 2026-05-31).
            cache_write: write.map(|write| if write < prompt { write.saturating_add(prompt) } else { write }),
            by: by.to_owned(),
        }
    }
}
