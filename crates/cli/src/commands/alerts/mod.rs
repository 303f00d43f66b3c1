//! `farebox alerts`: say when money runs low.

pub(crate) mod check;
pub(crate) mod list;
mod sent;
pub(crate) mod test;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use farebox::config::{Config, Layer};

use crate::cli::TEMPLATE;
use crate::commands::budgets;
use crate::exit::Exit;
use crate::failure::Failure;

/// `alerts …`
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct AlertsArgs {
    #[command(subcommand)]
    command: AlertsCommand,
}

/// What to do with alerts.
#[derive(Debug, Subcommand)]
enum AlertsCommand {
    /// For cron: is less left than an amount? One line, and an exit code
    #[command(help_template = TEMPLATE, before_help = check::EXAMPLES)]
    Check(check::CheckArgs),
    /// Send a test message to each channel, and say how it went
    #[command(help_template = TEMPLATE, before_help = test::EXAMPLES)]
    Test(test::TestArgs),
    /// List open alerts, what was said of late, and how each channel does
    #[command(help_template = TEMPLATE, before_help = list::EXAMPLES)]
    List(list::ListArgs),
}

/// Where the configuration and the folder of the books are.
#[derive(Debug, Args)]
pub(crate) struct Places {
    /// Read this configuration file and no other
    #[arg(long, value_name = "FILE", env = "FAREBOX_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// The folder of the books; alerts.db in it says what was said before
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
}

impl Places {
    /// The configuration under this layer.
    fn config(&self, layer: Layer) -> Result<Config, Failure> {
        Ok(Config::load(Layer { data: self.data.clone(), ..layer }, self.config.clone())?)
    }

    /// The folder, which need not be there.
    fn folder(config: &Config) -> Result<PathBuf, Failure> {
        budgets::list::folder(config.data.clone())
    }
}

/// Does what was typed.
pub(crate) async fn run(args: AlertsArgs) -> Result<Exit, Failure> {
    match args.command {
        AlertsCommand::Check(args) => check::run(args).await,
        AlertsCommand::Test(args) => test::run(args).await,
        AlertsCommand::List(args) => list::run(args).await,
    }
}
