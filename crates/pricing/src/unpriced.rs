//! [`Unpriced`]: why a request has no bound.

use thiserror::Error;

/// The one thing that keeps a request from having a bound. Its text is one sentence for the person who sent it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Unpriced {
    /// No `model` and no `models`: the account's default would be billed.
    #[error("the request names no model, so its cost has no bound; set \"model\"")]
    NoModel,
    /// The price book has no such row.
    #[error("model '{0}' is not in the price book; check its name with GET /models")]
    UnknownModel(String),
    /// A router, whose price is that of whatever it picks.
    #[error(
        "'{0}' picks a model at run time, so its price has no bound; name the model you want, or send provider.max_price with prompt and completion"
    )]
    Router(String),
    /// A variant whose price is not listed.
    #[error("the variant of '{0}' has no listed price; use the model without it")]
    Variant(String),
    /// A preset, which may add models, tools and prompts on OpenRouter's side.
    #[error(
        "'{0}' is a preset kept at OpenRouter, which can change model, tools and prompt; send its settings in the body"
    )]
    Preset(String),
    /// The row's price cannot be read.
    #[error("the listed price of '{model}' cannot be read ({reason}); use another model")]
    UnreadablePrice {
        /// The model.
        model: String,
        /// What is wrong.
        reason: String,
    },
    /// A price key we do not know.
    #[error("'{model}' lists a price '{key}' that this version of farebox does not know; use another model")]
    UnknownPrice {
        /// The model.
        model: String,
        /// The price key.
        key: String,
    },
    /// A price of zero that does not mean free.
    #[error(
        "'{0}' lists a price of zero without being a ':free' model, so its true price is unknown; use another model"
    )]
    ZeroPrice(String),
    /// A model that answers with something else than text.
    #[error(
        "'{0}' does not answer in text alone, and no listed price bounds its other answers; use another model"
    )]
    NotText(String),
    /// A model that searches the web by itself.
    #[error(
        "'{0}' searches the web by itself, and nothing caps its searches; use a model that does not, with the tool openrouter:web_search"
    )]
    SearchingModel(String),
    /// No endpoint within the caller's own ceiling.
    #[error("no provider of '{0}' is within the provider.max_price of the request; raise it")]
    NothingWithinMaxPrice(String),
    /// An endpoint that may ignore the cap and whose own limit is unknown.
    #[error(
        "'{0}' has a provider that lists neither an output cap nor a limit of its own; exclude it with provider.ignore"
    )]
    NoOutputLimit(String),
    /// What is not text may fill the context, and nobody knows how long it is.
    #[error(
        "'{0}' lists no context length, so what its files, videos or searches may cost has no bound; use another model"
    )]
    NoContextLength(String),
    /// Its provider has billed above its bounds, and no other one remains.
    #[error(
        "'{model}' was billed above its bound{}, which cannot be left out; farebox honesty clear {model} lets it through once more",
        by(.provider)
    )]
    BrokenWord {
        /// The model.
        model: String,
        /// The provider; empty when no answer said.
        provider: String,
    },
    /// A message part other than text.
    #[error("{place} has a part of type '{kind}', which farebox does not know and cannot bound; remove it")]
    Media {
        /// Where, as a path into the body.
        place: String,
        /// Its type.
        kind: String,
    },
    /// A tool that is not a function.
    #[error("{place} is a tool of type '{kind}', which OpenRouter runs and bills without a bound; remove it")]
    ServerTool {
        /// Where, as a path into the body.
        place: String,
        /// Its type.
        kind: String,
    },
    /// A plugin.
    #[error("plugin '{0}' costs money that nothing caps; remove it from \"plugins\"")]
    Plugin(String),
    /// A web search.
    #[error(
        "{0} searches the web without a cap; use the plugin 'web', or the tool openrouter:web_search with the engine exa"
    )]
    WebSearch(WebSearch),
    /// Pages fetched by the provider itself, whose length and number nothing caps.
    #[error(
        "a provider's own engine fetches pages without a cap; use the tool openrouter:web_fetch with the engine exa"
    )]
    WebFetch,
    /// An output modality that we do not know.
    #[error("output modality '{0}' is not known to farebox; ask for text, image or audio")]
    Modality(String),
    /// A service tier that we do not know.
    #[error("service tier '{0}' is not known to farebox; use \"default\", \"flex\" or \"priority\"")]
    ServiceTier(String),
    /// A field whose meaning, and so whose cost, we do not know.
    #[error("field '{0}' is not known to farebox and may cost money; remove it")]
    UnknownField(String),
}

