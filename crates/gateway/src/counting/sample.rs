//! [`Sample`]: a prompt kept until its answer has told how many tokens it had, to hold our count against it.
//!
//! The first answers of each model are looked at, then a few, and every one whose hold rested on a count. The work is done
//! beside the requests, after the answer. Bounded: [`SAMPLES_AT_ONCE`] prompts of [`BODY_BYTES`] at most; the others are not
//! looked at.

use std::ops::RangeInclusive;
use std::sync::Arc;

use openrouter::chat;
use pricing::{Book, Bound, Encoding, Outputs, Reason, Shape, prompt_tokens};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;

use crate::chat::Walk;
use crate::honesty::Finding;
use crate::plan::Stage;
use crate::shared::Shared;

/// Prompts kept at once.
pub(crate) const SAMPLES_AT_ONCE: usize = 8;
/// Bodies that are looked at, bytes: what is shorter says little, what is longer takes long.
const BODY_BYTES: RangeInclusive<usize> = 1_024..=256 << 10;
/// Of the tokens counted here, an answer tells at least one in so many, or it says nothing.
const TOLD_MIN: u64 = 4;

/// A prompt on its way.
#[derive(Debug)]
pub(crate) struct Sample {
    body: Vec<u8>,
    /// The id of the model's row.
    model: String,
    encoding: Encoding,
    _slot: OwnedSemaphorePermit,
}

/// What an answer's number says about who counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// No more than the tokenizer, where counting bytes would have come to more.
    Agreed,
    /// More than the tokenizer and the template can make.
    More,
}

impl Walk<'_> {
    /// Keeps this prompt, where its answer can tell whether its provider counts as the tokenizer does.
    pub(crate) fn sample(&self, bound: &Bound, stage: &Stage<'_>) -> Option<Sample> {
        let config = &self.shared.config;
        let asked = stage.models.map_or(self.chat.shape.models.len(), <[String]>::len);
        if !config.count_prompts || asked != 1 || !BODY_BYTES.contains(&self.body.len()) {
            return None;
        }
        let encoding = Encoding::of_model(&bound.model)?;
        if !is_plain(&self.chat.shape) || config.bounds.keep_plugin_defaults {
            return None;
        }
        if !bound.reasons.contains(Reason::Counted) && !self.shared.seen.is_due(&bound.model) {
            return None;
        }
        let slot = Arc::clone(&self.shared.samples).try_acquire_owned().ok()?;
        Some(Sample { body: self.body.to_vec(), model: bound.model.clone(), encoding, _slot: slot })
    }
}

/// Whether its prompt is what the caller wrote, read once.
fn is_plain(shape: &Shape<'_>) -> bool {
    let run = &shape.run;
    let runs = run.loops || !run.tools.is_empty() || run.web.is_some() || run.fetch.is_some();
    !runs && shape.media.is_empty() && shape.costs.is_empty() && shape.outputs == Outputs::default()
}

impl Sample {
    /// Holds our count against the prompt tokens that an answer of this model and provider told.
    pub(crate) fn compare(self, shared: &Arc<Shared>, model: &str, provider: Option<&str>, told: u64) {
        let Ok(runtime) = Handle::try_current() else { return };
        if model != self.model {
            return;
        }
        let (shared, provider) = (Arc::clone(shared), provider.unwrap_or_default().to_owned());
        runtime.spawn_blocking(move || {
            let book = shared.catalogue.book();
            match self.says(&book, &shared.config.allow_fields, told) {
                Some(Says::Agreed) if !provider.is_empty() => {
                    shared.seen.agreed(&self.model, &provider, self.body.len());
                }
                Some(Says::More) => {
                    shared.seen.disagreed(&self.model, &provider);
                    shared.find(&self.model, Some(&provider), Finding::CountBroken);
                }
                Some(Says::Agreed) | None => {}
            }
        });
    }

    fn says(&self, book: &Book, allow_fields: &[String], told: u64) -> Option<Says> {
        let row = book.model(&self.model)?;
        let mut shape = chat::read_allowing(&self.body, allow_fields).ok()?.shape;
        let by_bytes = prompt_tokens(row, &shape);
        shape.counted = tokens::counted(&self.body, &[self.encoding])?;
        let counted = prompt_tokens(row, &shape);
        let text = shape.counted.get(self.encoding)?;
        // What is allowed for the template must not hide a count by bytes.
        let tells_apart = text.saturating_mul(2) >= counted && by_bytes >= counted.saturating_mul(2);
        if told > counted {
            Some(Says::More)
        } else if tells_apart && told >= text / TOLD_MIN {
            Some(Says::Agreed)
        } else {
            None
        }
    }
}
