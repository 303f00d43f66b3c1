//! Criterion 3 of the main job: `kill -9` at a random instant under load, restart, go on; judged by the sandbox's
//! bill. `FAREBOX_TRIALS_KILLS` says how many runs.

#![expect(clippy::unwrap_used, reason = "a trial that cannot be held has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use trials::load::{self, Plan};
use trials::verdict::Verdict;
use trials::world::{Gateway, Sandbox, World};

const PLAN: Plan = Plan { clients: 48, requests_each: 12, aborts_percent: 20, patience: 3 };

#[test]
fn no_kill_loses_a_cent() {
    let runs = trials::runs("FAREBOX_TRIALS_KILLS", 3);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let broken: Vec<String> = (0..runs).flat_map(|seed| runtime.block_on(one_run(seed))).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

async fn one_run(seed: u64) -> Vec<String> {
    let mut random = Rng::with_seed(seed);
    let sandbox =
        Sandbox { config: include_str!("sandbox.toml").to_owned(), seed, adversarial: seed % 4 == 3 };
    let mut world = World::start(&sandbox, Gateway::ONE_DOLLAR).await.unwrap();
    let progress = Arc::new(AtomicU64::new(0));
    let (http, base) = (world.http.clone(), world.base.clone());
    let load = tokio::spawn({
        let progress = Arc::clone(&progress);
        async move { load::run(&http, &base, PLAN, seed, progress).await }
    });
    let kills = random.u64(1..=3);
    for kill in 1..=kills {
        let after = random.u64(1..60) * kill;
        while progress.load(Ordering::Relaxed) < after && !load.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(random.u64(0..30_000))).await;
        world.kill_gateway().unwrap();
        world.start_gateway().await.unwrap();
    }
    let seen = load.await.unwrap();
    let verdict = Verdict::of(&world, &seen, Duration::from_secs(60)).await.unwrap();
    println!(
        "run {seed}: {kills} kills, billed {} posted {} unknown {} ({} without id) | served {} aborted {} broken {} refused {} starved {}",
        verdict.billed_text,
        verdict.posted,
        verdict.unknown,
        verdict.unknown_without_id,
        seen.served,
        seen.aborted,
        seen.broken,
        seen.refused.len(),
        verdict.starved,
    );
    world.stop_gateway().await.unwrap();
    let complaints = verdict.complaints(&seen).into_iter().chain(world.faults_of_books().await.unwrap());
    complaints.map(|complaint| format!("run {seed}: {complaint}")).collect()
}
