//! What a request plausibly comes to, apart from the length of its answer.

use fastrand::Rng;

use super::fees::{self, Fee};
use super::matter::{self, Matter};
use super::{Toll, Turn};
use crate::asks::Engine;
use crate::catalogue::{Endpoint, Model, PriceKind};
use crate::clock::Moment;
use crate::cost::Usage;
use crate::exact::Exact;

/// Tokens of a search result.
const RESULT_TOKENS: u64 = 600;
/// Tokens of a page of a file.
const PAGE_TOKENS: u64 = 700;

/// The last turn without an answer, and what came before it.
pub(crate) fn toll(
    model: &Model,
    endpoint: &Endpoint,
    matter: &Matter,
    now: Moment,
    in_the_states: bool,
    rng: &mut Rng,
) -> Toll {
    let mut toll = Toll::default();
    let files = matter.ocr.max(u64::from(matter.fills.file));
    let pages = files * rng.u64(1..30);
    let mut text = matter.text + pages * PAGE_TOKENS;
    let audio = matter.audio / 8 + if matter.fills.sound { rng.u64(50..5_000) } else { 0 };
    let film = if matter.fills.film { rng.u64(2_000..60_000) } else { 0 };
    let most = matter.steps.map_or(0, |steps| steps.min(4));
    let steps = if most == 0 { 0 } else { rng.u64(0..=most) };
    let room = endpoint.context.min(endpoint.prompt_max);
    let turn = |text: u64, completion: u64| {
        let media = (matter.images.billed + audio + film).min(room);
        let images = (matter.images.billed + film).min(media);
        let prompt = media + text.min(room - media);
        let rates =
            if model.price == PriceKind::Free { Default::default() } else { endpoint.prices.at(prompt, now) };
        let usage = Usage { prompt, images, audio: media - images, completion, ..Usage::default() };
        let usage = Usage { pictures: matter.pictures, ..usage };
        Turn { usage, rates, write: rates.prompt }
    };
    for search in &matter.searches {
        let uses = if search.once { 1 } else { steps.min(search.max_uses.unwrap_or(steps)) };
        let each = match matter::engine(search, endpoint) {
            Engine::Native => endpoint.prices.dearest_search(),
            engine => fees::search(search, engine),
        };
        toll.fees.push(Fee { what: "search", count: uses, each });
        if search.once {
            text += search.results().min(10) * RESULT_TOKENS;
        }
    }
    for step in 0..steps {
        let completion = rng.u64(20..120);
        toll.earlier.push(turn(text, completion));
        text += completion + if matter.clocks > step { 30 } else { 5 * RESULT_TOKENS };
    }
    for fetch in &matter.fetches {
        let pages = steps.min(fetch.max_uses.unwrap_or(steps));
        let each = match matter::fetcher(fetch, endpoint) {
            // The tokens of the page are all that a provider asks for.
            Engine::Native => Exact::ZERO,
            engine => fees::fetch(engine),
        };
        toll.fees.push(Fee { what: "fetched page", count: pages, each });
        text += pages * fetch.max_content_tokens.unwrap_or(8_000).min(8_000);
    }
    for &what in matter.unruled.iter().chain(&matter.panels) {
        toll.fees.push(Fee { what: "without a rule", count: 1, each: fees::unruled(what) });
    }
    if matter.ocr > 0 {
        toll.fees.push(Fee { what: "page of a file", count: pages, each: fees::page(in_the_states) });
    }
    if model.price == PriceKind::Zero {
        toll.fees.push(Fee { what: "what is listed at zero", count: 1, each: Exact::EIGHT_CENTS });
    }
    if model.searches {
        toll.fees.push(Fee {
            what: "search of the model's own",
            count: 1,
            each: endpoint.prices.dearest_search(),
        });
    }
    toll.last = turn(text, 0);
    toll
}
