//! Amounts and rates against arithmetic on the digits of their texts, which knows no limits.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cmp::Ordering;

use money::{Exact, MoneyError, Nano, Rate};
use proptest::prelude::*;

/// How many units of `10^-scale` a decimal text is worth, in digits, and whether it is a little more than that.
fn units(text: &str, scale: i64) -> (String, bool) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let point = i64::try_from(whole.len()).unwrap() + exponent.parse::<i64>().unwrap() + scale;
    let at = usize::try_from(point.max(0)).unwrap();
    let (kept, rest) = digits.split_at(at.min(digits.len()));
    let kept = format!("{kept}{}", "0".repeat(at.saturating_sub(digits.len())));
    (plain(&kept), rest.bytes().any(|digit| digit != b'0'))
}

fn plain(digits: &str) -> String {
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() { "0".to_owned() } else { digits.to_owned() }
}

fn one_more(digits: &str) -> String {
    let stem = digits.trim_end_matches('9');
    let zeros = "0".repeat(digits.len() - stem.len());
    let (rest, last) = stem.split_at(stem.len().saturating_sub(1));
    let last = last.parse::<u8>().unwrap_or(0) + 1;
    format!("{rest}{last}{zeros}")
}

fn rounded_up(text: &str, scale: i64) -> String {
    match units(text, scale) {
        (units, true) => one_more(&units),
        (units, false) => units,
    }
}

fn compare(one: &str, other: &str) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// What was read is the number expected, or that is more than the type can hold.
fn check(read: Result<impl ToString, MoneyError>, expect: &str, most: &str, text: &str) {
    match read {
        Ok(read) => assert_eq!(read.to_string(), expect, "{text}"),
        Err(error) => {
            assert_eq!(error, MoneyError::OutOfRange, "{text}");
            assert_eq!(compare(expect, most), Ordering::Greater, "{text} fits");
        }
    }
}

fn check_all(text: &str) {
    let (nano_max, rate_max) = (i64::MAX.to_string(), u64::MAX.to_string());
    check(Nano::parse_ceil(text).map(Nano::nanos), &rounded_up(text, 9), &nano_max, text);
    check(Nano::parse_floor(text).map(Nano::nanos), &units(text, 9).0, &nano_max, text);
    check(Nano::parse_left(text).map(Nano::nanos), &units(text, 9).0, &nano_max, text);
    check(Rate::parse_ceil(text).map(Rate::femtos), &rounded_up(text, 15), &rate_max, text);
    check(Rate::parse_per_million_floor(text).map(Rate::femtos), &units(text, 9).0, &rate_max, text);
    check(Exact::parse_ceil(text).map(Exact::attos), &rounded_up(text, 18), &i128::MAX.to_string(), text);
}

fn number() -> impl Strategy<Value = String> {
    let digits = prop_oneof![Just("0".to_owned()), "[0-9]{1,8}", "[09]{1,45}", "[0-9]{1,45}"];
    let fraction =
        prop_oneof![Just(String::new()), "\\.[0-9]{1,12}", "\\.[09]{1,60}", "\\.0{1,40}[0-9]{1,40}"];
    let exponent = prop_oneof![Just(String::new()), "[eE][-+]?[0-9]", "[eE][-+]?[1-4][0-9]"];
    (digits, fraction, exponent)
        .prop_map(|(digits, fraction, exponent)| format!("{digits}{fraction}{exponent}"))
}

