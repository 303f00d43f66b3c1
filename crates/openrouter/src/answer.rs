//! A non-streamed answer: what it cost, and whether a 200 hides an error (CONTRACT 11.1, 11.2).

use pricing::Used;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{UpstreamError, string};
use crate::usage::{self, Billed};

/// What a non-streamed answer says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The generation id.
    pub id: Option<String>,
    /// The provider that served it.
    pub provider: Option<String>,
    /// The model that was billed.
    pub model: Option<String>,
    /// What it cost.
    pub billed: Billed,
    /// The tokens it counts.
    pub used: Option<Used>,
    /// An error inside a 200.
    pub error: Option<UpstreamError>,
}

/// The members of an answer, or of one event of a stream, that matter here.
#[derive(Default, Deserialize)]
pub(crate) struct Members<'a> {
    #[serde(borrow, default)]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) provider: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) model: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) choices: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl Members<'_> {
    /// The error of the answer, or the first one inside a choice.
    pub(crate) fn failure(&self) -> Option<UpstreamError> {
        let read = |raw: &RawValue| UpstreamError::from_object(200, raw.get());
        self.error.and_then(read).or_else(|| {
            let choices: Vec<Choice<'_>> = serde_json::from_str(self.choices?.get()).ok()?;
            choices.into_iter().find_map(|choice| choice.error.and_then(read))
        })
    }
}

/// Reads an answer body; anything unreadable is an answer of unknown cost.
pub fn read(body: &[u8]) -> Answer {
    let Ok(members) = serde_json::from_slice::<Members<'_>>(body) else { return Answer::default() };
    Answer {
        id: string(members.id),
        provider: string(members.provider),
        model: string(members.model),
        used: members.usage.and_then(|usage| usage::tokens(usage.get())),
        billed: members.usage.map_or(Billed::Unknown, |usage| usage::read(usage.get())),
        error: members.failure(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let answer = read(br#" {"id":"gen-1","provider":"OpenAI","model":"m","choices":[{"message":{"content":"\"usage\":{\"cost\":9}"}}],"usage":{"cost":2.7e-6,"is_byok":false}}"#);
        assert_eq!(answer.id.as_deref(), Some("gen-1"));
        assert_eq!(
            answer.billed.charge().map(|c| (c.amount.nanos(), c.text.as_str())),
            Some((2_700, "2.7e-6"))
        );
        assert_eq!(answer.error, None);
        let answer = read(
            br#"{"id":"gen-1","choices":[{"finish_reason":"error","error":{"code":502,"message":"x"}}]}"#,
        );
        assert_eq!(answer.error.map(|e| e.code), Some("502".to_owned()));
        assert_eq!(answer.billed, Billed::Unknown);
        let answer = read(br#"{"id":1,"provider":null,"usage":7,"choices":{},"error":null}"#);
        assert_eq!(answer, Answer::default());
        assert_eq!(read(b"<html>"), Answer::default());
    }
}
