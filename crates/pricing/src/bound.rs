//! [`bound`]: the most a request can be billed once its permission is shrunk.
//!
//! For each model the request may be billed at, in steps:
//!
//! 1. the *usable* endpoints: those whose prices we can read, that obey an output cap and have kept to their bounds.
//!    The others are excluded with `provider.ignore` where a usable one remains, and bounded by their own limits, or
//!    by what they billed before ([`Distrust`]), where none does;
//! 2. the *permission*: the dearest base price of a usable endpoint within the caller's own `max_price`, plus one
//!    femto-dollar (OpenRouter may compare in floating point), shared by all of `models[]`;
//! 3. the *eligible* endpoints: every usable one whose base price is within that permission;
//! 4. the *conditional* price: the dearest that any eligible endpoint may ask, with every override that can apply
//!    and every cache price that can be met.
//!
//! The bound is the prompt's most tokens at the dearest input price, plus fees, plus the cap at the dearest output
//! price; the largest over the models.

use money::{Nano, Rate};
use smallvec::SmallVec;

use crate::book::{Book, Resolved};
use crate::distrust::{Distrusted, Growth};
use crate::explain::{Explanation, Term};
use crate::grounds::Grounds;
use crate::model::{Endpoint, Family, Model, Tier};
use crate::prices::{Prices, RowPrices};
use crate::run::Pins;
use crate::schedule::Span;
use crate::shape::{CacheWrite, Shape};
use crate::tokens::prompt_tokens;
use crate::unpriced::Unpriced;

/// Bytes of `, "max_completion_tokens": 1234567`, and some to spare.
const CAP_WORDS: u64 = 40;

/// How far a bound can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Each term is capped by a field we send and OpenRouter documents as a filter or cap.
    Proven,
    /// A term rests on a published price, limit or rule; [`Reasons`] says which.
    Published,
    /// A term rests on an allowance: somebody's word.
    Unbounded,
}

impl Class {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Class::Proven => "proven",
            Class::Published => "published",
            Class::Unbounded => "unbounded",
        }
    }
}

/// One reason why a bound is not proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Reason {
    /// The endpoints are not known; the model row's price pins the set.
    EndpointsUnknown = 1,
    /// An override may apply, which `max_price` does not filter.
    Override = 1 << 1,
    /// A cache write may be billed, which `max_price` does not filter.
    CacheWrite = 1 << 2,
    /// Cached or reasoning tokens may be dearer than the base price.
    DearerTokens = 1 << 3,
    /// The body has scalar fields we do not know.
    UnknownScalars = 1 << 4,
    /// The tokenizer is not public.
    Tokenizer = 1 << 5,
    /// How tools and schemas are rendered into the prompt is not public.
    Tools = 1 << 6,
    /// The prompt is taken to fit the context length.
    ContextLength = 1 << 7,
    /// The name is an alias, whose target may move.
    Alias = 1 << 8,
    /// Several answers are asked for, which OpenRouter does not document.
    Choices = 1 << 9,
    /// A provider may ignore the output cap and is bounded by its own limit.
    OutputLimit = 1 << 10,
    /// OpenRouter has not told its prices for longer than a day.
    StalePrices = 1 << 11,
    /// A provider that has billed more than its bound may serve it; the bound is enlarged for that.
    BrokenWord = 1 << 12,
}

impl Reason {
    const ALL: [Reason; 13] = [
        Reason::EndpointsUnknown,
        Reason::Override,
        Reason::CacheWrite,
        Reason::DearerTokens,
        Reason::UnknownScalars,
        Reason::Tokenizer,
        Reason::Tools,
        Reason::ContextLength,
        Reason::Alias,
        Reason::Choices,
        Reason::OutputLimit,
        Reason::StalePrices,
        Reason::BrokenWord,
    ];

