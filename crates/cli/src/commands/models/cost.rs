//! What one request costs at several models: the request by its size or as a body, and the table.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::Args;
use money::{Nano, Rate};
use openrouter::chat;
use pricing::{
    Book, BoundPolicy, Detail, Estimate, Grounds, Guess, Media, Model, Need, Shape, Sum, Term, USUAL_OUTPUT,
    Unpriced, estimate, expected_output,
};
use serde_json::{Value, json};

use super::filter::tokens;
use super::row;
use crate::amount::{self, grouped};
use crate::failure::{Failure, chain};
use crate::obstacle;
use crate::table::{self, Align, Look};
use crate::terminal::Terminal;
use crate::tokens::Prompt;

/// A prompt of which nothing is said, in tokens.
const USUAL_INPUT: u64 = 2_000;
/// A text of so many bytes for each token is what the worst of a size is for.
const BYTES_PER_TOKEN: u64 = 4;
/// No model has room for more, and nobody needs more memory for asking.
const TOKENS_MAX: u64 = 16_000_000;
const IMAGES_MAX: u32 = 10_000;
/// A picture of which nothing is said, pixels.
const IMAGE: (u32, u32) = (1_024, 1_024);

/// The request that models are compared by.
#[derive(Debug, Args)]
pub(crate) struct RequestArgs {
    /// Tokens of prompt [default: 2000]
    #[arg(long = "in", value_name = "TOKENS", value_parser = tokens, conflicts_with = "body", help_heading = "Your request")]
    input: Option<u64>,
    /// Tokens of answer [default: 500, and the reasoning a body asks for]
    #[arg(long = "out", value_name = "TOKENS", value_parser = tokens, help_heading = "Your request")]
    output: Option<u64>,
    /// Pictures of 1024 by 1024 in the prompt
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        conflicts_with = "body",
        help_heading = "Your request"
    )]
    images: u32,
    /// So much of the prompt is read from a cache, where a price for that is listed
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100), help_heading = "Your request")]
    cached: u8,
    /// A chat request as JSON: what it says and needs; whose model it names does not matter
    #[arg(long, value_name = "FILE", help_heading = "Your request")]
    body: Option<PathBuf>,
}

impl RequestArgs {
    /// Whether anything is said of it.
    pub(super) fn is_given(&self) -> bool {
        let sized = self.input.or(self.output).is_some() || self.images > 0 || self.cached > 0;
        sized || self.body.is_some()
    }

    /// The body: the file's text, or one of the size that is asked for.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn text(&self) -> Result<String, Failure> {
        match &self.body {
            Some(path) => std::fs::read_to_string(path).map_err(|error| {
                Failure::usage(format!("cannot read {}: {}", path.display(), chain(&error)))
            }),
            None => Ok(" ".repeat(self.bytes())),
        }
    }

    /// Bytes of a prompt of the size asked for.
    fn bytes(&self) -> usize {
        let tokens = self.input.unwrap_or(USUAL_INPUT).min(TOKENS_MAX);
        usize::try_from(tokens * BYTES_PER_TOKEN).unwrap_or(usize::MAX)
    }

    /// The request.
    ///
    /// # Errors
    /// When the body is no chat request.
    pub(super) fn request<'t>(&self, text: &'t str) -> Result<Request<'t>, Failure> {
        let cached = self.cached;
        let Some(path) = &self.body else {
            let output = self.output.unwrap_or(USUAL_OUTPUT);
            return Ok(Request {
                shape: Box::new(self.sized(text, output)),
                prompt: Prompted::Size(self.input.unwrap_or(USUAL_INPUT)),
                output: Some(output),
                cached,
            });
        };
        let name = path.display();
        let read = chat::read(text.as_bytes());
        let shape = read.map_err(|error| Failure::usage(format!("{name}: {error}")))?.shape;
        let prompt = Prompt::of_body(text);
        Ok(Request {
            shape: Box::new(shape),
            prompt: Prompted::Words(Box::new(prompt)),
            output: self.output,
            cached,
        })
    }

    /// A chat of so many bytes and pictures, with a cap of the answer's length.
    fn sized<'t>(&self, text: &'t str, output: u64) -> Shape<'t> {
        let mut media = Media::default();
        for _ in 0..self.images.min(IMAGES_MAX) {
            media.add_image(Detail::High, Some(IMAGE));
        }
        let body = text.as_bytes();
        Shape { body, messages: 1, choices: 1, output_cap: Some(output), media, ..Shape::default() }
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        let mut words = match &self.body {
            Some(path) => path.display().to_string(),
            None => format!(
                "{} tokens in, {} out",
                grouped(self.input.unwrap_or(USUAL_INPUT)),
                grouped(self.output.unwrap_or(USUAL_OUTPUT))
            ),
        };
        match self.images {
            0 => {}
            1 => words += ", a picture",
            images => words += &format!(", {images} pictures"),
        }
        if self.cached > 0 {
            words += &format!(", {} % of the prompt from a cache", self.cached);
        }
        words
    }
}

