//! `farebox alerts check`: for cron. Is less left than an amount, of the account's credits or of the key's own limit?
//!
//! What cannot be known is said and has an exit code of its own: a check that says "fine" without knowing is worse
//! than none.

use std::collections::HashMap;

use ::alerts::{DeliveryRow, Event, Level, Rules, Subject};
use clap::Args;
use farebox::config::{Config, Layer, Setting, amount};
use jiff::Timestamp;
use money::Nano;
use openrouter::client::Upstream;
use serde_json::{Value, json};

use super::{Places, sent, test};
use crate::account::Asked;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::secrets::{self, KEYS_PAGE, Key, MANAGEMENT_KEYS_PAGE};
use crate::terminal::Terminal;
use crate::{levels, output};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox alerts check --below 5\n  farebox alerts check --below 5 --notify      and say so, once, on every channel\n  farebox alerts check --below 20 --credits    the account, with a management key\n  */10 * * * * farebox alerts check --below 5 --notify >/dev/null    in a crontab\n\nExit codes: 0 enough is left, 7 less is left, 4 it cannot be known with these keys.";

/// `alerts check`
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// An amount in USD
    #[arg(long, value_name = "AMOUNT", value_parser = amount::limit)]
    below: Nano,
    /// Look at the account's credits only (OPENROUTER_MANAGEMENT_KEY)
    #[arg(long, conflicts_with = "key")]
    credits: bool,
    /// Look at the key's own limit only (OPENROUTER_API_KEY)
    #[arg(long)]
    key: bool,
    /// Send a message to every configured channel when it falls below, and when it
    /// is over: once, however often this runs
    #[arg(long)]
    notify: bool,
    /// Where OpenRouter's API is [default: https://openrouter.ai/api/v1]
    #[arg(long, value_name = "URL", env = "OPENROUTER_BASE_URL", hide_env_values = true)]
    upstream: Option<String>,
    #[command(flatten)]
    places: Places,
    /// Print JSON: {below, below_usd, readings, notified}; money is decimal text
    #[arg(long)]
    json: bool,
}

/// Looks, and tells.
pub(crate) async fn run(args: CheckArgs) -> Result<Exit, Failure> {
    let from = "--upstream or OPENROUTER_BASE_URL".to_owned();
    let upstream = args.upstream.clone().map(|value| Setting { value, from });
    let config = args.places.config(Layer { upstream, ..Layer::default() })?;
    if args.notify && config.alerts.channels.is_empty() {
        return Err(test::no_channel());
    }
    let url = &config.upstream.value;
    if crate::commands::serve::is_bare_http(url) {
        let terminal = Terminal::of_stderr();
        eprintln!("{} the key goes to {url} unencrypted", terminal.yellow("warning:"));
    }
    let upstream = Upstream::new(url).map_err(|error| {
        Failure::usage(chain(&error)).hint("an upstream is a URL such as https://openrouter.ai/api/v1")
    })?;
    let levels = readings(&args, &upstream).await?;
    let now_ms = Timestamp::now().as_millisecond();
    let told = if args.notify { notify(&args, config, &levels).await? } else { Told::default() };
    let lowest = levels.iter().min_by_key(|level| level.left);
    let below = lowest.is_some_and(|level| level.left < args.below);
    if args.json {
        output::json_line(&json(&levels, args.below, now_ms, args.notify.then_some(&told)))?;
    } else {
        let lines = lowest.map(|level| line(level, args.below, now_ms, &Terminal::of_stdout()));
        output::text(&lines.unwrap_or_default())?;
        eprint!("{}", told.text(args.notify, &Terminal::of_stderr()));
    }
    Ok(if below { Exit::Below } else { Exit::Ok })
}

