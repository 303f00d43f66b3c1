//! `kill -9` under load, then damage to the end of the journal: nothing is lost in silence. Either the gateway starts
//! and owes at least the bill, or it refuses and names the place, and so does `farebox verify`; then `farebox repair` and
//! `farebox audit --apply` make the books owe at least the bill again. `FAREBOX_TRIALS_DAMAGES` says how many runs.

#![expect(clippy::unwrap_used, reason = "a trial that cannot be held has failed")]

use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;
use trials::damage::Damage;
use trials::load::{self, Plan};
use trials::verdict::Verdict;
use trials::world::{Gateway, Sandbox, World};

const PLAN: Plan = Plan { clients: 24, requests_each: 8, aborts_percent: 20, patience: 3 };

/// What a killed gateway had sent is billed within this time, or never.
const GATEWAY: Gateway = Gateway { config: "[evidence]\nfinal_after = \"2s\"\n", ..Gateway::ONE_DOLLAR };

#[test]
fn no_damage_is_silent() {
    let runs = trials::runs("FAREBOX_TRIALS_DAMAGES", 3);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let broken: Vec<String> = (0..runs).flat_map(|seed| runtime.block_on(one_run(seed))).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

async fn one_run(seed: u64) -> Vec<String> {
    let mut random = Rng::with_seed(seed ^ 0xdead);
    let sandbox = Sandbox { config: include_str!("sandbox.toml").to_owned(), seed, adversarial: false };
    let mut world = World::start(&sandbox, GATEWAY).await.unwrap();
    kill_under_load(&mut world, seed, &mut random).await;
    let damage = Damage::ALL[seed as usize % Damage::ALL.len()];
    let struck = damage.strike(&world.data(), &mut random).unwrap();
    let verified = world.command(&["verify", "--json"]).await.unwrap();
    let refused = world.try_gateway().await.unwrap();
    let mut complaints = Vec::new();
    if let Some(said) = &refused {
        complaints.extend(named(said, &verified));
        expect(&world.command(&["repair", "--yes"]).await.unwrap(), "repair", &mut complaints);
        // It starts, and lets nothing through before the audit.
        world.start_gateway_until("healthz").await.unwrap();
        if world.console("readyz").await.is_ok() {
            complaints.push("repaired books let calls through before the audit".to_owned());
        }
        let early = world.command(&["audit", "--apply", "--json"]).await.unwrap();
        let early: Value = serde_json::from_slice(&early.stdout).unwrap_or_default();
        if early["shut"] != true {
            complaints.push(format!("accepted before its calls could be billed: {early}"));
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        let audited = world.command(&["audit", "--apply", "--json"]).await.unwrap();
        expect(&audited, "audit", &mut complaints);
        if world.console("readyz").await.is_err() {
            complaints.push(format!("not ready after {}", String::from_utf8_lossy(&audited.stdout)));
            return complaints;
        }
    }
    let seen = load::run(&world.http, &world.base, PLAN, seed + 1_000, Arc::default()).await;
    let verdict = Verdict::of(&world, &seen, Duration::from_secs(60)).await.unwrap();
    complaints.extend(verdict.owes_enough());
    println!(
        "run {seed}: {struck}; {} | billed {} posted {} unknown {}",
        if refused.is_some() { "refused, repaired, audited" } else { "started" },
        verdict.billed_text,
        verdict.posted,
        verdict.unknown,
    );
    world.stop_gateway().await.unwrap();
    let verified = world.command(&["verify", "--json"]).await.unwrap();
    complaints.extend(clean_or_named(&verified, refused.is_none()));
    complaints.into_iter().map(|complaint| format!("run {seed}: {struck}: {complaint}")).collect()
}

async fn kill_under_load(world: &mut World, seed: u64, random: &mut Rng) {
    let progress = Arc::new(AtomicU64::new(0));
    let (http, base) = (world.http.clone(), world.base.clone());
    let load = tokio::spawn({
        let progress = Arc::clone(&progress);
        async move { load::run(&http, &base, PLAN, seed, progress).await }
    });
    let after = random.u64(5..60);
    while progress.load(Ordering::Relaxed) < after && !load.is_finished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    world.kill_gateway().unwrap();
    load.abort();
}

/// A refusal names file and byte, and `verify` does not call such books clean.
fn named(said: &str, verified: &Output) -> Option<String> {
    let report: Value = serde_json::from_slice(&verified.stdout).unwrap_or_default();
    let names = |text: &str| text.contains(".journal at byte ");
    match names(said) && report["clean"] == false && names(&report["damage"].to_string()) {
        true => None,
        false => Some(format!("not named: {said}\nverify: {report}")),
    }
}

/// Where what was struck is in the books already, the gateway starts, and `verify` goes on naming the place in the
/// journal; nothing else may be wrong.
fn clean_or_named(verified: &Output, may_be_named: bool) -> Option<String> {
    let report: Value = serde_json::from_slice(&verified.stdout).unwrap_or_default();
    let named = |damage: &Value| damage.as_str().is_some_and(|damage| damage.contains(".journal at byte "));
    let all_named = may_be_named && report["damage"].as_array().is_some_and(|all| all.iter().all(named));
    (report["clean"] != true && !all_named).then(|| format!("at the end: {report}"))
}

fn expect(output: &Output, what: &str, complaints: &mut Vec<String>) {
    // 6: the audit found drift, and booked it.
    if !output.status.success() && output.status.code() != Some(6) {
        complaints.push(format!("{what} failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
}
