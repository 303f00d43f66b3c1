//! [`About`]: what a row says of its model beside its price, for people who choose and for finding a substitute.

/// What a row lists beside its price (CONTRACT 8.1, read 2026-10-02). Nothing here decides what a request costs
/// at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The name for people, `OpenAI: GPT-4o-mini`; empty when the row has none.
    pub name: Box<str>,
    /// When OpenRouter listed it, in seconds since 1970 (UTC).
    pub created_s: Option<i64>,
    /// The day it goes, `YYYY-MM-DD`, when that is announced.
    pub expires: Option<Box<str>>,
    /// What it can do.
    pub features: Features,
}

/// One thing a model can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Feature {
    /// Calls functions.
    Tools = 1,
    /// Answers in a given JSON schema or at least in JSON.
    Schemas = 1 << 1,
    /// Thinks before it answers, and bills that as output.
    Reasoning = 1 << 2,
    /// Reads images.
    Images = 1 << 3,
    /// Reads files.
    Files = 1 << 4,
    /// Hears audio.
    Audio = 1 << 5,
    /// Watches video.
    Video = 1 << 6,
}

impl Feature {
    /// Each of them, in reading order.
    pub const ALL: [Feature; 7] = [
        Feature::Tools,
        Feature::Schemas,
        Feature::Reasoning,
        Feature::Images,
        Feature::Files,
        Feature::Audio,
        Feature::Video,
    ];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Feature::Tools => "tools",
            Feature::Schemas => "schemas",
            Feature::Reasoning => "reasoning",
            Feature::Images => "images",
            Feature::Files => "files",
            Feature::Audio => "audio",
            Feature::Video => "video",
        }
    }

    /// What a name in `supported_parameters` or `architecture.input_modalities` stands for, if we look at it.
    pub fn listed_as(name: &str) -> Option<Feature> {
        match name {
            "tools" => Some(Feature::Tools),
            "structured_outputs" | "response_format" => Some(Feature::Schemas),
            "reasoning" => Some(Feature::Reasoning),
            "image" => Some(Feature::Images),
            "file" => Some(Feature::Files),
            "audio" => Some(Feature::Audio),
            "video" => Some(Feature::Video),
            _ => None,
        }
    }
}

/// A set of [`Feature`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(u8);

impl Features {
    /// Whether this one is among them.
    pub const fn contains(self, feature: Feature) -> bool {
        self.0 & feature as u8 != 0
    }

    /// Whether every one of `others` is among them.
    pub const fn contain_all(self, others: Features) -> bool {
        self.0 & others.0 == others.0
    }

    /// Each of them, in reading order.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::ALL.into_iter().filter(move |&feature| self.contains(feature))
    }
}

impl FromIterator<Feature> for Features {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        Features(features.into_iter().fold(0, |set, feature| set | feature as u8))
    }
}
