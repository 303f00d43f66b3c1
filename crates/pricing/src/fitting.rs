//! [`fitting`]: which other models a refused request could afford.
//!
//! Runs when a request has been refused, never on the way of one that passes: a pass over the rows, then a few
//! bounds. It finds names to put into a sentence; whoever uses one asks for its own bound and its own hold.

use std::borrow::Cow;

use money::Nano;

use crate::alternatives::Alternatives;
use crate::bound::bound;
use crate::grounds::Grounds;
use crate::model::Model;
use crate::need::Need;
use crate::shape::Shape;

/// Most answers.
const FITS_MAX: usize = 3;
/// Bounds tried for each kind of alternative: the first is nearly always right.
const TRIES_MAX: usize = 3;

/// The money there is, and how small an answer may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// USD that may be held.
    pub usd: Nano,
    /// How far the output cap may be lowered, tokens, the reasoning budget coming on top; `None`: not at all.
    pub clamp_min: Option<u64>,
}

/// A model that the request could be sent to instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    /// The name to ask for.
    pub model: String,
    /// The largest output cap that fits, tokens; at most what was asked.
    pub output_cap: u64,
    /// The bound at that cap, USD.
    pub bound: Nano,
}

/// Up to three models that can do what the request asks and whose bound fits in `room`.
///
/// With `among`, those of these names that fit, in their order. Without, one each at most of: cheaper models by the
/// same author (the newest), by anyone (the cheapest), free ones (the newest); in that order. A request with a
/// part that has no bound fits nowhere.
pub fn fitting(shape: &Shape<'_>, grounds: &Grounds<'_>, room: Room, among: &[&str]) -> Vec<Fit> {
    let Some(asked) = shape.models.first() else { return Vec::new() };
    if !shape.costs.is_empty() {
        return Vec::new();
    }
    let fit = |model: &str| fits(model, shape, grounds, room);
    if !among.is_empty() {
        let others = among.iter().filter(|name| !shape.models.iter().any(|asked| asked == *name));
        return others.filter_map(|name| fit(name)).take(FITS_MAX).collect();
    }
    let floor = floor(grounds.policy.output_cap(shape), shape.reasoning_budget, room);
    let need = Need::of(shape, floor);
    let bytes = shape.body.len() as u64;
    let found = Alternatives::of(asked, &need, grounds.book, |model| {
        may_fit(model, bytes, floor, room) && is_accepted(model, shape)
    });
    let first = |kind: &[&Model]| kind.iter().take(TRIES_MAX).find_map(|model| fit(&model.id));
    [first(&found.kin), first(&found.others), first(&found.free)].into_iter().flatten().collect()
}

fn fits(model: &str, shape: &Shape<'_>, grounds: &Grounds<'_>, room: Room) -> Option<Fit> {
    let instead = Shape { models: [Cow::Owned(model.to_owned())].into_iter().collect(), ..shape.clone() };
    let bound = bound(&instead, grounds).ok()?;
    let cap = bound.cap_within(room.usd)?;
    (cap >= floor(bound.output_cap, bound.reasoning_budget, room)).then(|| Fit {
        model: model.to_owned(),
        output_cap: cap,
        bound: bound.usd_at(cap),
    })
}

/// The smallest cap worth sending.
fn floor(cap: u64, reasoning_budget: u64, room: Room) -> u64 {
    room.clamp_min.map_or(cap, |least| cap.min(least.saturating_add(reasoning_budget)))
}

/// A first sieve: less than its bound, for a byte is at most one token and a row is never dearer than its dearest
/// endpoint.
fn may_fit(model: &Model, bytes: u64, floor: u64, room: Room) -> bool {
    model.prices.priced().is_some_and(|prices| {
        let prompt = bytes.min(model.context_length.unwrap_or(u64::MAX));
        let floor = floor.min(model.max_completion_tokens.unwrap_or(u64::MAX));
        prices.prompt().times(prompt).saturating_add(prices.completion().times(floor)) <= room.usd
    })
}

/// Whether one of the providers that the caller insists on is known to serve it.
fn is_accepted(model: &Model, shape: &Shape<'_>) -> bool {
    let served = |name: &str| {
        model.endpoints.as_ref().is_some_and(|endpoints| endpoints.iter().any(|e| e.is_named(name)))
    };
    shape.only.is_empty() || shape.only.iter().any(|name| served(name))
}
