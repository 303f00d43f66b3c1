//! [`Offer`]: who is likely to serve a request, and at which listed prices.

use money::Rate;

use crate::bound::{Bound, PER_IMAGE_FROM};
use crate::likely::Likely;
use crate::model::{Endpoint, Family, Model, Tier};
use crate::price_key::PriceKey;
use crate::prices::{Override, Prices, RowPrices};
use crate::shape::{CacheWrite, Shape, TierAsked};

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
    /// Per token of an answer that is spoken.
    pub(crate) audio_output: Rate,
    /// Per search of the provider's own.
    pub(crate) search: Rate,
    /// Where it is listed.
    pub(crate) cache_read: Option<Rate>,
    /// Not all who ask the same list it.
    pub(crate) some_cache: bool,
    /// What writing the prompt to a cache costs, where the request asks for that and it is listed.
    pub(crate) cache_write: Option<CacheWritten>,
    /// The provider, or the model where endpoints are unknown.
    pub(crate) by: String,
    /// Nobody listed may serve; these are the prices of those who could otherwise.
    pub(crate) unserved: bool,
}

/// The price of writing a prompt to a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CacheWritten {
    /// Instead of the prompt's.
    Instead(Rate),
    /// On top of the prompt's.
    OnTop(Rate),
}

/// Who may serve, besides being listed.
pub(crate) struct Terms<'t, 's> {
    /// The cheapest is asked first (`:floor`).
    pub(crate) floor: bool,
    /// Of the model.
    pub(crate) family: Family,
    /// Of text.
    pub(crate) prompt_tokens: u64,
    /// What is not text.
    pub(crate) likely: Likely,
    pub(crate) output_tokens: u64,
    /// The request and its permission, when there is one.
    pub(crate) sent: Option<(&'t Shape<'s>, &'t Bound)>,
}

/// Those of a model's endpoints that are asked first.
struct Asked<'e> {
    endpoints: Vec<&'e Endpoint>,
    /// Nobody may serve, and these are all there are.
    unserved: bool,
    /// The caller or the order has chosen, not OpenRouter's usual preference.
    chosen: bool,
}

impl Offer {
    /// Of all who are asked first, the one that the row's price is of; the cheapest, where that one is not among them
    /// or the request chooses by price or by name.
    pub(crate) fn of(model: &Model, terms: &Terms<'_, '_>) -> Option<Offer> {
        let row = model.prices.priced()?;
        let listed = model.endpoints.as_deref().filter(|_| !model.is_free()).unwrap_or_default();
        let asked = terms.asked(listed);
        let is_at = |endpoint: &Endpoint, prices: &Prices| {
            let own = endpoint.prices.priced();
            own.is_some_and(|p| p.prompt() == prices.prompt() && p.completion() == prices.completion())
        };
        let by_row = || asked.endpoints.iter().find(|endpoint| is_at(endpoint, row));
        let cost = |e: &&&Endpoint| e.prices.priced().map(|prices| terms.price(prices, "").cost(terms));
        let same = if asked.chosen { None } else { by_row() };
        let Some(first) = same.or_else(|| asked.endpoints.iter().min_by_key(cost)) else {
            let offer = Offer { unserved: asked.unserved, ..terms.price(row, &model.id) };
            return Some(if listed.is_empty() { offer } else { offer.within(terms) });
        };
        let prices = first.prices.priced()?;
        let alike = |endpoint: &&Endpoint| is_at(endpoint, prices) && cost(&endpoint) == cost(&first);
        let alike: Vec<&Endpoint> = asked.endpoints.iter().copied().filter(alike).collect();
        let offer = terms.price(prices, &providers(&alike)).with_caches_of(&alike, terms);
        Some(Offer { unserved: asked.unserved, ..offer })
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
            audio_output: most.completion,
            search: Rate::ZERO,
            cache_read: None,
            some_cache: false,
            cache_write: None,
            by: "the ceiling of max_price".to_owned(),
            unserved: false,
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

    /// Whoever of those at the same price serves, a cache is read and written at what any of them lists: the dearest of
    /// it. That not all of them list it is said.
    fn with_caches_of(mut self, alike: &[&Endpoint], terms: &Terms<'_, '_>) -> Offer {
        let prices = || alike.iter().filter_map(|endpoint| endpoint.prices.priced());
        let reads = || prices().map(|prices| terms.last(prices, PriceKey::CacheRead));
        self.cache_read = reads().flatten().max();
        self.some_cache = self.cache_read.is_some() && reads().any(|read| read.is_none());
        self.cache_write = prices().filter_map(|prices| terms.cache_write(prices)).max_by_key(|w| w.rate());
        self
    }

    fn cost(&self, terms: &Terms<'_, '_>) -> money::Nano {
        let (prompt, output) =
            (self.prompt.times(terms.tokens()), self.completion.times(terms.output_tokens));
        prompt.saturating_add(output).saturating_add(self.request.times(1))
    }
}

impl CacheWritten {
    fn rate(self) -> Rate {
        match self {
            CacheWritten::Instead(rate) | CacheWritten::OnTop(rate) => rate,
        }
    }
}

/// `A, B or C`.
fn providers(endpoints: &[&Endpoint]) -> String {
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

    /// Those that are asked first: let by the permission, accepted by the caller, of the tier that is asked for, and
    /// first in the caller's order.
    fn asked<'e>(&self, listed: &'e [Endpoint]) -> Asked<'e> {
        let open: Vec<&Endpoint> = listed.iter().filter(|endpoint| self.admit(endpoint)).collect();
        let Some((shape, _)) = self.sent else {
            return Asked { endpoints: self.of_tier(open), unserved: false, chosen: self.floor };
        };
        // Where the permission shuts out all (an allowance stands for a price nobody knows), the caller's word alone counts.
        let any_accepted = match open.is_empty() {
            true => listed.iter().any(|endpoint| shape.accepts(endpoint)),
            false => open.iter().any(|endpoint| shape.accepts(endpoint)),
        };
        let unserved = !listed.is_empty() && !any_accepted;
        let accepted = |endpoint: &&Endpoint| unserved || shape.accepts(endpoint);
        let endpoints = self.of_tier(open.into_iter().filter(accepted).collect());
        let first = shape.order.iter().find_map(|name| {
            let named: Vec<&Endpoint> = endpoints.iter().copied().filter(|e| e.is_named(name)).collect();
            (!named.is_empty()).then_some(named)
        });
        let chosen = self.floor || shape.by_price || !shape.only.is_empty() || first.is_some();
        Asked { endpoints: first.unwrap_or(endpoints), unserved, chosen }
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

