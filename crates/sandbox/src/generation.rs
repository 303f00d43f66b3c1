//! `GET /generation?id=`: what a generation cost, late (CONTRACT 7.1, A.5).

use std::fmt::Write;

use serde_json::json;

use crate::account::payer::short;
use crate::clock::Moment;
use crate::config::Byok;
use crate::entry::{Generation, Status};
use crate::error::Failure;
use crate::server::State;

/// The answer about an id, for a key (the SHA-256 of its plaintext).
pub(crate) fn answer(state: &State, id: &str, key: &str, now: Moment) -> Result<String, Failure> {
    let books = state.books();
    let found = books.find(id).filter(|generation| generation.ready.is_some_and(|ready| ready <= now));
    match found.filter(|generation| !state.config.private_generations || &*generation.payer.key == key) {
        Some(generation) => Ok(body(generation)),
        None => Err(Failure {
            status: 404,
            body: json!({ "error": { "message": format!("Generation {id} not found"), "code": 404 } })
                .to_string(),
            headers: Vec::new(),
        }),
    }
}

/// Everything that is remembered, for audits: one row per generation, oldest first.
pub(crate) fn list(state: &State) -> String {
    let books = state.books();
    let mut out = String::from("{\"data\":[");
    for (index, generation) in books.all().enumerate() {
        let plan = &generation.plan;
        let _ = write!(
            out,
            "{}{{\"id\":\"{}\",\"key\":\"{}\",\"model\":{},\"provider\":{},\"cost_usd\":\"{}\",\"created\":{},\"status\":\"{}\",\
             \"streamed\":{},\"prompt_tokens\":{},\"completion_tokens\":{},\"lost\":{},\"faults\":{},\"pending\":{},\"twin_of\":{}}}",
            if index == 0 { "" } else { "," },
            plan.id,
            short(&generation.payer.key),
            json!(&*plan.model.id),
            json!(&*plan.provider),
            generation.charge.total(),
            plan.created.0,
            generation.status.word(),
            plan.stream,
            generation.usage.prompt,
            generation.usage.completion,
            plan.fate.generation_lost,
            json!(plan.fate.told()),
            generation.pending,
            json!(generation.twin_of.as_deref()),
        );
    }
    out.push_str("]}");
    out
}

fn body(generation: &Generation) -> String {
    let (plan, usage, charge) = (&generation.plan, &generation.usage, &generation.charge);
    let cancelled = generation.status == Status::Aborted;
    let finish = match generation.status {
        Status::Aborted | Status::Running => json!(null),
        Status::Failed => json!("error"),
        Status::Done => json!(plan.finish),
    };
    let took = generation.ended.map_or(0, |ended| ended.0.saturating_sub(plan.created.0));
    let is_byok = plan.byok != Byok::Off;
    // The amounts are put in as text, for a float would not be exact.
    let attempt = json!({
        "id": format!("chatcmpl-{:016x}", plan.seed), "endpoint_id": &*plan.endpoint,
        "model_permaslug": &*plan.model.canonical, "provider_name": &*plan.provider, "status": 200,
        "latency": plan.first_byte_ms, "is_byok": is_byok,
    });
    let times = json!({
        "latency": plan.first_byte_ms, "moderation_latency": 0, "generation_time": took,
        "tokens_prompt": usage.prompt, "tokens_completion": usage.completion,
        "native_tokens_prompt": usage.prompt, "native_tokens_completion": usage.completion,
        "native_tokens_reasoning": usage.reasoning, "native_tokens_cached": usage.cached,
        "native_tokens_completion_images": 0,
        "num_media_prompt": null, "num_input_audio_prompt": null, "num_media_completion": null,
        "num_search_results": null, "num_fetches": null, "web_search_engine": null,
        "provider_responses": [attempt],
    })
    .to_string();
    let rest = json!({
        "request_id": format!("req-{:016x}", plan.seed),
        "upstream_id": format!("chatcmpl-{:016x}", plan.seed),
        "created_at": plan.created.iso(),
        "model": &*plan.model.canonical,
        "api_type": "completions",
        "provider_name": &*plan.provider,
        "router": null, "preset_id": null, "service_tier": null,
        "origin": "", "app_id": null, "http_referer": null, "user_agent": null, "external_user": null,
        "session_id": plan.session_id,
        "workspace_id": &*generation.payer.workspace, "data_region": "global",
        "streamed": plan.stream, "cancelled": cancelled,
        "finish_reason": finish, "native_finish_reason": finish,
        "is_byok": is_byok, "cache_discount": null, "response_cache_source_id": null,
    })
    .to_string();
    format!(
        "{{\"data\":{{\"id\":\"{}\",\"usage\":{},\"total_cost\":{},\"upstream_inference_cost\":{},{},{}}}",
        plan.id,
        charge.openrouter,
        charge.openrouter,
        charge.provider,
        &times[1..times.len() - 1],
        &rest[1..],
    )
}
