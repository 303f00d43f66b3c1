//! [`Rate`]: a price per unit.

use std::fmt;

use crate::Nano;
use crate::decimal::{MoneyError, Rounding, scaled};

/// A price per unit (a token, a request, an image) in femto-dollars (1e-15 USD), rounded up from its text.
///
/// OpenRouter lists prices with up to 23 decimals (CONTRACT 8.2, seen 2026-05-31); femto-dollars keep fifteen,
/// so a rate may exceed the listed price by less than one femto-dollar, and is never below it.
///
/// ```
/// use money::Rate;
/// let rate = Rate::parse_ceil("0.00000015").unwrap();
/// assert_eq!(rate.times(1_000_000).to_string(), "0.150000000");
/// assert_eq!(rate.per_million().to_string(), "0.15");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

impl Rate {
    /// Free.
    pub const ZERO: Rate = Rate(0);

    const SCALE: i32 = 15;
    const FEMTOS_PER_NANO: u128 = 1_000_000;

    /// From a count of femto-dollars.
    pub const fn from_femtos(femtos: u64) -> Self {
        Rate(femtos)
    }

    /// The count of femto-dollars.
    pub const fn femtos(self) -> u64 {
        self.0
    }

    /// Reads a price in USD per unit, rounded up.
    ///
    /// # Errors
    /// When the text is no number, below zero (OpenRouter's `-1`: decided at run time), or beyond the range.
    pub fn parse_ceil(text: &str) -> Result<Self, MoneyError> {
        Self::from_scaled(scaled(text, Self::SCALE, Rounding::Up)?)
    }

    /// Reads a ceiling in USD per *million* units, rounded down: what `provider.max_price` of a caller permits.
    ///
    /// # Errors
    /// As [`Rate::parse_ceil`].
    pub fn parse_per_million_floor(text: &str) -> Result<Self, MoneyError> {
        Self::from_scaled(scaled(text, Self::SCALE - 6, Rounding::Down)?)
    }

    fn from_scaled(femtos: u128) -> Result<Self, MoneyError> {
        u64::try_from(femtos).map(Rate).map_err(|_| MoneyError::OutOfRange)
    }

    /// The price of `units`, rounded up to a nano-dollar; [`Nano::MAX`] when it does not fit, which no budget affords.
    pub fn times(self, units: u64) -> Nano {
        let nanos = (u128::from(self.0) * u128::from(units)).div_ceil(Self::FEMTOS_PER_NANO);
        i64::try_from(nanos).map_or(Nano::MAX, Nano::from_nanos)
    }

    /// The most units that `amount` pays for, so that `times` of them never exceeds it. `None`: as many as you like.
    pub fn units_within(self, amount: Nano) -> Option<u64> {
        if self.0 == 0 {
            return None;
        }
        let nanos = u128::try_from(amount.nanos()).unwrap_or(0);
        let units = nanos * Self::FEMTOS_PER_NANO / u128::from(self.0);
        Some(u64::try_from(units).unwrap_or(u64::MAX))
    }

    /// Sum, held at the end of the range.
    pub const fn saturating_add(self, other: Self) -> Self {
        Rate(self.0.saturating_add(other.0))
    }

    /// `self * factor`, held at the end of the range.
    pub const fn saturating_mul(self, factor: u64) -> Self {
        Rate(self.0.saturating_mul(factor))
    }

    /// The same price as USD per million units, exact: the unit of `provider.max_price` (CONTRACT 8.4).
    pub const fn per_million(self) -> PerMillion {
        PerMillion(self.0)
    }

    /// The same price as USD per unit, exact.
    pub const fn per_unit(self) -> PerUnit {
        PerUnit(self.0)
    }
}

/// Prints a [`Rate`] as USD per million units: the shortest exact decimal text.
#[derive(Clone, Copy, Debug)]
pub struct PerMillion(u64);

impl fmt::Display for PerMillion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_decimal(f, self.0, 9)
    }
}

/// Prints a [`Rate`] as USD per unit: the shortest exact decimal text.
#[derive(Clone, Copy, Debug)]
pub struct PerUnit(u64);

impl fmt::Display for PerUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_decimal(f, self.0, 15)
    }
}

fn print_decimal(f: &mut fmt::Formatter<'_>, scaled: u64, places: u32) -> fmt::Result {
    let unit = 10_u64.pow(places);
    let (whole, mut rest) = (scaled / unit, scaled % unit);
    if rest == 0 {
        return write!(f, "{whole}");
    }
    let mut width = places as usize;
    while rest.is_multiple_of(10) {
        rest /= 10;
        width -= 1;
    }
    write!(f, "{whole}.{rest:0width$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn listed_prices_round_up_to_femto_dollars() {
        for (text, femtos) in [
            ("0", 0),
            ("0.00000015", 150_000_000),
            ("0.00000008333333333333334", 83_333_334),
            ("0.00000958083832335329", 9_580_838_324),
            ("0.03", 30_000_000_000_000),
            ("1e-15", 1),
            ("1e-30", 1),
        ] {
            assert_eq!(Rate::parse_ceil(text), Ok(Rate(femtos)), "{text}");
        }
        assert_eq!(Rate::parse_ceil("-1"), Err(MoneyError::Negative));
    }

    #[test]
    fn per_million_prints_exactly() {
        for (femtos, text) in [
            (0, "0"),
            (150_000_000, "0.15"),
            (1, "0.000000001"),
            (30_000_000_000, "30"),
            (83_333_334, "0.083333334"),
        ] {
            assert_eq!(Rate(femtos).per_million().to_string(), text);
            assert_eq!(Rate::parse_per_million_floor(text), Ok(Rate(femtos)));
        }
        assert_eq!(Rate(83_333_334).per_unit().to_string(), "0.000000083333334");
    }

    proptest! {
        #[test]
        fn units_within_never_exceed_the_amount(femtos in 1..=u64::MAX, nanos in 0..=i64::MAX) {
            let (rate, amount) = (Rate(femtos), Nano::from_nanos(nanos));
            let units = rate.units_within(amount).unwrap();
            prop_assert!(rate.times(units) <= amount);
            if let Some(more) = units.checked_add(1) {
                prop_assert!(rate.times(more) > amount || rate.times(more) == Nano::MAX);
            }
        }

        #[test]
        fn times_is_never_below_the_exact_product(femtos in any::<u32>(), units in any::<u32>()) {
            let exact = u128::from(femtos) * u128::from(units);
            let rounded = Rate(u64::from(femtos)).times(u64::from(units)).nanos() as u128 * 1_000_000;
            prop_assert!((exact..exact + 1_000_000).contains(&rounded));
        }
    }
}
