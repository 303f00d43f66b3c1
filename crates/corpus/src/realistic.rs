//! [`corpus`]: what programs really send, for measuring how tight a bound is.
//!
//! Seven kinds, each at eight models of different families, from a seed:
//!
//! | kind | what |
//! |---|---|
//! | chat | 3 to 21 turns of conversation, 1 to 12 KB, `max_tokens` 512 to 4,096 or none |
//! | agent | a coding agent's turn: a system prompt, 12 function tools, earlier tool calls and the files they returned, 20 to 200 KB, `max_tokens` 8,192 to 32,000; marked for the cache at Anthropic |
//! | rag | a question over 4 to 20 retrieved passages of prose, 6 to 60 KB, `max_tokens` 800 |
//! | vision | a question about 1 to 4 images of 800 to 2,000 pixels, `max_tokens` 1,024; models that see |
//! | batch | one of thousands of classifications: a short text, a schema, `max_tokens` 16 to 64 |
//! | pdf | a question about a report, `max_tokens` 2,048, read by the model itself or by the free engine |
//! | search | a question with `openrouter:web_search`, three results of a thousand characters, two searches |
//!
//! Prose is common English words in sentences; code is lines of Rust with made-up names; both are about four bytes a
//! token, as real ones are.

use fastrand::Rng;
use serde_json::{Value, json};

use crate::requests::png;

/// Models of the recorded catalogue, by family.
pub const MODELS: [(&str, &str); 8] = [
    ("GPT", "openai/gpt-4o-mini"),
    ("GPT", "openai/gpt-5"),
    ("Claude", "anthropic/claude-sonnet-4.5"),
    ("Gemini", "google/gemini-2.5-flash"),
    ("Llama", "meta-llama/llama-3.3-70b-instruct"),
    ("DeepSeek", "deepseek/deepseek-v3.2"),
    ("Qwen", "qwen/qwen3-coder"),
    ("Grok", "x-ai/grok-4.3"),
];
/// Kinds of request.
pub const KINDS: [&str; 7] = ["chat", "agent", "rag", "vision", "batch", "pdf", "search"];

const WORDS: &str = "the of and to in is that for it as was with be by on not he his but at are this have from or had an they which \
    one you were all her she there would their we him been has when who will no more if out so up said what its about than into \
    them can only other time new some could these two may first then do any like my now over such our man me even most made \
    after also well down should because each those people how too little state good very make world still own see men work \
    long get here between both life being under never day same another know while last might us great old year off come since \
    against go came right used take three quarter revenue customer delivery request contract budget schedule region supplier \
    agreement increase however therefore according management information department international requirement";
const NAMES: [&str; 12] = [
    "ledger", "window", "balance", "entry", "journal", "request", "response", "cursor", "segment", "permit",
    "bound", "index",
];

/// One request.
#[derive(Clone, Debug)]
pub struct Sample {
    /// One of [`KINDS`].
    pub kind: &'static str,
    /// The family of its model.
    pub family: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// So many requests of each kind at each model that can serve it.
pub fn corpus(seed: u64, each: usize) -> Vec<Sample> {
    let mut writer = Writer { rng: Rng::with_seed(seed), words: WORDS.split_whitespace().collect() };
    let mut samples = Vec::new();
    for kind in KINDS {
        for (family, model) in MODELS {
            for _ in 0..each {
                if let Some(body) = writer.body(kind, model) {
                    samples.push(Sample { kind, family, body: body.to_string().into_bytes() });
                }
            }
        }
    }
    samples
}

struct Writer {
    rng: Rng,
    words: Vec<&'static str>,
}

impl Writer {
    fn body(&mut self, kind: &str, model: &str) -> Option<Value> {
        let mut body = match kind {
            "chat" => self.chat(),
            "agent" => self.agent(model),
            "rag" => self.rag(),
            "vision" => self.vision(),
            "batch" => self.batch(),
            "pdf" => self.pdf(),
            _ => self.search(),
        };
        let sees = matches!(model.split('/').next(), Some("openai" | "anthropic" | "google" | "x-ai"));
        if kind == "vision" && !sees {
            return None;
        }
        body["model"] = json!(model);
        Some(body)
    }

    fn prose(&mut self, words: usize) -> String {
        let mut text = String::with_capacity(words * 6);
        let mut left = 0;
        for at in 0..words {
            let word = self.words[self.rng.usize(..self.words.len())];
            if left == 0 {
                left = self.rng.usize(6..22);
                text.extend(word.chars().take(1).flat_map(char::to_uppercase));
                text.push_str(&word[1..]);
            } else {
                text.push_str(word);
            }
            left -= 1;
            let end = if left == 0 || at + 1 == words {
                ". "
            } else if self.rng.u8(..12) == 0 {
                ", "
            } else {
                " "
            };
            text.push_str(end);
        }
        text
    }

    fn code(&mut self, lines: usize) -> String {
        let mut text = String::with_capacity(lines * 48);
        for at in 0..lines {
            let mut name = || NAMES[self.rng.usize(..NAMES.len())];
            let (a, b, c) = (name(), name(), name());
            match at % 7 {
                0 => text.push_str(&format!("    /// The {a} of a {b}, in order of its {c}.\n")),
                1 => text.push_str(&format!("    pub fn {a}_of(&self, {b}: &{c}) -> Option<{b}> {{\n")),
                2 => text.push_str(&format!("        let {a} = self.{b}.get({c}.id)?;\n")),
                3 => text.push_str(&format!("        if {a}.is_empty() || {b} > {c}.len() {{\n")),
                4 => text.push_str(&format!("            return Err(Error::{a}({b}.clone()));\n")),
                5 => text.push_str("        }\n    }\n"),
                _ => text.push('\n'),
            }
        }
        text
    }

