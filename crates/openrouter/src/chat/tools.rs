//! `tools`: functions are part of the prompt; any other type runs at OpenRouter.

use std::ops::Range;

use pricing::{CacheWrite, ServerTool};

use super::fields::{Members, edited, is_empty, is_null, objects, place, span, text, unique, wrong};
use super::json::Cursor;
use super::messages::cache_write;
use super::notes::Notes;
use super::settings::{FETCH, SEARCH, Settings, dearer};
use super::{BodyError, Places};

/// Where the parameters of a server tool stand that has a rule.
#[derive(Clone, Debug)]
pub(super) struct ToolPlace {
    pub(super) kind: Kind,
    /// The tool itself; of a shorthand, with its parameters.
    pub(super) top: Settings,
    /// `parameters`.
    pub(super) inner: Option<Inner>,
}

/// The value of `parameters`.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a body has one or two of them, and a box would be an allocation"
)]
pub(super) enum Inner {
    Null(Range<usize>),
    Object(Settings),
}

/// Server tools with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Search,
    /// `web_search` and its kin: parameters stand in the tool itself, or in `parameters`, or in both.
    SearchShorthand,
    Fetch,
    Clock,
}

const MUST: BodyError = wrong("tools", "a list of objects");

/// Reads the list straight from the body.
pub(super) fn tools<'a>(
    notes: &mut Notes<'a, '_>,
    places: &mut Places,
    cursor: &mut Cursor<'a>,
) -> Result<(), BodyError> {
    if cursor.peek()? != b'[' {
        let mismatch = cursor.mismatch(&MUST);
        return if is_empty(cursor.value()?) { Ok(()) } else { Err(mismatch) };
    }
    let start = cursor.at();
    let before = notes.shape.tools;
    objects(cursor, &MUST, |index, members| tool(notes, places, index, members))?;
    if notes.shape.tools > before {
        let body = notes.body;
        notes.schema(body.get(start..cursor.at()).unwrap_or(body));
    }
    Ok(())
}

fn tool<'a>(
    notes: &mut Notes<'a, '_>,
    places: &mut Places,
    index: usize,
    members: &Members<'a>,
) -> Result<(), BodyError> {
    let mut function = false;
    let mut other = None;
    let mut cache = CacheWrite::None;
    for (key, value) in members {
        match key.as_ref() {
            "type" => match text(value, "tools[].type")? {
                Some(kind) if kind == "function" => function = true,
                kind => other = Some(kind.unwrap_or_default()),
            },
            "function" => function |= !is_null(value),
            "cache_control" | "prompt_cache_breakpoint" => cache = cache.max(cache_write(value)),
            _ => {}
        }
    }
    notes.shape.cache_write = notes.shape.cache_write.max(cache);
    notes.shape.tools = notes.shape.tools.saturating_add(1);
    match other {
        None if function => {
            function_tool(notes, index, members);
            Ok(())
        }
        other => server_tool(notes, places, index, members, function, &other.unwrap_or_default()),
    }
}

/// What stands beside the function may be run at the provider: `allowed_callers`, for one.
fn function_tool(notes: &mut Notes<'_, '_>, index: usize, members: &Members<'_>) {
    for (key, value) in members {
        if !matches!(
            key.as_ref(),
            "type" | "function" | "cache_control" | "prompt_cache_breakpoint" | "strict" | "id"
        ) {
            notes.unknown(value, || format!("tools[{index}].{key}"));
        }
    }
}

fn server_tool<'a>(
    notes: &mut Notes<'a, '_>,
    places: &mut Places,
    index: usize,
    members: &Members<'a>,
    function: bool,
    kind: &str,
) -> Result<(), BodyError> {
    let kind = match Kind::of(kind) {
        Some(known) if !function => known,
        _ => {
            let cost = notes.shape.run.loop_of(kind, format!("tools[{index}]"));
            notes.cost(cost);
            return Ok(());
        }
    };
    unique(members, "tools[].")?;
    let object = place(notes.body, members).ok_or(MUST)?;
    let mut tool = ToolPlace { kind, top: Settings::new(object), inner: None };
    for (key, value) in members {
        match key.as_ref() {
            "type" | "cache_control" | "prompt_cache_breakpoint" => {}
            "parameters" => tool.inner = Some(parameters(notes, kind, index, value)?),
            key => {
                let names = if kind == Kind::SearchShorthand { kind.limits() } else { &[] };
                tool.top.read(notes, names, key, value, || format!("tools[{index}].{key}"))?;
            }
        }
    }
    notes.shape.run.loops = true;
    notes.shape.run.tools.push(tool.as_asked());
    places.tools.push(tool);
    Ok(())
}

fn parameters<'a>(
    notes: &mut Notes<'a, '_>,
    kind: Kind,
    index: usize,
    raw: &'a str,
) -> Result<Inner, BodyError> {
    let must = wrong("tools[].parameters", "an object");
    let Some((object, members)) = edited(notes.body, raw, &must, "tools[].parameters.")? else {
        return Ok(Inner::Null(span(notes.body, raw)));
    };
    let mut settings = Settings::new(object);
    for (key, value) in &members {
        if kind == Kind::Clock && key == "timezone" {
            continue;
        }
        settings.read(notes, kind.limits(), key, value, || format!("tools[{index}].parameters.{key}"))?;
    }
    Ok(Inner::Object(settings))
}

impl Kind {
    /// The names of 2026-08-22.
    fn of(kind: &str) -> Option<Self> {
        match kind {
            "openrouter:web_search" => Some(Kind::Search),
            "web_search"
            | "web_search_preview"
            | "web_search_preview_2025_03_11"
            | "web_search_2025_08_26" => Some(Kind::SearchShorthand),
            "openrouter:web_fetch" => Some(Kind::Fetch),
            "openrouter:datetime" => Some(Kind::Clock),
            _ => None,
        }
    }

    pub(super) const fn limits(self) -> &'static [&'static str] {
        match self {
            Kind::Search | Kind::SearchShorthand => SEARCH,
            Kind::Fetch => FETCH,
            Kind::Clock => &[],
        }
    }
}

impl ToolPlace {
    fn as_asked(&self) -> ServerTool {
        let inner = match &self.inner {
            Some(Inner::Object(settings)) => Some(settings),
            _ => None,
        };
        match self.kind {
            Kind::Search => ServerTool::Search(inner.map(Settings::search).unwrap_or_default()),
            Kind::SearchShorthand => {
                let top = self.top.search();
                ServerTool::Search(inner.map_or(top, |inner| dearer(top, inner.search())))
            }
            Kind::Fetch => ServerTool::Fetch(inner.map(Settings::fetch).unwrap_or_default()),
            Kind::Clock => ServerTool::Clock,
        }
    }
}
