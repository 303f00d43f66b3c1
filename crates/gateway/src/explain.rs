//! Why a request cost what it did, or was refused: kept as values, turned into JSON only when somebody asks.
//! Refusals go into the books as well; the rest does when the gateway stops.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use admission::BalanceReport;
use jiff::Timestamp;
use ledger::{Evidence, UnknownReason};
use money::Nano;
use parking_lot::Mutex;
use pricing::{Bound, Fit};
use serde_json::{Value, json};
use smallvec::SmallVec;
use store::DecisionRow;

use crate::plan::Routed;

/// Requests remembered in memory.
const KEPT: usize = 512;

#[derive(Debug, Default)]
pub(crate) struct Explanations {
    ring: Mutex<VecDeque<Arc<Explained>>>,
}

/// One request, as far as its money is concerned.
#[derive(Debug)]
pub(crate) struct Explained {
    pub(crate) at_ms: i64,
    pub(crate) request: String,
    pub(crate) model: String,
    pub(crate) bound: Option<Bound>,
    /// The output cap sent; the one asked for when nothing was sent.
    pub(crate) cap: u64,
    /// The most output tokens that the cap allows, all choices together.
    pub(crate) tokens_max: u64,
    pub(crate) held: Nano,
    pub(crate) balance: Option<BalanceReport>,
    pub(crate) clamped: Option<(u64, u64)>,
    /// What was made of the name asked for.
    pub(crate) routed: Option<Arc<Routed>>,
    pub(crate) generation: Generation,
    pub(crate) end: Mutex<End>,
}

/// The id that OpenRouter gave an attempt, once it has; most fit without an allocation.
#[derive(Debug, Default)]
pub(crate) struct Generation(OnceLock<SmallVec<[u8; 48]>>);

impl Generation {
    /// The first word counts.
    pub(crate) fn name(&self, id: &str) {
        let _ = self.0.set(SmallVec::from_slice(id.as_bytes()));
    }

    fn get(&self) -> Option<&str> {
        self.0.get().and_then(|id| std::str::from_utf8(id).ok())
    }
}

#[derive(Clone, Debug)]
pub(crate) enum End {
    InFlight,
    Settled {
        cost: Nano,
        text: String,
    },
    Voided(Evidence),
    Unknown(UnknownReason),
    Refused {
        reason: &'static str,
        sentence: String,
        needed: Option<Nano>,
        fitting_cap: Option<u64>,
        would_fit: Vec<Fit>,
    },
}

impl Explanations {
    pub(crate) fn push(&self, explained: Arc<Explained>) {
        let mut ring = self.ring.lock();
        if ring.len() == KEPT {
            ring.pop_front();
        }
        ring.push_back(explained);
    }

    pub(crate) fn newest(&self, most: usize) -> Vec<Value> {
        let newest: Vec<_> = self.ring.lock().iter().rev().take(most).cloned().collect();
        newest.iter().map(|explained| explained.to_json()).collect()
    }

    /// Whether one of the last requests was this generation.
    pub(crate) fn know(&self, generation: &str) -> bool {
        self.ring.lock().iter().rev().any(|explained| explained.generation.get() == Some(generation))
    }

    /// The output tokens that one of the last requests was allowed, by its generation.
    pub(crate) fn cap_of(&self, generation: &str) -> Option<u64> {
        let ring = self.ring.lock();
        let found = ring.iter().rev().find(|explained| explained.generation.get() == Some(generation));
        found.map(|explained| explained.tokens_max)
    }

    /// What is in memory only, as rows for the books, oldest first.
    pub(crate) fn unkept(&self) -> Vec<DecisionRow> {
        let all: Vec<_> = self.ring.lock().iter().cloned().collect();
        all.iter().filter(|explained| !explained.is_refusal()).map(|explained| explained.to_row()).collect()
    }
}

impl Explained {
    pub(crate) fn end(&self, end: End) {
        *self.end.lock() = end;
    }

    fn is_refusal(&self) -> bool {
        matches!(*self.end.lock(), End::Refused { .. })
    }

