//! Calendar windows in the zones that are hardest on them: each instant lies in one, and they abut.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ledger::{Span, Window};
use proptest::prelude::*;

/// Offsets of quarters and halves, days that were skipped, clocks that change by half an hour, by two, at midnight, a
/// minute after it, in Ramadan, on either side of the equator, and never.
const ZONES: [&str; 34] = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Europe/Moscow",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Havana",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Asuncion",
    "America/Caracas",
    "America/Nuuk",
    "America/Scoresbysund",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Amman",
    "Asia/Tehran",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Australia/Eucla",
    "Australia/Adelaide",
    "Antarctica/Troll",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",
];
const KINDS: [&str; 4] = ["hour", "day", "week", "month"];
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn ms(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

/// The window of an instant, which is the window of its first and last instant, and the next begins where it ends.
fn check(window: &Window, now_ms: i64, what: &str) -> Span {
    let told = |at_ms: i64| Timestamp::from_millisecond(at_ms).unwrap();
    let span = window.span(now_ms);
    let ends_ms = span.ends_ms.unwrap();
    let place = || format!("{what} at {}: {} to {}", told(now_ms), told(span.starts_ms), told(ends_ms));
    assert!(span.contains(now_ms), "it is not in its own window: {}", place());
    assert_eq!(window.span(span.starts_ms), span, "{}", place());
    assert_eq!(window.span(ends_ms - 1), span, "{}", place());
    assert_eq!(window.span(ends_ms).starts_ms, ends_ms, "{}", place());
    assert_eq!(window.span(span.starts_ms - 1).ends_ms, Some(span.starts_ms), "{}", place());
    span
}

/// The instants from 1970 to 2040 at which a zone's clocks change.
fn changes(zone: &str) -> Vec<i64> {
    let zone = TimeZone::get(zone).unwrap();
    let until = "2040-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
    let all = zone.following(Timestamp::UNIX_EPOCH).map(|change| change.timestamp());
    all.take_while(|at| *at < until).map(|at| at.as_millisecond()).collect()
}

#[test]
fn around_every_change_of_clocks() {
    for zone in ZONES {
        for kind in KINDS {
            let window = Window::new(kind, zone).unwrap();
            for change_ms in changes(zone) {
                for step in [-DAY, -HOUR, -HOUR / 2, -60_000, -1, 0, 1, 60_000, HOUR / 2, HOUR, DAY] {
                    check(&window, change_ms + step, &format!("{kind} {zone}"));
                }
            }
        }
    }
}

#[test]
fn one_after_the_other_for_two_years() {
    for zone in ZONES {
        for (kind, most_ms) in [("day", 2 * DAY), ("week", 9 * DAY), ("month", 32 * DAY)] {
            let window = Window::new(kind, zone).unwrap();
            let mut at_ms = window.span(ms("2027-12-30T12:00:00Z")).starts_ms;
            while at_ms < ms("2029-01-05T00:00:00Z") {
                let span = check(&window, at_ms, &format!("{kind} {zone}"));
                assert_eq!(span.starts_ms, at_ms, "{kind} {zone}");
                at_ms = span.ends_ms.unwrap();
                assert!((1..=most_ms).contains(&(at_ms - span.starts_ms)), "{kind} {zone}");
            }
        }
    }
}

#[test]
fn odd_days() {
    for (kind, zone, now, starts, ends) in [
        // A day that was skipped is in no window.
        ("day", "Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
        ("day", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
        ("month", "Pacific/Apia", "2011-12-30T12:00:00Z", "2011-12-01T10:00:00Z", "2011-12-31T10:00:00Z"),
        // Clocks that go back by half an hour: the hour before the change is whole, the rest is half of one.
        (
            "hour",
            "Australia/Lord_Howe",
            "2026-04-04T14:59:59Z",
            "2026-04-04T14:00:00Z",
            "2026-04-04T15:00:00Z",
        ),
        (
            "hour",
            "Australia/Lord_Howe",
            "2026-04-04T15:00:00Z",
            "2026-04-04T15:00:00Z",
            "2026-04-04T15:30:00Z",
        ),
        (
            "hour",
            "Australia/Lord_Howe",
            "2026-04-04T15:30:00Z",
            "2026-04-04T15:30:00Z",
            "2026-04-04T16:30:00Z",
        ),
        (
            "hour",
            "Australia/Lord_Howe",
            "2026-10-03T15:30:00Z",
            "2026-10-03T15:30:00Z",
            "2026-10-03T16:00:00Z",
        ),
        // Clocks that go back over midnight do not open the day before again.
        ("day", "America/St_Johns", "2010-11-07T02:30:30Z", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"),
        ("day", "America/St_Johns", "2010-11-07T03:00:00Z", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"),
        // Two hours at a time, in the south.
        ("day", "Antarctica/Troll", "2026-03-29T12:00:00Z", "2026-03-29T00:00:00Z", "2026-03-29T22:00:00Z"),
        ("day", "Africa/Casablanca", "2026-02-15T12:00:00Z", "2026-02-14T23:00:00Z", "2026-02-16T00:00:00Z"),
        (
            "month",
            "America/Sao_Paulo",
            "2028-02-29T12:00:00Z",
            "2028-02-01T03:00:00Z",
            "2028-03-01T03:00:00Z",
        ),
    ] {
        let span = check(&Window::new(kind, zone).unwrap(), ms(now), &format!("{kind} {zone}"));
        assert_eq!(span, Span { starts_ms: ms(starts), ends_ms: Some(ms(ends)) }, "{kind} {zone} {now}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn at_any_instant(
        now_ms in 0..4_102_444_800_000_i64,
        kind in prop::sample::select(&KINDS[..]),
        zone in prop::sample::select(&ZONES[..]),
    ) {
        check(&Window::new(kind, zone).unwrap(), now_ms, &format!("{kind} {zone}"));
    }
}
