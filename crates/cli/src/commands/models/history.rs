//! `farebox models history`: how prices and limits moved, the newest first. Asks nobody unless told to.

use clap::Args;
use jiff::Timestamp;
use openrouter::catalogue::{Entry, Happened};
use pricing::{Book, BookSource};
use serde_json::json;

use super::{filter, moved};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::instant;
use crate::output;
use crate::prices::{PriceArgs, Prices};
use crate::prose;
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox models history\n  farebox models history anthropic/claude-sonnet-4.5 --since 90d\n  farebox models history openai/gpt-4o --refresh --json";

/// `models history`
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Of this model only
    #[arg(value_name = "MODEL")]
    model: Option<String>,
    /// Not before this: 12h, 30d, yesterday, 2026-11-30
    #[arg(long, value_name = "TIME", value_parser = instant::since_argument)]
    since: Option<Timestamp>,
    /// The newest so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = filter::limit)]
    limit: usize,
    /// Print JSON; prices are USD per unit, decimal text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    prices: PriceArgs,
}

/// Prints it.
pub(crate) async fn run(args: HistoryArgs) -> Result<Exit, Failure> {
    let prices = Prices::open(&args.prices.quiet()).await?;
    let book = prices.book();
    let entries = prices.history();
    let model = args.model.as_ref().map(|name| id(&book, name, &entries)).transpose()?;
    let from = args.since;
    let is_meant = |entry: &&Entry| {
        entry.change != Happened::Began
            && model.as_ref().is_none_or(|model| entry.model == *model)
            && from.is_none_or(|from| entry.at >= from)
    };
    let mut meant: Vec<&Entry> = entries.iter().rev().filter(is_meant).collect();
    let found = meant.len();
    meant.truncate(args.limit);
    let began = entries.first().map(|entry| entry.since);
    if args.json {
        let changes: Vec<_> = meant.iter().map(|entry| moved::json(entry)).collect();
        let since = began.map(|at| at.to_string());
        return output::json(&json!({ "changes": changes, "since": since, "prices": prices.as_json() }));
    }
    if meant.is_empty() {
        let sentence = nothing(model.as_deref(), began.max(from), &book);
        return output::text(&prose::line(&sentence, 2, &Terminal::of_stdout()));
    }
    output::text(&moved::render(&meant, &Terminal::of_stdout()))?;
    let shown = if meant.len() < found { format!("{} of {found}", meant.len()) } else { found.to_string() };
    let began = began.map(|at| format!(", kept since {} UTC", moved::minute(at))).unwrap_or_default();
    let changes = if found == 1 { "change" } else { "changes" };
    output::talk(&[&format!("{shown} {changes}{began}"), &prices.told()]);
    Ok(Exit::Ok)
}

/// The id of a name that is in the book or was in it.
fn id(book: &Book, name: &str, entries: &[Entry]) -> Result<String, Failure> {
    match entries.iter().any(|entry| entry.model == name) {
        true => Ok(name.to_owned()),
        false => Prices::model(book, name).map(|model| model.id.clone()),
    }
}

fn nothing(model: Option<&str>, began: Option<Timestamp>, book: &Book) -> String {
    let subject = model.map(|model| format!("{model}: ")).unwrap_or_default();
    match (began, book.source) {
        (Some(began), _) => format!("{subject}no change since {} UTC.", moved::minute(began)),
        (None, BookSource::Snapshot) => {
            format!("{subject}nobody has asked OpenRouter for prices here yet: farebox models refresh")
        }
        (None, _) => format!("{subject}nothing is kept yet; the next refresh begins: farebox models refresh"),
    }
}