    fn chat(&mut self) -> Value {
        let words = self.rng.usize(20..120);
        let mut messages = vec![json!({ "role": "system", "content": self.prose(words) })];
        for at in 0..self.rng.usize(1..11) * 2 - 1 {
            let words = self.rng.usize(8..140);
            messages.push(json!({ "role": if at % 2 == 0 { "user" } else { "assistant" }, "content": self.prose(words) }));
        }
        let mut body = json!({ "messages": messages, "temperature": 0.7, "stream": true });
        if self.rng.u8(..3) > 0 {
            body["max_tokens"] = json!(512 << self.rng.u32(..4));
        }
        body
    }

    fn agent(&mut self, model: &str) -> Value {
        let tools: Vec<Value> = (0..12)
            .map(|at| {
                json!({ "type": "function", "function": { "name": format!("{}_{at}", NAMES[at % 12]), "description": self.prose(30),
                    "parameters": { "type": "object", "required": ["path"], "properties": {
                        "path": { "type": "string", "description": self.prose(10) },
                        "limit": { "type": "integer", "description": self.prose(6) } } } } })
            })
            .collect();
        let mut system = json!({ "role": "system", "content": self.prose(1_200) });
        if model.starts_with("anthropic/") {
            let text = system["content"].take();
            system["content"] =
                json!([{ "type": "text", "text": text, "cache_control": { "type": "ephemeral" } }]);
        }
        let mut messages = vec![system, json!({ "role": "user", "content": self.prose(60) })];
        let wanted = self.rng.usize(12_000..180_000);
        let mut bytes = 0;
        while bytes < wanted {
            let id = format!("call_{:08x}", self.rng.u32(..));
            let lines = self.rng.usize(20..300);
            let file = self.code(lines);
            bytes += file.len();
            let arguments = json!({ "path": "crates/pricing/src/bound.rs", "limit": lines }).to_string();
            messages.push(json!({ "role": "assistant", "content": self.prose(20), "tool_calls": [{ "id": id, "type": "function",
                "function": { "name": "ledger_0", "arguments": arguments } }] }));
            messages.push(json!({ "role": "tool", "tool_call_id": id, "content": file }));
        }
        let cap = [8_192, 16_000, 32_000][self.rng.usize(..3)];
        json!({ "messages": messages, "tools": tools, "max_tokens": cap, "stream": true })
    }

    fn rag(&mut self) -> Value {
        let mut context = String::new();
        for at in 0..self.rng.usize(4..20) {
            let words = self.rng.usize(200..500);
            context.push_str(&format!("[{at}] {}\n\n", self.prose(words)));
        }
        json!({ "messages": [{ "role": "system", "content": self.prose(60) },
            { "role": "user", "content": format!("{context}\nQuestion: {}", self.prose(14)) }], "max_tokens": 800 })
    }

    fn vision(&mut self) -> Value {
        let mut parts = vec![json!({ "type": "text", "text": self.prose(25) })];
        for _ in 0..self.rng.usize(1..5) {
            let (width, height) = (self.rng.u32(800..2_000), self.rng.u32(600..1_600));
            let mut bytes = png(width, height);
            bytes.extend(std::iter::repeat_with(|| self.rng.u8(..)).take(30_000));
            parts.push(json!({ "type": "image_url", "image_url": { "url": crate::requests::data_url("image/png", &bytes) } }));
        }
        json!({ "messages": [{ "role": "user", "content": parts }], "max_tokens": 1_024 })
    }

    fn batch(&mut self) -> Value {
        let words = self.rng.usize(15..90);
        let cap = [16, 32, 64][self.rng.usize(..3)];
        json!({ "messages": [{ "role": "system", "content": self.prose(40) }, { "role": "user", "content": self.prose(words) }],
            "max_tokens": cap, "temperature": 0,
            "response_format": { "type": "json_schema", "json_schema": { "name": "label", "strict": true, "schema": {
                "type": "object", "required": ["label"], "additionalProperties": false,
                "properties": { "label": { "type": "string", "enum": ["complaint", "question", "praise", "other"] } } } } } })
    }

    fn pdf(&mut self) -> Value {
        let data = crate::requests::data_url("application/pdf", self.prose(2_000).as_bytes());
        json!({ "messages": [{ "role": "user", "content": [{ "type": "text", "text": self.prose(20) },
            { "type": "file", "file": { "filename": "report.pdf", "file_data": data } }] }], "max_tokens": 2_048 })
    }

    fn search(&mut self) -> Value {
        json!({ "messages": [{ "role": "user", "content": self.prose(30) }], "max_tokens": 1_024,
            "tools": [{ "type": "openrouter:web_search", "parameters": { "engine": "exa", "max_results": 3,
                "max_characters": 1_000, "max_uses": 2 } }],
            "stop_server_tools_when": [{ "type": "step_count_is", "step_count": 2 }] })
    }
}
