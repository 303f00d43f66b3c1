//! [`Likely`]: what a request will probably have beside text: an estimate's guess, never a bound.

use crate::fees::{FETCH, OCR_PAGE, search_fee};
use crate::images::image_tokens;
use crate::media::Image;
use crate::model::Model;
use crate::run::{Engine, PdfEngine, Search, ServerTool};
use crate::shape::Shape;
use money::Rate;

/// The size of an image of which nothing is known, pixels.
const USUAL_IMAGE: (u32, u32) = (1_024, 1_024);
/// Pages of a file, tokens of a page, seconds of a video or of audio of which nothing is known.
const USUAL_PAGES: u64 = 5;
const USUAL_PAGE_TOKENS: u64 = 800;
const USUAL_SECONDS: u64 = 60;
/// Tokens a second of video, by Google's guide (read 2026-10).
const VIDEO_RATE: u64 = 300;
/// Tokens of an image in an answer, by Google's and OpenAI's guides (read 2026-10).
pub(crate) const USUAL_IMAGE_OUTPUT: u64 = 1_290;

/// Tokens and other units, likely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Likely {
    /// Tokens of images.
    pub(crate) image_tokens: u64,
    /// Images.
    pub(crate) images: u64,
    /// Tokens of audio.
    pub(crate) audio_tokens: u64,
    /// Tokens of video and files.
    pub(crate) other_tokens: u64,
    /// Searches with an engine of OpenRouter's, each at this price.
    pub(crate) searches: u64,
    pub(crate) search_fee: Rate,
    /// Searches of the provider's own.
    pub(crate) native: u64,
    /// Pages fetched, pages read by OCR.
    pub(crate) fetches: u64,
    pub(crate) pages: u64,
}

impl Likely {
    /// Of a request at a model.
    pub(crate) fn of(shape: &Shape<'_>, model: &Model) -> Likely {
        let media = &shape.media;
        let each = |image: &Image| {
            let known = Image { size: image.size.or(Some(USUAL_IMAGE)), ..*image };
            image_tokens(model, &known).saturating_mul(u64::from(image.count))
        };
        let unheard = u64::from(media.audio_unknown).saturating_mul(USUAL_SECONDS * 1_000);
        let audio_ms = media.audio_ms.saturating_add(unheard);
        let files = u64::from(media.files).saturating_mul(USUAL_PAGES);
        let videos = u64::from(media.videos).saturating_mul(USUAL_SECONDS * VIDEO_RATE);
        let mut likely = Likely {
            image_tokens: media.images.iter().map(each).fold(0, u64::saturating_add),
            images: media.image_count(),
            audio_tokens: audio_ms.saturating_mul(model.family.audio_tokens_a_second()).div_ceil(1_000),
            other_tokens: files.saturating_mul(USUAL_PAGE_TOKENS).saturating_add(videos),
            pages: if shape.run.pdf == Some(PdfEngine::Mistral) { files } else { 0 },
            ..Likely::default()
        };
        likely.run(shape);
        likely
    }

    /// Each tool is used once.
    fn run(&mut self, shape: &Shape<'_>) {
        let run = &shape.run;
        let tools = run.tools.iter().filter_map(|tool| match tool {
            ServerTool::Search(search) => Some(search),
            _ => None,
        });
        for search in tools.chain(&run.web) {
            self.search(search);
        }
        let fetches = run.tools.iter().filter(|tool| matches!(tool, ServerTool::Fetch(_))).count();
        self.fetches = fetches as u64;
    }

    fn search(&mut self, search: &Search) {
        if search.engine == Engine::Native {
            self.native += 1;
        } else if let Some(fee) = search_fee(search) {
            self.searches += 1;
            self.search_fee = self.search_fee.max(fee);
        }
    }

    /// Tokens of what is not text, at most so many.
    pub(crate) fn within(mut self, tokens: u64) -> Likely {
        self.image_tokens = self.image_tokens.min(tokens);
        self.audio_tokens = self.audio_tokens.min(tokens - self.image_tokens);
        self.other_tokens = self.other_tokens.min(tokens - self.image_tokens - self.audio_tokens);
        self
    }

    /// Of what is not text.
    pub(crate) fn tokens(&self) -> u64 {
        self.image_tokens.saturating_add(self.audio_tokens).saturating_add(self.other_tokens)
    }

    /// What is paid beside tokens: what, how many, of which unit, at which rate.
    pub(crate) fn fees(&self, native: Rate) -> [(&'static str, u64, &'static str, Rate); 4] {
        [
            ("searches", self.searches, "call", self.search_fee),
            ("searches by the provider", self.native, "call", native),
            ("pages fetched", self.fetches, "page", FETCH),
            ("pages read", self.pages, "page", OCR_PAGE),
        ]
    }
}
