//! [`Nano`]: an amount of money.

use std::fmt;
use std::iter::Sum;

use crate::decimal::{MoneyError, Rounding, scaled};

/// An amount of money in nano-dollars (1e-9 USD), exact. Range ±$9.22 billion.
///
/// Printed as plain decimal text with nine places, which parses back to the same amount:
///
/// ```
/// use money::Nano;
/// let cost = Nano::parse_ceil("0.000001979964").unwrap();
/// assert_eq!(cost.nanos(), 1_980);
/// assert_eq!(cost.to_string(), "0.000001980");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nano(i64);

impl Nano {
    /// No money.
    pub const ZERO: Nano = Nano(0);
    /// The largest amount, $9,223,372,036.854775807.
    pub const MAX: Nano = Nano(i64::MAX);

    const PER_DOLLAR: i64 = 1_000_000_000;
    const SCALE: i32 = 9;

    /// From a count of nano-dollars.
    pub const fn from_nanos(nanos: i64) -> Self {
        Nano(nanos)
    }

    /// From whole cents.
    pub const fn from_cents(cents: i32) -> Self {
        Nano(cents as i64 * (Self::PER_DOLLAR / 100))
    }

    /// The count of nano-dollars.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Reads a debit (a cost, a hold): decimal text in USD, rounded up to the next nano-dollar.
    ///
    /// # Errors
    /// When the text is no number, below zero, or beyond the range.
    pub fn parse_ceil(text: &str) -> Result<Self, MoneyError> {
        Self::from_scaled(scaled(text, Self::SCALE, Rounding::Up)?)
    }

    /// Reads a credit (a limit, a refund): decimal text in USD, rounded down.
    ///
    /// # Errors
    /// When the text is no number, below zero, or beyond the range.
    pub fn parse_floor(text: &str) -> Result<Self, MoneyError> {
        Self::from_scaled(scaled(text, Self::SCALE, Rounding::Down)?)
    }

    /// Reads what is left of something, which may be below zero: decimal text in USD, rounded down (towards less
    /// money), so that what is left is never overstated and what is used (limit minus left) never understated.
    ///
    /// ```
    /// use money::Nano;
    /// assert_eq!(Nano::parse_left("-0.0142000001").unwrap().to_string(), "-0.014200001");
    /// ```
    ///
    /// # Errors
    /// When the text is no number, or beyond the range.
    pub fn parse_left(text: &str) -> Result<Self, MoneyError> {
        match text.trim().strip_prefix('-') {
            Some(digits) if digits.starts_with(['+', '-']) => Err(MoneyError::Malformed),
            Some(digits) => Self::parse_ceil(digits).map(|below| Nano(-below.0)),
            None => Self::parse_floor(text),
        }
    }

    /// The shortest exact decimal text, which is also a JSON number: `50`, `2.5`, `-0.000000001`.
    pub fn shortest(self) -> String {
        let text = self.to_string();
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    fn from_scaled(nanos: u128) -> Result<Self, MoneyError> {
        i64::try_from(nanos).map(Nano).map_err(|_| MoneyError::OutOfRange)
    }

    /// Sum, or `None` beyond the range.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(nanos) => Some(Nano(nanos)),
            None => None,
        }
    }

    /// Difference, or `None` beyond the range.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(nanos) => Some(Nano(nanos)),
            None => None,
        }
    }

    /// Sum, held at the ends of the range. For bounds and displays, where "at least this much" is the safe side.
    pub const fn saturating_add(self, other: Self) -> Self {
        Nano(self.0.saturating_add(other.0))
    }

    /// Difference, held at the ends of the range. For displays.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Nano(self.0.saturating_sub(other.0))
    }

    /// `self * count`, held at the end of the range.
    pub const fn saturating_mul(self, count: u32) -> Self {
        Nano(self.0.saturating_mul(count as i64))
    }

    /// Whether this is below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Text for people: `$` and two places from one dollar up, four below, and as many as it takes (up to nine)
    /// so that a small amount never looks like nothing. Rounds half up; use `Display` where exactness matters.
    pub fn for_people(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let places = match nanos {
            0 => 2,
            1_000_000_000.. => 2,
            100_000.. => 4,
            1_000.. => 6,
            _ => 9,
        };
        let unit = 10_u64.pow(9 - places);
        let rounded = nanos / unit + u64::from(nanos % unit >= unit.div_ceil(2) && unit > 1);
        let per_dollar = 10_u64.pow(places);
        let width = places as usize;
        format!("{sign}${}.{:0width$}", rounded / per_dollar, rounded % per_dollar)
    }
}

impl fmt::Display for Nano {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let per_dollar = Self::PER_DOLLAR.unsigned_abs();
        write!(f, "{sign}{}.{:09}", nanos / per_dollar, nanos % per_dollar)
    }
}

