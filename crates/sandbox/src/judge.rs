//! [`Judge`]: what OpenRouter may bill for a body, without a server.
//!
//! The same arithmetic as behind the sandbox's HTTP: a request is read, routed and priced, only that the account is the
//! least convenient one there can be. Web search and fusion are on by default, `auto` may be served at a dearer tier, and
//! requests are pinned to the United States. [`Judge::worst`] is the most that may be billed; [`Judge::usual`] is what one
//! such request plausibly costs.

use std::fmt;

use fastrand::Rng;

use crate::account::guardrail::Rules;
use crate::catalogue::Catalogue;
use crate::clock::Moment;
use crate::config::Config;
use crate::cost::Usage;
use crate::error::Failure;
use crate::exact::Exact;
use crate::plan::{self, World};
use crate::prices::Rates;
use crate::request::Request;
use crate::toll::{Counting, Toll, Turn};

/// A judge of bodies, over a catalogue.
#[derive(Debug)]
pub struct Judge {
    catalogue: Catalogue,
    worst: Config,
    usual: Config,
}

/// What was billed.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The id of the model that answered.
    pub model: String,
    /// The tag of the endpoint that served.
    pub endpoint: String,
    total: Exact,
    toll: Toll,
}

/// Why nothing was billed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The body of the error.
    pub body: String,
}

/// One line of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is for.
    pub what: String,
    /// How many.
    pub count: u64,
    /// USD each, decimal text.
    pub each: String,
    /// USD, decimal text.
    pub usd: String,
}

impl Judge {
    /// A judge over the answer of `/models`, and the answers of `/endpoints` as one JSON object by model id. A model
    /// without an answer has one endpoint, as its row says.
    ///
    /// # Errors
    /// They are no JSON.
    pub fn new(models: &str, endpoints: &str) -> Result<Judge, serde_json::Error> {
        let worst = Config {
            adversarial: true,
            account_plugins: vec!["web".to_owned(), "fusion".to_owned()],
            premium_by_default: true,
            in_the_states: true,
            ..Config::default()
        };
        Ok(Judge { catalogue: Catalogue::read(models, endpoints, 1000)?, worst, usual: Config::default() })
    }

    /// The most that may be billed for a body that is sent at `now_ms` (milliseconds since 1970) and runs for at most
    /// `span_ms`.
    ///
    /// # Errors
    /// OpenRouter would refuse it.
    pub fn worst(
        &self,
        body: &[u8],
        counting: Counting,
        now_ms: u64,
        span_ms: u64,
    ) -> Result<Verdict, Refused> {
        let mut rng = Rng::with_seed(0);
        let request = Request::read(body)?;
        let rules = Rules::default();
        let world = self.world(&self.worst, &rules, now_ms, span_ms, counting);
        let asked = plan::resolve(&world, &request, &mut rng)?;
        let drafts = plan::drafts(&world, &request, &asked, 0)?;
        let draft = plan::dearest(drafts);
        Ok(Verdict::new(&draft.asked.model.id, &draft.endpoint.tag, draft.toll))
    }

    /// What a body that is sent at `now_ms` plausibly costs.
    ///
    /// # Errors
    /// OpenRouter would refuse it.
    pub fn usual(&self, body: &[u8], now_ms: u64, seed: u64) -> Result<Verdict, Refused> {
        let mut rng = Rng::with_seed(seed);
        let request = Request::read(body)?;
        let rules = Rules::default();
        let world = self.world(&self.usual, &rules, now_ms, 0, Counting::Tokenizer);
        let asked = plan::resolve(&world, &request, &mut rng)?;
        let drafts = plan::drafts(&world, &request, &asked, seed)?;
        let mut draft = plan::usual(drafts, &request, &mut rng);
        world.content(&request, &mut draft, &mut rng);
        Ok(Verdict::new(&draft.asked.model.id, &draft.endpoint.tag, draft.toll))
    }

    fn world<'a>(
        &'a self,
        config: &'a Config,
        rules: &'a Rules,
        now_ms: u64,
        span_ms: u64,
        counting: Counting,
    ) -> World<'a> {
        let now = Moment(now_ms);
        let (faults, catalogue) = (&config.faults, &self.catalogue);
        World { config, faults, catalogue, now, rules, purse: None, span_ms, counting }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Refused {
        Refused { status: failure.status, body: failure.body }
    }
}

impl Verdict {
    fn new(model: &str, endpoint: &str, toll: Toll) -> Verdict {
        Verdict { model: model.to_owned(), endpoint: endpoint.to_owned(), total: toll.total(), toll }
    }

    /// The sum in billionths of a dollar, rounded up.
    pub fn nanos_up(&self) -> u128 {
        self.total.nanos_up()
    }

    /// The sum, USD, exact decimal text.
    pub fn usd(&self) -> String {
        self.total.to_string()
    }

    /// Runs of the model.
    pub fn turns(&self) -> usize {
        self.toll.earlier.len() + 1
    }

    /// Prompt tokens billed over all turns.
    pub fn prompt_tokens(&self) -> u64 {
        self.toll.before().0.prompt + self.toll.last.usage.prompt
    }

    /// Completion tokens billed over all turns.
    pub fn completion_tokens(&self) -> u64 {
        self.toll.before().0.completion + self.toll.last.usage.completion
    }

    /// The bill, line by line.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let turns = self.toll.earlier.iter().chain([&self.toll.last]);
        for (at, turn) in turns.enumerate() {
            turn_lines(at + 1, turn, &mut lines);
        }
        for fee in &self.toll.fees {
            push(&mut lines, fee.what.to_owned(), fee.count, fee.each);
        }
        lines
    }
}

fn turn_lines(turn: usize, Turn { usage, rates, write }: &Turn, lines: &mut Vec<Line>) {
    let Usage { prompt, cached, written, images, audio, completion, .. } = *usage;
    let Rates { completion: said, .. } = *rates;
    let plain = prompt - cached - written - images - audio;
    let text = completion - usage.reasoning - usage.image_output - usage.audio_output;
    for (what, count, each) in [
        ("prompt", plain, rates.prompt),
        ("prompt, read from a cache", cached, rates.cache_read.unwrap_or(rates.prompt)),
        ("prompt, written to a cache", written, *write),
        ("tokens of images", images, rates.image_rate()),
        ("tokens of sound", audio, rates.audio_rate()),
        ("images", usage.pictures, rates.per_picture()),
        ("answer", text, said),
        ("thoughts", usage.reasoning, rates.internal_reasoning.unwrap_or(said)),
        ("images drawn", usage.image_output, rates.image_output.unwrap_or(said)),
        ("sound made", usage.audio_output, rates.audio_output.unwrap_or(said)),
        ("request", 1, rates.request.plus(rates.unknown)),
    ] {
        push(lines, format!("turn {turn}: {what}"), count, each);
    }
}

fn push(lines: &mut Vec<Line>, what: String, count: u64, each: Exact) {
    if count > 0 && !each.is_zero() {
        lines.push(Line { what, count, each: each.to_string(), usd: each.times(count).to_string() });
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} at {}: {} USD", self.model, self.endpoint, self.usd())?;
        for line in self.lines() {
            writeln!(f, "  {:<40} {:>12} x {:<28} = {}", line.what, line.count, line.each, line.usd)?;
        }
        Ok(())
    }
}
