//! How a program ends, and what the books have then: a clean close, a dropped stream, a dropped call, the end of the
//! runtime, `kill -9`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use farebox::{Error, Events, Farebox, Nano, OpenError};
use sandbox::{Config, Latency, Millis, Sandbox};
use tokio::runtime::Runtime;

use crate::support::{self, KEY};

const PATIENCE: Duration = Duration::from_secs(20);

/// A sandbox whose streams take a while.
fn slow() -> Config {
    let latency = Latency { first_byte: Millis::new(0, 0), between_chunks: Millis::new(40, 40) };
    Config { latency, generation_delay: Millis::new(0, 10), ..Config::default() }
}

async fn open(data: &Path, sandbox: &Sandbox) -> Farebox {
    support::builder(data, &support::url(sandbox)).budget("1").open().await.unwrap()
}

/// A stream that has begun; its id is in the journal.
async fn begun(house: &Farebox) -> Events {
    let mut events = house.chat_stream(support::stream("a long answer, please", 4_000)).await.unwrap();
    events.next().await.expect("an event").expect("whole");
    events
}

fn charged(house: &Farebox) -> Nano {
    let balances = house.balances();
    let balance = balances.first().unwrap();
    balance.posted.saturating_add(balance.held).saturating_add(balance.unknown)
}

/// What the sandbox billed, rounded up to nano-dollars call by call.
async fn billed(sandbox: &Sandbox) -> Nano {
    support::generations(&support::http(), sandbox).await.iter().map(|(_, cost)| *cost).sum()
}

/// One call was under way when its program ended: it is charged at its bound, and then at its cost.
async fn one_call_is_unknown_and_resolves(data: &Path, sandbox: &Sandbox) {
    let house = open(data, sandbox).await;
    let balance = house.balances().remove(0);
    if let [hold] = house.unknown().as_slice() {
        assert!(hold.generation.is_some(), "its id was journaled");
        assert_eq!(balance.unknown, hold.bound, "charged at its bound");
    }
    assert!(charged(&house) > Nano::ZERO, "never nothing");
    support::settled(&house, &support::http(), sandbox).await;
    let balance = house.balances().remove(0);
    assert_eq!((balance.held, balance.unknown), (Nano::ZERO, Nano::ZERO));
    assert_eq!(balance.posted, billed(sandbox).await, "posted is the bill");
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_second_house_on_the_folder_is_told_who_has_it() {
    let sandbox = support::sandbox(Config::default()).await;
    let data = tempfile::tempdir().unwrap();
    let house = open(data.path(), &sandbox).await;
    let second = support::builder(data.path(), &support::url(&sandbox)).budget("1").open().await;
    let Err(error @ OpenError::Books(store::OpenError::Held { .. })) = second else { panic!("{second:?}") };
    assert!(error.to_string().ends_with(&format!("in use by process {}", std::process::id())), "{error}");
    house.close().await.unwrap();
    open(data.path(), &sandbox).await.close().await.unwrap();
}

#[tokio::test]
async fn a_close_keeps_what_was_posted() {
    let sandbox = support::sandbox(Config::default()).await;
    let data = tempfile::tempdir().unwrap();
    let house = open(data.path(), &sandbox).await;
    let cost = house.chat(support::body("hello", 100)).await.unwrap().cost.unwrap();
    house.close().await.unwrap();
    assert!(matches!(house.chat(support::body("hello", 100)).await, Err(Error::Closed)));
    house.close().await.expect("a second close answers as the first");
    // What `farebox budgets list --data` and `farebox explain` read.
    assert_eq!(store::read(data.path()).unwrap().balances[0].posted, cost);
    let decisions = store::last_decisions(data.path(), 1, None).unwrap();
    assert_eq!(decisions[0].outcome, "settled");
    let again = open(data.path(), &sandbox).await;
    assert_eq!(again.balances()[0].posted, cost);
    assert_eq!(cost, billed(&sandbox).await);
    again.close().await.unwrap();
}

#[tokio::test]
async fn a_close_waits_for_the_call_in_flight() {
    let sandbox = support::sandbox(slow()).await;
    let data = tempfile::tempdir().unwrap();
    let house = open(data.path(), &sandbox).await;
    let calling = tokio::spawn({
        let house = house.clone();
        async move { house.chat(support::body("slowly", 400)).await }
    });
    while charged(&house) == Nano::ZERO {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    house.close().await.unwrap();
    let done = calling.await.unwrap().unwrap();
    let read = store::read(data.path()).unwrap();
    assert_eq!((read.balances[0].posted, read.open.len()), (done.cost.unwrap(), 0));
}

#[tokio::test]
async fn a_dropped_stream_settles_or_stays_charged() {
    let sandbox = support::sandbox(slow()).await;
    let data = tempfile::tempdir().unwrap();
    let house = open(data.path(), &sandbox).await;
    for _ in 0..4 {
        let before = charged(&house);
        drop(begun(&house).await);
        assert!(charged(&house) > before, "never nothing");
    }
    support::settled(&house, &support::http(), &sandbox).await;
    let balance = house.balances().remove(0);
    assert_eq!((balance.unknown, balance.posted), (Nano::ZERO, billed(&sandbox).await));
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_dropped_call_goes_on_to_its_end() {
    let sandbox = support::sandbox(slow()).await;
    let data = tempfile::tempdir().unwrap();
    let house = open(data.path(), &sandbox).await;
    let sent = async {
        while charged(&house) == Nano::ZERO {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        done = house.chat(support::body("slowly", 400)) => panic!("too quick: {done:?}"),
        () = sent => {}
    }
    house.close().await.unwrap();
    let read = store::read(data.path()).unwrap();
    assert_eq!((read.balances[0].posted, read.open.len()), (billed(&sandbox).await, 0));
}

#[test]
fn the_end_of_the_runtime_loses_nothing() {
    let outside = Runtime::new().unwrap();
    let sandbox = outside.block_on(support::sandbox(slow()));
    let data = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let events = runtime.block_on(async {
        let house = open(data.path(), &sandbox).await;
        (begun(&house).await, house)
    });
    drop(runtime);
    drop(events);
    outside.block_on(one_call_is_unknown_and_resolves(data.path(), &sandbox));
}

/// Run by the next test: begins a call, says so, and waits for its end.
#[test]
#[ignore = "the other process of another test"]
fn child_that_is_killed() {
    let set = |name| std::env::var(name).ok();
    let (Some(data), Some(url)) = (set("FAREBOX_TEST_DATA"), set("FAREBOX_TEST_URL")) else { return };
    Runtime::new().unwrap().block_on(async {
        let house =
            Farebox::builder().data(data).upstream(url).upstream_key(KEY).budget("1").open().await.unwrap();
        let _events = begun(&house).await;
        println!("begun");
        tokio::time::sleep(PATIENCE).await;
    });
}

#[test]
fn kill_9_loses_nothing() {
    let runtime = Runtime::new().unwrap();
    let sandbox = runtime.block_on(support::sandbox(slow()));
    let data = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ends::child_that_is_killed", "--ignored", "--nocapture", "--test-threads=1"])
        .env("FAREBOX_TEST_DATA", data.path())
        .env("FAREBOX_TEST_URL", support::url(&sandbox))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let begun = lines.map_while(Result::ok).any(|line| line.ends_with("begun"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(begun, "the call was under way");
    let found = store::read(data.path()).unwrap();
    assert_eq!(found.open.len(), 1, "its hold is in the journal");
    runtime.block_on(one_call_is_unknown_and_resolves(data.path(), &sandbox));
}
