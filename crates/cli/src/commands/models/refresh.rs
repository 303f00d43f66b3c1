//! `farebox models refresh`: reads the prices anew and says what has changed.

use clap::Args;
use openrouter::catalogue::{Entry, Happened};
use serde_json::json;

use super::moved;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::prices::{PriceArgs, Renewing};
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str =
    "Examples:\n  farebox models refresh\n  farebox models refresh --upstream http://localhost:4719/api/v1";

/// `models refresh`
#[derive(Debug, Args)]
pub(crate) struct RefreshArgs {
    /// Print JSON; prices are USD per unit, decimal text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    prices: PriceArgs,
}

/// Reads them.
pub(crate) async fn run(args: RefreshArgs) -> Result<Exit, Failure> {
    let mut renewing = Renewing::open(&args.prices)?;
    let found = match renewing.renew().await {
        Ok(found) => found,
        Err(why) => return Err(renewing.unreachable(&why)),
    };
    let models = renewing.models();
    if args.json {
        let changes: Vec<_> = found.iter().map(moved::json).collect();
        return output::json(&json!({ "models": models, "changes": changes }));
    }
    let shown: Vec<&Entry> = found.iter().collect();
    output::text(&moved::render(&shown, &Terminal::of_stdout()))?;
    let count = |what: Happened| found.iter().filter(|entry| entry.change == what).count();
    let talk = match found.is_empty() {
        true => format!("{models} models, no change since {}", renewing.before()),
        false => format!(
            "{models} models: {} changed, {} new, {} gone since {}",
            count(Happened::Changed),
            count(Happened::Added),
            count(Happened::Removed),
            renewing.before(),
        ),
    };
    output::talk(&[&talk]);
    Ok(Exit::Ok)
}
