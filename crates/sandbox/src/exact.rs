//! [`Exact`]: US dollars without rounding, the sandbox's own arithmetic.

use std::fmt;

/// Digits after the point. Prices have up to 25, a BYOK fee adds two, a price factor three.
const DIGITS: i64 = 30;
const UNIT: u128 = 10u128.pow(30);
const TEXT_MAX: usize = 128;

/// An amount in units of 1e-30 USD, at most some 340 million dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exact(u128);

impl Exact {
    pub(crate) const ZERO: Exact = Exact(0);

    /// Eight cents: what a row priced at zero that is not `:free` costs a request.
    pub(crate) const EIGHT_CENTS: Exact = Exact(8 * 10u128.pow(28));

    /// Millionths of a dollar.
    pub(crate) fn micros(micros: u64) -> Exact {
        Exact(u128::from(micros) * (UNIT / 1_000_000))
    }

    /// In billionths of a dollar, rounded up.
    pub(crate) fn nanos_up(self) -> u128 {
        self.0.div_ceil(UNIT / 1_000_000_000)
    }

    /// Reads decimal text, exponent allowed; `None` when negative, no number, too large or not exact.
    pub(crate) fn parse(text: &str) -> Option<Exact> {
        match read(text)? {
            (amount, true) => Some(amount),
            (_, false) => None,
        }
    }

    /// Reads decimal text and drops what is beyond the last digit.
    pub(crate) fn parse_floor(text: &str) -> Option<Exact> {
        read(text).map(|(amount, _)| amount)
    }

    /// `units` times this price.
    pub(crate) fn times(self, units: u64) -> Exact {
        Exact(self.0.checked_mul(u128::from(units)).expect("a bill beyond 340 million dollars"))
    }

    /// This times `numerator / denominator`, rounded up at the last digit.
    pub(crate) fn fraction_up(self, numerator: u64, denominator: u64) -> Exact {
        let denominator = u128::from(denominator.max(1));
        let (whole, rest) = (self.0 / denominator, self.0 % denominator);
        let numerator = u128::from(numerator);
        let amount = whole
            .checked_mul(numerator)
            .and_then(|amount| amount.checked_add((rest * numerator).div_ceil(denominator)))
            .expect("a price beyond 340 million dollars");
        Exact(amount)
    }

    pub(crate) fn plus(self, other: Exact) -> Exact {
        Exact(self.0.checked_add(other.0).expect("a bill beyond 340 million dollars"))
    }

    pub(crate) fn minus(self, other: Exact) -> Exact {
        Exact(self.0.checked_sub(other.0).expect("a bill below zero"))
    }

    /// This less the other as decimal text, which may be below zero.
    pub(crate) fn less(self, other: Exact) -> String {
        if self >= other { self.minus(other).to_string() } else { format!("-{}", other.minus(self)) }
    }

    /// What is left above the other, at least nothing.
    pub(crate) fn above(self, other: Exact) -> Exact {
        Exact(self.0.saturating_sub(other.0))
    }

    /// How many whole units this buys at a price; `None` when they are free.
    pub(crate) fn buys(self, price: Exact) -> Option<u64> {
        Some(u64::try_from(self.0.checked_div(price.0)?).unwrap_or(u64::MAX))
    }

    /// With two digits after the point, cut: `500.00`.
    pub(crate) fn cents(self) -> String {
        let cents = self.0 / (UNIT / 100);
        format!("{}.{:02}", cents / 100, cents % 100)
    }

    pub(crate) fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Roughly, for choices; never for money.
    pub(crate) fn approximately(self) -> f64 {
        self.0 as f64 / UNIT as f64
    }

    /// As a JSON number in exponent form, `1.23e-6`; exact.
    pub(crate) fn exponent_form(self) -> String {
        if self.0 == 0 {
            return "0".to_owned();
        }
        let digits = self.0.to_string();
        let exponent = digits.len() as i64 - 1 - DIGITS;
        let (first, rest) = digits.split_at(1);
        match rest.trim_end_matches('0') {
            "" => format!("{first}e{exponent}"),
            rest => format!("{first}.{rest}e{exponent}"),
        }
    }
}