    /// A row for the books.
    pub(crate) fn to_row(&self) -> DecisionRow {
        let json = self.to_json();
        let outcome = json["outcome"].as_str().unwrap_or_default().to_owned();
        DecisionRow {
            at_ms: self.at_ms,
            request: self.request.clone(),
            outcome: outcome.into(),
            json: json.to_string(),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let end = self.end.lock().clone();
        let mut json = json!({
            "request": self.request,
            "at": Timestamp::from_millisecond(self.at_ms).map(|at| at.to_string()).unwrap_or_default(),
            "model": self.model,
            "generation": self.generation.get(),
            "outcome": end.word(),
            "sentence": self.sentence(&end),
            "held_usd": self.held.to_string(),
            "bound": self.bound.as_ref().map(|bound| bound_json(bound, self.cap)),
            "budget": self.balance.as_ref().map(balance_json),
            "clamped": self.clamped.map(|(from, to)| json!({"from": from, "to": to})),
        });
        if let Some(routed) = &self.routed {
            routed.tell(&mut json);
        }
        match &end {
            End::Settled { cost, text } => {
                json["cost_usd"] = cost.to_string().into();
                json["cost_text"] = text.as_str().into();
            }
            End::Voided(_) => json["cost_usd"] = Nano::ZERO.to_string().into(),
            End::Refused { reason, needed, fitting_cap, would_fit, .. } => {
                json["reason"] = (*reason).into();
                json["needed_usd"] = needed.map(|needed| needed.to_string()).into();
                json["fitting_cap"] = (*fitting_cap).into();
                json["would_fit"] = would_fit.iter().map(fit_json).collect();
            }
            End::InFlight | End::Unknown(_) => {}
        }
        json
    }

    fn sentence(&self, end: &End) -> String {
        let held = self.held.for_people();
        match end {
            End::InFlight => format!("running; at most {held} of its budget is held"),
            End::Settled { cost, text } if *cost > self.held => {
                format!(
                    "cost {} (OpenRouter's own figure: {text}), more than the {held} held: an overrun",
                    cost.for_people()
                )
            }
            End::Settled { cost, text } => {
                format!(
                    "cost {} (OpenRouter's own figure: {text}); at most {held} was held",
                    cost.for_people()
                )
            }
            End::Voided(Evidence::NeverSent) => "cost nothing: it was never sent".to_owned(),
            End::Voided(evidence) => format!("cost nothing: {}", evidence.text()),
            End::Unknown(reason) => {
                format!(
                    "its cost is not known yet ({}); {held} stays charged until OpenRouter tells",
                    reason.text()
                )
            }
            End::Refused { sentence, .. } => sentence.clone(),
        }
    }
}

impl End {
    fn word(&self) -> &'static str {
        match self {
            End::InFlight => "in-flight",
            End::Settled { .. } => "settled",
            End::Voided(_) => "voided",
            End::Unknown(_) => "unknown",
            End::Refused { .. } => "refused",
        }
    }
}

fn bound_json(bound: &Bound, cap: u64) -> Value {
    let explanation = bound.explain(cap);
    let terms: Vec<Value> = explanation.terms.iter().map(term_json).collect();
    json!({
        "usd": explanation.total.to_string(),
        "class": explanation.class,
        "why_not_proven": explanation.why,
        "output_cap": cap,
        "asked_cap": bound.asked_cap,
        "dearest_endpoint": explanation.dearest,
        "ignored_providers": explanation.ignored,
        "only_providers": bound.only,
        "pinned": bound.pins.told(),
        "enlarged": bound.grown_for.as_ref().map(|provider| enlarged_json(bound, provider)),
        "max_price_per_million": {
            "prompt": bound.max_price.prompt.per_million().to_string(),
            "completion": bound.max_price.completion.per_million().to_string(),
        },
        "terms": terms,
    })
}

/// By how much a hold is larger than prices say, and for whom.
fn enlarged_json(bound: &Bound, provider: &str) -> Value {
    let thousandths = bound.growth.thousandths();
    let times = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
    json!({"times": times, "for": provider})
}

fn fit_json(fit: &Fit) -> Value {
    json!({"model": fit.model, "output_cap": fit.output_cap, "usd": fit.bound.to_string()})
}

fn term_json(term: &pricing::Term) -> Value {
    json!({
        "what": term.what,
        "quantity": term.quantity,
        "unit": term.unit,
        "usd_per_million": (term.unit == "token").then_some(&term.rate),
        "usd_each": (term.unit != "token" && !term.rate.is_empty()).then_some(&term.rate),
        "usd": term.amount.to_string(),
    })
}

fn balance_json(balance: &BalanceReport) -> Value {
    let ends = balance.name.ends_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    json!({
        "name": balance.name.budget,
        "window": balance.name.window,
        "scope": balance.name.scope.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "limit_usd": balance.limit.to_string(),
        "posted_usd": balance.posted.to_string(),
        "held_usd": balance.held.to_string(),
        "unknown_usd": balance.unknown.to_string(),
        "available_usd": balance.available.to_string(),
        "ends_at": ends.map(|at| at.to_string()),
    })
}
