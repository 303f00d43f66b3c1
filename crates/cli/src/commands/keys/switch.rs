//! `farebox keys enable` and `disable`

use clap::Args;
use jiff::Timestamp;
use openrouter::account::{Key, KeyChange};

use super::find::find;
use super::row::{KeyRow, named, short};
use crate::account::{Administrator, UpstreamArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

pub(crate) const ENABLE_EXAMPLES: &str = "Examples:\n  farebox keys enable backend-prod";
pub(crate) const DISABLE_EXAMPLES: &str =
    "Examples:\n  farebox keys disable backend-prod\n  farebox keys disable 6b1f0c2d";

/// `keys enable`, `keys disable`
#[derive(Debug, Args)]
pub(crate) struct SwitchArgs {
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

/// Switches it.
pub(crate) async fn run(args: SwitchArgs, disabled: bool) -> Result<Exit, Failure> {
    let administrator = args.upstream.administer("switching a key")?;
    let key = find(&administrator, &args.key, args.workspace.as_deref()).await?;
    let key = switch(&administrator, &key, disabled).await?;
    if args.json {
        return output::json(&KeyRow::new(&key, Timestamp::now()));
    }
    let word = if key.disabled.unwrap_or(disabled) { "off" } else { "on" };
    output::text(&format!("{} is {word}\n", named(&key)))
}

async fn switch(administrator: &Administrator, key: &Key, disabled: bool) -> Result<Key, Failure> {
    let change = KeyChange { disabled: Some(disabled), ..KeyChange::default() };
    administrator
        .admin
        .update_key(&key.hash, &change)
        .await
        .map_err(|error| administrator.not_changed(error, &format!("farebox keys show {}", short(&key.hash))))
}
