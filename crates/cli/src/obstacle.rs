//! What keeps a model from a request that it has a price for. OpenRouter refuses such a call and bills nothing, so a sum
//! for it would be of a call that is never made.

use pricing::{Feature, Model, Need, Shape};

use crate::amount::grouped;

/// Prompts for models with a context up to this are shortened by OpenRouter itself (CONTRACT 9).
const SHORTENED_BELOW: u64 = 8_192;

/// A body that asks for that says one of these.
const SHORTENING: [&str; 2] = ["context-compression", "middle-out"];

/// What a request with so many tokens of prompt needs to be taken at all.
pub(crate) fn need(shape: &Shape<'_>, prompt_tokens: u64) -> Need {
    let says = |word: &str| shape.body.windows(word.len()).any(|part| part == word.as_bytes());
    let shortened = SHORTENING.into_iter().any(says);
    Need::counted(shape, if shortened { 0 } else { prompt_tokens }, 0)
}

/// Why a model cannot do it, as a sentence without its end.
///
/// Tools, a schema or reasoning that a model does not know are left out by OpenRouter, and are no obstacle (CONTRACT 9);
/// files are read for it.
pub(crate) fn obstacle(model: &Model, need: &Need, about: &str) -> Option<String> {
    let cannot: Vec<&str> = need
        .features
        .iter()
        .filter(|feature| !model.about.features.contains(*feature))
        .filter_map(|feature| match feature {
            Feature::Images => Some("read images"),
            Feature::Audio => Some("hear audio"),
            Feature::Video => Some("watch video"),
            Feature::Tools | Feature::Files | Feature::Schemas | Feature::Reasoning => None,
        })
        .collect();
    if !cannot.is_empty() {
        return Some(format!("it does not {}", cannot.join(" or ")));
    }
    let room = room(model).filter(|room| *room > SHORTENED_BELOW)?;
    let prompt = need.context;
    let (shown, room_shown) = (grouped(prompt), grouped(room));
    (prompt >= room)
        .then(|| format!("it has room for {room_shown} tokens in all, and the prompt has {about}{shown}"))
}

/// What that means for the model that was asked for.
pub(crate) fn told(asked: &str, obstacle: &str) -> String {
    format!("OpenRouter would refuse {asked}, and bill nothing: {obstacle}.")
}

/// The longest prompt and answer that any of its providers takes.
fn room(model: &Model) -> Option<u64> {
    let of_providers = model.endpoints.iter().flatten().filter_map(|endpoint| endpoint.context_length).max();
    model.context_length.max(of_providers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openrouter::catalogue::Catalogue;

    #[test]
    fn what_keeps_a_model_from_it() {
        let book = Catalogue::open(None).book();
        let told = |name: &str, features: &[Feature], context: u64| {
            let need = Need { features: features.iter().copied().collect(), context };
            obstacle(book.model(name).unwrap(), &need, "about ")
        };
        assert_eq!(told("openai/gpt-4o", &[Feature::Images, Feature::Tools], 127_999), None);
        assert_eq!(
            told("openai/gpt-4o", &[], 128_000).unwrap(),
            "it has room for 128,000 tokens in all, and the prompt has about 128,000"
        );
        assert_eq!(
            told("google/gemma-2-9b-it", &[Feature::Tools, Feature::Images, Feature::Audio], 9).unwrap(),
            "it does not read images or hear audio"
        );
        assert_eq!(told("google/gemma-2-9b-it", &[], 50_000), None, "it is shortened");
        assert_eq!(told("deepseek/deepseek-r1", &[Feature::Schemas, Feature::Reasoning], 9), None);
        let of_body = |body: &[u8]| {
            let shape = Shape { body, ..Shape::default() };
            obstacle(book.model("openai/gpt-4o").unwrap(), &need(&shape, 300_000), "")
        };
        assert!(of_body(br#"{"messages":[]}"#).is_some());
        assert_eq!(of_body(br#"{"transforms":["middle-out"]}"#), None, "it asks to be shortened");
        assert_eq!(of_body(br#"{"plugins":[{"id":"context-compression"}]}"#), None);
        // The row says 1,000,000 and each provider less: what any of them takes counts.
        assert_eq!(told("deepseek/deepseek-chat", &[], 131_071), None);
    }
}
