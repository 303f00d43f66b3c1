//! [`Shape`]: what a request body says that decides what it may cost.

use std::borrow::Cow;

use money::Rate;
use smallvec::SmallVec;

use crate::encoding::Counted;
use crate::media::Media;
use crate::modality::Modality;
use crate::model::{Endpoint, Model};
use crate::run::Run;
use crate::thinking::Effort;
use crate::unpriced::Unpriced;

/// The part of a chat request that prices depend on; borrowed from its body.
#[derive(Clone, Debug, Default)]
pub struct Shape<'a> {
    /// The models it may be billed at: `model`, then `models[]`, each once.
    pub models: SmallVec<[Cow<'a, str>; 2]>,
    /// The whole raw body, JSON: no part of the prompt lies outside it, and escapes only ever make it longer.
    pub body: &'a [u8],
    /// Messages in the conversation.
    pub messages: u32,
    /// Function tools defined.
    pub tools: u32,
    /// Bytes of the raw body that are rendered anew into the prompt (tool definitions, response schemas), and so
    /// may grow.
    pub tool_bytes: u64,
    /// Bytes that may come to those of the body where JSON in it is read and written anew: in calls of tools all of
    /// them, in what `tool_bytes` doubles those beyond it.
    pub growth_bytes: u64,
    /// The most output tokens asked for; `None` when the caller set no cap.
    pub output_cap: Option<u64>,
    /// The reasoning tokens asked for (0: none): a cap below it would leave no answer.
    pub reasoning_budget: u64,
    /// How thoroughly it asks to be thought about, for what is likely; `None` when it does not say.
    pub effort: Option<Effort>,
    /// `n`: answers asked for; 1 when absent.
    pub choices: u32,
    /// What the caller wants written to a prompt cache.
    pub cache_write: CacheWrite,
    /// The caller's own ceiling.
    pub caller_max_price: Option<CallerMaxPrice>,
    /// `provider.only`: the only providers the caller accepts.
    pub only: SmallVec<[Cow<'a, str>; 2]>,
    /// `provider.ignore`: the providers the caller does not accept.
    pub ignore: SmallVec<[Cow<'a, str>; 2]>,
    /// `provider.order`: the providers the caller wants to be asked first, in this order.
    pub order: SmallVec<[Cow<'a, str>; 2]>,
    /// `provider.allow_fallbacks: false`: nobody but those in `order`.
    pub no_fallbacks: bool,
    /// `provider.sort` by price: the cheapest provider is asked first.
    pub by_price: bool,
    /// The body has scalar fields we do not know.
    pub unknown_scalars: bool,
    /// What in it is not text.
    pub media: Media,
    /// What OpenRouter runs beside the model.
    pub run: Run,
    /// What it wants beside text.
    pub outputs: Outputs,
    /// The service tier it asks for.
    pub tier: TierAsked,
    /// Bytes of `prediction`: tokens of it that are rejected are billed as output.
    pub prediction_bytes: u64,
    /// Exact counts of its text, where somebody has counted.
    pub counted: Counted,
    /// Things in the body that cost money we cannot bound, in the order found.
    pub costs: SmallVec<[Unpriced; 1]>,
}

impl<'a> Shape<'a> {
    /// Whether the caller accepts a provider.
    pub fn accepts(&self, endpoint: &Endpoint) -> bool {
        let is_in = |names: &[Cow<'_, str>]| names.iter().any(|name| endpoint.is_named(name));
        let ignored = self.ignore.iter().any(|name| endpoint.is_named(name) || endpoint.is_covered_by(name));
        let fallback = self.no_fallbacks && !self.order.is_empty() && !is_in(&self.order);
        (self.only.is_empty() || is_in(&self.only)) && !ignored && !fallback
    }

    /// The same request for other models.
    #[must_use]
    pub fn with_models<'s>(&'s self, models: impl IntoIterator<Item = &'s str>) -> Shape<'s>
    where
        'a: 's,
    {
        let borrowed =
            |names: &'s [Cow<'a, str>]| names.iter().map(|name| Cow::Borrowed(name.as_ref())).collect();
        Shape {
            models: models.into_iter().map(Cow::Borrowed).collect(),
            body: self.body,
            messages: self.messages,
            tools: self.tools,
            tool_bytes: self.tool_bytes,
            growth_bytes: self.growth_bytes,
            output_cap: self.output_cap,
            reasoning_budget: self.reasoning_budget,
            effort: self.effort,
            choices: self.choices,
            cache_write: self.cache_write,
            caller_max_price: self.caller_max_price,
            only: borrowed(&self.only),
            ignore: borrowed(&self.ignore),
            order: borrowed(&self.order),
            no_fallbacks: self.no_fallbacks,
            by_price: self.by_price,
            unknown_scalars: self.unknown_scalars,
            media: self.media.clone(),
            run: self.run.clone(),
            outputs: self.outputs,
            tier: self.tier,
            prediction_bytes: self.prediction_bytes,
            counted: self.counted,
            costs: self.costs.clone(),
        }
    }
}

/// What a request wants beside text (`modalities`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// Images.
    pub images: bool,
    /// Audio.
    pub audio: bool,
}

impl Outputs {
    /// What an answer may hold: what is asked for, and what the model does by itself.
    pub(crate) fn of(model: &Model, shape: &Shape<'_>) -> Outputs {
        Outputs {
            images: shape.outputs.images || model.outputs.contains(Modality::Image),
            audio: shape.outputs.audio || model.outputs.contains(Modality::Audio),
        }
    }
}

/// The service tier that a request asks for (CONTRACT 9.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TierAsked {
    /// `default`, `standard`, or nothing, or `auto`, which is for us to pin.
    #[default]
    Standard,
    /// `flex`: endpoints of that tier, or the standard ones where there is none.
    Flex,
    /// `priority`, `fast`, `scale`, `ultrafast`: dearer endpoints are eligible.
    Premium,
}

/// How long a request wants its prompt cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheWrite {
    /// It does not say.
    #[default]
    None,
    /// Five minutes.
    FiveMinutes,
    /// An hour, or any other time than five minutes.
    OneHour,
}

/// The caller's own `provider.max_price`. Each rate is at least what the text says: one femto-dollar above its floor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallerMaxPrice {
    /// USD per input token.
    pub prompt: Option<Rate>,
    /// USD per output token.
    pub completion: Option<Rate>,
    /// USD per request.
    pub request: Option<Rate>,
    /// USD per image.
    pub image: Option<Rate>,
    /// USD per unit of audio.
    pub audio: Option<Rate>,
}
