//! `farebox repair`: books whose journal is damaged are made usable again, without hiding what is gone.
//!
//! Everything readable before the damage goes into the books; the journal's files are moved aside, never removed. Calls
//! whose records were lost may have been billed, so nothing is let through until an audit has found them, or somebody
//! says to go on without.

use std::path::PathBuf;

use clap::Args;
use console::Accept;
use jiff::Timestamp;
use serde_json::json;

use super::budgets::list::{folder, unreadable};
use super::reconcile::{open_offline, who};
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::{consent, instant, live, output};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox verify                        what is damaged, and where\n  farebox repair\n  farebox audit --apply                 then: books what was lost, from OpenRouter's bill\n  farebox repair --accept --why TEXT    or: go on without";

/// `repair`
#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    /// Go on with repaired or restored books although calls may be missing in them
    #[arg(long, requires = "why")]
    accept: bool,
    /// How you know that this is right; kept in the books
    #[arg(long, value_name = "TEXT", requires = "accept")]
    why: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// The folder of the books
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Print JSON: {damage, moved_to, records, as_of}, or {accepted}
    #[arg(long)]
    json: bool,
}

/// Repairs, or accepts.
pub(crate) async fn run(args: RepairArgs) -> Result<Exit, Failure> {
    consent::possible(args.yes)?;
    let folder = folder(args.data.clone())?;
    match &args.why {
        Some(why) if args.accept => accept(&args, &folder, why).await,
        _ => repair(&args, &folder),
    }
}

fn repair(args: &RepairArgs, folder: &std::path::Path) -> Result<Exit, Failure> {
    let damage = match store::read(folder) {
        Ok(_) => return output::text("nothing is damaged that a start would refuse: see farebox verify\n"),
        Err(store::OpenError::Damaged(fault)) => fault,
        Err(error) => return Err(unreadable(&error)),
    };
    let question = format!("{damage}\nkeep all before it, and move the journal aside?");
    if !args.yes && !consent::given(&question)? {
        return Err(Failure::failed("nothing was changed"));
    }
    let now_ms = Timestamp::now().as_millisecond();
    let repaired = store::repair(folder, now_ms).map_err(|error| Failure::failed(chain(&error)))?;
    let as_of = Timestamp::from_millisecond(repaired.as_of_ms).map(instant::seconds).unwrap_or_default();
    let moved = repaired.moved_to.display().to_string();
    if args.json {
        return output::json(&json!({
            "damage": damage.to_string(), "moved_to": moved, "records": repaired.records, "as_of": as_of,
        }));
    }
    output::text(&format!(
        "{damage}\n{} records before it are in the books now, as of {as_of}; the journal is in {moved}\n",
        repaired.records
    ))?;
    eprintln!(
        "calls whose records were lost may have been billed, so nothing is let through yet.\nnext: start the gateway, and farebox audit --apply; or farebox repair --accept --why TEXT to go on without"
    );
    Ok(Exit::Ok)
}

async fn accept(args: &RepairArgs, folder: &std::path::Path, why: &str) -> Result<Exit, Failure> {
    if !args.yes && !consent::given("go on although calls may be missing in the books?")? {
        return Err(Failure::failed("nothing was changed"));
    }
    let asked = Accept { who: who(), why: why.to_owned() };
    match live::of_folder(folder) {
        Some(address) => drop(live::post_ok(&address, folder, "/accept", &asked).await?),
        None => {
            let (store, admission) = open_offline(folder)?;
            asked.apply(&admission).map_err(|error| Failure::failed(chain(&error)))?;
            drop(admission);
            store.close().map_err(|error| Failure::failed(chain(&error)))?;
        }
    }
    match args.json {
        true => output::json(&json!({ "accepted": true })),
        false => output::text("accepted: calls pass again\n"),
    }
}
