//! [`Likely`]: what a request will probably have beside text: an estimate's guess, never a bound.

use crate::fees::{OCR_PAGE, OCR_PAGES_MAX, RESULTS_USUAL, fetch_fee, search_fee};
use crate::media::{Image, Media};
use crate::model::Model;
use crate::run::{Engine, Fetch, PdfEngine, Search, ServerTool};
use crate::shape::Shape;
use crate::usual_image::usual_image_tokens;
use money::Rate;

/// Pages of a file, seconds of a video or of audio of which nothing is known; tokens of a page.
const USUAL_PAGES: u64 = 5;
const USUAL_PAGE_TOKENS: u64 = 800;
const USUAL_SECONDS: u64 = 60;
/// A page of a PDF for so many bytes: between a report's (10,000 and more) and a scan's (100,000 and more). A round figure
/// of ours.
const USUAL_PAGE_BYTES: u64 = 32 * 1_024;
/// Tokens a second of video, by Google's guide (read 2026-10).
const VIDEO_RATE: u64 = 300;
/// Tokens of an image in an answer, by Google's and OpenAI's guides (read 2026-10).
pub(crate) const USUAL_IMAGE_OUTPUT: u64 = 1_290;
/// Characters of a search result where the request does not say, as the gateway asks for; four of them to a token, and
/// so much for title and address.
const USUAL_CHARACTERS: u64 = 1_000;
const CHARACTERS_PER_TOKEN: u64 = 4;
const PER_RESULT: u64 = 50;
/// Tokens of a web page that is fetched: half of the 5,000 at which the gateway cuts it.
const USUAL_FETCHED: u64 = 2_500;

/// Tokens and other units, likely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Likely {
    /// Tokens of images.
    pub(crate) image_tokens: u64,
    /// Whether the size of one is not known and would matter.
    pub(crate) guessed_images: bool,
    /// Images.
    pub(crate) images: u64,
    /// Tokens of audio.
    pub(crate) audio_tokens: u64,
    /// Whether the length of one is not known.
    pub(crate) guessed_audio: bool,
    /// Tokens of video.
    pub(crate) video_tokens: u64,
    /// Tokens of files.
    pub(crate) file_tokens: u64,
    /// Tokens of what searches and fetches find, which the model reads.
    pub(crate) found_tokens: u64,
    /// Whether tools are used, and a second turn reads the prompt again, with what they found.
    pub(crate) second_turn: bool,
    /// Searches with an engine of OpenRouter's, each at this price.
    pub(crate) searches: u64,
    pub(crate) search_fee: Rate,
    /// Searches of the provider's own.
    pub(crate) native: u64,
    /// Pages fetched, each at this price.
    pub(crate) fetches: u64,
    pub(crate) fetch_fee: Rate,
    /// Pages read by OCR.
    pub(crate) pages: u64,
}

impl Likely {
    /// Of a request at a model.
    pub(crate) fn of(shape: &Shape<'_>, model: &Model) -> Likely {
        let media = &shape.media;
        let each = |image: &Image| usual_image_tokens(model, image);
        let tokens = |image: &Image| each(image).tokens.saturating_mul(u64::from(image.count));
        let unheard = u64::from(media.audio_unknown).saturating_mul(USUAL_SECONDS * 1_000);
        let audio_ms = media.audio_ms.saturating_add(unheard);
        let pages = u64::from(media.files).saturating_mul(pages_of_a_file(media));
        let mut likely = Likely {
            image_tokens: media.images.iter().map(tokens).fold(0, u64::saturating_add),
            guessed_images: media.images.iter().any(|image| each(image).guessed),
            images: media.image_count(),
            audio_tokens: audio_ms.saturating_mul(model.family.audio_tokens_a_second()).div_ceil(1_000),
            guessed_audio: unheard > 0,
            video_tokens: u64::from(media.videos).saturating_mul(USUAL_SECONDS * VIDEO_RATE),
            file_tokens: pages.saturating_mul(USUAL_PAGE_TOKENS),
            pages: if shape.run.pdf == Some(PdfEngine::Mistral) { pages } else { 0 },
            ..Likely::default()
        };
        likely.run(shape);
        likely
    }

