//! [`Prompt`]: the strings of a chat request that a model reads, each by itself, as a template keeps them apart.
//!
//! Two sums come of them. *Likely* takes each as it is meant. *Most* takes what a template may make of it: tool calls
//! and tools' answers as escaped JSON, arguments of calls parsed and written anew, schemas twice (they are rendered anew, as
//! JSON or as types), every member that we do not know, a token more for each string (joined to another it may be cut
//! differently), and the bytes of files that are text. Images, sound and film are not text: what they cost is bounded
//! elsewhere.

use std::borrow::Cow;

use pricing::{Counted, Encoding};

use crate::count::count;
use crate::node::{Node, quote};

/// Bodies above this are not counted for a bound, bytes.
pub const BODY_BYTES_MAX: usize = 4 << 20;

/// Members of a body that no model reads: who serves it, labels, and what is foretold of the answer.
const NOT_READ: [&str; 6] = ["model", "models", "provider", "metadata", "trace", "prediction"];
const SCHEMAS: [&str; 3] = ["tools", "functions", "response_format"];
/// Parts that are no text; bounded as media.
const MEDIA: [&str; 4] = ["image_url", "input_audio", "video_url", "input_video"];

/// Members of a body that leave the prompt as it is; beside them, in a plain one, are messages and tools.
const HARMLESS: [&str; 28] = [
    "frequency_penalty",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "min_p",
    "model",
    "parallel_tool_calls",
    "presence_penalty",
    "provider",
    "reasoning",
    "reasoning_effort",
    "repetition_penalty",
    "response_format",
    "seed",
    "session_id",
    "stop",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
    "usage",
    "user",
];

/// What a model reads of a chat request.
#[derive(Clone, Debug, Default)]
pub struct Prompt {
    words: Vec<Words>,
    file_bytes: u64,
    messages: u64,
    tools: bool,
    /// It has members that a template, or OpenRouter, may read or leave out, or that change what is read.
    odd: bool,
    /// A call has arguments that are no JSON to us.
    unread: bool,
}

/// A string of a prompt.
#[derive(Clone, Debug, PartialEq)]
enum Words {
    /// Read as it is.
    Said(String),
    /// Read as it is, or as JSON.
    Quoted(String),
    /// In [`Prompt::likely`] alone: it is a part of something read as JSON.
    Likely(String),
    /// In [`Prompt::most`] alone.
    Most(String),
    /// A call of a tool, in [`Prompt::most`] alone.
    Call(Json),
    /// A schema.
    Schema(Json),
}

/// JSON that somebody may read and write again.
#[derive(Clone, Debug, PartialEq)]
struct Json {
    /// Compact, with what is in its strings left alone.
    as_is: String,
    /// With spaces, numbers written out, and arguments of calls as the objects they are.
    anew: String,
}

/// The most that a chat request's text can have, for a bound; `None` where it is too large or cannot be read.
pub fn counted(body: &[u8], encodings: &[Encoding]) -> Option<Counted> {
    let prompt = if body.len() > BODY_BYTES_MAX { None } else { Prompt::read(body) }?;
    let with = |counted: Counted, &encoding: &Encoding| Some(counted.with(encoding, prompt.most(encoding)?));
    encodings.iter().try_fold(Counted::default(), with)
}

impl Prompt {
    /// Of a chat request's body; `None` when it is not JSON, or not text: half a surrogate pair is none.
    pub fn read(body: &[u8]) -> Option<Prompt> {
        let body = Node::read(body)?;
        let mut prompt = Prompt::default();
        let mut bare = None;
        for (key, value) in body.members() {
            prompt.odd |= key != "messages" && !HARMLESS.contains(&key.as_str()) && !value.is_empty();
            if key == "prompt" {
                bare = value.text().filter(|text| !text.is_empty());
            }
            match key.as_str() {
                "messages" => prompt.conversation(value),
                key if NOT_READ.contains(&key) || value.is_empty() => {}
                key if SCHEMAS.contains(&key) => prompt.schema(value),
                _ => prompt.words.push(Words::Most(value.json())),
            }
        }
        if let (0, Some(text)) = (prompt.messages, bare) {
            prompt.words.push(Words::Likely(text.to_owned()));
            prompt.messages = 1;
        }
        Some(prompt)
    }

