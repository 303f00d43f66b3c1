//! `farebox keys list`

use clap::Args;
use jiff::Timestamp;
use openrouter::account::KeyFilter;

use super::row::{self, KeyRow};
use crate::account::UpstreamArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox keys list\n  farebox keys list --all --json\n  farebox keys list --workspace ID\n\nThe management key comes from OPENROUTER_MANAGEMENT_KEY.";

/// `keys list`
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Also those that are disabled or have ended
    #[arg(long, conflicts_with_all = ["disabled", "expired"])]
    all: bool,
    /// Also those that are disabled
    #[arg(long)]
    disabled: bool,
    /// Also those that have ended
    #[arg(long)]
    expired: bool,
    /// Of this workspace [default: the account's default one]
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON: an array of keys; money is decimal text
    #[arg(long)]
    json: bool,
}

/// Prints them.
pub(crate) async fn run(args: ListArgs) -> Result<Exit, Failure> {
    let administrator = args.upstream.administer("listing keys")?;
    let filter = KeyFilter {
        include_disabled: args.all || args.disabled,
        include_expired: args.all || args.expired,
        workspace_id: args.workspace,
    };
    let keys = administrator.admin.keys(&filter).await.map_err(|error| administrator.failed(error))?;
    let now = Timestamp::now();
    match args.json {
        true => output::json(&keys.iter().map(|key| KeyRow::new(key, now)).collect::<Vec<_>>()),
        false => output::text(&row::table(&keys, &Terminal::of_stdout(), now)),
    }
}
