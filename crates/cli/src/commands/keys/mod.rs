//! `farebox keys`: the keys of the OpenRouter account, with a management key.

pub(crate) mod create;
pub(crate) mod delete;
mod find;
mod handover;
pub(crate) mod list;
pub(crate) mod rotate;
mod row;
pub(crate) mod show;
pub(crate) mod switch;
mod terms;
pub(crate) mod update;

use clap::{Args, Subcommand};

pub(crate) use self::find::find;
pub(crate) use self::terms::{LimitFlag, ResetFlag, limit_words, window_words};
use crate::cli::TEMPLATE;
use crate::exit::Exit;
use crate::failure::Failure;

/// `keys …`
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// List keys: limit, spent, left, state
    #[command(help_template = TEMPLATE, before_help = list::EXAMPLES)]
    List(list::ListArgs),
    /// Make a key with a limit; its plaintext is shown once
    #[command(help_template = TEMPLATE, before_help = create::EXAMPLES)]
    Create(create::CreateArgs),
    /// Show one key
    #[command(help_template = TEMPLATE, before_help = show::EXAMPLES)]
    Show(show::ShowArgs),
    /// Change name, limit, window or workspace of a key
    #[command(help_template = TEMPLATE, before_help = update::EXAMPLES)]
    Update(update::UpdateArgs),
    /// Switch a key on
    #[command(help_template = TEMPLATE, before_help = switch::ENABLE_EXAMPLES)]
    Enable(switch::SwitchArgs),
    /// Switch a key off; calls with it fail until it is on again
    #[command(help_template = TEMPLATE, before_help = switch::DISABLE_EXAMPLES)]
    Disable(switch::SwitchArgs),
    /// Delete a key for good
    #[command(help_template = TEMPLATE, before_help = delete::EXAMPLES)]
    Delete(delete::DeleteArgs),
    /// Make a new key in place of an old one, then switch the old one off
    #[command(help_template = TEMPLATE, before_help = rotate::EXAMPLES)]
    Rotate(rotate::RotateArgs),
}

/// Does it.
pub(crate) async fn run(args: KeysArgs) -> Result<Exit, Failure> {
    match args.command {
        KeysCommand::List(args) => list::run(args).await,
        KeysCommand::Create(args) => create::run(args).await,
        KeysCommand::Show(args) => show::run(args).await,
        KeysCommand::Update(args) => update::run(args).await,
        KeysCommand::Enable(args) => switch::run(args, false).await,
        KeysCommand::Disable(args) => switch::run(args, true).await,
        KeysCommand::Delete(args) => delete::run(args).await,
        KeysCommand::Rotate(args) => rotate::run(args).await,
    }
}
