//! What OpenRouter reads of a request, and what it says when it cannot.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::anew::{Writer, parsed};
use crate::asks::Asks;
use crate::asks::media::Part;
use crate::error::Failure;
use crate::exact::Exact;
use crate::tokens::Counts;

/// A chat completion that was asked for.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// The model and its fallbacks.
    pub(crate) models: Vec<String>,
    pub(crate) stream: bool,
    /// Roles, contents, tool calls and schemas, as a template would render them.
    pub(crate) rendered: String,
    /// Where in it is what some templates write otherwise.
    pieces: Vec<Piece>,
    /// Its tokens, once somebody has counted.
    pub(crate) counts: Counts,
    /// And those of [`Request::rendered_by`] each writer.
    pub(crate) anew: [Counts; Writer::ALL.len()],
    pub(crate) messages: u64,
    /// What it holds and wants beside text.
    pub(crate) asks: Asks,
    pub(crate) tools: Vec<Value>,
    /// `none`, `required`, ...; a named function is `required`.
    pub(crate) tool_choice: ToolChoice,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) max_completion_tokens: Option<u64>,
    /// `metadata.sandbox_tokens`.
    pub(crate) wanted_tokens: Option<u64>,
    pub(crate) cache: Cache,
    pub(crate) service_tier: Option<String>,
    pub(crate) choices: u64,
    pub(crate) reasoning_shown: bool,
    pub(crate) reasoning_off: bool,
    pub(crate) preset: bool,
    pub(crate) session_id: Option<String>,
    pub(crate) provider: Preferences,
}

/// A part of what is rendered that a template may write in another way.
#[derive(Debug)]
struct Piece {
    at: Range<usize>,
    otherwise: Otherwise,
}

#[derive(Debug)]
enum Otherwise {
    /// The answer of a tool: as JSON.
    Quoted,
    /// Calls and schemas: read, and written again.
    Anew(Value),
}

/// What `tool_choice` comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ToolChoice {
    #[default]
    Auto,
    None,
    Required,
}

/// The dearest `cache_control` in the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cache {
    #[default]
    None,
    FiveMinutes,
    OneHour,
}

/// `provider`.
#[derive(Debug, Default)]
pub(crate) struct Preferences {
    pub(crate) only: Vec<String>,
    pub(crate) ignore: Vec<String>,
    pub(crate) order: Vec<String>,
    pub(crate) allow_fallbacks: bool,
    /// Only of those that retain nothing.
    pub(crate) zdr: bool,
    pub(crate) by_price: bool,
    pub(crate) max_price: MaxPrice,
}

/// `provider.max_price`: prompt and completion in USD per million tokens, request in USD.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct MaxPrice {
    pub(crate) prompt: Option<Exact>,
    pub(crate) completion: Option<Exact>,
    pub(crate) request: Option<Exact>,
    pub(crate) image: Option<Exact>,
    pub(crate) audio: Option<Exact>,
}

