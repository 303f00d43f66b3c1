//! `farebox estimate`: what a request will likely cost, at worst, and with its prompt cached, before it is sent.
//!
//! ```text
//! input -> a body for each model -> tokens (counted or guessed) -> pricing::estimate -> budgets -> a sum, a table
//! batch -> the same for each of its requests -> a tally
//! ```

mod batch;
mod body;
mod fields;
mod image;
mod input;
mod json;
mod refused;
mod room;
mod tally;
mod text;

use std::path::PathBuf;

use clap::Args;
use farebox::Config;
use pricing::{
    Alternatives, Bound, BoundPolicy, Encoding, Estimate, Fit, Grounds, Guess, Model, Need, Shape, Unpriced,
    estimate, expected_output,
};

use self::input::{Given, Input};
use self::refused::refused;
use self::room::{Limit, Verdict};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::obstacle::{self, Obstacle, Wanted};
use crate::output;
use crate::prices::{PriceArgs, Prices};
use crate::terminal::Terminal;
use crate::tokens::{Count, Prompt};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox estimate \"Explain quicksort\" --model openai/gpt-4o-mini\n  farebox estimate --file main.rs --prompt \"Find the bug\" -m anthropic/claude-sonnet-4.5 --compare\n  farebox estimate --body request.json --calls 1000\n  farebox estimate --body batch.jsonl\n  git diff | farebox estimate - --model openai/gpt-4o --output 300\n  farebox estimate \"What is in it?\" --image photo.png --image 1024x768 -m openai/gpt-4o-mini";

/// Models compared beside the one asked for.
const KIN: usize = 2;
const OTHERS: usize = 2;
const FREE: usize = 1;

/// `estimate`
#[derive(Debug, Args)]
pub(crate) struct EstimateArgs {
    /// The prompt; - reads it from stdin
    #[arg(value_name = "TEXT|-")]
    text: Option<String>,
    /// The prompt, or a part of it
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// A file of the prompt. Repeatable
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// A system prompt
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// A picture of the prompt: a file, or its size in pixels. Repeatable
    #[arg(long, value_name = "FILE|WxH")]
    image: Vec<String>,
    /// A whole chat request as JSON, or many: one a line, or a list; - reads it from stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "prompt", "file", "system", "image"])]
    body: Option<PathBuf>,
    /// The model; for a body, another than its own. Repeatable
    #[arg(long, short, value_name = "MODEL")]
    model: Vec<String>,
    /// The most tokens of answer, as max_tokens of a request
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=4_294_967_295))]
    max_tokens: Option<u64>,
    /// Tokens of answer to expect [default: 500, and the reasoning asked for]
    #[arg(long, value_name = "N")]
    output: Option<u64>,
    /// Beside it: its :floor, cheaper models that could do the same, a free one
    #[arg(long)]
    compare: bool,
    /// Also say what so many such calls cost
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    calls: Option<u32>,
    /// Ask the gateway whose console is here what its budgets have left
    #[arg(long, value_name = "ADDRESS")]
    console: Option<String>,
    /// Print JSON; money is decimal text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    prices: PriceArgs,
}

/// One model's estimate, with where its numbers come from.
struct Row {
    asked: String,
    /// How many models the request names.
    models: usize,
    /// Answers asked for.
    choices: u64,
    count: Count,
    estimate: Estimate,
    /// The bound with its prompt counted, where that is less: what a gateway holds where the bytes do not fit,
    /// at providers it has seen to count alike.
    counted: Option<Bound>,
    /// Why it cannot be done there.
    obstacle: Option<Obstacle>,
}

impl Row {
    /// What it means for a limit, by its bytes, as in the gateway.
    fn verdict(&self, limit: &Limit, config: &Config) -> Verdict {
        room::verdict(limit, &self.estimate.worst, config)
    }
}

/// A model that the request has no bound at, among others that it has.
struct Unbounded {
    /// Behind so many rows.
    at: usize,
    asked: String,
    why: Failure,
}

/// All there is to say.
struct Told<'t> {
    rows: Vec<Row>,
    unbounded: Vec<Unbounded>,
    calls: Option<u32>,
    /// For the first row.
    limits: Vec<(Limit, Verdict)>,
    instead: Vec<Fit>,
    prices: &'t Prices,
}