    /// The reason in words.
    pub const fn words(self) -> &'static str {
        match self {
            Reason::EndpointsUnknown => "the model's endpoints are not known yet",
            Reason::Override => "a conditional price may apply",
            Reason::CacheWrite => "the prompt may be written to a cache",
            Reason::DearerTokens => "cached or reasoning tokens are priced above the base price",
            Reason::UnknownScalars => "the body has fields farebox does not know",
            Reason::Tokenizer => "the tokenizer is not public",
            Reason::Tools => "tools and schemas are rendered into the prompt by an unpublished rule",
            Reason::ContextLength => "the prompt is taken to fit the published context length",
            Reason::Alias => "the name is an alias whose target may move",
            Reason::Choices => "several answers are asked for",
            Reason::OutputLimit => {
                "a provider may ignore the output cap and is bounded by its published limit"
            }
            Reason::StalePrices => "OpenRouter has not told its prices for longer than a day",
            Reason::BrokenWord => "a provider that has billed above its bound before may serve it",
        }
    }
}

/// A set of [`Reason`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reasons(u16);

impl Reasons {
    fn add(&mut self, reason: Reason) {
        self.0 |= reason as u16;
    }

    fn add_if(&mut self, condition: bool, reason: Reason) {
        if condition {
            self.add(reason);
        }
    }

    /// Whether there is none: the bound is proven.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this reason is among them.
    pub const fn contains(self, reason: Reason) -> bool {
        self.0 & reason as u16 != 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |&reason| self.contains(reason))
    }
}

/// The `provider.max_price` a bound rests on: base prices, USD per unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaxPrice {
    /// Per input token.
    pub prompt: Rate,
    /// Per output token.
    pub completion: Rate,
    /// Per request; only when some row charges one.
    pub request: Option<Rate>,
    /// Per image; only for requests that hold images, where some row lists a price for them.
    pub image: Option<Rate>,
    /// Per audio token; only for requests that hold audio, where some row lists a price for it.
    pub audio: Option<Rate>,
}

/// The most a request can be billed once its permission is shrunk to this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The first model asked for, by the id of its row.
    pub model: String,
    /// The version of the price book.
    pub book_version: u64,
    /// The most prompt tokens.
    pub input_tokens: u64,
    /// Prompt and request fee at their dearest.
    pub input: Nano,
    /// The dearest price of one token of output cap, all choices together.
    pub output_rate: Rate,
    /// What an endpoint that may ignore the cap can bill for its output whatever the cap; zero when none can.
    pub uncapped_output: Nano,
    /// The cap the bound is for: what was asked or the default, within the limits of the model.
    pub output_cap: u64,
    /// What the caller asked for.
    pub asked_cap: Option<u64>,
    /// Reasoning tokens the caller asked for; a cap below them leaves no answer.
    pub reasoning_budget: u64,
    /// The price ceiling to send.
    pub max_price: MaxPrice,
    /// Providers to exclude, by tag.
    pub ignore: Vec<String>,
    /// What else the body must say.
    pub pins: Pins,
    /// How far the bound can be trusted.
    pub class: Class,
    /// Why it is not proven.
    pub reasons: Reasons,
    /// By how much it is enlarged, because a provider that may serve it billed above a bound before.
    pub growth: Growth,
    /// That provider's name.
    pub grown_for: Option<String>,
    input_rate: Rate,
    request_fee: Rate,
    dearest: String,
}

impl Bound {
    /// The prices it rests on are old: it is published at best. What `max_price` filters still holds; limits,
    /// conditional prices and cache prices may have moved.
    pub fn rests_on_stale_prices(&mut self) {
        self.reasons.add(Reason::StalePrices);
        self.class = Class::Published;
    }

    /// The bound at [`Bound::output_cap`].
    pub fn usd(&self) -> Nano {
        self.usd_at(self.output_cap)
    }

    /// The bound at another cap.
    pub fn usd_at(&self, cap: u64) -> Nano {
        self.growth.of(self.plain_at(cap))
    }

    /// The same, were every provider to keep to it.
    fn plain_at(&self, cap: u64) -> Nano {
        self.input.saturating_add(self.output_rate.times(cap).max(self.uncapped_output))
    }

    /// The largest cap, at most [`Bound::output_cap`], whose bound is within `amount`; `None` when not even one
    /// token fits.
    pub fn cap_within(&self, amount: Nano) -> Option<u64> {
        let room = self.growth.within(amount).checked_sub(self.input)?;
        if room.is_negative() || self.uncapped_output > room {
            return None;
        }
        let cap =
            self.output_rate.units_within(room).map_or(self.output_cap, |units| units.min(self.output_cap));
        (cap > 0).then_some(cap)
    }

