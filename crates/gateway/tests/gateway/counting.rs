//! Prompts that only fit once they are counted.

use std::time::Duration;

use money::Nano;
use serde_json::{Value, json};

use crate::support::{House, Setup, asking};

const COUNTED: &str = "the prompt was counted with the model's published tokenizer";
const PROSE: &str = "Every morning the miller counted his sacks twice, and wrote the sum upon the door. ";
const GPT: &str = "openai/gpt-4o-mini";

/// A house with the prices built in (gpt-4o-mini: 0.15 and 0.60 USD per million) and so much money.
async fn house(limit: i64) -> House {
    let mut setup = Setup::new().limit(Nano::from_nanos(limit));
    setup.priced = false;
    setup.config.prices_age_max = Duration::from_secs(100 * 365 * 24 * 3600);
    setup.open().await
}

fn body(model: &str, prompt: &str, more: &str) -> String {
    asking(model, more).replace(r#""hi""#, &Value::from(prompt).to_string())
}

fn is_counted(house: &House) -> bool {
    let bound = house.gateway.explanations(1).remove(0)["bound"].clone();
    bound["why_not_proven"].as_array().is_some_and(|why| why.contains(&json!(COUNTED)))
}

#[tokio::test]
async fn a_prompt_that_fits_only_counted() {
    // 41,500 bytes are 0.0063 USD at most; 9,000 tokens and the template 0.0014.
    let prompt = PROSE.repeat(500);
    let house = house(3_000_000).await;
    let answer = house.chat(&body(GPT, &prompt, r#","max_tokens":100"#)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(is_counted(&house));
    let sent = house.upstream.chats().remove(0).json();
    assert_eq!(sent["messages"][0]["content"], prompt, "what is counted is sent as it came");
    assert_eq!(sent["max_tokens"], 100, "nothing was clamped");
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_count_spares_a_clamp() {
    // 0.0063 for the bytes and 0.0049 for 8,192 tokens of answer; counted, both fit.
    let house = house(8_000_000).await;
    let answer = house.chat(&body(GPT, &PROSE.repeat(500), r#","max_tokens":8192"#)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(is_counted(&house));
    assert_eq!(answer.header("x-farebox-clamped"), None);
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn what_passes_by_its_bytes_is_not_counted() {
    let house = house(100_000_000).await;
    assert_eq!(house.chat(&body(GPT, &PROSE.repeat(500), r#","max_tokens":100"#)).await.status, 200);
    assert!(!is_counted(&house));
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn what_cannot_be_counted_is_bounded_by_its_bytes() {
    let house = house(3_000_000).await;
    let long = PROSE.repeat(500);
    for (model, prompt, more) in [
        ("anthropic/claude-sonnet-4.5", long.as_str(), r#","max_tokens":100"#),
        (GPT, long.as_str(), r#","max_tokens":100,"models":["anthropic/claude-haiku-4.5"]"#),
        (GPT, &PROSE.repeat(13_000), r#","max_tokens":100"#),
    ] {
        let refused = house.chat(&body(model, prompt, more)).await;
        assert_eq!(refused.status, 402, "{model}: {}", refused.text());
        assert!(!is_counted(&house), "{model}");
    }
    assert_eq!(house.upstream.chats().len(), 0);
    house.end().await;
}

#[tokio::test]
async fn a_count_that_does_not_help_is_refused_all_the_same() {
    let house = house(1_000_000).await;
    for cap in [100, 60_000] {
        let refused = house.chat(&body(GPT, &PROSE.repeat(500), &format!(r#","max_tokens":{cap}"#))).await;
        assert_eq!((refused.status, refused.reason()), (402, "used-up"), "{}", refused.text());
    }
    house.end().await;
}
