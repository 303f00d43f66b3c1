//! [`Schedule`]: at which times of the day and week a price holds (CONTRACT 8.2, read 2026-10-02).

use std::fmt;

/// Minutes of a day.
const DAY_MIN: u16 = 24 * 60;
const MINUTE_MS: i64 = 60_000;

/// A window of the day, UTC, on some days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// When it opens, minutes after midnight.
    start_min: u16,
    /// When it closes, minutes after midnight, exclusive. Before `start_min`: on the next day. The same: never.
    end_min: u16,
    /// The days on which it opens, bit 0 for Sunday; what lies after midnight belongs to the day before.
    days: u8,
}

/// The time in which a call may be billed, milliseconds since 1970 (UTC), both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub from_ms: i64,
    /// The last.
    pub to_ms: i64,
}

impl Schedule {
    /// Every day of the week.
    pub const ALL_DAYS: u8 = 0x7F;

    /// From `HHMM` numbers as listed, and days (bit 0 for Sunday); `None` when they are no times of day.
    pub fn new(start_hhmm: u32, end_hhmm: u32, days: u8) -> Option<Schedule> {
        let minutes = |hhmm: u32| {
            let (hours, minutes) = (hhmm / 100, hhmm % 100);
            let valid = (hours < 24 && minutes < 60) || hhmm == 2400;
            valid.then(|| u16::try_from(hours * 60 + minutes).unwrap_or(DAY_MIN))
        };
        Some(Schedule { start_min: minutes(start_hhmm)?, end_min: minutes(end_hhmm)?, days })
    }

    /// The whole of some days.
    pub const fn on(days: u8) -> Schedule {
        Schedule { start_min: 0, end_min: DAY_MIN, days }
    }

    /// Whether it is open at some time of the span.
    pub fn meets(self, span: Span) -> bool {
        let day_ms = i64::from(DAY_MIN) * MINUTE_MS;
        let (first, last) = (span.from_ms.div_euclid(day_ms), span.to_ms.div_euclid(day_ms));
        // A window opened on the day before may still be open; every weekday has come after seven days.
        let last = last.min(first.saturating_add(8));
        (first - 1..=last)
            .any(|day| self.opens_on(day) && (self.window(day).meets(span) || self.morning(day).meets(span)))
    }

    /// What of a window that wraps lies before noon of the same day: nobody says whether days are those on which it
    /// opens, or those of the moment.
    fn morning(self, day: i64) -> Span {
        let end_min = if self.end_min < self.start_min { self.end_min } else { 0 };
        let from_ms = day * i64::from(DAY_MIN) * MINUTE_MS;
        Span { from_ms, to_ms: from_ms + i64::from(end_min) * MINUTE_MS - 1 }
    }

    /// 1970-01-01 was a Thursday.
    fn opens_on(self, day: i64) -> bool {
        self.days & (1 << (day + 4).rem_euclid(7)) != 0
    }

    /// The window that opens on this day; its end is exclusive, so one millisecond earlier.
    fn window(self, day: i64) -> Span {
        let at = |minutes: u16| (day * i64::from(DAY_MIN) + i64::from(minutes)) * MINUTE_MS;
        let over_midnight = if self.end_min < self.start_min { DAY_MIN } else { 0 };
        Span { from_ms: at(self.start_min), to_ms: at(self.end_min + over_midnight) - 1 }
    }
}

/// In words: `from 16:30 to 00:30 UTC`, `on Sat and Sun (UTC)`.
impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole_day = (self.start_min, self.end_min) == (0, DAY_MIN);
        let every_day = self.days & Schedule::ALL_DAYS == Schedule::ALL_DAYS;
        if self.start_min == self.end_min || self.days & Schedule::ALL_DAYS == 0 {
            return out.write_str("never");
        }
        if !whole_day {
            let clock = |minutes: u16| (minutes / 60, minutes % 60);
            let ((from_h, from_m), (to_h, to_m)) = (clock(self.start_min), clock(self.end_min));
            write!(out, "from {from_h:02}:{from_m:02} to {to_h:02}:{to_m:02} UTC")?;
        }
        match (whole_day, every_day) {
            (true, true) => out.write_str("at any time"),
            (false, true) => Ok(()),
            (true, false) => write!(out, "on {} (UTC)", day_names(self.days)),
            (false, false) => write!(out, " on {}", day_names(self.days)),
        }
    }
}

