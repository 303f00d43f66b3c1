//! What every row of the samples, and every row built in, is priced as: reviewed text files under `snapshots/`.
//!
//! A block a row: how far the bound can be trusted and why, what is sent with the request, and the sum for a plain chat
//! of a thousand and of three hundred thousand bytes; or the code and the sentence of the refusal. No time is given, so
//! every price by the clock may be met. Of the endpoints sample each endpoint is judged by itself as well.
//!
//! After a meant change: `FAREBOX_BLESS=1 cargo test -p openrouter --test snapshots`, and read the difference. The
//! samples lie beside the workspace; where they do not, their two tests say so and check nothing.
//!
//! Checked against CONTRACT 8, 9 and 14, the models sample line by line on 2026-11-24, every row and endpoint of all three
//! files on 2026-11-30:
//! - `max_price` is the base price and a femto-dollar (`-1` rows have none, and are refused as routers); a dearer
//!   endpoint raises it, a dearer override does not;
//! - overrides count at 300k and not at 1k (272,000 and 200,000 are strict thresholds; a byte is taken for a token);
//! - cache writes count where they come unasked (OpenAI and others), and not at Anthropic and Google, who want a mark;
//! - `0/0` is free at `:free` and `openrouter/free` alone: video, music, rerank, image and decision rows are refused;
//! - rows that search by themselves, and routers, are refused;
//! - endpoints that list no cap are left out where others remain, and bounded by their limits where none does;
//! - dearer tiers count for no plain request, and set the ceiling of `:nitro` and of a request for that tier;
//! - a `discount` is in the listed prices already, and multiplies nothing.
//!
//! Ceilings, rates, caps, ignored providers, reasons and totals were computed a second time by other arithmetic (decimals,
//! from the JSON): 87 rows built in with 148 sums, 71 rows of the sample with 116, 59 endpoints with 114, and 26 refusals. All
//! agreed. Digits and keys one by one: `rows.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use openrouter::catalogue::{Catalogue, read_endpoints, read_models};
use pricing::{Book, BookSource, Bound, BoundPolicy, Endpoint, Grounds, Model, Reason, Shape, bound};
use serde_json::Value;

const SIZES: [(&str, usize); 2] = [("1k", 1_000), ("300k", 300_000)];

