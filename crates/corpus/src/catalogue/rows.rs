//! One row of `/models`.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::families::Line;
use super::prices::{self, CENT, DOLLAR, percent, text};

/// The next row of a line.
pub(super) fn row(line: &Line, round: usize, rng: &mut Rng) -> Value {
    let slug = if round == 0 { line.slug.to_owned() } else { format!("{}-{:02}", line.slug, round + 1) };
    let id = format!("{}/{slug}", line.author);
    let canonical = format!("{id}-2026{:02}{:02}", rng.u8(1..=12), rng.u8(1..=28));
    let output = match rng.u8(..12) {
        0 => Value::Null,
        _ => json!(line.output),
    };
    let context = if rng.u8(..60) == 0 { Value::Null } else { json!(line.context) };
    let top = if rng.u8(..8) == 0 && !context.is_null() { json!(line.context / 8) } else { context.clone() };
    let mut row = json!({
        "id": id, "canonical_slug": canonical, "hugging_face_id": null, "name": format!("{}: {slug}", line.author),
        "created": 1_700_000_000 + rng.u64(..90_000_000), "description": format!("{id} (generated)."),
        "context_length": context,
        "architecture": { "modality": format!("{}->{}", line.inputs.join("+"), line.outputs.join("+")),
            "input_modalities": line.inputs, "output_modalities": line.outputs, "tokenizer": line.tokenizer,
            "instruct_type": null },
        "pricing": pricing(line, rng),
        "top_provider": { "context_length": top, "max_completion_tokens": output, "is_moderated": rng.bool() },
        "per_request_limits": null, "supported_parameters": parameters(line, rng), "default_parameters": {},
        "supported_voices": null, "knowledge_cutoff": null, "expiration_date": null,
        "links": { "details": format!("/api/v1/models/{canonical}/endpoints") },
    });
    if line.reasons {
        row["reasoning"] =
            json!({ "mandatory": rng.bool(), "default_enabled": true, "default_effort": "medium" });
    }
    row
}

/// What a row lists as `supported_parameters`; rarely without a cap.
pub(super) fn parameters(line: &Line, rng: &mut Rng) -> Vec<&'static str> {
    let mut names = vec!["temperature", "top_p", "stop", "seed", "response_format"];
    match rng.u8(..20) {
        0 => {}
        1..4 => names.push("max_completion_tokens"),
        4..8 => names.extend(["max_completion_tokens", "max_tokens"]),
        _ => names.push("max_tokens"),
    }
    if rng.u8(..10) > 0 {
        names.extend(["tools", "tool_choice"]);
    }
    if line.reasons {
        names.extend(["reasoning", "include_reasoning"]);
    }
    names
}

fn pricing(line: &Line, rng: &mut Rng) -> Value {
    let prompt = prices::between(line.cents, rng);
    let completion = percent(prompt, 100 * rng.u64(1..=8));
    let mut pricing = Map::new();
    let mut put = |key: &str, price: u128| pricing.insert(key.to_owned(), json!(text(price)));
    put("prompt", prompt);
    put("completion", completion);
    match line.author {
        "anthropic" => {
            put("input_cache_read", percent(prompt, 10));
            if rng.u8(..5) > 0 {
                put("input_cache_write", percent(prompt, 125));
                if rng.bool() {
                    put("input_cache_write_1h", percent(prompt, 200));
                }
            }
            put("web_search", DOLLAR / 100);
        }
        "google" if line.slug.starts_with("gemini") => {
            put("image", prompt);
            put("audio", percent(prompt, if rng.bool() { 100 } else { 330 }));
            put("internal_reasoning", completion);
            put("input_cache_read", percent(prompt, 25));
            put("input_cache_write", CENT * 25 / 3);
            put("web_search", DOLLAR * 14 / 1000);
        }
        "openai" if !line.open => {
            put("input_cache_read", percent(prompt, 50));
            if rng.u8(..4) == 0 {
                put("input_cache_write", percent(prompt, 125));
            }
            put("web_search", DOLLAR / 100);
        }
        "perplexity" => {
            put("request", DOLLAR / 200);
            put("web_search", DOLLAR / 200);
        }
        _ => {
            if rng.bool() {
                put("input_cache_read", percent(prompt, rng.u64(5..40)));
            }
        }
    }
    if line.inputs.contains(&"audio") && !line.slug.starts_with("gemini") {
        put("audio", percent(prompt, rng.u64(100..1_300)));
        if rng.u8(..4) == 0 {
            put("input_audio_cache", percent(prompt, 50));
        }
    }
    if line.outputs.contains(&"audio") {
        put("audio_output", percent(completion, rng.u64(100..700)));
    }
    if line.outputs.contains(&"image") {
        put("image_output", percent(completion, rng.u64(100..2_500)));
        if rng.bool() {
            put("image_token", percent(prompt, rng.u64(50..400)));
        }
    }
    // Rows of 2025 have a price for each image, and zeros where nothing is charged.
    if line.inputs.contains(&"image") && rng.u8(..12) == 0 && !line.slug.starts_with("gemini") {
        put("image", DOLLAR * u128::from(rng.u64(5..80)) / 10_000);
        put("request", 0);
        put("internal_reasoning", 0);
    }
    if line.reasons && rng.u8(..8) == 0 {
        put("internal_reasoning", percent(completion, rng.u64(30..180)));
    }
    if rng.u8(..60) == 0 {
        put("request", DOLLAR * u128::from(rng.u64(1..40)) / 1_000);
    }
    if rng.u8(..100) == 0 {
        put("quantum_flux", DOLLAR / 1_000);
    }
    let overrides = overrides(line, prompt, completion, &pricing, rng);
    if !overrides.is_empty() {
        pricing.insert("overrides".to_owned(), json!(overrides));
    }
    Value::Object(pricing)
}

/// Dearer beyond a length, or at some hours.
fn overrides(
    line: &Line,
    prompt: u128,
    completion: u128,
    pricing: &Map<String, Value>,
    rng: &mut Rng,
) -> Vec<Value> {
    let mut overrides = Vec::new();
    if line.context >= 200_000 && rng.u8(..3) == 0 {
        let threshold = [128_000, 200_000, 272_000, 32_000][rng.usize(..4)];
        let mut dearer = json!({ "min_prompt_tokens": threshold, "prompt": text(percent(prompt, 200)),
            "completion": text(percent(completion, 150)) });
        for (key, share) in
            [("input_cache_read", 20), ("input_cache_write", 250), ("input_cache_write_1h", 400)]
        {
            if pricing.contains_key(key) && rng.u8(..3) > 0 {
                dearer[key] = json!(text(percent(prompt, share)));
            }
        }
        if pricing.contains_key("audio") && rng.bool() {
            dearer["audio"] = json!(text(percent(prompt, 700)));
        }
        overrides.push(dearer);
        if rng.u8(..4) == 0 {
            overrides
                .push(json!({ "min_prompt_tokens": threshold * 2, "prompt": text(percent(prompt, 300)) }));
        }
    }
    if rng.u8(..25) == 0 {
        let (start, end) = [(1630, 30), (0, 1630), (900, 1700), (2200, 400)][rng.usize(..4)];
        let mut night = json!({ "utc_start": start, "utc_end": end, "prompt": text(percent(prompt, rng.u64(40..300))),
            "completion": text(percent(completion, rng.u64(40..300))) });
        if rng.bool() {
            night["utc_days"] = json!(["monday", "tuesday", "saturday"]);
        }
        overrides.push(night);
    }
    overrides
}