/// `Mon to Fri`, `Sat and Sun`: the week begins on Monday here.
fn day_names(days: u8) -> String {
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let open: Vec<usize> = (0..7).filter(|day| days & (1 << ((day + 1) % 7)) != 0).collect();
    let row = |pair: &[usize]| pair[1] == pair[0] + 1;
    match open.as_slice() {
        [first, .., last] if open.len() > 2 && open.windows(2).all(row) => {
            format!("{} to {}", NAMES[*first], NAMES[*last])
        }
        [others @ .., last] if !others.is_empty() => {
            let others: Vec<&str> = others.iter().map(|&day| NAMES[day]).collect();
            format!("{} and {}", others.join(", "), NAMES[*last])
        }
        only => only.iter().map(|&day| NAMES[day]).collect(),
    }
}

impl Span {
    /// Whether the two have a moment in common; an empty span has none.
    fn meets(self, other: Span) -> bool {
        self.from_ms <= self.to_ms && self.from_ms <= other.to_ms && other.from_ms <= self.to_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 60 * MINUTE_MS;
    const THURSDAY: u8 = 1 << 4;

    #[test]
    fn windows_are_half_open_and_may_wrap() {
        let at = |schedule: Schedule, minute: i64| {
            schedule.meets(Span { from_ms: minute * MINUTE_MS, to_ms: minute * MINUTE_MS })
        };
        let night = Schedule::new(1630, 30, Schedule::ALL_DAYS).unwrap();
        for (minute, open) in [(989, false), (990, true), (1439, true), (0, true), (29, true), (30, false)] {
            assert_eq!(at(night, minute), open, "{minute}");
        }
        let thursday = Schedule::new(2200, 200, THURSDAY).unwrap();
        for (minute, open) in
            [(22 * 60, true), (25 * 60, true), (26 * 60, false), (60, true), (120, false), (46 * 60, false)]
        {
            assert_eq!(at(thursday, minute), open, "{minute}");
        }
        assert!(!at(Schedule::new(100, 100, Schedule::ALL_DAYS).unwrap(), 60), "an empty window");
        assert!(at(Schedule::on(THURSDAY), 0) && !at(Schedule::on(THURSDAY), 24 * 60));
        assert!(at(Schedule::new(0, 2400, THURSDAY).unwrap(), 1439));
        for wrong in [2401, 1260, 9999] {
            assert_eq!(Schedule::new(wrong, 0, 0), None, "{wrong}");
        }
    }

    #[test]
    fn schedules_in_words() {
        const WORK: u8 = 0b0011_1110;
        for (schedule, words) in [
            (Schedule::new(1630, 30, Schedule::ALL_DAYS), "from 16:30 to 00:30 UTC"),
            (Schedule::new(0, 2400, Schedule::ALL_DAYS), "at any time"),
            (Schedule::new(900, 1700, WORK), "from 09:00 to 17:00 UTC on Mon to Fri"),
            (Some(Schedule::on(0b0100_0001)), "on Sat and Sun (UTC)"),
            (Some(Schedule::on(THURSDAY)), "on Thu (UTC)"),
            (Some(Schedule::on(0b0010_1010)), "on Mon, Wed and Fri (UTC)"),
            (Schedule::new(100, 100, Schedule::ALL_DAYS), "never"),
            (Some(Schedule::on(0)), "never"),
        ] {
            assert_eq!(schedule.unwrap().to_string(), words);
        }
    }

    #[test]
    fn a_span_meets_what_opens_within_it() {
        let noon = Schedule::new(1200, 1300, Schedule::ALL_DAYS).unwrap();
        let span = |from: i64, to: i64| Span { from_ms: from * HOUR_MS, to_ms: to * HOUR_MS };
        assert!(noon.meets(span(10, 12)) && noon.meets(span(11, 14)) && !noon.meets(span(13, 35)));
        assert!(noon.meets(span(13, 36)), "the next day's");
        assert!(Schedule::new(1200, 1300, THURSDAY).unwrap().meets(span(13, 13 + 8 * 24)), "a week later");
    }
}
