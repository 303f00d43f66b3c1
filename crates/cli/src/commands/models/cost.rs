//! What one request costs at several models: the request by its size or as a body, and the table.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::Args;
use money::{Nano, Rate};
use openrouter::chat::{self, BodyError};
use pricing::{
    Book, Detail, Estimate, Grounds, Guess, Media, Model, Need, Shape, Sum, Term, USUAL_OUTPUT, Unpriced,
    estimate, expected_output,
};
use serde_json::{Value, json};

use super::filter::tokens;
use super::row;
use crate::amount::{self, grouped};
use crate::failure::Failure;
use crate::obstacle::{self, Obstacle, Wanted};
use crate::prices::Prices;
use crate::reading::content;
use crate::table;
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
    /// Tokens of answer, thinking included [default: 500, and what the model usually thinks]
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
            Some(path) => content(path).map(|(_, text)| text),
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
            let shape = self.sized(text);
            return Ok(Request {
                wanted: Wanted::of(&shape, self.output),
                shape: Box::new(shape),
                prompt: Prompted::Size(self.input.unwrap_or(USUAL_INPUT)),
                output: self.output,
                cached,
            });
        };
        let name = path.display();
        let read = chat::read(text.as_bytes());
        let shape = read
            .map_err(|error| {
                let failure = Failure::usage(format!("{name}: {error}"));
                match error {
                    BodyError::NotAnObject => {
                        failure.hint(format!("many requests are summed up by farebox estimate --body {name}"))
                    }
                    _ => failure,
                }
            })?
            .shape;
        let prompt = Prompt::of_body(text);
        Ok(Request {
            wanted: Wanted::of(&shape, self.output).saying_nothing(prompt.says_nothing()),
            shape: Box::new(shape),
            prompt: Prompted::Words(Box::new(prompt)),
            output: self.output,
            cached,
        })
    }

    /// A chat of so many bytes and pictures, with a cap of the answer's length where that is said.
    fn sized<'t>(&self, text: &'t str) -> Shape<'t> {
        let mut media = Media::default();
        for _ in 0..self.images.min(IMAGES_MAX) {
            media.add_image(Detail::High, Some(IMAGE));
        }
        let body = text.as_bytes();
        Shape { body, messages: 1, choices: 1, output_cap: self.output, media, ..Shape::default() }
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        let mut words = match &self.body {
            Some(path) => path.display().to_string(),
            None => {
                let input = grouped(self.input.unwrap_or(USUAL_INPUT));
                match self.output {
                    Some(output) => format!("{input} tokens in, {} out", grouped(output)),
                    None => format!("{input} tokens in, {USUAL_OUTPUT} out and the usual thinking"),
                }
            }
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
    wanted: Wanted,
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
    /// Or why it has no bound there.
    pub(super) sums: Result<Sums, Unpriced>,
    /// Why it cannot be done there.
    pub(super) obstacle: Option<Obstacle>,
}

/// Its sums.
pub(super) struct Sums {
    /// With as much of the prompt from a cache as was said.
    pub(super) likely: Sum,
    pub(super) estimate: Estimate,
}

impl Cost<'_> {
    /// The sums of a call that is made: what is refused costs nothing, and is no bargain.
    pub(super) fn made(&self) -> Option<&Sums> {
        self.sums.as_ref().ok().filter(|_| self.obstacle.is_none())
    }
}

impl Request<'_> {
    /// Whether a model can do it.
    pub(super) fn is_met_by(&self, model: &Model) -> bool {
        let output = self.output.unwrap_or_else(|| self.expected(model));
        Need::counted(&self.shape, self.tokens(model), output).met_by(model) && self.obstacle(model).is_none()
    }

    /// Why it cannot be done at a model.
    pub(super) fn obstacle(&self, model: &Model) -> Option<Obstacle> {
        let about = if matches!(self.prompt, Prompted::Size(_)) { "" } else { "about " };
        let wanted = self.wanted.with_prompt(self.tokens(model)).expecting(self.expected(model));
        wanted.obstacle(model, about)
    }

    /// Tokens of answer where nobody said how many: with what the model thinks before it.
    fn expected(&self, model: &Model) -> u64 {
        expected_output(&self.shape, model, self.shape.output_cap.unwrap_or(u64::MAX))
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

    /// What it costs at a model, by the name asked, at these providers only; at any of its own where none is named.
    pub(super) fn cost<'b>(
        &self,
        asked: &str,
        model: &'b Model,
        only: &[String],
        book: &Book,
        prices: &Prices,
    ) -> Cost<'b> {
        let mut shape = self.shape.with_models([asked]);
        if !only.is_empty() {
            shape.only = only.iter().map(|tag| Cow::Borrowed(tag.as_str())).collect();
        }
        let mut output = self.output;
        if matches!(self.prompt, Prompted::Size(_)) && output.is_none() {
            // All of it, with room for nothing else.
            output = Some(self.expected(model));
            shape.output_cap = output;
        }
        let guess = Guess { prompt_tokens: self.tokens(model), output_tokens: output };
        let sums = estimate(&shape, &Grounds::new(book, &prices.config.bounds), guess).map(|mut estimate| {
            prices.date(&mut estimate.worst);
            Sums { likely: partly_cached(&estimate, self.cached), estimate }
        });
        let unserved = sums.as_ref().is_ok_and(|sums| sums.estimate.unserved);
        let obstacle = self.obstacle(model).or_else(|| unserved.then(obstacle::unserved));
        Cost { asked: asked.to_owned(), model, sums, obstacle }
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
    let column = |of: fn(&Sums) -> Option<Nano>| {
        amount::column(&costs.iter().map(|cost| cost.made().and_then(of)).collect::<Vec<_>>())
    };
    let likely = column(|sums| Some(sums.likely.total));
    let worst = column(|sums| Some(sums.estimate.worst.usd()));
    let cached = column(|sums| sums.estimate.cache_hit.as_ref().map(|hit| hit.total));
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
    let shapes: [&[usize]; 6] = [
        &[0, 1, 2, 3, 4, 5, 6, 7],
        &[0, 1, 2, 3, 4, 5, 6],
        &[0, 1, 2, 4, 5, 6],
        &[0, 1, 2, 6],
        &[0, 1, 2],
        &[0, 1],
    ];
    let rows: Vec<[String; 8]> = costs.iter().enumerate().map(cells).collect();
    table::fitted(HEADER, &[0, 7], &rows, &shapes, terminal)
}

/// For machines.
pub(super) fn json(cost: &Cost<'_>) -> Value {
    let sums = cost.sums.as_ref().ok();
    let hit = sums.and_then(|sums| sums.estimate.cache_hit.as_ref());
    let mut whole = row::json(cost.model);
    whole["asked"] = cost.asked.clone().into();
    whole["likely_usd"] = json!(sums.map(|sums| sums.likely.total.to_string()));
    whole["cache_hit_usd"] = json!(hit.map(|hit| hit.total.to_string()));
    whole["worst_usd"] = json!(sums.map(|sums| sums.estimate.worst.usd().to_string()));
    whole["class"] = json!(sums.map(|sums| sums.estimate.worst.class.word()));
    whole["obstacle"] = json!(cost.obstacle.as_ref().map(|obstacle| &obstacle.why));
    whole["error"] = json!(cost.sums.as_ref().err().map(ToString::to_string));
    whole
}
