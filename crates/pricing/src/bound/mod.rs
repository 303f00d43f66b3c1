//! [`bound`]: the most a request can be billed once its permission is shrunk.
//!
//! For each model the request may be billed at, in steps:
//!
//! 1. the *usable* endpoints ([`candidates`]): those whose prices we can read, that obey an output cap and have kept to
//!    their bounds. The others are excluded with `provider.ignore` where a usable one remains, and bounded by their own
//!    limits, or by what they billed before ([`crate::Distrust`]), where none does;
//! 2. the *permission* ([`named`]): the dearest base price of a usable endpoint within the caller's own `max_price`, plus
//!    one femto-dollar (OpenRouter may compare in floating point), shared by all of `models[]`;
//! 3. the *eligible* endpoints: every usable one whose base price is within that permission;
//! 4. the *conditional* price ([`paid`]): the dearest that any eligible endpoint may ask, with every override that can
//!    apply, its own or, where it lists none, the row's, and every cache price that can be met.
//!
//! Beside them: how many tokens the prompt has at most ([`inputs`]); how often the model is asked, what tools put into
//! the prompt and what they cost ([`turns`]); what the operator allows for the rest ([`allowed`]).
//!
//! The bound is the prompt's most tokens at the dearest input price, plus fees, plus the cap at the dearest output
//! price; the largest over the models ([`sum`]).

mod allowed;
mod candidates;
mod class;
mod inputs;
mod lines;
mod named;
mod paid;
mod permitted;
mod sum;
mod turns;

use money::{Nano, Rate};

use self::allowed::Allowed;
pub use self::class::{Class, Reason, Reasons};
use self::inputs::Inputs;
use self::lines::Lines;
use self::named::Named;
pub use self::permitted::{Bound, MaxPrice};
use self::sum::{Asked, Sum};
use self::turns::Turns;
use crate::distrust::Growth;
use crate::fees;
use crate::grounds::{BYOK_FEE, Grounds};
use crate::shape::{Outputs, Shape};
use crate::unpriced::{Unpriced, WebSearch};

/// A price for an image that is more than so many times that of a prompt token is one for each image, not for each
/// of its tokens: rows of 2025 against those of 2026 (CONTRACT 8.2).
pub(crate) const PER_IMAGE_FROM: u64 = 16;
/// An image that was begun below the cap is finished: its most tokens (OpenAI's largest, 6,240, and some to spare).
const IMAGE_BEGUN: u64 = 8_192;

/// The bound of a request, or the one thing in it that has none.
///
/// # Errors
/// [`Unpriced`], with a sentence for the person who sent the request.
pub fn bound(shape: &Shape<'_>, grounds: &Grounds<'_>) -> Result<Bound, Unpriced> {
    let policy = grounds.policy;
    let mut allowed = Allowed::new(&policy.allowances);
    for cost in &shape.costs {
        allowed.take(cost)?;
    }
    let named = Named::of(shape, grounds, &mut allowed)?;
    let max_price = named.permission(shape);
    let mut turns = Turns::of(shape, policy, named.servers(shape))?;
    if allowed.fills {
        turns.results = None;
    }
    let asked = Asked { shape, max_price: &max_price, span: grounds.span(), turns: &turns };
    let mut sum = Sum::default();
    for set in &named.sets {
        sum.take(set, &asked)?;
    }
    named.take_routed(&mut sum, &asked, grounds)?;
    if turns.native > 0 && sum.search_fee.is_none() {
        return Err(Unpriced::WebSearch(WebSearch::Native));
    }
    sum.note(shape, &turns);
    sum.reasons.add_if(policy.keep_plugin_defaults, Reason::PluginDefaults);
    sum.reasons.add_if(allowed.any, Reason::Allowance);
    sum.reasons.add_if(policy.byok || grounds.byok, Reason::Byok);
    let lines = sum.lines(shape, &turns, allowed.usd);
    Ok(sum.bound(Parts { named, max_price, turns, lines }, shape, grounds))
}

/// What a bound is made of beside the sum.
struct Parts<'b> {
    named: Named<'b>,
    max_price: MaxPrice,
    turns: Turns,
    lines: Lines,
}

