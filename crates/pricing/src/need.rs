//! [`Need`]: what a model must be able to do to stand in for another.

use money::Rate;

use crate::about::{Feature, Features};
use crate::model::Model;
use crate::shape::Shape;

/// A prompt of JSON has at least this many bytes a token, as a rule; only for judging whether it fits a model.
const BYTES_PER_TOKEN: u64 = 3;

/// What a request asks of its model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// What it must be able to do.
    pub features: Features,
    /// Tokens of prompt and answer together that it must have room for.
    pub context: u64,
}

impl Need {
    /// What a body asks, for an answer of `output` tokens.
    pub fn of(shape: &Shape<'_>, output: u64) -> Need {
        let prompt = (shape.body.len() as u64).div_ceil(BYTES_PER_TOKEN);
        Need { features: features(shape), context: prompt.saturating_add(output) }
    }

    /// What a body asks when its prompt has been counted.
    pub fn counted(shape: &Shape<'_>, prompt: u64, output: u64) -> Need {
        Need { features: features(shape), context: prompt.saturating_add(output) }
    }

    /// Whether a model can do it, answers in text alone, and has a price that a bound can rest on.
    pub fn met_by(&self, model: &Model) -> bool {
        can_be_bounded(model)
            && model.about.features.contain_all(self.features)
            && model.context_length.is_some_and(|most| most >= self.context)
    }
}

fn features(shape: &Shape<'_>) -> Features {
    let tools = (shape.tools > 0).then_some(Feature::Tools);
    // With tools, nobody can tell from here whether there is a schema as well.
    let schema = (shape.tools == 0 && shape.tool_bytes > 0).then_some(Feature::Schemas);
    let media = &shape.media;
    let senses = [
        (!media.images.is_empty(), Feature::Images),
        (media.audio_ms > 0 || media.audio_unknown > 0, Feature::Audio),
        (media.videos > 0, Feature::Video),
    ];
    let senses = senses.into_iter().filter(|(needed, _)| *needed).map(|(_, feature)| feature);
    tools.into_iter().chain(schema).chain(senses).collect()
}

/// A text model at a price of its own: no router, no alias, nothing that searches, no zero that is not free.
fn can_be_bounded(model: &Model) -> bool {
    let Some(prices) = model.prices.priced() else { return false };
    let zero = prices.prompt() == Rate::ZERO && prices.completion() == Rate::ZERO;
    model.text_output_only()
        && model.supports_output_cap
        && prices.unknown.is_empty()
        && !model.id.starts_with("openrouter/")
        && !model.id.starts_with('~')
        && model.alias_target.is_none()
        && !model.searches_by_itself()
        && zero == model.is_free()
}
