//! What the judge bills for each kind of request, by hand, over a catalogue of a few models.

use sandbox::{Counting, Judge, Verdict};
use serde_json::{Value, json};

/// A model with one endpoint; everything costs some millionths of a dollar.
fn judge() -> Judge {
    let row = |id: &str, tokenizer: &str, inputs: Value, outputs: Value, pricing: Value| {
        json!({ "id": id, "canonical_slug": id, "context_length": 100_000, "pricing": pricing,
            "architecture": { "input_modalities": inputs, "output_modalities": outputs, "tokenizer": tokenizer },
            "top_provider": { "max_completion_tokens": 10_000 }, "supported_parameters": ["max_tokens", "tools"] })
    };
    let rows = json!({ "data": [
        row("openai/gpt-4o", "GPT", json!(["text", "image", "file"]), json!(["text"]),
            json!({ "prompt": "0.000001", "completion": "0.000002" })),
        row("openai/gpt-4o-mini", "GPT", json!(["text", "image", "file"]), json!(["text"]),
            json!({ "prompt": "0.000001", "completion": "0.000002" })),
        row("openai/gpt-audio", "GPT", json!(["text", "audio"]), json!(["text", "audio"]),
            json!({ "prompt": "0.000001", "completion": "0.000002", "audio": "0.00001", "audio_output": "0.00002" })),
        row("google/gemini-2.5-flash-image", "Gemini", json!(["text", "image"]), json!(["text", "image"]),
            json!({ "prompt": "0.000001", "completion": "0.000002", "image_output": "0.00003" })),
        row("anthropic/claude-opus-4.8", "Claude", json!(["text"]), json!(["text"]),
            json!({ "prompt": "0.000001", "completion": "0.000002" })),
        row("mistralai/mistral-large", "Mistral", json!(["text"]), json!(["text"]),
            json!({ "prompt": "0.000001", "completion": "0.000002" })),
        row("mistralai/mistral-small", "Mistral", json!(["text"]), json!(["text"]),
            json!({ "prompt": "0.000001", "completion": "0.000002", "overrides": [
                { "min_prompt_tokens": WORD - 1, "prompt": "0.000003" },
                { "utc_start": 900, "utc_end": 1000, "completion": "0.000007" }] })),
        row("qwen/qwen3-32b", "Qwen3", json!(["text"]), json!(["text"]),
            json!({ "prompt": "0.000001", "completion": "0.000002" })),
    ] });
    let bare = json!({ "provider_name": "Mistral", "tag": "mistral", "context_length": 100_000,
        "max_completion_tokens": 10_000, "pricing": { "prompt": "0.000001", "completion": "0.000002" },
        "supported_parameters": ["max_tokens"] });
    let mut own = bare.clone();
    own["tag"] = json!("mistral/own");
    own["pricing"]["overrides"] = json!([{ "min_prompt_tokens": WORD - 1, "completion": "0.000003" }]);
    let mut claude = bare.clone();
    (claude["provider_name"], claude["tag"]) = (json!("Anthropic"), json!("anthropic"));
    let endpoints = json!({ "anthropic/claude-opus-4.8": { "data": { "endpoints": [claude] } },
        "mistralai/mistral-small": { "data": { "endpoints": [bare, own] } },
        "mistralai/mistral-large": { "data": { "endpoints": [
        { "provider_name": "Mistral", "tag": "mistral", "context_length": 100_000, "max_completion_tokens": 10_000,
          "pricing": { "prompt": "0.000001", "completion": "0.000002" }, "supported_parameters": ["max_tokens"] },
        { "provider_name": "Mistral", "tag": "mistral/priority", "service_tier": "priority", "context_length": 100_000,
          "max_completion_tokens": 10_000, "pricing": { "prompt": "0.000004", "completion": "0.000008" },
          "supported_parameters": ["max_tokens"] }] } } });
    Judge::new(&rows.to_string(), &endpoints.to_string()).expect("a catalogue")
}

fn worst(body: &Value) -> Verdict {
    // Plugins of the account are switched off, unless a test is about them.
    judge()
        .worst(body.to_string().as_bytes(), Counting::Bytes, 0, 0)
        .unwrap_or_else(|refused| panic!("{refused:?}"))
}

/// A request with one word, 100 tokens of answer, and nothing on that it does not name.
fn ask(model: &str, content: Value, more: Value) -> Value {
    let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": content }], "max_tokens": 100,
        "service_tier": "default", "plugins": [{ "id": "web", "enabled": false }, { "id": "fusion", "enabled": false }] });
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    body
}

/// "user", a line feed and "hi", and the largest template: 7 + 108 tokens.
const WORD: u64 = 115;

