//! `farebox keys delete`

use clap::Args;
use serde_json::json;

use super::find::find;
use super::row::{named, short};
use crate::account::UpstreamArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{consent, output};

pub(crate) const EXAMPLES: &str =
    "Examples:\n  farebox keys delete old-laptop\n  farebox keys delete 6b1f0c2d --yes    asks nobody";

/// `keys delete`
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Its hash or the beginning of it, its name, or its label
    #[arg(value_name = "KEY")]
    key: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Look in this workspace [default: the account's default one]
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Deletes it, once somebody agreed.
pub(crate) async fn run(args: DeleteArgs) -> Result<Exit, Failure> {
    consent::possible(args.yes)?;
    let administrator = args.upstream.administer("deleting a key")?;
    let key = find(&administrator, &args.key, args.workspace.as_deref()).await?;
    let question = format!("delete the key {}? calls with it fail from then on", named(&key));
    if !args.yes && !consent::given(&question)? {
        return Err(Failure::failed("nothing was deleted"));
    }
    administrator.admin.delete_key(&key.hash).await.map_err(|error| {
        administrator.not_changed(error, &format!("farebox keys show {}", short(&key.hash)))
    })?;
    match args.json {
        true => output::json(&json!({ "deleted": true, "hash": key.hash, "name": key.name })),
        false => output::text(&format!("deleted {}\n", named(&key))),
    }
}
