//! [`Run`]: what OpenRouter itself is asked to run for a request, beside the model: server tools and plugins.
//!
//! A *server tool* (`tools[]` of a type other than `function`) may be called many times, in a loop that bills the
//! growing prompt again at each turn. A *plugin* (`plugins[]`) runs once. Read 2026-08-22 from OpenRouter's
//! OpenAPI document and its guides to server tools and plugins.

use smallvec::SmallVec;

use crate::unpriced::Unpriced;

/// What OpenRouter runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Server tools whose costs have a rule, in the order of `tools[]`.
    pub tools: SmallVec<[ServerTool; 1]>,
    /// Whether there is any server tool at all, known or not: then there is a loop.
    pub loops: bool,
    /// The least `step_count` of `stop_server_tools_when`.
    pub steps: Option<u32>,
    /// The `web` plugin, unless it is switched off.
    pub web: Option<Search>,
    /// The PDF engine that the `file-parser` plugin names.
    pub pdf: Option<PdfEngine>,
    /// Whether the plugin that reads files is switched off: then the model itself may, whatever engine is named.
    pub parser_off: bool,
    /// Plugins that the body itself switches off or sets.
    pub named: Plugins,
}

/// A server tool with a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerTool {
    /// `openrouter:web_search`, `web_search`, `web_search_preview`.
    Search(Search),
    /// `openrouter:web_fetch`.
    Fetch(Fetch),
    /// `openrouter:datetime`: costs nothing but its turns.
    Clock,
}

/// A web search, as asked for; what is absent has OpenRouter's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Who searches.
    pub engine: Engine,
    /// A mode that costs more than the engine's usual one (`deep`, `deep-lite`, `deep-reasoning`).
    pub mode: SearchMode,
    /// Searches in one request.
    pub max_uses: Option<u32>,
    /// Results of one search.
    pub max_results: Option<u32>,
    /// Results of all searches.
    pub max_total_results: Option<u32>,
    /// Characters of each result.
    pub max_characters: Option<u32>,
}

/// Who searches the web, or fetches pages of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// The provider's own where it has one, else Exa.
    #[default]
    Auto,
    /// The provider's own.
    Native,
    /// Exa.
    Exa,
    /// Parallel.
    Parallel,
    /// Perplexity.
    Perplexity,
    /// Firecrawl, with the caller's own key.
    Firecrawl,
    /// OpenRouter itself, which fetches and does not search.
    OpenRouter,
}

impl Engine {
    /// Its name in a body.
    pub const fn word(self) -> &'static str {
        match self {
            Engine::Auto => "auto",
            Engine::Native => "native",
            Engine::Exa => "exa",
            Engine::Parallel => "parallel",
            Engine::Perplexity => "perplexity",
            Engine::Firecrawl => "firecrawl",
            Engine::OpenRouter => "openrouter",
        }
    }
}

impl Search {
    fn told(&self, what: &str) -> String {
        let numbers = [
            ("max_uses", self.max_uses),
            ("max_results", self.max_results),
            ("max_total_results", self.max_total_results),
            ("max_characters", self.max_characters),
        ];
        told(format!("{what} engine={}", self.engine.word()), &numbers)
    }
}

impl Fetch {
    fn told(&self, what: &str) -> String {
        let numbers = [("max_uses", self.max_uses), ("max_content_tokens", self.max_content_tokens)];
        told(format!("{what} engine={}", self.engine.word()), &numbers)
    }
}

fn told(what: String, numbers: &[(&str, Option<u32>)]) -> String {
    let given = numbers.iter().filter_map(|(name, number)| Some((name, (*number)?)));
    given.fold(what, |text, (name, number)| format!("{text} {name}={number}"))
}

/// How thoroughly is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SearchMode {
    /// The engine's usual price or less.
    #[default]
    Usual,
    /// `deep` or `deep-lite` at Exa, `advanced` at Parallel.
    Deep,
    /// `deep-reasoning` at Exa, or a mode we do not know.
    Deepest,
}

/// Fetching of web pages, as asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fetch {
    /// Who fetches.
    pub engine: Engine,
    /// Pages in one request.
    pub max_uses: Option<u32>,
    /// Tokens of each page, approximately.
    pub max_content_tokens: Option<u32>,
}

/// Who reads a PDF file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PdfEngine {
    /// `cloudflare-ai`, and `pdf-text`, which means it: free.
    Cloudflare,
    /// `native`: the model itself.
    Native,
    /// `mistral-ocr`: paid by the page; also anything we do not know.
    Mistral,
}

impl PdfEngine {
    /// Its name in a body.
    pub const fn word(self) -> &'static str {
        match self {
            PdfEngine::Cloudflare => "cloudflare-ai",
            PdfEngine::Native => "native",
            PdfEngine::Mistral => "mistral-ocr",
        }
    }
}

/// Plugins with a switch (`enabled`), which an account may have on by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plugins(u8);

impl Plugins {
    /// Web search.
    pub const WEB: Plugins = Plugins(1);
    /// A panel of several models.
    pub const FUSION: Plugins = Plugins(1 << 1);

    /// Those with their names as in `plugins[].id`.
    pub const NAMED: [(Plugins, &'static str); 2] = [(Plugins::WEB, "web"), (Plugins::FUSION, "fusion")];

    /// Whether all of `others` are among them.
    pub const fn contains(self, others: Plugins) -> bool {
        self.0 & others.0 == others.0
    }

    /// With these too.
    #[must_use]
    pub const fn with(self, others: Plugins) -> Plugins {
        Plugins(self.0 | others.0)
    }

    /// Without these.
    #[must_use]
    pub const fn without(self, others: Plugins) -> Plugins {
        Plugins(self.0 & !others.0)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Plugins::NAMED.into_iter().filter(move |(plugin, _)| self.contains(*plugin)).map(|(_, name)| name)
    }
}

/// What a bound rests on beside the output cap and the price ceiling: values that the body must have when it is sent.
/// What the caller set lower stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// `service_tier` is `default`.
    pub tier: bool,
    /// `stop_server_tools_when` has a `step_count_is` of this or less.
    pub steps: Option<u32>,
    /// For each of [`Run::tools`], in order: its parameters.
    pub tools: SmallVec<[ServerTool; 1]>,
    /// The parameters of the `web` plugin.
    pub web: Option<Search>,
    /// The `file-parser` plugin is given this engine.
    pub pdf: Option<PdfEngine>,
    /// Plugins that are switched off with `{"id":…,"enabled":false}`.
    pub off: Plugins,
}

impl Pins {
    /// Whether nothing is to be written.
    pub fn is_empty(&self) -> bool {
        *self == Pins::default()
    }

    /// What is held to a value that the caller may not have given, `name=value` each: tools and plugins that the
    /// request asks for.
    pub fn told(&self) -> Vec<String> {
        let steps = self.steps.map(|steps| format!("step_count={steps}"));
        let searches = self.tools.iter().filter_map(|tool| match tool {
            ServerTool::Search(search) => Some(search.told("web_search")),
            ServerTool::Fetch(fetch) => Some(fetch.told("web_fetch")),
            ServerTool::Clock => None,
        });
        let plugins = [
            self.web.map(|search| search.told("plugin web")),
            self.pdf.map(|engine| format!("pdf engine={}", engine.word())),
        ];
        steps.into_iter().chain(searches).chain(plugins.into_iter().flatten()).collect()
    }
}

impl Run {
    /// A server tool without a rule: its turns are a loop all the same.
    pub fn loop_of(&mut self, kind: &str, place: String) -> Unpriced {
        self.loops = true;
        Unpriced::ServerTool { place, kind: kind.to_owned() }
    }
}
