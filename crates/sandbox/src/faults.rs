//! [`Faults`]: how rude it is, as probabilities; and which of them befall one request.

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::ConfigError;
use crate::exact::Exact;
use crate::misbehave::{Misbehave, is_chance};

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
    /// It is answered with an error body, or with a stream that says nothing, and billed in full all the same,
    /// [`Faults::late_charge_ms`] later. Until then `/generation` knows nothing of it, or tells a cost of zero.
    pub late_charge: f64,
    /// Milliseconds until a late charge.
    pub late_charge_ms: u64,
    /// What it costs changes [`Faults::corrected_ms`] after its end: up, within what the request permitted, or down.
    pub corrected: f64,
    /// Milliseconds until a correction.
    pub corrected_ms: u64,
    /// It is billed a second time, under an id that no answer tells; both together within what the request permitted.
    pub duplicated: f64,
    /// The second time is billed like the first, whatever the request permitted.
    pub duplicated_beyond: bool,
    /// The provider ignores the output cap, and bills what it wrote beyond it.
    pub cap_broken: f64,
    /// A provider that is known to stop when the client leaves runs on, and bills in full.
    pub cancel_broken: f64,
    /// No `usage` in the answer, as with [`Faults::missing_usage`]; for a provider that never reports any.
    pub usage_never: f64,
    /// What certain models or providers do besides.
    pub misbehave: Vec<Misbehave>,
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
            late_charge: 0.0,
            late_charge_ms: 3000,
            corrected: 0.0,
            corrected_ms: 3000,
            duplicated: 0.0,
            duplicated_beyond: false,
            cap_broken: 0.0,
            cancel_broken: 0.0,
            usage_never: 0.0,
            misbehave: Vec::new(),
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
                && !number.as_f64().is_some_and(is_chance)
            {
                return Err(ConfigError::Range(format!("{name} is a probability, 0 to 1")));
            }
        }
        self.misbehave.iter().try_for_each(Misbehave::check)?;
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
            ..Fate::default()
        }
    }

    /// Whether a request that is answered with an error may be billed all the same.
    pub(crate) fn may_charge_late(&self) -> bool {
        self.late_charge > 0.0 || self.misbehave.iter().any(|own| own.late_charge > 0.0)
    }

    /// Adds what befalls a request at the endpoint that serves it. `rng` is drawn aside from the others: these faults
    /// came later and must not shift them.
    pub(crate) fn befall(&self, fate: &mut Fate, provider: &str, model: &str, rng: &mut Rng) {
        let mut befalls = |general: f64, own: fn(&Misbehave) -> f64| {
            let applies = self.misbehave.iter().filter(|rule| rule.applies(provider, model));
            rng.f64() < applies.map(own).fold(general, f64::max)
        };
        fate.late_ms = befalls(self.late_charge, |own| own.late_charge).then_some(self.late_charge_ms);
        fate.corrected_ms = befalls(self.corrected, |own| own.corrected).then_some(self.corrected_ms);
        fate.duplicated = befalls(self.duplicated, |own| own.duplicated)
            .then_some(if self.duplicated_beyond { Twin::Beyond } else { Twin::Within });
        fate.cap_broken = befalls(self.cap_broken, |own| own.cap_broken);
        fate.cancel_broken = befalls(self.cancel_broken, |own| own.cancel_broken);
        fate.missing_usage |= befalls(self.usage_never, |own| own.usage_never);
        fate.generation_lost |= befalls(0.0, |own| own.generation_lost);
    }
}

/// How dear the second generation of one request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twin {
    /// Both together cost what the request permitted, at most.
    Within,
    /// It costs what the first one does.
    Beyond,
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
    /// It fails, and is billed so many milliseconds later.
    pub(crate) late_ms: Option<u64>,
    /// Its cost changes so many milliseconds after its end.
    pub(crate) corrected_ms: Option<u64>,
    pub(crate) duplicated: Option<Twin>,
    pub(crate) cap_broken: bool,
    pub(crate) cancel_broken: bool,
}

impl Fate {
    /// The faults that change what is billed, or what is told about it, by their names in [`Faults`].
    pub(crate) fn told(&self) -> Vec<&'static str> {
        let all = [
            ("lose_answer", self.lose_answer),
            ("missing_usage", self.missing_usage),
            ("null_cost", self.null_cost),
            ("generation_lost", self.generation_lost),
            ("late_charge", self.late_ms.is_some()),
            ("corrected", self.corrected_ms.is_some()),
            ("duplicated", self.duplicated.is_some()),
            ("cap_broken", self.cap_broken),
            ("cancel_broken", self.cancel_broken),
        ];
        all.into_iter().filter(|(_, befalls)| *befalls).map(|(name, _)| name).collect()
    }
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
            json!({"misbehave": [{"cap_broken": 2}]}),
            json!({"misbehave": [{"hang": 1}]}),
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

    #[test]
    fn one_provider_misbehaves() {
        let fields = json!({"misbehave": [{"provider": "groq", "cap_broken": 1}, {"model": "a/b", "cancel_broken": 1}]});
        let faults = Faults::default().merged(&fields).expect("faults");
        let befalls = |provider: &str, model: &str| {
            let mut fate = Fate::default();
            faults.befall(&mut fate, provider, model, &mut Rng::with_seed(3));
            (fate.cap_broken, fate.cancel_broken)
        };
        assert_eq!(befalls("Groq", "a/c"), (true, false));
        assert_eq!(befalls("OpenAI", "a/b"), (false, true));
        assert_eq!(befalls("Groq", "a/b"), (true, true));
        assert_eq!(befalls("OpenAI", "a/c"), (false, false));
        assert!(!faults.may_charge_late());
    }
}
