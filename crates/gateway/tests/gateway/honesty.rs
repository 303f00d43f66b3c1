//! The honesty register: providers that bill above their holds, ignore caps, or bill what was cancelled.

use gateway::OnOverrun;
use money::Nano;
use serde_json::Value;

use crate::support::upstream::{answer_body, content, piece, reply, stream_head};
use crate::support::{Answer, House, Script, Setup, Step, chat, post, until};

/// A fixed cap, so that holds can be compared.
const CAP: &str = r#","max_tokens":1000"#;

async fn house(policy: OnOverrun, twice: bool) -> House {
    let setup = Setup::new().limit(Nano::from_cents(1_000)).with(|config| config.on_overrun = policy);
    Setup { twice, ..setup }.open().await
}

/// An answer of OpenAI's with this usage.
fn usage(usage: &str) -> Script {
    reply("200 OK", "", &answer_body("gen-h", usage))
}

fn held(answer: &Answer) -> i64 {
    let text = answer.header("x-farebox-held-max-usd").expect("a hold");
    Nano::parse_ceil(text).expect("an amount").nanos()
}

/// One call that is billed at one and a half times its hold, rounded up; what was held.
async fn overrun(house: &House) -> i64 {
    let plain = held(&house.chat_by(usage(r#"{"cost":0}"#), &chat(CAP)).await);
    let cost = Nano::from_nanos((plain * 3 + 1) / 2);
    let answer = house.chat_by(usage(&format!(r#"{{"cost":{cost}}}"#)), &chat(CAP)).await;
    assert_eq!(held(&answer), plain);
    plain
}

fn last_explanation(house: &House) -> Value {
    house.gateway.explanations(1).pop().expect("an explanation")
}

#[tokio::test]
async fn the_next_holds_of_an_only_provider_grow() {
    let house = house(OnOverrun::Guard, false).await;
    let plain = overrun(&house).await;
    let row = house.gateway.honesty().pop().expect("a row");
    assert_eq!((row.model.as_str(), row.provider.as_str(), row.overruns), ("test/plain", "OpenAI", 1));
    assert_eq!((row.overrun.nanos(), row.worst_percent), ((plain * 3 + 1) / 2 - plain, 150));
    let larger = house.chat_by(usage(r#"{"cost":0}"#), &chat(CAP)).await;
    assert_eq!(held(&larger), (plain * 3 + 1) / 2, "one and a half times, rounded up");
    let told = last_explanation(&house);
    assert_eq!(told["bound"]["enlarged"], serde_json::json!({"times": "1.500", "for": "OpenAI"}));
    assert_eq!(told["bound"]["class"], "published");
    let sum: i64 = told["bound"]["terms"].as_array().expect("terms").iter().map(nanos).sum();
    assert_eq!(sum, held(&larger), "the terms add up");
    assert_eq!(clear(&house, "test/plain", None).await, 1);
    assert_eq!(held(&house.chat_by(usage(r#"{"cost":0}"#), &chat(CAP)).await), plain, "trusted anew");
    house.end().await;
}

async fn clear(house: &House, model: &'static str, provider: Option<&'static str>) -> usize {
    let gateway = house.gateway.clone();
    let clearing = tokio::task::spawn_blocking(move || gateway.clear_honesty(model, provider));
    clearing.await.expect("no panic").expect("books").len()
}

fn nanos(term: &Value) -> i64 {
    Nano::parse_ceil(term["usd"].as_str().expect("an amount")).expect("an amount").nanos()
}

#[tokio::test]
async fn an_only_provider_is_refused_from_the_third_overrun_on() {
    let house = house(OnOverrun::Guard, false).await;
    for cost in ["0.5", "1", "2"] {
        let answer = house.chat_by(usage(&format!(r#"{{"cost":{cost}}}"#)), &chat(CAP)).await;
        assert_eq!(answer.status, 200, "{cost}: {}", answer.text());
        assert_eq!(clear(&house, "test/nobody", None).await, 0);
    }
    let sent = house.upstream.chats().len();
    let refused = house.chat(&chat(CAP)).await;
    assert_eq!((refused.status, refused.reason()), (402, "broken_word"), "{}", refused.text());
    assert!(refused.message().contains("farebox honesty clear test/plain"), "{}", refused.message());
    assert_eq!(house.upstream.chats().len(), sent, "nothing was sent");
    assert_eq!(house.posted(), 3_500_000_000, "every overrun is booked in full");
    assert_eq!(clear(&house, "test/plain", Some("openai")).await, 1);
    assert_eq!(house.chat(&chat(CAP)).await.status, 200);
    house.end().await;
}

#[tokio::test]
async fn the_next_process_knows_it_too() {
    let house = house(OnOverrun::Guard, false).await;
    overrun(&house).await;
    let before = house.gateway.honesty();
    let again = Setup::new().open_again(house.crash()).await;
    assert_eq!(again.gateway.honesty(), before);
    assert!(last_held(&again).await > 0);
    assert_eq!(last_explanation(&again)["bound"]["enlarged"]["for"], "OpenAI");
    again.end().await;
}

async fn last_held(house: &House) -> i64 {
    held(&house.chat_by(usage(r#"{"cost":0}"#), &chat(CAP)).await)
}

#[tokio::test]
async fn where_another_provider_remains_the_one_is_left_out() {
    let house = house(OnOverrun::Guard, true).await;
    let plain = overrun(&house).await;
    let answer = house.chat(&chat(CAP)).await;
    assert_eq!(held(&answer), plain, "the other one is trusted");
    let sent = house.upstream.chats().pop().expect("a call").json();
    assert_eq!(sent["provider"]["ignore"], serde_json::json!(["openai"]));
    // It serves it all the same: then nothing is left out, and the hold grows.
    house.chat_by(usage(r#"{"cost":0.2}"#), &chat(CAP)).await;
    let answer = house.chat(&chat(CAP)).await;
    assert!(held(&answer) >= 200_000_000, "{}", held(&answer));
    house.chat_by(usage(r#"{"cost":5}"#), &chat(CAP)).await;
    assert_eq!(house.chat(&chat(CAP)).await.reason(), "broken_word");
    house.end().await;
}

#[tokio::test]
async fn what_is_done_about_overruns_can_be_said() {
    let refuse = house(OnOverrun::Refuse, false).await;
    overrun(&refuse).await;
    assert_eq!(refuse.chat(&chat(CAP)).await.reason(), "broken_word");
    refuse.end().await;
    let show = house(OnOverrun::Show, false).await;
    let plain = overrun(&show).await;
    assert_eq!(held(&show.chat(&chat(CAP)).await), plain);
    assert_eq!(show.gateway.honesty()[0].overruns, 1);
    show.end().await;
}

#[tokio::test]
async fn caps_and_missing_costs_are_counted_and_change_nothing() {
    let house = house(OnOverrun::Guard, false).await;
    let tokens = |count: u64| format!(r#"{{"prompt_tokens":1,"completion_tokens":{count},"cost":0.001}}"#);
    let plain = held(&house.chat_by(usage(&tokens(1_000)), &chat(CAP)).await);
    assert!(house.gateway.honesty().is_empty(), "a cap that is reached is kept");
    house.chat_by(usage(&tokens(2_000)), &chat(r#","max_tokens":1000,"n":2"#)).await;
    assert!(house.gateway.honesty().is_empty(), "a cap for each of two answers");
    house.chat_by(usage(&tokens(1_001)), &chat(CAP)).await;
    house.upstream.tell("gen-h", r#""total_cost":0.001"#);
    house.chat_by(usage(r#"{"prompt_tokens":1}"#), &chat(CAP)).await;
    let row = house.gateway.honesty().pop().expect("a row");
    assert_eq!((row.caps_broken, row.usage_missing, row.overruns), (1, 1, 0));
    assert_eq!(held(&house.chat_by(usage(r#"{"cost":0}"#), &chat(CAP)).await), plain);
    house.settles_at(4_000_000).await;
    house.end().await;
}

/// A client that leaves a stream, which comes out at this in the end.
async fn leave(house: &House, id: &str, data: &str) {
    let gone = house.counter("clients_gone");
    house.upstream.next(vec![stream_head(id), piece(&content(id, "OpenAI")), Step::Hang]);
    let mut client = house.client().await;
    assert!(client.send(post(&chat(r#","stream":true,"max_tokens":100"#))).await);
    client.read_past("\"hel\"").await;
    drop(client);
    until("the leaving to be seen", || house.counter("clients_gone") == gone + 1).await;
    house.upstream.tell(id, data);
}

#[tokio::test]
async fn a_provider_that_bills_what_was_cancelled_is_read_on() {
    let house = House::new().await;
    leave(
        &house,
        "gen-0",
        r#""total_cost":0.001,"cancelled":true,"native_tokens_completion":7,"provider_name":"OpenAI""#,
    )
    .await;
    house.settles_at(1_000_000).await;
    assert!(house.gateway.honesty().is_empty(), "it kept its word");
    for (id, data) in [
        ("gen-1", r#""total_cost":0.001,"cancelled":false,"provider_name":"OpenAI""#),
        (
            "gen-2",
            r#""total_cost":0.001,"cancelled":true,"native_tokens_completion":100,"provider_name":"OpenAI""#,
        ),
        (
            "gen-3",
            r#""total_cost":0.001,"cancelled":null,"native_tokens_completion":"100","provider_name":"OpenAI""#,
        ),
    ] {
        let aborted = house.upstream.aborted();
        leave(&house, id, data).await;
        until("an abort", || house.upstream.aborted() == aborted + 1).await;
        until("the cost", || house.admission.unknown_holds().is_empty() && house.books().held == Nano::ZERO)
            .await;
    }
    assert_eq!(house.gateway.honesty()[0].cancels_broken, 3);
    let aborted = house.upstream.aborted();
    leave(&house, "gen-4", r#""total_cost":0.001"#).await;
    assert!(house.books().held > Nano::ZERO, "read on");
    assert_eq!(house.upstream.aborted(), aborted, "and not aborted");
    drop(house);
}
