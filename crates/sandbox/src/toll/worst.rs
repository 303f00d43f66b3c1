//! The most that a request permits at an endpoint.
//!
//! All that is documented to happen happens, at its dearest: searches and fetches all come in the first step, so that
//! every later turn reads their results; each turn writes its whole prompt to a cache where that is dearer, answers to
//! its cap, and is billed at the dearest hour in which the request may run. An endpoint that lists no conditional prices
//! bills by those of its model's row. What is left of an answer to a step are calls of tools, as many as fit.

use super::fees::{self, Fee};
use super::matter::{self, Matter};
use super::{Toll, Turn};
use crate::asks::{Engine, Fetch, Search};
use crate::catalogue::{Endpoint, Model, PriceKind};
use crate::clock::Moment;
use crate::cost::Usage;
use crate::exact::Exact;
use crate::prices::{Prices, Rates};
use crate::request::Request;

/// Pages that `mistral-ocr` reads of one file, at the most.
const PAGES_MAX: u64 = 1_000;
/// Searches that a provider makes when nothing holds it.
const SEARCHES_MAX: u64 = 20;
/// Characters of a result where nothing caps them: the largest context size of Exa.
const CHARACTERS_MAX: u64 = 30_000;
/// A character of a result has four bytes at most, and each may be a token, whatever counts.
const PER_CHARACTER: u64 = 4;
/// And an "approximate token" of a page may be four characters.
const PER_PAGE_TOKEN: u64 = 4;
/// Bytes of the title, address and date of a result.
const FRAME_BYTES: u64 = 400;
/// Pages that a provider fetches itself in a request, whatever it is told.
const NATIVE_PAGES: u64 = 50;
/// Tokens of an answer that ask for the time once, where a template has marks for that; and that call another tool, with
/// hardly an argument.
const ASK_TIME_TOKENS: u64 = 8;
const CALL_TOKENS: u64 = 16;
/// What either brings back that nothing else counts: the time and its zone, or that there are no more uses.
const CALLED_TOKENS: u64 = 64;
/// GPT-4o mini bills so many tokens of a picture for so many that it reads, also where a page of a file is one.
const MINI_BILLED: u64 = 5_667;
const MINI_READ: u64 = 170;
/// What the pictures take up that OCR finds: eight, as large as they can be.
const OCR_PICTURES: u64 = 8 * (85 + 8 * MINI_READ);
/// Output tokens of one image, which is never cut short.
const IMAGE_TOKENS: [(&str, u64); 3] = [("google/", 2_520), ("openai/", 6_240), ("", 4_096)];

/// All that bears on what it comes to.
pub(crate) struct Case<'a> {
    pub(crate) request: &'a Request,
    pub(crate) model: &'a Model,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) matter: &'a Matter,
    /// The output cap that the endpoint keeps to.
    pub(crate) cap: u64,
    /// The hours in which it may be billed.
    pub(crate) from: Moment,
    pub(crate) to: Moment,
    pub(crate) in_the_states: bool,
}

/// What grows from turn to turn.
#[derive(Clone, Copy, Default)]
struct Grown {
    /// What tools and earlier turns added to the prompt.
    text: u64,
    /// Something of unknown length was added.
    fills: bool,
}

/// The dearest it can come to.
pub(crate) fn toll(case: &Case<'_>) -> Toll {
    let mut toll = Toll { fees: case.fees(), ..Toll::default() };
    let before = case.results(|search| search.once);
    let steps = case.steps().unwrap_or(0);
    let looped = case.results(|search| !search.once);
    let iterations = case.native_searches();
    let calls = case.calls();
    let (mut answered, mut turns) = (0u64, Vec::new());
    for at in 0..=steps {
        let mut grown = before;
        if at > 0 {
            grown.text = before.text + looped.text + answered + calls * at * CALLED_TOKENS;
            grown.fills |= looped.fills;
        }
        // Pages are counted for a whole request, and so all come at once; each is as long as it likes.
        let iterations = iterations + if at == 0 { case.native_pages() } else { 0 };
        grown.fills |= iterations > 0;
        for _ in 0..iterations {
            turns.push(case.dearest_turn(grown, 0));
        }
        let turn = case.dearest_turn(grown, case.cap);
        answered += turn.usage.completion;
        turns.push(turn);
        // Once the context is full, all that follow are alike.
        if turns.len() > 400 {
            break;
        }
    }
    toll.last = turns.pop().unwrap_or_default();
    toll.earlier = turns;
    toll
}

