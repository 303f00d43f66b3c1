//! The binary `farebox`: commands, configuration, wiring.
//!
//! The folders of `commands` are the command tree. Data goes to stdout, talk to stderr; every error is one line
//! and a hint, and every exit code is in [`exit::Exit`].

mod account;
mod amount;
mod cli;
mod commands;
mod consent;
mod exit;
mod facts;
mod failure;
mod instant;
mod levels;
mod listing;
mod live;
mod obstacle;
mod output;
mod prices;
mod prose;
mod reading;
mod secrets;
mod sums;
mod table;
mod terminal;
mod tokens;
mod topics;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::cli::Cli;
use crate::terminal::Terminal;

/// Many small requests and a few large bodies: measured beside the system's in docs/decisions/dependencies.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = Cli::command().color(terminal::clap_choice());
    let matches = command.try_get_matches().unwrap_or_else(|error| error.exit());
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match commands::run(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprint!("{}", failure.text(&Terminal::of_stderr()));
            failure.exit.into()
        }
    }
}