fn check(body: &Value, micros: u64) {
    let verdict = worst(body);
    assert_eq!(verdict.nanos_up(), u128::from(micros) * 1_000, "{verdict}");
}

#[test]
fn text_and_what_is_read_from_files_of_text() {
    check(&ask("openai/gpt-4o", json!("hi"), json!({})), WORD + 200);
    let file = json!([{ "type": "file", "file": { "filename": "a.txt", "file_data": "data:text/plain;base64,aGk=" } }]);
    check(&ask("openai/gpt-4o", file, json!({})), WORD + 200);
    check(&ask("openai/gpt-4o", json!("hi"), json!({ "n": 3 })), WORD + 600);
    let prediction = json!({ "prediction": { "type": "content", "content": "0123456789" } });
    check(&ask("openai/gpt-4o", json!("hi"), prediction), WORD + 200 + 20);
}

#[test]
fn conditions_of_a_row_hold_for_an_endpoint_that_lists_none() {
    let at_nine = |provider: &str| {
        const HOUR_MS: u64 = 3_600_000;
        let only = json!({ "provider": { "only": [provider] } });
        let body = ask("mistralai/mistral-small", json!("hi"), only).to_string();
        let verdict = judge().worst(body.as_bytes(), Counting::Bytes, 9 * HOUR_MS, HOUR_MS / 2);
        verdict.unwrap_or_else(|refused| panic!("{refused:?}")).nanos_up() / 1_000
    };
    check(&ask("mistralai/mistral-small", json!("hi"), json!({})), 3 * WORD + 200);
    assert_eq!(at_nine("mistral"), u128::from(3 * WORD + 700));
    assert_eq!(at_nine("mistral/own"), u128::from(WORD + 300), "it lists its own");
}

#[test]
fn images_by_their_size_or_the_largest() {
    let part = |url: &str, detail: &str| {
        json!([{ "type": "text", "text": "hi" },
        { "type": "image_url", "image_url": { "url": url, "detail": detail } }])
    };
    // A PNG of 1024 x 1024: four tiles.
    let png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAABAAAAAQACAYAAAA=";
    check(&ask("openai/gpt-4o", part(png, "high"), json!({})), WORD + 765 + 200);
    check(&ask("openai/gpt-4o", part(png, "low"), json!({})), WORD + 85 + 200);
    check(&ask("openai/gpt-4o", part("https://example.com/a.png", "high"), json!({})), WORD + 1_445 + 200);
    let refused = judge().worst(
        ask("mistralai/mistral-large", part(png, "high"), json!({})).to_string().as_bytes(),
        Counting::Bytes,
        0,
        0,
    );
    assert_eq!(
        refused.map(|verdict| verdict.usd()).map_err(|refused| refused.status),
        Err(404),
        "it does not see"
    );
}

#[test]
fn sound_in_and_out() {
    // 16,000 bytes of pcm16 last a second at the least rate: 10 tokens at ten times the price. Answers are sound.
    let data = "A".repeat(21_336);
    let sound = json!([{ "type": "text", "text": "hi" }, { "type": "input_audio", "input_audio": { "data": data, "format": "pcm16" } }]);
    check(&ask("openai/gpt-audio", sound, json!({})), WORD + 11 * 10 + 100 * 20);
    check(&ask("openai/gpt-audio", json!("hi"), json!({ "modalities": ["text"] })), WORD + 200);
    // Nobody knows how long this is: all that the context leaves, at the price of sound.
    let unknown = json!([{ "type": "text", "text": "hi" }, { "type": "input_audio", "input_audio": { "data": data, "format": "flac" } }]);
    check(&ask("openai/gpt-audio", unknown, json!({})), WORD + (100_000 - 100 - WORD) * 10 + 100 * 20);
}

#[test]
fn an_image_is_never_cut_short() {
    check(&ask("google/gemini-2.5-flash-image", json!("hi"), json!({})), WORD + (100 + 2_519) * 30);
    check(&ask("google/gemini-2.5-flash-image", json!("hi"), json!({ "modalities": ["text"] })), WORD + 200);
}

