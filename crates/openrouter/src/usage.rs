//! What a request cost, from the `usage` object of an answer (CONTRACT 11.1).
//!
//! Costs are read as text and never pass through a float. A cost that is missing, null, negative or no number is
//! *unknown*, which is never the same as zero. The tokens counted are read beside it, for comparisons; they decide
//! nothing about money.

use money::Nano;
use pricing::Used;
use serde::Deserialize;
use serde_json::value::RawValue;

/// No answer counts more tokens than this.
const TOKENS_MAX: u64 = 1_000_000_000;

/// What an answer says it cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Billed {
    /// It says.
    Known(Charge),
    /// It does not, or not in a way we can read.
    #[default]
    Unknown,
}

impl Billed {
    /// The charge, when known.
    pub fn charge(&self) -> Option<&Charge> {
        match self {
            Billed::Known(charge) => Some(charge),
            Billed::Unknown => None,
        }
    }
}

/// An amount as OpenRouter wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// In nano-dollars, rounded up.
    pub amount: Nano,
    /// The number verbatim but for the plus of an exponent, in USD; under BYOK OpenRouter's own charge and the provider's, joined by `+`.
    pub text: String,
}

impl Charge {
    /// Reads one number; a JSON string that holds one is taken too.
    pub fn read(text: &str) -> Option<Charge> {
        let number = text.trim().trim_matches('"').trim();
        // Whoever reads a sum takes a plus for what joins it.
        if number.starts_with('+') {
            return None;
        }
        let amount = Nano::parse_ceil(number).ok()?;
        // The plus of an exponent says nothing, and would be taken for the other.
        let text = number.replace("e+", "e").replace("E+", "E");
        Some(Charge { amount, text })
    }

    /// Whether a provider was asked with a key of the account's own (BYOK): its charge is a part of this one.
    pub fn is_byok(&self) -> bool {
        self.text.contains('+')
    }

    /// Both charges together; `None` beyond the range.
    pub(crate) fn plus(&self, other: &Charge) -> Option<Charge> {
        let amount = self.amount.checked_add(other.amount)?;
        Some(Charge { amount, text: format!("{}+{}", self.text, other.text) })
    }
}

/// The parts of a `usage` object that say what to book. Unknown keys are skipped.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Usage<'a> {
    #[serde(borrow, default)]
    cost: Option<&'a RawValue>,
    #[serde(borrow, default)]
    is_byok: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cost_details: Option<&'a RawValue>,
}

/// The tokens of a `usage` object. Read apart from the cost, so that an odd count never makes a cost unknown.
#[derive(Default, Deserialize)]
struct Tokens<'a> {
    #[serde(borrow, default)]
    prompt_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    completion_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    prompt_tokens_details: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct PromptDetails<'a> {
    #[serde(borrow, default)]
    cached_tokens: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct CostDetails<'a> {
    #[serde(borrow, default)]
    upstream_inference_cost: Option<&'a RawValue>,
}

impl Usage<'_> {
    pub(crate) fn billed(&self) -> Billed {
        self.charge().map_or(Billed::Unknown, Billed::Known)
    }

    fn charge(&self) -> Option<Charge> {
        let own = Charge::read(self.cost?.get())?;
        let details = || serde_json::from_str::<CostDetails<'_>>(self.cost_details?.get()).ok();
        match self.is_byok.map(RawValue::get) {
            // `upstream_inference_cost` repeats `cost` here; adding it would double the bill.
            None | Some("false" | "null") => Some(own),
            Some("true") => own.plus(&Charge::read(details()?.upstream_inference_cost?.get())?),
            Some(_) => None,
        }
    }
}

/// Reads a `usage` object.
pub fn read(usage: &str) -> Billed {
    serde_json::from_str::<Usage<'_>>(usage).map_or(Billed::Unknown, |usage| usage.billed())
}