/// What can be known of what was asked for: at least one level.
async fn readings(args: &CheckArgs, upstream: &Upstream) -> Result<Vec<Level>, Failure> {
    let api_key = if args.credits { None } else { secrets::api_key()? };
    let mut management_key = if args.key { None } else { secrets::management_key()? };
    let mut levels = Vec::new();
    let mut name = None;
    if let Some(key) = api_key {
        let info =
            upstream.key(key.secret.expose()).await.map_err(|error| asked(upstream, &key, false, &error))?;
        levels.extend(levels::of_key(&info, Timestamp::now()));
        name = info.label.clone();
        if info.is_management_key() && !args.key {
            management_key.get_or_insert(key);
        }
    } else if args.key {
        return Err(secrets::needed_api_key("a look at the key's own limit")
            .err()
            .unwrap_or_else(unknowable));
    }
    if let Some(key) = management_key {
        let secret = key.secret.expose();
        let credits = upstream.credits(secret).await.map_err(|error| asked(upstream, &key, true, &error))?;
        let info = upstream.key(secret).await.map_err(|error| asked(upstream, &key, true, &error))?;
        if !info.is_management_key() {
            return Err(Failure::credentials(format!(
                "the key in {} is no management key, so what it is told of credits means nothing",
                key.from
            ))
            .hint(format!("make one at {MANAGEMENT_KEYS_PAGE}")));
        }
        levels.push(levels::of_credits(&credits));
    } else if args.credits {
        return Err(secrets::needed_management_key("a look at the account's credits")
            .err()
            .unwrap_or_else(unknowable));
    }
    match (levels.is_empty(), name) {
        (false, _) => Ok(levels),
        (true, Some(name)) => Err(no_limit(&name, args.key)),
        (true, None) => Err(no_key()),
    }
}

fn asked(
    upstream: &Upstream,
    key: &Key,
    management: bool,
    error: &openrouter::account::AccountError,
) -> Failure {
    Asked { base: upstream.base(), key, management }.failure(error)
}

fn no_limit(name: &str, key_only: bool) -> Failure {
    let name = crate::table::printable(name);
    let failure = match key_only {
        true => Failure::credentials(format!(
            "the key {name} has no limit of its own, so there is nothing left of it to know"
        )),
        false => Failure::credentials(format!(
            "the key {name} has no limit, and without a management key the account's credits cannot be known"
        )),
    };
    failure.hint(format!(
        "give the key a limit at {KEYS_PAGE}, or set OPENROUTER_MANAGEMENT_KEY to one of {MANAGEMENT_KEYS_PAGE}"
    ))
}

fn no_key() -> Failure {
    Failure::credentials("a check needs a key to ask with").hint(format!(
        "set OPENROUTER_API_KEY to a key of {KEYS_PAGE}, or OPENROUTER_MANAGEMENT_KEY to one of {MANAGEMENT_KEYS_PAGE}"
    ))
}

fn unknowable() -> Failure {
    no_key()
}

/// What came of `--notify`.
#[derive(Default)]
struct Told {
    events: Vec<Event>,
    deliveries: Vec<DeliveryRow>,
}

async fn notify(args: &CheckArgs, config: Config, levels: &[Level]) -> Result<Told, Failure> {
    let failed = |error: ::alerts::OutboxError| Failure::caused("cannot write down what is said", &error);
    let channels = config.alerts.channels.iter().map(|plan| plan.open()).collect::<Result<_, _>>()?;
    let rules = Rules {
        credits_below: vec![args.below],
        key_below: vec![args.below],
        key_at: Vec::new(),
        runway_ms: 0,
        budget_at: HashMap::new(),
    };
    let alerts = sent::open(&Places::folder(&config)?, rules, channels)?;
    let now_ms = Timestamp::now().as_millisecond();
    let levels = levels.iter().cloned().map(|level| levels::paced(level, &alerts, now_ms));
    let levels: Vec<Level> = levels.collect::<Result<_, _>>().map_err(failed)?;
    let mut told = Told { events: alerts.look(&levels, now_ms).map_err(failed)?, ..Told::default() };
    if told.events.is_empty() {
        // What waited from earlier runs is due as well.
        alerts.deliver(now_ms).await.map_err(failed)?;
    }
    for event in &told.events {
        told.deliveries.extend(sent::deliveries(&alerts, &event.id).await?);
    }
    Ok(told)
}