/// Prints it.
pub(crate) async fn run(args: EstimateArgs) -> Result<Exit, Failure> {
    let input = match Input::read(&args)? {
        Given::One(input) => input,
        Given::Many(batch) => return tally::run(&batch, &args).await,
    };
    let own = input.models();
    if args.model.is_empty() && own.is_empty() {
        return Err(Failure::usage("no model is named")
            .hint("--model openai/gpt-4o-mini, or any of: farebox models list; farebox models cheapest"));
    }
    let mut prices = Prices::open(&args.prices).await?;
    let named = if args.model.is_empty() { own } else { args.model.clone() };
    prices.know(named.iter().flat_map(|name| prices.routed(name)).collect()).await;
    let asking = Asking::new(input, &args, prices.config.bounds.clone());

    let (mut rows, unbounded) = asking.rows(&prices)?;
    if args.compare {
        asking.compare(&mut rows, &mut prices).await?;
    }
    let model = rows.first().map(|row| row.estimate.model.clone()).unwrap_or_default();
    let limits = room::limits(args.console.as_deref(), &prices, &model).await?;
    let told = asking.told(rows, unbounded, limits, &prices)?;
    prices.warn();
    match args.json {
        true => output::json(&json::of(&told)),
        false => output::text(&text::of(&told, &Terminal::of_stdout())),
    }
}

/// What is asked about.
struct Asking<'a> {
    input: Input,
    prompt: Prompt,
    args: &'a EstimateArgs,
    policy: BoundPolicy,
}

