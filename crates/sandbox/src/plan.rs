//! [`Plan`]: everything about one generation, fixed before it runs.
//!
//! In its usual mode it counts with a tokenizer, draws an endpoint by inverse square of price and a length that is
//! mostly short. When adversarial it bills the most that the request permits: of all eligible endpoints of all models
//! asked for, the one that comes dearest.

use std::sync::Arc;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::account::guardrail::Rules;
use crate::account::purse::{Ask, Purse};
use crate::catalogue::{Asked, Catalogue, Endpoint, Model, PriceKind, Variant};
use crate::clock::Moment;
use crate::config::{Byok, Config, UsageTail};
use crate::cost::{Charge, Cost, Usage};
use crate::error::Failure;
use crate::exact::Exact;
use crate::faults::{Fate, Faults};
use crate::prices::Rates;
use crate::request::{Cache, Request, ToolChoice};
use crate::route::{self, Nothing};
use crate::tokens;
use crate::toll::worst::Case;
use crate::toll::{Counting, Matter, Toll, Turn, usual, worst};

/// The most text that an adversarial answer shows; the rest is only billed.
const SHOWN_MAX: u64 = 1024;
/// Below so many bytes a prompt is not counted again to see whether it fits.
const SURELY_FITS: u64 = 4000;
/// Faults of an endpoint are drawn aside.
const ASIDE: u64 = 0x6861_6269_7473;
/// And so is what tools do.
const TOOLS: u64 = 0x0074_6f6f_6c73;
/// How far beyond its cap an endpoint writes that ignores it, at most.
const BEYOND_MAX: u64 = 4096;
const PRESET_MODEL: &str = "openrouter/auto";

/// One generation.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) id: Arc<str>,
    pub(crate) created: Moment,
    pub(crate) model: Arc<Model>,
    pub(crate) provider: Arc<str>,
    pub(crate) endpoint: Arc<str>,
    pub(crate) session_id: Option<String>,
    /// Aborting the stream stops the billing.
    pub(crate) cancels: bool,
    pub(crate) stream: bool,
    pub(crate) usage: Usage,
    pub(crate) byok: Byok,
    pub(crate) content: Content,
    pub(crate) reasoning_shown: bool,
    pub(crate) finish: &'static str,
    pub(crate) exponent: bool,
    pub(crate) empty_choices: bool,
    pub(crate) comments: u8,
    pub(crate) first_byte_ms: u64,
    pub(crate) ready_after_ms: u64,
    /// How much longer when aborted, in tenths: 10 to 30.
    pub(crate) aborted_tenths: u64,
    pub(crate) fate: Fate,
    /// Prompt and output cap at token prices, USD: what the in-flight budget counts.
    pub(crate) estimate: Exact,
    /// Drawn for what the stream does.
    pub(crate) seed: u64,
    /// The most completion tokens that the request permits.
    cap: u64,
    rates: Rates,
    write: Exact,
    /// Searches, pages and the like.
    fees: Exact,
    /// Turns before the last: what OpenRouter ran for its own tools.
    earlier: (Usage, Cost),
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// So many tokens of text.
    Text(u64),
    /// A call of a tool, its arguments as JSON text.
    Tool { name: String, arguments: String },
}

/// The world a plan is made in.
pub(crate) struct World<'a> {
    pub(crate) config: &'a Config,
    pub(crate) faults: &'a Faults,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) now: Moment,
    /// The lists of the guardrails that bind the key.
    pub(crate) rules: &'a Rules,
    /// What it is paid from; none when nobody looks.
    pub(crate) purse: Option<&'a Purse>,
    /// How long after now it may be billed, when adversarial.
    pub(crate) span_ms: u64,
    /// How an adversary counts.
    pub(crate) counting: Counting,
}

/// An endpoint that may serve, and what it would bill.
pub(crate) struct Draft<'a> {
    pub(crate) asked: &'a Asked,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) toll: Toll,
    cap: u64,
    /// Prompt tokens as counted.
    counted: u64,
}

