//! Criterion 1 of the books, its second half: the gateway is killed under load, the end of its journal is cut, torn or
//! flipped, and it is started again. What was billed stays covered, or the damage is named. `FAREBOX_TRIALS_TAILS`
//! says how many runs.

#![expect(clippy::unwrap_used, reason = "a trial that cannot be held has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use trials::load::{self, Plan};
use trials::tail::{Harm, damage};
use trials::verdict::Verdict;
use trials::world::{Gateway, Sandbox, World};

const PLAN: Plan = Plan { clients: 24, requests_each: 8, aborts_percent: 20, patience: 0 };

#[test]
fn no_damaged_tail_hides_a_cent() {
    let runs = trials::runs("FAREBOX_TRIALS_TAILS", 3);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let broken: Vec<String> = (0..runs).flat_map(|seed| runtime.block_on(one_run(seed))).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

async fn one_run(seed: u64) -> Vec<String> {
    let mut random = Rng::with_seed(seed);
    let harm = [Harm::Flip, Harm::Torn, Harm::Cut][usize::try_from(seed % 3).unwrap()];
    let sandbox = Sandbox { config: include_str!("sandbox.toml").to_owned(), seed, adversarial: false };
    let mut world = World::start(&sandbox, Gateway::ONE_DOLLAR).await.unwrap();
    let progress = Arc::new(AtomicU64::new(0));
    let (http, base) = (world.http.clone(), world.base.clone());
    let load = tokio::spawn({
        let progress = Arc::clone(&progress);
        async move { load::run(&http, &base, PLAN, seed, progress).await }
    });
    let after = random.u64(20..120);
    while progress.load(Ordering::Relaxed) < after && !load.is_finished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    world.kill_gateway().unwrap();
    let mut seen = load.await.unwrap();
    seen.refused.clear();
    let damage = damage(&world.data(), harm, &mut random).unwrap();
    let named = world.damage().unwrap();
    let mut complaints = Vec::new();
    if let Err(error) = world.start_gateway().await {
        complaints.extend(mend(&mut world, named.as_deref(), &format!("{error:#}")).await);
    }
    let verdict = Verdict::of(&world, &seen, Duration::from_secs(20)).await.unwrap();
    println!(
        "run {seed}: {damage}, {} | billed {} posted {} unknown {} ({} without id) | served {} aborted {} broken {}",
        if named.is_some() { "named and mended" } else { "a torn end" },
        verdict.billed_text,
        verdict.posted,
        verdict.unknown,
        verdict.unknown_without_id,
        seen.served,
        seen.aborted,
        seen.broken,
    );
    world.stop_gateway().await.unwrap();
    if named.is_none() {
        complaints.extend(verdict.complaints(&seen));
    }
    complaints.extend(world.damage().unwrap());
    complaints.into_iter().map(|complaint| format!("run {seed}: {damage}: {complaint}")).collect()
}

/// A start that was refused must have said where the damage is, as `verify` did; then the books are repaired.
async fn mend(world: &mut World, named: Option<&str>, refusal: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if !named.is_some_and(|words| words.contains(".journal at byte")) {
        complaints.push(format!("a start is refused, and verify says {named:?}"));
    }
    if !refusal.contains(".journal at byte") {
        complaints.push(format!("a refusal that does not say where: {refusal}"));
    }
    world.end_gateway();
    for words in [["repair", "--yes"].as_slice(), &["repair", "--accept", "--why", "a trial", "--yes"]] {
        let (is_well, told) = world.farebox(words).unwrap();
        if !is_well {
            complaints.push(format!("{}: {told}", words.join(" ")));
        }
    }
    world.start_gateway().await.unwrap();
    complaints
}
