//! Events in plain English: a title, a text, fields. Amounts are rounded for people here and exact in the data.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use money::Nano;

use crate::event::{Event, Kind, Recovery};
use crate::level::Subject;

/// Callers choose label values and keys have names: no message grows without end.
const NAME_CHARS_MAX: usize = 80;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// One line: `budget all: 80% of $10.00 used`.
pub fn title(event: &Event) -> String {
    let (name, limit) = (name(&event.subject), event.limit.for_people());
    let threshold = event.threshold.as_deref().unwrap_or("a threshold");
    match (event.kind, &event.subject) {
        (Kind::Test, _) => "farebox: a test message".to_owned(),
        (Kind::Low, _) => format!("{name}: less than {threshold} left"),
        (Kind::Runway, _) => "OpenRouter credits run out soon".to_owned(),
        (Kind::Threshold, _) => format!("{name}: {threshold} of {limit} used"),
        (Kind::Exhausted, _) => format!("{name}: {limit} used up"),
        (Kind::ForecastOver, _) => format!("{name}: {limit} will not last"),
        (Kind::Resolved, _) => format!("{name}: {} is over", announced(event)),
    }
}

/// A few sentences: how it stands, when it ends.
pub fn text(event: &Event) -> String {
    if event.kind == Kind::Test {
        return "Somebody ran farebox alerts test. If you can read this, alerts arrive here.".to_owned();
    }
    let mut sentences = Vec::with_capacity(5);
    if let Some(resolves) = &event.resolves {
        sentences.push(recovery(event, resolves.why));
    }
    sentences.push(match event.subject {
        Subject::Credits => format!("{} left.", event.left.for_people()),
        _ => format!(
            "{} of {} used {}, {} left.",
            event.used.for_people(),
            event.limit.for_people(),
            within(&event.window),
            event.left.for_people()
        ),
    });
    if event.refused > 0 {
        sentences.push(refused(event.refused));
    }
    if event.kind != Kind::Resolved {
        match event.runs_out_ms {
            Some(at_ms) if event.left > Nano::ZERO => {
                sentences.push(capitalised(&runs_out(at_ms, event.at_ms)))
            }
            _ => {}
        }
        if let Some(ends_ms) = event.ends_ms {
            sentences.push(format!("The window ends on {}.", day_and_time(ends_ms, event.at_ms)));
        }
    }
    sentences.join(" ")
}

/// Names and values for a table, without the empty ones.
pub(crate) fn fields(event: &Event) -> Vec<(&'static str, String)> {
    if event.kind == Kind::Test {
        return Vec::new();
    }
    let mut fields = vec![("Left", event.left.for_people())];
    if event.subject != Subject::Credits {
        fields.push(("Used", format!("{} of {}", event.used.for_people(), event.limit.for_people())));
        fields.push(("Window", event.window.clone()));
    }
    if let Some(ends_ms) = event.ends_ms {
        fields.push(("Ends", day_and_time(ends_ms, event.at_ms)));
    }
    if let Some(at_ms) = event.runs_out_ms.filter(|_| event.kind != Kind::Resolved && event.left > Nano::ZERO)
    {
        fields.push(("At this pace gone", day_and_time(at_ms, event.at_ms)));
    }
    if !event.also_passed.is_empty() {
        fields.push(("Also passed", event.also_passed.join(", ")));
    }
    if event.refused > 0 {
        fields.push(("Calls refused", event.refused.to_string()));
    }
    fields
}

/// `runs out on Thursday 14:00 UTC at this pace`.
pub fn runs_out(at_ms: i64, now_ms: i64) -> String {
    format!("runs out on {} at this pace.", day_and_time(at_ms, now_ms))
}

