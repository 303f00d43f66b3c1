//! [`Faults`]: how rude it is, as probabilities; and which of them befall one request.

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::ConfigError;
use crate::exact::Exact;

/// Chances, 0 to 1, that something goes wrong with a request. All zero by default.
///
/// Drawn from the seed. Those that act before anything runs bill nothing; the others say what they bill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// The connection is closed without an answer, and nothing ran.
    pub close_before_headers: f64,
    /// A 500, 502, 503, 504, 524 or 529 with an error body.
    pub server_error: f64,
    /// A 502 without a body.
    pub empty_error: f64,
    /// A 429 with an error body, at times with `Retry-After`.
    pub rate_limit: f64,
    /// A 402 or 403 about money.
    pub money_error: f64,
    /// A 400, 401, 403, 404, 408, 413 or 422 about the request.
    pub request_error: f64,
    /// Nothing is answered for [`Faults::hang_ms`]; it runs meanwhile and is billed as if the client were waiting.
    pub hang: f64,
    /// How long a hang lasts, in milliseconds; `None` for ever.
    pub hang_ms: Option<u64>,
    /// It runs and is billed in full, and then the connection is closed without an answer.
    pub lose_answer: f64,
    /// A 200 whose body is garbage; billed in full.
    pub garbage_body: f64,
    /// The connection is closed within the stream; billed in full.
    pub close_mid_stream: f64,
    /// Garbage among the events of a stream, which goes on.
    pub garbage_event: f64,
    /// The provider fails within the stream: an error chunk. Billed for the tokens so far; free before the first one.
    pub stream_error: f64,
    /// No `usage` in the answer.
    pub missing_usage: f64,
    /// `usage.cost` is null.
    pub null_cost: f64,
    /// Two usage chunks in a stream; the first is too small.
    pub duplicate_usage: f64,
    /// Chunks come slowly, [`Faults::slow_chunk_ms`] apart.
    pub slow_chunks: f64,
    /// Milliseconds between slow chunks.
    pub slow_chunk_ms: u64,
    /// A comment of [`Faults::huge_comment_bytes`] in the stream.
    pub huge_comment: f64,
    /// How long a huge comment is, at most 16 MiB.
    pub huge_comment_bytes: usize,
    /// `/generation` never finds it.
    pub generation_lost: f64,
    /// All prices times this, as decimal text with at most three digits after the point; `/models` shows it too.
    pub price_factor: String,
}

const ASIDE: u64 = 0x7265_6675_7365_6421;
const COMMENT_BYTES_MAX: usize = 16 << 20;

impl Default for Faults {
    fn default() -> Self {
        Faults {
            close_before_headers: 0.0,
            server_error: 0.0,
            empty_error: 0.0,
            rate_limit: 0.0,
            money_error: 0.0,
            request_error: 0.0,
            hang: 0.0,
            hang_ms: None,
            lose_answer: 0.0,
            garbage_body: 0.0,
            close_mid_stream: 0.0,
            garbage_event: 0.0,
            stream_error: 0.0,
            missing_usage: 0.0,
            null_cost: 0.0,
            duplicate_usage: 0.0,
            slow_chunks: 0.0,
            slow_chunk_ms: 200,
            huge_comment: 0.0,
            huge_comment_bytes: 64 << 10,
            generation_lost: 0.0,
            price_factor: "1".to_owned(),
        }
    }
}

impl Faults {
    /// These with the fields of a JSON object put over them.
    ///
    /// # Errors
    /// The object has an unknown field or one of the wrong type, or a value is out of range.
    pub fn merged(&self, fields: &Value) -> Result<Faults, ConfigError> {
        let mut all = serde_json::to_value(self).map_err(ConfigError::Json)?;
        match (all.as_object_mut(), fields.as_object()) {
            (Some(all), Some(fields)) => {
                all.extend(fields.iter().map(|(key, value)| (key.clone(), value.clone())))
            }
            _ => return Err(ConfigError::Range("faults are a JSON object".to_owned())),
        }
        let merged: Faults = serde_json::from_value(all).map_err(ConfigError::Json)?;
        merged.check()?;
        Ok(merged)
    }

