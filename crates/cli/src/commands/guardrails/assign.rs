//! `farebox guardrails assign` and `unassign`

use clap::Args;
use openrouter::account::Assignee;
use serde_json::json;

use super::find::find;
use crate::account::{Administrator, UpstreamArgs};
use crate::commands::keys;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::table::printable;

pub(crate) const ASSIGN_EXAMPLES: &str = "Examples:\n  farebox guardrails assign eng --key backend-prod --key ci\n  farebox guardrails assign eng --member user_2abc";
pub(crate) const UNASSIGN_EXAMPLES: &str = "Examples:\n  farebox guardrails unassign eng --key ci";

/// `guardrails assign`, `guardrails unassign`
#[derive(Debug, Args)]
pub(crate) struct AssignArgs {
    /// The guardrail: its id, or its name
    #[arg(value_name = "GUARDRAIL")]
    guardrail: String,
    /// A key: its hash or the beginning of it, its name, or its label. Repeatable
    #[arg(long, value_name = "KEY", required_unless_present = "member")]
    key: Vec<String>,
    /// A member of the organisation, by user id. Repeatable
    #[arg(long, value_name = "ID")]
    member: Vec<String>,
    /// Look for keys in this workspace [default: the account's default one]
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Assigns it, or takes it away.
pub(crate) async fn run(args: AssignArgs, assign: bool) -> Result<Exit, Failure> {
    let administrator = args.upstream.administer("assigning a guardrail")?;
    let found = find(&administrator, &args.guardrail).await?;
    let mut hashes = Vec::new();
    for key in &args.key {
        hashes.push(keys::find(&administrator, key, args.workspace.as_deref()).await?.hash);
    }
    let keys = change(&administrator, &found.id, Assignee::Keys, &hashes, assign).await?;
    let members = change(&administrator, &found.id, Assignee::Members, &args.member, assign).await?;
    if args.json {
        let what = json!({ "guardrail": found.id, "assigned": assign, "keys": keys, "members": members });
        return output::json(&what);
    }
    let word = if assign { "assigned to" } else { "taken from" };
    let counted = |count: u64, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        count => Some(format!("{count} {what}s")),
    };
    let whom: Vec<String> =
        [counted(keys, "key"), counted(members, "member")].into_iter().flatten().collect();
    let whom = if whom.is_empty() { "nobody".to_owned() } else { whom.join(" and ") };
    output::text(&format!("'{}' {word} {whom}\n", printable(&found.name)))
}

/// How many it was changed for; as many as were named when OpenRouter does not say.
async fn change(
    administrator: &Administrator,
    id: &str,
    who: Assignee,
    names: &[String],
    assign: bool,
) -> Result<u64, Failure> {
    if names.is_empty() {
        return Ok(0);
    }
    let changed = match assign {
        true => administrator.admin.assign(id, who, names).await,
        false => administrator.admin.unassign(id, who, names).await,
    };
    let changed = changed
        .map_err(|error| administrator.not_changed(error, &format!("farebox guardrails show {id}")))?;
    Ok(changed.unwrap_or(names.len() as u64))
}
