//! A scanner over a relayed event stream: it sees every byte, changes none and keeps almost nothing.
//!
//! The bytes are relayed elsewhere. The scanner cuts them into events (LF, CRLF or CR, wherever the chunks are
//! cut), searches each for the few words that matter and parses only those events (CONTRACT 11.2). What it holds
//! is one unfinished event, of at most [`EVENT_MAX`] bytes; a longer one is skipped and noted, which leaves the
//! cost unknown rather than wrong.

use memchr::{memchr2, memmem};
use pricing::Used;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::answer::Members;
pub use crate::error::UpstreamError as StreamError;
use crate::error::string;
use crate::usage::{self, Billed};

/// The longest event looked into, in bytes.
pub const EVENT_MAX: usize = 1 << 20;
/// Events parsed in search of an id and a provider before giving up on them.
const INTRODUCTIONS_MAX: u8 = 16;
/// A buffer larger than this is given back after its event.
const BUFFER_KEPT: usize = 8 << 10;

/// Watches a stream for its id, provider, usage, error and end. Feed it every chunk in order.
#[derive(Debug, Default)]
pub struct Scanner {
    outcome: Outcome,
    /// The unfinished line.
    line: Vec<u8>,
    /// The data of the unfinished event.
    data: Vec<u8>,
    /// The last byte was a CR: an LF next belongs to it.
    after_cr: bool,
    /// The unfinished line, or event, is too long to look into.
    line_oversize: bool,
    event_oversize: bool,
    introductions: u8,
}

/// What a stream has said so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What it cost; the last usage wins.
    pub billed: Billed,
    /// The tokens it counts; those of the last usage.
    pub used: Option<Used>,
    /// The generation id.
    pub id: Option<String>,
    /// The provider that serves it.
    pub provider: Option<String>,
    /// The model that was billed, as the event with the usage names it.
    pub model: Option<String>,
    /// An error in the middle of the stream.
    pub error: Option<StreamError>,
    /// `[DONE]` was seen.
    pub done: bool,
    /// Something was generated: text, reasoning, a tool call.
    pub content_seen: bool,
    /// An event was too long to look into.
    pub oversize: bool,
}

impl Scanner {
    /// A scanner at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes, cut anywhere.
    pub fn feed(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(at) = memchr2(b'\n', b'\r', rest) {
            let (line, end) = rest.split_at(at);
            self.take_line(line);
            rest = match end {
                [b'\r', b'\n', rest @ ..] => rest,
                [b'\r'] => {
                    self.after_cr = true;
                    &[]
                }
                [_, rest @ ..] => rest,
                [] => &[],
            };
        }
        self.carry(rest);
    }

    /// The provider, as soon as an event named it.
    pub fn provider(&self) -> Option<&str> {
        self.outcome.provider.as_deref()
    }

    /// The generation id, as soon as an event named it.
    pub fn id(&self) -> Option<&str> {
        self.outcome.id.as_deref()
    }

    /// What the stream has said so far.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// What the stream said; an event that its end left without a blank line is looked at too.
    pub fn finish(mut self) -> Outcome {
        if !self.line.is_empty() || self.line_oversize {
            self.take_line(&[]);
        }
        self.end_event();
        self.outcome
    }

    fn carry(&mut self, part: &[u8]) {
        if self.line.len() + part.len() > EVENT_MAX {
            self.line_oversize = true;
            self.line = Vec::new();
        }
        if !self.line_oversize {
            self.line.extend_from_slice(part);
        }
    }

    /// A line is complete: what was carried of it, then `end`.
    fn take_line(&mut self, end: &[u8]) {
        // The limit is on the line, wherever it was cut.
        if self.line.is_empty() && !self.line_oversize && end.len() <= EVENT_MAX {
            return self.read_line(end);
        }
        self.carry(end);
        if std::mem::take(&mut self.line_oversize) {
            self.event_oversize = true;
            return;
        }
        let line = std::mem::take(&mut self.line);
        self.read_line(&line);
        self.line = reuse(line);
    }

