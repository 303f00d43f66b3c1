//! What `GET /generation` says about an id (CONTRACT 7.1).

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::string;
use crate::usage::Charge;

/// What `/generation` says about an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GenerationAnswer {
    /// It is known.
    Found(Generation),
    /// 404: not yet, or never.
    NotYet,
    /// Another status.
    Refused(u16),
}

/// A generation, as far as money is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// What it cost, BYOK included; `None` when it does not say in a way we can read.
    pub charge: Option<Charge>,
    /// Whether it was cancelled; `None` when it does not say.
    pub cancelled: Option<bool>,
    /// Tokens out, by the model's own count; `None` when it does not say.
    pub completion_tokens: Option<u64>,
    /// The provider that served it.
    pub provider: Option<String>,
    /// The model that was billed, by its dated slug.
    pub model: Option<String>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    total_cost: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    is_byok: Option<&'a RawValue>,
    #[serde(borrow, default)]
    upstream_inference_cost: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cancelled: Option<&'a RawValue>,
    #[serde(borrow, default)]
    native_tokens_completion: Option<&'a RawValue>,
    #[serde(borrow, default)]
    provider_name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    model: Option<&'a RawValue>,
}

impl GenerationAnswer {
    /// Reads an answer; `None` when a 200 is not one.
    pub fn read(status: u16, body: &[u8]) -> Option<GenerationAnswer> {
        match status {
            200 => {
                let Envelope { data } = serde_json::from_slice(body).ok()?;
                Some(GenerationAnswer::Found(Generation {
                    charge: data.charge(),
                    cancelled: data.cancelled.and_then(|raw| raw.get().parse().ok()),
                    completion_tokens: data
                        .native_tokens_completion
                        .and_then(|raw| raw.get().trim_matches('"').parse().ok()),
                    provider: string(data.provider_name),
                    model: string(data.model),
                }))
            }
            404 => Some(GenerationAnswer::NotYet),
            status => Some(GenerationAnswer::Refused(status)),
        }
    }
}

impl Data<'_> {
    fn charge(&self) -> Option<Charge> {
        let own = Charge::read(self.total_cost.or(self.usage)?.get())?;
        match self.is_byok.map(RawValue::get) {
            None | Some("false") => Some(own),
            Some("true") => own.plus(&Charge::read(self.upstream_inference_cost?.get())?),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charges() {
        for (data, expect) in [
            (
                r#"{"total_cost":0.0000357,"usage":0.0000357,"is_byok":false,"upstream_inference_cost":0}"#,
                Some("0.0000357"),
            ),
            (r#"{"usage":1,"is_byok":false}"#, Some("1")),
            (r#"{"total_cost":0.1,"is_byok":true,"upstream_inference_cost":2}"#, Some("0.1+2")),
            (r#"{"total_cost":0.1,"is_byok":true,"upstream_inference_cost":null}"#, None),
            (r#"{"total_cost":null,"is_byok":false}"#, None),
            (r#"{"total_cost":-1,"is_byok":false}"#, None),
        ] {
            let body = format!("{{\"data\":{data}}}");
            let Some(GenerationAnswer::Found(found)) = GenerationAnswer::read(200, body.as_bytes()) else {
                panic!("{data}")
            };
            assert_eq!(found.charge.map(|charge| charge.text).as_deref(), expect, "{data}");
        }
        assert_eq!(GenerationAnswer::read(200, b"{\"data\":null}"), None);
        assert_eq!(GenerationAnswer::read(404, b""), Some(GenerationAnswer::NotYet));
        assert_eq!(GenerationAnswer::read(529, b""), Some(GenerationAnswer::Refused(529)));
    }
}
