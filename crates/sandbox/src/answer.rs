//! What an answer looks like: usage, whole answers, chunks (CONTRACT 11.1, 11.2, A.9).
//!
//! Written by hand, so that costs are printed exactly as booked.

use std::fmt::Write;

use serde_json::Value;

use crate::config::Byok;
use crate::exact::Exact;
use crate::plan::{Content, Plan};
use crate::words;

/// A `usage` object when it stops after so many completion tokens.
pub(crate) fn usage(plan: &Plan, completion: u64) -> String {
    let usage = plan.usage_at(completion);
    let charge = plan.charge_at(completion);
    let number = |amount: Exact| if plan.exponent { amount.exponent_form() } else { amount.to_string() };
    let cost = if plan.fate.null_cost { "null".to_owned() } else { number(charge.openrouter) };
    let list = if plan.byok == Byok::Off { charge.openrouter } else { charge.provider };
    format!(
        "{{\"prompt_tokens\":{},\"completion_tokens\":{},\"total_tokens\":{},\"cost\":{cost},\"is_byok\":{},\
         \"prompt_tokens_details\":{{\"cached_tokens\":{},\"cache_write_tokens\":{},\"audio_tokens\":0,\"video_tokens\":0}},\
         \"cost_details\":{{\"upstream_inference_cost\":{},\"upstream_inference_prompt_cost\":{},\
         \"upstream_inference_completions_cost\":{}}},\
         \"completion_tokens_details\":{{\"reasoning_tokens\":{},\"image_tokens\":0,\"audio_tokens\":0}}}}",
        usage.prompt,
        usage.completion,
        usage.prompt + usage.completion,
        plan.byok != Byok::Off,
        usage.cached,
        usage.written,
        number(list),
        number(charge.cost.prompt.plus(charge.cost.fees)),
        number(charge.cost.completion),
        usage.reasoning,
    )
}

/// A whole answer.
pub(crate) fn whole(plan: &Plan) -> String {
    let mut out = String::with_capacity(1024 + plan.usage.completion.min(100_000) as usize * 6);
    let _ = write!(
        out,
        "{{\"id\":\"{}\",\"provider\":{},\"model\":{},\"object\":\"chat.completion\",\"created\":{},\"choices\":[{{\"index\":0,\
         \"finish_reason\":\"{finish}\",\"native_finish_reason\":\"{finish}\",\"message\":{{\"role\":\"assistant\",\"content\":",
        plan.id,
        quoted(&plan.provider),
        quoted(&plan.model.id),
        plan.created.seconds(),
        finish = plan.finish,
    );
    match &plan.content {
        Content::Text(tokens) => {
            out.push('"');
            words::append(&mut out, plan.usage.reasoning, plan.usage.reasoning + tokens);
            out.push('"');
        }
        Content::Tool { name, arguments } => {
            let _ = write!(
                out,
                "null,\"tool_calls\":[{{\"id\":\"{}\",\"index\":0,\"type\":\"function\",\"function\":{{\"name\":{},\"arguments\":{}}}}}]",
                call_id(plan),
                quoted(name),
                quoted(arguments),
            );
        }
    }
    out.push_str(",\"refusal\":null,\"reasoning\":");
    match shown_reasoning(plan) {
        0 => out.push_str("null"),
        tokens => {
            out.push('"');
            words::append(&mut out, 0, tokens);
            out.push('"');
        }
    }
    out.push_str("}}],\"system_fingerprint\":null");
    if !plan.fate.missing_usage {
        let _ = write!(out, ",\"usage\":{}", usage(plan, plan.usage.completion));
    }
    out.push('}');
    out
}

/// Reasoning tokens whose text is shown.
pub(crate) fn shown_reasoning(plan: &Plan) -> u64 {
    match plan.content {
        Content::Text(_) if plan.reasoning_shown => plan.usage.reasoning.min(1024),
        _ => 0,
    }
}

/// The events of one stream.
pub(crate) struct Events {
    /// Up to and including `"choices":[`.
    head: String,
}

