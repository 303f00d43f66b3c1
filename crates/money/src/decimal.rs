//! Decimal text to a scaled integer, exactly: the one parser under [`crate::Nano`] and [`crate::Rate`].

use thiserror::Error;

/// Why a text is not an amount of money we can hold.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum MoneyError {
    /// Not a plain decimal number (JSON number syntax, a leading `$` is not accepted).
    #[error("not a decimal number")]
    Malformed,
    /// A number below zero where only a charge, a price or a limit can stand.
    #[error("money below zero")]
    Negative,
    /// Beyond what the type can hold.
    #[error("amount out of range")]
    OutOfRange,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    Up,
    Down,
}

/// Beyond this a digit more might not fit: all that follow are folded into one sticky "there was more" bit.
const DIGITS_MAX: u128 = (u128::MAX - 9) / 10;
const EXPONENT_MAX: i32 = 1_000;

/// `text * 10^scale` as an integer, rounded as asked. Accepts JSON number syntax, plus a leading `+` or `.`.
pub(crate) fn scaled(text: &str, scale: i32, rounding: Rounding) -> Result<u128, MoneyError> {
    let number = Number::read(text.trim().as_bytes())?;
    if number.negative && (number.digits != 0 || number.sticky) {
        return Err(MoneyError::Negative);
    }
    let shift = number.exponent + scale;
    let (whole, rest) = if number.digits == 0 {
        (0, false)
    } else if shift >= 0 {
        if number.sticky && shift > 0 {
            // What was folded stands before the point. Nothing that large fits, and it must not look smaller.
            return Err(MoneyError::OutOfRange);
        }
        let factor = power_of_ten(shift).ok_or(MoneyError::OutOfRange)?;
        (number.digits.checked_mul(factor).ok_or(MoneyError::OutOfRange)?, false)
    } else {
        match power_of_ten(-shift) {
            Some(divisor) => (number.digits / divisor, number.digits % divisor != 0),
            None => (0, true),
        }
    };
    let round_up = rounding == Rounding::Up && (rest || number.sticky);
    whole.checked_add(u128::from(round_up)).ok_or(MoneyError::OutOfRange)
}

fn power_of_ten(exponent: i32) -> Option<u128> {
    10_u128.checked_pow(u32::try_from(exponent).ok()?)
}

/// `digits * 10^exponent`, plus a positive remainder too small to keep when `sticky`.
struct Number {
    negative: bool,
    digits: u128,
    exponent: i32,
    sticky: bool,
}

impl Number {
    fn read(text: &[u8]) -> Result<Self, MoneyError> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let split = text.iter().position(|b| matches!(b, b'e' | b'E'));
        let (mantissa, exponent) = match split {
            Some(at) => (&text[..at], read_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let mut number = Number { negative, digits: 0, exponent, sticky: false };
        let mut seen_digit = false;
        let mut seen_point = false;
        let mut is_full = false;
        for &byte in mantissa {
            match byte {
                b'.' if !seen_point => seen_point = true,
                b'0'..=b'9' => {
                    seen_digit = true;
                    let digit = u128::from(byte - b'0');
                    is_full |= number.digits > DIGITS_MAX;
                    if !is_full {
                        number.digits = number.digits * 10 + digit;
                        number.exponent -= i32::from(seen_point);
                    } else {
                        number.sticky |= digit != 0;
                        number.exponent += i32::from(!seen_point);
                    }
                }
                _ => return Err(MoneyError::Malformed),
            }
            if number.exponent.abs() > 2 * EXPONENT_MAX {
                return Err(MoneyError::OutOfRange);
            }
        }
        if seen_digit { Ok(number) } else { Err(MoneyError::Malformed) }
    }
}

fn read_exponent(text: &[u8]) -> Result<i32, MoneyError> {
    let text = std::str::from_utf8(text).map_err(|_| MoneyError::Malformed)?;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(MoneyError::Malformed);
    }
    match text.parse::<i32>() {
        Ok(exponent) if exponent.abs() <= EXPONENT_MAX => Ok(exponent),
        _ => Err(MoneyError::OutOfRange),
    }
}