#[test]
fn files_by_their_engines() {
    let file = json!([{ "type": "text", "text": "hi" },
        { "type": "file", "file": { "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0=" } }]);
    let with = |model: &str, engine: Option<&str>| {
        let mut body = ask(model, file.clone(), json!({}));
        if let (Some(engine), Some(plugins)) = (engine, body["plugins"].as_array_mut()) {
            plugins.push(json!({ "id": "file-parser", "pdf": { "engine": engine } }));
        }
        body
    };
    let full = 100_000 - 100 + 200;
    check(&with("openai/gpt-4o", None), full);
    check(&with("openai/gpt-4o", Some("cloudflare-ai")), full);
    check(&with("openai/gpt-4o", Some("mistral-ocr")), full + 2_200_000);
    // Pages that it reads itself are pictures, and GPT-4o mini bills those at 33 times what they take up; OCR finds eight.
    check(&with("openai/gpt-4o-mini", None), WORD + (100_000 - WORD) * 5_667 / 170);
    check(&with("openai/gpt-4o-mini", Some("cloudflare-ai")), full);
    let found = 8 * (85 + 8 * 170);
    let pages = 2_200_000;
    check(&with("openai/gpt-4o-mini", Some("mistral-ocr")), full - found + found * 5_667 / 170 + pages);
    check(&with("mistralai/mistral-large", None), full + 2_200_000);
    check(&with("mistralai/mistral-large", Some("native")), full + 2_200_000);
}

#[test]
fn a_loop_reads_its_results_and_its_answers_again() {
    let tool = |parameters: Value| json!([{ "type": "openrouter:web_search", "parameters": parameters }]);
    let search = json!({ "engine": "exa", "max_uses": 2, "max_results": 3, "max_total_results": 5, "max_characters": 100 });
    let stop = json!([{ "type": "step_count_is", "step_count": 2 }]);
    let verdict = worst(&ask(
        "openai/gpt-4o",
        json!("hi"),
        json!({ "tools": tool(search), "stop_server_tools_when": stop }),
    ));
    // Five results of 100 characters of four bytes, and 400 bytes each.
    let results = 5 * (100 * 4 + 400);
    let first = verdict.lines()[0].count;
    assert_eq!(verdict.turns(), 3);
    // And six calls of each step that are refused.
    let refused = (1 + 2) * 6 * 64;
    assert_eq!(verdict.prompt_tokens(), 3 * first + 2 * results + 100 + 200 + refused, "{verdict}");
    assert_eq!(verdict.completion_tokens(), 300);
    let fees = verdict.lines().into_iter().find(|line| line.what == "search").expect("a fee");
    assert_eq!((fees.count, fees.each.as_str()), (2, "0.007"));
    // Nothing stops it, or something that may never come does.
    let endless =
        worst(&ask("openai/gpt-4o", json!("hi"), json!({ "tools": [{ "type": "openrouter:datetime" }] })));
    assert_eq!(endless.turns(), 31);
}

/// No parameter says how often a tool is called: as often as an answer has room for.
#[test]
fn an_answer_may_be_all_calls() {
    let stop = json!([{ "type": "step_count_is", "step_count": 2 }]);
    let prompts = |tool: Value| {
        let more = json!({ "tools": [tool], "stop_server_tools_when": stop });
        let verdict = worst(&ask("openai/gpt-4o", json!("hi"), more));
        verdict.prompt_tokens() - 3 * verdict.lines()[0].count - 3 * 100
    };
    // A hundred tokens are twelve calls of a clock, read once and twice.
    assert_eq!(prompts(json!({ "type": "openrouter:datetime" })), 3 * 12 * 64);
    let search = json!({ "engine": "exa", "max_uses": 1, "max_results": 1, "max_characters": 100 });
    let refused = prompts(json!({ "type": "openrouter:web_search", "parameters": search }));
    assert_eq!(refused, 3 * 6 * 64 + 2 * (100 * 4 + 400));
}

#[test]
fn pages_are_fetched_by_whom_the_request_names() {
    let fetch = |model: &str, engine: Value| {
        let parameters = json!({ "engine": engine, "max_uses": 2, "max_content_tokens": 10 });
        let stop = json!([{ "type": "step_count_is", "step_count": 1 }]);
        let tools = json!([{ "type": "openrouter:web_fetch", "parameters": parameters }]);
        worst(&ask(model, json!("hi"), json!({ "tools": tools, "stop_server_tools_when": stop })))
    };
    let fee = |verdict: &Verdict| {
        let lines = verdict.lines().into_iter();
        lines.filter(|line| line.what == "fetched page").map(|line| (line.count, line.each)).next()
    };
    for (engine, each) in [
        (json!(null), Some("0.001")),
        (json!("auto"), Some("0.001")),
        (json!("parallel"), Some("0.001")),
        (json!("firecrawl"), Some("0.0025")),
        (json!("openrouter"), None),
        (json!("native"), None),
    ] {
        let found = fetch("mistralai/mistral-large", engine.clone());
        assert_eq!(fee(&found), each.map(|each| (2, each.to_owned())), "{engine}");
        assert_eq!(found.turns(), 2, "{engine}");
    }
    // A provider that fetches itself truncates nothing, and reads the prompt again for each of fifty pages.
    let own = fetch("anthropic/claude-opus-4.8", json!("auto"));
    assert_eq!((own.turns(), own.lines()[0].count), (52, 100_000));
    assert_eq!(fetch("anthropic/claude-opus-4.8", json!("exa")).turns(), 2);
}

