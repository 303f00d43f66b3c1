//! [`read`]: the root of a chat request.

use std::borrow::Cow;

use pricing::{CacheWrite, Shape, TierAsked, Unpriced, WebSearch};
use serde::de::IgnoredAny;
use serde_json::error::Category;
use smallvec::SmallVec;

use super::fields::{
    Text, boolean, duplicate, is_container, is_empty, is_null, members, span, text, whole, wrong,
};
use super::json::Cursor;
use super::messages::{cache_write, messages};
use super::notes::Notes;
use super::reasoning::Reasoning;
use super::{BodyError, Cap, ChatRequest, Object, Tier, plugins, provider, steps, tools};

/// More models than this in one request are refused: no client needs them, and each one costs time.
const MODELS_MAX: usize = 16;
/// More choices than this are refused.
const CHOICES_MAX: u64 = 128;

/// Reads a body in one pass.
///
/// # Errors
/// [`BodyError`], when it cannot be read the same way by everyone.
pub fn read(body: &[u8]) -> Result<ChatRequest<'_>, BodyError> {
    read_allowing(body, &[])
}

/// [`read`], with fields that may hold objects or lists although we do not know them: `allow_fields`, as paths such as
/// `chat_template_kwargs` or `tools[].parameters.x_search`.
///
/// # Errors
/// As [`read`].
pub fn read_allowing<'a>(body: &'a [u8], allow: &[String]) -> Result<ChatRequest<'a>, BodyError> {
    let text = std::str::from_utf8(body).map_err(|_| BodyError::NotJson("not UTF-8".to_owned()))?;
    if !text.trim_ascii_start().starts_with('{') {
        let json = serde_json::from_str::<IgnoredAny>(text);
        return Err(json.map_or_else(|error| not_json(&error), |_| BodyError::NotAnObject));
    }
    let shape = Shape { body, choices: 1, ..Shape::default() };
    let mut root = Root {
        notes: Notes { body: text, allow, shape },
        request: ChatRequest::default(),
        reasoning: Reasoning::default(),
        keys: SmallVec::new(),
    };
    match root.members(&mut Cursor::new(text)) {
        Ok(()) => root.finish(),
        Err(BodyError::NotJson(_)) => Err(unreadable(text)),
        Err(error) => Err(error),
    }
}

/// Why a text is no JSON.
fn unreadable(text: &str) -> BodyError {
    match serde_json::from_str::<IgnoredAny>(text) {
        Err(error) => not_json(&error),
        Ok(_) => BodyError::NotJson("a name in it is no text".to_owned()),
    }
}

/// Says where, and never quotes the body.
fn not_json(error: &serde_json::Error) -> BodyError {
    let what = match error.classify() {
        Category::Eof => "it ends too early, at",
        _ => "see",
    };
    BodyError::NotJson(format!("{what} line {} column {}", error.line(), error.column()))
}

struct Root<'a, 'p> {
    notes: Notes<'a, 'p>,
    request: ChatRequest<'a>,
    reasoning: Reasoning,
    keys: SmallVec<[Cow<'a, str>; 24]>,
}

impl<'a> Root<'a, '_> {
    fn members(&mut self, cursor: &mut Cursor<'a>) -> Result<(), BodyError> {
        cursor.enter(b'{')?;
        let mut first = true;
        while cursor.another(&mut first, b'}')? {
            let key = cursor.name()?;
            match key.as_ref() {
                "messages" => messages(&mut self.notes, cursor)?,
                "tools" => tools::tools(&mut self.notes, &mut self.request.places, cursor)?,
                key => self.member(key, cursor.value()?)?,
            }
            self.keys.push(key);
        }
        cursor.end()
    }

