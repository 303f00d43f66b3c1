//! `farebox guardrails create` and `update`

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use openrouter::account::{Guardrail, GuardrailChange, NewGuardrail, Reset};

use super::find::find;
use super::row::{self, GuardrailRow};
use crate::account::UpstreamArgs;
use crate::amount;
use crate::commands::keys::{LimitFlag, ResetFlag};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::terminal::Terminal;

pub(crate) const CREATE_EXAMPLES: &str = "Examples:\n  farebox guardrails create eng --limit 20 --reset daily\n  farebox guardrails create cheap --models openai/gpt-4o-mini,anthropic/claude-haiku-4.5";
pub(crate) const UPDATE_EXAMPLES: &str = "Examples:\n  farebox guardrails update eng --limit 30 --reset daily\n  farebox guardrails update eng --limit none\n  farebox guardrails update eng --models all";

/// `guardrails create`
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// What to call it
    #[arg(value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    name: String,
    /// What each key and each member that carries it may spend per window, USD
    #[arg(long, value_name = "USD", value_parser = amount::limit, requires = "reset")]
    limit: Option<money::Nano>,
    /// When that begins anew; in UTC
    #[arg(long, value_enum, requires = "limit")]
    reset: Option<ResetFlag>,
    /// Count spend with own keys at providers (BYOK)
    #[arg(long)]
    include_byok: bool,
    /// The only models allowed, separated by commas
    #[arg(long, value_name = "MODEL", value_delimiter = ',')]
    models: Vec<String>,
    /// The only providers allowed, separated by commas
    #[arg(long, value_name = "PROVIDER", value_delimiter = ',')]
    providers: Vec<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// File it under this workspace
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `guardrails update`
#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Its id, or its name
    #[arg(value_name = "GUARDRAIL")]
    guardrail: String,
    /// Call it something else
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// What each key and member may spend per window, USD; none: no budget
    #[arg(long, value_name = "USD|none")]
    limit: Option<LimitFlag>,
    /// When that begins anew; in UTC
    #[arg(long, value_enum, requires = "limit")]
    reset: Option<ResetFlag>,
    /// Whether spend with own keys at providers (BYOK) counts
    #[arg(long, value_name = "true|false")]
    include_byok: Option<bool>,
    /// The only models allowed, separated by commas; all for every one
    #[arg(long, value_name = "MODEL|all", value_delimiter = ',')]
    models: Vec<String>,
    /// The only providers allowed, separated by commas; all for every one
    #[arg(long, value_name = "PROVIDER|all", value_delimiter = ',')]
    providers: Vec<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Makes one.
pub(crate) async fn create(args: CreateArgs) -> Result<Exit, Failure> {
    let reset_interval = args.reset.map(budget_window).transpose()?;
    let administrator = args.upstream.administer("making a guardrail")?;
    let listed = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
    let new = NewGuardrail {
        name: args.name,
        description: args.description,
        workspace_id: args.workspace,
        limit_usd: args.limit,
        reset_interval,
        include_byok_in_budgets: args.include_byok,
        allowed_models: listed(args.models),
        allowed_providers: listed(args.providers),
    };
    let made = administrator.admin.create_guardrail(&new).await;
    let made = made.map_err(|error| administrator.not_changed(error, "farebox guardrails list"))?;
    print(&made, args.json)?;
    eprintln!(
        "{}",
        Terminal::of_stderr()
            .dim(&format!("it does nothing yet: farebox guardrails assign {} --key KEY", made.id))
    );
    Ok(Exit::Ok)
}

/// Changes one.
pub(crate) async fn update(args: UpdateArgs) -> Result<Exit, Failure> {
    let change = change(&args)?;
    if change.is_empty() {
        return Err(Failure::usage("there is nothing to change")
            .hint("say what: --name, --limit, --reset, --include-byok, --models, --providers"));
    }
    let administrator = args.upstream.administer("changing a guardrail")?;
    let found = find(&administrator, &args.guardrail).await?;
    let changed = administrator.admin.update_guardrail(&found.id, &change).await;
    let changed = changed.map_err(|error| administrator.not_changed(error, "farebox guardrails list"))?;
    print(&changed, args.json)
}

fn change(args: &UpdateArgs) -> Result<GuardrailChange, Failure> {
    let reset = args.reset.map(budget_window).transpose()?;
    let listed = |list: &[String]| match list {
        [] => None,
        [all] if all == "all" => Some(None),
        list => Some(Some(list.to_vec())),
    };
    let reset_interval = match args.limit {
        // A budget goes with its window (CONTRACT 6.1).
        Some(LimitFlag(None)) => Some(None),
        _ => reset.map(Some),
    };
    Ok(GuardrailChange {
        name: args.name.clone(),
        description: args.description.clone(),
        limit_usd: args.limit.map(|limit| limit.0),
        reset_interval,
        include_byok_in_budgets: args.include_byok,
        allowed_models: listed(&args.models),
        allowed_providers: listed(&args.providers),
    })
}

/// A guardrail's budget has no lifetime (CONTRACT 6.1).
fn budget_window(flag: ResetFlag) -> Result<Reset, Failure> {
    flag.reset().ok_or_else(|| {
        Failure::usage("the budget of a guardrail cannot be for a lifetime")
            .hint("--reset daily, weekly or monthly")
    })
}

fn print(row: &Guardrail, json: bool) -> Result<Exit, Failure> {
    match json {
        true => output::json(&GuardrailRow::from(row)),
        false => output::text(&row::facts(row, None, &Terminal::of_stdout())),
    }
}