#[test]
fn plugins_without_a_switch_run() {
    let with = |plugin: Value| {
        let mut body = ask("openai/gpt-4o", json!("hi"), json!({}));
        body["plugins"].as_array_mut().expect("a list").push(plugin);
        body
    };
    check(&with(json!({ "id": "armor", "enabled": false })), WORD + 200);
    check(&with(json!({ "id": "moderation", "enabled": false })), WORD + 200 + 100_000);
    assert!(worst(&with(json!({ "id": "web-fetch", "enabled": false }))).turns() > 1);
}

#[test]
fn fees_of_engines_and_modes() {
    let fee = |parameters: Value| {
        let tools = json!([{ "type": "openrouter:web_search", "parameters": parameters }]);
        let stop = json!([{ "type": "step_count_is", "step_count": 1 }]);
        let verdict = worst(&ask(
            "mistralai/mistral-large",
            json!("hi"),
            json!({ "tools": tools, "stop_server_tools_when": stop }),
        ));
        verdict.lines().into_iter().find(|line| line.what == "search").map(|line| line.each)
    };
    for (parameters, expect) in [
        (json!({ "max_uses": 1 }), Some("0.007")),
        (json!({ "max_uses": 1, "engine": "native" }), Some("0.007")),
        (json!({ "max_uses": 1, "max_results": 12 }), Some("0.009")),
        (json!({ "max_uses": 1, "mode": "deep" }), Some("0.012")),
        (json!({ "max_uses": 1, "mode": "deep-reasoning" }), Some("0.015")),
        (json!({ "max_uses": 1, "engine": "parallel" }), Some("0.005")),
        (json!({ "max_uses": 1, "engine": "perplexity" }), Some("0.005")),
        (json!({ "max_uses": 1, "engine": "firecrawl" }), None),
    ] {
        assert_eq!(fee(parameters.clone()).as_deref(), expect, "{parameters}");
    }
}

#[test]
fn what_an_account_has_on() {
    let mut body = ask("mistralai/mistral-large", json!("hi"), json!({}));
    check(&body, WORD + 200);
    body["plugins"] = json!([{ "id": "web", "enabled": false }]);
    assert!(worst(&body).nanos_up() > 3_000_000_000, "a panel of models answers");
    body["plugins"] = json!([{ "id": "fusion", "enabled": false }]);
    assert!(worst(&body).lines().iter().any(|line| line.what == "search"), "the web is searched");
    // Nothing, or `auto`: a dearer tier.
    let body = ask("mistralai/mistral-large", json!("hi"), json!({ "service_tier": "auto" }));
    check(&body, 4 * (WORD + 200));
}

/// By the model's own tokenizer, and still with the largest template.
#[test]
fn a_prompt_that_is_counted() {
    let counted = |model: &str, role: &str, content: &str| {
        let mut body = ask(model, json!(content), json!({}));
        body["messages"][0]["role"] = json!(role);
        let verdict = judge().worst(body.to_string().as_bytes(), Counting::Tokenizer, 0, 0);
        verdict.expect("a bill").prompt_tokens() - 108
    };
    // "user", a line feed; then numbers of three digits, or of one.
    assert_eq!(counted("openai/gpt-4o", "user", "1234567890"), 2 + 4);
    assert_eq!(counted("qwen/qwen3-32b", "user", "1234567890"), 2 + 10);
    // What a tool says may be written as JSON.
    let quotes = "\"\n".repeat(40);
    let (said, answered) =
        (counted("qwen/qwen3-32b", "user", &quotes), counted("qwen/qwen3-32b", "tool", &quotes));
    assert!(said + 40 <= answered, "{said} and {answered}");
}

#[test]
fn what_is_usual_is_no_more_than_the_worst() {
    let body = ask("openai/gpt-4o", json!("how long is a piece of string?"), json!({}));
    let judge = judge();
    let worst = judge.worst(body.to_string().as_bytes(), Counting::Tokenizer, 0, 0).expect("a bill");
    for seed in 0..100 {
        let usual = judge.usual(body.to_string().as_bytes(), 0, seed).expect("a bill");
        assert!(usual.nanos_up() > 0 && usual.nanos_up() <= worst.nanos_up(), "{usual}");
    }
}
