//! [`Shape`]: what a request body says that decides what it may cost.

use std::borrow::Cow;

use money::Rate;
use smallvec::SmallVec;

use crate::encoding::Counted;
use crate::media::Media;
use crate::modality::Modality;
use crate::model::Model;
use crate::run::Run;
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
    /// `n`: answers asked for; 1 when absent.
    pub choices: u32,
    /// What the caller wants written to a prompt cache.
    pub cache_write: CacheWrite,
    /// The caller's own ceiling.
    pub caller_max_price: Option<CallerMaxPrice>,
    /// `provider.only`: the only providers the caller accepts.
    pub only: SmallVec<[Cow<'a, str>; 2]>,
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
    /// The same request for other models.
    #[must_use]
    pub fn with_models<'s>(&'s self, models: impl IntoIterator<Item = &'s str>) -> Shape<'s>
    where
        'a: 's,
    {
        Shape {
            models: models.into_iter().map(Cow::Borrowed).collect(),
            body: self.body,
            messages: self.messages,
            tools: self.tools,
            tool_bytes: self.tool_bytes,
            growth_bytes: self.growth_bytes,
            output_cap: self.output_cap,
            reasoning_budget: self.reasoning_budget,
            choices: self.choices,
            cache_write: self.cache_write,
            caller_max_price: self.caller_max_price,
            only: self.only.iter().map(|name| Cow::Borrowed(name.as_ref())).collect(),
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
