//! What OpenRouter charges beside tokens: searches, pages, files (its guides to server tools and PDFs of 2026-08-22).

use crate::asks::{Engine, Mode, Search, Unruled};
use crate::exact::Exact;

/// One kind of fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fee {
    pub(crate) what: &'static str,
    pub(crate) count: u64,
    /// USD each.
    pub(crate) each: Exact,
}

/// A page read by `mistral-ocr`; requests pinned to the United States pay a tenth more.
pub(crate) fn page(in_the_states: bool) -> Exact {
    Exact::micros(if in_the_states { 2_200 } else { 2_000 })
}

/// A fetched page, by an engine that is not the provider's: the guide to web fetch, and for Firecrawl the page of the tool,
/// which is newer and has a price where the guide has none.
pub(crate) fn fetch(engine: Engine) -> Exact {
    Exact::micros(match engine {
        Engine::OpenRouter => 0,
        Engine::Firecrawl => 2_500,
        _ => 1_000,
    })
}

/// A search with so many results, by an engine that is not the provider's.
pub(crate) fn search(search: &Search, engine: Engine) -> Exact {
    let micros = match (engine, search.mode) {
        (Engine::Parallel | Engine::Perplexity, _) => 5_000,
        // Paid to Firecrawl, with the account's own key.
        (Engine::Firecrawl, _) => 0,
        (_, Mode::Usual) => 7_000 + beyond_ten(search),
        (_, Mode::Deep) => 12_000 + beyond_ten(search),
        (_, Mode::Deepest) => 15_000 + beyond_ten(search),
    };
    Exact::micros(micros)
}

fn beyond_ten(search: &Search) -> u64 {
    search.results().saturating_sub(10).saturating_mul(1_000)
}

/// One run of what has no rule, at the dearest that was seen.
pub(crate) fn unruled(what: Unruled) -> Exact {
    Exact::micros(match what {
        Unruled::Small => 100_000,
        Unruled::Image => 400_000,
        Unruled::Panel => 3_000_000,
    })
}
