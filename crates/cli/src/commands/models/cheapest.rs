//! `farebox models cheapest`: what your request would cost where, the cheapest first.

use clap::Args;
use serde_json::json;

use super::cost::{self, Cost, RequestArgs};
use super::filter::{self, Filter};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::prices::{PriceArgs, Prices};
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox models cheapest --tools --context 200k\n  farebox models cheapest --in 20000 --out 1000 --vision\n  farebox models cheapest --body request.json";

/// `models cheapest`
#[derive(Debug, Args)]
pub(crate) struct CheapestArgs {
    #[command(flatten)]
    request: RequestArgs,
    #[command(flatten)]
    filter: Filter,
    /// So many of them
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = filter::limit)]
    limit: usize,
    /// Print JSON; money is decimal text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    prices: PriceArgs,
}

/// Prints them.
pub(crate) async fn run(args: CheapestArgs) -> Result<Exit, Failure> {
    let text = args.request.text()?;
    let request = args.request.request(&text)?;
    let mut prices = Prices::open(&args.prices).await?;
    let zdr = args.filter.zdr(&mut prices).await?;
    let book = prices.book();
    let admitted: Vec<_> = book.models().filter(|model| args.filter.admits(model, zdr.as_ref())).collect();
    let mut costs: Vec<Cost<'_>> = admitted
        .iter()
        .filter(|model| request.is_met_by(model))
        .map(|model| {
            let only = args.filter.providers(model, zdr.as_ref());
            request.cost(&model.id, model, &only, &book, &prices)
        })
        .filter(|cost| cost.made().is_some())
        .collect();
    let likely = |cost: &Cost<'_>| cost.made().map(|sums| sums.likely.total);
    costs.sort_by(|one, other| (likely(one), &one.asked).cmp(&(likely(other), &other.asked)));
    let free = costs.iter().filter(|cost| cost.model.is_free()).count();
    if !args.filter.free {
        costs.retain(|cost| !cost.model.is_free());
    }
    costs.truncate(args.limit);
    prices.warn();
    let unread = args.filter.provider.is_some() && !filter::tell_whose_providers_are_known(&book);
    if args.json {
        let models: Vec<_> = costs.iter().map(cost::json).collect();
        return output::json(&json!({ "models": models, "prices": prices.as_json() }));
    }
    if costs.is_empty()
        && let Some(refused) = request.refused()
    {
        return Err(Failure::failed(format!("{}: {refused}", args.request.words())));
    }
    if costs.is_empty() && !admitted.is_empty() && free == 0 {
        let words = args.request.words();
        let failure = Failure::failed(format!("no model is like that and can do this: {words}"));
        return Err(failure.hint("ask for less, or leave a filter out"));
    }
    if costs.is_empty() {
        return Err(Failure::failed("no model is like that").hint(match free {
            0 if unread => "farebox models show MODEL reads the providers of one",
            0 => "leave a filter out, or look at all: farebox models list",
            _ => "only free ones are: farebox models cheapest --free",
        }));
    }
    output::text(&cost::render(&costs, &Terminal::of_stdout()))?;
    let free = match (free, args.filter.free) {
        (0, _) | (_, true) => String::new(),
        (1, false) => "; a free one would do as well: --free".to_owned(),
        (free, false) => format!("; {free} free ones would do as well: --free"),
    };
    output::talk(&[&format!("for {}{free}", args.request.words()), &prices.told()]);
    Ok(Exit::Ok)
}
