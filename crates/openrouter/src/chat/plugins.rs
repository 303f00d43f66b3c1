//! `plugins`: `{"id":…,"enabled":false}` switches an account's default off; some cost nothing, some have a rule, the
//! others are noted as costs. A switch is believed only where OpenRouter's documents give a plugin one (its OpenAPI document
//! of 2026-08-22, its SDK of 2026-10-27): elsewhere it is left out, and the plugin runs.

use std::borrow::Cow;
use std::ops::Range;

use pricing::{PdfEngine, Plugins, Unpriced};

use super::fields::{Members, boolean, edited, is_null, list, place, span, text, unique, wrong};
use super::notes::Notes;
use super::settings::{SEARCH_PLUGIN, Settings};
use super::{BodyError, Object, Places};

/// Where the engine of `file-parser` stands.
#[derive(Clone, Debug)]
pub(super) struct ParserPlace {
    /// The plugin.
    pub(super) object: Object,
    pub(super) pdf: Option<PdfPlace>,
}

/// `pdf`: the object, `None` where it says `null`, and the engine in it.
#[derive(Clone, Debug)]
pub(super) struct PdfPlace {
    pub(super) span: Range<usize>,
    pub(super) object: Option<Object>,
    pub(super) engine: Option<(Range<usize>, Option<PdfEngine>)>,
}

const MUST: BodyError = wrong("plugins", "a list of objects");

/// Reads the list.
pub(super) fn plugins<'a>(
    notes: &mut Notes<'a, '_>,
    places: &mut Places,
    raw: &'a str,
) -> Result<(), BodyError> {
    let mut seen = Seen::default();
    let body = notes.body;
    let read = |index, members: &Members<'a>| plugin(notes, places, &mut seen, index, members);
    places.plugins = Some(list(body, raw, &MUST, read)?);
    Ok(())
}

/// Which of those that are edited have been seen: one twice would be read either way.
#[derive(Default)]
struct Seen(Vec<&'static str>);

impl Seen {
    fn once(&mut self, id: &'static str) -> Result<(), BodyError> {
        if self.0.contains(&id) {
            return Err(BodyError::Duplicate(format!("plugins[].{id}")));
        }
        self.0.push(id);
        Ok(())
    }
}

fn plugin<'a>(
    notes: &mut Notes<'a, '_>,
    places: &mut Places,
    seen: &mut Seen,
    index: usize,
    members: &Members<'a>,
) -> Result<(), BodyError> {
    unique(members, "plugins[].")?;
    let mut id = Cow::Borrowed("");
    let mut enabled = true;
    for (key, value) in members {
        match key.as_ref() {
            "id" => id = text(value, "plugins[].id")?.unwrap_or_default(),
            "enabled" => enabled = is_null(value) || boolean(value, "plugins[].enabled")?,
            _ => {}
        }
    }
    match id.as_ref() {
        "web" => {
            seen.once("web")?;
            notes.shape.run.named = notes.shape.run.named.with(Plugins::WEB);
            if enabled {
                let settings = settings(notes, index, members, SEARCH_PLUGIN)?;
                notes.shape.run.web = Some(settings.search());
                places.web = Some(settings);
            }
        }
        // It fetches in a loop, with what engine it likes: it has no `engine` that could be pinned, and a provider's own
        // truncates nothing.
        "web-fetch" => {
            notes.shape.run.loops = true;
            notes.cost(Unpriced::Plugin(id.into_owned()));
        }
        "file-parser" => {
            seen.once("file-parser")?;
            places.parser = Some(parser(notes, index, members)?);
            notes.shape.run.parser_off = !enabled;
        }
        "fusion" => {
            notes.shape.run.named = notes.shape.run.named.with(Plugins::FUSION);
            if enabled {
                notes.cost(Unpriced::Plugin(id.into_owned()));
            }
        }
        "response-healing" | "context-compression" => {
            for (key, value) in members.iter().filter(|(key, _)| !is_own(key) && key != "engine") {
                notes.unknown(value, || format!("plugins[{index}].{key}"));
            }
        }
        // Settings of a router: what that picks is priced by its model, or refused.
        "auto-router" | "auto-beta-router" | "pareto-router" | "jev-router" => {}
        "armor" if !enabled => {}
        _ => notes.cost(Unpriced::Plugin(id.into_owned())),
    }
    Ok(())
}

/// Members that every plugin has.
fn is_own(key: &str) -> bool {
    matches!(key, "id" | "enabled")
}

fn settings<'a>(
    notes: &mut Notes<'a, '_>,
    index: usize,
    members: &Members<'a>,
    names: &[&'static str],
) -> Result<Settings, BodyError> {
    let mut settings = Settings::new(place(notes.body, members).ok_or(MUST)?);
    for (key, value) in members.iter().filter(|(key, _)| !is_own(key)) {
        settings.read(notes, names, key, value, || format!("plugins[{index}].{key}"))?;
    }
    Ok(settings)
}

fn parser<'a>(
    notes: &mut Notes<'a, '_>,
    index: usize,
    members: &Members<'a>,
) -> Result<ParserPlace, BodyError> {
    let object = place(notes.body, members).ok_or(MUST)?;
    let mut parser = ParserPlace { object, pdf: None };
    for (key, value) in members.iter().filter(|(key, _)| !is_own(key)) {
        match key.as_ref() {
            "pdf" => parser.pdf = Some(pdf(notes, index, value)?),
            key => notes.unknown(value, || format!("plugins[{index}].{key}")),
        }
    }
    Ok(parser)
}

fn pdf<'a>(notes: &mut Notes<'a, '_>, index: usize, raw: &'a str) -> Result<PdfPlace, BodyError> {
    let mut pdf = PdfPlace { span: span(notes.body, raw), object: None, engine: None };
    let must = wrong("plugins[].pdf", "an object");
    let Some((object, members)) = edited(notes.body, raw, &must, "plugins[].pdf.")? else { return Ok(pdf) };
    pdf.object = Some(object);
    for (key, value) in &members {
        match key.as_ref() {
            "engine" => {
                let engine = text(value, "plugins[].pdf.engine")?.map(|name| engine(&name));
                notes.shape.run.pdf = engine;
                pdf.engine = Some((span(notes.body, value), engine));
            }
            key => notes.unknown(value, || format!("plugins[{index}].pdf.{key}")),
        }
    }
    Ok(pdf)
}

fn engine(name: &str) -> PdfEngine {
    match name {
        "cloudflare-ai" | "pdf-text" => PdfEngine::Cloudflare,
        "native" => PdfEngine::Native,
        _ => PdfEngine::Mistral,
    }
}
