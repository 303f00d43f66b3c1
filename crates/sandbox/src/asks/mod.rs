//! [`Asks`]: what a request holds and wants beside text, as OpenRouter's document has it (read 2026-08-22).
//!
//! Where two readings are possible, as of a plugin that is named twice, the dearer one is taken.

mod base64;
pub(crate) mod media;
mod picture;
mod plugins;
mod sound;
mod tools;

use serde_json::{Map, Value};

pub(crate) use media::{Detail, Picture};
pub(crate) use plugins::PdfEngine;
pub(crate) use sound::Sound;
pub(crate) use tools::{Engine, Fetch, Mode, Search, ServerTool, Unruled};

/// What is not text.
#[derive(Debug, Default)]
pub(crate) struct Asks {
    pub(crate) pictures: Vec<Picture>,
    pub(crate) sounds: Vec<Sound>,
    pub(crate) videos: u64,
    /// Files that are not plain text.
    pub(crate) files: u64,
    /// Server tools, in the order of `tools[]`.
    pub(crate) tools: Vec<ServerTool>,
    /// The least `step_count_is`.
    pub(crate) steps: Option<u64>,
    /// `stop_server_tools_when` is there, so that nothing else stops a loop.
    pub(crate) stops: bool,
    /// The `web` plugin, unless it is off.
    pub(crate) web: Option<Search>,
    /// The `web-fetch` plugin.
    pub(crate) fetch: Option<Fetch>,
    /// The engine that `file-parser` names.
    pub(crate) pdf: Option<PdfEngine>,
    /// `file-parser` is switched off: nothing is read for a model that cannot.
    pub(crate) parser_off: bool,
    /// Plugins named and not switched off that run other models.
    pub(crate) unruled: Vec<Unruled>,
    /// Plugins that the body switches off or on itself.
    pub(crate) named: Vec<String>,
    /// `modalities`; nothing where it is absent.
    pub(crate) modalities: Option<Vec<String>>,
    /// What a prediction says.
    pub(crate) prediction: String,
}

impl Asks {
    /// Reads everything outside of messages and tools.
    pub(crate) fn read_root(&mut self, fields: &Map<String, Value>) {
        let field = |name: &str| fields.get(name).filter(|value| !value.is_null());
        self.read_plugins(field("plugins"));
        self.read_stops(field("stop_server_tools_when"));
        self.modalities = field("modalities")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect());
        if let Some(prediction) = field("prediction") {
            self.prediction = text_of(&prediction["content"]);
        }
        if field("web_search_options").is_some() && self.web.is_none() {
            self.web = Some(Search { engine: Engine::Native, ..Search::PLUGIN });
        }
    }

    /// Whether OpenRouter calls the model again with what its tools said.
    pub(crate) fn loops(&self) -> bool {
        !self.tools.is_empty() || self.fetch.is_some()
    }

    /// Whether an output of this kind may come.
    pub(crate) fn may_answer_in(&self, kind: &str) -> bool {
        self.modalities.as_ref().is_none_or(|names| names.iter().any(|name| name == kind))
    }
}

/// The text of a content, in one piece or in parts.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// A whole number, as JavaScript would take it.
fn whole(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| value.as_f64().filter(|number| *number >= 0.0).map(|number| number as u64))
}
