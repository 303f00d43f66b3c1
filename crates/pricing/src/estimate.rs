//! [`estimate`]: what a request will likely cost, with its prompt cached, and at worst.
//!
//! The worst is the [`Bound`], no other sum. The likely cost rests on a guess: how many tokens the prompt has
//! (somebody counts or guesses that: no tokenizer lives here) and how long the answer will be. The prices are exact,
//! and so are the sums: each term rounds up to a nano-dollar, and the total is their sum.

use money::{Nano, Rate};

use crate::bound::{Bound, bound};
use crate::explain::Term;
use crate::grounds::Grounds;
use crate::likely::{Likely, USUAL_IMAGE_OUTPUT};
use crate::model::Model;
use crate::offer::{CacheWritten, Offer, Terms};
use crate::shape::Shape;
use crate::thinking::expected_output;
use crate::unpriced::Unpriced;

/// How long prompt and answer will likely be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guess {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of the answer, thinking included; `None`: [`expected_output`].
    pub output_tokens: Option<u64>,
}

/// What a request is expected to cost at one model. `likely.total <= worst.usd()`, and a cache hit is never dearer
/// than `likely`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The id of the row that will be billed.
    pub model: String,
    /// Who is likely to serve it: the providers at that price, the model where endpoints are not known, or the ceiling
    /// where a router picks.
    pub served_by: String,
    /// Nobody may serve it: the request's own `provider` (`only`, `ignore`, `order` without fallbacks) shuts out every
    /// endpoint that the model lists, and OpenRouter would refuse it. The sums are then of those who could serve
    /// otherwise.
    pub unserved: bool,
    /// Tokens of the prompt's text that `likely` is for: as guessed, within the bound.
    pub prompt_tokens: u64,
    /// Tokens of its images, audio, video and files, and of what searches and fetches find, as guessed from what is known
    /// of them.
    pub media_tokens: u64,
    /// Tokens of the answer that `likely` is for, all choices together: as guessed, within the output cap.
    pub output_tokens: u64,
    /// The likely cost.
    pub likely: Sum,
    /// The likely cost with the whole prompt read from a cache, where that is listed and cheaper.
    pub cache_hit: Option<Sum>,
    /// The most it can cost: what the gateway holds.
    pub worst: Bound,
}

/// A cost, line by line. The terms add up to the total.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// The terms, in reading order.
    pub terms: Vec<Term>,
    /// Their sum, USD.
    pub total: Nano,
}

impl Sum {
    /// More lines round up more often: what that alone brings above the most is taken off, from the last line on.
    fn rounded_within(mut self, most: Nano) -> Sum {
        let excess = self.total.saturating_sub(most);
        let lines = Nano::from_nanos(i64::try_from(self.terms.len()).unwrap_or(0));
        if excess <= Nano::ZERO || excess >= lines {
            return self;
        }
        let mut left = excess;
        for term in self.terms.iter_mut().rev() {
            let taken = left.min(term.amount);
            term.amount = term.amount.saturating_sub(taken);
            left = left.saturating_sub(taken);
        }
        self.total = self.total.saturating_sub(excess);
        self
    }
}

/// What a request is expected to cost at the first of its models.
///
/// # Errors
/// [`Unpriced`], as [`bound`]: what has no bound has no estimate.
pub fn estimate(shape: &Shape<'_>, grounds: &Grounds<'_>, guess: Guess) -> Result<Estimate, Unpriced> {
    let worst = bound(shape, grounds)?;
    let asked = shape.models.first().ok_or(Unpriced::NoModel)?;
    let model = grounds.book.model(asked).ok_or_else(|| Unpriced::UnknownModel(asked.to_string()))?;
    let choices = u64::from(shape.choices.max(1));
    let wanted = guess.output_tokens.unwrap_or_else(|| expected_output(shape, model, worst.output_cap));
    let prompt_tokens = guess.prompt_tokens.min(worst.input_tokens);
    let likely = Likely::of(shape, model).within(worst.input_tokens - prompt_tokens);
    let terms = Terms {
        floor: is_floor(asked),
        family: model.family,
        prompt_tokens,
        likely,
        output_tokens: wanted.min(worst.output_cap).saturating_mul(choices),
        sent: Some((shape, &worst)),
    };
    let offer = Offer::of(model, &terms).or_else(|| Offer::at_ceiling(model, &terms));
    let offer = offer.ok_or_else(|| Unpriced::Router(model.id.clone()))?;
    let again = |rate| Term::tokens("read again, about", rate, terms.likely.read_again(prompt_tokens));
    let likely = sum(prompt(&offer, prompt_tokens), again(offer.prompt), &offer, &terms);
    let likely = likely.rounded_within(worst.usd());
    let what = match offer.some_cache {
        true => "prompt, cached (not by all)",
        false => "prompt, read from a cache",
    };
    let read = |rate| sum(vec![Term::tokens(what, rate, prompt_tokens)], again(rate), &offer, &terms);
    let read = offer.cache_read.map(read);
    let (prompt_tokens, output_tokens) = (terms.prompt_tokens, terms.output_tokens);
    Ok(Estimate {
        model: model.id.clone(),
        served_by: offer.by,
        unserved: offer.unserved,
        prompt_tokens,
        media_tokens: terms.likely.tokens(),
        output_tokens,
        cache_hit: read.filter(|read| read.total <= likely.total),
        likely,
        worst,
    })
}

