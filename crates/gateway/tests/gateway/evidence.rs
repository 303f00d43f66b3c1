//! The evidence ladder: calls whose cost no answer told, and what becomes of them.

use gateway::EvidenceRules;
use ledger::Evidence;
use money::{Exact, Nano};

use crate::support::upstream::{answer, reply};
use crate::support::{House, Script, Setup, Step, chat, ms, until};

/// Times that a test can wait for.
fn quick(rules: &mut EvidenceRules) {
    rules.final_after = ms(300);
    rules.quiet_after = ms(150);
    rules.recheck_after = ms(400);
}

async fn house() -> House {
    Setup::new().with(|config| quick(&mut config.evidence)).open().await
}

/// A connection that breaks off before anything was said.
fn broken() -> Script {
    vec![Step::Close]
}

/// One call at this cost, and its counter; until the control point of the quiet time after it is kept.
async fn baseline(house: &House, counter: &str) {
    house.upstream.count(counter);
    let points = house.counter("control_points");
    assert_eq!(house.chat_by(answer("gen-1", "0.01"), &chat("")).await.status, 200);
    until("a control point", || house.counter("control_points") > points).await;
}

async fn last_entry(house: &House) -> store::EntryRow {
    let hold = house.admission.counters().admitted.load(std::sync::atomic::Ordering::SeqCst) - 1;
    let admission = house.admission.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let books = admission.books();
        books.flush().expect("shipped");
        books.entries(0, i64::MAX, None, 100).expect("books")
    });
    let entries = reading.await.expect("no panic");
    entries.into_iter().find(|entry| entry.hold.0 == hold).expect("an entry")
}

#[tokio::test]
async fn an_unchanged_counter_of_a_quiet_key_frees_what_is_unknown() {
    let house = house().await;
    baseline(&house, "5.01").await;
    house.chat_by(broken(), &chat("")).await;
    house.comes_to("broken off", 10_000_000, 1).await;
    house.settles_at(10_000_000).await;
    let entry = last_entry(&house).await;
    assert_eq!((entry.evidence, entry.cost), (Evidence::ControlTotal, Nano::ZERO));
    house.end().await;
}

