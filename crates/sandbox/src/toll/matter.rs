//! [`Matter`]: how much a prompt holds, by kind, for one model.

use super::vision::{self, ImageTokens};
use super::{Counting, Defaults};
use crate::asks::{Engine, Fetch, PdfEngine, Search, ServerTool, Sound, Unruled};
use crate::catalogue::{Asked, Endpoint, Model};
use crate::request::Request;
use crate::tokens;

/// Providers with a search of their own.
const SEARCHING: [&str; 6] = ["Anthropic", "OpenAI", "xAI", "Perplexity", "Google", "Google AI Studio"];
/// And those that fetch pages themselves: where they serve Claude, and others that may.
const FETCHING: [&str; 7] =
    ["Anthropic", "Amazon Bedrock", "Claude Platform on AWS", "OpenAI", "xAI", "Google", "Google AI Studio"];
/// Steps of a loop that nothing stops.
const ENDLESS: u64 = 100;
/// Steps where nothing is said.
const STEPS: u64 = 30;

/// What is in a prompt and what is to be run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matter {
    /// Text and template.
    pub(crate) text: u64,
    pub(crate) images: ImageTokens,
    pub(crate) pictures: u64,
    /// Tokens of sounds whose length is known.
    pub(crate) audio: u64,
    /// What may fill the context.
    pub(crate) fills: Fills,
    /// What a prediction may add to an answer.
    pub(crate) prediction: u64,
    pub(crate) searches: Vec<Search>,
    pub(crate) fetches: Vec<Fetch>,
    pub(crate) clocks: u64,
    pub(crate) unruled: Vec<Unruled>,
    /// Plugins without a rule, which run once.
    pub(crate) panels: Vec<Unruled>,
    /// Whether the model reads files itself.
    pub(crate) natively: bool,
    /// Files, when OpenRouter reads them by the page.
    pub(crate) ocr: u64,
    /// Steps of the loop; nothing when there is none.
    pub(crate) steps: Option<u64>,
}

/// Kinds of content of unknown length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fills {
    pub(crate) sound: bool,
    pub(crate) film: bool,
    pub(crate) file: bool,
}

impl Fills {
    pub(crate) fn any(self) -> bool {
        self.sound || self.film || self.file
    }
}

impl Matter {
    /// What a request holds for a model, counted as an adversary does, or as is usual.
    pub(crate) fn of(
        request: &Request,
        asked: &Asked,
        adversary: Option<Counting>,
        defaults: &Defaults,
    ) -> Matter {
        let (asks, model) = (&request.asks, &*asked.model);
        let mut matter = Matter {
            text: match adversary {
                Some(Counting::Bytes) => tokens::worst(request, model),
                Some(Counting::Tokenizer) => tokens::counted_at_worst(request, model),
                None => tokens::counted(request, model),
            },
            prediction: match adversary {
                Some(Counting::Bytes) => asks.prediction.len() as u64,
                Some(Counting::Tokenizer) | None => model.vocabulary.count(&asks.prediction),
            },
            pictures: asks.pictures.len() as u64,
            ..Matter::default()
        };
        for &picture in &asks.pictures {
            let tokens = vision::tokens(&model.id, picture);
            matter.images.billed += tokens.billed;
            matter.images.counted += tokens.counted;
        }
        for sound in &asks.sounds {
            match sound {
                Sound::Lasts(ms) => matter.audio += ms.saturating_mul(per_second(model)).div_ceil(1_000),
                Sound::Unknown => matter.fills.sound = true,
            }
        }
        matter.fills.film = asks.videos > 0;
        matter.fills.file = asks.files > 0;
        matter.read_engine(request, model);
        matter.read_tools(request, asked, defaults);
        matter
    }

    /// The model reads the file itself where it can, and unless another engine is named.
    fn read_engine(&mut self, request: &Request, model: &Model) {
        let reads = model.inputs.iter().any(|input| input == "file");
        let pages = match request.asks.pdf {
            Some(PdfEngine::Cloudflare) => false,
            Some(PdfEngine::Mistral) => true,
            Some(PdfEngine::Native) => !reads,
            None => !reads && !request.asks.parser_off,
        };
        let natively = matches!(request.asks.pdf, None | Some(PdfEngine::Native));
        self.natively = natively && reads && request.asks.files > 0;
        self.ocr = if pages { request.asks.files } else { 0 };
    }

    fn read_tools(&mut self, request: &Request, asked: &Asked, defaults: &Defaults) {
        let asks = &request.asks;
        for tool in &asks.tools {
            match *tool {
                ServerTool::Search(search) => self.searches.push(search),
                ServerTool::Fetch(fetch) => self.fetches.push(fetch),
                ServerTool::Clock => self.clocks += 1,
                ServerTool::Unruled(what) => self.unruled.push(what),
            }
        }
        let on = |name: &str| {
            defaults.plugins.iter().any(|plugin| plugin == name)
                && !asks.named.iter().any(|named| named == name)
        };
        // An account may have set its plugins as it likes.
        let account = Search { max_results: 10, max_total_results: 10, ..Search::PLUGIN };
        let plugin = asks.web.or_else(|| (asked.online || on("web")).then_some(account));
        self.searches.extend(plugin);
        self.fetches.extend(asks.fetch);
        self.panels.extend(&asks.unruled);
        if on("fusion") {
            self.panels.push(Unruled::Panel);
        }
        if request.preset {
            self.panels.push(Unruled::Panel);
        }
        self.steps = asks.loops().then(|| asks.steps.unwrap_or(if asks.stops { ENDLESS } else { STEPS }));
    }
}

/// Audio tokens of a second: Google's guide to audio, OpenAI's prices, Mistral's guide to Voxtral; others plausible.
fn per_second(model: &Model) -> u64 {
    match model.id.split('/').next().unwrap_or_default() {
        "google" => 32,
        "openai" => 10,
        "mistralai" => 13,
        _ => 25,
    }
}

/// Who really searches.
pub(crate) fn engine(search: &Search, endpoint: &Endpoint) -> Engine {
    let native = SEARCHING.contains(&&*endpoint.provider);
    match search.engine {
        Engine::Auto if native => Engine::Native,
        // Where the provider cannot, Exa does.
        Engine::Auto | Engine::Native if !native => Engine::Exa,
        engine => engine,
    }
}

/// Who really fetches.
pub(crate) fn fetcher(fetch: &Fetch, endpoint: &Endpoint) -> Engine {
    let native = FETCHING.contains(&&*endpoint.provider);
    match fetch.engine {
        Engine::Auto if native => Engine::Native,
        Engine::Auto => Engine::Exa,
        // Where the provider cannot, OpenRouter does.
        Engine::Native if !native => Engine::OpenRouter,
        engine => engine,
    }
}
