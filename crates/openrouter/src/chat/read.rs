//! [`read`]: the root of a chat request.

use std::borrow::Cow;
use std::fmt;

use pricing::{CacheWrite, Shape, Unpriced};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::fields::{
    Text, boolean, duplicate, is_container, is_empty, is_null, members, span, text, whole, wrong,
};
use super::messages::{Messages, cache_write};
use super::{BodyError, Cap, ChatRequest, Object, provider, tools};

/// More models than this in one request are refused: no client needs them, and each one costs time.
const MODELS_MAX: usize = 16;
/// More choices than this are refused.
const CHOICES_MAX: u64 = 128;
/// OpenRouter gives reasoning at least this many tokens when an effort is set (CONTRACT 9).
const EFFORT_MIN: u64 = 1024;
/// Costs noted per request; one is enough to refuse it.
const COSTS_MAX: usize = 8;

/// Reads a body in one pass.
///
/// # Errors
/// [`BodyError`], when it cannot be read the same way by everyone.
pub fn read(body: &[u8]) -> Result<ChatRequest<'_>, BodyError> {
    read_allowing(body, &[])
}

/// [`read`], with root fields that may hold objects or lists although we do not know them: `allow_fields`.
///
/// # Errors
/// As [`read`].
pub fn read_allowing<'a>(body: &'a [u8], allow: &[String]) -> Result<ChatRequest<'a>, BodyError> {
    let text = std::str::from_utf8(body).map_err(|_| BodyError::NotJson("not UTF-8".to_owned()))?;
    if !text.trim_ascii_start().starts_with('{') {
        let json = serde_json::from_str::<serde::de::IgnoredAny>(text);
        return Err(json.map_or_else(|error| not_json(&error), |_| BodyError::NotAnObject));
    }
    let mut request = ChatRequest::default();
    request.shape.body = body;
    request.shape.choices = 1;
    let mut root =
        Root { body: text, allow, request, keys: SmallVec::new(), field: "messages", failure: None };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = json.deserialize_map(&mut root).and_then(|()| json.end());
    match (root.failure.take(), read) {
        (Some(failure), _) => Err(failure),
        (None, Err(error)) if error.classify() == Category::Data => {
            Err(wrong(root.field, "a list of message objects"))
        }
        (None, Err(error)) => Err(not_json(&error)),
        (None, Ok(())) => root.finish(),
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

/// Notes a cost that has no bound.
pub(super) fn note(shape: &mut Shape<'_>, cost: Unpriced) {
    if shape.costs.len() < COSTS_MAX {
        shape.costs.push(cost);
    }
}

struct Root<'a, 'p> {
    body: &'a str,
    allow: &'p [String],
    request: ChatRequest<'a>,
    keys: SmallVec<[Cow<'a, str>; 24]>,
    field: &'static str,
    failure: Option<BodyError>,
}

impl<'de> Visitor<'de> for &mut Root<'de, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a chat request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            if key == "messages" {
                let shape = &mut self.request.shape;
                map.next_value_seed(Messages { shape, failure: &mut self.failure })?;
            } else {
                let value = map.next_value::<&'de RawValue>()?;
                if let Err(error) = self.member(&key, value) {
                    self.failure = Some(error.clone());
                    return Err(serde::de::Error::custom(error));
                }
            }
            self.keys.push(key);
        }
        Ok(())
    }
}

