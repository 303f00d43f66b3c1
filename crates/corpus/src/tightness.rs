//! How far above the worst and the usual bill a bound lies: criterion 2.
//!
//! For each request of [`crate::realistic`] two ratios, with the prompt bounded by its bytes and by an exact count: the
//! bound against the most that may be billed when the prompt is counted by the model's own tokenizer, and against what one
//! such request plausibly costs. Everything is at the recorded prices.

use std::collections::BTreeMap;

use openrouter::chat::{self, Permission};
use pricing::{Book, Bound, BoundPolicy, Encoding, Grounds, bound};
use sandbox::{Counting, Judge};

use crate::catalogue::Catalogue;
use crate::realistic::{KINDS, MODELS, Sample};

const RECORDED_MODELS: &str = include_str!("../../openrouter/data/models.json");
const RECORDED_ENDPOINTS: &str = include_str!("../../openrouter/data/endpoints.json");
/// 2026-11-24 12:00 UTC.
const NOW_MS: u64 = 1_795_521_600_000;
const SPAN_MS: u64 = 4 * 60 * 60 * 1_000;

/// The ratios of a group of requests, in thousandths.
#[derive(Clone, Debug, Default)]
pub struct Ratios {
    by_bytes_to_worst: Vec<u64>,
    by_bytes_to_usual: Vec<u64>,
    counted_to_worst: Vec<u64>,
    counted_to_usual: Vec<u64>,
}

/// The ratios by kind, by family, and of all.
#[derive(Clone, Debug, Default)]
pub struct Tightness {
    kinds: BTreeMap<&'static str, Ratios>,
    families: BTreeMap<&'static str, Ratios>,
    all: Ratios,
    /// Requests without a bound, or that OpenRouter refuses.
    pub passed_over: Vec<String>,
}

/// Measures these.
///
/// # Panics
/// A bill is above its bound, by bytes or counted.
pub fn measure(samples: &[Sample]) -> Tightness {
    let endpoints: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(RECORDED_ENDPOINTS).expect("the recorded endpoints are JSON");
    let catalogue = Catalogue {
        models: RECORDED_MODELS.to_owned(),
        endpoints: endpoints.into_iter().map(|(id, answer)| (id, answer.to_string())).collect(),
        ids: Vec::new(),
    };
    let book = crate::trial::book(&catalogue);
    let judge = Judge::new(RECORDED_MODELS, RECORDED_ENDPOINTS).expect("the recorded catalogue is JSON");
    let mut tightness = Tightness::default();
    for (at, sample) in samples.iter().enumerate() {
        match one(sample, &book, &judge, at as u64) {
            Ok(ratios) => tightness.add(sample, ratios),
            Err(why) => tightness.passed_over.push(format!("{} at {}: {why}", sample.kind, sample.family)),
        }
    }
    tightness
}

/// By bytes to worst and usual, counted to worst and usual.
fn one(sample: &Sample, book: &Book, judge: &Judge, seed: u64) -> Result<[u64; 4], String> {
    let policy = BoundPolicy::default();
    let grounds = Grounds { now_ms: Some(NOW_MS as i64), ..Grounds::new(book, &policy) };
    let mut request = chat::read(&sample.body).map_err(|error| error.to_string())?;
    let by_bytes = bound(&request.shape, &grounds).map_err(|unpriced| unpriced.to_string())?;
    request.shape.counted =
        tokens::counted(&sample.body, &Encoding::ALL).ok_or("it cannot be counted")?.with_margin();
    let counted = bound(&request.shape, &grounds).map_err(|unpriced| unpriced.to_string())?;
    let permission = Permission {
        output_cap: by_bytes.output_cap,
        max_price: by_bytes.max_price,
        ignore: by_bytes.ignore.clone(),
        only: by_bytes.only.clone(),
        pins: by_bytes.pins.clone(),
        models: None,
    };
    let sent = request.splice(&sample.body, &permission);
    let worst = judge
        .worst(&sent, Counting::Tokenizer, NOW_MS, SPAN_MS)
        .map_err(|refused| format!("{} {}", refused.status, refused.body))?;
    let usual = judge.usual(&sent, NOW_MS, seed).map_err(|refused| refused.body)?;
    let nanos = |bound: &Bound| u128::try_from(bound.usd().nanos()).unwrap_or_default();
    assert!(worst.nanos_up() <= nanos(&by_bytes), "{worst}");
    assert!(worst.nanos_up() <= nanos(&counted), "{worst}");
    let ratio =
        |bound: &Bound, bill: u128| u64::try_from(nanos(bound) * 1_000 / bill.max(1)).unwrap_or(u64::MAX);
    let (worst, usual) = (worst.nanos_up(), usual.nanos_up());
    Ok([ratio(&by_bytes, worst), ratio(&by_bytes, usual), ratio(&counted, worst), ratio(&counted, usual)])
}

impl Tightness {
    fn add(&mut self, sample: &Sample, ratios: [u64; 4]) {
        self.kinds.entry(sample.kind).or_default().add(ratios);
        self.families.entry(sample.family).or_default().add(ratios);
        self.all.add(ratios);
    }

    /// The median of bound against worst bill, by bytes and counted, in thousandths.
    pub fn medians(&self) -> (u64, u64) {
        (percentile(&self.all.by_bytes_to_worst, 50), percentile(&self.all.counted_to_worst, 50))
    }

    /// The table, as Markdown.
    pub fn table(&self) -> String {
        let mut text = String::from(
            "| requests | number | bytes: bound / worst | bytes: bound / usual | counted: bound / worst | counted: bound / usual |\n\
             |---|---|---|---|---|---|\n",
        );
        let kinds = KINDS.iter().filter_map(|kind| Some((*kind, self.kinds.get(kind)?)));
        let mut names: Vec<&str> = MODELS.iter().map(|(family, _)| *family).collect();
        names.dedup();
        let families = names.iter().filter_map(|family| Some((*family, self.families.get(family)?)));
        for (name, ratios) in kinds.chain(families).chain([("all", &self.all)]) {
            text.push_str(&format!("| {name} | {} |", ratios.by_bytes_to_worst.len()));
            for values in [
                &ratios.by_bytes_to_worst,
                &ratios.by_bytes_to_usual,
                &ratios.counted_to_worst,
                &ratios.counted_to_usual,
            ] {
                let tenths =
                    |thousandths: u64| format!("{}.{:02}", thousandths / 1_000, thousandths % 1_000 / 10);
                let (median, p95) = (percentile(values, 50), percentile(values, 95));
                text.push_str(&format!(" {} ({}) |", tenths(median), tenths(p95)));
            }
            text.push('\n');
        }
        text
    }
}

impl Ratios {
    fn add(&mut self, ratios: [u64; 4]) {
        self.by_bytes_to_worst.push(ratios[0]);
        self.by_bytes_to_usual.push(ratios[1]);
        self.counted_to_worst.push(ratios[2]);
        self.counted_to_usual.push(ratios[3]);
    }
}

fn percentile(values: &[u64], percent: usize) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get((sorted.len().saturating_sub(1)) * percent / 100).copied().unwrap_or(0)
}
