//! A `pricing` object as [`Prices`] (CONTRACT 8.2, read 2026-10-02).
//!
//! Fails closed: a price that cannot be read makes the row unpriceable, and a key that is not known here stays with the
//! row as one, `video` among them, unless it is zero. A condition that is not known is taken to hold. `discount` is left
//! out, for it is inside the listed prices already.

use money::{MoneyError, Rate};
use pricing::{Override, PriceKey, Prices, Rates, RowPrices, Schedule, UnknownPrice};
use serde_json::value::RawValue;

use super::object::{Object, object};

/// The prices of a row, or why it has none.
pub(super) fn prices(raw: Option<&RawValue>) -> RowPrices {
    let Some(row) = raw.and_then(object) else {
        return RowPrices::Unreadable("no price is listed".to_owned());
    };
    match read_prices(&row) {
        Ok(prices) => RowPrices::Priced(prices),
        Err(PriceError::Dynamic) => RowPrices::Dynamic,
        Err(PriceError::Unreadable(key)) => RowPrices::Unreadable(format!("'{key}' is no price")),
    }
}

enum PriceError {
    Dynamic,
    Unreadable(String),
}

fn read_prices(row: &Object<'_>) -> Result<Prices, PriceError> {
    let mut prices =
        Prices { rates: rates(row, &[PriceKey::Prompt, PriceKey::Completion])?, ..Prices::default() };
    // A fee of zero is none.
    prices.rates[PriceKey::Request].take_if(|fee| *fee == Rate::ZERO);
    for (key, raw) in row.iter() {
        if key == "overrides" {
            read_overrides(raw, &mut prices)?;
        } else if !is_read(key) {
            keep_unknown(key, raw, &mut prices.unknown);
        }
    }
    Ok(prices)
}

fn read_overrides(raw: &RawValue, prices: &mut Prices) -> Result<(), PriceError> {
    let unreadable = || PriceError::Unreadable("overrides".to_owned());
    let list: Option<Vec<Object<'_>>> = serde_json::from_str(raw.get()).map_err(|_| unreadable())?;
    for row in list.unwrap_or_default() {
        let conditional = Override {
            min_prompt_tokens: present(&row, "min_prompt_tokens").and_then(|raw| raw.get().parse().ok()),
            schedule: schedule(&row),
            rates: rates(&row, &[])?,
        };
        for (key, raw) in row.iter() {
            match key {
                "min_prompt_tokens" | "utc_start" | "utc_end" | "utc_days" => {}
                key if is_read(key) => {}
                // A condition we do not know is a number or a list, and is taken to hold; a price is a string.
                key if raw.get().starts_with('"') => keep_unknown(key, raw, &mut prices.unknown),
                _ => {}
            }
        }
        prices.overrides.push(conditional);
    }
    Ok(())
}

/// The time of day and the days of a condition. What cannot be read is taken as always.
fn schedule(row: &Object<'_>) -> Option<Schedule> {
    let hhmm = |key: &str| present(row, key).map(|raw| raw.get().trim_matches('"').parse::<u32>());
    let days = present(row, "utc_days").map(|raw| days(raw).unwrap_or(Schedule::ALL_DAYS));
    match (hhmm("utc_start"), hhmm("utc_end")) {
        (None, None) => days.map(Schedule::on),
        (Some(Ok(start)), Some(Ok(end))) => Schedule::new(start, end, days.unwrap_or(Schedule::ALL_DAYS)),
        _ => None,
    }
}

/// Days of the week as numbers, 0 for Sunday, or by the first three letters of their names.
fn days(raw: &RawValue) -> Option<u8> {
    const NAMES: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let list: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
    list.into_iter().try_fold(0, |days, raw| {
        let text = raw.get().trim_matches('"').to_ascii_lowercase();
        let day = match text.parse::<usize>() {
            Ok(number) => (number <= 7).then_some(number % 7),
            Err(_) => NAMES.iter().position(|name| text.starts_with(name)),
        };
        Some(days | 1 << day?)
    })
}

/// Whether a price key is read, or known not to matter.
fn is_read(key: &str) -> bool {
    key == "discount" || PriceKey::named(key).is_some()
}

fn keep_unknown(key: &str, raw: &RawValue, unknown: &mut Vec<UnknownPrice>) {
    let value = raw.get().trim_matches('"');
    if value != "null" && Rate::parse_ceil(value) != Ok(Rate::ZERO) {
        unknown.push(UnknownPrice { key: key.to_owned(), value: value.to_owned() });
    }
}

/// Every price that is listed.
fn rates(row: &Object<'_>, required: &[PriceKey]) -> Result<Rates, PriceError> {
    let mut rates = Rates::default();
    for key in PriceKey::ALL {
        rates[key] = rate(row, key.name())?;
        if rates[key].is_none() && required.contains(&key) {
            return Err(PriceError::Unreadable(key.name().to_owned()));
        }
    }
    Ok(rates)
}

/// A price: decimal text, or a number; `None` when absent or null.
fn rate(row: &Object<'_>, key: &str) -> Result<Option<Rate>, PriceError> {
    let Some(raw) = present(row, key) else { return Ok(None) };
    match Rate::parse_ceil(raw.get().trim_matches('"')) {
        Ok(rate) => Ok(Some(rate)),
        Err(MoneyError::Negative) => Err(PriceError::Dynamic),
        Err(_) => Err(PriceError::Unreadable(key.to_owned())),
    }
}

fn present<'a>(row: &Object<'a>, key: &str) -> Option<&'a RawValue> {
    row.get(key).filter(|raw| raw.get() != "null")
}