    /// Those of the tier that is asked for, or, where there are none, of the standard one; all, where there are none of
    /// that either. Under `:floor`, flex endpoints are as good as standard ones (CONTRACT 9.1, 9.2).
    fn of_tier<'e>(&self, mut endpoints: Vec<&'e Endpoint>) -> Vec<&'e Endpoint> {
        let asked = self.sent.map_or(TierAsked::Standard, |(shape, _)| shape.tier);
        let wanted: &[Tier] = match asked {
            TierAsked::Flex => &[Tier::Flex],
            TierAsked::Premium => &[Tier::Premium],
            TierAsked::Standard if self.floor => &[Tier::Standard, Tier::Flex],
            TierAsked::Standard => &[Tier::Standard],
        };
        for tiers in [wanted, &[Tier::Standard]] {
            if endpoints.iter().any(|endpoint| tiers.contains(&endpoint.tier)) {
                endpoints.retain(|endpoint| tiers.contains(&endpoint.tier));
                break;
            }
        }
        endpoints
    }

    /// The last of the base price and the long-context conditions that this prompt meets; later entries win. Conditions
    /// on the time of day are passed over: the base prices are those of when the book was read.
    fn last(&self, prices: &Prices, key: PriceKey) -> Option<Rate> {
        let applies = |o: &&Override| o.schedule.is_none() && o.may_apply(self.tokens(), None);
        let conditional = prices.overrides.iter().filter(applies).filter_map(|o| o.rates[key]);
        conditional.fold(prices.rates[key], |_, later| Some(later))
    }

    /// What writing the prompt costs, where the request asks for that. An hour that is not listed is twice the prompt, as
    /// Anthropic publishes it (CONTRACT 9.3), where five minutes are listed.
    fn cache_write(&self, prices: &Prices) -> Option<CacheWritten> {
        let prompt = self.last(prices, PriceKey::Prompt).unwrap_or_default();
        let five_minutes = self.last(prices, PriceKey::CacheWrite);
        let write = match self.sent.map_or(CacheWrite::None, |(shape, _)| shape.cache_write) {
            CacheWrite::None => None,
            CacheWrite::FiveMinutes => five_minutes,
            CacheWrite::OneHour => {
                let twice =
                    five_minutes.filter(|_| self.family == Family::Claude).map(|_| prompt.saturating_mul(2));
                self.last(prices, PriceKey::CacheWriteHour).or(twice).max(five_minutes)
            }
        };
        // Gemini lists the storage alone, paid on top of the prompt (CONTRACT 9.3, rows of 2026-05-31).
        write.map(|write| match write < prompt {
            true => CacheWritten::OnTop(write),
            false => CacheWritten::Instead(write),
        })
    }

    /// The prices of one row, caches as it lists them.
    fn price(&self, prices: &Prices, by: &str) -> Offer {
        let of = |key| self.last(prices, key).unwrap_or_default();
        let prompt = of(PriceKey::Prompt);
        let listed = of(PriceKey::Image);
        let by_image = listed > prompt.saturating_mul(PER_IMAGE_FROM);
        let per_token = of(PriceKey::ImageToken).max(if by_image { Rate::ZERO } else { listed });
        let completion = of(PriceKey::Completion);
        let or_completion = |key| self.last(prices, key).unwrap_or(completion);
        Offer {
            prompt,
            image: if per_token > Rate::ZERO { per_token } else { prompt },
            each_image: if by_image { listed } else { Rate::ZERO },
            audio: self.last(prices, PriceKey::Audio).unwrap_or(prompt),
            image_output: or_completion(PriceKey::ImageOutput),
            audio_output: or_completion(PriceKey::AudioOutput),
            search: of(PriceKey::WebSearch),
            completion,
            request: of(PriceKey::Request),
            cache_read: self.last(prices, PriceKey::CacheRead),
            some_cache: false,
            cache_write: self.cache_write(prices),
            by: by.to_owned(),
            unserved: false,
        }
    }
}
