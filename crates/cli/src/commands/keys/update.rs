//! `farebox keys update`

use clap::Args;
use jiff::Timestamp;
use openrouter::account::KeyChange;

use super::find::find;
use super::row::{self, KeyRow};
use super::terms::{LimitFlag, ResetFlag};
use crate::account::UpstreamArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox keys update backend-prod --limit 75\n  farebox keys update backend-prod --limit 5 --reset daily\n  farebox keys update backend-prod --limit none --reset never";

/// `keys update`
#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Its hash or the beginning of it, its name, or its label
    #[arg(value_name = "KEY")]
    key: String,
    /// Call it something else
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// The most it may spend per window, USD; none for no limit
    #[arg(long, value_name = "USD|none")]
    limit: Option<LimitFlag>,
    /// When the limit begins anew, in UTC; never: it is for a lifetime
    #[arg(long, value_enum)]
    reset: Option<ResetFlag>,
    /// Whether spend with own keys at providers (BYOK) counts towards the limit
    #[arg(long, value_name = "true|false")]
    include_byok: Option<bool>,
    /// Move it to this workspace; the key itself stays the same
    #[arg(long, value_name = "ID")]
    move_to: Option<String>,
    /// Look in this workspace [default: the account's default one]
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Changes it, and prints it as it is then.
pub(crate) async fn run(args: UpdateArgs) -> Result<Exit, Failure> {
    let change = KeyChange {
        name: args.name,
        disabled: None,
        limit: args.limit.map(|limit| limit.0),
        limit_reset: args.reset.map(ResetFlag::reset),
        include_byok_in_limit: args.include_byok,
        workspace_id: args.move_to,
    };
    if change.is_empty() {
        return Err(Failure::usage("there is nothing to change")
            .hint("say what: --name, --limit, --reset, --include-byok, --move-to"));
    }
    let administrator = args.upstream.administer("changing a key")?;
    let key = find(&administrator, &args.key, args.workspace.as_deref()).await?;
    let changed = administrator.admin.update_key(&key.hash, &change).await.map_err(|error| {
        administrator.not_changed(error, &format!("farebox keys show {}", row::short(&key.hash)))
    })?;
    let now = Timestamp::now();
    match args.json {
        true => output::json(&KeyRow::new(&changed, now)),
        false => output::text(&row::facts(&changed, &Terminal::of_stdout(), now)),
    }
}
