//! Which window an instant lies in, as a person with a calendar would say: by the civil date there and then.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Zones, looked up once.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    zones: HashMap<&'static str, TimeZone>,
}

impl Calendar {
    /// A number that two instants share if and only if they are in the same window.
    pub(super) fn label(&mut self, window: &str, zone: &'static str, at_ms: i64) -> i64 {
        if !matches!(window, "hour" | "day" | "week" | "month") {
            return 0;
        }
        let zone = self.zones.entry(zone).or_insert_with(|| TimeZone::get(zone).expect("a zone of the list"));
        let at = Timestamp::from_millisecond(at_ms).expect("an instant of this century");
        let offset_ms = i64::from(zone.to_offset(at).seconds()) * 1_000;
        let local_ms = at_ms + offset_ms;
        let day = local_ms.div_euclid(86_400_000);
        match window {
            "hour" => at_ms - local_ms.rem_euclid(3_600_000),
            "day" => day,
            // The first of January 1970 was a Thursday.
            "week" => (day + 3).div_euclid(7),
            _ => {
                let date = at.to_zoned_datetime(zone.clone()).date();
                i64::from(date.year()) * 12 + i64::from(date.month())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        let mut calendar = Calendar::default();
        let ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let (before, after) = (ms("2026-10-25T00:59:59Z"), ms("2026-10-25T01:00:00Z"));
        let mut same = |window: &str| {
            calendar.label(window, "Europe/Berlin", before) == calendar.label(window, "Europe/Berlin", after)
        };
        assert!(same("day") && same("week") && same("month") && same("lifetime"));
        assert!(!same("hour"), "the hour that comes twice is two");
        let (sunday, monday) = (ms("2026-10-04T23:59:59Z"), ms("2026-10-05T00:00:00Z"));
        let mut differ =
            |window: &str| calendar.label(window, "UTC", sunday) != calendar.label(window, "UTC", monday);
        assert!(differ("week") && differ("day") && !differ("month"));
    }
}
