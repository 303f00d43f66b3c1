//! A chat completion request: read once, edited by splicing.

use std::borrow::Cow;

use pricing::{MaxPrice, Shape};
use thiserror::Error;

/// Why a body is no chat request we can pass on. Each text is one sentence for a 400.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BodyError {
    /// Not JSON.
    #[error("the body is not valid JSON: {0}")]
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
}

/// Reads a body in one pass.
///
/// # Errors
/// [`BodyError`], when it cannot be read the same way by everyone.
pub fn read(body: &[u8]) -> Result<ChatRequest<'_>, BodyError> {
    let _ = body;
    Err(BodyError::NotAnObject)
}

impl ChatRequest<'_> {
    /// The same bytes with only the permission spliced in: output cap, `provider.max_price`, `provider.ignore`.
    /// What the caller set lower stays as it is. `body` is the body this was read from.
    pub fn splice(&self, body: &[u8], permission: &Permission) -> Vec<u8> {
        let _ = permission;
        body.to_vec()
    }
}