impl Request {
    /// Reads a body.
    pub(crate) fn read(body: &[u8]) -> Result<Request, Failure> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| Failure::invalid(format!("Request body is not valid JSON: {error}")))?;
        let Value::Object(fields) = &value else {
            return Err(Failure::zod("expected object", &[]));
        };
        let field = |name: &str| fields.get(name).filter(|value| !value.is_null());
        let mut request = Request { choices: 1, reasoning_shown: true, ..Request::default() };
        request.read_messages(field("messages"), field("prompt"))?;
        request.models = models(field("model"), field("models"))?;
        request.stream = field("stream").and_then(Value::as_bool).unwrap_or(false);
        request.max_tokens = cap(field("max_tokens"), "max_tokens")?;
        request.max_completion_tokens = cap(field("max_completion_tokens"), "max_completion_tokens")?;
        request.read_tools(field("tools"), field("tool_choice"))?;
        if let Some(schema) = field("response_format").and_then(|format| format.get("json_schema")) {
            request.push_json(&schema.to_string(), schema.clone());
        }
        request.wanted_tokens =
            field("metadata").and_then(|metadata| match metadata.get("sandbox_tokens")? {
                Value::String(text) => text.parse().ok(),
                number => number.as_u64(),
            });
        request.cache = cache(&value);
        if field("prompt_cache_options").or(field("prompt_cache_retention")).is_some() {
            request.cache = Cache::OneHour;
        }
        request.asks.read_root(fields);
        request.service_tier = text(field("service_tier")).or_else(|| text(field("speed")));
        request.session_id = text(field("session_id"));
        request.choices = field("n").and_then(Value::as_u64).unwrap_or(1).clamp(1, 128);
        request.preset =
            field("preset").is_some() || request.models.iter().any(|model| model.contains("@preset"));
        request.read_reasoning(field("reasoning"), field("include_reasoning"));
        request.provider = Preferences::read(field("provider"), body)?;
        Ok(request)
    }

    /// As a template renders it that writes answers of tools as JSON, and arguments and schemas anew; nothing where there
    /// are none, or where an earlier writer did the same.
    pub(crate) fn rendered_by(&self, writer: Writer) -> Option<String> {
        let last = self.pieces.last()?.at.end;
        let is_first = Writer::ALL.first() == Some(&writer);
        if !is_first && self.pieces.iter().all(|piece| matches!(piece.otherwise, Otherwise::Quoted)) {
            return None;
        }
        let mut text = String::with_capacity(self.rendered.len() * 9 / 8);
        let mut end = 0;
        for Piece { at, otherwise } in &self.pieces {
            text.push_str(&self.rendered[end..at.start]);
            text.push_str(&match otherwise {
                Otherwise::Quoted => Value::from(&self.rendered[at.clone()]).to_string(),
                Otherwise::Anew(value) => writer.write(value),
            });
            end = at.end;
        }
        text.push_str(&self.rendered[last..]);
        Some(text)
    }

    /// Renders JSON that others may write anew, then as this value.
    fn push_json(&mut self, text: &str, anew: Value) {
        let begin = self.rendered.len();
        self.rendered.push_str(text);
        self.pieces.push(Piece { at: begin..self.rendered.len(), otherwise: Otherwise::Anew(anew) });
    }

    fn read_messages(&mut self, messages: Option<&Value>, prompt: Option<&Value>) -> Result<(), Failure> {
        match (messages, prompt) {
            (Some(Value::Array(messages)), _) if !messages.is_empty() => {
                messages.iter().enumerate().try_for_each(|(index, message)| self.read_message(index, message))
            }
            (None, Some(Value::String(prompt))) => {
                self.messages = 1;
                self.rendered.push_str(prompt);
                Ok(())
            }
            (Some(Value::Array(_)) | None, _) => {
                Err(Failure::invalid("Input required: specify \"prompt\" or \"messages\"".to_owned()))
            }
            (Some(_), _) => Err(Failure::zod("expected array", &["messages"])),
        }
    }

    fn read_message(&mut self, index: usize, message: &Value) -> Result<(), Failure> {
        let role = message.get("role").and_then(Value::as_str);
        let Some(role) = role else {
            return Err(Failure::zod("expected string", &["messages", &index.to_string(), "role"]));
        };
        self.messages += 1;
        self.rendered.push_str(role);
        for key in ["name", "tool_call_id", "reasoning"] {
            self.rendered.push_str(message.get(key).and_then(Value::as_str).unwrap_or_default());
        }
        for key in ["tool_calls", "function_call"] {
            if let Some(calls) = message.get(key).filter(|calls| !calls.is_null()) {
                self.push_json(&calls.to_string(), parsed(calls));
            }
        }
        if let Some(details) = message.get("reasoning_details").filter(|details| !details.is_null()) {
            self.rendered.push_str(&details.to_string());
        }
        message["annotations"].as_array().into_iter().flatten().for_each(|note| self.read_annotation(note));
        self.asks.read_message(message);
        self.rendered.push('\n');
        let begin = self.rendered.len();
        match message.get("content") {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => self.rendered.push_str(text),
            Some(Value::Array(parts)) => parts.iter().for_each(|part| self.read_part(part)),
            Some(_) => {
                return Err(Failure::zod("expected string", &["messages", &index.to_string(), "content"]));
            }
        }
        if matches!(role, "tool" | "function") {
            self.pieces.push(Piece { at: begin..self.rendered.len(), otherwise: Otherwise::Quoted });
        }
        Ok(())
    }

    /// What was read of a file before comes as parts; any other annotation is text.
    fn read_annotation(&mut self, annotation: &Value) {
        match annotation["file"]["content"].as_array() {
            Some(parts) => parts.iter().for_each(|part| self.read_part(part)),
            None => self.rendered.push_str(&annotation.to_string()),
        }
    }

    fn read_part(&mut self, part: &Value) {
        if let (Some("text") | None, Some(text)) =
            (part.get("type").and_then(Value::as_str), part.get("text").and_then(Value::as_str))
        {
            return self.rendered.push_str(text);
        }
        match self.asks.read_part(part) {
            Part::Media => {}
            Part::Text(text) => self.rendered.push_str(&text),
            Part::Other => self.rendered.push_str(&part.to_string()),
        }
    }

    fn read_tools(&mut self, tools: Option<&Value>, choice: Option<&Value>) -> Result<(), Failure> {
        let Some(tools) = tools else { return Ok(()) };
        let tools = tools.as_array().ok_or_else(|| Failure::zod("expected array", &["tools"]))?;
        for tool in tools {
            self.push_json(&spaced(tool), tool.clone());
            if self.asks.read_tool(tool) {
                continue;
            }
            if tool.get("function").and_then(|function| function.get("name")).is_some_and(Value::is_string) {
                self.tools.push(tool.clone());
            } else {
                return Err(Failure::zod("expected object with a name", &["tools", "function"]));
            }
        }
        self.tool_choice = match choice {
            None => ToolChoice::Auto,
            Some(Value::String(choice)) if choice == "none" => ToolChoice::None,
            Some(Value::String(choice)) if choice == "required" => ToolChoice::Required,
            Some(Value::Object(_)) => ToolChoice::Required,
            Some(_) => ToolChoice::Auto,
        };
        Ok(())
    }

    fn read_reasoning(&mut self, reasoning: Option<&Value>, include: Option<&Value>) {
        let flag = |name: &str| reasoning.and_then(|reasoning| reasoning.get(name)).and_then(Value::as_bool);
        self.reasoning_off = flag("enabled") == Some(false);
        self.reasoning_shown =
            flag("exclude") != Some(true) && include.and_then(Value::as_bool) != Some(false);
    }
}

