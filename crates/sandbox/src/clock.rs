//! The wall clock, and UTC without a library.

use std::time::{SystemTime, UNIX_EPOCH};

/// A point in time, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    pub(crate) fn now() -> Moment {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment(since.as_millis() as u64)
    }

    pub(crate) fn seconds(self) -> u64 {
        self.0 / 1000
    }

    pub(crate) fn after_ms(self, ms: u64) -> Moment {
        Moment(self.0.saturating_add(ms))
    }

    /// The UTC time of day as `HHMM`, 1630 for half past four in the afternoon.
    pub(crate) fn hhmm(self) -> u32 {
        let minutes = (self.seconds() / 60 % 1440) as u32;
        minutes / 60 * 100 + minutes % 60
    }

    /// The UTC day of the week, 0 for Sunday.
    pub(crate) fn weekday(self) -> u8 {
        ((self.seconds() / 86_400 + 4) % 7) as u8
    }

    /// `2026-11-23T10:00:01.123Z`.
    pub(crate) fn iso(self) -> String {
        let (year, month, day) = civil(self.seconds() / 86_400);
        let second = self.seconds() % 86_400;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", self.0 % 1000)
    }
}

/// Year, month and day of a count of days since 1970 (Howard Hinnant's algorithm).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(Moment(0).iso(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Moment(951_782_400_000).iso(), "2000-02-29T00:00:00.000Z");
        let moment = Moment(1_795_428_001_123);
        assert_eq!(moment.iso(), "2026-11-23T10:00:01.123Z");
        assert_eq!((moment.hhmm(), moment.weekday()), (1000, 1));
    }
}
