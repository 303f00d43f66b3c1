//! `farebox models list`: every model, or those that will do.

use std::cmp::Reverse;

use clap::{Args, ValueEnum};
use pricing::{Model, usual_cost};
use serde_json::json;

use super::filter::Filter;
use super::row;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::prices::{PriceArgs, Prices};
use crate::table::{self, Align, Look};
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox models list --tools --context 200k --max-price 5\n  farebox models list --free --tools\n  farebox models list --search llama --sort price";

/// What a request is taken to be when models are sorted by their price: tokens in and out.
const USUAL: (u64, u64) = (2_000, 500);

/// `models list`
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    filter: Filter,
    /// By the cost of 2,000 tokens in and 500 out, by context (longest first), or by name
    #[arg(long, value_enum, default_value = "name")]
    sort: Sort,
    /// The first so many only
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Print JSON; prices are decimal text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    prices: PriceArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    Price,
    Context,
    Name,
}

/// Prints them.
pub(crate) async fn run(args: ListArgs) -> Result<Exit, Failure> {
    let prices = Prices::open(&args.prices).await?;
    let book = prices.book();
    let mut models: Vec<&Model> = book.models().filter(|model| args.filter.admits(model)).collect();
    sort(&mut models, args.sort);
    let found = models.len();
    models.truncate(args.limit.unwrap_or(usize::MAX));
    prices.warn();
    if args.filter.provider.is_some() {
        let known = book.models().filter(|model| model.endpoints.is_some()).count();
        if known < book.models().len() {
            eprintln!("the providers of {known} in {} models are known", book.models().len());
        }
    }
    if args.json {
        let rows: Vec<_> = models.iter().map(|model| row::json(model)).collect();
        return output::json(&json!({ "models": rows, "prices": prices.as_json() }));
    }
    if models.is_empty() {
        return Err(Failure::failed("no model is like that").hint("leave a filter out: farebox models list"));
    }
    output::text(&render(&models, &Terminal::of_stdout()))?;
    let shown = if models.len() < found { format!("{} of {found}", models.len()) } else { found.to_string() };
    let terminal = Terminal::of_stderr();
    let talk = format!("{shown} models, dollars per million tokens {} {}", terminal.dot(), prices.told());
    eprintln!("{}", terminal.dim(&talk));
    Ok(Exit::Ok)
}

fn sort(models: &mut [&Model], sort: Sort) {
    match sort {
        Sort::Name => models.sort_by(|one, other| one.id.cmp(&other.id)),
        Sort::Context => models.sort_by_key(|model| (Reverse(model.context_length), model.id.as_str())),
        Sort::Price => models.sort_by_key(|model| {
            let cost = usual_cost(model, &model.id, USUAL.0, USUAL.1).map(|cost| cost.total);
            (cost.is_none(), cost, model.id.as_str())
        }),
    }
}

/// Narrow terminals lose columns, the least telling first.
fn render(models: &[&Model], terminal: &Terminal) -> String {
    const HEADER: [&str; 7] = ["MODEL", "CONTEXT", "ANSWER", "IN", "OUT", "CACHED", "CAN"];
    let cells = |model: &&Model| {
        let [prompt, completion] = row::prices(model);
        [
            model.id.clone(),
            row::context(model.context_length),
            row::context(model.max_completion_tokens),
            prompt,
            completion,
            row::price(model.prices.priced().and_then(|prices| prices.cache_read)),
            row::features(model),
        ]
    };
    let draw = |shown: &[usize]| {
        let pick = |cells: [String; 7], look: Look| {
            let cell = |&at: &usize| {
                let align = if at == 0 || at == 6 { Align::Left } else { Align::Right };
                table::cell(&cells[at], align, look)
            };
            shown.iter().map(cell).collect::<Vec<_>>()
        };
        let body = models.iter().map(|model| pick(cells(model), Look::Plain)).collect();
        table::render(pick(HEADER.map(str::to_owned), Look::Dim), body, terminal)
    };
    let shapes: [&[usize]; 5] =
        [&[0, 1, 2, 3, 4, 5, 6], &[0, 1, 3, 4, 5, 6], &[0, 1, 3, 4, 5], &[0, 1, 3, 4], &[0, 3, 4]];
    table::fitting(shapes.into_iter().map(draw), terminal)
}
