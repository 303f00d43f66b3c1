//! Amounts that people type, and numbers that people read.

pub(crate) use farebox::config::amount::limit;
use money::Nano;
pub(crate) use money::grouped;

/// A price: exact, with two places at least.
pub(crate) fn rate(text: &str) -> String {
    let places = text.split_once('.').map_or(0, |(_, places)| places.len());
    match places {
        0 => format!("${text}.00"),
        1 => format!("${text}0"),
        _ => format!("${text}"),
    }
}

/// An estimate: three digits that tell where it is small, cents where it is not.
pub(crate) fn estimated(amount: Nano) -> String {
    to_places(amount, places(amount))
}

/// Estimates below each other, with the places that the smallest needs; what is not known is a dash.
pub(crate) fn column(amounts: &[Option<Nano>]) -> Vec<String> {
    let least = amounts.iter().flatten().filter(|amount| **amount > Nano::ZERO).min();
    let places = least.map_or(2, |least| places(*least));
    let told = |amount: &Option<Nano>| match amount {
        None => "-".to_owned(),
        Some(Nano::ZERO) => "$0.00".to_owned(),
        Some(amount) => to_places(*amount, places),
    };
    amounts.iter().map(told).collect()
}

/// As many decimal places as the most exact of these has, two at least.
pub(crate) fn places_of_all(amounts: impl Iterator<Item = Nano>) -> u32 {
    let needed = |amount: Nano| {
        let zeros = (1..=9).take_while(|zeros| amount.nanos() % 10_i64.pow(*zeros) == 0).count();
        9 - u32::try_from(zeros).unwrap_or(0)
    };
    amounts.map(needed).max().unwrap_or(0).max(2)
}

/// With so many decimal places, nine at most, rounded to the nearest.
pub(crate) fn to_places(amount: Nano, places: u32) -> String {
    let places = places.min(9);
    let (unit, per_dollar) = (10_i128.pow(9 - places), 10_i128.pow(places));
    let nanos = i128::from(amount.nanos());
    let rounded = (nanos.abs() + unit / 2) / unit;
    let sign = if nanos < 0 { "-" } else { "" };
    let width = places as usize;
    let dollars = grouped(u64::try_from(rounded / per_dollar).unwrap_or(u64::MAX));
    format!("{sign}${dollars}.{:0width$}", rounded % per_dollar)
}

fn places(amount: Nano) -> u32 {
    match amount.nanos().unsigned_abs() {
        0 | 1_000_000_000.. => 2,
        10_000_000.. => 4,
        1_000_000.. => 5,
        100_000.. => 6,
        10_000.. => 7,
        1_000.. => 8,
        _ => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_have_digits_that_tell() {
        for (nanos, text) in [
            (0, "$0.00"),
            (1, "$0.000000001"),
            (750, "$0.000000750"),
            (1_500, "$0.00000150"),
            (301_500, "$0.000302"),
            (300_750, "$0.000301"),
            (9_883_952, "$0.00988"),
            (9_999_999, "$0.01000"),
            (321_750_000, "$0.3218"),
            (1_500_000_000, "$1.50"),
            (i64::MAX, "$9,223,372,036.85"),
        ] {
            assert_eq!(estimated(Nano::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn columns_have_the_places_of_the_smallest() {
        let amounts =
            [Some(18_000), None, Some(0), Some(321_750_000)].map(|nanos| nanos.map(Nano::from_nanos));
        assert_eq!(column(&amounts), ["$0.0000180", "-", "$0.00", "$0.3217500"]);
        assert_eq!(column(&[Some(Nano::ZERO)]), ["$0.00"]);
    }

    #[test]
    fn sums_have_the_places_of_the_most_exact() {
        let places = |nanos: &[i64]| places_of_all(nanos.iter().copied().map(Nano::from_nanos));
        assert_eq!(places(&[1_500, 300_000]), 7);
        assert_eq!(places(&[1_500_000_000]), 2);
        assert_eq!(places(&[0]), 2);
        assert_eq!(places(&[i64::MAX, 100]), 9);
        assert_eq!(to_places(Nano::from_nanos(-1_500), 7), "-$0.0000015");
    }
}
