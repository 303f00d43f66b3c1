//! `farebox guardrails`: budgets and allow-lists that OpenRouter itself holds keys and members to.

pub(crate) mod assign;
pub(crate) mod change;
pub(crate) mod delete;
mod find;
pub(crate) mod list;
mod row;
pub(crate) mod show;

use clap::{Args, Subcommand};

use crate::cli::TEMPLATE;
use crate::exit::Exit;
use crate::failure::Failure;

/// `guardrails …`
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct GuardrailsArgs {
    #[command(subcommand)]
    command: GuardrailsCommand,
}

/// What to do with guardrails.
#[derive(Debug, Subcommand)]
enum GuardrailsCommand {
    /// List guardrails
    #[command(help_template = TEMPLATE, before_help = list::EXAMPLES)]
    List(list::ListArgs),
    /// Show one guardrail and who carries it
    #[command(help_template = TEMPLATE, before_help = show::EXAMPLES)]
    Show(show::ShowArgs),
    /// Make a guardrail; it does nothing until it is assigned
    #[command(help_template = TEMPLATE, before_help = change::CREATE_EXAMPLES)]
    Create(change::CreateArgs),
    /// Change a guardrail
    #[command(help_template = TEMPLATE, before_help = change::UPDATE_EXAMPLES)]
    Update(change::UpdateArgs),
    /// Delete a guardrail
    #[command(help_template = TEMPLATE, before_help = delete::EXAMPLES)]
    Delete(delete::DeleteArgs),
    /// Hold keys or members to a guardrail, in place of the one they had
    #[command(help_template = TEMPLATE, before_help = assign::ASSIGN_EXAMPLES)]
    Assign(assign::AssignArgs),
    /// Hold keys or members to it no longer
    #[command(help_template = TEMPLATE, before_help = assign::UNASSIGN_EXAMPLES)]
    Unassign(assign::AssignArgs),
}

/// Does it.
pub(crate) async fn run(args: GuardrailsArgs) -> Result<Exit, Failure> {
    match args.command {
        GuardrailsCommand::List(args) => list::run(args).await,
        GuardrailsCommand::Show(args) => show::run(args).await,
        GuardrailsCommand::Create(args) => change::create(args).await,
        GuardrailsCommand::Update(args) => change::update(args).await,
        GuardrailsCommand::Delete(args) => delete::run(args).await,
        GuardrailsCommand::Assign(args) => assign::run(args, true).await,
        GuardrailsCommand::Unassign(args) => assign::run(args, false).await,
    }
}
