//! Criterion 4 of the books: a day of generations whose charges come late, are lost, aborted, doubled and corrected.
//! Every one ends settled at what was billed, voided, or listed unknown, and the drift is told to the nano-dollar.
//! `FAREBOX_TRIALS_DAY` says how many calls.

#![expect(clippy::unwrap_used, reason = "a trial that cannot be held has failed")]

use std::time::{Duration, Instant};

use money::Nano;
use serde_json::Value;
use trials::day;
use trials::reckoning::{Books, Reckoning};
use trials::world::{Gateway, Sandbox, World};

/// The waits of the evidence ladder, as short as the sandbox's own delays allow.
const GATEWAY: Gateway = Gateway {
    budget: "100000.00/lifetime",
    config: "[evidence]\nfinal_after = \"4s\"\nquiet_after = \"2s\"\nrecheck_after = \"6s\"\naudit_every = \"3s\"\n",
};
/// Nothing changed for so long: the ladder has come to its end.
const STILL: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(300);

#[test]
fn every_dollar_of_a_day_is_accounted_for() {
    let calls = trials::runs("FAREBOX_TRIALS_DAY", 3_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let complaints = runtime.block_on(one_day(calls));
    let shown = complaints.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(complaints.is_empty(), "{} complaints, such as\n{shown}", complaints.len());
}

async fn one_day(calls: u64) -> Vec<String> {
    let sandbox = Sandbox { config: include_str!("day.toml").to_owned(), seed: 4, adversarial: false };
    let mut world = World::start(&sandbox, GATEWAY).await.unwrap();
    let began = Instant::now();
    let seen = day::run(&world.http, &world.base, calls, 4).await;
    let took = began.elapsed().as_secs_f64();
    until_still(&world).await;
    let waited = began.elapsed().as_secs_f64() - took;
    audit(&world, &["audit", "--apply", "--json"]).await;
    let audit = audit(&world, &["audit", "--json"]).await;
    world.stop_gateway().await.unwrap();
    let damage = world.faults_of_books().await.unwrap();
    let bill = world.sandbox("bill").await.unwrap();
    let generations = world.sandbox("generations").await.unwrap();
    let generations: &Vec<Value> = generations["data"].as_array().unwrap();
    let reckoning = Reckoning::of(generations, &Books::read(&world.data()).unwrap()).unwrap();
    println!("run 0: {calls} calls in {took:.0} s, {waited:.0} s for the evidence; {seen:?}");
    println!(
        "run 0: the sandbox: {} generations, ${}, {} aborted, {} failed, {} late, {} corrected, {} twice",
        bill["requests"],
        bill["total_usd"].as_str().unwrap(),
        bill["aborted"],
        bill["failed"],
        bill["late"],
        bill["corrected"],
        bill["duplicated"],
    );
    for line in reckoning.to_string().lines() {
        println!("run 0: {line}");
    }
    println!("run 0: farebox audit: {audit}");
    let mut complaints = agreement(&audit, &reckoning);
    complaints.extend(reckoning.complaints);
    complaints.extend(damage);
    for kind in ["late", "corrected", "duplicated", "aborted"] {
        if bill[kind].as_u64() == Some(0) {
            complaints.push(format!("nothing was {kind}: the day was too short"));
        }
    }
    complaints
}

/// The books beside the bill, as farebox itself finds them.
async fn audit(world: &World, words: &[&str]) -> Value {
    let output = world.command(words).await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{words:?}: {error}: {told}"))
}

/// What farebox says of its books must be what the sandbox's own list says, and nothing may be left to book.
fn agreement(audit: &Value, reckoning: &Reckoning) -> Vec<String> {
    let mut complaints = Vec::new();
    if audit["complete"] != true {
        complaints.push(format!("the audit is not complete: {audit}"));
    }
    for left in ["corrected", "extras", "missing"] {
        if audit[left] != 0 {
            complaints.push(format!("after an audit that books, another has {left}: {audit}"));
        }
    }
    let drift = Nano::parse_left(audit["drift_usd"].as_str().unwrap()).unwrap();
    // An entry with extras is rounded up once, where the list rounds each generation.
    let rounding = i64::try_from(reckoning.extras.count + reckoning.astray.count).unwrap();
    let apart = drift.nanos() + reckoning.drift().nanos();
    if reckoning.unknown.count == 0 && !(-rounding..=rounding).contains(&apart) {
        complaints.push(format!("the audit's drift is {drift}, the list's -({})", reckoning.drift()));
    }
    complaints
}

/// Waits until the sandbox has nothing to come, and the gateway's books stay as they are.
async fn until_still(world: &World) {
    let began = Instant::now();
    let (mut last, mut since) = (String::new(), Instant::now());
    while since.elapsed() < STILL && began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let bill = world.sandbox("bill").await.unwrap();
        let budgets = world.console("budgets").await.unwrap();
        let unknown = world.console("unknown").await.unwrap();
        let now = format!("{bill}{budgets}{}", unknown.to_string().len());
        if now != last || bill["pending"] != 0 || bill["running"] != 0 {
            (last, since) = (now, Instant::now());
        }
    }
}
