//! `farebox models compare`: some models side by side, for one request, in the order given.

use clap::Args;
use pricing::Unpriced;
use serde_json::json;

use super::cost::{self, Cost, RequestArgs};
use super::sums;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::prices::{PriceArgs, Prices};
use crate::terminal::Terminal;
use crate::{obstacle, output, prose};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox models compare openai/gpt-4o anthropic/claude-sonnet-4.5\n  farebox models compare openai/gpt-4o-mini openai/gpt-4o-mini:floor --in 10000\n  farebox models compare openai/gpt-4o x-ai/grok-4.3 --body request.json";

/// More models than these are a table alone.
const SUMS_MAX: usize = 2;

/// `models compare`
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Their names
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
    let policy = prices.config.bounds.clone();
    let book = prices.book();
    let mut costs = Vec::new();
    let mut named: Vec<&String> = Vec::new();
    for name in &args.models {
        if named.contains(&name) {
            continue;
        }
        named.push(name);
        Prices::model(&book, name)?;
        costs.push(request.cost(name, &[], &book, &policy).map_err(refused)?);
    }
    prices.warn();
    if args.json {
        let models: Vec<_> = costs.iter().map(cost::json).collect();
        return output::json(&json!({ "models": models, "prices": prices.as_json() }));
    }
    let stdout = Terminal::of_stdout();
    let mut text = cost::render(&costs, &stdout);
    for cost in &costs {
        let told = cost.obstacle.as_ref().map(|why| obstacle::told(&cost.asked, why));
        text += &told.map(|line| prose::line(&line, 2, &stdout)).unwrap_or_default();
    }
    let possible: Vec<&Cost<'_>> = costs.iter().filter(|cost| cost.obstacle.is_none()).collect();
    if costs.len() <= SUMS_MAX && !possible.is_empty() {
        text += &sums::render(&possible, &stdout);
    }
    output::text(&text)?;
    let terminal = Terminal::of_stderr();
    let talk = format!("for {} {} {}", args.request.words(), terminal.dot(), prices.told());
    eprintln!("{}", terminal.dim(&talk));
    Ok(Exit::Ok)
}

fn refused(unpriced: Unpriced) -> Failure {
    Failure::failed(unpriced.to_string()).hint("leave it out: it has no price that can be compared")
}
