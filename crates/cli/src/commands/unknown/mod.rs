//! `farebox unknown`: calls whose cost is not known yet, how long already, and what will tell it.

mod table;

use std::path::{Path, PathBuf};

use clap::Args;
use console::UnknownRow;
use jiff::Timestamp;

use super::budgets::list::{folder, unreadable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::{live, output};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox unknown\n  farebox unknown --json\n  farebox reconcile 1234 --cost 0.0123 --why \"OpenRouter's activity page\"";

/// `unknown`
#[derive(Debug, Args)]
pub(crate) struct UnknownArgs {
    /// Ask the gateway whose console is here
    #[arg(long, value_name = "ADDRESS")]
    console: Option<String>,
    /// The folder of the books: ask the gateway that has it open, or read it
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Print JSON: an array of {hold, model, bound_usd, class, generation, reason,
    /// status, since, age_seconds}; money is decimal text
    #[arg(long, verbatim_doc_comment)]
    json: bool,
}

/// Prints them.
pub(crate) async fn run(args: UnknownArgs) -> Result<Exit, Failure> {
    let rows = match (&args.console, folder(args.data)) {
        (Some(console), _) => ask(console).await?,
        (None, folder) => of_folder(&folder?).await?,
    };
    if args.json {
        return output::json(&rows);
    }
    output::text(&table::render(&rows, &Terminal::of_stdout()))?;
    if !rows.is_empty() {
        let next = "they stay charged until their cost is known; if you know it: farebox reconcile HOLD --cost USD --why TEXT";
        eprintln!("{}", Terminal::of_stderr().dim(next));
    }
    Ok(Exit::Ok)
}

async fn ask(address: &str) -> Result<Vec<UnknownRow>, Failure> {
    live::read(address, "/unknown").await
}

async fn of_folder(folder: &Path) -> Result<Vec<UnknownRow>, Failure> {
    if let Some(address) = live::of_folder(folder) {
        match ask(&address).await {
            Ok(rows) => return Ok(rows),
            Err(_) => tracing::debug!(%address, "the console does not answer; reading the books"),
        }
    }
    let books = store::read(folder).map_err(|error| unreadable(&error))?;
    let now_ms = Timestamp::now().as_millisecond();
    Ok(books.open.iter().map(|hold| UnknownRow::recovered(hold, now_ms)).collect())
}