impl Plan {
    /// Draws a plan, or says why there is none.
    pub(crate) fn draw(
        world: &World<'_>,
        request: &Request,
        mut fate: Fate,
        rng: &mut Rng,
    ) -> Result<Plan, Failure> {
        let mut aside = Rng::with_seed(rng.clone().u64(..) ^ ASIDE);
        let asked = resolve(world, request, rng)?;
        let seed = rng.clone().u64(..) ^ TOOLS;
        let drafts = affordable(world, drafts(world, request, &asked, seed)?)?;
        let mut draft = if world.config.adversarial { dearest(drafts) } else { usual(drafts, request, rng) };
        world.faults.befall(&mut fate, &draft.endpoint.provider, &draft.asked.model.id, &mut aside);
        let content = world.content(request, &mut draft, rng);
        let hinted_or_cut = draft.toll.last.usage.completion >= draft.cap;
        if fate.cap_broken {
            draft.break_cap();
        }
        let finish = match content {
            Content::Tool { .. } => "tool_calls",
            Content::Text(_) if hinted_or_cut => "length",
            Content::Text(_) => "stop",
        };
        let config = world.config;
        let free = draft.asked.model.price == PriceKind::Free;
        Ok(Plan {
            estimate: if free { Exact::ZERO } else { draft.ask().estimate() },
            id: generation_id(world.now, rng),
            created: world.now,
            model: Arc::clone(&draft.asked.model),
            provider: Arc::clone(&draft.endpoint.provider),
            endpoint: Arc::clone(&draft.endpoint.id),
            session_id: request.session_id.clone(),
            cancels: draft.endpoint.cancels && !fate.cancel_broken,
            stream: request.stream,
            usage: draft.toll.last.usage,
            byok: config.byok,
            content,
            reasoning_shown: request.reasoning_shown,
            finish,
            exponent: rng.f64() < config.exponents,
            empty_choices: match config.usage_tail {
                UsageTail::TwoChunk => false,
                UsageTail::EmptyChoices => true,
                UsageTail::Mixed => rng.bool(),
            },
            comments: rng.u8(0..3),
            first_byte_ms: config.latency.first_byte.draw(rng),
            ready_after_ms: config.generation_delay.draw(rng),
            aborted_tenths: rng.u64(10..=30),
            fate,
            seed: rng.u64(..),
            cap: draft.cap,
            rates: draft.toll.last.rates,
            write: draft.toll.last.write,
            fees: draft.toll.fee(),
            earlier: draft.toll.before(),
        })
    }

    /// What is owed when it stops after so many completion tokens.
    pub(crate) fn charge_at(&self, completion: u64) -> Charge {
        self.charge_of(&self.cut_at(completion))
    }

    /// What is owed for all of it.
    pub(crate) fn charge(&self) -> Charge {
        self.charge_of(&self.usage)
    }

    /// The usage of all turns when the last one stops after so many completion tokens.
    pub(crate) fn usage_at(&self, completion: u64) -> Usage {
        self.cut_at(completion).plus(&self.earlier.0)
    }

    /// Thinking comes first.
    fn cut_at(&self, completion: u64) -> Usage {
        let usage = &self.usage;
        let completion = completion.min(usage.completion);
        let reasoning = usage.reasoning.min(completion);
        let image_output = usage.image_output.min(completion - reasoning);
        let audio_output = usage.audio_output.min(completion - reasoning - image_output);
        Usage { completion, reasoning, image_output, audio_output, ..*usage }
    }

    /// The same under another id, and without faults, but for that it may never be found.
    pub(crate) fn again(&self, now: Moment) -> Plan {
        let fate = Fate { generation_lost: self.fate.generation_lost, ..Fate::default() };
        Plan { id: generation_id(now, &mut Rng::with_seed(!self.seed)), fate, ..self.clone() }
    }

    /// The most that the request permits at this endpoint, and no less than what it comes to.
    pub(crate) fn permitted(&self) -> Charge {
        let completion = self.cap.max(self.usage.completion);
        self.charge_of(&Usage { completion, ..self.usage })
    }

    fn charge_of(&self, usage: &Usage) -> Charge {
        let cost = Cost::of(usage, &self.rates, self.write, self.fees).plus(&self.earlier.1);
        let list = cost.total();
        let (openrouter, provider) = match self.byok {
            Byok::Off => (list, Exact::ZERO),
            Byok::Fee => (list.fraction_up(5, 100), list),
            Byok::Free => (Exact::ZERO, list),
        };
        Charge { openrouter, provider, cost }
    }
}

