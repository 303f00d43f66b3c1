//! [`Paid`]: the dearest that one endpoint may ask for each unit, within the permission.

use money::Rate;

use crate::bound::candidates::Candidate;
use crate::bound::class::{Reason, Reasons};
use crate::bound::{MaxPrice, Outputs, PER_IMAGE_FROM};
use crate::model::{Family, Model};
use crate::price_key::PriceKey;
use crate::prices::{Override, Prices};
use crate::schedule::Span;
use crate::shape::{CacheWrite, Shape};

/// USD per unit.
pub(super) struct Paid {
    pub(super) input: Rate,
    /// Per token of an image, of audio.
    pub(super) image: Rate,
    pub(super) audio: Rate,
    /// Per image, beside its tokens.
    pub(super) each_image: Rate,
    pub(super) output: Rate,
    /// Per token of an answer that a later turn reads as prompt.
    pub(super) read: Rate,
    /// Per token of an image in the answer; zero where there is none.
    pub(super) image_output: Rate,
    pub(super) request: Rate,
    /// Per search of the provider's own.
    pub(super) search: Option<Rate>,
    pub(super) reasons: Reasons,
}

/// The conditions under which it is asked.
#[derive(Clone, Copy)]
pub(super) struct Terms<'s, 'a> {
    pub(super) shape: &'s Shape<'a>,
    pub(super) max_price: &'s MaxPrice,
    pub(super) span: Option<Span>,
    /// Tokens of the longest prompt of any turn.
    pub(super) tokens: u64,
    pub(super) outputs: Outputs,
    /// Whether prompt or answer is more than text.
    pub(super) more_than_text: bool,
    /// The model's own prices, for what an endpoint does not list.
    pub(super) row: Option<&'s Prices>,
}

/// The dearest of a base price and the conditions that may hold.
struct Dearest<'p> {
    prices: &'p Prices,
    overrides: &'p [Override],
    tokens: u64,
    span: Option<Span>,
}

impl<'p> Dearest<'p> {
    fn of(&self, key: PriceKey) -> Option<Rate> {
        self.above(self.prices.rates[key], key)
    }

    /// The same with another base price.
    fn above(&self, base: Option<Rate>, key: PriceKey) -> Option<Rate> {
        if self.overrides.is_empty() {
            return base;
        }
        self.conditions().filter_map(|o| o.rates[key]).chain(base).max()
    }

    /// The dearest write that is storage alone, to be paid on top of the prompt, as Gemini lists it (CONTRACT 9.3, rows of
    /// 2026-05-31): below a price that the endpoint itself asks for a prompt at the same time. That of another endpoint, or
    /// of a condition that has a write of its own, says nothing.
    fn storage(&self) -> Option<Rate> {
        let of = |key| self.storage_of(key);
        of(PriceKey::CacheWrite).max(of(PriceKey::CacheWriteHour))
    }

    fn storage_of(&self, key: PriceKey) -> Option<Rate> {
        let prompt = |o: &Override| o.rates[PriceKey::Prompt];
        let base = Some(self.prices.prompt());
        // Conditions without a write may be met together with any.
        let beside = self.conditions().filter(|o| o.rates[key].is_none()).filter_map(prompt).max();
        let of_base = self.prices.rates[key].map(|write| (write, base.max(beside)));
        let of_condition = |o: &Override| {
            let any = || self.conditions().filter_map(prompt).max().max(base);
            Some((o.rates[key]?, prompt(o).map_or_else(any, |own| Some(own).max(beside))))
        };
        let writes = of_base.into_iter().chain(self.conditions().filter_map(of_condition));
        writes.filter(|(write, prompt)| Some(*write) < *prompt).map(|(write, _)| write).max()
    }

    fn conditions(&self) -> impl Iterator<Item = &'p Override> {
        self.overrides.iter().filter(|o| o.may_apply(self.tokens, self.span))
    }
}