    /// How many tokens its text likely has, without the template.
    pub fn likely(&self, encoding: Encoding) -> u64 {
        let of = |words: &Words| match words {
            Words::Said(text) | Words::Quoted(text) | Words::Likely(text) => count(text, encoding),
            Words::Schema(json) => count(&json.as_is, encoding),
            Words::Most(_) | Words::Call(_) => 0,
        };
        self.words.iter().map(of).sum()
    }

    /// The most tokens its text can have, without the template; `None` where a call has arguments that we cannot read and
    /// others may: what they make of them, nobody here can count.
    pub fn most(&self, encoding: Encoding) -> Option<u64> {
        if self.unread {
            return None;
        }
        let of = |words: &Words| match words {
            Words::Said(text) | Words::Most(text) => count(text, encoding) + 1,
            Words::Quoted(text) => most_of(&quoted(text), encoding).max(count(text, encoding) + 1),
            Words::Call(json) => json.as_is(encoding).max(json.anew(encoding)),
            Words::Schema(json) => (2 * json.as_is(encoding)).max(json.anew(encoding)),
            Words::Likely(_) => 0,
        };
        Some(self.words.iter().map(of).sum::<u64>() + self.file_bytes)
    }

    /// Tokens of the texts of its messages: what every template keeps as it is, or makes longer.
    pub fn said(&self, encoding: Encoding) -> u64 {
        self.texts().map(|text| count(text, encoding)).sum()
    }

    /// Bytes of those texts, as UTF-8; and how many of them are not ASCII.
    pub fn said_bytes(&self) -> (u64, u64) {
        let bytes =
            |text: &str| (text.len() as u64, text.bytes().filter(|byte| !byte.is_ascii()).count() as u64);
        self.texts().map(bytes).fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1))
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.words.iter().filter_map(|words| match words {
            Words::Said(text) | Words::Quoted(text) => Some(text.as_str()),
            Words::Likely(_) | Words::Most(_) | Words::Call(_) | Words::Schema(_) => None,
        })
    }

    /// Whether nothing in it may be left out by a template, or change what is read: its texts, tools and their calls are
    /// all there is.
    pub const fn is_plain(&self) -> bool {
        !self.odd && self.file_bytes == 0
    }

    /// Its messages; where it has none, the text of `prompt` is one (CONTRACT 10.1: either must be there).
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// Whether it has tools or a schema: how these are rendered is for each template to say.
    pub const fn has_tools(&self) -> bool {
        self.tools
    }

    fn conversation(&mut self, messages: &Node) {
        if messages.text().is_some() {
            self.words.push(Words::Most(messages.json()));
        }
        for message in messages.items() {
            self.messages += 1;
            let is_tool = message.members().iter().any(|(key, role)| {
                key == "role" && role.text().is_some_and(|role| role == "tool" || role == "function")
            });
            for (key, value) in message.members() {
                let known =
                    matches!(key.as_str(), "role" | "content" | "name" | "tool_calls" | "tool_call_id");
                // Some templates leave out what was thought before.
                let thought = value.text().is_some_and(|text| text.contains("</think>"));
                self.odd |= (!known && !value.is_empty()) || thought;
                self.member(key, value, is_tool);
            }
        }
    }

    fn member(&mut self, key: &str, value: &Node, is_tool: bool) {
        match (key, value) {
            ("role", Node::Text(role)) => self.words.push(Words::Most(role.clone())),
            ("tool_call_id" | "id", Node::Text(id)) => self.words.push(Words::Most(id.clone())),
            ("name", Node::Text(name)) => {
                self.words.push(Words::Likely(name.clone()));
                self.words.push(Words::Most(name.clone()));
            }
            ("content", Node::Text(text)) if is_tool => self.words.push(Words::Quoted(text.clone())),
            ("content", Node::List(parts)) => parts.iter().for_each(|part| self.part(part, is_tool)),
            ("tool_calls", Node::List(calls)) => calls.iter().for_each(|call| self.call(call)),
            ("function_call", Node::Object(_)) => self.written_anew(value),
            (_, Node::Text(text)) if !text.is_empty() => self.words.push(Words::Said(text.clone())),
            (_, value) if value.is_empty() => {}
            (_, value) => self.words.push(Words::Most(value.json())),
        }
    }

    fn part(&mut self, part: &Node, is_tool: bool) {
        if let Some(text) = part.text() {
            return self.words.push(Words::Said(text.to_owned()));
        }
        for (key, value) in part.members() {
            self.odd |= !matches!(key.as_str(), "type" | "text" | "cache_control");
            match (key.as_str(), value) {
                ("type" | "cache_control", _) => {}
                ("file", file) => self.file_bytes += file.json().len() as u64,
                (key, _) if MEDIA.contains(&key) => {}
                (_, Node::Text(text)) if is_tool => self.words.push(Words::Quoted(text.clone())),
                (_, Node::Text(text)) => self.words.push(Words::Said(text.clone())),
                (_, value) => self.words.push(Words::Most(value.json())),
            }
        }
    }

    fn call(&mut self, call: &Node) {
        self.written_anew(call);
        let functions = call.members().iter().filter(|(key, _)| key == "function");
        for (key, value) in functions.flat_map(|(_, function)| function.members()) {
            if let (true, Some(text)) = (key == "name" || key == "arguments", value.text()) {
                self.words.push(Words::Likely(text.to_owned()));
            }
        }
    }

    fn written_anew(&mut self, call: &Node) {
        match Json::of_call(call) {
            Some(json) => self.words.push(Words::Call(json)),
            None => self.unread = true,
        }
    }

    fn schema(&mut self, value: &Node) {
        let is_text = value.members().iter().any(|(key, kind)| key == "type" && kind.text() == Some("text"));
        if !is_text {
            self.tools = true;
            self.words.push(Words::Schema(Json { as_is: value.json(), anew: value.spaced() }));
        }
    }
}

