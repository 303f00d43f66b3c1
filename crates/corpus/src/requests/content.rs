//! Messages.

use serde_json::{Value, json};

use super::Draft;

/// Text that tokenizers find hard.
const HARD: [&str; 9] = [
    "\u{FDFA}\u{FDFA} ﷺ ",
    "漢字と仮名 ",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿👩‍👩‍👧‍👦",
    "0x7f3a9c00 ",
    "\u{0000}\u{0007}\u{200b}\u{202e}",
    "Zażółć gęślą jaźń ",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "fn f<'a>(x: &'a [u8]) -> Option<&'a u8> { x.get(0) }\n",
    "\"quoted\\path\\n\" ",
];
const WORDS: [&str; 16] = [
    "the",
    "of",
    "budget",
    "model",
    "and",
    "invoice",
    "to",
    "answer",
    "in",
    "quarterly",
    "a",
    "route",
    "is",
    "token",
    "that",
    "ledger",
];

impl Draft {
    pub(super) fn words(&mut self, count: usize) -> String {
        let mut text = String::with_capacity(count * 6);
        for _ in 0..count {
            text.push_str(WORDS[self.rng.usize(..WORDS.len())]);
            text.push(' ');
        }
        text
    }

    pub(super) fn text(&mut self) -> String {
        let count = match self.rng.u32(..400) {
            0 => self.rng.usize(4_000..40_000),
            1..20 => self.rng.usize(300..3_000),
            _ => self.rng.usize(1..120),
        };
        if self.one_in(6) {
            return (0..count.min(600)).map(|_| *self.pick(&HARD)).collect();
        }
        self.words(count)
    }

    pub(super) fn messages(&mut self) {
        if self.one_in(300) {
            let text = self.text();
            self.put("prompt", json!(text));
            return;
        }
        let count = if self.one_in(20) { self.rng.usize(8..40) } else { self.rng.usize(1..5) };
        let media = self.one_in(4);
        let messages: Vec<Value> = (0..count).map(|at| self.message(at, media && at + 1 == count)).collect();
        self.put("messages", json!(messages));
    }

    fn message(&mut self, at: usize, media: bool) -> Value {
        let role = match at {
            0 if self.rng.bool() => "system",
            _ => *self.pick(&["user", "user", "assistant", "tool", "developer"]),
        };
        let content = if media || self.one_in(5) { self.parts(media) } else { json!(self.text()) };
        let mut message = json!({ "role": role, "content": content });
        match role {
            "assistant" if self.one_in(3) => {
                let arguments = json!({ "query": self.words(5), "n": 3 }).to_string();
                message["tool_calls"] = json!([{ "id": "call_1", "type": "function",
                    "function": { "name": "look_up", "arguments": arguments } }]);
                message["content"] = Value::Null;
            }
            "assistant" if self.one_in(12) => message["reasoning"] = json!(self.words(60)),
            "assistant" if self.one_in(12) => {
                message["reasoning_details"] = json!([{ "type": "reasoning.text", "text": self.words(40) }]);
            }
            "assistant" if self.one_in(20) => message["images"] = json!([self.image()]),
            "assistant" if self.one_in(40) => message["audio"] = json!({ "id": "audio_1" }),
            "tool" => message["tool_call_id"] = json!("call_1"),
            _ => {}
        }
        if self.one_in(40) {
            message["name"] = json!("some_name");
        }
        if self.one_in(60) {
            message["cache_control"] = json!({ "type": "ephemeral" });
        }
        message
    }

    fn parts(&mut self, media: bool) -> Value {
        let mut parts: Vec<Value> = Vec::new();
        for _ in 0..self.rng.usize(1..4) {
            let mut part = json!({ "type": "text", "text": self.text() });
            match self.rng.u32(..12) {
                0 => part["cache_control"] = json!({ "type": "ephemeral" }),
                1 => part["cache_control"] = json!({ "type": "ephemeral", "ttl": "1h" }),
                2 => part["cache_control"] = json!({ "type": "ephemeral", "ttl": "5m" }),
                _ => {}
            }
            parts.push(part);
        }
        if media {
            for _ in 0..self.rng.usize(1..4) {
                let part = self.medium();
                parts.push(part);
            }
        }
        if self.one_in(200) {
            parts.push(json!({ "type": "hologram", "text": "a cat" }));
        }
        json!(parts)
    }
}
