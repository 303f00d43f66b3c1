//! `farebox models watch`: asks OpenRouter again and again, and says what has changed.
//!
//! Fails open: a time that cannot be asked is a warning, and the next one comes. Once, it is an error.

use std::time::Duration;

use clap::Args;
use openrouter::catalogue::Entry;

use super::moved;
use crate::commands::serve::signals::Signals;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::prices::{PriceArgs, Renewing};
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox models watch\n  farebox models watch openai/gpt-4o anthropic/claude-sonnet-4.5 --every 15m\n  farebox models watch --once || echo \"prices moved\"";

/// Nobody's prices move faster, and OpenRouter keeps its answer for two minutes.
const LEAST: Duration = Duration::from_secs(10);

/// `models watch`
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// These models with their providers only; without, the rows of all
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    /// How often to ask: 30s, 5m, 1h
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = every, conflicts_with = "once")]
    every: Duration,
    /// Ask once; exit code 8 when something has changed since the last time
    #[arg(long)]
    once: bool,
    /// Print JSON, a line for each change; prices are USD per unit, decimal text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    prices: PriceArgs,
}

/// Watches until Ctrl-C, which is no failure.
pub(crate) async fn run(args: WatchArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    let mut renewing = Renewing::open(&args.prices)?;
    renewing.name(&args.models).await?;
    let terminal = Terminal::of_stderr();
    if !args.once {
        let talk = format!("asking {} every {} s; Ctrl-C ends", renewing.upstream(), args.every.as_secs());
        output::talk(&[&talk]);
    }
    loop {
        let asked = tokio::select! {
            asked = renewing.renew() => asked,
            () = signals.next() => return Ok(Exit::Ok),
        };
        match asked {
            Ok(found) => {
                say(&found, args.json)?;
                if args.once && found.is_empty() && !args.json {
                    output::talk(&[&format!("no change since {}", renewing.before())]);
                }
                if args.once {
                    return Ok(if found.is_empty() { Exit::Ok } else { Exit::Changed });
                }
            }
            Err(why) if args.once => return Err(renewing.unreachable(&why)),
            Err(why) => eprintln!("{} {why}", terminal.yellow("warning:")),
        }
        tokio::select! {
            () = tokio::time::sleep(args.every) => {}
            () = signals.next() => return Ok(Exit::Ok),
        }
    }
}

fn say(found: &[Entry], as_json: bool) -> Result<(), Failure> {
    if as_json {
        for entry in found {
            output::json_line(&moved::json(entry))?;
        }
        return Ok(());
    }
    let found: Vec<&Entry> = found.iter().collect();
    output::text(&moved::render(&found, &Terminal::of_stdout())).map(|_| ())
}

fn every(text: &str) -> Result<Duration, String> {
    crate::instant::wait(text).and_then(|wait| match wait < LEAST {
        true => Err(format!("'{text}' is too often: not below {} s", LEAST.as_secs())),
        false => Ok(wait),
    })
}