/// The tokens that a `usage` object counts; `None` when it does not say, or not in a way we can read.
pub fn tokens(usage: &str) -> Option<Used> {
    let tokens: Tokens<'_> = serde_json::from_str(usage).ok()?;
    let details: PromptDetails<'_> =
        tokens.prompt_tokens_details.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let count = |raw: Option<&RawValue>| raw?.get().parse::<u64>().ok().filter(|&count| count < TOKENS_MAX);
    Some(Used {
        prompt: count(tokens.prompt_tokens)?,
        completion: count(tokens.completion_tokens)?,
        cached: count(details.cached_tokens).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_booked() {
        for (usage, expect) in [
            (
                r#"{"cost":0.00042,"is_byok":false,"cost_details":{"upstream_inference_cost":0.00042}}"#,
                Some((420_000, "0.00042")),
            ),
            (r#"{"cost":0.000001979964}"#, Some((1_980, "0.000001979964"))),
            (r#"{"cost":1.979964E-6,"is_byok":null}"#, Some((1_980, "1.979964E-6"))),
            (r#"{"cost":0,"is_byok":false}"#, Some((0, "0"))),
            (r#"{"cost":"0.5"}"#, Some((500_000_000, "0.5"))),
            (
                r#"{"cost":0.000095,"is_byok":true,"cost_details":{"upstream_inference_cost":0.0019}}"#,
                Some((1_995_000, "0.000095+0.0019")),
            ),
            (
                r#"{"cost":0,"is_byok":true,"cost_details":{"upstream_inference_cost":0.0019}}"#,
                Some((1_900_000, "0+0.0019")),
            ),
            (r#"{"cost":0,"is_byok":true,"cost_details":null}"#, None),
            (r#"{"cost":0,"is_byok":true,"cost_details":{"upstream_inference_cost":null}}"#, None),
            (r#"{"cost":0,"is_byok":true}"#, None),
            (r#"{"cost":1,"is_byok":"yes"}"#, None),
            (r#"{"cost":null,"is_byok":false}"#, None),
            (r#"{"is_byok":false}"#, None),
            (r#"{"cost":-1}"#, None),
            (r#"{"cost":"much"}"#, None),
            (r#"{"cost":"+1"}"#, None),
            (r#"{"cost":"1","is_byok":true,"cost_details":{"upstream_inference_cost":"+2"}}"#, None),
            (r#"{"cost":" 0.5 "}"#, Some((500_000_000, "0.5"))),
            (r#"{"cost":[1]}"#, None),
            (r#"{"cost":1e99}"#, None),
            ("null", None),
            ("7", None),
            ("{", None),
        ] {
            let billed = read(usage);
            let found = billed.charge().map(|charge| (charge.amount.nanos(), charge.text.as_str()));
            assert_eq!(found, expect, "{usage}");
        }
    }

    #[test]
    fn what_is_counted() {
        let used = |prompt, cached, completion| Some(Used { prompt, cached, completion });
        for (usage, expect) in [
            (
                r#"{"prompt_tokens":194,"completion_tokens":20,"total_tokens":214,"cost":0.1,"prompt_tokens_details":{"cached_tokens":100,"audio_tokens":0}}"#,
                used(194, 100, 20),
            ),
            (r#"{"prompt_tokens":1,"completion_tokens":0,"prompt_tokens_details":null}"#, used(1, 0, 0)),
            (
                r#"{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":null}}"#,
                used(1, 0, 2),
            ),
            (r#"{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":7}"#, used(1, 0, 2)),
            (r#"{"prompt_tokens":1}"#, None),
            (r#"{"prompt_tokens":-1,"completion_tokens":2}"#, None),
            (r#"{"prompt_tokens":1.5,"completion_tokens":2}"#, None),
            (r#"{"prompt_tokens":99999999999,"completion_tokens":2}"#, None),
            (r#"{"cost":1}"#, None),
            ("null", None),
            ("{", None),
        ] {
            assert_eq!(tokens(usage), expect, "{usage}");
        }
        assert!(
            read(r#"{"cost":1,"prompt_tokens":"many"}"#).charge().is_some(),
            "a cost is not lost to a count"
        );
    }
}
