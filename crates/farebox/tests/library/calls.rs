//! What a call tells the program, and what cannot be opened or sent.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use farebox::config::Layer;
use farebox::{Call, Error, Farebox, Nano, OpenError, Outcome, RefusalReason, Secret};
use sandbox::Config;
use serde_json::{Value, json};

use crate::support::{self, KEY, MODEL};

#[tokio::test]
async fn a_completion_with_its_cost() {
    let sandbox = support::sandbox(Config::default()).await;
    let data = tempfile::tempdir().unwrap();
    let house = support::builder(data.path(), &support::url(&sandbox)).budget("1/day").open().await.unwrap();
    let done = house.chat(Call::from(support::body("hello", 200)).user("alice").app("Test")).await.unwrap();
    let generations = support::generations(&support::http(), &sandbox).await;
    assert_eq!(generations, [(done.generation.clone().unwrap(), done.cost.unwrap())]);
    assert_eq!(done.json().unwrap()["object"], "chat.completion");
    assert!(!done.text().unwrap_or_default().is_empty());
    assert_eq!(done.receipt.outcome(), Outcome::Settled(done.cost.unwrap()));
    assert!(done.receipt.held() >= done.cost.unwrap());
    assert_eq!(done.balance().unwrap().name.budget, "day");
    assert_eq!((done.receipt.model(), done.clamped()), (MODEL, None));
    let last = house.explain_last().unwrap();
    assert_eq!(last["request"].as_str(), Some(done.receipt.request()));
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_stream_with_its_cost_at_the_end() {
    let sandbox = support::sandbox(Config::default()).await;
    let data = tempfile::tempdir().unwrap();
    let house = support::builder(data.path(), &support::url(&sandbox)).budget("1/day").open().await.unwrap();
    let mut events = house.chat_stream(support::stream("hello", 200)).await.unwrap();
    let mut text = String::new();
    while let Some(event) = events.next().await {
        let event: Value = serde_json::from_slice(&event.unwrap()).unwrap();
        text += event["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
    }
    assert!(!text.is_empty());
    let generations = support::generations(&support::http(), &sandbox).await;
    assert_eq!(generations, [(events.generation().unwrap().to_owned(), events.cost().unwrap())]);
    assert!(events.next().await.is_none(), "the end stays the end");
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_cap_is_lowered_to_fit_the_money() {
    let sandbox = support::sandbox(Config::default()).await;
    let data = tempfile::tempdir().unwrap();
    let house = support::builder(data.path(), &support::url(&sandbox)).budget("0.003").clamp_min(Some(16));
    let house = house.open().await.unwrap();
    house.refresh_prices(&[MODEL]).await.unwrap();
    let done = house.chat(support::body("hello", 16_000)).await.unwrap();
    let (asked, sent) = done.clamped().unwrap();
    assert_eq!(asked, 16_000);
    assert!(sent < asked && sent >= 16, "{sent}");
    house.close().await.unwrap();
}

#[tokio::test]
async fn the_call_brings_the_key_that_pays() {
    let sandbox = support::sandbox(Config::default()).await;
    let data = tempfile::tempdir().unwrap();
    let house = Farebox::builder().data(data.path()).upstream(support::url(&sandbox)).budget("1/day");
    let house = house.open().await.unwrap();
    let Err(Error::Invalid { code, .. }) = house.chat(support::body("hello", 20)).await else { panic!() };
    assert_eq!(code, "no-key");
    let call = Call::from(support::body("hello", 20)).key(&Secret::new(KEY));
    house.chat(call).await.unwrap();
    house.close().await.unwrap();
}

#[tokio::test]
async fn errors_say_what_became_of_the_money() {
    let data = tempfile::tempdir().unwrap();
    // Nobody listens on port 1.
    let house =
        support::builder(data.path(), "http://127.0.0.1:1/api/v1").budget("1/day").open().await.unwrap();
    let error = house.chat(support::body("hello", 20)).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    assert_eq!(error.outcome(), Some(Outcome::Voided));
    assert!(error.passes_by_itself());
    let balance = house.balances().remove(0);
    assert_eq!((balance.posted, balance.held, balance.unknown), (Nano::ZERO, Nano::ZERO, Nano::ZERO));
    let fused = json!({"model": MODEL, "messages": [], "plugins": [{"id": "fusion"}]});
    let error = house.chat(fused).await.unwrap_err();
    assert!(matches!(&error, Error::Unbounded { code, .. } if code == "plugin"), "{error:?}");
    assert!(!error.passes_by_itself());
    house.close().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_opened() {
    let data = tempfile::tempdir().unwrap();
    let builder = || Farebox::builder().data(data.path());
    assert!(matches!(builder().open().await, Err(OpenError::NoBudget)));
    assert!(matches!(builder().budget("ten/day").open().await, Err(OpenError::Config(_))));
    assert!(matches!(
        builder().budget("1").upstream_key("two words").open().await,
        Err(OpenError::Config(_))
    ));
    assert!(matches!(builder().budget("1").upstream("nowhere").open().await, Err(OpenError::Upstream(_))));
    let file = data.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(Farebox::builder().data(&file).budget("1").open().await, Err(OpenError::Folder { .. })));
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let mut opening = pin!(Farebox::builder().budget("1").open());
    let polled = opening.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(Err(OpenError::NoRuntime))));
}

#[tokio::test]
async fn the_same_file_as_the_gateway() {
    let sandbox = support::sandbox(Config::default()).await;
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("farebox.toml");
    let text = "[[budget]]\nname = \"team\"\nlimit = \"2.50\"\nwindow = \"week\"\n[limits]\nper_request = \"0.000001\"\n";
    std::fs::write(&file, text).unwrap();
    let config = farebox::Config::load(Layer::default(), Some(file)).unwrap();
    let house = Farebox::builder().config(config).data(data.path().join("books"));
    let house = house.upstream(support::url(&sandbox)).upstream_key(KEY).open().await.unwrap();
    assert_eq!(house.balances()[0].name.budget, "team");
    let refused = house.chat(support::body("hello", 16_000)).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_refusal_is_a_value() {
    let sandbox = support::sandbox(Config::default()).await;
    let data = tempfile::tempdir().unwrap();
    let house = support::builder(data.path(), &support::url(&sandbox)).budget("0.02").open().await.unwrap();
    let least = Nano::from_nanos(1_000);
    let call = Call::from(support::body("too dear", 20_000)).max_cost(least);
    let Err(Error::Refused(refusal)) = house.chat(call).await else { panic!("it passed") };
    assert_eq!(refusal.reason, RefusalReason::PerRequest);
    assert!(refusal.needed.unwrap() > least);
    let dear = json!({"model": "anthropic/claude-haiku-4.5", "messages": [{"role": "user", "content": "x"}]});
    let Err(Error::Refused(refusal)) = house.chat(dear.clone()).await else { panic!("it passed") };
    assert_eq!((refusal.reason, refusal.budget()), (RefusalReason::UsedUp, Some("lifetime")));
    assert!(refusal.needed.unwrap() > refusal.balance.as_ref().unwrap().available);
    assert!(refusal.sentence.contains("budget 'lifetime' allows $0.02 in all"), "{}", refusal.sentence);
    let explained = house.explain_last().unwrap();
    let (outcome, request) = (explained["outcome"].as_str(), explained["request"].as_str());
    assert_eq!((outcome, request), (Some("refused"), refusal.request.as_deref()));
    // What it says would fit, fits.
    let mut fits = dear.clone();
    fits["max_tokens"] = refusal.fitting_cap.unwrap().into();
    house.chat(fits).await.unwrap();
    let other = refusal.would_fit.first().unwrap();
    let instead = json!({"model": other.model, "messages": dear["messages"], "max_tokens": 16});
    house.chat(instead).await.unwrap();
    house.close().await.unwrap();
}
