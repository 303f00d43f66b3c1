//! [`Sample`]: a prompt kept until its answer has told how many tokens it had, to hold our count against it.
//!
//! The first answers of each model are looked at, then a few, and those to requests whose holds rested on a count. The work
//! is done beside the requests, after the answer. Bounded: [`SAMPLES_AT_ONCE`] prompts of [`BODY_BYTES_MAX`] at most; the
//! others are not looked at.
//!
//! An answer agrees where it tells as many tokens as the texts of its messages have, a tenth more or less, tools and
//! template included, and where counting bytes would have told more. So whoever agreed makes no more than an eighth more
//! of such a text ([`Texture`] has the rest), and that much is held beside a count. Prompts that OpenRouter or a template may have shortened or may
//! add to (transforms, plugins, thoughts of earlier turns, a context half full) do not tell.

use std::ops::RangeInclusive;
use std::sync::Arc;

use openrouter::chat;
use pricing::{Book, Bound, Counted, Encoding, Outputs, Reason, Shape, prompt_tokens};
use tokens::Prompt;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;

use crate::chat::Walk;
use crate::counting::BODY_BYTES_MAX;
use crate::counting::texture::Texture;
use crate::honesty::Finding;
use crate::plan::Stage;
use crate::shared::Shared;

/// Prompts kept at once.
pub(crate) const SAMPLES_AT_ONCE: usize = 8;
/// Bodies that are looked at, bytes: what is shorter says little.
const BODY_BYTES: RangeInclusive<usize> = 1_024..=BODY_BYTES_MAX;

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
    /// As the tokenizer, where counting bytes would have come to more.
    Agreed(Texture),
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
        // What an allowance stands for, a search by the model itself, may be in its prompt.
        let more = [Reason::Allowance, Reason::PluginDefaults, Reason::UnknownScalars];
        if !is_plain(&self.chat.shape) || more.iter().any(|reason| bound.reasons.contains(*reason)) {
            return None;
        }
        let slot = Arc::clone(&self.shared.samples).try_acquire_owned().ok()?;
        if !bound.reasons.contains(Reason::Counted) && !self.shared.seen.is_due(&bound.model) {
            return None;
        }
        Some(Sample { body: self.body.to_vec(), model: bound.model.clone(), encoding, _slot: slot })
    }
}

/// Whether its prompt is what the caller wrote, read once.
fn is_plain(shape: &Shape<'_>) -> bool {
    let run = &shape.run;
    let runs = run.loops || !run.tools.is_empty() || run.web.is_some();
    !runs && shape.media.is_empty() && shape.costs.is_empty() && shape.outputs == Outputs::default()
}

impl Sample {
    /// Holds our count against the prompt tokens that an answer of this model and provider told.
    pub(crate) fn compare(
        self,
        shared: &Arc<Shared>,
        named: Option<&str>,
        provider: Option<&str>,
        told: u64,
    ) {
        let Ok(runtime) = Handle::try_current() else { return };
        // An answer that names another model, or one we do not know, says nothing of this one.
        let book = shared.catalogue.book();
        if named.and_then(|named| book.model(named)).is_none_or(|row| row.id != self.model) {
            return;
        }
        let (shared, provider) = (Arc::clone(shared), provider.unwrap_or_default().to_owned());
        runtime.spawn(async move {
            let Ok(_turn) = Arc::clone(&shared.counts).acquire_owned().await else { return };
            // At a stop nobody waits for it; the next start sees anew.
            let _ = tokio::task::spawn_blocking(move || self.keep(&shared, &provider, told)).await;
        });
    }

    fn keep(&self, shared: &Shared, provider: &str, told: u64) {
        match self.says(&shared.catalogue.book(), &shared.config.allow_fields, told) {
            Some(Says::Agreed(texture)) if !provider.is_empty() => {
                shared.seen.agreed(&self.model, provider, texture);
            }
            Some(Says::More) => {
                shared.seen.disagreed(&self.model, provider);
                shared.find(&self.model, Some(provider), Finding::CountBroken);
            }
            Some(Says::Agreed(_)) | None => {}
        }
    }

    fn says(&self, book: &Book, allow_fields: &[String], told: u64) -> Option<Says> {
        let row = book.model(&self.model)?;
        let prompt = Prompt::read(&self.body)?;
        let mut shape = chat::read_allowing(&self.body, allow_fields).ok()?.shape;
        shape.counted = Counted::default().with(self.encoding, prompt.most(self.encoding)?);
        let most = prompt_tokens(row, &shape);
        if told > most {
            return Some(Says::More);
        }
        // Where it may have been shortened, what was told is of another text.
        let is_whole = prompt.is_plain() && row.context_length.is_some_and(|context| most <= context / 2);
        let tokens = prompt.said(self.encoding);
        let texture = Texture::of(&prompt, tokens);
        let agrees = (tokens - tokens / 10..=tokens + tokens / 10).contains(&told);
        (is_whole && agrees && texture.bytes >= tokens.saturating_mul(2)).then_some(Says::Agreed(texture))
    }
}
