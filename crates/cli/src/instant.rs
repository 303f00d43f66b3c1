//! Instants that people type and read. All in UTC, as OpenRouter's windows are.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit};
use ledger::{Span, Window};
use openrouter::account::Reset;

/// An expiry as people type it, as OpenRouter takes it: UTC with seconds (CONTRACT 4). `2027-12-31` is the last second
/// of that day, `30d` is thirty days from `now`, RFC 3339 is taken as it is.
///
/// # Errors
/// One sentence about the text.
pub(crate) fn expiry(text: &str, now: Timestamp) -> Result<String, String> {
    let at = text.parse::<Timestamp>().ok().or_else(|| last_second(text)).or_else(|| from_now(text, now));
    let at =
        at.ok_or_else(|| format!("'{text}' is not a time: write 2027-12-31, 30d or 2027-12-31T18:00:00Z"))?;
    match at > now {
        true => Ok(seconds(at)),
        false => Err(format!("'{text}' is past")),
    }
}

/// Checks the same for clap, which knows no now of ours.
///
/// # Errors
/// One sentence about the text.
pub(crate) fn expiry_argument(text: &str) -> Result<String, String> {
    expiry(text, Timestamp::now())
}

/// The beginning of a time up to now, as people type it: a length such as `30d`, a day (its first second, UTC), `today`,
/// `yesterday`, RFC 3339.
///
/// # Errors
/// One sentence about the text.
pub(crate) fn since(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let today = TimeZone::UTC.to_datetime(now).date();
    let day = match text {
        "today" => Some(today),
        "yesterday" => today.yesterday().ok(),
        _ => date(text),
    };
    let at = day.and_then(|day| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok());
    let at = at.or_else(|| text.parse().ok()).or_else(|| now.checked_sub(hours(text)?).ok());
    let at = at.ok_or_else(|| {
        format!("'{text}' is not a time: write 30d, 12h, yesterday, 2026-11-30 or 2026-11-30T18:00:00Z")
    })?;
    match at <= now {
        true => Ok(at),
        false => Err(format!("'{text}' is yet to come")),
    }
}

/// The same for clap.
///
/// # Errors
/// One sentence about the text.
pub(crate) fn since_argument(text: &str) -> Result<Timestamp, String> {
    since(text, Timestamp::now())
}

/// A wait as people type it: `90s`, `2m`, `1h`.
///
/// # Errors
/// One sentence about the text.
pub(crate) fn wait(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is not a wait: write 30s, 2m or 1h");
    let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let unit_s = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err(wrong()),
    };
    Ok(Duration::from_secs(number.saturating_mul(unit_s)))
}

/// RFC 3339 in UTC with whole seconds.
pub(crate) fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `3h 10m`, of which two parts are told; `now` for less than a minute and for what is past.
pub(crate) fn span(from: Timestamp, to: Timestamp) -> String {
    match from.until((Unit::Minute, to)).map_or(0, |span| span.get_minutes()) {
        ..1 => "now".to_owned(),
        minutes @ 1..60 => format!("{minutes}m"),
        minutes @ 60..1_440 => format!("{}h {}m", minutes / 60, minutes % 60),
        minutes => format!("{}d {}h", minutes / 1_440, minutes % 1_440 / 60),
    }
}