impl Case<'_> {
    fn dearest_turn(&self, grown: Grown, cap: u64) -> Turn {
        let one = self.turn(grown, cap, true);
        let other = self.turn(grown, cap, false);
        if one.cost().total() >= other.cost().total() { one } else { other }
    }

    /// A turn where either the answer or the prompt has the first claim to the context.
    fn turn(&self, grown: Grown, cap: u64, answer_first: bool) -> Turn {
        let (endpoint, matter) = (self.endpoint, self.matter);
        let answer = cap.min(endpoint.context.saturating_sub(1));
        let room =
            if answer_first { endpoint.context - answer } else { endpoint.context }.min(endpoint.prompt_max);
        let media = (matter.images.counted + matter.audio).min(room);
        let wanted = matter.text.saturating_add(grown.text);
        let fills = grown.fills || matter.fills.any();
        let text = if fills { room - media } else { wanted.min(room - media) };
        let counted = text + media;
        let answer = answer.min(endpoint.context.saturating_sub(counted));
        // What is billed beyond what is read takes up no context.
        let share = matter.images.counted.min(media);
        let images = (u128::from(matter.images.billed) * u128::from(share))
            .checked_div(u128::from(matter.images.counted))
            .unwrap_or_default() as u64;
        let audio = media - share;
        let (read, billed) = self.pages_as_pictures(text);
        let (text, images) = (text - read, images + billed);
        let usage = Usage {
            prompt: text + images + audio,
            images,
            audio,
            pictures: matter.pictures,
            completion: (answer + self.never_cut(answer) + if cap > 0 { matter.prediction } else { 0 })
                .saturating_mul(self.request.choices),
            ..Usage::default()
        };
        self.priced(usage, text)
    }

    /// Of a prompt's text, how much is pages of files that reach GPT-4o mini as pictures, and what is billed for them.
    fn pages_as_pictures(&self, text: u64) -> (u64, u64) {
        let matter = self.matter;
        let most = match self.model.id.starts_with("openai/gpt-4o-mini") {
            true if matter.natively => u64::MAX,
            true if matter.ocr > 0 => OCR_PICTURES,
            _ => 0,
        };
        let read = text.saturating_sub(matter.text).min(most);
        (read, read * MINI_BILLED / MINI_READ)
    }

    /// At the dearest hour.
    fn priced(&self, usage: Usage, text: u64) -> Turn {
        if self.model.price == PriceKind::Free {
            return Turn { usage, ..Turn::default() };
        }
        let lists = self.endpoint.price_lists();
        let rates = lists.flat_map(|prices| {
            let moments = prices.moments(self.from, self.to).into_iter();
            moments.map(|now| prices.at(usage.prompt, now))
        });
        let turns = rates.map(|rates| self.at(usage, text, rates));
        turns.max_by_key(|turn| turn.cost().total()).unwrap_or_default()
    }

    /// Each token in the kind that is dearest.
    fn at(&self, mut usage: Usage, text: u64, rates: Rates) -> Turn {
        let write = rates.write_price(self.request.cache, self.model.family, self.endpoint.caches);
        let mut turn = Turn { usage, rates, write: write.unwrap_or(rates.prompt) };
        let fills = self.matter.fills;
        let cached = write.unwrap_or_default().max(rates.prompt);
        let filled =
            [(fills.sound || fills.film, rates.audio_rate()), (fills.film || fills.file, rates.image_rate())];
        if let Some(rate) =
            filled.iter().filter(|(may, _)| *may).map(|(_, rate)| *rate).max().filter(|&rate| rate > cached)
        {
            // All but the words may be of the dearer kind.
            let words = self.matter.text.min(text);
            if rate == rates.audio_rate() {
                usage.audio += text - words;
            } else {
                usage.images += text - words;
            }
        }
        if rates.image_rate() <= cached {
            usage.images = 0;
        }
        if rates.audio_rate() <= cached {
            usage.audio = 0;
        }
        let plain = usage.prompt - usage.images - usage.audio;
        if rates.cache_read.is_some_and(|read| read > cached) {
            usage.cached = plain;
        } else if write.is_some_and(|write| write > rates.prompt) {
            usage.written = plain;
        }
        let outputs = [
            (rates.completion, 0),
            (rates.internal_reasoning.unwrap_or_default(), 1),
            (rates.image_output.filter(|_| self.may_answer_in("image")).unwrap_or_default(), 2),
            (rates.audio_output.filter(|_| self.may_answer_in("audio")).unwrap_or_default(), 3),
        ];
        match outputs.iter().max().map(|(_, kind)| kind) {
            Some(1) => usage.reasoning = usage.completion,
            Some(2) => usage.image_output = usage.completion,
            Some(3) => usage.audio_output = usage.completion,
            _ => {}
        }
        turn.usage = usage;
        turn
    }

    fn may_answer_in(&self, kind: &str) -> bool {
        self.model.outputs.iter().any(|output| output == kind) && self.request.asks.may_answer_in(kind)
    }

    /// An image that begins with the last token is drawn to its end.
    fn never_cut(&self, answer: u64) -> u64 {
        if answer == 0 || !self.may_answer_in("image") {
            return 0;
        }
        IMAGE_TOKENS
            .iter()
            .find(|(stem, _)| self.model.id.starts_with(stem))
            .map_or(0, |(_, tokens)| tokens - 1)
    }

    fn fees(&self) -> Vec<Fee> {
        let matter = self.matter;
        let mut fees = Vec::new();
        let mut add = |what, count, each: Exact| {
            if count > 0 && !each.is_zero() {
                fees.push(Fee { what, count, each });
            }
        };
        let turns = self.steps().unwrap_or(0) + 1;
        for search in &matter.searches {
            match matter::engine(search, self.endpoint) {
                Engine::Native => {
                    let each = if search.once { 1 } else { turns };
                    add(
                        "search of the provider's own",
                        self.native_uses(search) * each,
                        self.dearest_search(),
                    );
                }
                engine => add("search", self.uses(search), fees::search(search, engine)),
            }
        }
        for fetch in &matter.fetches {
            match matter::fetcher(fetch, self.endpoint) {
                Engine::Native => {
                    add("page fetched by the provider", NATIVE_PAGES, self.dearest_search());
                }
                engine => add("fetched page", self.pages(fetch), fees::fetch(engine)),
            }
        }
        for &what in &matter.unruled {
            add("tool without a rule", turns, fees::unruled(what));
        }
        for &what in &matter.panels {
            add("plugin without a rule", 1, fees::unruled(what));
        }
        add("page of a file", matter.ocr * PAGES_MAX, fees::page(self.in_the_states));
        if self.model.price == PriceKind::Zero {
            add("what is listed at zero", 1, Exact::EIGHT_CENTS);
        }
        if self.model.searches {
            add("search of the model's own", 5 * turns, self.dearest_search());
        }
        fees
    }

    /// The most that a search of the provider's own may cost.
    fn dearest_search(&self) -> Exact {
        self.endpoint.price_lists().map(Prices::dearest_search).max().unwrap_or_default()
    }

    /// Steps of the loop. The provider's own search is none of OpenRouter's tools.
    fn steps(&self) -> Option<u64> {
        let matter = self.matter;
        let searches = matter.searches.iter().filter(|search| !search.once);
        let own =
            searches.filter(|search| matter::engine(search, self.endpoint) != Engine::Native).count() as u64;
        let tools = own + matter.clocks + (matter.fetches.len() + matter.unruled.len()) as u64;
        matter.steps.filter(|_| tools > 0)
    }

    /// Searches in a request.
    fn uses(&self, search: &Search) -> u64 {
        let steps = self.steps().unwrap_or(1).max(1);
        if search.once { 1 } else { search.max_uses.unwrap_or(SEARCHES_MAX.max(steps)) }
    }

    /// Searches of a provider's own in one turn. Only Anthropic can be told how many.
    fn native_uses(&self, search: &Search) -> u64 {
        let told = search.max_uses.filter(|_| self.is_anthropic());
        told.unwrap_or(SEARCHES_MAX)
    }

    fn is_anthropic(&self) -> bool {
        &*self.endpoint.provider == "Anthropic"
    }

    /// How often the provider reads the whole prompt again within a turn.
    fn native_searches(&self) -> u64 {
        let native = self
            .matter
            .searches
            .iter()
            .filter(|search| matter::engine(search, self.endpoint) == Engine::Native);
        native.map(|search| self.native_uses(search)).sum::<u64>().min(SEARCHES_MAX)
    }

    /// Calls of a step: all of the answer, each of the answers.
    fn calls(&self) -> u64 {
        let each = if self.matter.clocks > 0 { ASK_TIME_TOKENS } else { CALL_TOKENS };
        (self.cap / each).saturating_mul(self.request.choices)
    }

    /// How often the provider reads the whole prompt again for a page that it fetches itself.
    fn native_pages(&self) -> u64 {
        let native = |fetch: &Fetch| matter::fetcher(fetch, self.endpoint) == Engine::Native;
        if self.matter.fetches.iter().any(native) { NATIVE_PAGES } else { 0 }
    }

    fn pages(&self, fetch: &Fetch) -> u64 {
        fetch.max_uses.unwrap_or(SEARCHES_MAX.max(self.steps().unwrap_or(1)))
    }

    /// What the results of such searches, and of all fetches, add to a prompt.
    fn results(&self, which: impl Fn(&Search) -> bool) -> Grown {
        let mut grown = Grown::default();
        for search in self.matter.searches.iter().filter(|search| which(search)) {
            let engine = matter::engine(search, self.endpoint);
            if matches!(engine, Engine::Native | Engine::Firecrawl) {
                grown.fills = true;
                continue;
            }
            let most = if engine == Engine::Perplexity { search.results().min(20) } else { search.results() };
            let results = self.uses(search).saturating_mul(most).min(search.max_total_results);
            let each = search.characters.unwrap_or(CHARACTERS_MAX) * PER_CHARACTER + FRAME_BYTES;
            grown.text = grown.text.saturating_add(results.saturating_mul(each));
        }
        // Pages are fetched by the loop.
        if which(&Search { once: false, ..Search::PLUGIN }) {
            for fetch in &self.matter.fetches {
                let native = matter::fetcher(fetch, self.endpoint) == Engine::Native;
                match fetch.max_content_tokens.filter(|_| !native) {
                    Some(tokens) => {
                        let each = tokens.saturating_mul(PER_PAGE_TOKEN) + FRAME_BYTES;
                        grown.text = grown.text.saturating_add(self.pages(fetch).saturating_mul(each));
                    }
                    None => grown.fills = true,
                }
            }
        }
        grown
    }
}