impl<'a> Root<'a, '_> {
    fn member(&mut self, key: &str, raw: &'a RawValue) -> Result<(), BodyError> {
        let body = self.body;
        let request = &mut self.request;
        let shape = &mut request.shape;
        match key {
            "model" => {
                request.places.model = Some(span(body, raw));
                if let Some(model) = text(raw, "model")? {
                    shape.models.insert(0, model);
                }
            }
            "models" => {
                request.places.models = Some(span(body, raw));
                models(shape, raw)?;
            }
            "stream" => request.stream = boolean(raw, "stream")?,
            "user" => request.user = text(raw, "user")?,
            "session_id" => request.session_id = text(raw, "session_id")?,
            "max_tokens" => request.places.max_tokens = Some(cap(body, raw, "max_tokens")?),
            "max_completion_tokens" => {
                request.places.max_completion_tokens = Some(cap(body, raw, "max_completion_tokens")?);
            }
            "n" => {
                let choices = whole(raw, 1..=CHOICES_MAX, wrong("n", "a whole number from 1 to 128"))?;
                shape.choices = choices.and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
            }
            "provider" => request.places.provider = Some(provider::read(body, raw, shape)?),
            "reasoning" => reasoning(shape, raw)?,
            "reasoning_effort" => {
                if text(raw, "reasoning_effort")?.is_some_and(|effort| effort != "none") {
                    shape.reasoning_budget = shape.reasoning_budget.max(EFFORT_MIN);
                }
            }
            "tools" => tools::tools(shape, raw)?,
            "functions" if !is_empty(raw) => {
                shape.tools = shape.tools.saturating_add(1);
                shape.tool_bytes += raw.get().len() as u64;
            }
            "response_format" => response_format(shape, raw)?,
            "plugins" => tools::plugins(shape, raw)?,
            "cache_control" => shape.cache_write = shape.cache_write.max(cache_write(raw)),
            "prompt_cache_options" | "prompt_cache_retention" if !is_null(raw) => {
                shape.cache_write = CacheWrite::OneHour;
            }
            "modalities" => modalities(shape, raw)?,
            "preset" if !is_null(raw) => {
                let preset = text(raw, "preset")?.unwrap_or_default();
                note(shape, Unpriced::Preset(preset.into_owned()));
            }
            "service_tier" => {
                let tier = text(raw, "service_tier")?.unwrap_or_default();
                if !matches!(tier.as_ref(), "" | "auto" | "default" | "standard" | "flex") {
                    note(shape, Unpriced::ServiceTier(tier.into_owned()));
                }
            }
            "speed" => {
                let speed = text(raw, "speed")?.unwrap_or_default();
                if !matches!(speed.as_ref(), "" | "standard") {
                    note(shape, Unpriced::ServiceTier(speed.into_owned()));
                }
            }
            "web_search_options" if !is_null(raw) => {
                note(shape, Unpriced::WebSearch("\"web_search_options\""))
            }
            "prediction" if !is_null(raw) => note(shape, Unpriced::Prediction),
            "audio" if !is_empty(raw) => note(shape, Unpriced::Modality("audio".to_owned())),
            "image_config" if !is_empty(raw) => note(shape, Unpriced::Modality("image".to_owned())),
            key if is_known(key, raw) || is_null(raw) => {}
            key if is_container(raw) && !self.allow.iter().any(|allowed| allowed == key) => {
                note(shape, Unpriced::UnknownField(key.to_owned()));
            }
            _ => shape.unknown_scalars = true,
        }
        Ok(())
    }

    fn finish(mut self) -> Result<ChatRequest<'a>, BodyError> {
        if let Some(key) = duplicate(&mut self.keys) {
            return Err(BodyError::Duplicate(key.to_owned()));
        }
        let close = self.body.trim_ascii_end().len().saturating_sub(1);
        let mut request = self.request;
        request.places.root = Object { close, empty: self.keys.is_empty() };
        let value = |cap: &Option<Cap>| cap.as_ref().and_then(|cap| cap.value);
        let places = &request.places;
        // Which of the two counts when both are given is not documented: the larger is the safe reading.
        request.shape.output_cap = value(&places.max_tokens).max(value(&places.max_completion_tokens));
        let models = &mut request.shape.models;
        for at in (1..models.len()).rev() {
            if models[..at].contains(&models[at]) {
                models.remove(at);
            }
        }
        Ok(request)
    }
}

/// Root fields that cost nothing of their own (CONTRACT 9; OpenRouter's SDK of 2026-10-27). Those that may hold
/// objects or lists say so.
fn is_known(key: &str, raw: &RawValue) -> bool {
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
        "tool_choice"
        | "function_call"
        | "logit_bias"
        | "stop"
        | "stream_options"
        | "usage"
        | "metadata"
        | "trace"
        | "transforms"
        | "debug"
        | "stop_server_tools_when" => true,
        // What holds something is read above; these are empty.
        "functions" | "audio" | "image_config" => is_empty(raw),
        _ => false,
    }
}

fn cap(body: &str, raw: &RawValue, field: &'static str) -> Result<Cap, BodyError> {
    let most = u64::from(u32::MAX);
    let value = whole(raw, 1..=most, wrong(field, "a whole number of tokens, at least 1"))?;
    Ok(Cap { span: span(body, raw), value })
}

fn models<'a>(shape: &mut Shape<'a>, raw: &'a RawValue) -> Result<(), BodyError> {
    if is_null(raw) {
        return Ok(());
    }
    let must = wrong("models", "a list of at most 16 model names");
    let names: Vec<Text<'a>> = serde_json::from_str(raw.get()).map_err(|_| must.clone())?;
    if names.len() > MODELS_MAX {
        return Err(must);
    }
    shape.models.extend(names.into_iter().map(|Text(name)| name));
    Ok(())
}

fn reasoning(shape: &mut Shape<'_>, raw: &RawValue) -> Result<(), BodyError> {
    if is_null(raw) {
        return Ok(());
    }
    let mut budget = 0;
    members(raw, &wrong("reasoning", "an object"), |key, value| {
        match key.as_ref() {
            "max_tokens" => {
                let must = wrong("reasoning.max_tokens", "a whole number of tokens");
                budget = budget.max(whole(value, 0..=u64::from(u32::MAX), must)?.unwrap_or(0));
            }
            "effort" if !matches!(value.get(), "null" | "\"none\"") => budget = budget.max(EFFORT_MIN),
            "enabled" if value.get() == "true" => budget = budget.max(EFFORT_MIN),
            _ => {}
        }
        Ok(())
    })?;
    shape.reasoning_budget = shape.reasoning_budget.max(budget);
    Ok(())
}

/// A schema is rendered into the prompt by some providers, as tools are.
fn response_format(shape: &mut Shape<'_>, raw: &RawValue) -> Result<(), BodyError> {
    let mut plain = true;
    if is_null(raw) {
        return Ok(());
    }
    members(raw, &wrong("response_format", "an object"), |key, value| {
        plain &= key == "type" && value.get() == "\"text\"";
        Ok(())
    })?;
    if !plain {
        shape.tool_bytes += raw.get().len() as u64;
    }
    Ok(())
}

fn modalities(shape: &mut Shape<'_>, raw: &RawValue) -> Result<(), BodyError> {
    if is_null(raw) {
        return Ok(());
    }
    let names: Vec<Text<'_>> =
        serde_json::from_str(raw.get()).map_err(|_| wrong("modalities", "a list of strings"))?;
    for Text(name) in names {
        if name != "text" {
            note(shape, Unpriced::Modality(name.into_owned()));
        }
    }
    Ok(())
}
