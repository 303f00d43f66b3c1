//! What OpenRouter bills beside tokens: searches, pages fetched, pages read. A table, dated.
//!
//! From OpenRouter's guides to web search, web fetch and PDF inputs (CONTRACT 9.3, read 2026-10). Not filtered by
//! anything that is sent, so a bound that rests on them is *published*.

use money::Rate;

use crate::run::{Engine, Search, SearchMode};

/// USD per page that `mistral-ocr` reads: $2 per 1,000, and a tenth more for requests pinned to the United States
/// (OpenRouter's guide to PDF inputs, read 2026-11-24); which a request is, its body does not say.
pub const OCR_PAGE: Rate = Rate::from_femtos(2_200_000_000_000);
/// Pages of one file that `mistral-ocr` reads at most.
pub const OCR_PAGES_MAX: u64 = 1_000;
/// USD per page fetched from the web: about $1 per 1,000, taken as that and a half.
pub const FETCH: Rate = Rate::from_femtos(1_500_000_000_000);
/// By Firecrawl: $2.50 per 1,000 on the page of the tool (read 2026-12), nothing beside the caller's own key in the guide;
/// taken as the former and a half.
const FETCH_FIRECRAWL: Rate = Rate::from_femtos(3_750_000_000_000);
/// Results that a search has when the request does not say.
pub(crate) const RESULTS_USUAL: u32 = 5;

/// Results that are in the price of a search at Exa; each further one is [`EXA_RESULT`].
const EXA_RESULTS: u32 = 10;
const EXA_RESULT: Rate = Rate::from_femtos(1_000_000_000_000);
const EXA: Rate = Rate::from_femtos(7_000_000_000_000);
const EXA_DEEP: Rate = Rate::from_femtos(12_000_000_000_000);
const EXA_DEEPEST: Rate = Rate::from_femtos(15_000_000_000_000);
const FIVE_MILLS: Rate = Rate::from_femtos(5_000_000_000_000);

/// USD per search with an engine other than the provider's own; `None` where no price is published.
pub fn search_fee(search: &Search) -> Option<Rate> {
    let results = search.max_results.unwrap_or(RESULTS_USUAL);
    let further = EXA_RESULT.saturating_mul(u64::from(results.saturating_sub(EXA_RESULTS)));
    match (search.engine, search.mode) {
        (Engine::Auto | Engine::Exa, SearchMode::Usual) => Some(EXA.saturating_add(further)),
        (Engine::Auto | Engine::Exa, SearchMode::Deep) => Some(EXA_DEEP.saturating_add(further)),
        (Engine::Auto | Engine::Exa, SearchMode::Deepest) => Some(EXA_DEEPEST.saturating_add(further)),
        // A mode that the engine does not have is ignored; those it has and prices apart are not published.
        (Engine::Parallel, SearchMode::Usual) | (Engine::Perplexity, _) => Some(FIVE_MILLS),
        // Paid with the caller's own key.
        (Engine::Firecrawl, _) => Some(Rate::ZERO),
        (Engine::Parallel | Engine::Native | Engine::OpenRouter, _) => None,
    }
}

/// USD per page fetched with an engine other than the provider's own.
pub fn fetch_fee(engine: Engine) -> Rate {
    if engine == Engine::Firecrawl { FETCH_FIRECRAWL } else { FETCH }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_of_searches() {
        let fee = |engine, mode, max_results| {
            search_fee(&Search { engine, mode, max_results, ..Search::default() })
                .map(|rate| rate.per_unit().to_string())
        };
        for (engine, mode, results, expect) in [
            (Engine::Auto, SearchMode::Usual, None, Some("0.007")),
            (Engine::Exa, SearchMode::Usual, Some(10), Some("0.007")),
            (Engine::Exa, SearchMode::Usual, Some(25), Some("0.022")),
            (Engine::Exa, SearchMode::Deep, Some(1), Some("0.012")),
            (Engine::Exa, SearchMode::Deepest, None, Some("0.015")),
            (Engine::Parallel, SearchMode::Usual, Some(50), Some("0.005")),
            (Engine::Parallel, SearchMode::Deep, None, None),
            (Engine::Perplexity, SearchMode::Usual, None, Some("0.005")),
            (Engine::Firecrawl, SearchMode::Usual, None, Some("0")),
            (Engine::Native, SearchMode::Usual, None, None),
        ] {
            assert_eq!(fee(engine, mode, results).as_deref(), expect, "{engine:?} {mode:?}");
        }
        assert_eq!(OCR_PAGE.times(1_000).to_string(), "2.200000000");
    }
}
