//! A chat completion request: read once, edited by splicing.
//!
//! [`read`] walks the raw JSON a single time, keeps what decides the cost and where the edits will go, and copies
//! nothing. Whatever costs money without a bound is noted, not judged: `pricing::bound` refuses it.
//! [`ChatRequest::splice`] then writes the permission into the same bytes.
//!
//! Readers of JSON disagree about duplicate keys, so one in an object we edit (the root, `provider`,
//! `provider.max_price`, a plugin, a server tool and its parameters) is an error; elsewhere the dearest reading counts.
//! Money fails closed: what cannot be read, or may switch on something we do not know, is noted as a cost.

mod anew;
mod data_url;
mod edits;
mod fields;
mod json;
mod messages;
mod notes;
mod parts;
mod picture;
mod pins;
mod plugins;
mod provider;
mod read;
mod reasoning;
mod settings;
mod sound;
mod splice;
mod steps;
mod tools;

use std::borrow::Cow;
use std::ops::Range;

use pricing::{MaxPrice, Pins, Shape};
use smallvec::SmallVec;
use thiserror::Error;

pub use read::{read, read_allowing};

/// Why a body is no chat request we can pass on. Each text is one sentence for a 400, and quotes no prompt.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BodyError {
    /// Not JSON.
    #[error("the body is not valid JSON ({0})")]
    NotJson(String),
    /// Not an object.
    #[error("the body must be a JSON object")]
    NotAnObject,
    /// A key twice in an object that is edited: readers disagree about which one counts.
    #[error("'{0}' is given twice; give it once")]
    Duplicate(String),
    /// A field of the wrong type or out of range.
    #[error("'{field}' must be {must}")]
    Field {
        /// The field, as a path into the body.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
}

/// What a request may spend: what [`ChatRequest::splice`] writes into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permission {
    /// The most output tokens.
    pub output_cap: u64,
    /// The price ceiling.
    pub max_price: MaxPrice,
    /// Providers to exclude, by tag.
    pub ignore: Vec<String>,
    /// The only providers that may serve, by tag, instead of the caller's own list; empty: as the caller says.
    pub only: Vec<String>,
    /// What else the body must say.
    pub pins: Pins,
    /// The models to send instead of those asked for, the first as `model`, the rest as `models`; `None`: those
    /// asked for stay.
    pub models: Option<Vec<String>>,
}

/// A chat request, borrowed from its body.
#[derive(Clone, Debug, Default)]
pub struct ChatRequest<'a> {
    /// What decides the cost.
    pub shape: Shape<'a>,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// `user`.
    pub user: Option<Cow<'a, str>>,
    /// `session_id`.
    pub session_id: Option<Cow<'a, str>>,
    places: Places,
}

/// Where the edits go. Offsets are into the body.
#[derive(Clone, Debug, Default)]
struct Places {
    root: Object,
    max_tokens: Option<Cap>,
    max_completion_tokens: Option<Cap>,
    provider: Option<provider::Provider>,
    /// The value of `model`, and of `models`.
    model: Option<Range<usize>>,
    models: Option<Range<usize>>,
    tier: Option<Tier>,
    steps: Option<List>,
    tools: SmallVec<[tools::ToolPlace; 1]>,
    plugins: Option<List>,
    /// The plugin `web`, unless it is switched off.
    web: Option<settings::Settings>,
    /// The plugin `file-parser`.
    parser: Option<plugins::ParserPlace>,
}

/// `service_tier`, and whether it is one that costs the listed price or less.
#[derive(Clone, Debug)]
struct Tier {
    span: Range<usize>,
    is_listed: bool,
}

/// A list in the body, and where elements can be added to it; `None` where it says `null` or is an empty object.
#[derive(Clone, Debug)]
struct List {
    span: Range<usize>,
    object: Option<Object>,
}

/// Where a member can be added to an object, or an element to a list: before its closing bracket.
#[derive(Clone, Copy, Debug, Default)]
struct Object {
    close: usize,
    empty: bool,
}

/// An output cap in the body; `None` where it says `null`.
#[derive(Clone, Debug)]
struct Cap {
    span: Range<usize>,
    value: Option<u64>,
}