    /// Each tool is used once, all of them in the same turn.
    fn run(&mut self, shape: &Shape<'_>) {
        let run = &shape.run;
        self.second_turn = !run.tools.is_empty();
        let tools = || run.tools.iter();
        let searches = tools().filter_map(|tool| match tool {
            ServerTool::Search(search) => Some(search),
            _ => None,
        });
        let fetches = tools().filter_map(|tool| match tool {
            ServerTool::Fetch(fetch) => Some(fetch),
            _ => None,
        });
        for search in searches.chain(&run.web) {
            self.search(search);
        }
        for fetch in fetches {
            self.fetch(fetch);
        }
    }

    fn search(&mut self, search: &Search) {
        if search.engine == Engine::Native {
            self.native += 1;
        } else if let Some(fee) = search_fee(search) {
            self.searches += 1;
            self.search_fee = self.search_fee.max(fee);
        }
        let results = search.max_results.unwrap_or(RESULTS_USUAL);
        let results = search.max_total_results.map_or(results, |most| most.min(results));
        let characters = search.max_characters.map_or(USUAL_CHARACTERS, u64::from);
        let each = characters / CHARACTERS_PER_TOKEN + PER_RESULT;
        self.found_tokens = self.found_tokens.saturating_add(u64::from(results).saturating_mul(each));
    }

    fn fetch(&mut self, fetch: &Fetch) {
        self.fetches += 1;
        self.fetch_fee = self.fetch_fee.max(fetch_fee(fetch.engine));
        let tokens =
            fetch.max_content_tokens.map_or(USUAL_FETCHED, |most| USUAL_FETCHED.min(u64::from(most)));
        self.found_tokens = self.found_tokens.saturating_add(tokens);
    }

    /// Tokens of what is not text, at most so many.
    pub(crate) fn within(mut self, tokens: u64) -> Likely {
        let mut left = tokens;
        for part in [
            &mut self.image_tokens,
            &mut self.audio_tokens,
            &mut self.video_tokens,
            &mut self.file_tokens,
            &mut self.found_tokens,
        ] {
            *part = left.min(*part);
            left -= *part;
        }
        self
    }

    /// Of what is not text.
    pub(crate) fn tokens(&self) -> u64 {
        let parts =
            [self.image_tokens, self.audio_tokens, self.video_tokens, self.file_tokens, self.found_tokens];
        parts.into_iter().fold(0, u64::saturating_add)
    }

    /// Tokens of the first turn that the second one reads again.
    pub(crate) fn read_again(&self, prompt_tokens: u64) -> u64 {
        let first = prompt_tokens.saturating_add(self.tokens().saturating_sub(self.found_tokens));
        if self.second_turn { first } else { 0 }
    }

    /// What is paid beside tokens: what, how many, of which unit, at which rate.
    pub(crate) fn fees(&self, native: Rate) -> [(&'static str, u64, &'static str, Rate); 4] {
        [
            ("searches", self.searches, "call", self.search_fee),
            ("searches by the provider", self.native, "call", native),
            ("pages fetched", self.fetches, "page", self.fetch_fee),
            ("pages read, about", self.pages, "page", OCR_PAGE),
        ]
    }
}

/// By its bytes, where it is in the body and nothing else is that would count among them.
fn pages_of_a_file(media: &Media) -> u64 {
    let alone =
        media.images.is_empty() && media.audio_ms == 0 && media.audio_unknown == 0 && media.videos == 0;
    if !alone || media.bytes == 0 || media.files == 0 {
        return USUAL_PAGES;
    }
    let bytes = media.bytes / 4 * 3 / u64::from(media.files);
    bytes.div_ceil(USUAL_PAGE_BYTES).clamp(1, OCR_PAGES_MAX)
}
