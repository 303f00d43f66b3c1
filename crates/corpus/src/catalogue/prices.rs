//! Prices, as whole numbers of 1e-23 USD so that all their digits are known.

use fastrand::Rng;

/// Digits after the point that a price may have.
const DIGITS: usize = 23;
/// A cent per million tokens.
pub(super) const CENT: u128 = 10u128.pow(15);
/// A dollar.
pub(super) const DOLLAR: u128 = 10u128.pow(23);

/// A price between so many cents per million tokens, as listed prices are: few digits, and rarely all of them.
pub(super) fn between((least, most): (u64, u64), rng: &mut Rng) -> u128 {
    let cents = u128::from(rng.u64(least..=most)) * CENT;
    match rng.u8(..20) {
        0 => cents + u128::from(rng.u64(..)) % CENT,
        1..4 => cents + u128::from(rng.u64(1..100)) * CENT / 100,
        _ => cents,
    }
}

/// So many hundredths of a price.
pub(super) fn percent(price: u128, percent: u64) -> u128 {
    price * u128::from(percent) / 100
}

/// As decimal text.
pub(super) fn text(price: u128) -> String {
    let (whole, fraction) = (price / DOLLAR, price % DOLLAR);
    if fraction == 0 {
        return whole.to_string();
    }
    let fraction = format!("{fraction:0DIGITS$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_every_digit() {
        assert_eq!(text(15 * CENT), "0.00000015");
        assert_eq!(text(15 * CENT + 1), "0.00000015000000000000001");
        assert_eq!((text(0), text(2 * DOLLAR)), ("0".to_owned(), "2".to_owned()));
        assert_eq!(text(percent(CENT, 125)), "0.0000000125");
    }
}
