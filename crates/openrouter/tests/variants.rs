//! What each variant of a model means (CONTRACT 9.1): understood and bounded, or refused with its sentence.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::borrow::Cow;

use openrouter::catalogue::{read_endpoints, read_models};
use pricing::{Book, BookSource, BoundPolicy, Grounds, Reason, Shape, bound};

/// Rows as OpenRouter lists them: static variants have rows of their own, the others have none.
fn book() -> Book {
    let row = |id: &str, prompt: &str, completion: &str, more: &str| {
        format!(
            r#"{{"id":"{id}","canonical_slug":"a/m-20260101","context_length":100000,"architecture":{{"tokenizer":"GPT","output_modalities":["text"]}},"top_provider":{{"max_completion_tokens":8000}},"pricing":{{"prompt":"{prompt}","completion":"{completion}"}},"supported_parameters":["max_tokens"]{more}}}"#
        )
    };
    let rows = [
        row("a/m", "0.000001", "0.000002", ""),
        row("a/m:free", "0", "0", ""),
        row("a/m:thinking", "0.000001", "0.000009", ""),
        row("a/m:extended", "0.000002", "0.000003", ""),
        row("b/m:batch", "0.0000005", "0.000001", ""),
        row("~a/m-latest", "0.000001", "0.000002", r#","alias_target":{"name":"M","slug":"a/m"}"#),
    ];
    let models = read_models(&format!(r#"{{"data":[{}]}}"#, rows.join(","))).unwrap();
    assert_eq!(models.skipped, 0);
    Book::new(1, 0, BookSource::Live, models.rows).with_endpoints("a/m", endpoints())
}

/// A standard endpoint, a flex one (here the dearer of the two, to see it counted), a priority one.
fn endpoints() -> Vec<pricing::Endpoint> {
    let row = |tag: &str, tier: &str, prompt: &str, completion: &str| {
        format!(
            r#"{{"provider_name":"P","tag":"{tag}","service_tier":{tier},"context_length":100000,"max_completion_tokens":8000,"pricing":{{"prompt":"{prompt}","completion":"{completion}"}},"supported_parameters":["max_tokens"]}}"#
        )
    };
    let rows = [
        row("p", "null", "0.000001", "0.000002"),
        row("p/flex", "\"flex\"", "0.0000005", "0.000003"),
        row("p/priority", "\"priority\"", "0.000004", "0.000008"),
    ];
    let read = read_endpoints(&format!(r#"{{"data":{{"id":"a/m","endpoints":[{}]}}}}"#, rows.join(",")));
    read.unwrap().rows
}

#[test]
fn what_each_variant_means() {
    let book = book();
    // Prompt and completion of the max_price sent, femto-dollars: a hair above the dearest that can be reached.
    let reached = |prompt: u64, completion: u64| Ok((prompt * 1_000 + 1, completion * 1_000 + 1));
    for (asked, expect) in [
        ("a/m", reached(1_000_000, 3_000_000)),
        // Sorts by price and lets flex endpoints in: the bound counts them, and no priority one.
        ("a/m:floor", reached(1_000_000, 3_000_000)),
        ("a/m:exacto", reached(1_000_000, 3_000_000)),
        // Sorts by throughput and lets priority endpoints in: the bound counts those too.
        ("a/m:nitro", reached(4_000_000, 8_000_000)),
        ("a/m:free", Ok((0, 0))),
        ("a/m:free:floor", Ok((0, 0))),
        ("a/m:thinking", reached(1_000_000, 9_000_000)),
        ("a/m:extended", reached(2_000_000, 3_000_000)),
        ("b/m:batch", reached(500_000, 1_000_000)),
        ("~a/m-latest", reached(1_000_000, 3_000_000)),
        ("a/m-20260101", reached(1_000_000, 3_000_000)),
        (
            "a/m:online",
            Err(
                "the ':online' variant searches the web without a cap; use the plugin 'web', or the tool openrouter:web_search with the engine exa",
            ),
        ),
        ("a/m:batch", Err("the variant of 'a/m:batch' has no listed price; use the model without it")),
        ("a/m:turbo", Err("the variant of 'a/m:turbo' has no listed price; use the model without it")),
        ("b/m", Err("model 'b/m' is not in the price book; check its name with GET /models")),
        ("b/m:floor", Err("model 'b/m:floor' is not in the price book; check its name with GET /models")),
        (
            "a/m@preset/x",
            Err(
                "'x' is a preset kept at OpenRouter, which can change model, tools and prompt; send its settings in the body",
            ),
        ),
    ] {
        let models = [Cow::Borrowed(asked)].into_iter().collect();
        let shape = Shape { models, body: b"{}", messages: 1, choices: 1, ..Shape::default() };
        let found = bound(&shape, &Grounds::new(&book, &BoundPolicy::default()));
        let told = found.as_ref().map(|b| (b.max_price.prompt.femtos(), b.max_price.completion.femtos()));
        assert_eq!(told.map_err(ToString::to_string), expect.map_err(str::to_owned), "{asked}");
        if let Ok(found) = found {
            assert_eq!(found.usd() == money::Nano::ZERO, asked.contains(":free"), "{asked}");
            assert_eq!(found.reasons.contains(Reason::Alias), asked.starts_with('~'), "{asked}");
        }
    }
}

#[test]
fn a_floor_call_cannot_be_billed_above_its_bound_at_any_tier_it_reaches() {
    let book = book();
    let models = [Cow::Borrowed("a/m:floor")].into_iter().collect();
    let shape = Shape { models, body: b"{}", messages: 1, choices: 1, ..Shape::default() };
    let found = bound(&shape, &Grounds::new(&book, &BoundPolicy::default())).unwrap();
    for endpoint in endpoints().iter().filter(|endpoint| endpoint.tag != "p/priority") {
        let prices = endpoint.prices.priced().unwrap();
        let answer = prices.completion().times(found.output_cap);
        let billed = prices.prompt().times(found.input_tokens).saturating_add(answer);
        assert!(billed <= found.usd(), "{}: {billed} above {}", endpoint.tag, found.usd());
    }
    let priority = endpoints().into_iter().find(|endpoint| endpoint.tag == "p/priority").unwrap();
    let priority = priority.prices.priced().unwrap();
    assert!(priority.prompt() > found.max_price.prompt, "a priority endpoint is filtered by the price sent");
}
