//! A key in JSON, in a table, and as facts.

use jiff::Timestamp;
use money::Nano;
use openrouter::account::Key;
use serde::Serialize;

use super::terms::limit_words;
use crate::facts::Facts;
use crate::instant;
use crate::listing::{self, Column, Shown, left, right};
use crate::table::{Look, printable};
use crate::terminal::Terminal;

/// Digits of a hash that are shown in tables; enough to tell keys apart, and to address one.
const HASH_SHOWN: usize = 12;

/// One key in `--json`. Money is decimal text, USD; `null` where OpenRouter does not say, or there is none.
#[derive(Debug, Serialize)]
pub(crate) struct KeyRow {
    hash: String,
    name: String,
    label: Option<String>,
    disabled: Option<bool>,
    limit_usd: Option<String>,
    limit_remaining_usd: Option<String>,
    window_spent_usd: Option<String>,
    limit_reset: Option<String>,
    resets_at: Option<String>,
    include_byok_in_limit: Option<bool>,
    usage_usd: Option<String>,
    usage_daily_usd: Option<String>,
    usage_weekly_usd: Option<String>,
    usage_monthly_usd: Option<String>,
    byok_usage_usd: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
    last_used_at: Option<String>,
    expires_at: Option<String>,
    workspace_id: Option<String>,
}

impl KeyRow {
    /// As of `now`.
    pub(crate) fn new(key: &Key, now: Timestamp) -> Self {
        let usd = |amount: Option<Nano>| amount.map(|amount| amount.to_string());
        let resets_at = key.limit.and_then(|_| instant::resets_at(key.limit_reset.as_ref(), now));
        KeyRow {
            hash: key.hash.clone(),
            name: key.name.clone(),
            label: key.label.clone(),
            disabled: key.disabled,
            limit_usd: usd(key.limit),
            limit_remaining_usd: usd(key.limit_remaining),
            window_spent_usd: usd(key.window_spent()),
            limit_reset: key.limit_reset.as_ref().map(ToString::to_string),
            resets_at: resets_at.map(|at| at.to_string()),
            include_byok_in_limit: key.include_byok_in_limit,
            usage_usd: usd(key.usage),
            usage_daily_usd: usd(key.usage_daily),
            usage_weekly_usd: usd(key.usage_weekly),
            usage_monthly_usd: usd(key.usage_monthly),
            byok_usage_usd: usd(key.byok_usage),
            created_at: key.created_at.clone(),
            updated_at: key.updated_at.clone(),
            last_used_at: key.last_used_at.clone(),
            expires_at: key.expires_at.clone(),
            workspace_id: key.workspace_id.clone(),
        }
    }
}

const COLUMNS: [Column; 9] = [
    left("NAME", 0),
    left("KEY", 5),
    right("LIMIT", 2),
    right("SPENT", 3),
    right("LEFT", 0),
    right("USED EVER", 6),
    left("STATE", 1),
    left("ENDS", 7),
    left("HASH", 4),
];

/// Keys as a table.
pub(crate) fn table(keys: &[Key], terminal: &Terminal, now: Timestamp) -> String {
    if keys.is_empty() {
        return "there are no such keys\n".to_owned();
    }
    let rows: Vec<Vec<Shown>> = keys
        .iter()
        .map(|key| {
            vec![
                printable(&key.name).into(),
                printable(key.label.as_deref().unwrap_or("")).into(),
                limit(key).into(),
                key.limit.map_or(String::new(), |_| people(key.window_spent())).into(),
                left_over(key),
                people(key.usage).into(),
                state(key, now),
                key.expires_at.as_deref().map_or("never".to_owned(), |at| ends(at, now)).into(),
                short(&key.hash).into(),
            ]
        })
        .collect();
    listing::render(&COLUMNS, &rows, terminal)
}

/// One key as facts.
pub(crate) fn facts(key: &Key, terminal: &Terminal, now: Timestamp) -> String {
    let mut facts = Facts::new(terminal, 9);
    facts.title(&printable(&key.name));
    facts.maybe("key", key.label.as_deref().map(printable));
    facts.fact("hash", &key.hash);
    facts.fact("state", &state(key, now).painted(terminal));
    facts.fact("limit", &limit_line(key, now));
    if key.limit.is_some() {
        facts.fact("spent", &format!("{} of the limit", people(key.window_spent())));
        facts.fact("left", &left_over(key).painted(terminal));
    }
    facts.fact("used", &used_line(key));
    if key.include_byok_in_limit == Some(true) {
        facts.fact("BYOK", "spend with own keys at providers counts towards the limit");
    }
    facts.fact("ends", &key.expires_at.as_deref().map_or("never".to_owned(), |at| ends(at, now)));
    facts.maybe("last used", key.last_used_at.as_deref().map(printable));
    facts.maybe("made", key.created_at.as_deref().map(printable));
    facts.maybe("workspace", key.workspace_id.as_deref().map(printable));
    facts.text()
}

/// The beginning of a hash.
pub(crate) fn short(hash: &str) -> &str {
    hash.get(..HASH_SHOWN).unwrap_or(hash)
}

/// A key in a sentence: its name and the beginning of its hash.
pub(crate) fn named(key: &Key) -> String {
    format!("'{}' ({})", printable(&key.name), short(&key.hash))
}

fn limit(key: &Key) -> String {
    let word = key.limit_reset.as_ref().map_or("lifetime", |reset| match reset.word() {
        "daily" => "day",
        "weekly" => "week",
        "monthly" => "month",
        other => other,
    });
    key.limit.map_or("none".to_owned(), |limit| format!("{}/{}", limit.for_people(), printable(word)))
}

fn limit_line(key: &Key, now: Timestamp) -> String {
    let words = limit_words(key.limit, key.limit_reset.as_ref());
    match key.limit.and_then(|_| instant::resets_at(key.limit_reset.as_ref(), now)) {
        Some(at) => format!("{words}; begins anew {}, at {at}", instant::until(now, at)),
        None => words,
    }
}

fn used_line(key: &Key) -> String {
    format!(
        "{} since it was made; {} today, {} this week, {} this month",
        people(key.usage),
        people(key.usage_daily),
        people(key.usage_weekly),
        people(key.usage_monthly)
    )
}

fn left_over(key: &Key) -> Shown {
    match key.limit_remaining {
        None => "".into(),
        Some(left) if left <= Nano::ZERO => Shown(left.for_people(), Look::Alarm),
        Some(left) => left.for_people().into(),
    }
}

fn state(key: &Key, now: Timestamp) -> Shown {
    let ended = || key.expires_at.as_ref()?.parse::<Timestamp>().ok().filter(|at| *at <= now);
    match key.disabled {
        Some(true) => Shown("disabled".to_owned(), Look::Warn),
        _ if ended().is_some() => Shown("ended".to_owned(), Look::Warn),
        _ if key.limit.is_some() && key.limit_remaining.is_some_and(|left| left <= Nano::ZERO) => {
            Shown("used up".to_owned(), Look::Alarm)
        }
        _ => "on".into(),
    }
}

/// `2027-12-31 (in 401d 15h)`.
fn ends(at: &str, now: Timestamp) -> String {
    match at.parse::<Timestamp>() {
        Ok(at) if at > now => format!("{} ({})", at.strftime("%Y-%m-%d"), instant::until(now, at)),
        Ok(at) => format!("{} (past)", at.strftime("%Y-%m-%d")),
        Err(_) => printable(at),
    }
}

/// An amount, or that it is not told.
fn people(amount: Option<Nano>) -> String {
    amount.map_or("?".to_owned(), Nano::for_people)
}
