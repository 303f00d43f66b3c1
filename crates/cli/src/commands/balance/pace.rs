//! How long what is left lasts, at the pace of late.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ledger::Span;
use money::Nano;
use openrouter::account::{ActivityRow, KeyInfo};

use crate::instant;

pub(crate) const DAY_MS: i64 = 86_400_000;
/// Less of a window than this says nothing about a pace.
const LEAST_MS: i64 = 3_600_000;

/// What was spent on the seven completed UTC days before `now`; `None` where a row does not say how much.
pub(crate) fn last_week(rows: &[ActivityRow], now: Timestamp) -> Option<Nano> {
    let day = |days: i64| {
        let at = now.checked_sub(SignedDuration::from_hours(24 * days)).ok()?;
        Some(at.to_zoned_datetime(TimeZone::UTC).date().to_string())
    };
    let (first, last) = (day(7)?, day(1)?);
    let in_it = |row: &&ActivityRow| {
        let date = row.date.get(..10).unwrap_or(&row.date);
        first.as_str() <= date && date <= last.as_str()
    };
    rows.iter().filter(in_it).try_fold(Nano::ZERO, |sum, row| sum.checked_add(row.usage?))
}

/// A pace, what is left, and how long it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Runway {
    /// What the pace was measured over, in words.
    pub(crate) over: &'static str,
    /// How long it lasts, milliseconds.
    pub(crate) lasts_ms: i64,
    /// Whether the window ends before that, so that it lasts.
    pub(crate) outlasts_window: bool,
}

impl Runway {
    /// Of the account's credits, at the pace of the last seven completed days.
    pub(crate) fn of_credits(spent: Nano, left: Nano) -> Option<Runway> {
        let lasts_ms = ledger::runway(spent, 7 * DAY_MS, left)?;
        Some(Runway { over: "the last 7 days", lasts_ms, outlasts_window: false })
    }

    /// Of the key's own limit: at the pace of its window, or of the month for a limit without one.
    pub(crate) fn of_key(key: &KeyInfo, now: Timestamp) -> Option<Runway> {
        let left = key.limit_remaining?;
        let now_ms = now.as_millisecond();
        match instant::window(key.limit_reset.as_ref(), now) {
            Some(Span { starts_ms, ends_ms }) => {
                let elapsed_ms = now_ms - starts_ms;
                let lasts_ms = runway(key.window_spent()?, elapsed_ms, left)?;
                let outlasts_window = ends_ms.is_some_and(|ends| now_ms.saturating_add(lasts_ms) >= ends);
                Some(Runway { over: "this window", lasts_ms, outlasts_window })
            }
            None => {
                let month = instant::window(Some(&openrouter::account::Reset::Monthly), now)?;
                let lasts_ms = runway(key.usage_monthly?, now_ms - month.starts_ms, left)?;
                Some(Runway { over: "this month", lasts_ms, outlasts_window: false })
            }
        }
    }

    /// When it ends.
    pub(crate) fn ends_at(&self, now: Timestamp) -> Option<Timestamp> {
        now.checked_add(SignedDuration::from_millis(self.lasts_ms)).ok()
    }
}

fn runway(spent: Nano, over_ms: i64, left: Nano) -> Option<i64> {
    if left <= Nano::ZERO {
        return Some(0);
    }
    (over_ms >= LEAST_MS).then(|| ledger::runway(spent, over_ms, left)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn key(json: &str) -> KeyInfo {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn keys() {
        let of = |json| Runway::of_key(&key(json), now());
        let half_gone = of(r#"{"limit":10,"limit_remaining":2.5,"limit_reset":"daily"}"#).unwrap();
        assert_eq!((half_gone.lasts_ms, half_gone.outlasts_window), (4 * 3_600_000, false));
        let slow = of(r#"{"limit":10,"limit_remaining":9,"limit_reset":"daily"}"#).unwrap();
        assert!(slow.outlasts_window, "nine times as long as the half day that is left");
        let lifetime = of(r#"{"limit":10,"limit_remaining":5,"usage_monthly":2.35}"#).unwrap();
        assert_eq!((lifetime.over, lifetime.lasts_ms / DAY_MS), ("this month", 50));
        for json in [
            r#"{"limit":null}"#,
            r#"{"limit":10,"limit_remaining":10,"limit_reset":"daily"}"#,
            r#"{"limit":10,"limit_remaining":5,"limit_reset":"hourly"}"#,
            r#"{"limit":10,"limit_remaining":5}"#,
        ] {
            assert_eq!(of(json), None, "{json}");
        }
        let early = "2026-11-24T00:30:00Z".parse().unwrap();
        let spent = key(r#"{"limit":10,"limit_remaining":5,"limit_reset":"daily"}"#);
        assert_eq!(Runway::of_key(&spent, early), None, "half an hour is no pace");
        let gone = key(r#"{"limit":10,"limit_remaining":-1,"limit_reset":"daily"}"#);
        assert_eq!(Runway::of_key(&gone, early).map(|runway| runway.lasts_ms), Some(0));
    }

    #[test]
    fn seven_completed_days() {
        let row = |date: &str, usage: &str| {
            serde_json::from_str::<ActivityRow>(&format!(r#"{{"date":"{date}","usage":{usage}}}"#)).unwrap()
        };
        let rows = [
            row("2026-11-16", "100"),
            row("2026-11-17", "1"),
            row("2026-11-20", "0.5"),
            row("2026-11-20 00:00:00", "0.25"),
            row("2026-11-23", "2"),
            row("2026-11-24", "100"),
        ];
        assert_eq!(last_week(&rows, now()), Some(Nano::from_cents(375)));
        assert_eq!(last_week(&[row("2026-11-20", "null")], now()), None, "unknown is never zero");
        assert_eq!(last_week(&[], now()), Some(Nano::ZERO));
        let lasts = Runway::of_credits(Nano::from_cents(700), Nano::from_cents(1_900)).unwrap();
        assert_eq!(instant::about(lasts.lasts_ms), "about 19 days");
    }
}