impl Sum<'_> {
    /// Reasons that lie in the request.
    fn note(&mut self, shape: &Shape<'_>, turns: &Turns) {
        let reasons = &mut self.reasons;
        reasons.add_if(self.growth.is_some_and(|(growth, _)| !growth.is_none()), Reason::BrokenWord);
        reasons.add_if(shape.unknown_scalars, Reason::UnknownScalars);
        let anew = shape.tool_bytes.max(shape.growth_bytes);
        reasons.add_if(shape.tools > 0 || anew > 0, Reason::Tools);
        reasons.add_if(shape.choices > 1, Reason::Choices);
        reasons.add_if(shape.prediction_bytes > 0, Reason::Prediction);
        reasons.add_if(turns.count > 1, Reason::Loop);
        let fees = turns.searches.0 + turns.native + turns.fetches.0 + turns.pages;
        reasons.add_if(fees > 0, Reason::Fees);
    }

    /// Everything but the answer.
    fn lines(&self, shape: &Shape<'_>, turns: &Turns, allowed: Nano) -> Lines {
        let Inputs { text, images, audio, filled } = self.inputs;
        let count = turns.count;
        let mut lines = Lines::default();
        if let Some(context) = filled {
            let rate = self.input_rate.max(self.image_rate).max(self.audio_rate);
            lines.add("prompt, as long as the context", context.saturating_mul(count), "token", rate);
        } else {
            lines.add("prompt, at most", text.saturating_mul(count), "token", self.input_rate);
            lines.add("images, at most", images.saturating_mul(count), "token", self.image_rate);
            lines.add("audio, at most", audio.saturating_mul(count), "token", self.audio_rate);
        }
        let pictures = shape.media.image_count().saturating_mul(count);
        lines.add("images, each", pictures, "image", self.each_image);
        lines.add("request fee", count, "request", self.request_fee);
        lines.add("searches, at most", turns.searches.0, "call", turns.searches.1);
        let native = self.search_fee.unwrap_or_default();
        lines.add("searches by the provider, at most", turns.native, "call", native);
        lines.add("pages fetched, at most", turns.fetches.0, "page", turns.fetches.1);
        lines.add("pages read, at most", turns.pages, "page", fees::OCR_PAGE);
        let answers = count.saturating_mul(u64::from(shape.choices.max(1)));
        let begun = if self.image_output > Rate::ZERO { IMAGE_BEGUN } else { 0 };
        lines.add("an image begun below the cap", begun.saturating_mul(answers), "token", self.image_output);
        let rejected = shape.prediction_bytes;
        lines.add("prediction, if rejected", rejected.saturating_mul(answers), "token", self.output_rate);
        let again = turns.read_again().saturating_mul(u64::from(shape.choices.max(1)));
        let beyond = begun.saturating_add(rejected).saturating_mul(again);
        lines.add("what lies beyond the cap, read again", beyond, "token", self.read_rate);
        if allowed > Nano::ZERO {
            lines.add_amount("allowances", allowed);
        }
        lines
    }

    fn bound(self, parts: Parts<'_>, shape: &Shape<'_>, grounds: &Grounds<'_>) -> Bound {
        let Parts { named, max_price, turns, lines } = parts;
        let (growth, grown_for) = self.growth.unzip();
        let limit = self.output_limit.unwrap_or(u64::MAX).max(1);
        let choices = u64::from(shape.choices.max(1));
        let read_again = turns.read_again().saturating_add(turns.called_again());
        let again = self.read_rate.saturating_mul(read_again);
        let answers = self.output_rate.saturating_mul(turns.count);
        Bound {
            model: named.first,
            book_version: grounds.book.version,
            input_tokens: self.inputs.total(),
            input: lines.total(),
            output_rate: answers.saturating_add(again).saturating_mul(choices),
            uncapped_output: self.uncapped_output.saturating_mul(shape.choices.max(1)),
            uncapped: self.uncapped.map(|(most, rate)| (most.saturating_mul(choices), rate)),
            output_cap: grounds.policy.output_cap(shape).max(1).min(limit),
            asked_cap: shape.output_cap,
            reasoning_budget: shape.reasoning_budget,
            max_price,
            ignore: self.ignore,
            only: Vec::new(),
            byok_fee: if self.reasons.contains(Reason::Byok) { BYOK_FEE } else { Growth::NONE },
            class: self.reasons.class(),
            reasons: self.reasons,
            growth: growth.unwrap_or(Growth::NONE),
            grown_for: grown_for.map(str::to_owned),
            input_rate: self.input_rate,
            read_rate: self.read_rate,
            lines,
            answer_rate: self.output_rate,
            answers: turns.count.saturating_mul(choices),
            read_again: turns.read_again().saturating_mul(choices),
            called_again: turns.called_again().saturating_mul(choices),
            dearest: self.dearest.map(|(_, candidate, model)| candidate.name(model)).unwrap_or_default(),
            pins: turns.pins,
        }
    }
}