    /// Whether every value is in its range.
    ///
    /// # Errors
    /// Names the first value that is not.
    pub fn check(&self) -> Result<(), ConfigError> {
        let Ok(Value::Object(fields)) = serde_json::to_value(self) else { return Ok(()) };
        for (name, value) in &fields {
            if let Value::Number(number) = value
                && number.is_f64()
                && !number.as_f64().is_some_and(|chance| (0.0..=1.0).contains(&chance))
            {
                return Err(ConfigError::Range(format!("{name} is a probability, 0 to 1")));
            }
        }
        if self.huge_comment_bytes > COMMENT_BYTES_MAX {
            return Err(ConfigError::Range(format!("huge_comment_bytes is at most {COMMENT_BYTES_MAX}")));
        }
        self.thousandths().map(|_| ()).ok_or_else(|| {
            ConfigError::Range(
                "price_factor is decimal text from 0.001 to 1000, three digits after the point".to_owned(),
            )
        })
    }

    /// The price factor in thousandths.
    pub(crate) fn thousandths(&self) -> Option<u64> {
        let factor = Exact::parse(&self.price_factor)?;
        let thousandths = factor.times(1000).to_string().parse().ok()?;
        (1..=1_000_000).contains(&thousandths).then_some(thousandths)
    }

    /// Which faults befall one request. The draws are always the same number, so that one fault does not shift others.
    pub(crate) fn draw(&self, rng: &mut Rng) -> Fate {
        // Drawn aside: it came later than the others and must not shift them.
        let refused = Rng::with_seed(rng.clone().u64(..) ^ ASIDE).f64() < self.request_error;
        let mut befalls = |chance: f64| rng.f64() < chance;
        let early = [
            (befalls(self.close_before_headers), Early::Close),
            (befalls(self.server_error), Early::ServerError),
            (befalls(self.empty_error), Early::EmptyError),
            (befalls(self.rate_limit), Early::RateLimit),
            (befalls(self.money_error), Early::Money),
            (refused, Early::Refused),
        ];
        Fate {
            early: early.into_iter().find(|(befalls, _)| *befalls).map(|(_, early)| early),
            hang: befalls(self.hang).then_some(self.hang_ms),
            lose_answer: befalls(self.lose_answer),
            garbage_body: befalls(self.garbage_body),
            close_mid_stream: befalls(self.close_mid_stream),
            garbage_event: befalls(self.garbage_event),
            stream_error: befalls(self.stream_error),
            missing_usage: befalls(self.missing_usage),
            null_cost: befalls(self.null_cost),
            duplicate_usage: befalls(self.duplicate_usage),
            slow_chunk_ms: befalls(self.slow_chunks).then_some(self.slow_chunk_ms),
            huge_comment: befalls(self.huge_comment).then_some(self.huge_comment_bytes),
            generation_lost: befalls(self.generation_lost),
        }
    }
}

/// What befalls before anything runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Early {
    Close,
    ServerError,
    EmptyError,
    RateLimit,
    Money,
    Refused,
}

/// The faults of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) early: Option<Early>,
    /// For so many milliseconds, or for ever.
    pub(crate) hang: Option<Option<u64>>,
    pub(crate) lose_answer: bool,
    pub(crate) garbage_body: bool,
    pub(crate) close_mid_stream: bool,
    pub(crate) garbage_event: bool,
    pub(crate) stream_error: bool,
    pub(crate) missing_usage: bool,
    pub(crate) null_cost: bool,
    pub(crate) duplicate_usage: bool,
    pub(crate) slow_chunk_ms: Option<u64>,
    pub(crate) huge_comment: Option<usize>,
    pub(crate) generation_lost: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merging() {
        let faults = Faults::default()
            .merged(&json!({"hang": 0.5, "hang_ms": 10, "price_factor": "1.5"}))
            .expect("faults");
        assert_eq!((faults.hang, faults.hang_ms, faults.thousandths()), (0.5, Some(10), Some(1500)));
        let faults = faults.merged(&json!({"hang_ms": null, "hang": 0})).expect("faults");
        assert_eq!((faults.hang, faults.hang_ms, faults.thousandths()), (0.0, None, Some(1500)));
        for bad in [
            json!({"hagn": 1}),
            json!({"hang": 2}),
            json!({"hang": "x"}),
            json!([]),
            json!({"price_factor": "0"}),
            json!({"price_factor": "1.0005"}),
            json!({"price_factor": 2}),
        ] {
            assert!(faults.merged(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn drawn_from_the_seed() {
        let faults = Faults { hang: 0.5, stream_error: 0.5, ..Faults::default() };
        let draw = |seed| faults.draw(&mut Rng::with_seed(seed));
        assert!((0..64).all(|seed| draw(seed) == draw(seed)));
        assert!(
            (0..64).any(|seed| draw(seed).hang.is_some()) && (0..64).any(|seed| draw(seed).hang.is_none())
        );
        assert_eq!(Faults::default().draw(&mut Rng::with_seed(1)), Fate::default());
    }
}