impl Events {
    pub(crate) fn new(plan: &Plan) -> Events {
        let head = format!(
            "data: {{\"id\":\"{}\",\"object\":\"chat.completion.chunk\",\"created\":{},\"model\":{},\"provider\":{}",
            plan.id,
            plan.created.seconds(),
            quoted(&plan.model.id),
            quoted(&plan.provider),
        );
        Events { head }
    }

    /// Tokens of the endless text as content.
    pub(crate) fn text(&self, from: u64, to: u64) -> String {
        let mut out = self.open(256 + (to - from) as usize * 6);
        out.push_str("{\"role\":\"assistant\",\"content\":\"");
        words::append(&mut out, from, to);
        self.close(out, "\"}")
    }

    /// Tokens of the endless text as reasoning.
    pub(crate) fn reasoning(&self, from: u64, to: u64) -> String {
        let mut out = self.open(256 + (to - from) as usize * 6);
        out.push_str("{\"role\":\"assistant\",\"content\":\"\",\"reasoning\":\"");
        words::append(&mut out, from, to);
        self.close(out, "\"}")
    }

    /// The beginning of a tool call.
    pub(crate) fn tool_name(&self, plan: &Plan, name: &str) -> String {
        let mut out = self.open(512);
        let _ = write!(
            out,
            "{{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{{\"index\":0,\"id\":\"{}\",\"type\":\"function\",\
             \"function\":{{\"name\":{},\"arguments\":\"\"}}}}]}}",
            call_id(plan),
            quoted(name),
        );
        self.close(out, "")
    }

    /// The arguments of a tool call.
    pub(crate) fn tool_arguments(&self, arguments: &str) -> String {
        let mut out = self.open(512 + arguments.len());
        let _ = write!(
            out,
            "{{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{{\"index\":0,\"type\":\"function\",\"function\":\
             {{\"arguments\":{}}}}}]}}",
            quoted(arguments),
        );
        self.close(out, "")
    }

    /// The chunk that says why it ends.
    pub(crate) fn finish(&self, plan: &Plan) -> String {
        format!("{},\"choices\":[{}]}}\n\n", self.head, last_choice(plan))
    }

    /// The chunk with the usage after so many completion tokens.
    pub(crate) fn usage(&self, plan: &Plan, completion: u64) -> String {
        let usage = usage(plan, completion);
        if plan.empty_choices {
            return format!("{},\"choices\":[],\"usage\":{usage}}}\n\n", self.head);
        }
        format!(
            "{},\"service_tier\":null,\"choices\":[{}],\"usage\":{usage}}}\n\n",
            self.head,
            last_choice(plan)
        )
    }

    /// The provider failed.
    pub(crate) fn error(&self, as_text: bool) -> String {
        let code = if as_text { "\"server_error\"" } else { "502" };
        format!(
            "{},\"error\":{{\"code\":{code},\"message\":\"Provider disconnected\",\"metadata\":{{\"error_type\":\
             \"provider_unavailable\"}}}},\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"\"}},\"finish_reason\":\"error\",\
             \"native_finish_reason\":\"error\"}}]}}\n\n",
            self.head,
        )
    }

    fn open(&self, capacity: usize) -> String {
        let mut out = String::with_capacity(self.head.len() + capacity);
        out.push_str(&self.head);
        out.push_str(",\"choices\":[{\"index\":0,\"delta\":");
        out
    }

    fn close(&self, mut out: String, end: &str) -> String {
        out.push_str(end);
        out.push_str(",\"finish_reason\":null,\"native_finish_reason\":null}]}\n\n");
        out
    }
}

fn last_choice(plan: &Plan) -> String {
    format!(
        "{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"\"}},\"finish_reason\":\"{finish}\",\
         \"native_finish_reason\":\"{finish}\"}}",
        finish = plan.finish
    )
}

fn call_id(plan: &Plan) -> String {
    format!("call_{:016x}", plan.seed)
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
