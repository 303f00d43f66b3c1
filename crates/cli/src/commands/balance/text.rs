//! The balance as people read it.

use jiff::Timestamp;
use money::Nano;
use openrouter::account::{KeyBudget, KeyInfo};

use super::books::Held;
use super::credits::Account;
use super::pace::Runway;
use super::report::Report;
use crate::amount::grouped;
use crate::commands::keys::{limit_words, window_words};
use crate::facts::Facts;
use crate::instant;
use crate::listing::{self, Column, Shown, left, right};
use crate::secrets::MANAGEMENT_KEYS_PAGE;
use crate::table::{Look, printable};
use crate::terminal::Terminal;

/// Where people buy credits and switch auto top-up on.
const CREDITS_PAGE: &str = "https://openrouter.ai/settings/credits";
/// Cells of the bar of the key's limit.
const BAR: usize = 20;

/// All of it.
pub(crate) fn render(report: &Report<'_>, terminal: &Terminal) -> String {
    let mut facts = Facts::new(terminal, 11);
    if let Some(key) = report.key {
        key_facts(key, &mut facts, terminal, report.now);
    }
    account_facts(report.account, &mut facts, terminal, report.now);
    if let Some(held) = report.books {
        books_facts(held, &mut facts);
    }
    let as_of = format!(
        "As of {} UTC. OpenRouter's counters lag by seconds to minutes, and its windows are UTC.",
        report.now.strftime("%Y-%m-%d %H:%M:%S")
    );
    facts.note(&as_of);
    facts.text()
}

fn key_facts(key: &KeyInfo, facts: &mut Facts<'_>, terminal: &Terminal, now: Timestamp) {
    facts.title(&format!(
        "OpenRouter key {}",
        key.label.as_deref().map_or("without a label".to_owned(), printable)
    ));
    if key.is_management_key() {
        facts.fact("kind", "a management key: it administers the account and cannot run a model");
    }
    facts.fact("left", &left_line(key, terminal));
    facts.fact("limit", &limit_line(key, now));
    if key.limit.is_some() {
        facts.fact("spent", &format!("{} of the limit", told(key.window_spent())));
    }
    facts.fact("used", &used_line(key));
    facts.fact("BYOK", &byok_line(key));
    facts.maybe("pace", Runway::of_key(key, now).map(|runway| pace_line(&runway, now)));
    facts.fact("free tier", &free_tier(key));
    facts.maybe("free models", free_models(key));
    facts.fact("expires", &expiry_line(key, now));
    facts.fact("rate limit", "none to go by: OpenRouter calls the field deprecated and safe to ignore");
    if !key.budgets.is_empty() {
        facts.fact("held to", &blocks_first(key));
        facts.lines(&layers(key, terminal));
    }
}

fn left_line(key: &KeyInfo, terminal: &Terminal) -> String {
    let (Some(limit), Some(left)) = (key.limit, key.limit_remaining) else {
        return match key.limit {
            None => "as much as the account has: this key has no limit of its own".to_owned(),
            Some(_) => "not told".to_owned(),
        };
    };
    let used = if limit > Nano::ZERO { 1.0 - left.nanos() as f64 / limit.nanos() as f64 } else { 1.0 };
    let percent = (used * 100.0).floor().clamp(0.0, 999.0);
    let text = format!("{}  {} {percent}% used", left.for_people(), terminal.bar(BAR, used, used));
    match used {
        used if used >= 1.0 => terminal.red(&text),
        used if used >= 0.8 => terminal.yellow(&text),
        _ => text,
    }
}

fn limit_line(key: &KeyInfo, now: Timestamp) -> String {
    let words = limit_words(key.limit, key.limit_reset.as_ref());
    match key.limit.and_then(|_| instant::resets_at(key.limit_reset.as_ref(), now)) {
        Some(at) => format!("{words}; begins anew {}, at {at}", instant::until(now, at)),
        None => words,
    }
}

fn used_line(key: &KeyInfo) -> String {
    format!(
        "{} since it was made; {} today, {} this week, {} this month",
        told(key.usage),
        told(key.usage_daily),
        told(key.usage_weekly),
        told(key.usage_monthly)
    )
}

fn byok_line(key: &KeyInfo) -> String {
    let counts = match key.include_byok_in_limit {
        Some(true) => ", which counts towards the limit",
        Some(false) => ", which does not count towards the limit",
        None => "",
    };
    format!("{} with own keys at providers{counts}", told(key.byok_usage))
}

fn pace_line(runway: &Runway, now: Timestamp) -> String {
    let Runway { over, lasts_ms, outlasts_window } = runway;
    match (outlasts_window, runway.ends_at(now)) {
        (true, _) => format!("at the pace of {over} it lasts until the limit begins anew"),
        (false, Some(at)) if *lasts_ms > 0 => format!(
            "at the pace of {over} it lasts {}, until {} UTC",
            instant::about(*lasts_ms),
            at.strftime("%A %Y-%m-%d %H:%M")
        ),
        (false, Some(_)) => "nothing is left".to_owned(),
        (false, None) => format!("at the pace of {over} it lasts {}", instant::about(*lasts_ms)),
    }
}

fn free_tier(key: &KeyInfo) -> String {
    match key.is_free_tier {
        Some(true) => "yes: this account has never bought credits".to_owned(),
        Some(false) => "no".to_owned(),
        None => "not told".to_owned(),
    }
}