/// What a request of this many tokens costs at a model's listed prices, by the name asked; `None` where no price
/// can be read. For comparing models: nothing is known of the request but its size.
pub fn usual_cost(model: &Model, asked: &str, prompt_tokens: u64, output_tokens: u64) -> Option<Sum> {
    let likely = Likely::default();
    let (floor, family) = (is_floor(asked), model.family);
    let terms = Terms { floor, family, prompt_tokens, likely, output_tokens, sent: None };
    let offer = Offer::of(model, &terms)?;
    let again = Term::tokens("read again, about", offer.prompt, 0);
    Some(sum(prompt(&offer, prompt_tokens), again, &offer, &terms))
}

fn is_floor(asked: &str) -> bool {
    asked.ends_with(":floor")
}

/// The prompt, and what writing it to a cache costs where that is asked for.
fn prompt(offer: &Offer, tokens: u64) -> Vec<Term> {
    let plain = Term::tokens("prompt", offer.prompt, tokens);
    match offer.cache_write {
        None => vec![plain],
        Some(CacheWritten::Instead(rate)) => vec![Term::tokens("prompt, written to a cache", rate, tokens)],
        Some(CacheWritten::OnTop(rate)) => {
            // Together they are what one price of both would be: it is rounded up once.
            let both = offer.prompt.saturating_add(rate).times(tokens);
            let amount = both.saturating_sub(plain.amount);
            vec![plain, Term { amount, ..Term::tokens("writing it to a cache, about", rate, tokens) }]
        }
    }
}

/// The terms of the prompt's text, what is read of it again, and all others.
fn sum(prompt: Vec<Term>, again: Term, offer: &Offer, terms: &Terms<'_, '_>) -> Sum {
    let mut lines = prompt;
    if offer.request > Rate::ZERO {
        lines.push(Term {
            what: "request fee",
            quantity: 1,
            unit: "request",
            rate: offer.request.per_unit().to_string(),
            amount: offer.request.times(1),
        });
    }
    let likely = &terms.likely;
    let mut more = |what, rate: Rate, quantity, unit| {
        if quantity > 0 && rate > Rate::ZERO {
            let amount = rate.times(quantity);
            lines.push(Term { what, quantity, unit, rate: rate.per_unit().to_string(), amount });
        }
    };
    more("images, each", offer.each_image, likely.images, "image");
    for (what, quantity, unit, rate) in likely.fees(offer.search) {
        more(what, rate, quantity, unit);
    }
    for (what, rate, quantity) in [
        (if likely.guessed_images { "images, about" } else { "images" }, offer.image, likely.image_tokens),
        (if likely.guessed_audio { "audio, about" } else { "audio" }, offer.audio, likely.audio_tokens),
        ("video, about", offer.prompt, likely.video_tokens),
        ("files, about", offer.prompt, likely.file_tokens),
        ("what is found, about", offer.prompt, likely.found_tokens),
    ] {
        if quantity > 0 {
            lines.push(Term::tokens(what, rate, quantity));
        }
    }
    if again.quantity > 0 {
        lines.push(again);
    }
    let outputs = terms.sent.map(|(shape, _)| shape.outputs).unwrap_or_default();
    if outputs.images {
        lines.push(Term::tokens("an image in the answer", offer.image_output, USUAL_IMAGE_OUTPUT));
    }
    lines.push(match outputs.audio {
        true => Term::tokens("answer, spoken", offer.audio_output, terms.output_tokens),
        false => Term::tokens("answer", offer.completion, terms.output_tokens),
    });
    Sum { total: lines.iter().map(|term| term.amount).sum(), terms: lines }
}