/// `40s ago`, `3h 10m ago`.
pub(crate) fn age(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ ..60 => format!("{seconds}s ago"),
        seconds @ 60..3_600 => format!("{}m ago", seconds / 60),
        seconds @ 3_600..86_400 => format!("{}h {}m ago", seconds / 3_600, seconds % 3_600 / 60),
        seconds => format!("{}d {}h ago", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// `in 3h 10m`, `in 40s`, or `now` for what is here or past.
pub(crate) fn until(now: Timestamp, at: Timestamp) -> String {
    match now.until(at).map_or(0, |span| span.get_seconds()) {
        ..1 => "now".to_owned(),
        seconds @ 1..60 => format!("in {seconds}s"),
        _ => format!("in {}", span(now, at)),
    }
}

/// A length that people can picture: `about 19 days`, `about 5 hours`.
pub(crate) fn about(length_ms: i64) -> String {
    const HOUR_MS: i64 = 3_600_000;
    const DAY_MS: i64 = 24 * HOUR_MS;
    let told = |count: i64, unit: &str| format!("about {count} {unit}{}", if count == 1 { "" } else { "s" });
    match length_ms {
        ..HOUR_MS => "less than an hour".to_owned(),
        length if length < 2 * DAY_MS => told(length / HOUR_MS, "hour"),
        length if length < 730 * DAY_MS => told(length / DAY_MS, "day"),
        length => told(length / (365 * DAY_MS), "year"),
    }
}

/// The window of OpenRouter's that `now` lies in: UTC days, weeks from Monday, months (CONTRACT 2). `None` for a
/// lifetime and for words we do not know.
pub(crate) fn window(reset: Option<&Reset>, now: Timestamp) -> Option<Span> {
    let kind = match reset? {
        Reset::Daily => "day",
        Reset::Weekly => "week",
        Reset::Monthly => "month",
        Reset::Other(_) => return None,
    };
    Window::new(kind, "UTC").ok().map(|window| window.span(now.as_millisecond()))
}

/// When that window ends.
pub(crate) fn resets_at(reset: Option<&Reset>, now: Timestamp) -> Option<Timestamp> {
    Timestamp::from_millisecond(window(reset, now)?.ends_ms?).ok()
}

fn last_second(text: &str) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(date(text)?.at(23, 59, 59, 0)).ok()
}

fn date(text: &str) -> Option<Date> {
    text.parse().ok().filter(|_| text.len() == "2027-12-31".len())
}

fn from_now(text: &str, now: Timestamp) -> Option<Timestamp> {
    now.checked_add(hours(text)?).ok()
}

fn hours(text: &str) -> Option<SignedDuration> {
    let (number, unit) = number_and_unit(text)?;
    let hours: i64 = match unit {
        "h" => 1,
        "d" => 24,
        "w" => 7 * 24,
        _ => return None,
    };
    let hours = i64::try_from(number).ok()?.checked_mul(hours).filter(|hours| *hours < 1 << 24)?;
    Some(SignedDuration::from_hours(hours))
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T08:40:30.5Z".parse().unwrap()
    }

    #[test]
    fn expiries_are_utc_with_seconds() {
        for (text, at) in [
            ("2027-12-31", "2027-12-31T23:59:59Z"),
            ("2026-11-24", "2026-11-24T23:59:59Z"),
            ("2027-12-31T18:00:00Z", "2027-12-31T18:00:00Z"),
            ("2027-12-31T18:00:00+02:00", "2027-12-31T16:00:00Z"),
            ("2027-12-31T18:00:00.75Z", "2027-12-31T18:00:00Z"),
            ("30d", "2026-12-24T08:40:30Z"),
            ("2w", "2026-12-08T08:40:30Z"),
            ("1h", "2026-11-24T09:40:30Z"),
        ] {
            assert_eq!(expiry(text, now()).as_deref(), Ok(at), "{text}");
        }
        for text in
            ["", "soon", "30", "d", "-1d", "30x", "2027-13-01", "2027-12-31T18:00", "99999999999999999999d"]
        {
            assert!(expiry(text, now()).unwrap_err().contains("is not a time"), "{text}");
        }
        for text in ["2026-11-23", "0d", "2020-01-01T00:00:00Z"] {
            assert!(expiry(text, now()).unwrap_err().contains("is past"), "{text}");
        }
    }

    #[test]
    fn beginnings_are_days_or_lengths() {
        for (text, at) in [
            ("today", "2026-11-24T00:00:00Z"),
            ("yesterday", "2026-11-23T00:00:00Z"),
            ("2026-11-20", "2026-11-20T00:00:00Z"),
            ("2026-11-24T08:00:00+02:00", "2026-11-24T06:00:00Z"),
            ("12h", "2026-11-23T20:40:30.5Z"),
            ("2w", "2026-11-10T08:40:30.5Z"),
            ("0d", "2026-11-24T08:40:30.5Z"),
        ] {
            assert_eq!(since(text, now()), Ok(at.parse().unwrap()), "{text}");
        }
        for text in ["", "d", "30", "-1d", "1y", "lately", "2026-13-01", "99999999999999999999d"] {
            assert!(since(text, now()).unwrap_err().contains("is not a time"), "{text}");
        }
        assert!(since("2026-11-25", now()).unwrap_err().contains("yet to come"));
    }

    #[test]
    fn lengths() {
        let to = |text: &str| until(now(), text.parse().unwrap());
        assert_eq!(to("2026-11-24T08:41:30Z"), "in 59s");
        assert_eq!(to("2026-11-24T08:40:30Z"), "now");
        assert_eq!(to("2026-11-24T09:00:00Z"), "in 19m");
        assert_eq!(to("2026-11-25T00:00:00Z"), "in 15h 19m");
        assert_eq!(to("2026-12-01T00:00:00Z"), "in 6d 15h");
        assert_eq!(to("2026-01-01T00:00:00Z"), "now");
        for (hours, text) in
            [(0, "less than an hour"), (1, "about 1 hour"), (47, "about 47 hours"), (470, "about 19 days")]
        {
            assert_eq!(about(hours * 3_600_000), text);
        }
        assert_eq!(about(i64::MAX), "about 292471208 years");
        assert_eq!(wait("2m"), Ok(Duration::from_secs(120)));
        assert!(wait("2").is_err() && wait("2d").is_err() && wait("m").is_err());
    }

    #[test]
    fn windows_are_openrouters() {
        let ends = |reset| resets_at(Some(&reset), now()).map(|at| at.to_string());
        assert_eq!(ends(Reset::Daily).as_deref(), Some("2026-11-25T00:00:00Z"));
        assert_eq!(ends(Reset::Weekly).as_deref(), Some("2026-11-30T00:00:00Z"), "a Monday");
        assert_eq!(ends(Reset::Monthly).as_deref(), Some("2026-12-01T00:00:00Z"));
        assert_eq!(ends(Reset::Other("hourly".into())), None);
        assert_eq!(resets_at(None, now()), None);
    }
}