/// `about 19 days`, rounded down so that it is never more than it is.
pub fn about(length_ms: i64) -> String {
    let (number, unit) = match length_ms {
        ..MINUTE_MS => return "less than a minute".to_owned(),
        MINUTE_MS..HOUR_MS => (length_ms / MINUTE_MS, "minute"),
        HOUR_MS..DAY_MS => (length_ms / HOUR_MS, "hour"),
        _ => (length_ms / DAY_MS, "day"),
    };
    if number > 3_650 {
        return "more than ten years".to_owned();
    }
    format!("about {number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// `Thursday 14:00 UTC` within a week of `now_ms`, `2026-12-24 14:00 UTC` beyond; rounded down to the minute.
pub fn day_and_time(at_ms: i64, now_ms: i64) -> String {
    let Ok(at) = Timestamp::from_millisecond(at_ms) else { return "a day far away".to_owned() };
    let at = at.to_zoned_datetime(TimeZone::UTC);
    let near = (0..6 * DAY_MS).contains(&at_ms.saturating_sub(now_ms));
    at.strftime(if near { "%A %H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" }).to_string()
}

/// RFC 3339 in UTC.
pub(crate) fn rfc3339(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::MAX).to_string()
}

/// At most `most` characters, with a sign where something is missing.
pub(crate) fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Without control characters: names come from callers, answers from anywhere.
pub(crate) fn printable(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    clipped(text.trim().chars().map(plain).collect::<String>().as_str(), most)
}

fn name(subject: &Subject) -> String {
    let name = printable(&subject.name(), NAME_CHARS_MAX);
    match subject {
        Subject::Credits => "OpenRouter credits".to_owned(),
        Subject::Key { .. } => format!("OpenRouter key {name}"),
        Subject::Budget { .. } => format!("budget {name}"),
    }
}

fn within(window: &str) -> String {
    match (window, window.strip_prefix("rolling ")) {
        (_, Some(length)) => format!("in the last {length}"),
        ("day", _) => "today".to_owned(),
        ("hour" | "week" | "month", _) => format!("this {window}"),
        _ => "in all".to_owned(),
    }
}

fn recovery(event: &Event, why: Recovery) -> String {
    match why {
        Recovery::WindowEnded => format!("The {} ended.", event.window),
        Recovery::LimitChanged => format!("The limit is {} now.", event.limit.for_people()),
        Recovery::ToppedUp => "Credits were bought.".to_owned(),
        Recovery::Slower => "At the pace of late it lasts.".to_owned(),
    }
}

/// What it is that is over, in two or three words.
fn announced(event: &Event) -> String {
    let threshold = event.threshold.as_deref().unwrap_or_default();
    match event.resolves.as_ref().map(|resolves| resolves.kind) {
        Some(Kind::Low) => format!("the alert at {threshold}"),
        Some(Kind::ForecastOver | Kind::Runway) => "the forecast alert".to_owned(),
        _ => format!("the alert at {threshold} used"),
    }
}

fn refused(count: u64) -> String {
    match count {
        1 => "One call was refused.".to_owned(),
        count => format!("{count} calls were refused."),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        // 2026-11-24 08:15 UTC, a Tuesday.
        let now = 1_795_508_100_000;
        for (after_ms, told) in [
            (0, "Tuesday 08:15 UTC"),
            (2 * DAY_MS + 5 * HOUR_MS + 45 * MINUTE_MS, "Thursday 14:00 UTC"),
            (7 * DAY_MS, "2026-12-01 08:15 UTC"),
            (-MINUTE_MS, "2026-11-24 08:14 UTC"),
        ] {
            assert_eq!(day_and_time(now + after_ms, now), told);
        }
        assert_eq!(day_and_time(i64::MAX, now), "a day far away");
        assert_eq!(runs_out(now + HOUR_MS, now), "runs out on Tuesday 09:15 UTC at this pace.");
    }

    #[test]
    fn lengths() {
        for (length_ms, told) in [
            (0, "less than a minute"),
            (MINUTE_MS, "about 1 minute"),
            (HOUR_MS - 1, "about 59 minutes"),
            (2 * HOUR_MS, "about 2 hours"),
            (DAY_MS * 20 - 1, "about 19 days"),
            (i64::MAX, "more than ten years"),
        ] {
            assert_eq!(about(length_ms), told);
        }
    }

    #[test]
    fn long_and_rude_names() {
        assert_eq!(clipped("äbc", 3), "äbc");
        assert_eq!(clipped("äbcd", 3), "äb…");
        assert_eq!(printable(" a\u{1b}\nb ", 9), "a  b");
    }
}