fn free_models(key: &KeyInfo) -> Option<String> {
    let free = key.free_model_daily_requests.as_ref()?;
    let (used, limit) = (free.used?, free.limit?);
    let left = free.remaining.unwrap_or(limit.saturating_sub(used));
    Some(format!(
        "{} of {} requests to :free models used today, {} left (the whole account, UTC day)",
        grouped(used),
        grouped(limit),
        grouped(left)
    ))
}

fn expiry_line(key: &KeyInfo, now: Timestamp) -> String {
    match key.expires_at.as_deref().map(|text| (text, text.parse::<Timestamp>())) {
        None => "never".to_owned(),
        Some((text, Ok(at))) => format!("{} ({})", printable(text), instant::until(now, at)),
        Some((text, Err(_))) => printable(text),
    }
}

fn blocks_first(key: &KeyInfo) -> String {
    match &key.effective_budget {
        Some(first) => format!("{}; {} blocks first", count(key.budgets.len()), scope(first)),
        None => count(key.budgets.len()),
    }
}

fn count(layers: usize) -> String {
    if layers == 1 { "1 limit".to_owned() } else { format!("{layers} limits") }
}

const COLUMNS: [Column; 5] =
    [left("LIMIT OF", 0), right("LIMIT", 1), right("SPENT", 3), right("LEFT", 0), left("BEGINS ANEW", 2)];

fn layers(key: &KeyInfo, terminal: &Terminal) -> String {
    let rows: Vec<Vec<Shown>> = key.budgets.iter().map(layer).collect();
    // Facts are set in by two columns.
    let mut narrower = terminal.clone();
    narrower.width = terminal.width.map(|width| width.saturating_sub(2));
    listing::render(&COLUMNS, &rows, &narrower)
}

fn layer(layer: &KeyBudget) -> Vec<Shown> {
    let limit = format!("{} {}", layer.limit_usd.for_people(), window_words(layer.reset_interval.as_ref()));
    let left = match layer.remaining_usd {
        None => Shown::from("?"),
        Some(left) if left <= Nano::ZERO => Shown(left.for_people(), Look::Alarm),
        Some(left) => left.for_people().into(),
    };
    let spent = layer.spend_usd.map_or("?".to_owned(), Nano::for_people);
    let anew = layer.resets_at.as_deref().map_or("never".to_owned(), printable);
    vec![scope(layer).into(), limit.into(), spent.into(), left, anew.into()]
}

/// Whose limit it is, in words (CONTRACT 2).
fn scope(layer: &KeyBudget) -> String {
    match layer.scope.as_deref() {
        Some("key_limit") => "this key".to_owned(),
        Some("api_key") => "a guardrail on this key".to_owned(),
        Some("member") => "a guardrail on its member".to_owned(),
        Some("workspace") => "the workspace".to_owned(),
        Some("workspace_default_key") => "the workspace, for each key".to_owned(),
        Some("workspace_default_member") => "the workspace, for each member".to_owned(),
        Some(other) => printable(other),
        None => "somebody".to_owned(),
    }
}

fn account_facts(account: &Account, facts: &mut Facts<'_>, terminal: &Terminal, now: Timestamp) {
    facts.title("OpenRouter account");
    let how = format!("set OPENROUTER_MANAGEMENT_KEY to one of {MANAGEMENT_KEYS_PAGE}");
    match account {
        Account::Told { credits, last_week } => {
            let left = credits.left();
            let text = left.for_people();
            let text = if left <= Nano::ZERO { terminal.red(&text) } else { terminal.bold(&text) };
            let (bought, used) = (credits.bought.for_people(), credits.used.for_people());
            facts.fact("credits", &format!("{text} left (bought {bought}, used {used})"));
            let runway = last_week.and_then(|spent| Runway::of_credits(spent, left));
            facts.maybe("pace", runway.map(|runway| pace_line(&runway, now)));
        }
        Account::NoManagementKey => {
            facts.fact("credits", &format!("only a management key may see them: {how}"));
        }
        Account::Zeros { from } => facts.fact(
            "credits",
            &format!(
                "not known. OpenRouter answers zeros to an ordinary key, as that in {from} is, whatever the account has; {how}"
            ),
        ),
        Account::Ordinary { from } => facts.fact(
            "credits",
            &format!(
                "not known. The key in {from} is an ordinary one, and what OpenRouter tells it is not to be relied on; {how}"
            ),
        ),
        Account::NotTold => facts.fact("credits", "could not be asked"),
    }
    facts.fact("auto top-up", &format!("is set at {CREDITS_PAGE}; the API does not tell whether it is on"));
}

fn books_facts(held: &Held, facts: &mut Facts<'_>) {
    facts.title("In these books");
    let calls = |count: usize| if count == 1 { "1 call".to_owned() } else { format!("{count} calls") };
    facts.fact("held", &format!("{} by {} running", held.running.for_people(), calls(held.running_count)));
    if held.unknown_count > 0 {
        let text = format!(
            "{} by {} whose cost is not known yet",
            held.unknown.for_people(),
            calls(held.unknown_count)
        );
        facts.fact("unknown", &text);
    }
}

/// An amount, or that it is not told.
fn told(amount: Option<Nano>) -> String {
    amount.map_or("an amount not told".to_owned(), Nano::for_people)
}