    fn read_line(&mut self, line: &[u8]) {
        if line.is_empty() {
            return self.end_event();
        }
        let Some(data) = line.strip_prefix(b"data") else { return };
        let data = match data {
            [b':', b' ', data @ ..] | [b':', data @ ..] => data,
            [] => data,
            _ => return,
        };
        if self.data.len() + data.len() + 1 > EVENT_MAX {
            self.event_oversize = true;
            self.data = Vec::new();
        }
        if !self.event_oversize {
            if !self.data.is_empty() {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(data);
        }
    }

    fn end_event(&mut self) {
        if std::mem::take(&mut self.event_oversize) {
            self.outcome.oversize = true;
            // Whatever usage came before may have been replaced by the event we could not read.
            self.outcome.billed = Billed::Unknown;
            self.data.clear();
            return;
        }
        if self.data.is_empty() {
            return;
        }
        let data = std::mem::take(&mut self.data);
        self.read_event(&data);
        self.data = reuse(data);
    }

    fn read_event(&mut self, data: &[u8]) {
        if data.trim_ascii() == b"[DONE]" {
            self.outcome.done = true;
            return;
        }
        let outcome = &mut self.outcome;
        let introduced = outcome.id.is_some() && outcome.provider.is_some();
        let introduce = !introduced && self.introductions < INTRODUCTIONS_MAX;
        let says = |word: &[u8]| memmem::find(data, word).is_some();
        if outcome.content_seen && !introduce && !says(b"\"usage\"") && !says(b"\"error\"") {
            return;
        }
        let Ok(members) = serde_json::from_slice::<Members<'_>>(data) else {
            // An event with a usage we cannot read replaces the one before.
            if says(b"\"usage\"") {
                outcome.billed = Billed::Unknown;
            }
            return;
        };
        self.introductions = self.introductions.saturating_add(1);
        if outcome.id.is_none() {
            outcome.id = string(members.id);
        }
        if outcome.provider.is_none() {
            outcome.provider = string(members.provider);
        }
        if let Some(usage) = members.usage {
            outcome.billed = usage::read(usage.get());
            outcome.used = usage::tokens(usage.get());
            outcome.model = string(members.model);
        }
        if outcome.error.is_none() {
            outcome.error = members.failure();
        }
        outcome.content_seen = outcome.content_seen || members.choices.is_some_and(has_content);
    }
}

/// An emptied buffer, unless it grew large.
fn reuse(mut buffer: Vec<u8>) -> Vec<u8> {
    if buffer.capacity() > BUFFER_KEPT {
        return Vec::new();
    }
    buffer.clear();
    buffer
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning_details: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_calls: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refusal: Option<&'a RawValue>,
}