impl Preferences {
    fn read(provider: Option<&Value>, body: &[u8]) -> Result<Preferences, Failure> {
        let Some(provider) = provider else {
            return Ok(Preferences { allow_fallbacks: true, ..Preferences::default() });
        };
        if !provider.is_object() {
            return Err(Failure::zod("expected object", &["provider"]));
        }
        let list = |name: &str| -> Vec<String> {
            provider
                .get(name)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|name| text(Some(name)))
                .collect()
        };
        let sort = provider.get("sort").map(|sort| sort.get("by").unwrap_or(sort));
        let max_price = match provider.get("max_price") {
            None | Some(Value::Null) => MaxPrice::default(),
            Some(_) => MaxPrice::read(body)
                .ok_or_else(|| Failure::zod("expected number", &["provider", "max_price"]))?,
        };
        Ok(Preferences {
            only: list("only"),
            ignore: list("ignore"),
            order: list("order"),
            allow_fallbacks: provider.get("allow_fallbacks").and_then(Value::as_bool).unwrap_or(true),
            zdr: provider.get("zdr").and_then(Value::as_bool).unwrap_or(false),
            by_price: sort.and_then(Value::as_str) == Some("price"),
            max_price,
        })
    }
}

impl MaxPrice {
    /// Reads the numbers from the text of the body, for a float would not be exact. The last of duplicate keys counts,
    /// as everywhere else.
    fn read(body: &[u8]) -> Option<MaxPrice> {
        type Raw<'a> = BTreeMap<String, &'a RawValue>;
        let fields: Raw<'_> = serde_json::from_slice(body).ok()?;
        let provider: Raw<'_> = serde_json::from_str(fields.get("provider")?.get()).ok()?;
        let prices: Raw<'_> = serde_json::from_str(provider.get("max_price")?.get()).ok()?;
        let price = |name: &str| match prices.get(name).map(|raw| raw.get().trim_matches('"')) {
            None | Some("null") => Some(None),
            Some(text) => Exact::parse_floor(text).map(Some),
        };
        Some(MaxPrice {
            prompt: price("prompt")?,
            completion: price("completion")?,
            request: price("request")?,
            image: price("image")?,
            audio: price("audio")?,
        })
    }
}