impl Json {
    fn of_call(call: &Node) -> Option<Json> {
        Some(Json { as_is: call.json(), anew: parsed(call)?.spaced() })
    }

    fn as_is(&self, encoding: Encoding) -> u64 {
        most_of(&self.as_is, encoding)
    }

    fn anew(&self, encoding: Encoding) -> u64 {
        most_of(&self.anew, encoding)
    }
}

/// A call with its arguments as the object they are; `None` where they cannot be read: others read what we do not (halves
/// of pairs, deeper lists, larger numbers). Calls of tools that take nothing have none.
fn parsed(call: &Node) -> Option<Node> {
    let member = |(key, value): &(String, Node)| {
        let value = match (key.as_str(), value) {
            ("arguments", Node::Text(text)) if !text.trim().is_empty() => Node::read(text.as_bytes())?,
            ("function", function) => parsed(function)?,
            _ => value.clone(),
        };
        Some((key.clone(), value))
    };
    match call {
        Node::Object(members) => members.iter().map(member).collect::<Option<_>>().map(Node::Object),
        other => Some(other.clone()),
    }
}

/// Tokens of JSON, escaped or not, and one more for being joined to something.
fn most_of(json: &str, encoding: Encoding) -> u64 {
    count(json, encoding).max(count(&ascii(json), encoding)) + 1
}

/// JSON as writers make it that escape all but ASCII, and what means something in HTML.
fn ascii(json: &str) -> Cow<'_, str> {
    let is_plain = |character: char| matches!(character, ' '..='~') && !"<>&'".contains(character);
    if json.chars().all(is_plain) {
        return Cow::Borrowed("");
    }
    let mut escaped = String::with_capacity(json.len() * 2);
    for character in json.chars() {
        match is_plain(character) {
            true => escaped.push(character),
            false => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    escaped += &format!("\\u{unit:04x}");
                }
            }
        }
    }
    Cow::Owned(escaped)
}

fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + text.len() / 8 + 2);
    quote(text, &mut json);
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Prompt {
        Prompt::read(body.as_bytes()).unwrap()
    }

    fn likely(body: &str) -> u64 {
        read(body).likely(Encoding::O200k)
    }

    fn most(body: &str) -> u64 {
        read(body).most(Encoding::O200k).unwrap()
    }

    #[test]
    fn what_is_said_counts_once() {
        assert_eq!(likely(r#"{"messages":[{"role":"user","content":"hello world"}]}"#), 2);
        let parts = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"hello"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}"#;
        assert_eq!(likely(parts), 1);
        assert!(most(parts) < 8, "a picture is no text");
        assert_eq!(likely(r#"{"messages":[{"role":"user","content":"h\u0065llo"}],"temperature":0.5}"#), 1);
    }

    #[test]
    fn a_prompt_stands_in_for_messages() {
        let bare = r#"{"prompt":"hello world"}"#;
        assert_eq!((likely(bare), read(bare).messages()), (2, 1));
        assert!(most(bare) >= 2 && !read(bare).is_plain());
        let beside = r#"{"prompt":"hello world","messages":[{"role":"user","content":"hello"}]}"#;
        assert_eq!((likely(beside), read(beside).messages()), (1, 1));
        for nothing in ["{}", r#"{"messages":[]}"#, r#"{"prompt":""}"#, r#"{"system":"hello"}"#] {
            assert_eq!((likely(nothing), read(nothing).messages()), (0, 0), "{nothing}");
        }
    }

    #[test]
    fn what_a_template_may_quote_counts_quoted() {
        let of = |role: &str| {
            most(&format!(r#"{{"messages":[{{"role":"{role}","content":"{{\"a\":\"b\"}}"}}]}}"#))
        };
        assert!(of("tool") > of("user"));
        let call = r#"{"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"x","type":"function","function":{"name":"hello","arguments":"{\"a\":1}"}}]}]}"#;
        assert!(most(call) > likely(call) && likely(call) >= 5);
    }

    #[test]
    fn arguments_may_be_written_anew() {
        let of = |arguments: &str| {
            let quoted = serde_json::Value::from(arguments);
            let function = format!(r#"{{"name":"f","arguments":{quoted}}}"#);
            let most = |member: String| most(&format!(r#"{{"messages":[{{{member}}}]}}"#));
            let call = most(format!(r#""tool_calls":[{{"function":{function}}}]"#));
            (call, most(format!(r#""function_call":{function}"#)))
        };
        let list = |number: &str| format!("[{}]", vec![number; 100].join(","));
        let anew = format!("[{}]", vec!["100000000000000000000"; 100].join(", "));
        let (call, function_call) = of(&list("1e20"));
        assert!(call.min(function_call) >= count(&anew, Encoding::O200k));
        let signs = r"\u003c".repeat(200);
        assert!(of(&format!("[\"{}\"]", "<".repeat(200))).0 >= count(&signs, Encoding::O200k));
    }

    #[test]
    fn arguments_that_only_others_can_read_are_not_counted() {
        let of = |arguments: &str| {
            let quoted = serde_json::Value::from(arguments);
            let call = format!(r#"{{"function":{{"name":"f","arguments":{quoted}}}}}"#);
            let prompt = read(&format!(r#"{{"messages":[{{"tool_calls":[{call}]}}]}}"#));
            assert!(prompt.likely(Encoding::O200k) > 0);
            prompt.most(Encoding::O200k)
        };
        let deep = |depth: usize| format!("{}1e15{}", "[".repeat(depth), "]".repeat(depth));
        for read in ["", " ", "{}", "[1e15]", &deep(100)] {
            assert!(of(read).is_some(), "{read}");
        }
        for unread in [r#"["\ud800",1e15]"#, "[1e400]", "[NaN]", "{\"a\":", &deep(130)] {
            assert_eq!(of(unread), None, "{unread}");
        }
    }

    #[test]
    fn numbers_that_are_mostly_zeros_are_not_counted() {
        let of = |number: &str, count: usize| {
            let list = vec![number; count].join(",");
            Prompt::read(format!(r#"{{"messages":[],"metadata":[{list}]}}"#).as_bytes()).is_some()
        };
        assert!(of("1.5", 100_000) && of("1e-7", 100_000) && of("1e308", 100));
        assert!(!of("1e308", 100_000));
    }

    #[test]
    fn both_of_two_members_count() {
        let twice = r#"{"messages":[{"role":"user","content":"one two three","content":""}]}"#;
        assert!(most(twice) >= 4);
        assert!(most(r#"{"messages":[],"messages":[{"content":"one two three"}]}"#) >= 4);
    }

    #[test]
    fn what_we_do_not_know_counts() {
        for body in [
            r#"{"messages":[{"role":"user","thoughts":["one two three"]}]}"#,
            r#"{"messages":[{"role":"user","content":[{"type":"new","deep":{"x":"one two three"}}]}]}"#,
            r#"{"messages":[],"system":"one two three"}"#,
            r#"{"messages":"one two three"}"#,
            r#"{"messages":[{"role":"user","content":{"x":"one two three"}}]}"#,
        ] {
            assert!(most(body) >= 4, "{body}");
        }
    }

    #[test]
    fn files_of_text_count_by_their_bytes() {
        let data = "A".repeat(400);
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":[{{"type":"file","file":{{"file_data":"data:text/plain;base64,{data}"}}}}]}}]}}"#
        );
        assert!(most(&body) > 400);
    }

    #[test]
    fn what_cannot_be_read_is_not_counted() {
        for body in ["", "{", r#"{"messages":[{"content":"\ud800"}]}"#] {
            assert!(counted(body.as_bytes(), &[Encoding::O200k]).is_none(), "{body}");
        }
        let large = format!("{{\"x\":\"{}\"}}", "y".repeat(BODY_BYTES_MAX));
        assert!(counted(large.as_bytes(), &[Encoding::O200k]).is_none());
        assert!(counted(b"{}", &[Encoding::O200k]).unwrap().get(Encoding::Qwen2).is_none());
    }

    #[test]
    fn what_is_said_is_the_texts_of_messages_alone() {
        let body = r#"{"model":"one two","metadata":{"a":"three"},"messages":[{"role":"user","content":"hello world"},{"role":"assistant","tool_calls":[{"id":"x","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"x","content":"hello"}],"tools":[{"type":"function","function":{"name":"f"}}]}"#;
        let prompt = read(body);
        assert_eq!((prompt.said(Encoding::O200k), prompt.said_bytes()), (3, (16, 0)));
        assert_eq!(read(r#"{"messages":[{"content":"né"}]}"#).said_bytes(), (3, 2));
        assert!(prompt.is_plain());
    }

    #[test]
    fn what_may_be_left_out_or_shortened_is_not_plain() {
        let message = |more: &str| format!(r#"{{"messages":[{{"role":"user","content":"a"{more}}}]}}"#);
        let beside = |more: &str| format!(r#"{{"messages":[{{"role":"user","content":"a"}}]{more}}}"#);
        let parts = |part: &str| format!(r#"{{"messages":[{{"role":"user","content":[{part}]}}]}}"#);
        for (body, plain) in [
            (message(""), true),
            (message(r#","name":"b","reasoning":null"#), true),
            (message(r#","reasoning":"b""#), false),
            (r#"{"messages":[{"role":"assistant","content":"<think>a</think>b"}]}"#.to_owned(), false),
            (message(r#","reasoning_details":[{"text":"b"}]"#), false),
            (beside(r#","temperature":0.5,"user":"b","plugins":[],"provider":{"only":["b"]}"#), true),
            (beside(r#","transforms":["middle-out"]"#), false),
            (beside(r#","plugins":[{"id":"context-compression"}]"#), false),
            (beside(r#","something":"new""#), false),
            (parts(r#"{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}"#), true),
            (parts(r#"{"type":"file","file":{"file_data":"b"}}"#), false),
        ] {
            assert_eq!(read(&body).is_plain(), plain, "{body}");
        }
    }

    #[test]
    fn schemas_are_rendered_anew() {
        let tools = r#"{"messages":[],"tools":[{"type":"function","function":{"name":"f"}}]}"#;
        assert!(read(tools).has_tools());
        assert!(most(tools) >= 2 * likely(tools));
        assert!(!read(r#"{"tools":[],"response_format":{"type":"text"}}"#).has_tools());
    }
}