    /// The cap to tell somebody to ask for: [`Bound::cap_within`], with room for writing it into a body that has
    /// none, where a byte counts as a token.
    pub fn cap_to_ask_for(&self, amount: Nano) -> Option<u64> {
        let words = if self.asked_cap.is_none() { CAP_WORDS } else { 0 };
        self.cap_within(amount.saturating_sub(self.growth.of(self.input_rate.times(words))))
    }

    /// The bound at a cap as a sum, line by line.
    pub fn explain(&self, cap: u64) -> Explanation {
        let mut terms = Vec::with_capacity(4);
        terms.push(Term {
            what: "prompt, at most",
            quantity: self.input_tokens,
            unit: "token",
            rate: self.input_rate.per_million().to_string(),
            amount: self.input_rate.times(self.input_tokens),
        });
        if self.request_fee > Rate::ZERO {
            terms.push(Term {
                what: "request fee",
                quantity: 1,
                unit: "request",
                rate: self.request_fee.per_unit().to_string(),
                amount: self.request_fee.times(1),
            });
        }
        let capped = self.output_rate.times(cap);
        terms.push(Term {
            what: "answer, at most",
            quantity: cap,
            unit: "token",
            rate: self.output_rate.per_million().to_string(),
            amount: capped,
        });
        if self.uncapped_output > capped {
            terms.push(Term {
                what: "a provider that may ignore the cap",
                quantity: 1,
                unit: "answer",
                rate: String::new(),
                amount: self.uncapped_output.saturating_sub(capped),
            });
        }
        if !self.growth.is_none() {
            let added: Nano = terms.iter().fold(Nano::ZERO, |sum, term| sum.saturating_add(term.amount));
            terms.push(Term {
                what: "for a provider that billed above its bound before",
                quantity: 1,
                unit: "request",
                rate: String::new(),
                amount: self.usd_at(cap).saturating_sub(added),
            });
        }
        Explanation {
            terms,
            total: self.usd_at(cap),
            class: self.class.word(),
            why: self.reasons.iter().map(Reason::words).collect(),
            dearest: self.dearest.clone(),
            ignored: self.ignore.clone(),
        }
    }
}

/// The bound of a request, or the one thing in it that has none.
///
/// # Errors
/// [`Unpriced`], with a sentence for the person who sent the request.
pub fn bound(shape: &Shape<'_>, grounds: &Grounds<'_>) -> Result<Bound, Unpriced> {
    let Grounds { book, policy, .. } = *grounds;
    if let Some(cost) = shape.costs.first() {
        return Err(cost.clone());
    }
    let mut sets: SmallVec<[Candidates<'_>; 2]> = SmallVec::new();
    for asked in &shape.models {
        let resolved = priceable(asked, book)?;
        let distrusted = grounds.distrust.map_or(&[][..], |distrust| distrust.at(&resolved.model.id));
        sets.push(Candidates::of(resolved, shape, distrusted)?);
    }
    let Some(first) = sets.first() else { return Err(Unpriced::NoModel) };
    let model = first.model.id.clone();
    let max_price = permission(&sets, shape);

    let mut sum = Sum::default();
    for set in &sets {
        sum.take(set, &max_price, shape, grounds.span())?;
    }
    let (growth, grown_for) = sum.growth.unzip();
    let growth = growth.unwrap_or(Growth::NONE);
    sum.reasons.add_if(!growth.is_none(), Reason::BrokenWord);
    let limit = sum.output_limit.unwrap_or(u64::MAX).max(1);
    let choices = u64::from(shape.choices.max(1));
    sum.reasons.add_if(shape.unknown_scalars, Reason::UnknownScalars);
    sum.reasons.add_if(shape.tools > 0 || shape.tool_bytes > 0, Reason::Tools);
    sum.reasons.add_if(choices > 1, Reason::Choices);
    Ok(Bound {
        model,
        book_version: book.version,
        input_tokens: sum.input_tokens,
        input: sum.input_rate.times(sum.input_tokens).saturating_add(sum.request_fee.times(1)),
        output_rate: sum.output_rate.saturating_mul(choices),
        uncapped_output: sum.uncapped_output.saturating_mul(shape.choices.max(1)),
        output_cap: shape.output_cap.unwrap_or(policy.default_output).max(1).min(limit),
        asked_cap: shape.output_cap,
        reasoning_budget: shape.reasoning_budget,
        max_price,
        ignore: sum.ignore,
        pins: Pins::default(),
        class: if sum.reasons.is_empty() { Class::Proven } else { Class::Published },
        reasons: sum.reasons,
        growth,
        grown_for: grown_for.map(str::to_owned),
        input_rate: sum.input_rate,
        request_fee: sum.request_fee,
        dearest: sum.dearest.map(|(_, candidate, model)| candidate.name(model)).unwrap_or_default(),
    })
}

/// The row a name means, when a text request can be priced at it at all.
fn priceable<'b>(asked: &str, book: &'b Book) -> Result<Resolved<'b>, Unpriced> {
    if asked.contains("@preset") {
        return Err(Unpriced::Preset(asked.to_owned()));
    }
    let Some(resolved) = book.resolve(asked) else {
        return Err(match asked.split_once(':') {
            Some((base, _)) if book.model(base).is_some() => Unpriced::Variant(asked.to_owned()),
            _ => Unpriced::UnknownModel(asked.to_owned()),
        });
    };
    if resolved.online {
        return Err(Unpriced::WebSearch("the ':online' variant"));
    }
    let model = resolved.model;
    let name = || model.id.clone();
    match &model.prices {
        RowPrices::Dynamic => Err(Unpriced::Router(name())),
        _ if model.is_router() => Err(Unpriced::Router(name())),
        _ if !model.text_output_only() => Err(Unpriced::NotText(name())),
        _ if model.searches_by_itself() => Err(Unpriced::SearchingModel(name())),
        RowPrices::Unreadable(reason) => {
            Err(Unpriced::UnreadablePrice { model: name(), reason: reason.clone() })
        }
        RowPrices::Priced(prices)
            if prices.prompt == Rate::ZERO && prices.completion == Rate::ZERO && !model.is_free() =>
        {
            Err(Unpriced::ZeroPrice(name()))
        }
        RowPrices::Priced(_) => Ok(resolved),
    }
}

