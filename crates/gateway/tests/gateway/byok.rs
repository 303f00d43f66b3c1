//! Keys of the account's own at providers (BYOK), for which OpenRouter takes a fee on top.

use money::Nano;
use serde_json::json;

use crate::support::upstream::{answer_body, reply};
use crate::support::{Answer, House, Script, Setup, chat, ms, until};

const CAP: &str = r#","max_tokens":100"#;
const FEE: &str = "OpenRouter's fee for keys of your own at providers (BYOK) may come on top";

fn held(answer: &Answer) -> i64 {
    let text = answer.header("x-farebox-held-max-usd").expect("a hold");
    Nano::parse_ceil(text).expect("an amount").nanos()
}

/// One call; what was held for it.
async fn call(house: &House, usage: &str) -> i64 {
    held(&house.chat_by(script(usage), &chat(CAP)).await)
}

fn script(usage: &str) -> Script {
    reply("200 OK", "", &answer_body("gen-k", usage))
}

fn with_fee(held: i64) -> i64 {
    (held * 105 + 99) / 100
}

#[tokio::test]
async fn the_first_answer_that_shows_one_enlarges_what_is_held() {
    let house = Setup::new().limit(Nano::from_cents(1_000)).open().await;
    let plain = call(&house, r#"{"cost":0.00001,"is_byok":false}"#).await;
    // The provider's part fills the hold, and the fee on top of it was not known of: booked, and no fault of anybody's.
    let (provider, fee) = (Nano::from_nanos(plain), Nano::from_nanos(with_fee(plain) - plain));
    let byok =
        format!(r#"{{"cost":{fee},"is_byok":true,"cost_details":{{"upstream_inference_cost":{provider}}}}}"#);
    assert_eq!(call(&house, &byok).await, plain);
    until("an overrun", || house.counter("overruns") == 1).await;
    assert_eq!(house.gateway.honesty(), []);
    assert_eq!(call(&house, &byok).await, with_fee(plain));
    house.comes_to("everything", 10_000 + 2 * with_fee(plain), 0).await;
    assert_eq!(house.counter("overruns"), 1, "the fee is held for");
    // What is known is in the hold, and leaves no room beyond it.
    let more = Nano::from_nanos(with_fee(plain) - plain + 1);
    let byok = format!(
        r#"{{"cost":{more},"is_byok":true,"cost_details":{{"upstream_inference_cost":{provider}}}}}"#
    );
    call(&house, &byok).await;
    until("a finding", || house.gateway.honesty().iter().any(|row| row.overruns == 1)).await;
    let bound = house.gateway.explanations(1).remove(0)["bound"].clone();
    assert!(bound["why_not_proven"].as_array().is_some_and(|why| why.contains(&json!(FEE))), "{bound}");
    house.end().await;
}

#[tokio::test]
async fn more_than_the_fee_is_the_providers_fault() {
    let house = Setup::new().limit(Nano::from_cents(1_000)).open().await;
    let plain = call(&house, r#"{"cost":0}"#).await;
    let (provider, fee) = (Nano::from_nanos(plain), Nano::from_nanos(with_fee(plain) - plain + 1));
    call(
        &house,
        &format!(
            r#"{{"cost":{fee},"is_byok":true,"cost_details":{{"upstream_inference_cost":{provider}}}}}"#
        ),
    )
    .await;
    until("a finding", || house.gateway.honesty().iter().any(|row| row.overruns == 1)).await;
    house.end().await;
}

#[tokio::test]
async fn the_counter_of_a_quiet_key_shows_them_too() {
    let house = Setup::new()
        .limit(Nano::from_cents(1_000))
        .with(|config| config.evidence.quiet_after = ms(150))
        .open()
        .await;
    house.upstream.count_with_byok("0.5", "0");
    let plain = call(&house, r#"{"cost":0}"#).await;
    let points = house.counter("control_points");
    until("a control point", || house.counter("control_points") > points).await;
    house.upstream.count_with_byok("0.5", "0.25");
    assert_eq!(call(&house, r#"{"cost":0}"#).await, plain);
    let points = house.counter("control_points");
    until("a control point", || house.counter("control_points") > points).await;
    assert_eq!(call(&house, r#"{"cost":0}"#).await, with_fee(plain));
    house.end().await;
}

#[tokio::test]
async fn who_says_so_is_held_for_it_from_the_first_call() {
    let plain = Setup::new().open().await;
    let always = Setup::new().with(|config| config.bounds.byok = true).open().await;
    let usage = r#"{"cost":0}"#;
    assert_eq!(call(&always, usage).await, with_fee(call(&plain, usage).await));
    plain.end().await;
    always.end().await;
}