impl Paid {
    pub(super) fn of(candidate: &Candidate<'_>, model: &Model, terms: &Terms<'_, '_>) -> Self {
        let prices = candidate.prices;
        let max = terms.max_price;
        let overrides = &candidate.row.unwrap_or(prices).overrides;
        let dearest = Dearest { prices, overrides, tokens: terms.tokens, span: terms.span };
        let mut reasons = Reasons::default();
        reasons.add_if(dearest.conditions().next().is_some(), Reason::Override);
        let above = |base: Rate, key| dearest.above(Some(base), key).unwrap_or_default();
        let prompt = above(prices.prompt().max(max.prompt), PriceKey::Prompt);
        let completion = above(prices.completion().max(max.completion), PriceKey::Completion);
        let mut input = prompt;
        if let Some(read) = dearest.of(PriceKey::CacheRead)
            && read > input
        {
            reasons.add(Reason::DearerTokens);
            input = read;
        }
        if let Some(write) = cache_write(candidate, model, prompt, terms.shape, &dearest) {
            reasons.add(Reason::CacheWrite);
            let stored = dearest.storage().map_or(Rate::ZERO, |storage| storage.saturating_add(prompt));
            input = input.max(write).max(stored);
        }
        let mut output = completion;
        if let Some(reasoning) = dearest.of(PriceKey::Reasoning)
            && reasoning > output
        {
            reasons.add(Reason::DearerTokens);
            output = reasoning;
        }
        // Keys we do not know are passed over by an allowance or a router only: each is taken as a fee of its own.
        let unknown =
            prices.unknown.iter().chain(candidate.row.map(|row| &row.unknown).into_iter().flatten());
        let unknown = unknown.filter_map(|price| Rate::parse_ceil(&price.value).ok());
        let fee = unknown.fold(prices.request(), Rate::saturating_add);
        let fee = fee.max(max.request.unwrap_or_default());
        let mut paid = Paid {
            input,
            image: input,
            audio: input,
            each_image: Rate::ZERO,
            output,
            read: input,
            image_output: Rate::ZERO,
            request: above(fee, PriceKey::Request),
            search: dearest.of(PriceKey::WebSearch),
            reasons,
        };
        paid.media(&dearest, prompt, terms);
        paid
    }

    fn media(&mut self, dearest: &Dearest<'_>, prompt: Rate, terms: &Terms<'_, '_>) {
        let listed = |key| dearest.of(key).unwrap_or_default();
        if terms.more_than_text {
            let image = listed(PriceKey::Image);
            if image > prompt.saturating_mul(PER_IMAGE_FROM) {
                self.each_image = image;
            } else {
                self.image = self.image.max(image);
            }
            self.image = self.image.max(listed(PriceKey::ImageToken));
            self.audio = self.audio.max(listed(PriceKey::Audio)).max(listed(PriceKey::AudioCache));
        }
        let or_row = |key: PriceKey| {
            let base = dearest.prices.rates[key].or(terms.row.and_then(|row| row.rates[key]));
            dearest.above(base, key).unwrap_or_default()
        };
        if terms.outputs.images {
            self.output = self.output.max(or_row(PriceKey::ImageOutput));
            self.image_output = self.output;
            self.read = self.read.max(self.image);
        }
        if terms.outputs.audio {
            self.output = self.output.max(or_row(PriceKey::AudioOutput));
            self.read = self.read.max(self.audio);
        }
    }
}

/// The price of writing the prompt to a cache, where the request can meet one.
fn cache_write(
    candidate: &Candidate<'_>,
    model: &Model,
    prompt: Rate,
    shape: &Shape<'_>,
    dearest: &Dearest<'_>,
) -> Option<Rate> {
    let asked = shape.cache_write;
    // These two cache only what a request marks (CONTRACT 9.3); OpenAI and others write by themselves.
    let on_request = matches!(model.family, Family::Claude | Family::Gemini)
        && !candidate.endpoint.is_some_and(|endpoint| endpoint.implicit_caching);
    if asked == CacheWrite::None && on_request {
        return None;
    }
    let five_minutes = dearest.of(PriceKey::CacheWrite);
    let hour = dearest.of(PriceKey::CacheWriteHour);
    // Unlisted writes at Anthropic's published multiples (CONTRACT 9.3): 1.25 for five minutes, 2 for an hour.
    let claude = model.family == Family::Claude && prompt > Rate::ZERO;
    let unlisted = |percent: u64| {
        claude.then(|| Rate::from_femtos(prompt.femtos().saturating_mul(percent).div_ceil(100)))
    };
    match asked {
        CacheWrite::None => five_minutes,
        CacheWrite::FiveMinutes => five_minutes.or_else(|| unlisted(125)),
        CacheWrite::OneHour => {
            let hour = hour.or_else(|| {
                if five_minutes.is_some() || claude { Some(prompt.saturating_mul(2)) } else { None }
            });
            hour.max(five_minutes)
        }
    }
}