pub(crate) fn resolve(world: &World<'_>, request: &Request, rng: &mut Rng) -> Result<Vec<Asked>, Failure> {
    let preset = [PRESET_MODEL.to_owned()];
    let names: &[String] = if request.preset { &preset } else { &request.models };
    let found: Vec<Asked> = names
        .iter()
        .map(|name| match world.catalogue.resolve(name, rng) {
            Some(asked) if asked.model.chats => Ok(asked),
            Some(_) => Err(Failure::availability(
                400,
                &format!("{name} cannot be used for chat completions"),
                "wrong_endpoint",
                &request.models,
            )),
            None => Err(Failure::availability(
                400,
                &format!("{name} is not a valid model ID"),
                "model_not_found",
                &request.models,
            )),
        })
        .collect::<Result<_, _>>()?;
    // A router may choose any, and an adversary has it choose the dearest.
    let routed = world.config.adversarial && names.iter().any(|name| world.catalogue.is_router(name));
    let found = if routed { found.into_iter().chain(world.catalogue.routed()).collect() } else { found };
    let (allowed, blocked): (Vec<Asked>, Vec<Asked>) =
        found.into_iter().partition(|asked| world.rules.allow_model(&asked.model));
    match blocked.first().filter(|_| allowed.is_empty()) {
        Some(first) => Err(Failure::guarded(&first.model.id)),
        None => Ok(allowed),
    }
}

/// Every endpoint of every model that may serve it, with its bill; models in the order asked.
pub(crate) fn drafts<'a>(
    world: &World<'_>,
    request: &Request,
    asked: &'a [Asked],
    seed: u64,
) -> Result<Vec<Vec<Draft<'a>>>, Failure> {
    let mut drafts = Vec::new();
    let mut refused = Vec::new();
    for asked in asked {
        let least = world.least_tokens(request, &asked.model);
        let defaults = world.config.defaults();
        match route::eligible(asked, request, least, world.rules, defaults.premium) {
            Ok(endpoints) => {
                let matter = Matter::of(request, asked, world.adversary(), &defaults);
                let draft = |endpoint| world.draft(request, asked, endpoint, least, &matter, seed);
                drafts.push(endpoints.into_iter().map(draft).collect());
            }
            Err(nothing) => refused.push((nothing, least)),
        }
    }
    if !drafts.is_empty() {
        return Ok(drafts);
    }
    let priced_out = refused.iter().find(|(nothing, _)| *nothing == Nothing::Price);
    let &(nothing, tokens) = priced_out.or(refused.first()).expect("at least one model was asked for");
    Err(nothing.failure(tokens, &request.models))
}

/// The drafts that can be paid in full; the check is made at one endpoint after the other.
fn affordable<'a>(world: &World<'_>, drafts: Vec<Vec<Draft<'a>>>) -> Result<Vec<Vec<Draft<'a>>>, Failure> {
    let Some(purse) = world.purse else { return Ok(drafts) };
    let mut shorts = Vec::new();
    let mut can_pay = |draft: &Draft<'_>| match purse.affords(&draft.ask()) {
        Ok(()) => true,
        Err(short) => {
            shorts.push(short);
            false
        }
    };
    let mut left = Vec::new();
    for mut own in drafts {
        own.retain(&mut can_pay);
        if !own.is_empty() {
            left.push(own);
        }
    }
    if left.is_empty() { Err(purse.refusal(&shorts)) } else { Ok(left) }
}

