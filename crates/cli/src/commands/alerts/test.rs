//! `farebox alerts test`: a test message to each channel.

use clap::Args;
use farebox::config::Layer;
use jiff::Timestamp;

use super::{Places, sent};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox alerts test\n  farebox alerts test chat pager\n  farebox alerts test --json\n\nA message that does not arrive is not tried again. PagerDuty gets an incident that\nopens and closes.";

/// `alerts test`
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Only these channels
    #[arg(value_name = "CHANNEL")]
    channels: Vec<String>,
    #[command(flatten)]
    places: Places,
    /// Print JSON: an array of {channel, state, attempts, next_at, last_at, answer}
    #[arg(long)]
    json: bool,
}

/// Sends them.
pub(crate) async fn run(args: TestArgs) -> Result<Exit, Failure> {
    let config = args.places.config(Layer::default())?;
    let plans = &config.alerts.channels;
    if plans.is_empty() {
        return Err(no_channel());
    }
    let names: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
    if let Some(unknown) = args.channels.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(Failure::usage(format!("there is no channel '{unknown}'"))
            .hint(format!("configured are: {}", names.join(", "))));
    }
    let is_meant = |name: &String| args.channels.is_empty() || args.channels.contains(name);
    let channels = plans.iter().filter(|plan| is_meant(&plan.name)).map(|plan| plan.open());
    let channels: Vec<::alerts::Channel> = channels.collect::<Result<_, _>>()?;
    let names: Vec<String> = channels.iter().map(|channel| channel.name.clone()).collect();
    let alerts = sent::open(&Places::folder(&config)?, config.alerts.rules, channels)?;
    let failed = |error: ::alerts::OutboxError| Failure::caused("cannot send a test", &error);
    let id = alerts.test(&names, Timestamp::now().as_millisecond()).map_err(failed)?;
    sent::deliveries(&alerts, &id).await?;
    alerts.give_up(&id).map_err(failed)?;
    let rows = alerts.deliveries(&id).map_err(failed)?;
    if args.json {
        output::json(&rows)?;
    } else {
        let terminal = Terminal::of_stdout();
        let width = names.iter().map(String::len).max().unwrap_or(0);
        output::text(&rows.iter().map(|row| sent::line(row, width, &terminal)).collect::<String>())?;
    }
    let all = rows.iter().all(|row| row.state == "delivered");
    Ok(if all { Exit::Ok } else { Exit::Failed })
}

/// Nothing to send to.
pub(super) fn no_channel() -> Failure {
    Failure::usage("no channel is configured, so there is nowhere to send to")
        .hint("add an [[alerts.channel]] to ~/.config/farebox/config.toml: farebox help config")
}