/// Who may serve one model, and who must be kept out.
struct Candidates<'b> {
    model: &'b Model,
    alias: bool,
    known: bool,
    usable: SmallVec<[Candidate<'b>; 8]>,
    shut_out: SmallVec<[&'b Endpoint; 2]>,
    /// Providers that have not kept to their bounds at this model.
    distrusted: &'b [Distrusted],
    /// The dearest base prices of the usable ones, within the caller's ceiling.
    prompt: Rate,
    completion: Rate,
    request: Rate,
}

/// One endpoint, or the model row standing for all of them.
#[derive(Clone, Copy)]
struct Candidate<'b> {
    prices: &'b Prices,
    endpoint: Option<&'b Endpoint>,
    capped: bool,
    output_limit: Option<u64>,
}

impl<'b> Candidates<'b> {
    fn of(resolved: Resolved<'b>, shape: &Shape<'_>, distrusted: &'b [Distrusted]) -> Result<Self, Unpriced> {
        let model = resolved.model;
        let mut set = Candidates {
            model,
            alias: resolved.alias,
            known: false,
            usable: SmallVec::new(),
            shut_out: SmallVec::new(),
            distrusted,
            prompt: Rate::ZERO,
            completion: Rate::ZERO,
            request: Rate::ZERO,
        };
        // A free row is pinned by its price of zero; its endpoint list may be that of the paid model (CONTRACT 8.1).
        match model.endpoints.as_deref() {
            Some(endpoints) if !endpoints.is_empty() && !model.is_free() => set.fill(endpoints, shape)?,
            _ => set.stand_in()?,
        }
        set.permit(resolved.nitro, shape)?;
        Ok(set)
    }

    fn stand_in(&mut self) -> Result<(), Unpriced> {
        let model = self.model;
        let Some(prices) = model.prices.priced() else {
            return Err(Unpriced::Router(model.id.clone()));
        };
        if let Some(unknown) = prices.unknown.first() {
            return Err(Unpriced::UnknownPrice { model: model.id.clone(), key: unknown.key.clone() });
        }
        let free = model.is_free() && is_zero(prices);
        self.known = free;
        self.usable.push(Candidate {
            prices,
            endpoint: None,
            capped: model.supports_output_cap || free,
            output_limit: model.max_completion_tokens.or(model.context_length),
        });
        Ok(())
    }