/// The one that comes dearest.
pub(crate) fn dearest(drafts: Vec<Vec<Draft<'_>>>) -> Draft<'_> {
    drafts
        .into_iter()
        .flatten()
        .max_by_key(|draft| draft.toll.total())
        .expect("at least one endpoint is eligible")
}

/// The first model, rarely a fallback; its endpoint by preference, or by inverse square of price.
pub(crate) fn usual<'a>(mut drafts: Vec<Vec<Draft<'a>>>, request: &Request, rng: &mut Rng) -> Draft<'a> {
    let fallback = rng.f64() < 0.05;
    let mut drafts = drafts.swap_remove(usize::from(fallback && drafts.len() > 1));
    if !request.tools.is_empty() && drafts.iter().any(|draft| draft.endpoint.takes_tools) {
        drafts.retain(|draft| draft.endpoint.takes_tools);
    }
    let weights: Vec<f64> =
        drafts.iter().map(|draft| route::weight(draft.endpoint, draft.asked.model.price)).collect();
    let ordered = request
        .provider
        .order
        .iter()
        .find_map(|name| drafts.iter().position(|draft| draft.endpoint.is_called(name)));
    let cheapest = request.provider.by_price || drafts[0].asked.variant == Variant::Floor;
    let chosen = match ordered {
        Some(index) => index,
        None if cheapest => index_of_max(&weights),
        None => drawn(&weights, rng),
    };
    drafts.swap_remove(chosen)
}

fn index_of_max(weights: &[f64]) -> usize {
    (0..weights.len()).max_by(|&a, &b| weights[a].total_cmp(&weights[b]).then(b.cmp(&a))).unwrap_or_default()
}

fn drawn(weights: &[f64], rng: &mut Rng) -> usize {
    let mut left = rng.f64() * weights.iter().sum::<f64>();
    for (index, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return index;
        }
    }
    weights.len() - 1
}

impl World<'_> {
    /// How an adversary counts, if it is one.
    fn adversary(&self) -> Option<Counting> {
        self.config.adversarial.then_some(self.counting)
    }

    /// As few prompt tokens as it can be said to have: what the context filter takes.
    fn least_tokens(&self, request: &Request, model: &Model) -> u64 {
        if self.config.adversarial {
            let worst = tokens::worst(request, model);
            let fits = |endpoint: &Endpoint| {
                worst <= endpoint.prompt_max && worst.saturating_add(endpoint.output_max) <= endpoint.context
            };
            // Where it fits however it is counted, and no purse is asked, nothing depends on it.
            let fits_all = || self.purse.is_none() && model.endpoints.iter().all(fits);
            if worst < SURELY_FITS || fits_all() { worst } else { tokens::counted(request, model).min(worst) }
        } else {
            tokens::counted(request, model)
        }
    }

    /// What an endpoint bills: everything but the length in the usual mode, all of it when adversarial.
    fn draft<'a>(
        &self,
        request: &Request,
        asked: &'a Asked,
        endpoint: &'a Endpoint,
        least: u64,
        matter: &Matter,
        seed: u64,
    ) -> Draft<'a> {
        let adversarial = self.config.adversarial;
        let wanted = match (request.max_completion_tokens, request.max_tokens) {
            (Some(a), Some(b)) if adversarial => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        let wanted = wanted.filter(|_| endpoint.obeys_cap).unwrap_or(u64::MAX);
        let cap = wanted.min(endpoint.output_max).min(endpoint.context - least);
        let hinted = request.wanted_tokens.map(|wanted| wanted.min(cap));
        let model = &*asked.model;
        let mut toll = if adversarial {
            let (from, to) = (self.now, self.now.after_ms(self.span_ms));
            let cap = hinted.unwrap_or_else(|| wanted.min(endpoint.output_max));
            let in_the_states = self.config.in_the_states;
            worst::toll(&Case { request, model, endpoint, matter, cap, from, to, in_the_states })
        } else {
            let mut rng = Rng::with_seed(seed);
            usual::toll(model, endpoint, matter, self.now, self.config.in_the_states, &mut rng)
        };
        if let Some(hinted) = hinted.filter(|_| !adversarial) {
            toll.last.usage.completion = hinted;
        }
        Draft { asked, endpoint, toll, cap, counted: least }
    }

    /// Draws the length and what is said, and how much of the prompt was cached.
    pub(crate) fn content(&self, request: &Request, draft: &mut Draft<'_>, rng: &mut Rng) -> Content {
        let config = self.config;
        let chance = rng.f64();
        let calls = !request.tools.is_empty()
            && match request.tool_choice {
                ToolChoice::None => false,
                ToolChoice::Required => true,
                ToolChoice::Auto => chance < config.tool_calls,
            };
        let call = calls.then(|| tool_call(&request.tools[rng.usize(..request.tools.len())]));
        let hinted = request.wanted_tokens.is_some();
        if !config.adversarial {
            draft.be_usual(request, rng);
            let usage = &mut draft.toll.last.usage;
            if !hinted {
                usage.completion = length(draft.cap, rng);
                if draft.asked.model.reasons && !request.reasoning_off && call.is_none() && rng.f64() < 0.4 {
                    usage.reasoning = usage.completion * rng.u64(2..7) / 10;
                }
            }
        }
        if let Some((name, arguments, tokens)) = call {
            let fits = hinted || config.adversarial || tokens <= draft.cap;
            if fits {
                if !hinted && !config.adversarial {
                    draft.toll.last.usage.completion = tokens;
                }
                return Content::Tool { name, arguments };
            }
        }
        let usage = &draft.toll.last.usage;
        let text = usage.completion - usage.reasoning.min(usage.completion);
        Content::Text(if config.adversarial { usage.completion.min(SHOWN_MAX) } else { text })
    }
}

