//! [`Exact`]: sums of costs as they were written, before any rounding to a [`crate::Nano`].

use std::fmt;

use crate::decimal::{MoneyError, Rounding, scaled};
use crate::nano::Nano;

/// An amount in atto-dollars (1e-18 USD), to sum verbatim costs for the audit. What is finer than that rounds up.
///
/// ```
/// use money::Exact;
/// let sum = Exact::parse_ceil("0.000001979964")? + Exact::parse_ceil("1.5e-7")?;
/// assert_eq!(sum.to_string(), "0.000002129964");
/// # Ok::<(), money::MoneyError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exact(i128);

impl Exact {
    /// No money.
    pub const ZERO: Exact = Exact(0);

    const SCALE: i32 = 18;
    const PER_DOLLAR: i128 = 1_000_000_000_000_000_000;
    const PER_NANO: i128 = 1_000_000_000;

    /// From a count of atto-dollars.
    pub const fn from_attos(attos: i128) -> Self {
        Exact(attos)
    }

    /// The count of atto-dollars.
    pub const fn attos(self) -> i128 {
        self.0
    }

    /// Reads a cost as its sender wrote it: decimal text in USD.
    ///
    /// # Errors
    /// When the text is no number, below zero, or beyond the range.
    pub fn parse_ceil(text: &str) -> Result<Self, MoneyError> {
        let attos = scaled(text, Self::SCALE, Rounding::Up)?;
        i128::try_from(attos).map(Exact).map_err(|_| MoneyError::OutOfRange)
    }

    /// Reads a cost that may be several, joined by `+`, as it is written down for a call that two parties billed.
    ///
    /// # Errors
    /// As [`Exact::parse_ceil`], for any of them.
    pub fn parse_sum(text: &str) -> Result<Self, MoneyError> {
        let is_exponent = |at: usize| text[..at].ends_with(['e', 'E']);
        let mut from = 0;
        let mut sum = Exact::ZERO;
        for (at, _) in text.match_indices('+').filter(|(at, _)| *at > 0 && !is_exponent(*at)) {
            sum = sum + Self::parse_ceil(&text[from..at])?;
            from = at + 1;
        }
        Ok(sum + Self::parse_ceil(&text[from..])?)
    }

    /// Rounded up to a nano-dollar; saturates at the ends of [`Nano`].
    pub fn ceil(self) -> Nano {
        let nanos = self.0.div_euclid(Self::PER_NANO) + i128::from(self.0.rem_euclid(Self::PER_NANO) != 0);
        let most = if nanos < 0 { i64::MIN } else { i64::MAX };
        Nano::from_nanos(i64::try_from(nanos).unwrap_or(most))
    }

    /// Without a sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Exact(self.0.saturating_abs())
    }
}

impl From<Nano> for Exact {
    fn from(amount: Nano) -> Self {
        Exact(i128::from(amount.nanos()) * Self::PER_NANO)
    }
}

impl std::ops::Add for Exact {
    type Output = Exact;

    fn add(self, other: Exact) -> Exact {
        Exact(self.0.saturating_add(other.0))
    }
}

impl std::ops::Sub for Exact {
    type Output = Exact;

    fn sub(self, other: Exact) -> Exact {
        Exact(self.0.saturating_sub(other.0))
    }
}

impl std::iter::Sum for Exact {
    fn sum<I: Iterator<Item = Exact>>(amounts: I) -> Exact {
        amounts.fold(Exact::ZERO, |sum, amount| sum + amount)
    }
}

/// Plain decimal text, at least nine places, no more than needed beyond.
impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let per_dollar = Self::PER_DOLLAR.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{:018}", magnitude % per_dollar);
        let (always, rest) = fraction.split_at(9);
        write!(f, "{sign}{}.{always}{}", magnitude / per_dollar, rest.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_sum_and_ceiling() {
        for (text, shown, nanos) in [
            ("0", "0.000000000", 0),
            ("0.000001979964", "0.000001979964", 1_980),
            ("1e-18", "0.000000000000000001", 1),
            ("1e-19", "0.000000000000000001", 1),
            ("12.5", "12.500000000", 12_500_000_000),
        ] {
            let amount = Exact::parse_ceil(text).unwrap();
            assert_eq!((amount.to_string().as_str(), amount.ceil().nanos()), (shown, nanos), "{text}");
        }
        for (text, shown) in
            [("0.01+0.002", "0.012000000"), ("1e+1", "10.000000000"), ("1E+1+1e-9", "10.000000001")]
        {
            assert_eq!(Exact::parse_sum(text).unwrap().to_string(), shown, "{text}");
        }
        assert!(Exact::parse_sum("1+").is_err() && Exact::parse_sum("").is_err());
        let below = Exact::ZERO - Exact::parse_ceil("0.0000000015").unwrap();
        assert_eq!((below.to_string().as_str(), below.ceil().nanos()), ("-0.0000000015", -1));
        assert_eq!(Exact::from(Nano::from_cents(-3)).to_string(), "-0.030000000");
        assert!(Exact::parse_ceil("-1").is_err());
    }
}