/// A request, for any model.
pub(super) struct Request<'t> {
    shape: Box<Shape<'t>>,
    prompt: Prompted,
    output: Option<u64>,
    cached: u8,
}

/// How long its prompt is.
enum Prompted {
    Size(u64),
    Words(Box<Prompt>),
}

/// What it costs at one model.
pub(super) struct Cost<'b> {
    /// The name asked for.
    pub(super) asked: String,
    pub(super) model: &'b Model,
    /// With as much of the prompt from a cache as was said.
    pub(super) likely: Sum,
    pub(super) estimate: Estimate,
    /// Why OpenRouter would refuse it there, and bill nothing.
    pub(super) obstacle: Option<String>,
}

impl Request<'_> {
    /// Whether a model can do it.
    pub(super) fn is_met_by(&self, model: &Model) -> bool {
        let cap = self.shape.output_cap.unwrap_or(u64::MAX);
        let output = self.output.unwrap_or_else(|| expected_output(&self.shape, model, cap));
        Need::counted(&self.shape, self.tokens(model), output).met_by(model)
    }

    /// Why OpenRouter would refuse it at a model, and bill nothing.
    pub(super) fn obstacle(&self, model: &Model) -> Option<String> {
        let about = if matches!(self.prompt, Prompted::Size(_)) { "" } else { "about " };
        obstacle::obstacle(model, &obstacle::need(&self.shape, self.tokens(model)), about)
    }

    /// The first thing in it that is refused at any model, unless the configuration allows it.
    pub(super) fn refused(&self) -> Option<&Unpriced> {
        self.shape.costs.first()
    }

    fn tokens(&self, model: &Model) -> u64 {
        match &self.prompt {
            Prompted::Size(tokens) => *tokens,
            Prompted::Words(prompt) => prompt.count(model).tokens,
        }
    }

    /// What it costs there, by the name asked, at these providers only; at any of its own where none is named.
    ///
    /// # Errors
    /// Why it has no price there.
    pub(super) fn cost<'b>(
        &self,
        asked: &str,
        only: &[String],
        book: &'b Book,
        policy: &BoundPolicy,
    ) -> Result<Cost<'b>, Unpriced> {
        let model = book.model(asked).ok_or_else(|| Unpriced::UnknownModel(asked.to_owned()))?;
        let mut shape = self.shape.with_models([asked]);
        if !only.is_empty() {
            shape.only = only.iter().map(|tag| Cow::Borrowed(tag.as_str())).collect();
        }
        let guess = Guess { prompt_tokens: self.tokens(model), output_tokens: self.output };
        let estimate = estimate(&shape, &Grounds::new(book, policy), guess)?;
        let likely = partly_cached(&estimate, self.cached);
        Ok(Cost { asked: asked.to_owned(), model, likely, estimate, obstacle: self.obstacle(model) })
    }
}