/// How a request searches the web without a cap, or without a published price.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum WebSearch {
    /// `:online` after a model's name.
    #[error("the ':online' variant")]
    Online,
    /// `web_search_options` in the body.
    #[error("\"web_search_options\"")]
    Options,
    /// The provider's own engine.
    #[error("a provider's own engine")]
    Native,
    /// A mode of an engine.
    #[error("a mode without a published price")]
    Mode,
}

impl WebSearch {
    /// The word for it in the key of an allowance; `None` where none helps, for a tool of the request can be changed.
    const fn word(self) -> Option<&'static str> {
        match self {
            WebSearch::Online => Some("online"),
            WebSearch::Options => Some("options"),
            WebSearch::Native | WebSearch::Mode => None,
        }
    }
}

impl Unpriced {
    /// A stable code for machines, snake case.
    pub const fn code(&self) -> &'static str {
        match self {
            Unpriced::NoModel => "no_model",
            Unpriced::UnknownModel(_) => "unknown_model",
            Unpriced::Router(_) => "router",
            Unpriced::Variant(_) => "variant",
            Unpriced::Preset(_) => "preset",
            Unpriced::UnreadablePrice { .. } => "unreadable_price",
            Unpriced::UnknownPrice { .. } => "unknown_price",
            Unpriced::ZeroPrice(_) => "zero_price",
            Unpriced::NotText(_) => "not_text",
            Unpriced::SearchingModel(_) => "searching_model",
            Unpriced::NothingWithinMaxPrice(_) => "nothing_within_max_price",
            Unpriced::NoOutputLimit(_) => "no_output_limit",
            Unpriced::NoContextLength(_) => "no_context_length",
            Unpriced::BrokenWord { .. } => "broken_word",
            Unpriced::Media { .. } => "media",
            Unpriced::ServerTool { .. } => "server_tool",
            Unpriced::Plugin(_) => "plugin",
            Unpriced::WebSearch(_) => "web_search",
            Unpriced::WebFetch => "web_fetch",
            Unpriced::Modality(_) => "modality",
            Unpriced::ServiceTier(_) => "service_tier",
            Unpriced::UnknownField(_) => "unknown_field",
        }
    }
}

impl Unpriced {
    /// The codes of what an allowance can stand for. A router has a ceiling instead; for the others no figure helps.
    pub const ALLOWABLE: [&str; 11] = [
        "media",
        "modality",
        "not_text",
        "plugin",
        "preset",
        "searching_model",
        "server_tool",
        "unknown_field",
        "unknown_price",
        "web_search",
        "zero_price",
    ];

    /// What an allowance for it is called: its code, and what it is about, `plugin:fusion`; `None` where no allowance
    /// helps.
    pub fn key(&self) -> Option<String> {
        let code = self.code();
        let about = self.about().filter(|_| Unpriced::ALLOWABLE.contains(&code))?;
        Some(format!("{code}:{about}"))
    }

    /// The name of what it is about.
    fn about(&self) -> Option<&str> {
        Some(match self {
            Unpriced::NoModel | Unpriced::WebFetch => return None,
            Unpriced::UnknownModel(name)
            | Unpriced::Router(name)
            | Unpriced::Variant(name)
            | Unpriced::Preset(name)
            | Unpriced::ZeroPrice(name)
            | Unpriced::NotText(name)
            | Unpriced::SearchingModel(name)
            | Unpriced::NothingWithinMaxPrice(name)
            | Unpriced::NoOutputLimit(name)
            | Unpriced::NoContextLength(name)
            | Unpriced::Plugin(name)
            | Unpriced::Modality(name)
            | Unpriced::ServiceTier(name)
            | Unpriced::UnknownField(name) => name,
            Unpriced::UnreadablePrice { model, .. }
            | Unpriced::UnknownPrice { model, .. }
            | Unpriced::BrokenWord { model, .. } => model,
            Unpriced::Media { kind, .. } | Unpriced::ServerTool { kind, .. } => kind,
            Unpriced::WebSearch(how) => return how.word(),
        })
    }

    /// How the operator can let it through all the same, as half a sentence; `None` where he cannot.
    pub fn allowed_by(&self) -> Option<String> {
        if matches!(self, Unpriced::Router(_)) {
            return Some("set a ceiling for routers, [allowances.router]".to_owned());
        }
        let key = self.key()?;
        Some(match self {
            Unpriced::Preset(_) => {
                format!("allow for it, [allowances] \"{key}\" = \"USD\", and set [allowances.router]")
            }
            _ => format!("allow for it, [allowances] \"{key}\" = \"USD a call\""),
        })
    }
}

fn by(provider: &str) -> String {
    if provider.is_empty() { " by a provider".to_owned() } else { format!(" by {provider}") }
}
