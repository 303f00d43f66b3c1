//! Amounts that people type: `10`, `2.50`, `$5`.

use money::{MoneyError, Nano};

/// Reads a limit: exact decimal text in USD above zero, at most nine places.
///
/// # Errors
/// One sentence, lower case, about the text.
pub fn limit(text: &str) -> Result<Nano, String> {
    match allowance(text)? {
        Nano::ZERO => Err(format!("'{text}' is not above zero")),
        limit => Ok(limit),
    }
}

/// Reads an allowance: as [`limit`], but it may be nothing.
///
/// # Errors
/// One sentence, lower case, about the text.
pub fn allowance(text: &str) -> Result<Nano, String> {
    let digits = text.trim();
    let digits = digits.strip_prefix('$').unwrap_or(digits);
    let (down, up) = (Nano::parse_floor(digits), Nano::parse_ceil(digits));
    match (down, up) {
        (Ok(down), Ok(up)) if down != up => Err(format!("'{text}' has more than nine decimal places")),
        (Ok(amount), _) => Ok(amount),
        (Err(MoneyError::Negative), _) => Err(format!("'{text}' is below zero")),
        (Err(MoneyError::OutOfRange), _) => Err(format!("'{text}' is more than farebox can count")),
        (Err(MoneyError::Malformed), _) => {
            Err(format!("'{text}' is not an amount in dollars such as 10 or 2.50"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        for (text, nanos) in [("10", 10_000_000_000), ("$2.50", 2_500_000_000), (" 0.000000001 ", 1)] {
            assert_eq!(limit(text), Ok(Nano::from_nanos(nanos)), "{text}");
        }
        for (text, error) in [
            ("ten", "'ten' is not an amount in dollars such as 10 or 2.50"),
            ("0", "'0' is not above zero"),
            ("-1", "'-1' is below zero"),
            ("0.0000000001", "'0.0000000001' has more than nine decimal places"),
            ("1e12", "'1e12' is more than farebox can count"),
        ] {
            assert_eq!(limit(text), Err(error.to_owned()), "{text}");
        }
    }
}