impl Sum for Nano {
    fn sum<I: Iterator<Item = Nano>>(amounts: I) -> Nano {
        amounts.fold(Nano::ZERO, Nano::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_and_what_they_are_worth() {
        for (text, up, down) in [
            ("0", 0, 0),
            ("1", 1_000_000_000, 1_000_000_000),
            ("0.000123456789", 123_457, 123_456),
            ("0.000001979964", 1_980, 1_979),
            ("1e-9", 1, 1),
            ("1.5E-9", 2, 1),
            ("1e-400", 1, 0),
            ("0e-400", 0, 0),
            ("-0.0", 0, 0),
            ("+.5", 500_000_000, 500_000_000),
            ("12.", 12_000_000_000, 12_000_000_000),
            ("0.0000000000000000000000000000000000000001", 1, 0),
            ("9223372036.854775807", i64::MAX, i64::MAX),
            ("00000000000000000000000000000000000000000000001", 1_000_000_000, 1_000_000_000),
            ("1.00000000000000000000000000000000000000000000001", 1_000_000_001, 1_000_000_000),
        ] {
            assert_eq!(Nano::parse_ceil(text), Ok(Nano(up)), "{text} up");
            assert_eq!(Nano::parse_floor(text), Ok(Nano(down)), "{text} down");
        }
    }

    #[test]
    fn texts_that_are_not_money() {
        for (text, error) in [
            ("", MoneyError::Malformed),
            (".", MoneyError::Malformed),
            ("1.2.3", MoneyError::Malformed),
            ("1e", MoneyError::Malformed),
            ("1e+-2", MoneyError::Malformed),
            ("NaN", MoneyError::Malformed),
            ("$5", MoneyError::Malformed),
            ("null", MoneyError::Malformed),
            ("-1", MoneyError::Negative),
            ("-1e-40", MoneyError::Negative),
            ("9223372036.854775808", MoneyError::OutOfRange),
            ("1e40", MoneyError::OutOfRange),
            ("1e99999999999", MoneyError::OutOfRange),
        ] {
            assert_eq!(Nano::parse_ceil(text), Err(error), "{text}");
        }
    }

    #[test]
    fn what_is_left_may_be_below_zero_and_rounds_towards_less() {
        for (text, nanos) in [
            ("29.9999982", 29_999_998_200),
            ("0", 0),
            ("-0", 0),
            ("-0.0142", -14_200_000),
            ("-1.5e-9", -2),
            ("1.5e-9", 1),
            ("-1E-30", -1),
            (" -2.5E0 ", -2_500_000_000),
            ("0.00000008333333333333334", 83),
            ("-0.00000008333333333333334", -84),
        ] {
            assert_eq!(Nano::parse_left(text), Ok(Nano(nanos)), "{text}");
        }
        for (text, error) in [
            ("--1", MoneyError::Malformed),
            ("-+1", MoneyError::Malformed),
            ("-", MoneyError::Malformed),
            ("null", MoneyError::Malformed),
            ("-1e40", MoneyError::OutOfRange),
        ] {
            assert_eq!(Nano::parse_left(text), Err(error), "{text}");
        }
    }

    #[test]
    fn shortest_texts() {
        for (nanos, text) in [
            (0, "0"),
            (50_000_000_000, "50"),
            (2_500_000_000, "2.5"),
            (100_000_000_000, "100"),
            (-1, "-0.000000001"),
        ] {
            assert_eq!(Nano(nanos).shortest(), text);
        }
    }

    #[test]
    fn people_see_short_amounts_that_are_never_nothing() {
        for (nanos, text) in [
            (0, "$0.00"),
            (1, "$0.000000001"),
            (1_980, "$0.000002"),
            (420_000, "$0.0004"),
            (10_000_000, "$0.0100"),
            (999_999_999, "$1.0000"),
            (1_234_567_890, "$1.23"),
            (-2_500_000_000, "-$2.50"),
        ] {
            assert_eq!(Nano(nanos).for_people(), text);
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_agree(nanos in 0..=i64::MAX) {
            let text = Nano(nanos).to_string();
            prop_assert_eq!(Nano::parse_ceil(&text), Ok(Nano(nanos)));
            prop_assert_eq!(Nano::parse_floor(&text), Ok(Nano(nanos)));
        }

        #[test]
        fn any_amount_left_reads_back(nanos in -i64::MAX..=i64::MAX) {
            prop_assert_eq!(Nano::parse_left(&Nano(nanos).to_string()), Ok(Nano(nanos)));
            prop_assert_eq!(Nano::parse_left(&Nano(nanos).shortest()), Ok(Nano(nanos)));
        }

        #[test]
        fn ceil_and_floor_differ_by_at_most_one(digits in "[0-9]{1,9}(\\.[0-9]{1,25})?(e-?[0-9])?") {
            if let (Ok(up), Ok(down)) = (Nano::parse_ceil(&digits), Nano::parse_floor(&digits)) {
                prop_assert!((0..=1).contains(&(up.0 - down.0)), "{up} {down}");
            }
        }

        #[test]
        fn any_text_is_answered(text in ".{0,40}") {
            let _ = Nano::parse_ceil(&text);
        }
    }
}
