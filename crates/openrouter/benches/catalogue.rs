//! How long the price book takes to load: 650 models and 1,000 endpoints, made by repeating the embedded rows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use openrouter::catalogue::Catalogue;
use serde_json::Value;

const MODELS: usize = 650;
const ENDPOINTS: usize = 1_000;
const ROWS: &str = include_str!("../data/models.json");
const SERVED: &str = include_str!("../data/endpoints.json");

/// A cache file with that many rows, newer than the snapshot.
fn cache() -> Option<String> {
    let rows: Value = serde_json::from_str(ROWS).ok()?;
    let served: BTreeMap<String, Value> = serde_json::from_str(SERVED).ok()?;
    let rows = rows["data"].as_array()?;
    let (mut models, mut endpoints) = (Vec::with_capacity(MODELS), String::new());
    let mut served_so_far = 0;
    for n in 0..MODELS {
        let mut row = rows[n % rows.len()].clone();
        let id = row["id"].as_str()?.to_owned();
        let renamed = if n < rows.len() { id.clone() } else { format!("x{n}-{id}") };
        row["id"] = renamed.clone().into();
        row["canonical_slug"] = format!("{renamed}-20261002").into();
        models.push(row);
        let Some(answer) = served.get(&id) else { continue };
        let more = answer["data"]["endpoints"].as_array().map_or(0, Vec::len);
        if served_so_far + more <= ENDPOINTS {
            served_so_far += more;
            let comma = if endpoints.is_empty() { "" } else { "," };
            write!(endpoints, "{comma}\"{renamed}\":{answer}").ok()?;
        }
    }
    let models = serde_json::to_string(&models).ok()?;
    Some(format!(
        "{{\"fetched_at_ms\":1795000000000,\"models\":{{\"data\":{models}}},\"endpoints\":{{{endpoints}}}}}"
    ))
}

fn loading(criterion: &mut Criterion) {
    let (Some(text), Ok(dir)) = (cache(), tempfile::tempdir()) else { return };
    if fs::write(dir.path().join("catalogue.json"), &text).is_err() {
        return;
    }
    let book = Catalogue::open(Some(dir.path())).book();
    let endpoints: usize = book.models().map(|model| model.endpoints.as_ref().map_or(0, Vec::len)).sum();
    println!("{} models, {endpoints} endpoints, {} KB of JSON", book.models().len(), text.len() / 1_000);
    criterion.bench_function("the price book from disk", |bencher| {
        bencher.iter(|| black_box(Catalogue::open(Some(dir.path()))));
    });
    criterion.bench_function("the price book built in", |bencher| {
        bencher.iter(|| black_box(Catalogue::open(None)));
    });
}

criterion_group!(benches, loading);
criterion_main!(benches);
