//! `farebox backup FILE` and `farebox restore FILE`: the books as one file, and back.
//!
//! A backup is whole as of its last record, whether a gateway runs or not. Restored books lack what was spent since, so
//! nothing is let through on them until an audit has found it, or somebody says to go on without.

use std::path::{Path, PathBuf};

use clap::Args;
use console::{BackUp, BackedUp};
use jiff::Timestamp;
use serde_json::json;
use store::{Durability, Options, Store};

use super::budgets::list::{folder, unreadable};
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::{instant, live, output};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox backup /backups/farebox-2026-11-24.db\n  farebox restore /backups/farebox-2026-11-24.db";
pub(crate) const RESTORE_EXAMPLES: &str = "Examples:\n  farebox restore /backups/farebox-2026-11-24.db\n  farebox audit --apply                 then: books what was spent since\n  farebox repair --accept --why TEXT    or: go on without";

/// `backup`
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The file to make; there must be none
    #[arg(value_name = "FILE")]
    to: PathBuf,
    /// The folder of the books
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Print JSON: {file, last_record, bytes}
    #[arg(long)]
    json: bool,
}

/// `restore`
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// A backup
    #[arg(value_name = "FILE")]
    from: PathBuf,
    /// The folder for the books; those in it are moved aside, never removed
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Print JSON: {data, as_of, moved_to}
    #[arg(long)]
    json: bool,
}

/// Makes one.
pub(crate) async fn back_up(args: BackupArgs) -> Result<Exit, Failure> {
    let folder = folder(args.data)?;
    let to =
        std::path::absolute(&args.to).map_err(|error| Failure::caused("cannot find the file", &error))?;
    let asked = BackUp { to };
    let done = match live::of_folder(&folder) {
        Some(address) => live::change(&address, &folder, "/backup", &asked).await?,
        None => offline(&folder, &asked.to)?,
    };
    let file = asked.to.display();
    if args.json {
        return output::json(
            &json!({ "file": file.to_string(), "last_record": done.last_record, "bytes": done.bytes }),
        );
    }
    output::text(&format!("{file}: {} bytes, whole as of record {}\n", done.bytes, done.last_record))
}

fn offline(folder: &Path, to: &Path) -> Result<BackedUp, Failure> {
    store::read(folder).map_err(|error| unreadable(&error))?;
    let failed = |error: &dyn std::error::Error| Failure::failed(chain(error));
    let (store, _) = Store::open(folder, Options::new(Durability::Power)).map_err(|error| failed(&error))?;
    let done = store.back_up(to).map_err(|error| failed(&error))?;
    store.close().map_err(|error| failed(&error))?;
    Ok(done.into())
}

/// Puts one in place.
pub(crate) async fn restore(args: RestoreArgs) -> Result<Exit, Failure> {
    let folder = folder(args.data)?;
    let now_ms = Timestamp::now().as_millisecond();
    let restored =
        store::restore(&args.from, &folder, now_ms).map_err(|error| Failure::failed(chain(&error)))?;
    let as_of = Timestamp::from_millisecond(restored.as_of_ms).map(instant::seconds).unwrap_or_default();
    if args.json {
        let moved = restored.moved_to.as_ref().map(|path| path.display().to_string());
        return output::json(
            &json!({ "data": folder.display().to_string(), "as_of": as_of, "moved_to": moved }),
        );
    }
    let mut text = format!("{}: books as of {as_of}\n", folder.display());
    if let Some(moved) = &restored.moved_to {
        text += &format!("the books that were there are in {}\n", moved.display());
    }
    output::text(&text)?;
    eprintln!(
        "what was spent since is not in them, so nothing is let through yet.\nnext: start the gateway, and farebox audit --apply; or farebox repair --accept --why TEXT to go on without"
    );
    Ok(Exit::Ok)
}
