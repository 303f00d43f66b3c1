//! `farebox budgets list`: the balances of the running gateway, or of the books when none runs.

use std::path::{Path, PathBuf};

use clap::Args;
use console::BudgetRow;
use jiff::Timestamp;
use store::OpenError;

use super::table;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::terminal::Terminal;
use crate::{live, output};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox budgets list\n  farebox budgets list --json\n  farebox budgets list --data /var/lib/farebox    works when the gateway is down";

/// `budgets list`
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Ask the gateway whose console is here
    #[arg(long, value_name = "ADDRESS")]
    console: Option<String>,
    /// The folder of the books: ask the gateway that has it open, or read it
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Print JSON: an array of {name, window, limit_usd, posted_usd, held_usd,
    /// unknown_usd, available_usd, ends_at, scope}; money is decimal text
    #[arg(long, verbatim_doc_comment)]
    json: bool,
}

/// Prints them.
pub(crate) async fn run(args: ListArgs) -> Result<Exit, Failure> {
    let rows = match (&args.console, folder(args.data)) {
        (Some(console), _) => ask(console).await?,
        (None, folder) => of_folder(&folder?).await?,
    };
    if args.json {
        return output::json(&rows);
    }
    let terminal = Terminal::of_stdout();
    output::text(&table::render(&rows, &terminal, Timestamp::now()))?;
    if let Some(next) = table::next_command(&rows) {
        eprintln!("{}", Terminal::of_stderr().dim(next));
    }
    Ok(Exit::Ok)
}

/// The folder of the books, as given or as usual.
pub(crate) fn folder(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    given.or_else(farebox::config::default_data).ok_or_else(|| {
        Failure::usage("there is no home folder to look for the books in")
            .hint("say where they are: --data DIR")
    })
}

async fn ask(address: &str) -> Result<Vec<BudgetRow>, Failure> {
    live::read(address, "/budgets").await
}

async fn of_folder(folder: &Path) -> Result<Vec<BudgetRow>, Failure> {
    let running = live::of_folder(folder);
    if let Some(address) = &running {
        match ask(address).await {
            Ok(rows) => return Ok(rows),
            Err(_) => tracing::debug!(%address, "the console does not answer; reading the books"),
        }
    }
    let books = store::read(folder).map_err(|error| unreadable(&error))?;
    Ok(BudgetRow::recovered(&books, running.is_some(), Timestamp::now().as_millisecond()))
}

/// Books that cannot be read.
pub(crate) fn unreadable(error: &OpenError) -> Failure {
    let failure = Failure::failed(chain(error));
    match error {
        OpenError::Absent(_) => failure.hint("a gateway makes them: farebox serve --budget 10/day"),
        _ => failure,
    }
}