fn models(model: Option<&Value>, fallbacks: Option<&Value>) -> Result<Vec<String>, Failure> {
    let mut models = Vec::new();
    match model {
        None => {}
        Some(Value::String(model)) => models.push(model.clone()),
        Some(_) => return Err(Failure::zod("expected string", &["model"])),
    }
    for model in fallbacks.and_then(Value::as_array).into_iter().flatten() {
        let model = model.as_str().ok_or_else(|| Failure::zod("expected string", &["models"]))?;
        if !models.iter().any(|known| known == model) {
            models.push(model.to_owned());
        }
    }
    if models.is_empty() { Err(Failure::invalid("No models provided".to_owned())) } else { Ok(models) }
}

fn cap(value: Option<&Value>, name: &str) -> Result<Option<u64>, Failure> {
    match value {
        None => Ok(None),
        Some(value) => match value.as_u64().or_else(|| whole(value.as_f64()?)) {
            Some(cap) if cap > 0 => Ok(Some(cap)),
            _ => Err(Failure::zod("expected a whole number above 0", &[name])),
        },
    }
}

/// `8192.0` is as good as `8192` to JavaScript.
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..=9e15).contains(&number)).then_some(number as u64)
}

/// The dearest `cache_control` anywhere in the body.
fn cache(value: &Value) -> Cache {
    match value {
        Value::Object(fields) => {
            let own = match fields.get("cache_control") {
                None | Some(Value::Null) => Cache::None,
                Some(control) if control.get("ttl").and_then(Value::as_str) == Some("1h") => Cache::OneHour,
                Some(_) => Cache::FiveMinutes,
            };
            fields.values().map(cache).fold(own, Cache::max)
        }
        Value::Array(items) => items.iter().map(cache).fold(Cache::None, Cache::max),
        _ => Cache::None,
    }
}