/// Plain decimal text, unrounded, without exponent.
impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / UNIT, self.0 % UNIT);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        let fraction = format!("{fraction:030}");
        write!(f, "{whole}.{}", fraction.trim_end_matches('0'))
    }
}

/// The amount, cut at the last digit, and whether nothing was cut.
fn read(text: &str) -> Option<(Exact, bool)> {
    if text.len() > TEXT_MAX {
        return None;
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if digits().next().is_none() || !digits().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let wanted = whole.len() as i64 + i64::from(exponent) + DIGITS;
    let mut amount: u128 = 0;
    let mut kept = 0;
    let mut exact = true;
    for digit in digits() {
        if kept < wanted {
            amount = amount.checked_mul(10)?.checked_add(u128::from(digit - b'0'))?;
            kept += 1;
        } else {
            exact &= digit == b'0';
        }
    }
    while kept < wanted && amount > 0 {
        amount = amount.checked_mul(10)?;
        kept += 1;
    }
    Some((Exact(amount), exact))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(Exact::parse(text).expect(text).to_string(), expect, "{text}");
    }

    #[test]
    fn reads_and_prints() {
        check("0", "0");
        check("0.000000", "0");
        check("1", "1");
        check("007.50", "7.5");
        check("0.00000008333333333333334", "0.00000008333333333333334");
        check("0.0000001783333333333333476", "0.0000001783333333333333476");
        check("1.979964E-6", "0.000001979964");
        check("1e-30", "0.000000000000000000000000000001");
        check("1.5e3", "1500");
        check("0e99", "0");
        for text in [
            "",
            ".",
            "-1",
            "1e-31",
            "1e99",
            "x",
            "1.2.3",
            "1_000",
            "+1",
            "1e",
            "0.0000000000000000000000000000001",
        ] {
            assert_eq!(Exact::parse(text), None, "{text}");
        }
        assert_eq!(Exact::parse_floor("1e-31"), Some(Exact::ZERO));
        assert_eq!(Exact::parse_floor("2.00000000000000000000000000000099"), Exact::parse("2"));
    }

    #[test]
    fn exponents() {
        for (text, expect) in
            [("0.00000123", "1.23e-6"), ("0.000003", "3e-6"), ("12.5", "1.25e1"), ("0", "0"), ("1", "1e0")]
        {
            assert_eq!(Exact::parse(text).expect(text).exponent_form(), expect);
        }
    }

    #[test]
    fn fractions_round_up() {
        let price = Exact::parse("0.000000000000000000000000000003").expect("a price");
        assert_eq!(price.fraction_up(1, 2).to_string(), "0.000000000000000000000000000002");
        assert_eq!(Exact::parse("0.0019").expect("a price").fraction_up(5, 100).to_string(), "0.000095");
        assert_eq!(price.fraction_up(1, 1), price);
    }

    #[test]
    fn differences_and_quotients() {
        let usd = |text: &str| Exact::parse(text).expect(text);
        assert_eq!(usd("1.5").less(usd("2")), "-0.5");
        assert_eq!(usd("2").less(usd("1.5")), "0.5");
        assert_eq!(usd("2").less(usd("2")), "0");
        assert_eq!((usd("1").above(usd("2")), usd("2").above(usd("0.5"))), (Exact::ZERO, usd("1.5")));
        assert_eq!(usd("1").buys(usd("0.3")), Some(3));
        assert_eq!(usd("0.9").buys(usd("0.3")), Some(3));
        assert_eq!(usd("1").buys(Exact::ZERO), None);
        assert_eq!((usd("500").cents(), usd("0.019").cents()), ("500.00".to_owned(), "0.01".to_owned()));
    }

    proptest! {
        #[test]
        fn both_forms_say_the_same(units in 0u128..u128::MAX / 2) {
            let amount = Exact(units);
            prop_assert_eq!(Exact::parse(&amount.to_string()), Some(amount));
            prop_assert_eq!(Exact::parse(&amount.exponent_form()), Some(amount));
        }
    }
}