impl Told {
    fn text(&self, notify: bool, terminal: &Terminal) -> String {
        if !notify {
            return String::new();
        }
        if self.events.is_empty() {
            // cron mails whatever is printed.
            let text = || terminal.dim("nothing new to say") + "\n";
            return if terminal.interactive { text() } else { String::new() };
        }
        let width = self.deliveries.iter().map(|row| row.channel.len()).max().unwrap_or(0);
        self.deliveries.iter().map(|row| sent::line(row, width, terminal)).collect()
    }
}

/// One line, the tightest.
fn line(level: &Level, below: Nano, now_ms: i64, terminal: &Terminal) -> String {
    let (left, asked) = (level.left.for_people(), below.for_people());
    let of = match level.subject {
        Subject::Credits => "of the account's credits".to_owned(),
        _ => format!("of {} {}", level.limit.for_people(), name(level)),
    };
    let until = runs_out(level, now_ms);
    match level.left < below {
        true => format!("{}: {left} left {of}, below {asked}{until}\n", terminal.red("low")),
        false => format!("{}: {left} left {of}, not below {asked}{until}\n", terminal.green("fine")),
    }
}

/// `; runs out on Thursday 14:00 UTC at this pace`, when it does before its window ends.
fn runs_out(level: &Level, now_ms: i64) -> String {
    let at_ms = level
        .runs_out_ms(now_ms)
        .filter(|at_ms| level.left > Nano::ZERO && level.span.ends_ms.is_none_or(|ends_ms| *at_ms < ends_ms));
    at_ms.map_or_else(String::new, |at_ms| {
        format!("; {}", ::alerts::runs_out(at_ms, now_ms).trim_end_matches('.'))
    })
}

fn name(level: &Level) -> String {
    let window = match level.window.as_str() {
        "lifetime" => String::new(),
        "day" => " today".to_owned(),
        window => format!(" this {window}"),
    };
    format!("on key {}{window}", crate::table::printable(&level.subject.name()))
}

fn json(levels: &[Level], below: Nano, now_ms: i64, told: Option<&Told>) -> Value {
    let instant = |at_ms: Option<i64>| {
        at_ms.and_then(|at_ms| Timestamp::from_millisecond(at_ms).ok()).map(|at| at.to_string())
    };
    let reading = |level: &Level| {
        let name = match &level.subject {
            Subject::Credits => None,
            subject => Some(subject.name()),
        };
        json!({
            "subject": level.subject.kind(),
            "name": name,
            "limit_usd": level.limit.to_string(),
            "used_usd": level.used.to_string(),
            "left_usd": level.left.to_string(),
            "below": level.left < below,
            "window": level.window,
            "window_ends_at": instant(level.span.ends_ms),
            "runs_out_at": instant(level.runs_out_ms(now_ms)),
        })
    };
    json!({
        "below": levels.iter().any(|level| level.left < below),
        "below_usd": below.to_string(),
        "readings": levels.iter().map(reading).collect::<Vec<_>>(),
        "notified": told.map(|told| json!({
            "events": told.events.iter().map(Event::envelope).collect::<Vec<_>>(),
            "deliveries": told.deliveries,
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::alerts::Pace;

    #[test]
    fn when_it_runs_out() {
        // 2026-11-24 08:15 UTC, a Tuesday.
        let (now_ms, hour_ms) = (1_795_508_100_000, 3_600_000);
        let credits =
            openrouter::account::Credits { bought: Nano::from_cents(10_000), used: Nano::from_cents(9_400) };
        let mut level = levels::of_credits(&credits);
        let told = |level: &Level| line(level, Nano::from_cents(500), now_ms, &Terminal::plain());
        assert_eq!(told(&level), "fine: $6.00 left of the account's credits, not below $5.00\n");
        level.pace = Some(Pace { spent: Nano::from_cents(100), over_ms: 9 * hour_ms });
        let expected = "fine: $6.00 left of the account's credits, not below $5.00; runs out on Thursday 14:15 UTC at this pace\n";
        assert_eq!(told(&level), expected);
        level.span.ends_ms = Some(now_ms + hour_ms);
        assert!(!told(&level).contains("runs out"), "the window ends before");
    }
}
