//! What one request costs at several models: the request by its size or as a body, and the table.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use clap::Args;
use money::Nano;
use openrouter::chat;
use pricing::{
    Book, BoundPolicy, Grounds, Guess, Model, Need, Shape, USUAL_OUTPUT, Unpriced, estimate, usual_cost,
};
use serde_json::{Value, json};

use super::row;
use crate::amount::grouped;
use crate::failure::{Failure, chain};
use crate::table::{self, Align, Look};
use crate::terminal::Terminal;
use crate::tokens::Prompt;

/// The request that models are compared by.
#[derive(Debug, Args)]
pub(crate) struct RequestArgs {
    /// Tokens of prompt [default: 2000]
    #[arg(long = "in", value_name = "TOKENS", conflicts_with = "body")]
    input: Option<u64>,
    /// Tokens of answer [default: 500, and the reasoning a body asks for]
    #[arg(long = "out", value_name = "TOKENS")]
    output: Option<u64>,
    /// A chat request as JSON: what it says and needs; whose model it names does not matter
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
}

impl RequestArgs {
    /// The body's text, when there is one.
    pub(super) fn text(&self) -> Result<Option<String>, Failure> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path)
                .map_err(|error| Failure::usage(format!("cannot read {}: {}", path.display(), chain(&error))))
        };
        self.body.as_ref().map(read).transpose()
    }

    /// The request.
    ///
    /// # Errors
    /// When the body is no chat request, or has a part that nobody can price.
    pub(super) fn request<'t>(&self, text: Option<&'t str>) -> Result<Request<'t>, Failure> {
        let Some(text) = text else {
            let input = self.input.unwrap_or(2_000);
            return Ok(Request::Size { input, output: self.output.unwrap_or(USUAL_OUTPUT) });
        };
        let name = self.body.as_deref().unwrap_or(Path::new("-")).display();
        let read = chat::read(text.as_bytes());
        let shape = read.map_err(|error| Failure::usage(format!("{name}: {error}")))?.shape;
        if let Some(cost) = shape.costs.first() {
            return Err(Failure::failed(format!("{name}: {cost}")));
        }
        let prompt = Prompt::of_body(text);
        Ok(Request::Body { shape: Box::new(shape), prompt, output: self.output })
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        match &self.body {
            Some(path) => path.display().to_string(),
            None => format!(
                "{} tokens in, {} out",
                grouped(self.input.unwrap_or(2_000)),
                grouped(self.output.unwrap_or(USUAL_OUTPUT))
            ),
        }
    }
}

/// A request, for any model.
pub(super) enum Request<'t> {
    Size { input: u64, output: u64 },
    Body { shape: Box<Shape<'t>>, prompt: Prompt, output: Option<u64> },
}

/// What it costs at one model.
pub(super) struct Cost<'b> {
    /// The name asked for.
    pub(super) asked: String,
    pub(super) model: &'b Model,
    pub(super) likely: Nano,
    /// With its prompt read from a cache, where that is listed.
    pub(super) cached: Option<Nano>,
    /// At worst; only a body has one.
    pub(super) worst: Option<Nano>,
}

impl Request<'_> {
    /// Whether a model can do it.
    pub(super) fn is_met_by(&self, model: &Model) -> bool {
        let need = match self {
            Request::Size { input, output } => {
                Need { context: input.saturating_add(*output), ..Need::default() }
            }
            Request::Body { shape, prompt, output } => {
                let output = output.unwrap_or(USUAL_OUTPUT.saturating_add(shape.reasoning_budget));
                Need::counted(shape, prompt.count(model).tokens, output)
            }
        };
        need.met_by(model)
    }

    /// What it costs there, by the name asked.
    ///
    /// # Errors
    /// Why it has no price there.
    pub(super) fn cost<'b>(
        &self,
        asked: &str,
        book: &'b Book,
        policy: &BoundPolicy,
    ) -> Result<Cost<'b>, Unpriced> {
        let model = book.model(asked).ok_or_else(|| Unpriced::UnknownModel(asked.to_owned()))?;
        let asked = asked.to_owned();
        match self {
            Request::Size { input, output } => {
                let likely = usual_cost(model, &asked, *input, *output)
                    .ok_or_else(|| Unpriced::Router(model.id.clone()))?
                    .total;
                Ok(Cost { asked, model, likely, cached: None, worst: None })
            }
            Request::Body { shape, prompt, output } => {
                let models = [Cow::Owned(asked.clone())].into_iter().collect();
                let shape = Shape { models, ..(**shape).clone() };
                let prompt_tokens = prompt.count(model).tokens;
                let guess = Guess { prompt_tokens, output_tokens: *output };
                let found = estimate(&shape, &Grounds::new(book, policy), guess)?;
                Ok(Cost {
                    asked,
                    model,
                    likely: found.likely.total,
                    cached: found.cache_hit.map(|hit| hit.total),
                    worst: Some(found.worst.usd()),
                })
            }
        }
    }
}

/// Narrow terminals lose columns, the least telling first.
pub(super) fn render(costs: &[Cost<'_>], terminal: &Terminal) -> String {
    const HEADER: [&str; 8] = ["MODEL", "LIKELY", "WORST", "CACHED", "IN", "OUT", "CONTEXT", "CAN"];
    let bounded = costs.iter().any(|cost| cost.worst.is_some());
    let amount = |amount: Option<Nano>| amount.map_or_else(|| "-".to_owned(), Nano::for_people);
    let cells = |cost: &Cost<'_>| {
        let [prompt, completion] = row::prices(cost.model);
        [
            cost.asked.clone(),
            cost.likely.for_people(),
            amount(cost.worst),
            amount(cost.cached),
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
            let shown = shown.iter().filter(|at| bounded || !(2..=3).contains(*at));
            shown.map(cell).collect::<Vec<_>>()
        };
        let body = costs.iter().map(|cost| pick(cells(cost), Look::Plain)).collect();
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
    whole["likely_usd"] = cost.likely.to_string().into();
    whole["cache_hit_usd"] = json!(cost.cached.map(|usd| usd.to_string()));
    whole["worst_usd"] = json!(cost.worst.map(|usd| usd.to_string()));
    whole
}
