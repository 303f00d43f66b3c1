//! Server tools: `tools[]` of other types than `function`.

use serde_json::Value;

use super::{Asks, whole};

/// A tool that OpenRouter runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerTool {
    Search(Search),
    Fetch(Fetch),
    Clock,
    Unruled(Unruled),
}

/// What runs something that no parameter caps, each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unruled {
    /// A command, a file.
    Small,
    /// An image.
    Image,
    /// Other models.
    Panel,
}

/// Who searches, or fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Auto,
    Native,
    Exa,
    Parallel,
    Perplexity,
    Firecrawl,
    /// OpenRouter itself, which only fetches.
    OpenRouter,
}

/// A search of the web.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    pub(crate) engine: Engine,
    pub(crate) mode: Mode,
    pub(crate) max_uses: Option<u64>,
    pub(crate) max_results: u64,
    pub(crate) max_total_results: u64,
    /// Characters of a result; nothing where nothing caps them.
    pub(crate) characters: Option<u64>,
    /// The plugin, which searches once.
    pub(crate) once: bool,
}

/// How thorough, and so how dear, a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Usual,
    Deep,
    Deepest,
}

/// Fetching of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fetch {
    pub(crate) engine: Engine,
    pub(crate) max_uses: Option<u64>,
    pub(crate) max_content_tokens: Option<u64>,
}

impl Search {
    /// The plugin with nothing set.
    pub(crate) const PLUGIN: Search = Search {
        engine: Engine::Auto,
        mode: Mode::Usual,
        max_uses: None,
        max_results: 5,
        max_total_results: 50,
        characters: None,
        once: true,
    };

    fn read(config: &Value) -> Search {
        let number = |name: &str| whole(config.get(name));
        Search {
            engine: match config["engine"].as_str() {
                Some("native") => Engine::Native,
                Some("exa") => Engine::Exa,
                Some("parallel") => Engine::Parallel,
                Some("perplexity") => Engine::Perplexity,
                Some("firecrawl") => Engine::Firecrawl,
                _ => Engine::Auto,
            },
            mode: match config["mode"].as_str() {
                Some("deep" | "deep-lite" | "advanced") => Mode::Deep,
                Some("deep-reasoning") => Mode::Deepest,
                _ => Mode::Usual,
            },
            max_uses: number("max_uses"),
            max_results: number("max_results").unwrap_or(5),
            max_total_results: number("max_total_results").unwrap_or(50),
            characters: number("max_characters").or(match config["search_context_size"].as_str() {
                Some("low") => Some(5_000),
                Some("medium") => Some(15_000),
                _ => None,
            }),
            once: false,
        }
    }

    /// The plugin has no `max_total_results` and no `max_characters` in OpenRouter's document.
    pub(super) fn read_plugin(plugin: &Value) -> Search {
        let read = Search::read(plugin);
        Search { max_total_results: read.max_results, characters: None, once: true, ..read }
    }

    /// The most results of one search.
    pub(crate) fn results(&self) -> u64 {
        self.max_results
    }
}

impl Fetch {
    pub(super) fn read(config: &Value) -> Fetch {
        let number = |name: &str| whole(config.get(name));
        Fetch {
            engine: match config["engine"].as_str() {
                Some("native") => Engine::Native,
                Some("exa") => Engine::Exa,
                Some("parallel") => Engine::Parallel,
                Some("firecrawl") => Engine::Firecrawl,
                Some("openrouter") => Engine::OpenRouter,
                _ => Engine::Auto,
            },
            max_uses: number("max_uses"),
            max_content_tokens: number("max_content_tokens"),
        }
    }

    /// The plugin has no `engine` in OpenRouter's document.
    pub(super) fn read_plugin(plugin: &Value) -> Fetch {
        Fetch { engine: Engine::Auto, ..Fetch::read(plugin) }
    }
}

impl Asks {
    /// Notes a server tool; `false` when it is none that a chat may have.
    pub(crate) fn read_tool(&mut self, tool: &Value) -> bool {
        let kind = tool["type"].as_str().unwrap_or_default();
        let read = match kind {
            "openrouter:web_search" => ServerTool::Search(Search::read(&tool["parameters"])),
            // The shorthand may have its parameters in either place.
            kind if kind.starts_with("web_search") => {
                let inner = tool.get("parameters").filter(|inner| inner.is_object());
                let (own, inner) = (Search::read(tool), inner.map(Search::read));
                ServerTool::Search(inner.map_or(own, |inner| own.dearest(inner)))
            }
            "openrouter:web_fetch" => ServerTool::Fetch(Fetch::read(&tool["parameters"])),
            "openrouter:datetime" => ServerTool::Clock,
            "openrouter:image_generation" => ServerTool::Unruled(Unruled::Image),
            "openrouter:advisor" | "openrouter:subagent" | "openrouter:fusion" => {
                ServerTool::Unruled(Unruled::Panel)
            }
            kind if kind.starts_with("openrouter:") => ServerTool::Unruled(Unruled::Small),
            _ => return false,
        };
        self.tools.push(read);
        true
    }
}

impl Search {
    /// Each parameter as it comes dearer.
    fn dearest(self, other: Search) -> Search {
        let most = |a: Option<u64>, b: Option<u64>| a.zip(b).map(|(a, b)| a.max(b));
        Search {
            engine: if other.engine == Engine::Auto { self.engine } else { other.engine },
            mode: if other.mode == Mode::Usual { self.mode } else { other.mode },
            max_uses: most(self.max_uses, other.max_uses),
            max_results: self.max_results.max(other.max_results),
            max_total_results: self.max_total_results.max(other.max_total_results),
            characters: most(self.characters, other.characters),
            once: false,
        }
    }
}
