//! [`Class`] and [`Reason`]: how far a bound can be trusted, and why no further.

/// How far a bound can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Each term is capped by a field we send and OpenRouter documents as a filter or cap.
    Proven,
    /// A term rests on a published price, limit or rule; [`Reasons`] says which.
    Published,
    /// A term rests on an allowance: somebody's word.
    Unbounded,
}

impl Class {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Class::Proven => "proven",
            Class::Published => "published",
            Class::Unbounded => "unbounded",
        }
    }
}

/// One reason why a bound is not proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Reason {
    /// The endpoints are not known; the model row's price pins the set.
    EndpointsUnknown = 1,
    /// An override may apply, which `max_price` does not filter.
    Override = 1 << 1,
    /// A cache write may be billed, which `max_price` does not filter.
    CacheWrite = 1 << 2,
    /// Cached or reasoning tokens may be dearer than the base price.
    DearerTokens = 1 << 3,
    /// The body has scalar fields we do not know.
    UnknownScalars = 1 << 4,
    /// The tokenizer is not public.
    Tokenizer = 1 << 5,
    /// How tools and schemas are rendered into the prompt is not public.
    Tools = 1 << 6,
    /// The prompt is taken to fit the context length.
    ContextLength = 1 << 7,
    /// The name is an alias, whose target may move.
    Alias = 1 << 8,
    /// Several answers are asked for, which OpenRouter does not document.
    Choices = 1 << 9,
    /// A provider may ignore the output cap and is bounded by its own limit.
    OutputLimit = 1 << 10,
    /// OpenRouter has not told its prices for longer than a day.
    StalePrices = 1 << 11,
    /// A provider that has billed more than its bound may serve it; the bound is enlarged for that.
    BrokenWord = 1 << 12,
    /// Images, audio, video or files are counted by their makers' rules.
    Media = 1 << 13,
    /// Server tools run in a loop, whose turns and results are capped but priced by published rules.
    Loop = 1 << 14,
    /// Searches, fetches or pages are billed at published prices.
    Fees = 1 << 15,
    /// It may answer in images or audio, whose tokens have prices of their own.
    Outputs = 1 << 16,
    /// Rejected tokens of a prediction are billed.
    Prediction = 1 << 17,
    /// A router or a preset picks the model, within a price ceiling.
    Router = 1 << 18,
    /// Plugins that the account has on by default are left on.
    PluginDefaults = 1 << 19,
    /// A part of it is the operator's own figure.
    Allowance = 1 << 20,
    /// The prompt was counted with the model's tokenizer, as published.
    Counted = 1 << 21,
    /// A provider may be asked with a key of the account's own, for which OpenRouter takes a fee.
    Byok = 1 << 22,
}

impl Reason {
    /// Each of them.
    pub const ALL: [Reason; 23] = [
        Reason::EndpointsUnknown,
        Reason::Override,
        Reason::CacheWrite,
        Reason::DearerTokens,
        Reason::UnknownScalars,
        Reason::Tokenizer,
        Reason::Tools,
        Reason::ContextLength,
        Reason::Alias,
        Reason::Choices,
        Reason::OutputLimit,
        Reason::StalePrices,
        Reason::BrokenWord,
        Reason::Media,
        Reason::Loop,
        Reason::Fees,
        Reason::Outputs,
        Reason::Prediction,
        Reason::Router,
        Reason::PluginDefaults,
        Reason::Allowance,
        Reason::Counted,
        Reason::Byok,
    ];

    /// The reason in words.
    pub const fn words(self) -> &'static str {
        match self {
            Reason::EndpointsUnknown => "the model's endpoints are not known yet",
            Reason::Override => "a conditional price may apply",
            Reason::CacheWrite => "the prompt may be written to a cache",
            Reason::DearerTokens => "cached or reasoning tokens are priced above the base price",
            Reason::UnknownScalars => "the body has fields farebox does not know",
            Reason::Tokenizer => "the tokenizer is not public",
            Reason::Tools => "tools and schemas are rendered into the prompt by an unpublished rule",
            Reason::ContextLength => "the prompt is taken to fit the published context length",
            Reason::Alias => "the name is an alias whose target may move",
            Reason::Choices => "several answers are asked for",
            Reason::OutputLimit => {
                "a provider may ignore the output cap and is bounded by its published limit"
            }
            Reason::StalePrices => "OpenRouter has not told its prices for longer than a day",
            Reason::BrokenWord => "a provider that has billed above its bound before may serve it",
            Reason::Media => "images, audio, video or files are counted by their makers' published rules",
            Reason::Loop => "server tools run in a loop, whose turns are capped",
            Reason::Fees => "searches, fetches or pages are billed at published prices",
            Reason::Outputs => "it may answer in images or audio",
            Reason::Prediction => "rejected tokens of the prediction are billed",
            Reason::Router => "a router or a preset picks the model, within a price ceiling",
            Reason::PluginDefaults => "plugins that the account has on by default are left on",
            Reason::Counted => "the prompt was counted with the model's published tokenizer",
            Reason::Byok => "OpenRouter's fee for keys of your own at providers (BYOK) may come on top",
            Reason::Allowance => "a part of it is an allowance, your own figure",
        }
    }
}

/// A set of [`Reason`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reasons(pub(super) u32);

impl Reasons {
    pub(super) fn add(&mut self, reason: Reason) {
        self.0 |= reason as u32;
    }

    pub(super) fn add_if(&mut self, condition: bool, reason: Reason) {
        if condition {
            self.add(reason);
        }
    }

    /// What a bound with these reasons is.
    pub(super) const fn class(self) -> Class {
        match self {
            Reasons(0) => Class::Proven,
            reasons if reasons.contains(Reason::Allowance) => Class::Unbounded,
            _ => Class::Published,
        }
    }

    /// Whether there is none: the bound is proven.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this reason is among them.
    pub const fn contains(self, reason: Reason) -> bool {
        self.0 & reason as u32 != 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |&reason| self.contains(reason))
    }
}