    fn fill(&mut self, endpoints: &'b [Endpoint], shape: &Shape<'_>) -> Result<(), Unpriced> {
        self.known = true;
        let readable = |endpoint: &&Endpoint| endpoint.prices.priced().is_some_and(|p| p.unknown.is_empty());
        let distrusted = self.distrusted;
        let trusted = |endpoint: &Endpoint| !distrusted.iter().any(|one| endpoint.is_named(&one.provider));
        let good =
            |endpoint: &&Endpoint| endpoint.supports_output_cap && readable(endpoint) && trusted(endpoint);
        let remains = endpoints.iter().filter(good).any(|endpoint| {
            (shape.only.is_empty() || shape.only.iter().any(|name| endpoint.is_named(name)))
                && !endpoints.iter().any(|other| !good(&other) && endpoint.is_covered_by(&other.tag))
        });
        for endpoint in endpoints {
            let kept = if remains { good(&endpoint) } else { readable(&endpoint) };
            match endpoint.prices.priced() {
                Some(prices) if kept => self.usable.push(Candidate {
                    prices,
                    endpoint: Some(endpoint),
                    capped: endpoint.supports_output_cap,
                    output_limit: endpoint.output_limit(),
                }),
                _ => self.shut_out.push(endpoint),
            }
        }
        if !self.usable.is_empty() {
            return Ok(());
        }
        let unknown = endpoints.iter().find_map(|e| e.prices.priced()).and_then(|p| p.unknown.first());
        Err(match unknown {
            Some(unknown) => {
                Unpriced::UnknownPrice { model: self.model.id.clone(), key: unknown.key.clone() }
            }
            None => Unpriced::UnreadablePrice {
                model: self.model.id.clone(),
                reason: "no provider lists a price".to_owned(),
            },
        })
    }

    /// Whether a request may be served by this provider. One without a name may be any; unknown endpoints may be its.
    fn may_reach(&self, one: &Distrusted) -> bool {
        let is_it = |candidate: &Candidate<'_>| match candidate.endpoint {
            None => true,
            Some(endpoint) => one.provider.is_empty() || endpoint.is_named(&one.provider),
        };
        self.usable.iter().any(is_it)
    }

    /// The dearest base prices within the caller's own ceiling, over the tiers that the request can be routed to.
    fn permit(&mut self, nitro: bool, shape: &Shape<'_>) -> Result<(), Unpriced> {
        let routed = |c: &Candidate<'_>| nitro || c.endpoint.is_none_or(|e| e.tier != Tier::Premium);
        let any_routed = self.usable.iter().any(routed);
        let caller = shape.caller_max_price.unwrap_or_default();
        let within = |prices: &Prices| {
            caller.prompt.is_none_or(|most| prices.prompt <= most)
                && caller.completion.is_none_or(|most| prices.completion <= most)
                && caller.request.is_none_or(|most| prices.request <= most)
        };
        let mut found = false;
        for candidate in self.usable.iter().filter(|c| !any_routed || routed(c)) {
            // An unknown endpoint may be cheaper than the row that stands for it.
            if !within(candidate.prices) && candidate.endpoint.is_some() {
                continue;
            }
            found = true;
            self.prompt = self.prompt.max(candidate.prices.prompt);
            self.completion = self.completion.max(candidate.prices.completion);
            self.request = self.request.max(candidate.prices.request);
        }
        if found { Ok(()) } else { Err(Unpriced::NothingWithinMaxPrice(self.model.id.clone())) }
    }
}

