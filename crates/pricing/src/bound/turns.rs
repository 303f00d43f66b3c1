//! [`Turns`]: what server tools and plugins add: more turns of the model, their results in the prompt, fees.
//!
//! A loop of N steps has at most N + 1 turns, the last with its tools disabled (OpenAPI document of 2026-08-22,
//! `StopServerToolsWhen`). Each turn is billed its whole prompt again: the first prompt, every result so far, and the
//! answers of the turns before it. What caps a result is pinned; what nothing caps may fill the context. Between them is
//! what a tool says without having run, or that costs nothing: no count of calls is capped (the stop that we send overrides
//! `max_tool_calls`), but each is called for in an answer, which is.

use money::Rate;

use crate::fees::{self, RESULTS_USUAL, fetch_fee, search_fee};
use crate::grounds::BoundPolicy;
use crate::run::{Engine, Fetch, PdfEngine, Pins, Plugins, Search, ServerTool};
use crate::shape::{Shape, TierAsked};
use crate::unpriced::{Unpriced, WebSearch};

/// Characters of a search result, where the request does not say.
const CHARACTERS: u32 = 1_000;
/// Tokens of a fetched page, where the request does not say.
const PAGE_TOKENS: u32 = 5_000;

/// Nobody says whether a character is a code point, of up to four bytes, or a unit of UTF-16, of up to three.
const TOKENS_PER_CHARACTER: u64 = 4;
/// Title, address and date of a result.
const PER_RESULT: u64 = 512;
/// "Approximate tokens" are taken as four characters each.
const PER_PAGE_TOKEN: u64 = 4;
/// What wraps results: each turn.
const PER_TURN: u64 = 1_024;
/// Tokens of results for a token of the answer that calls for them. The time and its zone are some sixty, and called for in
/// eight at least: a name in two marks (Mistral's template; others take twenty).
const PER_CLOCK_TOKEN: u64 = 8;
/// A call that is refused, because there are no more uses, says about as much, and has an argument.
const PER_REFUSED_TOKEN: u64 = 4;

/// What a loop and plugins come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turns {
    /// Turns of the model, 1 without server tools.
    pub(super) count: u64,
    /// Tokens that all results together add to the prompt; `None`: they may fill the context.
    pub(super) results: Option<u64>,
    /// Tokens of further results for each token of an answer.
    called: u64,
    /// Searches other than the provider's own, and what one costs.
    pub(super) searches: (u64, Rate),
    /// Searches of the provider's own.
    pub(super) native: u64,
    /// Pages fetched, and what one costs.
    pub(super) fetches: (u64, Rate),
    /// Pages read by OCR.
    pub(super) pages: u64,
    /// Who reads files, where there are any.
    pub(super) reader: Option<PdfEngine>,
    /// What must be pinned.
    pub(super) pins: Pins,
}

/// What decides about engines: of all models that may answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Servers {
    /// All of them are Anthropic's, whose own search takes `max_uses`.
    pub(super) all_claude: bool,
    /// All of them read files.
    pub(super) all_read_files: bool,
    /// Some endpoint is of a premium tier, and none was asked for by name.
    pub(super) premium: bool,
}

impl Turns {
    /// Of a request.
    ///
    /// # Errors
    /// A search that nothing caps, or without a published price.
    pub(super) fn of(shape: &Shape<'_>, policy: &BoundPolicy, servers: Servers) -> Result<Turns, Unpriced> {
        let mut turns = Turns {
            count: 1,
            results: Some(0),
            called: 0,
            searches: (0, Rate::ZERO),
            native: 0,
            fetches: (0, Rate::ZERO),
            pages: 0,
            reader: None,
            pins: Pins::default(),
        };
        turns.pins.tier = servers.premium && shape.tier == TierAsked::Standard;
        if !policy.keep_plugin_defaults {
            let all = Plugins::WEB.with(Plugins::FUSION);
            turns.pins.off = all.without(shape.run.named);
        }
        turns.read_files(shape, servers);
        turns.run(shape, policy, servers)?;
        Ok(turns)
    }

    /// Answers that are read again as prompt, in caps: 1 + 2 + ... of the turns before.
    pub(super) fn read_again(&self) -> u64 {
        self.count.saturating_mul(self.count - 1) / 2
    }

    /// What their calls bring back beside the results that are counted, in caps; a full context holds it already.
    pub(super) fn called_again(&self) -> u64 {
        if self.results.is_some() { self.read_again().saturating_mul(self.called) } else { 0 }
    }

    fn run(&mut self, shape: &Shape<'_>, policy: &BoundPolicy, servers: Servers) -> Result<(), Unpriced> {
        let run = &shape.run;
        if let Some(plugin) = &run.web {
            let pinned = self.search(plugin, policy, servers)?;
            self.pins.web = Some(pinned);
            // Its results have no cap of their own.
            self.results = None;
        }
        for tool in &run.tools {
            let pinned = match tool {
                ServerTool::Search(search) => ServerTool::Search(self.search(search, policy, servers)?),
                ServerTool::Fetch(fetch) => ServerTool::Fetch(self.fetch(fetch, policy)?),
                ServerTool::Clock => ServerTool::Clock,
            };
            let called = if *tool == ServerTool::Clock { PER_CLOCK_TOKEN } else { PER_REFUSED_TOKEN };
            self.called = self.called.max(called);
            self.pins.tools.push(pinned);
        }
        if run.loops || !run.tools.is_empty() {
            let steps = run.steps.unwrap_or(policy.tool_steps).min(policy.tool_steps).max(1);
            self.pins.steps = Some(steps);
            self.count += u64::from(steps);
            self.add_results(PER_TURN.saturating_mul(self.count));
            // What an allowed tool without a rule answers has no cap.
            if shape.costs.iter().any(|cost| matches!(cost, Unpriced::ServerTool { .. })) {
                self.results = None;
            }
        }
        self.search_inside(shape);
        Ok(())
    }

