//! The wall clock, and UTC without a library.

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const DAY_MS: u64 = 86_400_000;

/// A point in time, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    pub(crate) fn now() -> Moment {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment(since.as_millis() as u64)
    }

    /// Midnight of a day, counted from 1970.
    pub(crate) fn of_day(day: u64) -> Moment {
        Moment(day * DAY_MS)
    }

    /// `2027-12-31T23:59:59Z`, a fraction of the second allowed; seconds and `Z` are not optional.
    pub(crate) fn parse(text: &str) -> Option<Moment> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let (clock, fraction) =
            time.split_once('.').map_or((time, None), |(clock, rest)| (clock, Some(rest)));
        let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let ms = match fraction {
            None => 0,
            Some(digits) if (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) => {
                format!("{digits:0<3}")[..3].parse().ok()?
            }
            Some(_) => return None,
        };
        let seconds = hour * 3600 + minute * 60 + second;
        Some(Moment(parse_day(date)? * DAY_MS + seconds * 1000 + ms))
    }

    /// Days since 1970.
    pub(crate) fn day(self) -> u64 {
        self.0 / DAY_MS
    }

    /// The first day of its month, and that of the next, in days since 1970.
    pub(crate) fn month(self) -> (u64, u64) {
        let (year, month, day) = civil(self.day());
        let first = self.day() + 1 - day;
        let next = if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) };
        (first, next)
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

    /// `2026-11-23T10:00:01Z`.
    pub(crate) fn iso_seconds(self) -> String {
        let iso = self.iso();
        format!("{}Z", &iso[..iso.len() - 5])
    }

    /// This clock put forward, or back.
    pub(crate) fn moved(self, ms: i64) -> Moment {
        Moment(self.0.saturating_add_signed(ms))
    }

    /// `2026-11-23T10:00:01.123Z`.
    pub(crate) fn iso(self) -> String {
        let (year, month, day) = civil(self.seconds() / 86_400);
        let second = self.seconds() % 86_400;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", self.0 % 1000)
    }
}

/// The days since 1970 on which the week of a moment began, a Sunday, and its month.
pub(crate) fn days_of_week_and_month(at: Moment) -> (u64, u64) {
    (at.day().saturating_sub(u64::from(at.weekday())), at.month().0)
}

/// `2026-11-23` of a count of days since 1970.
pub(crate) fn date(day: u64) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Days since 1970 of `2026-11-23`; `None` before 1970, or when there is no such day.
pub(crate) fn parse_day(text: &str) -> Option<u64> {
    let [year, month, day] = numbers(text, '-', [4, 2, 2])?;
    let known = year >= 1970 && (1..=12).contains(&month) && (1..=31).contains(&day);
    let count = known.then(|| days(year, month, day))?;
    (civil(count) == (year, month, day)).then_some(count)
}

/// Three numbers of so many digits.
fn numbers(text: &str, between: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(between);
    let mut out = [0; 3];
    for (value, width) in out.iter_mut().zip(digits) {
        let part =
            parts.next().filter(|part| part.len() == width && part.bytes().all(|b| b.is_ascii_digit()))?;
        *value = part.parse().ok()?;
    }
    parts.next().is_none().then_some(out)
}

/// Days since 1970, the other way round.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
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
    fn texts_are_read() {
        assert_eq!(Moment::parse("2026-11-23T10:00:01.123Z"), Some(Moment(1_795_428_001_123)));
        assert_eq!(Moment::parse("2026-11-23T10:00:01Z"), Some(Moment(1_795_428_001_000)));
        assert_eq!(Moment::parse("2000-02-29T00:00:00.5Z"), Some(Moment(951_782_400_500)));
        for bad in [
            "2027-12-31T23:59Z",
            "2027-12-31T23:59:59",
            "2027-12-31T23:59:59+01:00",
            "2027-02-29T00:00:00Z",
            "2027-13-01T00:00:00Z",
            "1969-12-31T00:00:00Z",
            "2027-12-31T24:00:00Z",
            "2027-12-31T00:00:00.Z",
            "2027-1-01T00:00:00Z",
            "",
        ] {
            assert_eq!(Moment::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn days_and_months() {
        for day in (0..60_000).step_by(13) {
            assert_eq!(parse_day(&date(day)), Some(day));
        }
        let month = |text: &str| {
            let (first, next) = Moment::parse(text).expect(text).month();
            (date(first), date(next))
        };
        assert_eq!(month("2026-11-23T10:00:00Z"), ("2026-11-01".to_owned(), "2026-12-01".to_owned()));
        assert_eq!(month("2026-12-31T23:59:59Z"), ("2026-12-01".to_owned(), "2027-01-01".to_owned()));
        assert_eq!(month("2028-02-01T00:00:00Z"), ("2028-02-01".to_owned(), "2028-03-01".to_owned()));
    }

    #[test]
    fn dates() {
        assert_eq!(Moment(0).iso(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Moment(951_782_400_000).iso(), "2000-02-29T00:00:00.000Z");
        let moment = Moment(1_795_428_001_123);
        assert_eq!(moment.iso(), "2026-11-23T10:00:01.123Z");
        assert_eq!((moment.hhmm(), moment.weekday()), (1000, 1));
    }
}
