//! The endpoints of a row.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::prices::{DOLLAR, text};

/// Providers of models that many may serve: name, tag.
const OPEN: [(&str, &str); 16] = [
    ("DeepInfra", "deepinfra/fp4"),
    ("Novita", "novita/fp8"),
    ("Together", "together"),
    ("Fireworks", "fireworks"),
    ("Groq", "groq"),
    ("Cloudflare", "cloudflare/fp8"),
    ("SiliconFlow", "siliconflow/fp8"),
    ("Parasail", "parasail/fp8"),
    ("Nebius", "nebius/fp8"),
    ("AtlasCloud", "atlas-cloud/fp8"),
    ("GMICloud", "gmicloud/fp8"),
    ("WandB", "wandb/bf16"),
    ("Baidu", "baidu/fp8"),
    ("Venice", "venice"),
    ("DigitalOcean", "digitalocean"),
    ("DeepInfra", "deepinfra/bf16"),
];
const OPENAI: [(&str, &str); 5] = [
    ("OpenAI", "openai"),
    ("Azure", "azure"),
    ("OpenAI", "openai/priority"),
    ("OpenAI", "openai/flex"),
    ("Azure", "azure/swedencentral"),
];
const ANTHROPIC: [(&str, &str); 5] = [
    ("Anthropic", "anthropic"),
    ("Amazon Bedrock", "amazon-bedrock"),
    ("Google", "google-vertex/us-east5"),
    ("Azure", "azure"),
    ("Anthropic", "anthropic/priority"),
];
const GOOGLE: [(&str, &str); 5] = [
    ("Google AI Studio", "google-ai-studio"),
    ("Google", "google-vertex"),
    ("Google", "google-vertex/global"),
    ("Google AI Studio", "google-ai-studio/flex"),
    ("Google AI Studio", "google-ai-studio/priority"),
];

fn providers(row: &Value) -> &'static [(&'static str, &'static str)] {
    let id = row["id"].as_str().unwrap_or_default();
    match id.split('/').next().unwrap_or_default() {
        "openai" if !id.contains("oss") => &OPENAI,
        "anthropic" => &ANTHROPIC,
        "google" if id.contains("gemini") => &GOOGLE,
        "perplexity" => &[("Perplexity", "perplexity")],
        "x-ai" => &[("xAI", "xai"), ("xAI", "xai/fast")],
        "cohere" => &[("Cohere", "cohere")],
        "amazon" => &[("Amazon Bedrock", "amazon-bedrock")],
        _ => &OPEN,
    }
}

/// How many endpoints a row has.
pub(super) fn count(row: &Value, rng: &mut Rng) -> usize {
    let all = providers(row).len();
    if row["context_length"] == 0 { 1 } else { rng.usize(1..=all.min(9)) }
}

/// Some endpoints; the first asks what the row lists.
pub(super) fn of(row: &Value, count: usize, rng: &mut Rng) -> Vec<Value> {
    let all = providers(row);
    let first = if all.len() > 5 { rng.usize(..all.len()) } else { 0 };
    (0..count).map(|at| endpoint(row, all[(first + at) % all.len()], at == 0, rng)).collect()
}

fn endpoint(row: &Value, (provider, tag): (&str, &str), first: bool, rng: &mut Rng) -> Value {
    let id = row["id"].as_str().unwrap_or_default();
    let tier = tag.rsplit('/').next().filter(|end| matches!(*end, "priority" | "flex"));
    let factor = match tier {
        // Rarely no dearer than the ordinary one, save for what is conditional.
        Some("priority") if rng.u8(..4) == 0 => 100,
        Some("priority") => 200,
        Some(_) => 50,
        None if first => 100,
        None => rng.u64(80..250),
    };
    let limit = |listed: &Value, rng: &mut Rng| match rng.u8(..20) {
        0 => Value::Null,
        1 | 2 => json!(listed.as_u64().unwrap_or(131_072) / 4),
        _ => listed.clone(),
    };
    let mut parameters = row["supported_parameters"].clone();
    if let Some(names) = parameters.as_array_mut().filter(|_| rng.u8(..25) == 0) {
        names.retain(|name| !name.as_str().is_some_and(|name| name.starts_with("max_")));
    }
    let output = limit(&row["top_provider"]["max_completion_tokens"], rng);
    let context = limit(&row["context_length"], rng);
    let prompt_max =
        if rng.u8(..30) == 0 { json!(context.as_u64().unwrap_or(65_536) / 2) } else { Value::Null };
    json!({
        "name": format!("{provider} | {id}"), "model_id": id, "model_name": row["name"], "context_length": context,
        "pricing": pricing(&row["pricing"], factor, tier == Some("priority"), rng), "provider_name": provider, "tag": tag,
        "service_tier": tier, "quantization": tag.split('/').nth(1).filter(|_| tier.is_none()),
        "max_completion_tokens": output, "max_prompt_tokens": prompt_max, "supported_parameters": parameters,
        "status": 0, "uptime_last_5m": 99.9, "uptime_last_30m": 99.5, "uptime_last_1d": 99.1,
        "supports_implicit_caching": rng.u8(..5) == 0, "native_tools": {}, "supports_tool_choice":
            { "none": true, "auto": true, "required": true, "function": true },
        "latency_last_30m": null, "throughput_last_30m": null,
    })
}

/// The row's prices times a factor, conditions included; `discount` is inside them.
fn pricing(listed: &Value, factor: u64, priority: bool, rng: &mut Rng) -> Value {
    let mut pricing = scaled(listed, factor);
    if factor != 100 && rng.u8(..12) == 0 {
        // An endpoint that leaves out what its model lists, or asks for what it does not.
        pricing.remove("input_cache_write");
        pricing.insert("input_cache_read".to_owned(), json!(text(DOLLAR / 1_000_000)));
    }
    // Some list no conditions although the model's row does.
    if factor != 100 && !factor.is_multiple_of(3) {
        pricing.remove("overrides");
    }
    if priority && factor == 100 {
        let dearer = scaled(listed, 400);
        pricing.insert(
            "overrides".to_owned(),
            json!([{ "min_prompt_tokens": 500,
            "prompt": dearer["prompt"], "completion": dearer["completion"] }]),
        );
    }
    let discount = if rng.u8(..15) == 0 { json!([0.35, 0.5, -0.1][rng.usize(..3)]) } else { json!(0) };
    pricing.insert("discount".to_owned(), discount);
    Value::Object(pricing)
}

fn scaled(listed: &Value, factor: u64) -> Map<String, Value> {
    let each = listed.as_object().into_iter().flatten();
    each.map(|(key, value)| {
        (key.clone(), if key == "overrides" { conditions(value, factor) } else { price(value, factor) })
    })
    .collect()
}

fn conditions(list: &Value, factor: u64) -> Value {
    let each = list.as_array().into_iter().flatten();
    each.map(|one| Value::Object(scaled(one, factor))).collect()
}

/// Text is a price; numbers and lists are conditions.
fn price(value: &Value, factor: u64) -> Value {
    let Some(listed) = value.as_str() else { return value.clone() };
    let (whole, fraction) = listed.split_once('.').unwrap_or((listed, ""));
    match format!("{whole}{fraction:0<23}").parse::<u128>() {
        Ok(units) if factor != 100 => json!(text(units * u128::from(factor) / 100)),
        _ => value.clone(),
    }
}
