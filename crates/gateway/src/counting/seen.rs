//! [`Seen`]: which providers have been seen to count prompts as their models' public tokenizers do.
//!
//! Kept in memory only: after a start it is earned anew. Who was caught counting more is in the honesty register, which
//! lasts.

use std::collections::HashMap;

use parking_lot::Mutex;
use pricing::Endpoint;

/// So many answers have to agree.
const AGREED_MIN: u32 = 3;
/// A prompt is counted up to so many times the longest text that agreed.
const LONGER_MAX: u64 = 8;
/// The first calls of a model are all looked at, then one of so many.
const FIRST: u32 = 32;
const LATER: u32 = 64;
/// Models, and providers of one, at most; what comes after them is not seen, and not counted.
const MODELS_MAX: usize = 1_024;
const PROVIDERS_MAX: usize = 64;

/// What answers have said, by the id of the model's row.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<HashMap<String, Calls>>);

#[derive(Debug, Default)]
struct Calls {
    number: u32,
    providers: Vec<Provider>,
}

/// A provider that counted no more than the tokenizer.
#[derive(Debug)]
struct Provider {
    /// As answers have it.
    name: String,
    agreed: u32,
    /// Bytes of the longest text that agreed.
    longest: u64,
}

impl Seen {
    /// Whether the next answer of a model is to be looked at.
    pub(super) fn is_due(&self, model: &str) -> bool {
        let mut models = self.0.lock();
        if !models.contains_key(model) {
            if models.len() >= MODELS_MAX {
                return false;
            }
            models.insert(model.to_owned(), Calls::default());
        }
        models.get_mut(model).is_some_and(|calls| {
            calls.number = calls.number.wrapping_add(1);
            calls.number <= FIRST || calls.number.is_multiple_of(LATER)
        })
    }

    /// A provider counted as the tokenizer does, for a text of so many bytes.
    pub(super) fn agreed(&self, model: &str, name: &str, bytes: u64) {
        let mut models = self.0.lock();
        let Some(calls) = models.get_mut(model) else { return };
        if let Some(provider) = calls.providers.iter_mut().find(|provider| provider.name == name) {
            provider.agreed = provider.agreed.saturating_add(1);
            provider.longest = provider.longest.max(bytes);
        } else if calls.providers.len() < PROVIDERS_MAX {
            calls.providers.push(Provider { name: name.to_owned(), agreed: 1, longest: bytes });
        }
    }

    /// A provider counted more, or billed more than a counted hold: it begins anew. One without a name may have been any.
    pub(crate) fn disagreed(&self, model: &str, name: &str) {
        if let Some(calls) = self.0.lock().get_mut(model) {
            calls.providers.retain(|provider| !name.is_empty() && provider.name != name);
        }
    }

    /// Whether this endpoint's provider has been seen often enough for a body of so many bytes; its name then, as
    /// answers have it.
    pub(super) fn provider(&self, model: &str, endpoint: &Endpoint, bytes: usize) -> Option<String> {
        let models = self.0.lock();
        let enough = |provider: &&Provider| {
            provider.agreed >= AGREED_MIN
                && bytes as u64 <= provider.longest.saturating_mul(LONGER_MAX)
                && endpoint.is_named(&provider.name)
        };
        models.get(model)?.providers.iter().find(enough).map(|provider| provider.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "openai/gpt-4o";

    fn endpoint(provider: &str) -> Endpoint {
        Endpoint { provider: provider.to_owned(), tag: provider.to_ascii_lowercase(), ..Endpoint::default() }
    }

    fn seen(seen: &Seen, provider: &str, bytes: usize) -> bool {
        seen.provider(MODEL, &endpoint(provider), bytes).is_some()
    }

    #[test]
    fn three_answers_of_a_provider_have_to_agree() {
        let register = Seen::default();
        assert!(register.is_due(MODEL));
        for times in 1..=3 {
            assert!(!seen(&register, "OpenAI", 10), "after {}", times - 1);
            register.agreed(MODEL, "OpenAI", 4_000);
        }
        assert!(seen(&register, "OpenAI", 32_000) && !seen(&register, "Azure", 10));
        assert!(!seen(&register, "OpenAI", 32_001), "longer than it was seen with");
        assert!(register.provider("openai/gpt-4o-mini", &endpoint("OpenAI"), 10).is_none());
    }

    #[test]
    fn one_answer_that_disagrees_ends_it() {
        let register = Seen::default();
        register.is_due(MODEL);
        for name in ["OpenAI", "Azure"].repeat(3) {
            register.agreed(MODEL, name, 4_000);
        }
        register.disagreed(MODEL, "Azure");
        assert!(seen(&register, "OpenAI", 10) && !seen(&register, "Azure", 10));
        register.disagreed(MODEL, "");
        assert!(!seen(&register, "OpenAI", 10), "an answer without a name");
    }

    #[test]
    fn the_first_calls_are_looked_at_and_then_a_few() {
        let register = Seen::default();
        let due = (0..6_400).filter(|_| register.is_due(MODEL)).count();
        assert_eq!(due, 32 + 100);
    }

    #[test]
    fn there_is_a_bound_on_models_and_providers() {
        let register = Seen::default();
        for number in 0..MODELS_MAX {
            assert!(register.is_due(&number.to_string()));
        }
        assert!(!register.is_due("one too many") && register.is_due("0"));
        for number in 0..2 * PROVIDERS_MAX {
            (0..3).for_each(|_| register.agreed("0", &number.to_string(), 10));
        }
        let named = |number: usize| register.provider("0", &endpoint(&number.to_string()), 1).is_some();
        assert!(named(PROVIDERS_MAX - 1) && !named(PROVIDERS_MAX));
    }
}