impl<'a> Asking<'a> {
    fn new(input: Input, args: &'a EstimateArgs, policy: BoundPolicy) -> Asking<'a> {
        Asking { prompt: input.prompt(args), input, args, policy }
    }

    /// The models named, or the body's own. To compare, the others of a body are a row each.
    fn names(&self) -> Vec<Option<String>> {
        match self.args.model.is_empty() {
            true if self.args.compare => {
                let own = self.input.models();
                let others = (1..own.len()).filter(|&at| !own[..at].contains(&own[at]));
                std::iter::once(None).chain(others.map(|at| Some(own[at].clone()))).collect()
            }
            true => vec![None],
            false => self.args.model.iter().cloned().map(Some).collect(),
        }
    }

    /// A row for each of them that the request has a bound at. What has none ends the command when it is alone.
    fn rows(&self, prices: &Prices) -> Result<(Vec<Row>, Vec<Unbounded>), Failure> {
        let (mut rows, mut unbounded) = (Vec::new(), Vec::new());
        for name in self.names() {
            match self.row(name.as_deref(), prices) {
                Ok(row) => rows.push(row),
                Err(why) if why.exit == Exit::Failed => {
                    let asked = name.or_else(|| self.input.models().into_iter().next()).unwrap_or_default();
                    unbounded.push(Unbounded { at: rows.len(), asked, why });
                }
                Err(failure) => return Err(failure),
            }
        }
        match rows.is_empty() {
            false => Ok((rows, unbounded)),
            true => {
                Err(unbounded.into_iter().next().map_or_else(|| refused(&Unpriced::NoModel), |one| one.why))
            }
        }
    }

    /// The request for one model, with the models of its route in the place of a route's name.
    fn with_shape<T>(
        &self,
        model: Option<&str>,
        prices: &Prices,
        work: impl FnOnce(&str, &Shape<'_>) -> T,
    ) -> Result<T, Failure> {
        let body = self.input.request(model, self.args);
        let shape =
            openrouter::chat::read(body.as_bytes()).map_err(|error| Failure::usage(error.to_string()))?.shape;
        let asked = shape.models.first().map(|asked| asked.to_string()).unwrap_or_default();
        let models: Vec<String> = shape.models.iter().flat_map(|name| prices.routed(name)).collect();
        Ok(work(&asked, &shape.with_models(models.iter().map(String::as_str))))
    }

    fn row(&self, model: Option<&str>, prices: &Prices) -> Result<Row, Failure> {
        self.with_shape(model, prices, |asked, shape| self.row_of(asked, shape, prices))?
    }

    fn row_of(&self, asked: &str, shape: &Shape<'_>, prices: &Prices) -> Result<Row, Failure> {
        let book = prices.book();
        let first = shape.models.first().and_then(|name| book.model(name));
        let count = first.map(|model| self.prompt.count(model));
        let prompt_tokens = count.map_or(0, |count| count.tokens);
        let guess = Guess { prompt_tokens, output_tokens: self.args.output };
        let grounds = Grounds::new(&book, &self.policy);
        match (estimate(shape, &grounds, guess), count) {
            (Ok(mut estimate), Some(count)) => {
                prices.date(&mut estimate.worst);
                let counted = self.counted(shape, &grounds, &estimate);
                let obstacle = first.and_then(|model| self.obstacle(model, shape, count));
                let obstacle = obstacle.or_else(|| estimate.unserved.then(obstacle::unserved));
                let (asked, models) = (asked.to_owned(), shape.models.len());
                let choices = u64::from(shape.choices.max(1));
                Ok(Row { asked, models, choices, count, estimate, counted, obstacle })
            }
            (Err(unpriced), _) => {
                let mistyped = match &unpriced {
                    Unpriced::UnknownModel(name) | Unpriced::Variant(name) => {
                        Prices::model(&book, name).err()
                    }
                    _ => None,
                };
                Err(mistyped.unwrap_or_else(|| refused(&unpriced)))
            }
            (Ok(_), None) => Err(refused(&Unpriced::UnknownModel(asked.to_owned()))),
        }
    }

    fn obstacle(&self, model: &Model, shape: &Shape<'_>, count: Count) -> Option<Obstacle> {
        let about = if count.how.is_exact() { "" } else { "about " };
        let usual = expected_output(shape, model, shape.output_cap.unwrap_or(u64::MAX));
        let wanted = Wanted::of(shape, self.args.output).with_prompt(count.tokens).expecting(usual);
        wanted.saying_nothing(self.prompt.says_nothing()).obstacle(model, about)
    }

    /// The bound that a gateway falls back on where the money does not reach.
    fn counted(&self, shape: &Shape<'_>, grounds: &Grounds<'_>, estimate: &Estimate) -> Option<Bound> {
        let of = |name: &str| Encoding::of_model(&grounds.book.model(name)?.id);
        let encodings: Vec<Encoding> = shape.models.iter().map(|name| of(name)).collect::<Option<_>>()?;
        let mut shape = shape.clone();
        shape.counted = tokens::counted(shape.body, &encodings)?.with_margin();
        let bound = pricing::bound(&shape, grounds).ok()?;
        (bound.usd() < estimate.worst.usd()).then_some(bound)
    }

    /// Adds the first one's `:floor` and a handful of cheaper models that could do the same, the cheapest first.
    async fn compare(&self, rows: &mut Vec<Row>, prices: &mut Prices) -> Result<(), Failure> {
        let Some(first) = rows.first() else { return Ok(()) };
        let (model, prompt, output) =
            (&first.estimate.model, first.count.tokens, first.estimate.output_tokens);
        let mut names: Vec<String> = Vec::new();
        if first.obstacle.is_none() && !model.contains(':') && !first.asked.contains(':') {
            names.push(format!("{model}:floor"));
        }
        let book = prices.book();
        let need = self.with_shape(Some(model), prices, |_, shape| Need::counted(shape, prompt, output))?;
        let found = Alternatives::of(model, &need, &book, |_| true);
        let some =
            |kind: &[&Model], most| kind.iter().take(most).map(|model| model.id.clone()).collect::<Vec<_>>();
        names.extend(some(&found.kin, KIN));
        names.extend(some(&found.others, OTHERS));
        names.extend(some(&found.free, FREE));
        prices.know(names.clone()).await;
        let mut others: Vec<Row> = names
            .iter()
            .filter(|name| !rows.iter().any(|row| row.asked == **name))
            .filter_map(|name| self.row(Some(name), prices).ok())
            .filter(|row| row.obstacle.is_none())
            .collect();
        others.sort_by_key(|row| row.estimate.likely.total);
        rows.extend(others);
        Ok(())
    }

    fn told<'p>(
        &self,
        rows: Vec<Row>,
        unbounded: Vec<Unbounded>,
        limits: Vec<Limit>,
        prices: &'p Prices,
    ) -> Result<Told<'p>, Failure> {
        let config = &prices.config;
        let judged: Vec<(Limit, Verdict)> = match rows.first() {
            Some(row) => limits
                .into_iter()
                .map(|limit| {
                    let verdict = row.verdict(&limit, config);
                    (limit, verdict)
                })
                .collect(),
            None => Vec::new(),
        };
        let short: Vec<Limit> = judged
            .iter()
            .filter(|(limit, verdict)| matches!(verdict, Verdict::Refused) && limit.when.is_none())
            .map(|(limit, _)| limit.clone())
            .collect();
        let first = rows.first().filter(|_| !self.args.model.is_empty()).map(|row| row.asked.as_str());
        let instead = self.with_shape(first, prices, |_, shape| {
            room::instead(shape, &prices.book(), &self.policy, &short, config)
        })?;
        Ok(Told { rows, unbounded, calls: self.args.calls, limits: judged, instead, prices })
    }
}
