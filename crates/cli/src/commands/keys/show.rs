//! `farebox keys show`

use clap::Args;
use jiff::Timestamp;

use super::find::find;
use super::row::{self, KeyRow};
use crate::account::UpstreamArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox keys show backend-prod\n  farebox keys show 6b1f0c2d        the hash, or enough of it\n  farebox keys show backend-prod --json";

/// `keys show`
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Its hash or the beginning of it, its name, or its label
    #[arg(value_name = "KEY")]
    key: String,
    /// Look in this workspace [default: the account's default one]
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints it.
pub(crate) async fn run(args: ShowArgs) -> Result<Exit, Failure> {
    let administrator = args.upstream.administer("showing a key")?;
    let key = find(&administrator, &args.key, args.workspace.as_deref()).await?;
    let now = Timestamp::now();
    match args.json {
        true => output::json(&KeyRow::new(&key, now)),
        false => output::text(&row::facts(&key, &Terminal::of_stdout(), now)),
    }
}
