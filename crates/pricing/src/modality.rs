//! [`Modalities`]: in what a model answers (CONTRACT 8.1, `architecture.output_modalities`, read 2026-10-02).

/// One thing a model answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Modality {
    /// Text.
    Text = 1,
    /// Images.
    Image = 1 << 1,
    /// Speech or music.
    Audio = 1 << 2,
    /// Anything else: video, ranks, embeddings, decisions, or a word we do not know. Nothing a chat can bound.
    Other = 1 << 3,
}

impl Modality {
    /// Each of them, in reading order.
    pub const ALL: [Modality; 4] = [Modality::Text, Modality::Image, Modality::Audio, Modality::Other];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Modality::Text => "text",
            Modality::Image => "image",
            Modality::Audio => "audio",
            Modality::Other => "other",
        }
    }

    /// What OpenRouter's word means.
    pub fn listed_as(word: &str) -> Modality {
        match word {
            "text" => Modality::Text,
            "image" => Modality::Image,
            "audio" => Modality::Audio,
            _ => Modality::Other,
        }
    }
}

/// A set of [`Modality`]s. Empty: the row does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modalities(u8);

impl Modalities {
    /// Text and nothing else.
    pub const TEXT: Modalities = Modalities(Modality::Text as u8);

    /// Whether this one is among them.
    pub const fn contains(self, modality: Modality) -> bool {
        self.0 & modality as u8 != 0
    }

    /// Each of them, in reading order.
    pub fn iter(self) -> impl Iterator<Item = Modality> {
        Modality::ALL.into_iter().filter(move |&modality| self.contains(modality))
    }
}

impl FromIterator<Modality> for Modalities {
    fn from_iter<I: IntoIterator<Item = Modality>>(modalities: I) -> Self {
        Modalities(modalities.into_iter().fold(0, |set, modality| set | modality as u8))
    }
}
