//! `farebox honesty`: which provider kept to what, and letting one in again.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use console::{ClearHonesty, HonestyRow};
use jiff::Timestamp;
use money::Nano;

use super::budgets::list::{folder, unreadable};
use super::reconcile::{open_offline, who};
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::listing::{self, Column, Shown, left, right};
use crate::table::{Look, printable};
use crate::terminal::Terminal;
use crate::{live, output};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox honesty\n  farebox honesty --json\n  farebox honesty clear openai/gpt-4o-mini --provider Azure --why \"they mended it\"";

/// `honesty`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct HonestyArgs {
    #[command(subcommand)]
    command: Option<HonestyCommand>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum HonestyCommand {
    /// Trust a model's providers anew
    Clear(ClearArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Ask the gateway whose console is here
    #[arg(long, value_name = "ADDRESS")]
    console: Option<String>,
    /// The folder of the books
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Print JSON: an array of {model, provider, calls, caps_broken,
    /// cancels_broken, usage_missing, counts_broken, overruns, overrun_usd,
    /// worst_percent, last_at, cleared_at}
    #[arg(long, verbatim_doc_comment)]
    json: bool,
}

#[derive(Debug, Args)]
struct ClearArgs {
    /// The model
    #[arg(value_name = "MODEL")]
    model: String,
    /// One provider of it; without, all
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Why; kept in the books
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// The folder of the books
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists, or clears.
pub(crate) async fn run(args: HonestyArgs) -> Result<Exit, Failure> {
    match args.command {
        Some(HonestyCommand::Clear(args)) => clear(args).await,
        None => list(args.list).await,
    }
}

async fn list(args: ListArgs) -> Result<Exit, Failure> {
    let rows = match (&args.console, folder(args.data)) {
        (Some(console), _) => ask(console).await?,
        (None, folder) => of_folder(&folder?).await?,
    };
    if args.json {
        return output::json(&rows);
    }
    output::text(&table(&rows, &Terminal::of_stdout()))
}

async fn ask(address: &str) -> Result<Vec<HonestyRow>, Failure> {
    live::read(address, "/honesty").await
}

async fn of_folder(folder: &Path) -> Result<Vec<HonestyRow>, Failure> {
    if let Some(address) = live::of_folder(folder)
        && let Ok(rows) = ask(&address).await
    {
        return Ok(rows);
    }
    let rows = store::honesty(folder).map_err(|error| unreadable(&error))?;
    Ok(rows.iter().map(HonestyRow::from).collect())
}

async fn clear(args: ClearArgs) -> Result<Exit, Failure> {
    let folder = folder(args.data)?;
    let asked = ClearHonesty { model: args.model, provider: args.provider, who: who(), why: args.why };
    match live::of_folder(&folder) {
        Some(address) => drop(live::post_ok(&address, &folder, "/honesty/clear", &asked).await?),
        None => offline(&folder, &asked)?,
    }
    if args.json {
        return output::json(&serde_json::json!({ "cleared": true }));
    }
    let at =
        asked.provider.as_ref().map_or_else(String::new, |provider| format!(" at {}", printable(provider)));
    output::text(&format!("{}{at} is trusted anew\n", printable(&asked.model)))
}

fn offline(folder: &Path, asked: &ClearHonesty) -> Result<(), Failure> {
    let failed = |error: &dyn std::error::Error| Failure::failed(chain(error));
    let known = store::honesty(folder).map_err(|error| unreadable(&error))?;
    let is_meant = |row: &&store::HonestyRow| {
        row.model == asked.model && asked.provider.as_ref().is_none_or(|provider| *provider == row.provider)
    };
    if !known.iter().any(|row| is_meant(&row)) {
        return Err(Failure::failed("nothing is known against it").hint("what is known: farebox honesty"));
    }
    let (store, admission) = open_offline(folder)?;
    let now_ms = Timestamp::now().as_millisecond();
    let what = format!("trusts {} anew: {}", asked.model, asked.why);
    admission.note_action(&asked.who, &what, now_ms).map_err(|error| failed(&error))?;
    store
        .set_honesty_cleared(&asked.model, asked.provider.as_deref(), now_ms)
        .map_err(|error| failed(&error))?;
    drop(admission);
    store.close().map_err(|error| failed(&error))
}

fn table(rows: &[HonestyRow], terminal: &Terminal) -> String {
    const COLUMNS: [Column; 9] = [
        left("MODEL", 0),
        left("PROVIDER", 0),
        right("CALLS", 4),
        right("CAPS BROKEN", 1),
        right("CANCELS BROKEN", 3),
        right("NO COST TOLD", 3),
        right("COUNTED MORE", 3),
        right("OVERRUNS", 0),
        right("BY", 2),
    ];
    if rows.is_empty() {
        return "nobody broke a word: caps, cancels, counts and costs were as agreed\n".to_owned();
    }
    let count = |number: u64| match number {
        0 => Shown::from(""),
        number => Shown(number.to_string(), Look::Warn),
    };
    let cells: Vec<Vec<Shown>> = rows
        .iter()
        .map(|row| {
            let by = match row.overrun_usd {
                Nano::ZERO => Shown::from(""),
                amount => Shown(amount.for_people(), Look::Alarm),
            };
            vec![
                printable(&row.model).into(),
                if row.provider.is_empty() { "not told".into() } else { printable(&row.provider).into() },
                row.calls.to_string().into(),
                count(row.caps_broken),
                count(row.cancels_broken),
                count(row.usage_missing),
                count(row.counts_broken),
                count(row.overruns),
                by,
            ]
        })
        .collect();
    listing::render(&COLUMNS, &cells, terminal)
}
