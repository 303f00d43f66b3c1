//! Durations that people type: `20s`, `500ms`, `2m`, `1h`.

use std::time::Duration;

/// Longer waits are a mistake: clients give up long before.
const MOST: Duration = Duration::from_secs(3_600);

/// Reads one.
///
/// # Errors
/// One sentence about the text.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is not a duration: write it as 500ms, 20s or 2m");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit_ms = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let duration = Duration::from_millis(number.saturating_mul(unit_ms));
    if duration > MOST { Err(format!("'{text}' is longer than an hour")) } else { Ok(duration) }
}

/// Reads a long one: `3d`, `12h`; `0d` is none.
///
/// # Errors
/// One sentence about the text.
pub(super) fn parse_long(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is not a duration: write it as 3d or 12h");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let hours = match unit.trim() {
        "h" => 1,
        "d" => 24,
        _ => return Err(wrong()),
    };
    match number.saturating_mul(hours) {
        hours if hours <= 366 * 24 => Ok(Duration::from_secs(hours * 3_600)),
        _ => Err(format!("'{text}' is longer than a year")),
    }
}

/// Reads one of either kind: `20s`, `15m`, `12h`, `3d`.
///
/// # Errors
/// One sentence about the text.
pub(super) fn parse_any(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is not a duration: write it as 20s, 15m, 12h or 3d");
    parse(text).or_else(|_| parse_long(text)).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, ms) in [("500ms", 500), ("20s", 20_000), ("2m", 120_000), ("0s", 0), ("1 h", 3_600_000)] {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "20", "s", "1.5s", "-1s", "20 sec", "2h", "99999999999999999999s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
    #[test]
    fn long_ones() {
        for (text, hours) in [("3d", 72), ("12h", 12), ("0d", 0), ("1 d", 24)] {
            assert_eq!(parse_long(text), Ok(Duration::from_secs(hours * 3_600)), "{text}");
        }
        for text in ["", "3", "3w", "1.5d", "400d"] {
            assert!(parse_long(text).is_err(), "{text}");
        }
    }
}
