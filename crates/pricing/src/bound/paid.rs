//! [`Paid`]: the dearest that one endpoint may ask for each unit, within the permission.

use money::Rate;

use crate::bound::candidates::Candidate;
use crate::bound::class::{Reason, Reasons};
use crate::bound::{MaxPrice, Outputs, PER_IMAGE_FROM};
use crate::model::{Family, Model};
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
    /// The model's own prices, for what an endpoint does not list.
    pub(super) row: Option<&'s Prices>,
}

/// The dearest of a base price and the conditions that may hold.
struct Dearest<'p> {
    prices: &'p Prices,
    tokens: u64,
    span: Option<Span>,
}

impl Dearest<'_> {
    fn of(&self, base: Option<Rate>, key: fn(&Override) -> Option<Rate>) -> Option<Rate> {
        if self.prices.overrides.is_empty() {
            return base;
        }
        let applies = self.prices.overrides.iter().filter(|o| o.may_apply(self.tokens, self.span));
        applies.filter_map(key).chain(base).max()
    }

    fn any(&self) -> bool {
        self.prices.overrides.iter().any(|o| o.may_apply(self.tokens, self.span))
    }
}

impl Paid {
    pub(super) fn of(candidate: &Candidate<'_>, model: &Model, terms: &Terms<'_, '_>) -> Self {
        let prices = candidate.prices;
        let max = terms.max_price;
        let dearest = Dearest { prices, tokens: terms.tokens, span: terms.span };
        let mut reasons = Reasons::default();
        reasons.add_if(dearest.any(), Reason::Override);
        let prompt = dearest.of(Some(prices.prompt.max(max.prompt)), |o| o.prompt).unwrap_or_default();
        let completion =
            dearest.of(Some(prices.completion.max(max.completion)), |o| o.completion).unwrap_or_default();
        let mut input = prompt;
        if let Some(read) = dearest.of(prices.cache_read, |o| o.cache_read)
            && read > input
        {
            reasons.add(Reason::DearerTokens);
            input = read;
        }
        if let Some(write) = cache_write(candidate, model, prompt, terms.shape, &dearest) {
            reasons.add(Reason::CacheWrite);
            // Gemini lists the storage alone, to be paid on top of the prompt (CONTRACT 9.3, rows of 2026-05-31).
            let write = if write < prompt { write.saturating_add(prompt) } else { write };
            input = input.max(write);
        }
        let mut output = completion;
        if let Some(reasoning) = dearest.of(prices.internal_reasoning, |o| o.internal_reasoning)
            && reasoning > output
        {
            reasons.add(Reason::DearerTokens);
            output = reasoning;
        }
        // Keys we do not know are passed over by an allowance or a router only: each is taken as a fee of its own.
        let unknown = prices.unknown.iter().filter_map(|price| Rate::parse_ceil(&price.value).ok());
        let fee = unknown.fold(prices.request, Rate::saturating_add);
        let base = Some(fee.max(max.request.unwrap_or_default()));
        let mut paid = Paid {
            input,
            image: input,
            audio: input,
            each_image: Rate::ZERO,
            output,
            read: input,
            image_output: Rate::ZERO,
            request: dearest.of(base, |o| o.request).unwrap_or_default(),
            search: dearest.of(prices.web_search, |o| o.web_search),
            reasons,
        };
        paid.media(&dearest, prompt, terms);
        paid
    }

    fn media(&mut self, dearest: &Dearest<'_>, prompt: Rate, terms: &Terms<'_, '_>) {
        let prices = dearest.prices;
        let media = &terms.shape.media;
        if !media.is_empty() || terms.outputs != Outputs::default() {
            let image = dearest.of(prices.image, |o| o.image).unwrap_or_default();
            if image > prompt.saturating_mul(PER_IMAGE_FROM) {
                self.each_image = image;
            } else {
                self.image = self.image.max(image);
            }
            self.image =
                self.image.max(dearest.of(prices.image_token, |o| o.image_token).unwrap_or_default());
            let audio = dearest.of(prices.audio, |o| o.audio).unwrap_or_default();
            let cached = dearest.of(prices.audio_cache, |o| o.audio_cache).unwrap_or_default();
            self.audio = self.audio.max(audio).max(cached);
        }
        let row = terms.row;
        if terms.outputs.images {
            let base = prices.image_output.or(row.and_then(|row| row.image_output));
            let listed = dearest.of(base, |o| o.image_output).unwrap_or_default();
            self.output = self.output.max(listed);
            self.image_output = self.output;
            self.read = self.read.max(self.image);
        }
        if terms.outputs.audio {
            let base = prices.audio_output.or(row.and_then(|row| row.audio_output));
            let listed = dearest.of(base, |o| o.audio_output).unwrap_or_default();
            self.output = self.output.max(listed);
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
    let prices = candidate.prices;
    let five_minutes = dearest.of(prices.cache_write, |o| o.cache_write);
    let hour = dearest.of(prices.cache_write_1h, |o| o.cache_write_1h);
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
