//! What moved in the prices, as lines for people and as JSON: shared by `models history`, `watch` and `refresh`.

use jiff::Timestamp;
use money::Rate;
use openrouter::catalogue::{Against, Entry, Happened, Moved, SNAPSHOT_DATE};
use pricing::PriceKey;
use serde_json::{Value, json};

use super::row;
use crate::amount::grouped;
use crate::table::printable_to;
use crate::terminal::Terminal;

/// A price of images from which it is one of whole images (CONTRACT 8.2: 0.0048 an image, 0.0000003 a token).
const WHOLE_IMAGE: Rate = Rate::from_femtos(100_000_000_000);
/// Rows that came or went at the first look after the snapshot are told as a number beyond this.
const FIRST_LOOK_MAX: usize = 3;

/// Each change as a block: when and which model, then a line for each fact that moved.
pub(super) fn render(entries: &[&Entry], terminal: &Terminal) -> String {
    let mut text = String::new();
    let mut at = 0;
    while let Some(entry) = entries.get(at) {
        let alike = entries[at..].iter().take_while(|other| is_alike(entry, other)).count();
        if is_first_look(entry) && alike > FIRST_LOOK_MAX {
            text += &first_look(entry, alike, terminal);
            at += alike;
        } else {
            text += &block(entry, terminal);
            at += 1;
        }
    }
    text
}

fn is_first_look(entry: &Entry) -> bool {
    entry.against == Against::Snapshot && matches!(entry.change, Happened::Added | Happened::Removed)
}

fn is_alike(one: &Entry, other: &Entry) -> bool {
    (one.at, one.against, one.change) == (other.at, other.against, other.change)
}

fn first_look(entry: &Entry, count: usize, terminal: &Terminal) -> String {
    let what = match entry.change {
        Happened::Added => format!("{count} models that the rows built in ({SNAPSHOT_DATE}) do not have"),
        _ => format!("{count} models of the rows built in ({SNAPSHOT_DATE}) are not listed"),
    };
    format!("{}  {what}\n", terminal.dim(&minute(entry.at)))
}

fn block(entry: &Entry, terminal: &Terminal) -> String {
    let against = match entry.against {
        Against::Snapshot => format!(" {} against the rows built in, of {SNAPSHOT_DATE}", terminal.dot()),
        Against::Before => String::new(),
    };
    let what = match entry.change {
        Happened::Added => " is new",
        Happened::Removed => " is gone",
        Happened::Changed | Happened::Began => "",
    };
    let name = terminal.bold(&printable_to(&entry.model, 80));
    let mut text = format!("{}  {name}{what}{}\n", terminal.dim(&minute(entry.at)), terminal.dim(&against));
    let mut moves: Vec<&Moved> = entry.moves.iter().collect();
    moves.sort_by_key(|moved| (&moved.endpoint, &moved.when, order(moved)));
    let told: Vec<[String; 2]> = moves.into_iter().map(|moved| line(moved, entry.change)).collect();
    let width = told.iter().map(|[what, _]| what.chars().count()).max().unwrap_or(0);
    for [what, values] in told {
        text += &format!("  {what:<width$}  {values}\n");
    }
    text
}

/// Prices as they are read everywhere else, `in` first; then the rest.
fn order(moved: &Moved) -> usize {
    let key = PriceKey::named(&moved.key);
    PriceKey::ALL.iter().position(|known| Some(*known) == key).unwrap_or(usize::MAX)
}

/// `prompt`, and `$2.50 -> $3.00  +20.0 %`.
fn line(moved: &Moved, change: Happened) -> [String; 2] {
    let key = PriceKey::named(&moved.key);
    let mut what = key.map_or_else(|| moved.key.replace('_', " "), |key| key.words().to_owned());
    if let Some(endpoint) = &moved.endpoint {
        what = format!("{}: {what}", printable_to(endpoint, 40));
    }
    if let Some(when) = &moved.when {
        what += &format!(", {when}");
    }
    let say = |value: &Option<String>| value.as_deref().map(|value| told(key, value));
    let values = match (change, say(&moved.old), say(&moved.new)) {
        (Happened::Changed, Some(old), Some(new)) => {
            let percent = percent(moved).map(|percent| format!("  {percent}")).unwrap_or_default();
            format!("{old} -> {new}{percent}")
        }
        (Happened::Changed, None, Some(new)) => format!("{new}, new"),
        (Happened::Changed, Some(old), None) => format!("was {old}, no longer listed"),
        (_, old, new) => new.or(old).unwrap_or_default(),
    };
    [what, values]
}

