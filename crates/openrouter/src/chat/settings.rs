//! [`Settings`]: the parameters of a search, as a server tool and as a plugin have them, or of a fetch, and where they
//! stand.
//!
//! From OpenRouter's OpenAPI document, read 2026-08-22: `WebSearchConfig`, `WebSearchPlugin`,
//! `WebFetchServerToolConfig`.

use std::ops::Range;

use pricing::{Engine, Fetch, PdfEngine, Search, SearchMode, Unpriced};
use smallvec::SmallVec;

use super::fields::{span, text, whole, wrong};
use super::notes::Notes;
use super::{BodyError, Object};

/// The limits that each of them knows.
pub(super) const SEARCH: &[&str] = &["max_uses", "max_results", "max_total_results", "max_characters"];
pub(super) const SEARCH_PLUGIN: &[&str] = &["max_uses", "max_results"];
pub(super) const FETCH: &[&str] = &["max_uses", "max_content_tokens"];

/// What an object of parameters says.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) object: Object,
    pub(super) engine: Option<EnginePlace>,
    pub(super) limits: SmallVec<[Limit; 4]>,
    mode: SearchMode,
}

/// `engine`; `None` where it says `null`, or what we do not know.
#[derive(Clone, Debug)]
pub(super) struct EnginePlace {
    pub(super) span: Range<usize>,
    pub(super) engine: Option<Engine>,
}

/// A limit; `None` where it says `null`.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    pub(super) name: &'static str,
    pub(super) span: Range<usize>,
    pub(super) value: Option<u32>,
}

impl Settings {
    /// With nothing in it yet.
    pub(super) fn new(object: Object) -> Self {
        Settings { object, ..Settings::default() }
    }

    /// Reads one member; `names` are the limits it may set. `path` says where, and is not asked for otherwise.
    pub(super) fn read(
        &mut self,
        notes: &mut Notes<'_, '_>,
        names: &[&'static str],
        key: &str,
        value: &str,
        path: impl FnOnce() -> String,
    ) -> Result<(), BodyError> {
        if let Some(name) = names.iter().find(|name| **name == key) {
            let must = wrong(name, "a whole number, at least 1");
            let limit = whole(value, 1..=u64::from(u32::MAX), must)?.and_then(|n| u32::try_from(n).ok());
            self.limits.push(Limit { name, span: span(notes.body, value), value: limit });
            return Ok(());
        }
        let searches = names.contains(&"max_results");
        match key {
            "engine" if !names.is_empty() => self.engine(notes, value, searches, path)?,
            "mode" if searches => self.mode = self.mode.max(mode(value)?),
            "search_context_size"
            | "user_location"
            | "search_prompt"
            | "allowed_domains"
            | "excluded_domains"
            | "blocked_domains"
            | "include_domains"
            | "exclude_domains"
            | "engine" => {}
            _ => notes.unknown(value, path),
        }
        Ok(())
    }

    fn engine(
        &mut self,
        notes: &mut Notes<'_, '_>,
        value: &str,
        searches: bool,
        path: impl FnOnce() -> String,
    ) -> Result<(), BodyError> {
        let engine = match text(value, "engine")?.as_deref() {
            None => None,
            Some("auto") => Some(Engine::Auto),
            Some("native") => Some(Engine::Native),
            Some("exa") => Some(Engine::Exa),
            Some("parallel") => Some(Engine::Parallel),
            Some("perplexity") if searches => Some(Engine::Perplexity),
            Some("firecrawl") => Some(Engine::Firecrawl),
            Some("openrouter") if !searches => Some(Engine::OpenRouter),
            Some(_) => {
                notes.cost(Unpriced::UnknownField(path()));
                None
            }
        };
        self.engine = Some(EnginePlace { span: span(notes.body, value), engine });
        Ok(())
    }

    /// A limit that is set.
    fn limit(&self, name: &str) -> Option<u32> {
        self.limits.iter().find(|limit| limit.name == name).and_then(|limit| limit.value)
    }

    /// The engine that is named.
    fn named(&self) -> Engine {
        self.engine.as_ref().and_then(|place| place.engine).unwrap_or_default()
    }

    /// As a search.
    pub(super) fn search(&self) -> Search {
        Search {
            engine: self.named(),
            mode: self.mode,
            max_uses: self.limit("max_uses"),
            max_results: self.limit("max_results"),
            max_total_results: self.limit("max_total_results"),
            max_characters: self.limit("max_characters"),
        }
    }

    /// As a fetch.
    pub(super) fn fetch(&self) -> Fetch {
        Fetch {
            engine: self.named(),
            max_uses: self.limit("max_uses"),
            max_content_tokens: self.limit("max_content_tokens"),
        }
    }
}

/// The dearer of two readings of the same search: a limit holds when both have it.
pub(super) fn dearer(one: Search, other: Search) -> Search {
    let both = |one: Option<u32>, other: Option<u32>| one.zip(other).map(|(one, other)| one.max(other));
    Search {
        // Which of two engines is meant nobody knows: then none is named.
        engine: if one.engine == other.engine { one.engine } else { Engine::Auto },
        mode: one.mode.max(other.mode),
        max_uses: both(one.max_uses, other.max_uses),
        max_results: both(one.max_results, other.max_results),
        max_total_results: both(one.max_total_results, other.max_total_results),
        max_characters: both(one.max_characters, other.max_characters),
    }
}

fn mode(value: &str) -> Result<SearchMode, BodyError> {
    Ok(match text(value, "mode")?.as_deref() {
        None | Some("auto" | "instant" | "fast" | "turbo" | "basic") => SearchMode::Usual,
        Some("deep" | "deep-lite" | "advanced") => SearchMode::Deep,
        Some(_) => SearchMode::Deepest,
    })
}

/// An engine's name in a body; `None` for the one that needs no name.
pub(super) const fn engine_name(engine: Engine) -> Option<&'static str> {
    match engine {
        Engine::Auto => None,
        Engine::Native => Some("native"),
        Engine::Exa => Some("exa"),
        Engine::Parallel => Some("parallel"),
        Engine::Perplexity => Some("perplexity"),
        Engine::Firecrawl => Some("firecrawl"),
        Engine::OpenRouter => Some("openrouter"),
    }
}

/// A PDF engine's name in a body.
pub(super) const fn pdf_name(engine: PdfEngine) -> &'static str {
    match engine {
        PdfEngine::Cloudflare => "cloudflare-ai",
        PdfEngine::Native => "native",
        PdfEngine::Mistral => "mistral-ocr",
    }
}
