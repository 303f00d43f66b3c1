//! Rows that are no ordinary models: routers, aliases, free twins, rows at zero.

use fastrand::Rng;
use serde_json::{Value, json};

use super::families::LINES;
use super::rows;

/// Routers and aliases, rows that cost money at a price of zero, and one row of each line.
pub(super) fn rows(rng: &mut Rng) -> Vec<Value> {
    let mut rows: Vec<Value> = LINES.iter().map(|line| rows::row(line, 0, rng)).collect();
    let extended: Vec<Value> = rows.iter().take(1).chain(rows.get(17)).map(extended).collect();
    let aliases: Vec<Value> = ["openai/gpt-6.1-sol", "anthropic/claude-sonnet-5.5", "google/gemini-3-flash"]
        .iter()
        .filter_map(|target| rows.iter().find(|row| row["id"] == *target).map(alias))
        .collect();
    rows.extend(extended);
    rows.extend(aliases);
    for (id, price) in [
        ("openrouter/auto", "-1"),
        ("openrouter/auto-beta", "-1"),
        ("openrouter/pareto-code", "-1"),
        ("openrouter/bodybuilder", "-1"),
        ("typesafe/jev-router", "-1"),
        ("openrouter/free", "0"),
    ] {
        rows.push(plain(id, "Router", &["text"], 2_000_000, price));
    }
    for (id, outputs, context) in [
        ("black-forest-labs/flux.2-pro", &["image"][..], 46_864),
        ("google/veo-3.1", &["video"], 0),
        ("google/lyria-3-pro-preview", &["text", "audio"], 1_048_576),
        ("voyageai/rerank-3", &["rerank"], 32_000),
        ("openai/whisper-1", &["transcription"], 0),
        ("typesafe/jev-1.13", &["decisions"], 32_000),
        ("stealth/horizon", &["text"], 256_000),
    ] {
        rows.push(plain(id, "Other", outputs, context, "0"));
    }
    rows.push(plain("stealth/riddle", "Other", &["text"], 256_000, "soon"));
    rows
}

/// The `:free` twin of a row.
pub(super) fn free(row: &Value) -> Value {
    let mut twin = row.clone();
    twin["id"] = json!(format!("{}:free", row["id"].as_str().unwrap_or_default()));
    twin["pricing"] = json!({ "prompt": "0", "completion": "0" });
    twin
}

/// A static variant with a price of its own.
fn extended(row: &Value) -> Value {
    let mut twin = row.clone();
    twin["id"] = json!(format!("{}:extended", row["id"].as_str().unwrap_or_default()));
    twin["pricing"] =
        json!({ "prompt": "0.000006", "completion": "0.000018", "request": "0", "image": "0.007225" });
    twin["top_provider"]["max_completion_tokens"] = json!(64_000);
    twin
}

fn alias(target: &Value) -> Value {
    let id = target["id"].as_str().unwrap_or_default();
    let (author, slug) = id.split_once('/').unwrap_or_default();
    let mut row = target.clone();
    row["id"] = json!(format!("~{author}/{slug}-latest"));
    row["alias_target"] = json!({ "name": target["name"], "slug": id });
    row["architecture"]["tokenizer"] = json!("Router");
    row
}

fn plain(id: &str, tokenizer: &str, outputs: &[&str], context: u64, price: &str) -> Value {
    json!({
        "id": id, "canonical_slug": id, "hugging_face_id": null, "name": id, "created": 1_780_000_000,
        "description": format!("{id} (generated)."), "context_length": context,
        "architecture": { "modality": format!("text->{}", outputs.join("+")), "input_modalities": ["text", "image"],
            "output_modalities": outputs, "tokenizer": tokenizer, "instruct_type": null },
        "pricing": { "prompt": price, "completion": price },
        "top_provider": { "context_length": context, "max_completion_tokens": if context == 0 { json!(0) } else { Value::Null },
            "is_moderated": false },
        "per_request_limits": null, "supported_parameters": ["max_tokens", "temperature"], "default_parameters": {},
        "supported_voices": null, "knowledge_cutoff": null, "expiration_date": null,
        "links": { "details": format!("/api/v1/models/{id}/endpoints") },
    })
}
