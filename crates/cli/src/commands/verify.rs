//! `farebox verify`: checks the books against themselves and against the journal, while no gateway runs.

use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use store::{OpenError, Stage, Verification};

use super::budgets::list::{folder, unreadable};
use crate::amount::grouped;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str =
    "Examples:\n  farebox verify\n  farebox verify --json\n  farebox verify --data /var/lib/farebox";

/// `verify`
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The folder of the books
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Print JSON: {clean, damage, damage_more, notes, balances, entries,
    /// corrections, open_holds, control_points, segments, records, posted_usd,
    /// charged_usd}
    #[arg(long, verbatim_doc_comment)]
    json: bool,
}

#[derive(Serialize)]
struct Told<'a> {
    clean: bool,
    damage: &'a [String],
    damage_more: u64,
    notes: &'a [String],
    balances: u64,
    entries: u64,
    corrections: u64,
    open_holds: u64,
    control_points: u64,
    segments: u64,
    records: u64,
    posted_usd: String,
    charged_usd: String,
}

/// Verifies, prints, and fails where something is wrong.
pub(crate) async fn run(args: VerifyArgs) -> Result<Exit, Failure> {
    let folder = folder(args.data)?;
    let found = tokio::task::spawn_blocking(move || {
        let bar = bar();
        let found = store::verify(&folder, &mut |stage| show(&bar, stage));
        bar.finish_and_clear();
        found
    });
    let found = found.await.map_err(|error| Failure::caused("the verification was cut short", &error))?;
    let found = found.map_err(|error| match error {
        OpenError::Held { .. } => unreadable(&error).hint("verify reads books that nobody writes: stop the gateway first, or verify a backup: farebox backup"),
        error => unreadable(&error),
    })?;
    if args.json {
        output::json(&told(&found))?;
    } else {
        output::text(&text(&found, &Terminal::of_stdout()))?;
    }
    Ok(if found.is_clean() { Exit::Ok } else { Exit::Failed })
}

fn told(found: &Verification) -> Told<'_> {
    Told {
        clean: found.is_clean(),
        damage: &found.damage,
        damage_more: found.damage_more,
        notes: &found.notes,
        balances: found.balances,
        entries: found.entries,
        corrections: found.corrections,
        open_holds: found.open,
        control_points: found.control_points,
        segments: found.segments,
        records: found.records,
        posted_usd: found.posted.to_string(),
        charged_usd: found.charged.to_string(),
    }
}

fn text(found: &Verification, terminal: &Terminal) -> String {
    let mut text = format!(
        "{} entries, {} posted; {} corrections; {} open holds, {} charged; {} balances; {} records in {} journal segments\n",
        grouped(found.entries),
        found.posted.for_people(),
        grouped(found.corrections),
        grouped(found.open),
        found.charged.for_people(),
        grouped(found.balances),
        grouped(found.records),
        found.segments,
    );
    for note in &found.notes {
        text += &format!("{} {note}\n", terminal.dim("note:"));
    }
    for damage in &found.damage {
        text += &format!("{} {damage}\n", terminal.red("wrong:"));
    }
    if found.damage_more > 0 {
        text += &format!("{} and {} more\n", terminal.red("wrong:"), grouped(found.damage_more));
    }
    if found.is_clean() {
        text += &format!("{}: every sum is the sum of its parts\n", terminal.green("clean"));
    }
    text
}

/// Only on a terminal, and on stderr.
fn bar() -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {percent}%") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn show(bar: &ProgressBar, stage: Stage) {
    match stage {
        Stage::File => bar.set_message("file"),
        Stage::Entries(read, about) => {
            bar.set_message("entries");
            bar.set_length(about);
            bar.set_position(read);
        }
        Stage::Sums => bar.set_message("sums"),
        Stage::Journal => bar.set_message("journal"),
    }
}
