//! Prices that are old or stale, and the cap on every request.

use std::time::Duration;

use gateway::OnOverrun;
use serde_json::{Value, json};

use crate::support::{Setup, asking, chat, until};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A house that has only the rows built into the binary, which are older than a day.
fn unpriced(age_max: Duration) -> Setup {
    let mut setup = Setup::new().with(|config| config.prices_age_max = age_max);
    setup.priced = false;
    setup
}

/// Who serves a model is read anew once it is used, also where the built-in catalogue knows somebody.
#[tokio::test]
async fn providers_that_are_built_in_are_read_anew_from_the_first_use_on() {
    let house = unpriced(100 * 365 * DAY).open().await;
    let asked = || !house.upstream.calls(|call| call.target.ends_with("gpt-4o-mini/endpoints")).is_empty();
    assert!(!asked());
    assert_eq!(house.chat(&asking("openai/gpt-4o-mini", "")).await.status, 200);
    until("the endpoints were asked for", asked).await;
    house.end().await;
}

#[tokio::test]
async fn stale_prices_admit_nothing_until_openrouter_tells_new_ones() {
    let house = unpriced(DAY).open().await;
    let body = asking("openai/gpt-4o-mini", "");
    let refused = house.chat(&body).await;
    assert_eq!((refused.status, refused.reason()), (503, "stale-prices"), "{}", refused.text());
    assert_eq!(refused.header("retry-after"), Some("5"));
    let message = refused.message();
    assert!(message.contains("days ago") && message.contains("/models can be reached"), "{message}");
    let reasons = house.gateway.ready().expect_err("not ready");
    assert!(reasons.iter().any(|reason| reason.contains("prices_age_max")), "{reasons:?}");
    assert_eq!(house.upstream.chats().len(), 0, "nothing was sent");
    house.upstream.hide_prices(false);
    let mut answer = refused;
    // The next request asks for prices by itself, though not more often than every two seconds.
    while answer.status == 503 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        answer = house.chat(&chat("")).await;
    }
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(house.gateway.ready().is_ok() && house.gateway.warnings().is_empty());
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn old_prices_make_every_bound_published_and_are_told() {
    let house = unpriced(DAY * 36_500).open().await;
    let answer = house.chat(&asking("openai/gpt-4o-mini", "")).await;
    assert_eq!(answer.status, 200, "a first start needs no prices but those built in: {}", answer.text());
    let bound = house.gateway.explanations(1)[0]["bound"].clone();
    assert_eq!(bound["class"], "published");
    let why = bound["why_not_proven"].as_array().cloned().unwrap_or_default();
    assert!(why.contains(&json!("OpenRouter has not told its prices for longer than a day")), "{why:?}");
    assert!(house.gateway.ready().is_ok(), "a warning, not a stop");
    let warnings = house.gateway.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("were last read"), "{warnings:?}");
    let stats = house.gateway.stats();
    assert!(stats["prices_age_s"].as_u64().is_some_and(|age| age > 24 * 3600));
    assert_eq!(stats["warnings"], json!(warnings));
    house.settles_at(1_000_000).await;
    house.end().await;
    let house = Setup::new().open().await;
    assert_eq!(house.gateway.stats()["warnings"], json!([]));
    assert_eq!(house.chat(&chat("")).await.status, 200);
    assert_eq!(house.gateway.explanations(1)[0]["bound"]["class"], "proven");
    until("settled", || house.posted() == 1_000_000).await;
    house.end().await;
}

/// The seed's line "max_tokens on every request: set it, so that one runaway answer cannot eat the budget".
#[tokio::test]
async fn max_tokens_goes_out_on_every_request() {
    // The answers cost more than seven tokens may, which is not what this is about.
    let house = Setup::new().with(|config| config.on_overrun = OnOverrun::Show).open().await;
    for more in [
        "",
        r#","max_tokens":null"#,
        r#","max_completion_tokens":null"#,
        r#","max_tokens":7"#,
        r#","max_completion_tokens":9"#,
        r#","max_tokens":99999999"#,
        r#","stream":true"#,
    ] {
        assert_eq!(house.chat(&chat(more)).await.status, 200, "{more}");
    }
    let caps: Vec<Option<u64>> = house
        .upstream
        .chats()
        .iter()
        .map(|call| {
            let json: Value = call.json();
            json["max_tokens"].as_u64().or_else(|| json["max_completion_tokens"].as_u64())
        })
        .collect();
    let default = Some(16_384);
    assert_eq!(caps, [default, default, default, Some(7), Some(9), Some(65_536), default]);
    house.settles_at(7_000_000).await;
    house.end().await;
}
