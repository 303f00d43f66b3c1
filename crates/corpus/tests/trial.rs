//! Criterion 1 of the bound: nobody bills above it.

use corpus::Trial;
use corpus::trial::Mutant;

/// Every reason to refuse (`pricing::Unpriced::code`) that a request, the prices or the operator can give.
const CODES: [&str; 21] = [
    "no_model",
    "unknown_model",
    "router",
    "variant",
    "preset",
    "unreadable_price",
    "unknown_price",
    "zero_price",
    "not_text",
    "searching_model",
    "nothing_within_max_price",
    "no_output_limit",
    "no_context_length",
    "broken_word",
    "media",
    "server_tool",
    "plugin",
    "web_search",
    "modality",
    "service_tier",
    "unknown_field",
];

fn requests() -> u64 {
    let full = std::env::var("FAREBOX_CORPUS").is_ok_and(|value| value == "full");
    if full { 1_000_000 } else { 50_000 }
}

#[test]
fn never_bills_above_the_bound() {
    let tally = Trial::new(1).all(0..requests(), None);
    println!("{tally}");
    for (number, report) in &tally.above {
        println!("request {number}\n{report}");
    }
    assert_eq!(tally.above.len(), 0, "billed above the bound");
    assert_eq!(tally.requests, requests());
    for code in CODES {
        assert!(tally.refused.contains_key(code), "{code} never occurred: {:?}", tally.refused.keys());
    }
    for code in tally.refused.keys() {
        assert!(CODES.contains(code), "{code} is not on the list");
    }
    for class in ["proven", "published", "unbounded"] {
        assert!(tally.within.contains_key(class), "{class} never occurred");
    }
    let billed: u64 = tally.within.values().map(|sums| sums.requests).sum();
    assert!(billed * 2 > tally.requests, "most requests are billed: {billed} of {}", tally.requests);
}

#[test]
fn one_thing_wrong_is_found() {
    let trial = Trial::new(1);
    for mutant in Mutant::ALL {
        let tally = trial.all(0..requests().min(50_000), Some(mutant));
        let found = tally.above.first();
        println!("{mutant:?}: {:?}", found.map(|(number, _)| number));
        assert!(found.is_some(), "{mutant:?} was not found in {} requests", tally.requests);
    }
}