/// One `max_price` for all models: the dearest of theirs, or the caller's own where it is lower.
fn permission(sets: &[Candidates<'_>], shape: &Shape<'_>) -> MaxPrice {
    let caller = shape.caller_max_price.unwrap_or_default();
    let most = |rates: &mut dyn Iterator<Item = Rate>, caller: Option<Rate>| {
        let rate = rates.max().unwrap_or_default();
        let rate = if rate == Rate::ZERO { rate } else { rate.saturating_add(Rate::from_femtos(1)) };
        caller.map_or(rate, |caller| rate.min(caller))
    };
    let request = most(&mut sets.iter().map(|set| set.request), caller.request);
    MaxPrice {
        prompt: most(&mut sets.iter().map(|set| set.prompt), caller.prompt),
        completion: most(&mut sets.iter().map(|set| set.completion), caller.completion),
        request: (request > Rate::ZERO).then_some(request),
        image: None,
        audio: None,
    }
}

/// The worst over every model and endpoint, term by term.
#[derive(Default)]
struct Sum<'b> {
    input_tokens: u64,
    input_rate: Rate,
    request_fee: Rate,
    output_rate: Rate,
    uncapped_output: Nano,
    output_limit: Option<u64>,
    ignore: Vec<String>,
    dearest: Option<((Rate, Rate), Candidate<'b>, &'b Model)>,
    growth: Option<(Growth, &'b str)>,
    reasons: Reasons,
}

impl<'b> Sum<'b> {
    fn take(
        &mut self,
        set: &Candidates<'b>,
        max_price: &MaxPrice,
        shape: &Shape<'_>,
        span: Option<Span>,
    ) -> Result<(), Unpriced> {
        let model = set.model;
        let within = |prices: &Prices| {
            prices.prompt <= max_price.prompt
                && prices.completion <= max_price.completion
                && max_price.request.is_none_or(|most| prices.request <= most)
        };
        let eligible = || set.usable.iter().filter(|c| c.endpoint.is_none() || within(c.prices));

        let tokens = self.prompt(set, shape, eligible().filter_map(|c| c.endpoint?.context_length).max());
        self.input_tokens = self.input_tokens.max(tokens);
        self.reasons.add_if(!set.known, Reason::EndpointsUnknown);
        self.reasons.add_if(set.alias, Reason::Alias);

        let mut limit = Some(0);
        for candidate in eligible() {
            let paid = Paid::of(candidate, model, tokens, max_price, shape, span);
            self.reasons.0 |= paid.reasons.0;
            self.input_rate = self.input_rate.max(paid.input);
            self.output_rate = self.output_rate.max(paid.output);
            self.request_fee = self.request_fee.max(paid.request);
            let weight = (paid.input.saturating_add(paid.output), candidate.base());
            if self.dearest.is_none_or(|(most, ..)| weight > most) {
                self.dearest = Some((weight, *candidate, model));
            }
            if !candidate.capped {
                let Some(most) = candidate.output_limit else {
                    return Err(Unpriced::NoOutputLimit(model.id.clone()));
                };
                self.uncapped_output = self.uncapped_output.max(paid.output.times(most));
                self.reasons.add(Reason::OutputLimit);
            }
            limit = limit.zip(candidate.output_limit).map(|(a, b)| a.max(b));
        }
        // The most permissive model and endpoint decides the limit; an unknown one sets none.
        let limit = limit.or(model.context_length).unwrap_or(u64::MAX);
        self.output_limit = Some(self.output_limit.map_or(limit, |other| other.max(limit)));
        for endpoint in &set.shut_out {
            if endpoint.prices.priced().is_none_or(&within) && !self.ignore.contains(&endpoint.tag) {
                self.ignore.push(endpoint.tag.clone());
            }
        }
        self.grow(set)
    }

    /// Providers that broke their word and can still be reached.
    fn grow(&mut self, set: &Candidates<'b>) -> Result<(), Unpriced> {
        for one in set.distrusted {
            if !one.in_vain && !set.may_reach(one) {
                continue;
            }
            let Some(growth) = one.growth else {
                let (model, provider) = (set.model.id.clone(), one.provider.clone());
                return Err(Unpriced::BrokenWord { model, provider });
            };
            if self.growth.is_none_or(|(most, _)| growth > most) {
                self.growth = Some((growth, &one.provider));
            }
        }
        Ok(())
    }

    fn prompt(&mut self, set: &Candidates<'_>, shape: &Shape<'_>, context: Option<u64>) -> u64 {
        let family = set.model.family;
        let tokens = prompt_tokens(family, shape);
        self.reasons.add_if(!family.is_public(), Reason::Tokenizer);
        match context.max(set.model.context_length) {
            Some(most) if most < tokens => {
                self.reasons.add(Reason::ContextLength);
                most
            }
            _ => tokens,
        }
    }
}

impl Candidate<'_> {
    /// What tells two endpoints apart whose prices the permission makes equal.
    fn base(&self) -> Rate {
        self.prices.prompt.saturating_add(self.prices.completion)
    }

    fn name(&self, model: &Model) -> String {
        match self.endpoint {
            Some(endpoint) => format!("{} ({})", endpoint.provider, endpoint.tag),
            None => model.id.clone(),
        }
    }
}

