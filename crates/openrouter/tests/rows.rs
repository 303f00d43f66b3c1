//! What rows of the catalogue are read as, key by key (CONTRACT 8.1 to 8.3).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use money::Rate;
use openrouter::catalogue::{read_endpoints, read_models};
use pricing::{Effort, Endpoint, Modality, Model, PriceKey, Prices, RowPrices, Span, Thinking, Tier};

fn model(fields: &str) -> Model {
    let read = read_models(&format!(r#"{{"data":[{{"id":"a/m",{fields}}}]}}"#)).unwrap();
    assert_eq!(read.skipped, 0, "{fields}");
    read.rows.into_iter().next().unwrap()
}

fn endpoint(fields: &str) -> Endpoint {
    let text = format!(r#"{{"data":{{"endpoints":[{{"provider_name":"Some One",{fields}}}]}}}}"#);
    read_endpoints(&text).unwrap().rows.into_iter().next().unwrap()
}

fn pricing(keys: &str) -> RowPrices {
    model(&format!(r#""pricing":{{"prompt":"0.000001","completion":"0.000002"{keys}}}"#)).prices
}

fn prices(keys: &str) -> Prices {
    pricing(keys).priced().unwrap().clone()
}

#[test]
fn every_price_key_is_read_under_its_own_name() {
    for (at, key) in PriceKey::ALL.into_iter().enumerate() {
        let text = format!("0.{:07}", at + 3);
        let listed = match key {
            PriceKey::Prompt => model(&format!(r#""pricing":{{"prompt":"{text}","completion":"1"}}"#)).prices,
            PriceKey::Completion => {
                model(&format!(r#""pricing":{{"completion":"{text}","prompt":"1"}}"#)).prices
            }
            _ => pricing(&format!(r#","{}":"{text}""#, key.name())),
        };
        let listed = listed.priced().unwrap().clone();
        assert_eq!(listed.rates[key], Some(Rate::parse_ceil(&text).unwrap()), "{}", key.name());
        let base = matches!(key, PriceKey::Prompt | PriceKey::Completion);
        let others = listed.rates.iter().count();
        assert_eq!(others, if base { 2 } else { 3 }, "{} is read into one field", key.name());
        assert!(listed.unknown.is_empty());

        let conditional = prices(&format!(r#","overrides":[{{"{}":"{text}"}}]"#, key.name()));
        let held = &conditional.overrides[0];
        assert_eq!(held.rates[key], Some(Rate::parse_ceil(&text).unwrap()), "{}", key.name());
        assert_eq!(held.rates.iter().count(), 1, "{}", key.name());
    }
}

#[test]
fn prices_as_they_are_written() {
    let read = |value: &str| prices(&format!(r#","request":{value}"#)).request().femtos();
    for (value, femtos) in [
        (r#""0""#, 0),
        (r#""0.00000000000000000""#, 0),
        (r#""0.0048""#, 4_800_000_000_000),
        // 23 digits and more: rounded up to a femto-dollar, never down.
        (r#""0.00000008333333333333334""#, 83_333_334),
        (r#""0.00000958083832335329""#, 9_580_838_324),
        (r#""0.00000000000000000000001""#, 1),
        ("0.0048", 4_800_000_000_000),
        ("1e-6", 1_000_000_000),
        ("null", 0),
    ] {
        assert_eq!(read(value), femtos, "{value}");
    }
    for dynamic in [r#","request":"-1""#, r#","overrides":[{"prompt":"-1"}]"#] {
        assert_eq!(pricing(dynamic), RowPrices::Dynamic, "{dynamic}");
    }
    for unreadable in [
        r#","request":"free""#,
        r#","request":"""#,
        r#","request":{}"#,
        r#","request":true"#,
        r#","overrides":7"#,
        r#","overrides":[7]"#,
        r#","overrides":[{"prompt":"cheap"}]"#,
    ] {
        assert!(matches!(pricing(unreadable), RowPrices::Unreadable(_)), "{unreadable}");
    }
    for none in [r#""pricing":null"#, r#""pricing":{}"#, r#""pricing":{"prompt":"1"}"#, r#""pricing":[]"#] {
        assert!(matches!(model(none).prices, RowPrices::Unreadable(_)), "{none}");
    }
}

#[test]
fn a_discount_is_inside_the_price_already_and_may_be_a_markup() {
    for discount in ["0", "0.35", "-0.2", "1"] {
        let found = prices(&format!(r#","discount":{discount}"#));
        assert_eq!((found.prompt().femtos(), found.unknown.len()), (1_000_000_000, 0), "{discount}");
    }
}

#[test]
fn keys_nobody_knows_stay_with_the_row_unless_they_are_zero() {
    for (keys, unknown) in [
        (r#","moon":"0.2""#, &["moon"][..]),
        (r#","moon":"0","sun":null,"star":0"#, &[]),
        (r#","moon":{"per":"night"}"#, &["moon"]),
        (r#","moon":"-1""#, &["moon"]),
        // No rule says what a film costs, and chats may hold one.
        (r#","video":"0.1","video_output":"0.2""#, &["video", "video_output"]),
        (r#","overrides":[{"prompt":"0.1","comet":"3","phase":[1],"tide":4}]"#, &["comet"]),
    ] {
        let found: Vec<String> = prices(keys).unknown.into_iter().map(|price| price.key).collect();
        assert_eq!(found, unknown, "{keys}");
    }
}

#[test]
fn conditions() {
    let at = |day: i64, hhmm: i64| {
        let ms = ((day * 24 + hhmm / 100) * 60 + hhmm % 100) * 60_000;
        Some(Span { from_ms: ms, to_ms: ms })
    };
    // Day 0 of the epoch was a Thursday.
    for (condition, tokens, time, holds) in [
        // Strictly more than the threshold.
        (r#""min_prompt_tokens":272000"#, 272_000, None, false),
        (r#""min_prompt_tokens":272000"#, 272_001, None, true),
        // Half-open, over midnight.
        (r#""utc_start":1630,"utc_end":30"#, 0, at(0, 1629), false),
        (r#""utc_start":1630,"utc_end":30"#, 0, at(0, 1630), true),
        (r#""utc_start":1630,"utc_end":30"#, 0, at(1, 29), true),
        (r#""utc_start":1630,"utc_end":30"#, 0, at(1, 30), false),
        (r#""utc_start":"0900","utc_end":"1000""#, 0, at(0, 959), true),
        (r#""utc_days":["thursday"]"#, 0, at(0, 1200), true),
        (r#""utc_days":["Friday","saturday"]"#, 0, at(0, 1200), false),
        (r#""utc_start":900,"utc_end":1000,"utc_days":["friday"]"#, 0, at(0, 930), false),
        (r#""utc_start":900,"utc_end":1000,"utc_days":["friday"]"#, 0, at(1, 930), true),
        // Both must hold.
        (r#""min_prompt_tokens":10,"utc_days":["friday"]"#, 11, at(0, 0), false),
        (r#""min_prompt_tokens":10,"utc_days":["thursday"]"#, 10, at(0, 0), false),
        (r#""min_prompt_tokens":10,"utc_days":["thursday"]"#, 11, at(0, 0), true),
        // Null is absent.
        (r#""utc_start":null,"utc_end":null,"utc_days":["friday"]"#, 0, at(0, 0), false),
        (r#""min_prompt_tokens":null,"utc_days":null"#, 0, at(0, 0), true),
        // What cannot be read, or is not known, is taken to hold.
        (r#""min_prompt_tokens":"many""#, 0, at(0, 0), true),
        (r#""utc_start":9900,"utc_end":30"#, 0, at(0, 1200), true),
        (r#""utc_start":900"#, 0, at(0, 1200), true),
        (r#""utc_days":["someday"]"#, 0, at(0, 1200), true),
        (r#""moon_phase":3"#, 0, at(0, 1200), true),
        // A whole day, and without a time every time is met.
        (r#""utc_start":0,"utc_end":2400"#, 0, at(0, 2359), true),
        (r#""utc_start":900,"utc_end":1000"#, 0, None, true),
    ] {
        let found = prices(&format!(r#","overrides":[{{{condition},"prompt":"0.1"}}]"#));
        assert_eq!(found.overrides[0].may_apply(tokens, time), holds, "{condition} {tokens} {time:?}");
    }
}

#[test]
fn limits_of_zero_and_null_do_not_apply() {
    let video = model(
        r#""context_length":0,"top_provider":{"context_length":0,"max_completion_tokens":0},"architecture":{"output_modalities":["video"]},"pricing":{"prompt":"0","completion":"0"}"#,
    );
    assert_eq!((video.context_length, video.max_completion_tokens), (None, None));
    assert!(!video.chats() && video.outputs.contains(Modality::Other));
    let chat = model(
        r#""context_length":16384,"top_provider":{"context_length":131072,"max_completion_tokens":8192},"per_request_limits":{"prompt_tokens":1000,"completion_tokens":500}"#,
    );
    assert_eq!(chat.context_length, Some(131_072), "the larger, for the bound is to be above both");
    assert_eq!((chat.max_prompt_tokens, chat.max_completion_tokens), (Some(1_000), Some(500)));
    let free = model(r#""context_length":null,"top_provider":null,"per_request_limits":null"#);
    assert_eq!((free.context_length, free.max_prompt_tokens, free.max_completion_tokens), (None, None, None));
    let served = endpoint(r#""context_length":1000,"max_prompt_tokens":900,"max_completion_tokens":null"#);
    assert_eq!((served.max_prompt_tokens, served.output_limit()), (Some(900), Some(1_000)));
}

#[test]
fn what_a_model_answers_in() {
    for (architecture, outputs, chats, text_only) in [
        (r#"{"output_modalities":["text"]}"#, "text", true, true),
        (r#"{"output_modalities":["image","text"]}"#, "text image", true, false),
        (r#"{"output_modalities":["text","audio"]}"#, "text audio", true, false),
        (r#"{"output_modalities":["image"]}"#, "image", false, false),
        (r#"{"output_modalities":["decisions"]}"#, "other", false, false),
        (r#"{"output_modalities":["text","holograms"]}"#, "text other", false, false),
        (r#"{"modality":"text+image->text"}"#, "text", true, true),
        (r#"{"modality":"text->text+image"}"#, "text image", true, false),
        (r#"{"modality":"text"}"#, "", false, false),
        ("{}", "", false, false),
        ("null", "", false, false),
    ] {
        let row = model(&format!(r#""architecture":{architecture}"#));
        let words: Vec<_> = row.outputs.iter().map(Modality::word).collect();
        assert_eq!(words.join(" "), outputs, "{architecture}");
        assert_eq!((row.chats(), row.text_output_only()), (chats, text_only), "{architecture}");
    }
}

#[test]
fn which_models_think_by_themselves() {
    for (reasoning, always, unasked) in [
        ("null", false, None),
        ("[]", false, None),
        ("{}", false, None),
        (r#"{"mandatory":false,"default_enabled":false}"#, false, None),
        (r#"{"mandatory":true,"default_enabled":true,"default_effort":"low"}"#, true, Some(Effort::Low)),
        (r#"{"mandatory":true,"default_effort":"high"}"#, true, Some(Effort::High)),
        (
            r#"{"mandatory":false,"default_enabled":true,"default_effort":"minimal"}"#,
            false,
            Some(Effort::Minimal),
        ),
        (r#"{"mandatory":false,"default_enabled":true}"#, false, Some(Effort::Medium)),
    ] {
        let read = model(&format!(r#""reasoning":{reasoning}"#)).thinking;
        assert_eq!(read, Thinking { always, unasked }, "{reasoning}");
    }
}

#[test]
fn tiers_by_field_or_by_tag() {
    for (fields, tier) in [
        (r#""tag":"openai""#, Tier::Standard),
        (r#""tag":"openai","service_tier":null"#, Tier::Standard),
        (r#""tag":"openai","service_tier":"default""#, Tier::Standard),
        (r#""tag":"deepinfra/fp8""#, Tier::Standard),
        (r#""tag":"openai/flex""#, Tier::Flex),
        (r#""tag":"openai","service_tier":"flex""#, Tier::Flex),
        (r#""tag":"openai/priority""#, Tier::Premium),
        (r#""tag":"openai/flex","service_tier":"priority""#, Tier::Premium),
        (r#""tag":"openai/priority","service_tier":"default""#, Tier::Premium),
        (r#""tag":"openai","service_tier":"ultrafast""#, Tier::Premium),
        (r#""tag":"openai","service_tier":"a new one""#, Tier::Premium),
    ] {
        assert_eq!(endpoint(fields).tier, tier, "{fields}");
    }
}

#[test]
fn who_searches_by_itself() {
    for (fields, native) in [
        (r#""tag":"a""#, None),
        (r#""tag":"a","native_tools":{}"#, Some(false)),
        (r#""tag":"a","native_tools":{"openrouter:bash":{"type":"bash"}}"#, Some(false)),
        (r#""tag":"a","native_tools":{"openrouter:web_search":{"type":"web_search_20260209"}}"#, Some(true)),
    ] {
        assert_eq!(endpoint(fields).native_search, native, "{fields}");
    }
    assert_eq!(endpoint(r#""tag":null"#).tag, "some-one");
}
