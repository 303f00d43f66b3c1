//! `farebox routes list`: what each route cost and saved, of the running gateway or of the books.

use std::path::{Path, PathBuf};

use clap::Args;
use console::{RouteRow, day_of};
use farebox::Config;
use farebox::config::Layer;
use jiff::Timestamp;

use super::table;
use crate::commands::budgets::list::{folder, unreadable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::{live, output};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox routes list\n  farebox routes list --json\n  farebox routes list --data /var/lib/farebox     works when the gateway is down";

/// Days told, today included: as many as the console tells.
const DAYS: i64 = 30;

/// `routes list`
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Ask the gateway whose console is here
    #[arg(long, value_name = "ADDRESS")]
    console: Option<String>,
    /// The folder of the books: ask the gateway that has it open, or read it
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Where the routes are configured, when the gateway is down
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON: an array of {route, models, instead_of, calls, cost_usd,
    /// would_have_cost_usd, saved_usd, saved_percent, uncompared, days}; the
    /// last 30 UTC days; money is decimal text
    #[arg(long, verbatim_doc_comment)]
    json: bool,
}

/// Prints them.
pub(crate) async fn run(args: ListArgs) -> Result<Exit, Failure> {
    let rows = match &args.console {
        Some(console) => ask(console).await?,
        None => of_folder(&folder(args.data)?, args.config).await?,
    };
    if args.json {
        return output::json(&rows);
    }
    let terminal = Terminal::of_stdout();
    output::text(&table::render(&rows, &terminal))?;
    if let Some(note) = table::note(&rows) {
        eprintln!("{}", Terminal::of_stderr().dim(&note));
    }
    Ok(Exit::Ok)
}

async fn ask(address: &str) -> Result<Vec<RouteRow>, Failure> {
    live::read(address, "/routes").await
}

async fn of_folder(folder: &Path, config: Option<PathBuf>) -> Result<Vec<RouteRow>, Failure> {
    if let Some(address) = live::of_folder(folder) {
        match ask(&address).await {
            Ok(rows) => return Ok(rows),
            Err(_) => tracing::debug!(%address, "the console does not answer; reading the books"),
        }
    }
    let since = day_of(Timestamp::now().as_millisecond()) - (DAYS - 1);
    let savings = store::savings(folder, since).map_err(|error| unreadable(&error))?;
    let routes = Config::load(Layer::default(), config)?.routes;
    Ok(RouteRow::all(&routes, &savings))
}
