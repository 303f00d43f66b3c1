//! `farebox models compare`: some models side by side, for one request, in the order given.

use clap::Args;
use serde_json::json;

use super::cost::{self, RequestArgs};
use super::sums;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::prices::{PriceArgs, Prices};
use crate::terminal::Terminal;
use crate::{output, prose};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox models compare openai/gpt-4o anthropic/claude-sonnet-4.5\n  farebox models compare openai/gpt-4o-mini openai/gpt-4o-mini:floor --in 10000\n  farebox models compare openai/gpt-4o x-ai/grok-4.3 --body request.json";

/// More models than these are a table alone.
const SUMS_MAX: usize = 2;

/// `models compare`
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Their names. For one or two, both sums are shown line by line
    #[arg(value_name = "MODEL", required = true, num_args = 1..)]
    models: Vec<String>,
    #[command(flatten)]
    request: RequestArgs,
    /// Print JSON; money is decimal text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    prices: PriceArgs,
}

/// Prints them.
pub(crate) async fn run(args: CompareArgs) -> Result<Exit, Failure> {
    let text = args.request.text()?;
    let request = args.request.request(&text)?;
    let mut prices = Prices::open(&args.prices).await?;
    prices.know(args.models.clone()).await;
    let book = prices.book();
    let mut costs = Vec::new();
    let mut named: Vec<&String> = Vec::new();
    for name in &args.models {
        if named.contains(&name) {
            continue;
        }
        named.push(name);
        let model = Prices::model(&book, name)?;
        costs.push(request.cost(name, model, &[], &book, &prices));
    }
    // Alone it is an error; beside others it has a dash.
    let failed = costs.iter().filter_map(|cost| cost.sums.as_ref().err()).next();
    if let Some(unpriced) = failed.filter(|_| costs.iter().all(|cost| cost.sums.is_err())) {
        return Err(Failure::failed(unpriced.to_string())
            .hint("what cannot be bounded beforehand cannot be compared, and a gateway refuses it"));
    }
    prices.warn();
    if args.json {
        let models: Vec<_> = costs.iter().map(cost::json).collect();
        return output::json(&json!({ "models": models, "prices": prices.as_json() }));
    }
    let stdout = Terminal::of_stdout();
    let mut text = cost::render(&costs, &stdout);
    for cost in &costs {
        let unbounded = cost.sums.as_ref().err().map(|why| format!("{} has no bound: {why}.", cost.asked));
        let told = unbounded.or_else(|| Some(cost.obstacle.as_ref()?.told(&cost.asked)));
        text += &told.map(|line| prose::line(&line, 2, &stdout)).unwrap_or_default();
    }
    if costs.len() <= SUMS_MAX && costs.iter().any(|cost| cost.made().is_some()) {
        text += &sums::render(&costs, &stdout);
    }
    output::text(&text)?;
    let sums = if costs.len() > SUMS_MAX { "; line by line for two models at most" } else { "" };
    output::talk(&[&format!("for {}{sums}", args.request.words()), &prices.told()]);
    Ok(Exit::Ok)
}
