//! `farebox keys create`

use clap::Args;
use jiff::Timestamp;
use openrouter::account::{CreatedKey, NewKey};
use serde_json::json;

use super::handover::{Handover, HandoverArgs};
use super::row::{KeyRow, named};
use super::terms::{LimitFlag, ResetFlag, limit_words};
use crate::account::{Administrator, UpstreamArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::{instant, output};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox keys create backend-prod --limit 50 --reset monthly\n  farebox keys create ci --limit 5 --expires 30d --out ci.key\n  farebox keys create web --limit 20 --to -- sh -c 'vault kv put secret/web key=-'";

/// `keys create`
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// What to call it
    #[arg(value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    name: String,
    /// The most it may spend per window, USD; none for no limit
    #[arg(long, value_name = "USD|none")]
    limit: LimitFlag,
    /// When the limit begins anew, in UTC; never: it is for a lifetime
    #[arg(long, value_enum, default_value_t = ResetFlag::Never)]
    reset: ResetFlag,
    /// When the key ends: 2027-12-31, 30d, or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = instant::expiry_argument)]
    expires: Option<String>,
    /// Count spend with own keys at providers (BYOK) towards the limit
    #[arg(long)]
    include_byok: bool,
    /// Make it in this workspace [default: the account's default one]
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    #[command(flatten)]
    handover: HandoverArgs,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON: {key, data}; without the key where it goes elsewhere
    #[arg(long)]
    json: bool,
}

/// Makes it.
pub(crate) async fn run(args: CreateArgs) -> Result<Exit, Failure> {
    let administrator = args.upstream.administer("making a key")?;
    let handover = args.handover.prepare()?;
    let new = NewKey {
        name: args.name,
        limit: args.limit.0,
        limit_reset: args.reset.reset(),
        include_byok_in_limit: args.include_byok,
        expires_at: args.expires,
        workspace_id: args.workspace,
    };
    let created = make(&administrator, &new).await?;
    let words = handover.words();
    give(handover, &created, args.json)?;
    let terms = limit_words(created.key.limit, created.key.limit_reset.as_ref());
    let terminal = Terminal::of_stderr();
    eprintln!("{} {}, {terms}; the key is {words}", terminal.green("made"), named(&created.key));
    Ok(Exit::Ok)
}

/// Makes a key.
pub(crate) async fn make(administrator: &Administrator, new: &NewKey) -> Result<CreatedKey, Failure> {
    administrator
        .admin
        .create_key(new)
        .await
        .map_err(|error| administrator.not_changed(error, "farebox keys list"))
}

/// Hands a new key over, and prints what is to be printed of it.
pub(crate) fn give(handover: Handover, created: &CreatedKey, json: bool) -> Result<(), Failure> {
    let row = KeyRow::new(&created.key, Timestamp::now());
    if handover.is_stdout() {
        let printed = match json {
            true => format!("{:#}\n", json!({ "key": created.plaintext, "data": row })),
            false => format!("{}\n", created.plaintext),
        };
        return handover.give(created, &printed);
    }
    handover.give(created, "")?;
    if json {
        output::json(&json!({ "data": row }))?;
    }
    Ok(())
}
