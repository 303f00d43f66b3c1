//! [`Seen`]: which providers have been seen to count prompts as their models' public tokenizers do.
//!
//! Kept in memory only: after a start it is earned anew. Who was caught counting more is in the honesty register, which
//! lasts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::texture::Texture;

/// So many answers have to agree.
const AGREED_MIN: u32 = 3;
/// The first calls of a model are all looked at, then one of so many.
const FIRST: u32 = 32;
const LATER: u32 = 64;
/// Models, and providers of one, at most; what comes after them is not seen, and not counted.
const MODELS_MAX: usize = 1_024;
const PROVIDERS_MAX: usize = 64;

/// What answers have said, by the id of the model's row.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    models: Mutex<HashMap<String, Calls>>,
    /// Whether a counted request was served by somebody who was not named: then nobody is believed until a restart.
    breached: AtomicBool,
}

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
    /// The most of what the texts that agreed were.
    texture: Texture,
}

impl Seen {
    /// Somebody else served a request than those named in `provider.only`: naming them is of no use.
    pub(crate) fn breach(&self) {
        self.breached.store(true, Ordering::Relaxed);
    }

    /// Whether the next answer of a model is to be looked at.
    pub(super) fn is_due(&self, model: &str) -> bool {
        let mut models = self.models.lock();
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

    /// A provider counted as the tokenizer does, for such a text.
    pub(super) fn agreed(&self, model: &str, name: &str, texture: Texture) {
        let mut models = self.models.lock();
        let Some(calls) = models.get_mut(model) else { return };
        if let Some(provider) = calls.providers.iter_mut().find(|provider| provider.name == name) {
            provider.agreed = provider.agreed.saturating_add(1);
            provider.texture = provider.texture.max(texture);
        } else if calls.providers.len() < PROVIDERS_MAX {
            calls.providers.push(Provider { name: name.to_owned(), agreed: 1, texture });
        }
    }

    /// A provider counted more, or billed more than a counted hold: it begins anew. One without a name may have been any.
    pub(crate) fn disagreed(&self, model: &str, name: &str) {
        if let Some(calls) = self.models.lock().get_mut(model) {
            calls.providers.retain(|provider| !name.is_empty() && provider.name != name);
        }
    }

    /// Whether a provider has been seen often enough, and with such texts where one is given.
    pub(super) fn has_agreed(&self, model: &str, name: &str, texture: Option<&Texture>) -> bool {
        if self.breached.load(Ordering::Relaxed) {
            return false;
        }
        let models = self.models.lock();
        let enough = |provider: &Provider| {
            provider.name == name
                && provider.agreed >= AGREED_MIN
                && texture.is_none_or(|texture| provider.texture.covers(texture))
        };
        models.get(model).is_some_and(|calls| calls.providers.iter().any(enough))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "openai/gpt-4o";

    fn seen(seen: &Seen, provider: &str) -> bool {
        seen.has_agreed(MODEL, provider, None)
    }

    #[test]
    fn three_answers_of_a_provider_have_to_agree() {
        let register = Seen::default();
        assert!(register.is_due(MODEL));
        for times in 1..=3 {
            assert!(!seen(&register, "OpenAI"), "after {}", times - 1);
            register.agreed(MODEL, "OpenAI", Texture::default());
        }
        assert!(seen(&register, "OpenAI") && !seen(&register, "Azure"));
        assert!(register.has_agreed(MODEL, "OpenAI", Some(&Texture::default())));
        let mut long = Texture::default();
        long.bytes = 1;
        assert!(!register.has_agreed(MODEL, "OpenAI", Some(&long)), "longer than it was seen with");
        assert!(!register.has_agreed("openai/gpt-4o-mini", "OpenAI", None));
    }

    #[test]
    fn one_answer_that_disagrees_ends_it() {
        let register = Seen::default();
        register.is_due(MODEL);
        for name in ["OpenAI", "Azure"].repeat(3) {
            register.agreed(MODEL, name, Texture::default());
        }
        register.disagreed(MODEL, "Azure");
        assert!(seen(&register, "OpenAI") && !seen(&register, "Azure"));
        register.disagreed(MODEL, "");
        assert!(!seen(&register, "OpenAI"), "an answer without a name");
        (0..3).for_each(|_| register.agreed(MODEL, "OpenAI", Texture::default()));
        assert!(seen(&register, "OpenAI"));
        register.breach();
        assert!(!seen(&register, "OpenAI"), "somebody else served");
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
            (0..3).for_each(|_| register.agreed("0", &number.to_string(), Texture::default()));
        }
        let named = |number: usize| register.has_agreed("0", &number.to_string(), None);
        assert!(named(PROVIDERS_MAX - 1) && !named(PROVIDERS_MAX));
    }
}
