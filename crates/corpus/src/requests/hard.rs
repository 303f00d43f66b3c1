//! Requests that are hard to count: every script, emoji, control characters, long runs, base64, code and JSON, wherever
//! a request has text, cut into strings that a template may join.

use serde_json::{Value, json};

use super::{Draft, media};
use crate::hard::{ATOMS, RUNS, SCRIPTS};

const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const SIGNS: &str = " \t\n{}()[];:=<>\"'/*,.-_#";
/// Lines of programs.
const CODE: [&str; 5] = [
    "    pub fn window_of(&self, entry: &Ledger) -> Option<Entry> {\n",
    "\t\tif (a[i] !== b[i+1]) { return null; } // ünïcode\r\n",
    "SELECT id, SUM(nanos) FROM postings WHERE at >= '2026-11-24' GROUP BY 1;\n",
    "        \"key\": [0.1, -2e-9, null, true, \"\\u00fc\\n\"],\n",
    "#include <stdio.h>\nint main(){printf(\"%08x\\n\",0xdeadbeef);}\n",
];

impl Draft {
    /// The body of one, at models of these, by tokenizer.
    pub(super) fn hard(mut self, public: &[Vec<String>]) -> Vec<u8> {
        let name = self.public(public);
        self.put("model", json!(name));
        if self.one_in(8) {
            let other = self.public(public);
            self.put("models", json!([other]));
        }
        self.hard_messages();
        self.limits();
        self.hard_schemas();
        if self.one_in(10) {
            self.provider();
            self.settings();
        }
        self.write()
    }

    /// One of a tokenizer, each tokenizer as often.
    fn public(&mut self, public: &[Vec<String>]) -> String {
        let ids = self.pick(public);
        if ids.is_empty() { "openai/gpt-4o".to_owned() } else { self.pick(ids).clone() }
    }

    /// A hard text.
    fn hard_text(&mut self) -> String {
        let most = match self.rng.u32(..1_000) {
            0 => 6_000,
            1..20 => 600,
            20..200 => 80,
            _ => 20,
        };
        let count = self.rng.usize(..most);
        match self.rng.u32(..12) {
            0..3 => self.script(count * 2),
            3 | 4 => (0..count).map(|_| *self.pick(&ATOMS)).collect(),
            5 => self.pick(&RUNS).repeat(count * 4),
            6 => self.characters(BASE64, count * 4),
            7 => self.characters(SIGNS, count),
            8 => (0..count / 8 + 1).map(|_| *self.pick(&CODE)).collect(),
            9 => {
                json!({ "query": self.script(count), "n": [count, null, { "é": self.words(3) }] }).to_string()
            }
            10 => self.rng.u64(..).to_string().repeat(count / 8 + 1),
            _ => self.words(count),
        }
    }

    fn script(&mut self, count: usize) -> String {
        let (from, to) = *self.pick(&SCRIPTS);
        (0..count).filter_map(|_| char::from_u32(self.rng.u32(from..=to))).collect()
    }

    fn characters(&mut self, among: &str, count: usize) -> String {
        let among: Vec<char> = among.chars().collect();
        (0..count).map(|_| *self.pick(&among)).collect()
    }

    fn hard_messages(&mut self) {
        let count = if self.one_in(12) { self.rng.usize(20..120) } else { self.rng.usize(1..8) };
        let messages: Vec<Value> = (0..count).map(|_| self.hard_message()).collect();
        self.put("messages", json!(messages));
    }

    fn hard_message(&mut self) -> Value {
        let role = *self.pick(&["system", "developer", "user", "user", "assistant", "assistant", "tool"]);
        let content = if self.one_in(3) { self.hard_parts() } else { json!(self.hard_text()) };
        let mut message = json!({ "role": role, "content": content });
        match role {
            "assistant" if self.one_in(2) => {
                let calls: Vec<Value> = (0..self.rng.usize(1..4)).map(|_| self.hard_call()).collect();
                message["tool_calls"] = json!(calls);
            }
            "assistant" if self.one_in(4) => message["reasoning"] = json!(self.hard_text()),
            "assistant" if self.one_in(4) => {
                message["reasoning_details"] =
                    json!([{ "type": "reasoning.text", "text": self.hard_text() }]);
            }
            "assistant" if self.one_in(8) => message["annotations"] = self.hard_annotations(),
            "tool" => message["tool_call_id"] = json!(self.hard_name()),
            _ => {}
        }
        if self.one_in(8) {
            message["name"] = json!(self.hard_name());
        }
        message
    }

    /// A page cited, and what was read of a file before.
    fn hard_annotations(&mut self) -> Value {
        let mut content = vec![json!({ "type": "text", "text": self.hard_text() })];
        content.extend((0..self.rng.usize(..4)).map(|_| self.image()));
        json!([
            { "type": "url_citation", "url_citation": { "url": "https://x.test", "content": self.hard_text() } },
            { "type": "file", "file": { "hash": self.hard_name(), "name": "a.pdf", "content": content } },
        ])
    }