fn has_content(choices: &RawValue) -> bool {
    let Ok(choices) = serde_json::from_str::<Vec<Choice<'_>>>(choices.get()) else { return false };
    let full =
        |raw: Option<&RawValue>| raw.is_some_and(|raw| !matches!(raw.get(), "null" | "\"\"" | "[]" | "{}"));
    choices.into_iter().any(|choice| {
        let delta: Delta<'_> =
            choice.delta.and_then(|d| serde_json::from_str(d.get()).ok()).unwrap_or_default();
        [
            choice.text,
            delta.content,
            delta.reasoning,
            delta.reasoning_details,
            delta.tool_calls,
            delta.refusal,
        ]
        .into_iter()
        .any(full)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: &str = concat!(
        ": OPENROUTER PROCESSING\n\n",
        "data: {\"id\":\"gen-1\",\"model\":\"m\",\"provider\":\"OpenAI\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\"usage\":null}\n\n",
        "data: {\"id\":\"gen-1\",\"provider\":\"OpenAI\",\"choices\":[{\"delta\":{\"content\":\"Hi \\\"usage\\\": {}\"}}]}\n\n",
        "data: {\"id\":\"gen-1\",\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"id\":\"gen-1\",\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":10,\"cost\":0.0000027,\"is_byok\":false}}\n\n",
        "data: [DONE]\n\n",
    );

    fn scan(chunks: &[&[u8]]) -> Outcome {
        let mut scanner = Scanner::new();
        for chunk in chunks {
            scanner.feed(chunk);
        }
        scanner.finish()
    }

    fn assert_chat(outcome: &Outcome, how: &str) {
        assert_eq!(outcome.billed.charge().map(|c| c.amount.nanos()), Some(2_700), "{how}");
        assert_eq!(outcome.id.as_deref(), Some("gen-1"), "{how}");
        assert_eq!(outcome.provider.as_deref(), Some("OpenAI"), "{how}");
        assert!(
            outcome.done && outcome.content_seen && !outcome.oversize && outcome.error.is_none(),
            "{how}"
        );
    }

    #[test]
    fn cut_anywhere_and_with_any_line_end() {
        for (name, end) in [("lf", "\n"), ("crlf", "\r\n"), ("cr", "\r")] {
            let stream = CHAT.replace('\n', end);
            let stream = stream.as_bytes();
            for at in 0..=stream.len() {
                let (a, b) = stream.split_at(at);
                assert_chat(&scan(&[a, b]), &format!("{name} at {at}"));
            }
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            assert_chat(&scan(&bytes), name);
            let bytes: Vec<&[u8]> = stream.chunks(3).flat_map(|c| [c, b"".as_slice()]).collect();
            assert_chat(&scan(&bytes), name);
        }
    }

    #[test]
    fn fields_comments_and_folded_data() {
        let outcome = scan(&[b"event: x\r\nid: 7\nretry: 5\ndata:{\"id\":\"g\",\ndata: \"usage\":{\"cost\":1,\ndata:\"is_byok\":false}}\n\n: data: {\"usage\":{\"cost\":9}}\n\ndatabase: 1\n\n"]);
        assert_eq!(outcome.billed.charge().map(|c| c.text.clone()), Some("1".to_owned()));
        assert!(!outcome.done && !outcome.content_seen);
    }

    #[test]
    fn the_last_usage_wins_and_garbage_is_unknown() {
        let two =
            scan(&[b"data: {\"usage\":{\"cost\":1}}\n\ndata: {\"choices\":[],\"usage\":{\"cost\":2}}\n\n"]);
        assert_eq!(two.billed.charge().map(|c| c.text.clone()), Some("2".to_owned()));
        for tail in [
            "{\"usage\":{\"tokens\":2}}",
            "{\"usage\":{\"cost\":2}",
            "{\"usage\":[]}",
            "{\"usage\":{\"cost\":-2}}",
        ] {
            let outcome = scan(&[b"data: {\"usage\":{\"cost\":1}}\n\ndata: ", tail.as_bytes(), b"\n\n"]);
            assert_eq!(outcome.billed, Billed::Unknown, "{tail}");
        }
        let kept = scan(&[b"data: {\"usage\":{\"cost\":1}}\n\ndata: {\"usage\":null}\n\n"]);
        assert!(kept.billed.charge().is_some());
        assert_eq!(scan(&[b"<html>\n\n\xff\xfe\n\ndata: \xff\"usage\"\n\n"]).billed, Billed::Unknown);
        assert_eq!(scan(&[]), Outcome::default());
    }

    #[test]
    fn an_end_without_a_blank_line_still_counts() {
        let outcome = scan(&[b"data: {\"id\":\"g\",\"usage\":{\"cost\":3}}"]);
        assert_eq!(outcome.billed.charge().map(|c| c.text.clone()), Some("3".to_owned()));
    }

    #[test]
    fn errors_in_the_middle() {
        for event in [
            r#"{"id":"g","error":{"code":"server_error","message":"Provider disconnected"},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}"#,
            r#"{"id":"g","choices":[{"finish_reason":"error","error":{"code":"server_error","message":"x"}}]}"#,
        ] {
            let stream = format!("{}data: {event}\n\n", CHAT.replace("data: [DONE]\n\n", ""));
            let outcome = scan(&[stream.as_bytes()]);
            assert_eq!(outcome.error.map(|e| e.code), Some("server_error".to_owned()));
            assert!(!outcome.done);
        }
    }

    #[test]
    fn events_beyond_the_limit_are_skipped_and_noted() {
        let long = vec![b'x'; EVENT_MAX];
        for chunk in [7_000, EVENT_MAX * 2] {
            let mut stream = b"data: {\"usage\":{\"cost\":1}}\n\ndata: ".to_vec();
            stream.extend_from_slice(&long);
            stream.extend_from_slice(b"\n\ndata: [DONE]\n\n");
            let chunks: Vec<&[u8]> = stream.chunks(chunk).collect();
            let outcome = scan(&chunks);
            assert!(outcome.oversize && outcome.done, "{chunk}");
            assert_eq!(outcome.billed, Billed::Unknown);
        }
        let mut scanner = Scanner::new();
        for _ in 0..EVENT_MAX {
            scanner.feed(b"data: xxxx\n");
        }
        assert!(scanner.data.capacity() <= 2 * EVENT_MAX);
    }
}