    fn member(&mut self, key: &str, raw: &'a str) -> Result<(), BodyError> {
        let Root { notes, request, reasoning, .. } = self;
        let body = notes.body;
        let shape = &mut notes.shape;
        let places = &mut request.places;
        match key {
            "model" => {
                places.model = Some(span(body, raw));
                if let Some(model) = text(raw, "model")? {
                    shape.models.insert(0, model);
                }
            }
            "models" => {
                places.models = Some(span(body, raw));
                models(shape, raw)?;
            }
            "stream" => request.stream = boolean(raw, "stream")?,
            "user" => request.user = text(raw, "user")?,
            "session_id" => request.session_id = text(raw, "session_id")?,
            "max_tokens" => places.max_tokens = Some(cap(body, raw, "max_tokens")?),
            "max_completion_tokens" => {
                places.max_completion_tokens = Some(cap(body, raw, "max_completion_tokens")?);
            }
            "n" => {
                let choices = whole(raw, 1..=CHOICES_MAX, wrong("n", "a whole number from 1 to 128"))?;
                shape.choices = choices.and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
            }
            "provider" => places.provider = Some(provider::read(notes, raw)?),
            "reasoning" => reasoning.object(raw)?,
            "reasoning_effort" => reasoning.effort(raw, "reasoning_effort")?,
            "plugins" => plugins::plugins(notes, places, raw)?,
            "stop_server_tools_when" => steps::steps(notes, places, raw)?,
            "service_tier" => places.tier = Some(tier(notes, raw)?),
            "speed" => speed(notes, raw)?,
            "modalities" => modalities(notes, raw)?,
            _ => self.cost(key, raw)?,
        }
        Ok(())
    }

    /// Members that only ever add to the cost, and all those that do not.
    fn cost(&mut self, key: &str, raw: &'a str) -> Result<(), BodyError> {
        let notes = &mut self.notes;
        let shape = &mut notes.shape;
        match key {
            "functions" if !is_empty(raw) => {
                shape.tools = shape.tools.saturating_add(1);
                notes.schema(raw);
            }
            "response_format" => response_format(notes, raw)?,
            "cache_control" => shape.cache_write = shape.cache_write.max(cache_write(raw)),
            "prompt_cache_options" | "prompt_cache_retention" if !is_null(raw) => {
                shape.cache_write = CacheWrite::OneHour;
            }
            "preset" if !is_null(raw) => {
                let preset = text(raw, "preset")?.unwrap_or_default();
                notes.cost(Unpriced::Preset(preset.into_owned()));
            }
            "web_search_options" if !is_null(raw) => {
                notes.cost(Unpriced::WebSearch(WebSearch::Options));
            }
            "prediction" if !is_null(raw) => shape.prediction_bytes = raw.len() as u64,
            "audio" if !is_empty(raw) => shape.outputs.audio = true,
            "image_config" if !is_empty(raw) => shape.outputs.images = true,
            key if is_known(key, raw) => {}
            key => notes.unknown(raw, || key.to_owned()),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<ChatRequest<'a>, BodyError> {
        if let Some(key) = duplicate(&mut self.keys) {
            return Err(BodyError::Duplicate(key.to_owned()));
        }
        let close = self.notes.body.trim_ascii_end().len().saturating_sub(1);
        let mut request = self.request;
        let mut shape = self.notes.shape;
        request.places.root = Object { close, empty: self.keys.is_empty() };
        let value = |cap: &Option<Cap>| cap.as_ref().and_then(|cap| cap.value);
        let places = &request.places;
        // Which of the two counts when both are given is not documented: the larger is the safe reading.
        shape.output_cap = value(&places.max_tokens).max(value(&places.max_completion_tokens));
        shape.reasoning_budget = self.reasoning.budget(shape.output_cap);
        shape.effort = self.reasoning.asked();
        let models = &mut shape.models;
        for at in (1..models.len()).rev() {
            if models[..at].contains(&models[at]) {
                models.remove(at);
            }
        }
        request.shape = shape;
        Ok(request)
    }
}

/// Root fields that cost nothing of their own (CONTRACT 9; OpenRouter's SDK of 2026-10-27). Those that may hold
/// objects or lists say so.
fn is_known(key: &str, raw: &str) -> bool {
    match key {
        "temperature"
        | "top_p"
        | "top_k"
        | "top_a"
        | "min_p"
        | "seed"
        | "frequency_penalty"
        | "presence_penalty"
        | "repetition_penalty"
        | "logprobs"
        | "top_logprobs"
        | "parallel_tool_calls"
        | "include_reasoning"
        | "store"
        | "verbosity"
        | "prompt_cache_key"
        | "safety_identifier"
        | "route"
        | "max_tool_calls"
        | "prompt"
        | "structured_outputs" => !is_container(raw),
        "tool_choice" | "function_call" | "logit_bias" | "stop" | "stream_options" | "usage" | "metadata"
        | "trace" | "transforms" | "debug" => true,
        // What holds something is read above; these are empty.
        "functions" | "audio" | "image_config" => is_empty(raw),
        _ => false,
    }
}

fn cap(body: &str, raw: &str, field: &'static str) -> Result<Cap, BodyError> {
    let most = u64::from(u32::MAX);
    let value = whole(raw, 1..=most, wrong(field, "a whole number of tokens, at least 1"))?;
    Ok(Cap { span: span(body, raw), value })
}

fn models<'a>(shape: &mut Shape<'a>, raw: &'a str) -> Result<(), BodyError> {
    if is_null(raw) {
        return Ok(());
    }
    let must = wrong("models", "a list of at most 16 model names");
    let names: Vec<Text<'a>> = serde_json::from_str(raw).map_err(|_| must.clone())?;
    if names.len() > MODELS_MAX {
        return Err(must);
    }
    shape.models.extend(names.into_iter().map(|Text(name)| name));
    Ok(())
}