#[test]
fn at_the_ends() {
    for text in [
        "9223372036.854775807",
        "9223372036.8547758070000000000000000000000000000000000001",
        "9223372036.854775808",
        "18446.744073709551615",
        "18446.7440737095516150000000000000000001",
        "9999999999999.9999999999999999991",
        "170141183460469231731.687303715884105727",
        "170141183460469231731.687303715884105728",
        "340282366920938463463.3746074317682114559",
        "99999999999999999999999999999999999999999e-30",
        "0.000000000000000000999999999999999999999999999999999999999999999999999999",
        "1e-1000",
        "0e1000",
    ] {
        check_all(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_number_is_worth_its_digits(text in number()) {
        check_all(&text);
        let below = format!("-{text}");
        let worth = units(&text, 9);
        match Nano::parse_left(&below) {
            Ok(left) => prop_assert_eq!(left.nanos().unsigned_abs().to_string(), rounded_up(&text, 9)),
            Err(error) => prop_assert_eq!(error, MoneyError::OutOfRange),
        }
        let is_nothing = worth.0 == "0" && text.split(['e', 'E']).next().unwrap().bytes().all(|b| !matches!(b, b'1'..=b'9'));
        prop_assert_eq!(Nano::parse_ceil(&below).is_ok(), is_nothing, "a charge below zero");
    }

    #[test]
    fn what_is_printed_reads_back(attos in 0..=i128::MAX, nanos in any::<i64>(), femtos in any::<u64>()) {
        for attos in [attos, attos >> 60, attos >> 90] {
            let exact = Exact::from_attos(attos);
            prop_assert_eq!(Exact::parse_ceil(&exact.to_string()), Ok(exact));
            let below = Exact::from_attos(-attos).to_string();
            prop_assert_eq!(below.trim_start_matches('-'), exact.to_string());
        }
        let amount = Nano::from_nanos(nanos.max(-i64::MAX));
        prop_assert_eq!(Nano::parse_left(&amount.to_string()), Ok(amount));
        prop_assert_eq!(Nano::parse_left(&amount.shortest()), Ok(amount));
        prop_assert_eq!(Exact::from(amount).ceil(), amount);
        let rate = Rate::from_femtos(femtos);
        prop_assert_eq!(Rate::parse_ceil(&rate.per_unit().to_string()), Ok(rate));
        prop_assert_eq!(Rate::parse_per_million_floor(&rate.per_million().to_string()), Ok(rate));
    }

    /// Of many costs, what is booked is at least what was written, and less than a nano-dollar above it for each.
    #[test]
    fn sums_of_rounded_costs(texts in proptest::collection::vec("[0-9]{1,3}\\.[0-9]{1,18}(e-[0-9])?", 1..40)) {
        let exact: Exact = texts.iter().map(|text| Exact::parse_ceil(text).unwrap()).sum();
        let booked: Nano = texts.iter().map(|text| Nano::parse_ceil(text).unwrap()).sum();
        let above = (Exact::from(booked) - exact).attos();
        prop_assert!((0..1_000_000_000 * texts.len() as i128).contains(&above), "{booked} {exact}");
        prop_assert_eq!(Exact::parse_sum(&texts.join("+")), Ok(exact));
        let booked = booked.nanos();
        prop_assert_eq!(Exact::from_attos(-exact.attos()).ceil().nanos(), -(exact.attos() / 1_000_000_000) as i64);
        prop_assert_eq!(Nano::from_nanos(booked).checked_add(Nano::MAX).is_some(), booked == 0);
    }

    #[test]
    fn sums_stay_at_the_ends(one: i64, other: i64) {
        let (sum, difference) = (i128::from(one) + i128::from(other), i128::from(one) - i128::from(other));
        let held = |sum: i128| sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        let (one, other) = (Nano::from_nanos(one), Nano::from_nanos(other));
        prop_assert_eq!(one.saturating_add(other).nanos(), held(sum));
        prop_assert_eq!(one.saturating_sub(other).nanos(), held(difference));
        prop_assert_eq!(one.checked_add(other).map(|sum| i128::from(sum.nanos())), Some(sum).filter(|&sum| sum == i128::from(held(sum))));
        prop_assert_eq!(one.checked_sub(other).map(|sum| i128::from(sum.nanos())), Some(difference).filter(|&sum| sum == i128::from(held(sum))));
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..60), like in "[-+.eE0-9 ]{0,40}") {
        for text in [String::from_utf8_lossy(&bytes).as_ref(), &like] {
            let _ = (Nano::parse_ceil(text), Nano::parse_floor(text), Nano::parse_left(text));
            let _ = (Rate::parse_ceil(text), Rate::parse_per_million_floor(text));
            let _ = (Exact::parse_ceil(text), Exact::parse_sum(text));
        }
    }
}
