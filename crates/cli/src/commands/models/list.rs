//! `farebox models list`: every model, or those that will do.

use std::cmp::Reverse;

use clap::{Args, ValueEnum};
use money::Nano;
use pricing::{Model, PriceKey};
use serde_json::json;

use super::cost::{Cost, RequestArgs};
use super::filter::{self, Filter};
use super::row;
use crate::amount;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::prices::{PriceArgs, Prices};
use crate::table;
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox models list --tools --context 200k --max-price 5\n  farebox models list --free --tools\n  farebox models list --search llama --sort price";

/// `models list`
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    request: RequestArgs,
    /// By the likely cost of your request, by context (longest first), by age (newest first), or by name
    /// [default: price when a request is described, else name]
    #[arg(long, value_enum)]
    sort: Option<Sort>,
    /// The first so many only
    #[arg(long, value_name = "N", value_parser = filter::limit)]
    limit: Option<usize>,
    /// Print JSON; prices are decimal text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    prices: PriceArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sort {
    Price,
    Context,
    Newest,
    Name,
}

/// Prints them.
pub(crate) async fn run(args: ListArgs) -> Result<Exit, Failure> {
    let text = args.request.text()?;
    let request = args.request.request(&text)?;
    let mut prices = Prices::open(&args.prices).await?;
    let zdr = args.filter.zdr(&mut prices).await?;
    let book = prices.book();
    let costly = args.request.is_given() || args.sort == Some(Sort::Price);
    let mut models: Vec<(&Model, Option<Nano>)> = book
        .models()
        .filter(|model| args.filter.admits(model, zdr.as_ref()))
        .map(|model| {
            let only = args.filter.providers(model, zdr.as_ref());
            let cost = || request.cost(&model.id, model, &only, &book, &prices);
            let sum = |cost: Cost<'_>| Some(cost.made()?.likely.total);
            (model, if costly { sum(cost()) } else { None })
        })
        .collect();
    sort(&mut models, args.sort.unwrap_or(if costly { Sort::Price } else { Sort::Name }));
    let found = models.len();
    models.truncate(args.limit.unwrap_or(usize::MAX));
    prices.warn();
    let unread = args.filter.provider.is_some() && !filter::tell_whose_providers_are_known(&book);
    if args.json {
        let json = |(model, cost): &(&Model, Option<Nano>)| {
            let mut row = row::json(model);
            if costly {
                row["likely_usd"] = json!(cost.map(|cost| cost.to_string()));
            }
            row
        };
        let rows: Vec<_> = models.iter().map(json).collect();
        return output::json(&json!({ "models": rows, "prices": prices.as_json() }));
    }
    if models.is_empty() {
        return Err(Failure::failed("no model is like that").hint(match unread {
            true => "farebox models show MODEL reads the providers of one",
            false => "leave a filter out: farebox models list",
        }));
    }
    output::text(&render(&models, costly, &Terminal::of_stdout()))?;
    let shown = if models.len() < found { format!("{} of {found}", models.len()) } else { found.to_string() };
    let dashes = if models.iter().any(|(_, cost)| cost.is_none()) {
        ", a dash where it cannot be done or has no price"
    } else {
        ""
    };
    let models = if found == 1 { "model" } else { "models" };
    let cost = if costly { format!("; cost of {}{dashes}", args.request.words()) } else { String::new() };
    output::talk(&[&format!("{shown} {models}, dollars per million tokens{cost}"), &prices.told()]);
    Ok(Exit::Ok)
}

fn sort(models: &mut [(&Model, Option<Nano>)], sort: Sort) {
    match sort {
        Sort::Name => models.sort_by(|(one, _), (other, _)| one.id.cmp(&other.id)),
        Sort::Context => models.sort_by_key(|(model, _)| (Reverse(model.context_length), model.id.as_str())),
        Sort::Newest => models.sort_by_key(|(model, _)| (Reverse(model.about.created_s), model.id.as_str())),
        Sort::Price => models.sort_by_key(|(model, cost)| (cost.is_none(), *cost, model.id.as_str())),
    }
}

/// Narrow terminals lose columns, the least telling first.
fn render(models: &[(&Model, Option<Nano>)], costly: bool, terminal: &Terminal) -> String {
    const HEADER: [&str; 8] = ["MODEL", "COST", "CONTEXT", "ANSWER", "IN", "OUT", "CACHED", "CAN"];
    let costs = amount::column(&models.iter().map(|(_, cost)| *cost).collect::<Vec<_>>());
    let cells = |(at, (model, _)): (usize, &(&Model, Option<Nano>))| {
        let [prompt, completion] = row::prices(model);
        [
            model.id.clone(),
            costs[at].clone(),
            row::context(model.context_length),
            row::context(model.max_completion_tokens),
            prompt,
            completion,
            row::price(model.prices.priced().and_then(|prices| prices.rates[PriceKey::CacheRead])),
            row::features(model),
        ]
    };
    let shapes: [&[usize]; 6] = [
        &[0, 1, 2, 3, 4, 5, 6, 7],
        &[0, 1, 2, 4, 5, 6, 7],
        &[0, 1, 2, 4, 5, 6],
        &[0, 1, 2, 4, 5],
        &[0, 1, 4, 5],
        &[0, 1],
    ];
    let shown = |shape: &&[usize]| shape.iter().copied().filter(|at| costly || *at != 1).collect::<Vec<_>>();
    let shapes: Vec<Vec<usize>> = shapes.iter().map(shown).collect();
    let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    let rows: Vec<[String; 8]> = models.iter().enumerate().map(cells).collect();
    table::fitted(HEADER, &[0, 7], &rows, &shapes, terminal)
}
