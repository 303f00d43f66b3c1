//! [`Interval`]: the windows that limits count in, UTC (CONTRACT 2): a day, a week from Monday, a calendar month.

use serde::{Deserialize, Serialize};

use crate::clock::Moment;

/// How often a limit begins anew; a limit without one is for life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interval {
    /// From midnight to midnight.
    Daily,
    /// From Monday to Sunday.
    Weekly,
    /// From the first of the month.
    Monthly,
}

impl Interval {
    /// `daily`, `weekly`, `monthly`.
    pub(crate) fn read(word: &str) -> Option<Interval> {
        [Interval::Daily, Interval::Weekly, Interval::Monthly].into_iter().find(|own| own.word() == word)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Interval::Daily => "daily",
            Interval::Weekly => "weekly",
            Interval::Monthly => "monthly",
        }
    }

    /// The first day of the window that is open, in days since 1970.
    pub(crate) fn first_day(self, now: Moment) -> u64 {
        match self {
            Interval::Daily => now.day(),
            Interval::Weekly => monday(now),
            Interval::Monthly => now.month().0,
        }
    }

    /// When the next one begins.
    pub(crate) fn resets_at(self, now: Moment) -> Moment {
        Moment::of_day(match self {
            Interval::Daily => now.day() + 1,
            Interval::Weekly => monday(now) + 7,
            Interval::Monthly => now.month().1,
        })
    }
}

/// The first day to count, of an interval or of a lifetime.
pub(crate) fn first_day(interval: Option<Interval>, now: Moment) -> u64 {
    interval.map_or(0, |interval| interval.first_day(now))
}

/// `daily limit`, `total limit`: what OpenRouter calls it in a refusal.
pub(crate) fn limit_name(interval: Option<Interval>) -> &'static str {
    match interval {
        None => "total limit",
        Some(Interval::Daily) => "daily limit",
        Some(Interval::Weekly) => "weekly limit",
        Some(Interval::Monthly) => "monthly limit",
    }
}

fn monday(now: Moment) -> u64 {
    // Before the first Monday of 1970 there is nothing to count.
    now.day().saturating_sub((u64::from(now.weekday()) + 6) % 7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::date;

    #[test]
    fn windows_turn() {
        for (now, interval, first, next) in [
            ("2026-11-23T00:00:00Z", Interval::Daily, "2026-11-23", "2026-11-24"),
            ("2026-11-23T00:00:00Z", Interval::Weekly, "2026-11-23", "2026-11-30"),
            ("2026-11-29T23:59:59Z", Interval::Weekly, "2026-11-23", "2026-11-30"),
            ("2026-11-30T00:00:00Z", Interval::Weekly, "2026-11-30", "2026-12-07"),
            ("2026-11-30T23:59:59Z", Interval::Monthly, "2026-11-01", "2026-12-01"),
            ("2026-12-01T00:00:00Z", Interval::Monthly, "2026-12-01", "2027-01-01"),
        ] {
            let moment = Moment::parse(now).expect(now);
            assert_eq!(date(interval.first_day(moment)), first, "{now} {interval:?}");
            assert_eq!(
                interval.resets_at(moment).iso(),
                format!("{next}T00:00:00.000Z"),
                "{now} {interval:?}"
            );
        }
    }
}
