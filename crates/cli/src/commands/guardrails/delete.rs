//! `farebox guardrails delete`

use clap::Args;
use serde_json::json;

use super::find::find;
use crate::account::UpstreamArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::printable;
use crate::{consent, output};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox guardrails delete eng-default\n  farebox guardrails delete eng-default --yes    asks nobody";

/// `guardrails delete`
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Its id, or its name
    #[arg(value_name = "GUARDRAIL")]
    guardrail: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Deletes it, once somebody agreed.
pub(crate) async fn run(args: DeleteArgs) -> Result<Exit, Failure> {
    consent::possible(args.yes)?;
    let administrator = args.upstream.administer("deleting a guardrail")?;
    let found = find(&administrator, &args.guardrail).await?;
    let name = printable(&found.name);
    let question = format!("delete the guardrail '{name}'? nobody is held to it from then on");
    if !args.yes && !consent::given(&question)? {
        return Err(Failure::failed("nothing was deleted"));
    }
    administrator
        .admin
        .delete_guardrail(&found.id)
        .await
        .map_err(|error| administrator.not_changed(error, "farebox guardrails list"))?;
    match args.json {
        true => output::json(&json!({ "deleted": true, "id": found.id, "name": found.name })),
        false => output::text(&format!("deleted '{name}'\n")),
    }
}