/// A tool as most templates write it: with a space after each comma and colon.
fn spaced(tool: &Value) -> String {
    let compact = tool.to_string();
    let mut out = String::with_capacity(compact.len() * 5 / 4);
    let (mut quoted, mut escaped) = (false, false);
    for character in compact.chars() {
        out.push(character);
        match character {
            '"' if !escaped => quoted = !quoted,
            ',' | ':' if !quoted => out.push(' '),
            _ => {}
        }
        escaped = character == '\\' && !escaped;
    }
    out
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Request {
        Request::read(body.as_bytes()).unwrap_or_else(|failure| panic!("{body}: {failure:?}"))
    }

    #[test]
    fn fields() {
        let request = read(
            r#"{"model":"a/b","models":["a/b","c/d"],"messages":[{"role":"user","content":[{"type":"text","text":"hé","cache_control":{"type":"ephemeral","ttl":"1h"}}]}],
            "max_tokens":null,"max_completion_tokens":8192.0,"stream":true,"metadata":{"sandbox_tokens":"12"},"provider":{"ignore":["x"],"sort":"price"},"plugins":[{"id":"web"}]}"#,
        );
        assert_eq!(request.models, ["a/b", "c/d"]);
        assert_eq!((request.max_tokens, request.max_completion_tokens), (None, Some(8192)));
        assert_eq!((request.wanted_tokens, request.cache), (Some(12), Cache::OneHour));
        assert!(request.asks.web.is_some());
        assert_eq!(request.rendered, "user\nhé");
        assert!(request.stream && request.provider.by_price && request.provider.allow_fallbacks);
    }

    #[test]
    fn answers_of_tools_as_json() {
        let request = read(
            r#"{"model":"m","messages":[{"role":"user","content":"a\"b"},{"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"x\"y"},{"type":"text","text":"\n"}]},
            {"role":"user","content":"z"}],"tools":[]}"#,
        );
        assert_eq!(request.rendered, "user\na\"btoolc\nx\"y\nuser\nz");
        let [first, second] = Writer::ALL.map(|writer| request.rendered_by(writer));
        assert_eq!(first.as_deref(), Some("user\na\"btoolc\n\"x\\\"y\\n\"user\nz"));
        assert_eq!(second, None, "it is the same");
        let plain = read(r#"{"model":"m","messages":[{"role":"user","content":"a"}]}"#);
        assert_eq!(Writer::ALL.map(|writer| plain.rendered_by(writer)), [None, None]);
    }

    #[test]
    fn calls_and_schemas_written_anew() {
        let request = read(
            r#"{"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":"{\"a\":[1e20,1e15]}"}}]},{"role":"assistant","function_call":{"arguments":"[1]"}}],
            "tools":[{"function":{"name":"é"}}]}"#,
        );
        let [python, javascript] = Writer::ALL.map(|writer| request.rendered_by(writer).unwrap_or_default());
        assert_eq!(
            python,
            "assistant[{\"function\": {\"arguments\": {\"a\": [1e+20, 1000000000000000.0]}}}]\nassistant{\"arguments\": [1]}\n{\"function\": {\"name\": \"\\u00e9\"}}"
        );
        assert_eq!(
            javascript,
            "assistant[{\"function\":{\"arguments\":{\"a\":[100000000000000000000,1000000000000000]}}}]\nassistant{\"arguments\":[1]}\n{\"function\":{\"name\":\"é\"}}"
        );
    }

    #[test]
    fn max_price_is_exact() {
        let max = |text: &str| {
            let body = format!(
                r#"{{"model":"m","messages":[{{"role":"user","content":""}}],"provider":{{"max_price":{text}}}}}"#
            );
            Request::read(body.as_bytes()).map(|request| request.provider.max_price)
        };
        let price = |text: &str| Exact::parse(text);
        let expect = MaxPrice {
            prompt: price("0.15"),
            completion: price("0.08333333333333334"),
            ..MaxPrice::default()
        };
        assert_eq!(max(r#"{"prompt":0.15,"completion":"0.08333333333333334"}"#).expect("max"), expect);
        assert_eq!(
            max(r#"{"prompt":1,"prompt":1.5e-1,"completion":8.333333333333334e-2}"#).expect("max"),
            expect
        );
        assert_eq!(max("null").expect("max"), MaxPrice::default());
        assert_eq!(
            max(r#"{"prompt":null,"request":0}"#).expect("max"),
            MaxPrice { request: price("0"), ..MaxPrice::default() }
        );
        for bad in [r#"{"prompt":-1}"#, r#"{"prompt":"x"}"#, "7"] {
            assert!(max(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong() {
        for (body, message) in [
            ("{", "Request body is not valid JSON"),
            ("[]", "expected object"),
            (r#"{"model":"m"}"#, "Input required: specify \"prompt\" or \"messages\""),
            (r#"{"model":"m","messages":[]}"#, "Input required"),
            (r#"{"model":"m","messages":7}"#, "expected array"),
            (r#"{"model":"m","messages":[{"content":"x"}]}"#, "expected string"),
            (r#"{"messages":[{"role":"user","content":"x"}]}"#, "No models provided"),
            (r#"{"model":1,"messages":[{"role":"user","content":"x"}]}"#, "expected string"),
            (
                r#"{"model":"m","max_tokens":-1,"messages":[{"role":"user","content":"x"}]}"#,
                "expected a whole number",
            ),
            (r#"{"model":"m","tools":{},"messages":[{"role":"user","content":"x"}]}"#, "expected array"),
        ] {
            let failure = Request::read(body.as_bytes()).expect_err(body);
            assert_eq!(failure.status, 400);
            assert!(failure.body.contains(&message.replace('"', "\\\"")), "{body}: {}", failure.body);
        }
    }
}