    fn hard_call(&mut self) -> Value {
        let arguments = match self.rng.u32(..8) {
            0 => self.hard_text(),
            // Not JSON to every reader.
            1 => format!("[\"\\ud800\",{}]", self.hard_numbers()),
            2..5 => json!({ "path": self.hard_name(), "text": self.hard_text() }).to_string(),
            _ => format!("{{\"of\":{}}}", self.hard_numbers()),
        };
        json!({ "id": self.hard_name(), "type": "function",
            "function": { "name": self.hard_name(), "arguments": arguments } })
    }

    /// A list of what is longer when it is written anew: numbers with exponents, short elements, text beyond ASCII.
    fn hard_numbers(&mut self) -> String {
        let of = *self.pick(&[
            "1e20",
            "1e15",
            "-2.5E-6",
            "7",
            "1.0",
            "\"б\"",
            "{\"a\":1}",
            "123456789012345678901",
        ]);
        let count = if self.one_in(4) { self.rng.usize(100..2_000) } else { self.rng.usize(1..40) };
        format!("[{}]", vec![of; count].join(","))
    }

    /// A few long parts, or many that are cut out of one text.
    fn hard_parts(&mut self) -> Value {
        let mut parts: Vec<Value> = if self.one_in(3) {
            let text: Vec<char> = self.hard_text().chars().take(200).collect();
            let each = self.rng.usize(1..5);
            let part = |part: &[char]| json!({ "type": "text", "text": part.iter().collect::<String>() });
            text.chunks(each).map(part).collect()
        } else {
            let part = |draft: &mut Draft| json!({ "type": "text", "text": draft.hard_text() });
            (0..self.rng.usize(1..4)).map(|_| part(self)).collect()
        };
        match self.rng.u32(..12) {
            0 => parts.push(self.image()),
            1 | 2 => {
                let data = media::url("text/plain", self.hard_file().as_bytes());
                parts.push(json!({ "type": "file", "file": { "filename": "notes.txt", "file_data": data } }));
            }
            _ => {}
        }
        json!(parts)
    }

    /// Mostly ASCII, which is text for certain.
    fn hard_file(&mut self) -> String {
        let count = self.rng.usize(1..2_000);
        match self.rng.u32(..3) {
            0 => self.hard_text(),
            1 => self.words(count),
            _ => self.characters(BASE64, count),
        }
    }

    fn hard_name(&mut self) -> String {
        let count = if self.one_in(8) { self.rng.usize(1..400) } else { self.rng.usize(1..24) };
        match self.rng.u32(..4) {
            0 => self.script(count),
            1 => self.characters(BASE64, count),
            _ => format!("call_{:x}", self.rng.u32(..)),
        }
    }

    fn hard_schemas(&mut self) {
        if self.one_in(3) {
            let most = if self.one_in(10) { 60 } else { 6 };
            let tools: Vec<Value> = (0..self.rng.usize(1..most)).map(|_| self.hard_tool()).collect();
            self.put("tools", json!(tools));
        } else if self.one_in(8) {
            self.tools();
        }
        if self.one_in(6) {
            let schema = self.hard_schema();
            let format = json!({ "type": "json_schema",
                "json_schema": { "name": self.hard_name(), "strict": true, "schema": schema } });
            self.put("response_format", format);
        }
    }

    fn hard_tool(&mut self) -> Value {
        let schema = self.hard_schema();
        let mut function = json!({ "name": self.hard_name(), "parameters": schema });
        if !self.one_in(4) {
            function["description"] = json!(self.hard_text());
        }
        json!({ "type": "function", "function": function })
    }

    fn hard_schema(&mut self) -> Value {
        let mut properties = serde_json::Map::new();
        for _ in 0..self.rng.usize(..4) {
            let names: Vec<String> = (0..self.rng.usize(1..6)).map(|_| self.hard_name()).collect();
            let kind = self.pick(&["string", "integer", "array"]).to_owned();
            let mut property =
                json!({ "type": kind, "enum": names, "description": self.hard_text(), "minimum": -1.5e-7 });
            if self.one_in(12) {
                property["enum"] = serde_json::from_str(&self.hard_numbers()).unwrap_or_default();
            }
            properties.insert(self.hard_name(), property);
        }
        json!({ "type": "object", "properties": properties, "additionalProperties": false })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{HARD_AT, HARD_EVERY, Requests};
    use crate::catalogue;

    #[test]
    fn every_tokenizer_has_models_in_every_catalogue() {
        for seed in 1..=7 {
            let requests = Requests::new(seed, &catalogue(seed));
            assert!(requests.public.iter().all(|ids| !ids.is_empty()), "{seed}: {:?}", requests.public);
        }
    }

    #[test]
    fn they_are_hard() {
        let requests = Requests::new(1, &catalogue(1));
        let hard =
            |number: u64| String::from_utf8_lossy(&requests.nth(number * HARD_EVERY + HARD_AT)).into_owned();
        let all: String = (0..400).map(hard).collect();
        for what in [
            "\u{1d160}",
            "\u{958}",
            "<|im_end|>",
            "漢字",
            "\\u0007",
            "\\\"b",
            "text/plain",
            "json_schema",
            "enum",
            "tool_calls",
            "annotations",
            "[1e20,1e20,",
        ] {
            assert!(all.contains(what), "{what:?}");
        }
    }
}