#[tokio::test]
async fn what_the_counter_grew_by_is_charged_to_each_that_may_be_it() {
    let house = house().await;
    baseline(&house, "5.01").await;
    for _ in 0..2 {
        house.chat_by(broken(), &chat(r#","max_tokens":5000"#)).await;
    }
    house.upstream.count("5.04");
    house.settles_at(10_000_000 + 2 * 30_000_000).await;
    assert_eq!(last_entry(&house).await.evidence, Evidence::Attributed);
    house.end().await;
}

#[tokio::test]
async fn what_was_charged_on_suspicion_explains_no_bill() {
    let house = house().await;
    baseline(&house, "5.01").await;
    for _ in 0..2 {
        house.chat_by(broken(), &chat(r#","max_tokens":5000"#)).await;
    }
    house.upstream.count("5.04");
    house.settles_at(10_000_000 + 2 * 30_000_000).await;
    // No new control point.
    house.upstream.count("null");
    house.chat_by(broken(), &chat(r#","max_tokens":5000"#)).await;
    house.upstream.count("5.07");
    until("all is resolved", || house.admission.unknown_holds().is_empty()).await;
    let entry = last_entry(&house).await;
    assert_eq!(
        entry.evidence,
        Evidence::Attributed,
        "one of the two was free, and this one may be the other bill"
    );
    assert!(entry.cost >= Nano::from_cents(3), "{}", entry.cost);
    house.end().await;
}

#[tokio::test]
async fn a_cost_raised_since_explains_no_bill_that_came_after_it() {
    let setup = Setup::new().with(|config| quick(&mut config.evidence));
    let house = setup.with(|config| config.evidence.recheck_after = ms(2_000)).open().await;
    baseline(&house, "5.01").await;
    let refused = reply(
        "400 Bad Request",
        "x-generation-id: gen-late\r\n",
        r#"{"error":{"code":400,"message":"bad"}}"#,
    );
    let points = house.counter("control_points");
    house.chat_by(refused, &chat("")).await;
    house.upstream.tell("gen-late", r#""total_cost":0.03"#);
    house.upstream.count("5.04");
    until("a control point", || house.counter("control_points") > points).await;
    house.settles_at(40_000_000).await;
    house.chat_by(broken(), &chat(r#","max_tokens":5000"#)).await;
    house.upstream.count("5.07");
    house.settles_at(70_000_000).await;
    assert_eq!(last_entry(&house).await.evidence, Evidence::Attributed);
    house.end().await;
}

#[tokio::test]
async fn never_more_than_its_bound() {
    let house = house().await;
    baseline(&house, "5.01").await;
    house.chat_by(broken(), &chat(r#","max_tokens":100"#)).await;
    let bound = house.admission.unknown_holds()[0].bound;
    house.upstream.count("5.9");
    house.settles_at(10_000_000 + bound.nanos()).await;
    house.end().await;
}

#[tokio::test]
async fn more_in_the_books_than_on_the_counter_proves_nothing() {
    let house = house().await;
    baseline(&house, "5.01").await;
    house.chat_by(broken(), &chat("")).await;
    house.upstream.count("5.0");
    until("drift is seen", || house.counter("drifts") == 1).await;
    house.comes_to("still charged", 10_000_000, 1).await;
    house.end().await;
}

#[tokio::test]
async fn a_counter_that_moves_or_cannot_be_read_proves_nothing() {
    let house = house().await;
    baseline(&house, "5.01").await;
    house.chat_by(broken(), &chat("")).await;
    for step in 0..12 {
        house.upstream.count(&format!("5.01{step:02}"));
        tokio::time::sleep(ms(100)).await;
    }
    house.comes_to("a moving counter", 10_000_000, 1).await;
    house.upstream.count("null");
    let asked = house.upstream.counted();
    until("the counter is asked for", || house.upstream.counted() > asked).await;
    house.comes_to("no counter", 10_000_000, 1).await;
    house.end().await;
}

#[tokio::test]
async fn without_a_control_point_nothing_is_resolved() {
    let house = house().await;
    house.upstream.count("5.01");
    house.chat_by(broken(), &chat("")).await;
    until("two looks", || house.upstream.counted() >= 2).await;
    tokio::time::sleep(ms(300)).await;
    house.comes_to("nothing to compare with", 0, 1).await;
    assert_eq!(house.counter("control_points"), 0);
    house.end().await;
}

#[tokio::test]
async fn a_refused_call_that_was_billed_after_all_is_an_overrun() {
    let house = house().await;
    let refused = reply(
        "400 Bad Request",
        "x-generation-id: gen-late\r\n",
        r#"{"error":{"code":400,"message":"bad"}}"#,
    );
    assert_eq!(house.chat_by(refused, &chat("")).await.status, 400);
    house.settles_at(0).await;
    house.upstream.tell("gen-late", r#""total_cost":0.03"#);
    house.settles_at(30_000_000).await;
    let entry = last_entry(&house).await;
    assert_eq!((entry.evidence, entry.overrun), (Evidence::Generation, Nano::from_cents(3)));
    until("it is counted", || house.counter("rechecked") == 1 && house.counter("corrected") == 1).await;
    assert!(house.gateway.honesty().is_empty(), "within its hold");
    house.end().await;
}

#[tokio::test]
async fn a_void_is_asked_for_once() {
    let house = house().await;
    let refused = || {
        reply("400 Bad Request", "x-generation-id: gen-no\r\n", r#"{"error":{"code":400,"message":"bad"}}"#)
    };
    house.chat_by(refused(), &chat("")).await;
    let asked = || house.upstream.calls(|call| call.target.contains("gen-no")).len();
    until("it is asked for", || asked() == 1).await;
    tokio::time::sleep(ms(600)).await;
    assert_eq!((asked(), house.posted()), (1, 0));
    house.end().await;
}

#[tokio::test]
async fn the_next_process_asks_for_what_was_voided_before() {
    let house = Setup::new().open().await;
    let refused = reply(
        "400 Bad Request",
        "x-generation-id: gen-late\r\n",
        r#"{"error":{"code":400,"message":"bad"}}"#,
    );
    house.chat_by(refused, &chat("")).await;
    house.settles_at(0).await;
    let again =
        Setup::new().with(|config| config.evidence.recheck_after = ms(2_000)).open_again(house.crash()).await;
    again.upstream.tell("gen-late", r#""total_cost":0.03"#);
    again.settles_at(30_000_000).await;
}

#[test]
fn the_defaults_are_those_of_the_default_file() {
    let rules = EvidenceRules::default();
    assert_eq!(rules.counter_resolution, Exact::parse_ceil("0.00000001").expect("an amount"));
}
