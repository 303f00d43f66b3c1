//! Windows: a function of time. Nothing ever "resets": when a window ends, the next one is another balance.

use std::borrow::Cow;

use jiff::civil::{DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Span as CivilSpan, Timestamp, ZonedDateTime};
use thiserror::Error;

use crate::rolling::Rolling;

const HOUR_MS: i64 = 3_600_000;
const MOMENT: SignedDuration = SignedDuration::from_nanos(1);

/// How long a budget's limit lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// A clock hour of the zone.
    Hour,
    /// A calendar day of the zone; 23 or 25 hours where the clocks change.
    Day,
    /// Monday to Sunday, as OpenRouter's (CONTRACT 2).
    Week,
    /// A calendar month.
    Month,
    /// For ever.
    Lifetime,
    /// The last so many hours, at any instant. One balance for ever: what is old leaves it by buckets.
    Rolling(Rolling),
}

impl WindowKind {
    const WORDS: [(&'static str, WindowKind); 5] = [
        ("hour", WindowKind::Hour),
        ("day", WindowKind::Day),
        ("week", WindowKind::Week),
        ("month", WindowKind::Month),
        ("lifetime", WindowKind::Lifetime),
    ];

    /// The words in configuration and books: `day`, `rolling 5h`.
    pub fn words(self) -> Cow<'static, str> {
        match self {
            WindowKind::Rolling(rolling) => Cow::Owned(rolling.to_string()),
            _ => Cow::Borrowed(self.calendar_word()),
        }
    }

    fn calendar_word(self) -> &'static str {
        Self::WORDS.into_iter().find(|(_, kind)| *kind == self).map_or("rolling", |(word, _)| word)
    }

    /// Reads those words.
    pub fn from_words(words: &str) -> Option<Self> {
        let calendar = Self::WORDS.into_iter().find(|(known, _)| *known == words).map(|(_, kind)| kind);
        calendar.or_else(|| Rolling::from_words(words).map(WindowKind::Rolling))
    }
}

/// Why there is no such window.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum WindowError {
    /// None of the words.
    #[error("unknown window '{0}': use hour, day, week, month, lifetime or 'rolling 5h'")]
    Kind(String),
    /// No such zone in the IANA database.
    #[error("unknown time zone '{0}': use an IANA name such as UTC or Europe/Berlin")]
    Zone(String),
}

/// A kind of window in a time zone.
#[derive(Clone, Debug)]
pub struct Window {
    kind: WindowKind,
    zone: TimeZone,
}

/// One instance of a window, half-open, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Its first instant; 0 for `lifetime` and `rolling`.
    pub starts_ms: i64,
    /// The first instant after it; `None` for `lifetime` and `rolling`.
    pub ends_ms: Option<i64>,
}

impl Span {
    const FOREVER: Span = Span { starts_ms: 0, ends_ms: None };

    /// Whether `now_ms` lies in the window.
    pub fn contains(&self, now_ms: i64) -> bool {
        now_ms >= self.starts_ms && self.ends_ms.is_none_or(|ends| now_ms < ends)
    }
}

impl Window {
    /// From the words of a configuration: a kind, and an IANA zone (`UTC` is OpenRouter's own).
    ///
    /// # Errors
    /// When either word is unknown.
    pub fn new(kind: &str, zone: &str) -> Result<Self, WindowError> {
        let kind = WindowKind::from_words(kind).ok_or_else(|| WindowError::Kind(kind.to_owned()))?;
        let zone = if zone == "UTC" {
            TimeZone::UTC
        } else {
            TimeZone::get(zone).map_err(|_| WindowError::Zone(zone.to_owned()))?
        };
        Ok(Window { kind, zone })
    }

    /// The whole of time.
    pub fn lifetime() -> Self {
        Window { kind: WindowKind::Lifetime, zone: TimeZone::UTC }
    }

    /// What kind it is.
    pub fn kind(&self) -> WindowKind {
        self.kind
    }

    /// The instance that holds `now_ms`, as instants: where the clocks change a day is 23 or 25 hours long.
    pub fn span(&self, now_ms: i64) -> Span {
        self.civil_span(now_ms).unwrap_or(Span::FOREVER)
    }

    /// `None` for `lifetime` and `rolling`, and at the ends of the calendar (year 9999), where there is no next window.
    fn civil_span(&self, now_ms: i64) -> Option<Span> {
        let now = Timestamp::from_millisecond(now_ms).ok()?.to_zoned_datetime(self.zone.clone());
        if self.kind == WindowKind::Hour {
            return hour_span(&now);
        }
        let midnight = now.date().to_datetime(jiff::civil::Time::midnight());
        let (first, length) = match self.kind {
            WindowKind::Day => (midnight, CivilSpan::new().days(1)),
            WindowKind::Week => {
                let since_monday = now.date().weekday().since(Weekday::Monday);
                (
                    midnight.checked_sub(CivilSpan::new().days(i64::from(since_monday))).ok()?,
                    CivilSpan::new().weeks(1),
                )
            }
            WindowKind::Month => (midnight.first_of_month(), CivilSpan::new().months(1)),
            WindowKind::Hour | WindowKind::Lifetime | WindowKind::Rolling(_) => return None,
        };
        let next = first.checked_add(length).ok()?;
        let (starts_ms, ends_ms) = (self.instant(first)?, self.instant(next)?);
        if now_ms < ends_ms {
            return Some(Span { starts_ms, ends_ms: Some(ends_ms) });
        }
        // The clocks went back over midnight: the window that had ended does not open again.
        let after_next = self.instant(next.checked_add(length).ok()?)?;
        Some(Span { starts_ms: ends_ms, ends_ms: Some(after_next) })
    }