    /// The provider's own search has turns inside a turn: of the one there is, or, where other tools loop as well, of each,
    /// for `max_uses` is not said to hold for all of them together.
    fn search_inside(&mut self, shape: &Shape<'_>) {
        let run = &shape.run;
        let loops = |cost: &Unpriced| match cost {
            Unpriced::ServerTool { .. } => true,
            Unpriced::Plugin(id) => id == "web-fetch",
            _ => false,
        };
        let foreign = shape.costs.iter().any(loops);
        let alone = run.tools.len() + usize::from(run.web.is_some()) == 1 && !foreign;
        if self.native == 0 || alone {
            self.count = self.count.saturating_add(self.native);
        } else {
            let turns = self.count;
            self.count = turns.saturating_mul(self.native.saturating_add(1));
            self.native = self.native.saturating_mul(turns);
        }
    }

    fn search(&mut self, asked: &Search, policy: &BoundPolicy, servers: Servers) -> Result<Search, Unpriced> {
        let uses = asked.max_uses.unwrap_or(policy.tool_uses).min(policy.tool_uses).max(1);
        let mut pinned = Search { max_uses: Some(uses), ..*asked };
        if asked.engine == Engine::Native {
            if !servers.all_claude {
                return Err(Unpriced::WebSearch(WebSearch::Native));
            }
            self.native += u64::from(uses);
            self.results = None;
            return Ok(pinned);
        }
        if asked.engine == Engine::Auto {
            pinned.engine = Engine::Exa;
        }
        if asked.engine == Engine::Firecrawl {
            // It ignores max_characters (OpenAPI document of 2026-08-22, WebSearchServerToolConfig).
            self.results = None;
        }
        let each = asked.max_results.unwrap_or(RESULTS_USUAL);
        let total = uses.saturating_mul(each);
        let total = asked.max_total_results.map_or(total, |asked| asked.min(total));
        let characters = asked.max_characters.unwrap_or(CHARACTERS);
        pinned.max_results = Some(each);
        pinned.max_total_results = Some(total);
        pinned.max_characters = Some(characters);
        let Some(fee) = search_fee(&pinned) else {
            return Err(Unpriced::WebSearch(WebSearch::Mode));
        };
        self.searches = (self.searches.0 + u64::from(uses), self.searches.1.max(fee));
        let tokens = u64::from(characters).saturating_mul(TOKENS_PER_CHARACTER).saturating_add(PER_RESULT);
        self.add_results(u64::from(total).saturating_mul(tokens));
        Ok(pinned)
    }

    /// The provider's own engine truncates nothing, and fetches up to fifty pages within a turn (OpenRouter's guide to web
    /// fetch, read 2026-12); `auto` may mean it.
    fn fetch(&mut self, asked: &Fetch, policy: &BoundPolicy) -> Result<Fetch, Unpriced> {
        let engine = match asked.engine {
            Engine::Native => return Err(Unpriced::WebFetch),
            Engine::Auto => Engine::Exa,
            named => named,
        };
        let uses = asked.max_uses.unwrap_or(policy.tool_uses).min(policy.tool_uses).max(1);
        let tokens = asked.max_content_tokens.unwrap_or(PAGE_TOKENS);
        self.fetches = (self.fetches.0 + u64::from(uses), self.fetches.1.max(fetch_fee(engine)));
        let each = (u64::from(tokens) * PER_PAGE_TOKEN).saturating_add(PER_RESULT);
        self.add_results(u64::from(uses).saturating_mul(each));
        Ok(Fetch { engine, max_uses: Some(uses), max_content_tokens: Some(tokens) })
    }

    fn read_files(&mut self, shape: &Shape<'_>, servers: Servers) {
        if shape.media.files == 0 {
            return;
        }
        let engine = shape.run.pdf.unwrap_or_else(|| {
            let engine = if servers.all_read_files { PdfEngine::Native } else { PdfEngine::Cloudflare };
            self.pins.pdf = Some(engine);
            engine
        });
        self.reader = Some(if shape.run.parser_off { PdfEngine::Native } else { engine });
        // Where a model cannot read the file, OpenRouter does, and its dearest engine may be the one.
        let natively = engine == PdfEngine::Native && !servers.all_read_files;
        if engine == PdfEngine::Mistral || natively {
            self.pages = u64::from(shape.media.files).saturating_mul(fees::OCR_PAGES_MAX);
        }
    }

    fn add_results(&mut self, tokens: u64) {
        self.results = self.results.map(|results| results.saturating_add(tokens));
    }
}
