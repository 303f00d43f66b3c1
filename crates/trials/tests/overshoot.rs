//! Criterion 2 of the main job: 256 concurrent clients against $1.00, in seeded runs, judged by the sandbox's bill.
//! `FAREBOX_TRIALS_RUNS` says how many; every other one is adversarial.

#![expect(clippy::unwrap_used, reason = "a trial that cannot be held has failed")]

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use trials::load::{self, Plan};
use trials::verdict::Verdict;
use trials::world::{Gateway, Sandbox, World};

const PLAN: Plan = Plan { clients: 256, requests_each: 40, aborts_percent: 20, patience: 3 };

#[test]
fn no_run_bills_above_the_budget() {
    let runs = trials::runs("FAREBOX_TRIALS_RUNS", 2);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let broken: Vec<String> = (0..runs)
        .flat_map(|run| [(run, false), (run, true)])
        .flat_map(|(seed, adversarial)| runtime.block_on(one_run(seed, adversarial)))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

async fn one_run(seed: u64, adversarial: bool) -> Vec<String> {
    let sandbox = Sandbox { config: include_str!("sandbox.toml").to_owned(), seed, adversarial };
    let name = format!("run {seed}{}", if adversarial { " adversarial" } else { "" });
    let world = World::start(&sandbox, Gateway::ONE_DOLLAR).await.unwrap();
    let seen = load::run(&world.http, &world.base, PLAN, seed, Arc::new(AtomicU64::new(0))).await;
    let verdict = Verdict::of(&world, &seen, Duration::from_secs(30)).await.unwrap();
    println!(
        "{name}: billed {} posted {} unknown {} | served {} aborted {} refused {} starved {} clamped {} mean bound {}",
        verdict.billed_text,
        verdict.posted,
        verdict.unknown,
        seen.served,
        seen.aborted,
        seen.refused.len(),
        verdict.starved,
        seen.clamped,
        money::Nano::from_nanos(seen.held.nanos() / i64::try_from(seen.holds.max(1)).unwrap()),
    );
    let complaints = verdict.complaints(&seen).into_iter().chain(verdict.starvation(&seen));
    complaints.map(|complaint| format!("{name}: {complaint}")).collect()
}
