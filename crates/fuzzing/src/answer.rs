//! Any other answer of an upstream: what it cost, what went wrong, what prices there are; and the decimal text of each
//! amount, against arithmetic on its digits.

use money::{Exact, MoneyError, Nano, Rate};
use openrouter::catalogue::{read_endpoints, read_models};
use openrouter::error::UpstreamError;
use openrouter::usage::{self, Charge};
use openrouter::{answer, client};

/// One answer, or one amount.
pub fn run(body: &[u8]) {
    let read = answer::read(body);
    if let Some(charge) = read.billed.charge() {
        check_charge(charge);
    }
    for status in [200, 402, 403, 404, 429, 502] {
        if let Some(error) = UpstreamError::read(status, body) {
            let limits = (error.money_limit(), error.affordable_tokens(), error.is_max_price());
            assert!(!(error.is_retryable() && limits.0.is_some()), "money that comes by itself: {error:?}");
        }
    }
    if let Some(client::GenerationAnswer::Found(found)) = client::GenerationAnswer::read(200, body)
        && let Some(charge) = &found.charge
    {
        check_charge(charge);
    }
    let Ok(text) = std::str::from_utf8(body) else { return };
    if let Some(charge) = usage::read(text).charge() {
        check_charge(charge);
    }
    if let (Some(models), Some(endpoints)) = (read_models(text), read_endpoints(text)) {
        assert!(models.rows.len() + endpoints.rows.len() <= text.len());
    }
    for line in text.lines().take(64) {
        check_amount(line);
    }
}

/// What is booked is never below what is written, and less than a nano-dollar for each number above it.
pub(crate) fn check_charge(charge: &Charge) {
    let exact = Exact::parse_sum(&charge.text).expect("a cost that is booked is read again by an audit");
    let numbers = 1 + i64::from(charge.text.contains('+'));
    let above = charge.amount.nanos() - exact.ceil().nanos();
    assert!((0..=numbers).contains(&above), "{charge:?} is {exact}");
}

fn check_amount(text: &str) {
    let (up, down, exact) = (Nano::parse_ceil(text), Nano::parse_floor(text), Exact::parse_ceil(text));
    let _ = (Nano::parse_left(text), Exact::parse_sum(text), Rate::parse_per_million_floor(text));
    match (up, down) {
        (Ok(up), Ok(down)) => {
            assert!((0..=1).contains(&(up.nanos() - down.nanos())), "{text}: {up} {down}");
            assert!(exact.is_ok_and(|exact| exact.ceil() == up), "{text}");
            assert_eq!(Nano::parse_ceil(&up.to_string()), Ok(up));
        }
        (Err(MoneyError::OutOfRange), Ok(down)) => assert_eq!(down, Nano::MAX, "{text}"),
        (up, down) => assert_eq!(up, down, "{text}"),
    }
    if let (Ok(rate), Ok(amount)) = (Rate::parse_ceil(text), up) {
        // One unit of a rate costs what its text costs, rounded up.
        assert_eq!(rate.times(1), amount, "{text}");
        assert_eq!(Rate::parse_ceil(&rate.per_unit().to_string()), Ok(rate));
    }
}