impl Draft<'_> {
    /// What OpenRouter asks for beforehand: token prices alone.
    fn ask(&self) -> Ask {
        Ask {
            prompt: self.counted,
            output: self.cap,
            prompt_price: self.toll.last.rates.prompt,
            output_price: self.toll.last.rates.completion,
        }
    }

    /// Half as much again as was permitted: billed, if not shown.
    fn break_cap(&mut self) {
        let usage = &mut self.toll.last.usage;
        usage.completion = usage.completion.max(self.cap) + (self.cap / 2).clamp(16, BEYOND_MAX);
    }

    /// Some of the prompt is read from a cache, or written to one.
    fn be_usual(&mut self, request: &Request, rng: &mut Rng) {
        let (hit, written) = (rng.f64(), rng.f64());
        if self.asked.model.price == PriceKind::Free {
            return;
        }
        let marked = request.cache != Cache::None;
        let family = self.asked.model.family;
        let Turn { usage, rates, write } = &mut self.toll.last;
        let plain = usage.prompt - usage.images - usage.audio;
        if rates.cache_read.is_some() && hit < if marked { 0.5 } else { 0.2 } {
            usage.cached = if marked { plain } else { plain / 2 };
        } else if let Some(price) =
            rates.write_price(request.cache, family, self.endpoint.caches).filter(|_| marked || written < 0.3)
        {
            *write = price;
            usage.written = plain;
        }
    }
}

/// Mostly short, with a long tail.
fn length(cap: u64, rng: &mut Rng) -> u64 {
    let drawn = match rng.f64() {
        chance if chance < 0.70 => rng.u64(5..120),
        chance if chance < 0.90 => rng.u64(120..600),
        chance if chance < 0.98 => rng.u64(600..3000),
        _ => rng.u64(3000..40_000),
    };
    drawn.min(cap)
}

/// A call that fits a tool's schema roughly: name, arguments, tokens.
fn tool_call(tool: &Value) -> (String, String, u64) {
    let function = &tool["function"];
    let name = function["name"].as_str().unwrap_or_default().to_owned();
    let properties = function["parameters"]["properties"].as_object();
    let arguments: serde_json::Map<String, Value> =
        properties.into_iter().flatten().map(|(key, schema)| (key.clone(), argument(schema))).collect();
    let arguments = Value::Object(arguments).to_string();
    let tokens = bpe_openai::o200k_base().count(format!("{name}{arguments}").as_str()) as u64 + 8;
    (name, arguments, tokens)
}

fn argument(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str().unwrap_or("string") {
        "integer" | "number" => json!(7),
        "boolean" => json!(true),
        "array" => json!([]),
        "object" => json!({}),
        "null" => Value::Null,
        _ => json!("some words"),
    }
}

/// A new id, of the shape that was seen (CONTRACT 7.1).
fn generation_id(now: Moment, rng: &mut Rng) -> Arc<str> {
    let tail: String = (0..20).map(|_| rng.alphanumeric()).collect();
    format!("gen-{}-{tail}", now.seconds()).into()
}