fn body(bytes: usize) -> Vec<u8> {
    let (head, tail) = (r#"{"messages":[{"role":"user","content":""#, r#""}]}"#);
    format!("{head}{}{tail}", "x".repeat(bytes - head.len() - tail.len())).into_bytes()
}

fn price(book: &Book, id: &str, body: &[u8]) -> Result<Bound, String> {
    let models = [Cow::Borrowed(id)].into_iter().collect();
    let shape = Shape { models, body, messages: 1, choices: 1, ..Shape::default() };
    let found = bound(&shape, &Grounds::new(book, &BoundPolicy::default()));
    found.map_err(|unpriced| format!("refused, {}: {unpriced}", unpriced.code()))
}

/// `1,268 tokens at 2.5`, and the sum.
fn sum(found: &Bound) -> String {
    let explained = found.explain(found.output_cap);
    let line = |term: &pricing::Term| match term.rate.as_str() {
        "" => format!("{} {}", term.what, term.amount),
        rate => format!("{} {} x {rate}", term.what, term.quantity),
    };
    let lines: Vec<String> = explained.terms.iter().map(line).collect();
    format!("{} = {}", lines.join(" + "), explained.total)
}

fn sent(found: &Bound) -> String {
    let most = &found.max_price;
    let mut text =
        format!("max_price {} in, {} out", most.prompt.per_million(), most.completion.per_million());
    for (rate, what) in [(most.request, "a request"), (most.image, "an image"), (most.audio, "of audio")] {
        if let Some(rate) = rate {
            let _ = write!(text, ", {} {what}", rate.per_unit());
        }
    }
    if !found.ignore.is_empty() {
        let _ = write!(text, "; ignores {}", found.ignore.join(", "));
    }
    if found.pins.tier {
        text += "; pins the tier";
    }
    text
}

fn block(book: &Book, id: &str) -> String {
    let mut text = format!("{id}\n");
    for (name, bytes) in SIZES {
        let found = match price(book, id, &body(bytes)) {
            Ok(found) => found,
            Err(refused) => return format!("{text}  {refused}\n"),
        };
        if name == "1k" {
            let _ = writeln!(text, "  sends {}", sent(&found));
        }
        let why: Vec<&str> = found.reasons.iter().map(Reason::words).collect();
        let class = found.class.word();
        let why = if why.is_empty() { class.to_owned() } else { format!("{class}: {}", why.join("; ")) };
        let _ = writeln!(text, "  {name} {}\n    {why}", sum(&found));
    }
    text
}

/// One endpoint as if there were no other.
fn alone(row: &Model, endpoint: &Endpoint) -> String {
    let row = Model { endpoints: Some(vec![endpoint.clone()]), ..row.clone() };
    let id = row.id.clone();
    let book = Book::new(1, 0, BookSource::Live, vec![row]);
    let mut text = format!("  {} ({})", endpoint.tag, endpoint.tier.word());
    for (name, bytes) in SIZES {
        match price(&book, &id, &body(bytes)) {
            Ok(found) => {
                let _ = write!(text, "\n    {name} {}: {}", found.class.word(), sum(&found));
            }
            Err(refused) => return format!("{text}\n    {refused}\n"),
        }
    }
    text + "\n"
}

fn check(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    if std::env::var_os("FAREBOX_BLESS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let differs = expected.lines().zip(text.lines()).find(|(old, new)| old != new);
    assert!(
        expected == text,
        "{name} has changed, first at {differs:?}; if it is meant: FAREBOX_BLESS=1 cargo test -p openrouter --test snapshots"
    );
}

/// A file of the samples, which lie beside the workspace.
fn sample(name: &str) -> Option<String> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/openrouter").join(name);
    let text = fs::read_to_string(&beside).ok();
    if text.is_none() {
        eprintln!("skipped: there is no ../shared/openrouter/{name} beside the workspace");
    }
    text
}

fn sample_book(text: &str) -> Book {
    let read = read_models(text).unwrap();
    assert_eq!(read.skipped, 0, "every row is read");
    Book::new(1, 0, BookSource::Live, read.rows)
}

#[test]
fn of_the_models_sample() {
    let Some(text) = sample("models-sample.json") else { return };
    let book = sample_book(&text);
    let listed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(book.models().len()), "no row is lost");
    let blocks: String = book.models().map(|row| block(&book, &row.id)).collect();
    check("models-sample.txt", &blocks);
}

#[test]
fn of_the_endpoints_sample() {
    let (Some(models), Some(endpoints)) = (sample("models-sample.json"), sample("endpoints-sample.json"))
    else {
        return;
    };
    let rows = sample_book(&models);
    let built_in = Catalogue::open(None).book();
    let answers: Value = serde_json::from_str(&endpoints).unwrap();
    let answers: BTreeMap<String, Value> = serde_json::from_value(answers["responses"].clone()).unwrap();
    assert!(answers.len() >= 12);
    let mut text = String::new();
    for (id, answer) in &answers {
        let row = rows.row(id).or_else(|| built_in.row(id)).unwrap();
        let read = read_endpoints(&answer.to_string()).unwrap();
        assert_eq!(read.skipped, 0, "{id}");
        let together = Model { endpoints: Some(read.rows.clone()), ..row.clone() };
        text += &block(&Book::new(1, 0, BookSource::Live, vec![together]), id);
        text.extend(read.rows.iter().map(|endpoint| alone(row, endpoint)));
    }
    check("endpoints-sample.txt", &text);
}

#[test]
fn of_the_rows_built_in() {
    let book = Catalogue::open(None).book();
    let blocks: String = book.models().map(|row| block(&book, &row.id)).collect();
    check("built-in.txt", &blocks);
}