/// A price per million tokens or each; a limit with its thousands apart; anything else as it is.
fn told(key: Option<PriceKey>, value: &str) -> String {
    match (key, Rate::parse_ceil(value), value.parse::<u64>()) {
        (Some(key), Ok(rate), _) => price(key, rate),
        (None, _, Ok(number)) => grouped(number),
        _ => printable_to(value, 60),
    }
}

/// `$2.50/M`, `$0.01`.
fn price(key: PriceKey, rate: Rate) -> String {
    let by_token = key.is_by_token(rate, Rate::ZERO) || (key == PriceKey::Image && !is_whole_image(rate));
    match by_token {
        true => format!("{}/M", row::price(Some(rate))),
        false => crate::amount::rate(&rate.per_unit().to_string()),
    }
}

/// Whether a price for images is one of whole images.
pub(super) fn is_whole_image(rate: Rate) -> bool {
    rate >= WHOLE_IMAGE
}

/// By how much a price moved, to a tenth.
fn percent(moved: &Moved) -> Option<String> {
    PriceKey::named(&moved.key)?;
    let rate = |text: &Option<String>| Rate::parse_ceil(text.as_deref()?).ok().map(Rate::femtos);
    let (old, new) = (i128::from(rate(&moved.old)?), i128::from(rate(&moved.new)?));
    let tenths = ((new - old).abs() * 1_000 + old / 2).checked_div(old)?;
    let sign = if new < old { "-" } else { "+" };
    Some(format!("{sign}{}.{} %", grouped(u64::try_from(tenths / 10).ok()?), tenths % 10))
}

/// `2026-11-24 18:00`, UTC.
pub(super) fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// For machines: the line as it is kept, with the percentage. Prices are USD per unit, decimal text.
pub(super) fn json(entry: &Entry) -> Value {
    let moves: Vec<Value> = entry
        .moves
        .iter()
        .map(|moved| {
            json!({
                "endpoint": moved.endpoint,
                "key": moved.key,
                "when": moved.when,
                "old": moved.old,
                "new": moved.new,
                "percent": percent(moved).map(|text| text.trim_end_matches(" %").replace(',', "")),
            })
        })
        .collect();
    json!({
        "at": entry.at.to_string(),
        "since": entry.since.to_string(),
        "against": entry.against,
        "model": entry.model,
        "change": entry.change,
        "moves": moves,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(key: &str, old: Option<&str>, new: Option<&str>) -> Moved {
        let text = |value: Option<&str>| value.map(str::to_owned);
        Moved { endpoint: None, key: key.to_owned(), when: None, old: text(old), new: text(new) }
    }

    #[test]
    fn moves_in_words() {
        for (key, old, new, what, values) in [
            ("prompt", Some("0.0000025"), Some("0.000003"), "in", "$2.50/M -> $3.00/M  +20.0 %"),
            ("completion", Some("0.00001"), Some("0.000005"), "out", "$10.00/M -> $5.00/M  -50.0 %"),
            (
                "input_cache_write",
                Some("0.000000083333334"),
                Some("0.000000091666667"),
                "into a cache",
                "$0.083333334/M -> $0.091666667/M  +10.0 %",
            ),
            ("prompt", Some("0"), Some("0.000003"), "in", "$0.00/M -> $3.00/M"),
            ("web_search", Some("0.01"), Some("0.0101"), "a search", "$0.01 -> $0.0101  +1.0 %"),
            ("image", None, Some("0.0048"), "of images", "$0.0048, new"),
            ("image", Some("0.0000003"), None, "of images", "was $0.30/M, no longer listed"),
            ("context_length", Some("128000"), Some("1000000"), "context length", "128,000 -> 1,000,000"),
            ("service_tier", Some("standard"), Some("flex"), "service tier", "standard -> flex"),
            ("moon", None, Some("0.2\u{7}"), "moon", "0.2?, new"),
        ] {
            let told = line(&moved(key, old, new), Happened::Changed);
            assert_eq!(told, [what.to_owned(), values.to_owned()], "{key}");
        }
        let mut keys = ["moon", "completion", "input_cache_read", "prompt"];
        keys.sort_by_key(|key| order(&moved(key, None, None)));
        assert_eq!(keys, ["prompt", "completion", "input_cache_read", "moon"]);
        let endpoint = Moved {
            endpoint: Some("azure".to_owned()),
            when: Some("above 272,000 prompt tokens".to_owned()),
            ..moved("prompt", Some("0.000001"), Some("0.0000015"))
        };
        assert_eq!(line(&endpoint, Happened::Changed)[0], "azure: in, above 272,000 prompt tokens");
    }
}
