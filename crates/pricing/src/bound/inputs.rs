//! [`Inputs`]: the most tokens of each kind that a prompt can have at one model.

use crate::bound::class::{Reason, Reasons};
use crate::bound::turns::Turns;
use crate::images::{bills_beyond_context, image_tokens};
use crate::media::{Detail, Image};
use crate::model::Model;
use crate::run::PdfEngine;
use crate::shape::Shape;
use crate::tokens::{is_counted, prompt_tokens};
use crate::unpriced::Unpriced;

/// GPT-4o mini bills 5,667 tokens for a tile that takes 170 of its context (OpenAI, guide to images and vision, read 2026-10).
const BILLED: u64 = 5_667;
const TAKEN: u64 = 170;
/// Images in a request that OCR found in its files (OpenRouter's guide to PDF inputs, read 2026-12).
const OCR_IMAGES: u64 = 8;

/// Tokens of one turn's prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Inputs {
    /// Of text, and of results of tools.
    pub(super) text: u64,
    pub(super) images: u64,
    pub(super) audio: u64,
    /// Of video, files, and anything else that may fill the context: it fills it, and the rest is part of it.
    pub(super) filled: Option<u64>,
}

impl Inputs {
    /// Of a request at a model whose providers take `context` tokens at most.
    ///
    /// # Errors
    /// [`Unpriced::NoContextLength`], where the context would be filled and nobody knows how long it is.
    pub(super) fn of(
        shape: &Shape<'_>,
        model: &Model,
        context: Option<u64>,
        turns: &Turns,
        reasons: &mut Reasons,
    ) -> Result<Inputs, Unpriced> {
        let media = &shape.media;
        reasons.add_if(!media.is_empty(), Reason::Media);
        let fills = media.videos > 0 || media.files > 0 || media.audio_unknown > 0 || turns.results.is_none();
        let each = |image| image_tokens(model, image).saturating_mul(u64::from(image.count));
        let images = media.images.iter().map(each).fold(0, u64::saturating_add);
        let beyond = bills_beyond_context(model);
        if fills {
            let filled = context.ok_or_else(|| Unpriced::NoContextLength(model.id.clone()))?;
            let filled = if beyond { beyond_context(filled, images, model, turns.reader) } else { filled };
            reasons.add(Reason::ContextLength);
            return Ok(Inputs { filled: Some(filled), ..Inputs::default() });
        }
        reasons.add_if(is_counted(model, shape), Reason::Counted);
        let text = prompt_tokens(model, shape).saturating_add(turns.results.unwrap_or(0));
        let inputs = Inputs {
            text,
            images,
            audio: media.audio_ms.saturating_mul(model.family.audio_tokens_a_second()).div_ceil(1_000),
            filled: None,
        };
        Ok(match context {
            Some(context) if beyond => {
                Inputs { images, ..Inputs { images: 0, ..inputs }.within(context, reasons) }
            }
            Some(context) => inputs.within(context, reasons),
            None => inputs,
        })
    }

    /// All together.
    pub(super) fn total(&self) -> u64 {
        self.filled.unwrap_or(self.text.saturating_add(self.images).saturating_add(self.audio))
    }

    /// What is longer than the context is refused by OpenRouter; media, the dearer part, stay as they are.
    fn within(mut self, context: u64, reasons: &mut Reasons) -> Inputs {
        if self.total() > context {
            reasons.add(Reason::ContextLength);
            self.images = self.images.min(context);
            self.audio = self.audio.min(context);
            self.text = self.text.min(context.saturating_sub(self.images.saturating_add(self.audio)));
        }
        self
    }

    /// The larger of each.
    pub(super) fn max(self, other: Inputs) -> Inputs {
        Inputs {
            text: self.text.max(other.text),
            images: self.images.max(other.images),
            audio: self.audio.max(other.audio),
            filled: self.filled.max(other.filled),
        }
    }
}

/// What is billed for a full context by a model that bills images beyond it. Pages of a file that it reads itself reach it
/// as images, so that all of the context may be one; of others, OCR hands over what it finds.
fn beyond_context(context: u64, images: u64, model: &Model, reader: Option<PdfEngine>) -> u64 {
    let found = match reader {
        Some(PdfEngine::Native) => return context.saturating_mul(BILLED).div_ceil(TAKEN),
        Some(PdfEngine::Mistral) => {
            let largest = Image { detail: Detail::High, size: None, count: 1 };
            image_tokens(model, &largest).saturating_mul(OCR_IMAGES)
        }
        Some(PdfEngine::Cloudflare) | None => 0,
    };
    context.saturating_add(images).saturating_add(found)
}