/// A schema is rendered into the prompt by some providers, as tools are.
fn response_format(notes: &mut Notes<'_, '_>, raw: &str) -> Result<(), BodyError> {
    let mut plain = true;
    if is_null(raw) {
        return Ok(());
    }
    members(raw, &wrong("response_format", "an object"), |key, value| {
        plain &= key == "type" && value == "\"text\"";
        Ok(())
    })?;
    if !plain {
        notes.schema(raw);
    }
    Ok(())
}

fn modalities(notes: &mut Notes<'_, '_>, raw: &str) -> Result<(), BodyError> {
    if is_null(raw) {
        return Ok(());
    }
    let names: Vec<Text<'_>> =
        serde_json::from_str(raw).map_err(|_| wrong("modalities", "a list of strings"))?;
    for Text(name) in names {
        match name.as_ref() {
            "text" => {}
            "image" => notes.shape.outputs.images = true,
            "audio" => notes.shape.outputs.audio = true,
            _ => notes.cost(Unpriced::Modality(name.into_owned())),
        }
    }
    Ok(())
}

/// `service_tier` (CONTRACT 9.2).
fn tier(notes: &mut Notes<'_, '_>, raw: &str) -> Result<Tier, BodyError> {
    let tier = text(raw, "service_tier")?.unwrap_or_default();
    let asked = match tier.as_ref() {
        "" | "auto" | "default" | "standard" => TierAsked::Standard,
        "flex" => TierAsked::Flex,
        "priority" | "fast" | "scale" | "ultrafast" => TierAsked::Premium,
        _ => {
            notes.cost(Unpriced::ServiceTier(tier.to_string()));
            TierAsked::Premium
        }
    };
    // `speed` may have said it already.
    if notes.shape.tier != TierAsked::Premium {
        notes.shape.tier = asked;
    }
    Ok(Tier { span: span(notes.body, raw), is_listed: matches!(tier.as_ref(), "default" | "flex") })
}

fn speed(notes: &mut Notes<'_, '_>, raw: &str) -> Result<(), BodyError> {
    let speed = text(raw, "speed")?.unwrap_or_default();
    match speed.as_ref() {
        "" | "standard" => {}
        "fast" => notes.shape.tier = TierAsked::Premium,
        _ => notes.cost(Unpriced::ServiceTier(speed.into_owned())),
    }
    Ok(())
}
