//! Prompts that only fit once they are counted, and who may be held by a count.

use std::time::Duration;

use money::Nano;
use sandbox::{Config, Sandbox};
use serde_json::{Value, json};

use crate::support::client::post_with;
use crate::support::upstream::{answer_body, reply};
use crate::support::{Answer, House, MODEL, Script, Setup, asking, until};

const COUNTED: &str = "the prompt was counted with the model's published tokenizer";
const PROSE: &str = "Every morning the miller counted his sacks twice, and wrote the sum upon the door. ";
const GPT: &str = "openai/gpt-4o-mini";
const CAP: &str = r#","max_tokens":100"#;
/// Repeated so often, 41,500 bytes: at most 0.0063 USD at 0.15 per million; 9,000 tokens and the template 0.0014.
const LONG: usize = 500;

/// A house with the prices built in (gpt-4o-mini: 0.15 and 0.60 USD per million) and so much money.
async fn house(limit: i64, change: impl FnOnce(&mut gateway::Config)) -> House {
    let mut setup = Setup::new().limit(Nano::from_nanos(limit)).with(change);
    setup.priced = false;
    setup.config.prices_age_max = Duration::from_secs(100 * 365 * 24 * 3600);
    setup.open().await
}

/// A house in which OpenAI has been seen to count as its tokenizer does, for prompts of 6 KB.
async fn seen(limit: i64) -> House {
    let house = house(limit, |_| {}).await;
    for _ in 0..3 {
        tell(&house, 1_200).await;
    }
    counts(&house, true).await;
    house
}

/// An answer of OpenAI's that tells so many prompt tokens, and costs nothing.
fn told(tokens: u64) -> Script {
    told_of(GPT, tokens)
}