    /// The first instant at which it is a civil time, or later.
    fn instant(&self, civil: DateTime) -> Option<i64> {
        let ambiguous = self.zone.to_ambiguous_timestamp(civil);
        let AmbiguousOffset::Gap { after, .. } = ambiguous.offset() else {
            return Some(ambiguous.compatible().ok()?.as_millisecond());
        };
        let change = self.zone.following(after.to_timestamp(civil).ok()?).next()?;
        Some(change.timestamp().as_millisecond())
    }
}

/// Clock hours follow elapsed time: the hour that is repeated when clocks go back is two windows, not one of 120
/// minutes. Where clocks change by other than whole hours, the change is the edge of two shorter ones.
fn hour_span(now: &ZonedDateTime) -> Option<Span> {
    let into_hour =
        i64::from(now.minute()) * 60_000 + i64::from(now.second()) * 1_000 + i64::from(now.millisecond());
    let starts_ms = now.timestamp().as_millisecond().checked_sub(into_hour)?;
    let ends_ms = starts_ms.checked_add(HOUR_MS)?;
    let (zone, at) = (now.time_zone(), now.timestamp());
    let odd = |change: &Timestamp| is_odd(zone, *change);
    let before = zone.preceding(at.checked_add(MOMENT).ok()?).map(|change| change.timestamp());
    let after = zone.following(at).map(|change| change.timestamp());
    let before = before.take_while(|change| change.as_millisecond() > starts_ms).find(odd);
    let after = after.take_while(|change| change.as_millisecond() < ends_ms).find(odd);
    Some(Span {
        starts_ms: before.map_or(starts_ms, Timestamp::as_millisecond),
        ends_ms: Some(after.map_or(ends_ms, Timestamp::as_millisecond)),
    })
}

/// Whether clocks change by other than whole hours then.
fn is_odd(zone: &TimeZone, change: Timestamp) -> bool {
    let Ok(before) = change.checked_sub(MOMENT) else { return false };
    let step_s = zone.to_offset(change).seconds() - zone.to_offset(before).seconds();
    i64::from(step_s) * 1_000 % HOUR_MS != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn windows_of_an_instant() {
        for (kind, zone, now, starts, ends) in [
            ("hour", "UTC", "2026-11-23T18:20:12.345Z", "2026-11-23T18:00:00Z", "2026-11-23T19:00:00Z"),
            ("hour", "Asia/Kolkata", "2026-11-23T18:20:00Z", "2026-11-23T17:30:00Z", "2026-11-23T18:30:00Z"),
            ("day", "UTC", "2026-11-23T18:20:12Z", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"),
            ("day", "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            (
                "day",
                "America/New_York",
                "2026-03-08T12:00:00Z",
                "2026-03-08T05:00:00Z",
                "2026-03-09T04:00:00Z",
            ),
            ("week", "UTC", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
            ("week", "UTC", "2026-11-22T23:59:59.999Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"),
            ("month", "UTC", "2028-02-29T23:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
            (
                "month",
                "Pacific/Auckland",
                "2026-11-30T11:30:00Z",
                "2026-11-30T11:00:00Z",
                "2026-12-31T11:00:00Z",
            ),
            // Midnight does not exist: Havana springs forward at 00:00.
            ("day", "America/Havana", "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        ] {
            let span = Window::new(kind, zone).unwrap().span(ms(now));
            assert_eq!(span, Span { starts_ms: ms(starts), ends_ms: Some(ms(ends)) }, "{kind} {zone} {now}");
        }
        assert_eq!(Window::lifetime().span(ms("2026-11-23T00:00:00Z")), Span::FOREVER);
        let rolling = Window::new("rolling 90m", "Europe/Berlin").unwrap();
        assert_eq!(rolling.span(ms("2026-11-23T00:00:00Z")), Span::FOREVER);
        assert_eq!(rolling.kind().words(), "rolling 90m");
        for words in ["hour", "day", "week", "month", "lifetime", "rolling 5h", "rolling 7d"] {
            assert_eq!(WindowKind::from_words(words).unwrap().words(), words);
        }
    }

    #[test]
    fn unknown_words_are_named() {
        assert_eq!(Window::new("fortnight", "UTC").unwrap_err(), WindowError::Kind("fortnight".into()));
        assert_eq!(Window::new("day", "Mars/Base").unwrap_err(), WindowError::Zone("Mars/Base".into()));
    }

    proptest! {
        #[test]
        fn windows_tile_time(
            now_ms in 0..4_102_444_800_000_i64,
            kind in prop::sample::select(vec!["hour", "day", "week", "month"]),
            zone in prop::sample::select(vec![
                "UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe",
                "Africa/Casablanca", "America/Havana", "Asia/Beirut", "Pacific/Apia", "America/Sao_Paulo", "Asia/Tehran",
            ]),
        ) {
            let window = Window::new(kind, zone).unwrap();
            let span = window.span(now_ms);
            let ends = span.ends_ms.unwrap();
            prop_assert!(span.contains(now_ms));
            prop_assert_eq!(window.span(span.starts_ms), span);
            prop_assert_eq!(window.span(ends - 1), span);
            prop_assert_eq!(window.span(ends).starts_ms, ends, "no gap and no overlap");
        }
    }
}