/// The dearest an endpoint may ask.
struct Paid {
    input: Rate,
    output: Rate,
    request: Rate,
    reasons: Reasons,
}

impl Paid {
    fn of(
        candidate: &Candidate<'_>,
        model: &Model,
        tokens: u64,
        max: &MaxPrice,
        shape: &Shape<'_>,
        span: Option<Span>,
    ) -> Self {
        let prices = candidate.prices;
        let mut reasons = Reasons::default();
        let applies = || prices.overrides.iter().filter(|o| o.may_apply(tokens, span));
        reasons.add_if(applies().next().is_some(), Reason::Override);
        let dearest = |base: Option<Rate>, key: fn(&crate::prices::Override) -> Option<Rate>| {
            applies().filter_map(key).chain(base).max()
        };
        let prompt = dearest(Some(prices.prompt.max(max.prompt)), |o| o.prompt).unwrap_or_default();
        let completion =
            dearest(Some(prices.completion.max(max.completion)), |o| o.completion).unwrap_or_default();
        let mut input = prompt;
        let mut output = completion;

        if let Some(read) = dearest(prices.cache_read, |o| o.cache_read)
            && read > input
        {
            reasons.add(Reason::DearerTokens);
            input = read;
        }
        if let Some(write) = cache_write(candidate, model, prompt, shape, dearest) {
            reasons.add(Reason::CacheWrite);
            // Gemini lists the storage alone, to be paid on top of the prompt (CONTRACT 9.3, rows of 2026-05-31).
            let write = if write < prompt { write.saturating_add(prompt) } else { write };
            input = input.max(write);
        }
        if let Some(reasoning) = dearest(prices.internal_reasoning, |o| o.internal_reasoning)
            && reasoning > output
        {
            reasons.add(Reason::DearerTokens);
            output = reasoning;
        }
        let request = dearest(Some(prices.request.max(max.request.unwrap_or_default())), |o| o.request);
        Paid { input, output, request: request.unwrap_or_default(), reasons }
    }
}

/// The price of writing the prompt to a cache, where the request can meet one.
fn cache_write(
    candidate: &Candidate<'_>,
    model: &Model,
    prompt: Rate,
    shape: &Shape<'_>,
    dearest: impl Fn(Option<Rate>, fn(&crate::prices::Override) -> Option<Rate>) -> Option<Rate>,
) -> Option<Rate> {
    let asked = shape.cache_write;
    // These two cache only what a request marks (CONTRACT 9.3); OpenAI and others write by themselves.
    let on_request = matches!(model.family, Family::Claude | Family::Gemini)
        && !candidate.endpoint.is_some_and(|endpoint| endpoint.implicit_caching);
    if asked == CacheWrite::None && on_request {
        return None;
    }
    let prices = candidate.prices;
    let five_minutes = dearest(prices.cache_write, |o| o.cache_write);
    let hour = dearest(prices.cache_write_1h, |o| o.cache_write_1h);
    // Unlisted writes at Anthropic's published multiples (CONTRACT 9.3): 1.25 for five minutes, 2 for an hour.
    let claude = model.family == Family::Claude && prompt > Rate::ZERO;
    let unlisted = |percent: u64| {
        claude.then(|| Rate::from_femtos(prompt.femtos().saturating_mul(percent).div_ceil(100)))
    };
    match asked {
        CacheWrite::None => five_minutes,
        CacheWrite::FiveMinutes => five_minutes.or_else(|| unlisted(125)),
        CacheWrite::OneHour => {
            let hour = hour.or_else(|| {
                if five_minutes.is_some() || claude { Some(prompt.saturating_mul(2)) } else { None }
            });
            hour.max(five_minutes)
        }
    }
}

fn is_zero(prices: &Prices) -> bool {
    prices.prompt == Rate::ZERO
        && prices.completion == Rate::ZERO
        && prices.request == Rate::ZERO
        && prices.internal_reasoning.unwrap_or_default() == Rate::ZERO
        && prices.overrides.is_empty()
}