fn told_of(model: &str, tokens: u64) -> Script {
    let usage = format!(r#"{{"prompt_tokens":{tokens},"completion_tokens":1,"cost":0}}"#);
    reply("200 OK", "", &answer_body("gen-c", &usage).replace(MODEL, model))
}

/// One call of 6 KB, of which the tokenizer makes 1,260 tokens, whose answer tells so many.
async fn tell(house: &House, tokens: u64) -> Answer {
    house.chat_by(told(tokens), &body(GPT, &PROSE.repeat(70), CAP)).await
}

fn body(model: &str, prompt: &str, more: &str) -> String {
    asking(model, more).replace(r#""hi""#, &Value::from(prompt).to_string())
}

fn is_counted(house: &House) -> bool {
    let bound = house.gateway.explanations(1).remove(0)["bound"].clone();
    bound["why_not_proven"].as_array().is_some_and(|why| why.contains(&json!(COUNTED)))
}

/// Ends when a prompt that fits only counted below three tenths of a cent passes, or does not: answers are looked at
/// beside the requests.
async fn counts(house: &House, expected: bool) {
    counts_below(house, "0.003", expected).await;
}

async fn counts_below(house: &House, usd: &str, expected: bool) {
    let ceiling = format!("x-farebox-max-cost-usd: {usd}\r\n");
    let ask = post_with(&ceiling, &body(GPT, &PROSE.repeat(LONG), CAP));
    for _ in 0..400 {
        house.upstream.next(told(9_001));
        let passes = house.client().await.ask(ask.clone()).await.status == 200;
        house.upstream.forget_scripts();
        if passes == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("counted: {}, {:?}", !expected, house.gateway.honesty());
}

#[tokio::test]
async fn a_prompt_that_fits_only_counted() {
    let house = seen(3_000_000).await;
    let prompt = PROSE.repeat(LONG);
    let answer = house.chat(&body(GPT, &prompt, CAP)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(is_counted(&house) && house.counter("counted") > 0);
    let sent = house.upstream.chats().pop().unwrap().json();
    assert_eq!(sent["messages"][0]["content"], prompt, "what is counted is sent as it came");
    assert_eq!(sent["max_tokens"], 100, "nothing was clamped");
    assert_eq!(sent["provider"]["only"], json!(["openai"]), "nobody else, whoever comes to serve it");
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_chain_is_held_for_by_its_bytes() {
    let house = seen(3_000_000).await;
    // Cheaper, and seen by nobody.
    let chain = r#","max_tokens":100,"models":["openai/gpt-4.1-nano"]"#;
    let answer = house.chat(&body(GPT, &PROSE.repeat(LONG), chain)).await;
    assert_eq!(answer.status, 402, "{}", answer.text());
    counts(&house, true).await;
    house.end().await;
}

#[tokio::test]
async fn a_count_spares_a_refusal() {
    // 0.0063 for the bytes leave too little for 4,096 tokens of answer; counted, 8,192 fit.
    let house = seen(8_000_000).await;
    let answer = house.chat(&body(GPT, &PROSE.repeat(LONG), r#","max_tokens":8192"#)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(is_counted(&house));
    assert_eq!(answer.header("x-farebox-clamped"), None);
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn an_eighth_more_than_the_count_is_held() {
    let house = seen(100_000_000).await;
    // 9,001 tokens and the template's 268 at 0.15 per million, and 100 of answer, are 0.00145; with an eighth 0.00162.
    counts_below(&house, "0.00160", false).await;
    counts_below(&house, "0.00165", true).await;
    house.end().await;
}

#[tokio::test]
async fn where_nobody_who_was_seen_is_there_bytes_are_held() {
    let house = seen(3_000_000).await;
    let nobody = reply("404 Not Found", "", r#"{"error":{"code":404,"message":"No endpoints found"}}"#);
    let refused = house.chat_by(nobody, &body(GPT, &PROSE.repeat(LONG), CAP)).await;
    assert_eq!((refused.status, refused.reason()), (402, "used-up"), "{}", refused.text());
    house.end().await;
}

#[tokio::test]
async fn who_serves_although_others_are_named_ends_the_belief() {
    let house = seen(3_000_000).await;
    let usage = r#"{"prompt_tokens":9001,"completion_tokens":1,"cost":0}"#;
    let body_of =
        |provider: &str| answer_body("gen-c", usage).replace("OpenAI", provider).replace(MODEL, GPT);
    let served = reply("200 OK", "", &body_of("Azure"));
    assert_eq!(house.chat_by(served, &body(GPT, &PROSE.repeat(LONG), CAP)).await.status, 200);
    counts(&house, false).await;
    for _ in 0..3 {
        tell(&house, 1_200).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    counts(&house, false).await;
    house.end().await;
}

#[tokio::test]
async fn texts_unlike_those_that_were_seen_are_held_for_by_their_bytes() {
    let house = seen(3_000_000).await;
    // A table that is padded has more bytes to a token; other letters are counted by other rules.
    for prompt in
        [format!("total{}7\n", " ".repeat(60)).repeat(600), PROSE.replace('e', "\u{0907}").repeat(200)]
    {
        let refused = house.chat(&body(GPT, &prompt, CAP)).await;
        assert_eq!(refused.status, 402, "{}", refused.text());
    }
    counts(&house, true).await;
    house.end().await;
}

#[tokio::test]
async fn what_can_be_clamped_is_not_counted() {
    let house = seen(9_500_000).await;
    let answer = house.chat(&body(GPT, &PROSE.repeat(LONG), r#","max_tokens":8192"#)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!is_counted(&house) && answer.header("x-farebox-clamped").is_some());
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn what_passes_by_its_bytes_is_not_counted() {
    let house = seen(100_000_000).await;
    assert_eq!(house.chat(&body(GPT, &PROSE.repeat(LONG), CAP)).await.status, 200);
    assert!(!is_counted(&house));
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn what_cannot_be_counted_is_bounded_by_its_bytes() {
    let house = seen(3_000_000).await;
    let long = PROSE.repeat(LONG);
    let sent = house.upstream.chats().len();
    for (model, prompt, more) in [
        ("anthropic/claude-sonnet-4.5", long.as_str(), CAP),
        (GPT, long.as_str(), r#","max_tokens":100,"models":["anthropic/claude-haiku-4.5"]"#),
        (GPT, long.as_str(), r#","max_tokens":100,"models":["openai/gpt-4.1-nano"]"#),
        ("openai/gpt-4.1-nano", long.as_str(), CAP),
        (GPT, &PROSE.repeat(LONG), r#","max_tokens":100,"provider":{"only":["azure"]}"#),
    ] {
        let refused = house.chat(&body(model, prompt, more)).await;
        assert_eq!(refused.status, 402, "{model}: {}", refused.text());
        assert!(!is_counted(&house), "{model}");
    }
    assert_eq!(house.upstream.chats().len(), sent);
    house.end().await;
}

#[tokio::test]
async fn a_count_that_does_not_help_is_refused_all_the_same() {
    let house = seen(3_000_000).await;
    // Too dear without any prompt, clamped too, and with the prompt as it is counted.
    for (cap, choices) in [(4_000, 2), (60_000, 2), (3_000, 1)] {
        let more = format!(r#","max_tokens":{cap},"n":{choices}"#);
        let refused = house.chat(&body(GPT, &PROSE.repeat(LONG), &more)).await;
        assert_eq!((refused.status, refused.reason()), (402, "used-up"), "{}", refused.text());
    }
    house.end().await;
}

#[tokio::test]
async fn nobody_is_believed_before_answers_were_seen() {
    let off = |config: &mut gateway::Config| config.count_prompts = false;
    let (waiting, off) = (house(3_000_000, |_| {}).await, house(3_000_000, off).await);
    for (house, answers, then) in [(waiting, 2, true), (off, 4, false)] {
        for _ in 0..answers {
            counts(&house, false).await;
            tell(&house, 1_200).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        counts(&house, false).await;
        tell(&house, 1_200).await;
        counts(&house, then).await;
        house.end().await;
    }
}

#[tokio::test]
async fn who_counts_bytes_is_never_believed() {
    let house = house(3_000_000, |_| {}).await;
    for _ in 0..4 {
        assert_eq!(tell(&house, 5_800).await.status, 200);
    }
    let found = || house.gateway.honesty().first().is_some_and(|row| row.counts_broken == 4);
    until("the register", found).await;
    // From now on as it should be, too late.
    for _ in 0..4 {
        tell(&house, 1_200).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    counts(&house, false).await;
    let row = house.gateway.honesty().remove(0);
    assert_eq!((row.model.as_str(), row.provider.as_str(), row.overruns), (GPT, "OpenAI", 0));
    house.end().await;
}

#[tokio::test]
async fn who_begins_to_count_more_is_believed_no_more() {
    let house = seen(3_000_000).await;
    // The tokenizer's 9,000 and a hundredth, and the template's slack.
    assert_eq!(house.chat_by(told(9_500), &body(GPT, &PROSE.repeat(LONG), CAP)).await.status, 200);
    counts(&house, false).await;
    assert_eq!(house.gateway.honesty()[0].counts_broken, 1);
    let gateway = house.gateway.clone();
    let clearing = tokio::task::spawn_blocking(move || gateway.clear_honesty(GPT, None));
    assert_eq!(clearing.await.expect("no panic").expect("books").len(), 1);
    counts(&house, false).await;
    for _ in 0..3 {
        tell(&house, 1_200).await;
    }
    counts(&house, true).await;
    house.end().await;
}

#[tokio::test]
async fn numbers_that_say_nothing_are_no_evidence() {
    let house = house(3_000_000, |_| {}).await;
    for _ in 0..4 {
        // Fewer than any tokenizer could make of it; of another model, and of none that we know; more than an eighth too
        // many, though within what a template may add; what may have been shortened; and thoughts that may be left out.
        tell(&house, 1_000).await;
        for model in ["openai/gpt-4.1-nano", MODEL] {
            house.chat_by(told_of(model, 1_200), &body(GPT, &PROSE.repeat(70), CAP)).await;
        }
        house.chat_by(told(400), &body(GPT, &PROSE.repeat(15), CAP)).await;
        let more = r#","max_tokens":100,"transforms":["middle-out"]"#;
        house.chat_by(told(1_200), &body(GPT, &PROSE.repeat(70), more)).await;
        let thought =
            format!(r#""role":"assistant","reasoning":{},"content""#, Value::from(PROSE.repeat(50)));
        let odd = body(GPT, &PROSE.repeat(20), CAP).replacen(r#""role":"user","content""#, &thought, 1);
        house.chat_by(told(1_200), &odd).await;
    }
    assert_eq!(house.upstream.chats().len(), 24, "all of them were sent");
    tokio::time::sleep(Duration::from_millis(300)).await;
    counts(&house, false).await;
    for _ in 0..3 {
        tell(&house, 1_200).await;
    }
    counts(&house, true).await;
    house.end().await;
}

/// Whether a prompt that fits only counted passes within so many calls of six kilobytes each, at a sandbox.
async fn comes_to_be_counted(adversarial: bool, calls: usize) -> bool {
    let config = Config { adversarial, ..Config::default() };
    let sandbox =
        Sandbox::start("127.0.0.1:0".parse().expect("an address"), config).await.expect("a sandbox");
    let base = Some(format!("http://{}/api/v1", sandbox.addr()));
    let setup = Setup::new().limit(Nano::from_cents(10_000));
    let house = Setup { priced_there: true, base, ..setup }.open().await;
    let long = post_with("x-farebox-max-cost-usd: 0.003\r\n", &body(GPT, &PROSE.repeat(LONG), CAP));
    let mut passed = false;
    for _ in 0..calls {
        assert_eq!(house.chat(&body(GPT, &PROSE.repeat(70), CAP)).await.status, 200);
        tokio::time::sleep(Duration::from_millis(50)).await;
        passed = house.client().await.ask(long.clone()).await.status == 200;
        if passed {
            break;
        }
    }
    until("everything settled", || house.books().held == Nano::ZERO).await;
    assert_eq!((house.counter("overruns"), passed), (0, house.counter("counted") > 0));
    let broken: u64 = house.gateway.honesty().iter().map(|row| row.counts_broken).sum();
    assert_eq!(broken > 0, adversarial);
    house.end().await;
    passed
}

#[tokio::test]
async fn at_the_sandbox_who_counts_right_is_believed() {
    assert!(comes_to_be_counted(false, 100).await);
}

#[tokio::test]
async fn at_the_sandbox_who_counts_bytes_is_not() {
    assert!(!comes_to_be_counted(true, 12).await);
}