/// The likely cost with so many percent of the prompt's tokens read from a cache, where that is listed. Rounded up.
fn partly_cached(estimate: &Estimate, percent: u8) -> Sum {
    let likely = &estimate.likely;
    let (Some(hit), 1..) = (&estimate.cache_hit, percent) else { return likely.clone() };
    let is_prompt = |term: &&Term| term.what.starts_with("prompt");
    let (Some(whole), Some(read)) = (likely.terms.iter().find(is_prompt), hit.terms.iter().find(is_prompt))
    else {
        return likely.clone();
    };
    let cached = whole.quantity.saturating_mul(u64::from(percent)) / 100;
    let parts = [part(whole, whole.quantity - cached), part(read, cached)];
    let prompt = parts.into_iter().flatten().filter(|term| term.quantity > 0);
    let others = likely.terms.iter().filter(|term| !is_prompt(term)).cloned();
    let terms: Vec<Term> = prompt.chain(others).collect();
    Sum { total: terms.iter().map(|term| term.amount).sum(), terms }
}

/// So many tokens at the price of a term.
fn part(term: &Term, quantity: u64) -> Option<Term> {
    let rate = Rate::parse_per_million_floor(&term.rate).ok()?;
    Some(Term { quantity, amount: rate.times(quantity), ..term.clone() })
}

/// Narrow terminals lose columns, the least telling first.
pub(super) fn render(costs: &[Cost<'_>], terminal: &Terminal) -> String {
    const HEADER: [&str; 8] = ["MODEL", "LIKELY", "WORST", "CACHED", "IN", "OUT", "CONTEXT", "CAN"];
    // What is refused costs nothing, and is no bargain.
    let column = |of: fn(&Cost<'_>) -> Option<Nano>| {
        let told = costs.iter().map(|cost| cost.obstacle.is_none().then(|| of(cost)).flatten());
        amount::column(&told.collect::<Vec<_>>())
    };
    let likely = column(|cost| Some(cost.likely.total));
    let worst = column(|cost| Some(cost.estimate.worst.usd()));
    let cached = column(|cost| cost.estimate.cache_hit.as_ref().map(|hit| hit.total));
    let cells = |(at, cost): (usize, &Cost<'_>)| {
        let [prompt, completion] = row::prices(cost.model);
        [
            cost.asked.clone(),
            likely[at].clone(),
            worst[at].clone(),
            cached[at].clone(),
            prompt,
            completion,
            row::context(cost.model.context_length),
            row::features(cost.model),
        ]
    };
    let draw = |shown: &[usize]| {
        let pick = |cells: [String; 8], look: Look| {
            let cell = |&at: &usize| {
                let align = if at == 0 || at == 7 { Align::Left } else { Align::Right };
                table::cell(&cells[at], align, look)
            };
            shown.iter().map(cell).collect::<Vec<_>>()
        };
        let body = costs.iter().enumerate().map(|cost| pick(cells(cost), Look::Plain)).collect();
        table::render(pick(HEADER.map(str::to_owned), Look::Dim), body, terminal)
    };
    let shapes: [&[usize]; 6] = [
        &[0, 1, 2, 3, 4, 5, 6, 7],
        &[0, 1, 2, 3, 4, 5, 6],
        &[0, 1, 2, 4, 5, 6],
        &[0, 1, 2, 6],
        &[0, 1, 2],
        &[0, 1],
    ];
    table::fitting(shapes.into_iter().map(draw), terminal)
}

/// For machines.
pub(super) fn json(cost: &Cost<'_>) -> Value {
    let mut whole = row::json(cost.model);
    whole["asked"] = cost.asked.clone().into();
    whole["likely_usd"] = cost.likely.total.to_string().into();
    whole["cache_hit_usd"] = json!(cost.estimate.cache_hit.as_ref().map(|hit| hit.total.to_string()));
    whole["worst_usd"] = cost.estimate.worst.usd().to_string().into();
    whole["class"] = cost.estimate.worst.class.word().into();
    whole["obstacle"] = json!(cost.obstacle);
    whole
}
