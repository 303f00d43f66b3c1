//! [`changes`]: what two versions of the catalogue say differently. Pure; nothing is kept here.
//!
//! Each row is taken apart into *facts*: a price, a limit, a provider, each under a name and, for conditional prices,
//! with its condition. What differs between the facts of two rows is a [`Move`]. Prices are told as farebox counts
//! them: exact decimal text, rounded up to a femto-dollar. Endpoints are compared where both versions know them.

use std::collections::BTreeMap;

use crate::book::Book;
use crate::model::{Endpoint, Model};
use crate::prices::{Prices, RowPrices};
use crate::rates::Rates;

/// What became of one model between two versions of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The id of its row.
    pub model: String,
    /// In short.
    pub kind: Kind,
    /// In full. Of a row that came or went: what it says or said.
    pub moves: Vec<Move>,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It says something else.
    Changed,
}

/// One fact that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The provider's tag; `None` for the model's own row.
    pub endpoint: Option<String>,
    /// OpenRouter's key: `prompt`, `context_length`; `provider` for an endpoint that came or went.
    pub key: String,
    /// The condition of a conditional price.
    pub when: Option<String>,
    /// What it was, as text; `None`: there was none.
    pub old: Option<String>,
    /// What it is, as text; `None`: there is none.
    pub new: Option<String>,
}

/// What `new` says otherwise than `old`: changed and new rows in the order listed, then those that are gone.
pub fn changes(old: &Book, new: &Book) -> Vec<Change> {
    let mut found: Vec<Change> = new
        .models()
        .filter_map(|row| match old.row(&row.id).filter(|former| former.id == row.id) {
            Some(former) => changed(former, row),
            None => Some(whole(row, Kind::Added)),
        })
        .collect();
    let kept = |id: &str| new.row(id).is_some_and(|row| row.id == id);
    found.extend(old.models().filter(|row| !kept(&row.id)).map(|row| whole(row, Kind::Removed)));
    found
}

/// What one row says otherwise than another of the same model; `None` when nothing.
fn changed(old: &Model, new: &Model) -> Option<Change> {
    if old == new {
        return None;
    }
    let both = old.endpoints.is_some() && new.endpoints.is_some();
    let moves = moves(facts(old, both), facts(new, both));
    (!moves.is_empty()).then(|| Change { model: new.id.clone(), kind: Kind::Changed, moves })
}

fn whole(row: &Model, kind: Kind) -> Change {
    let facts = facts(row, false);
    let moves = match kind {
        Kind::Removed => moves(facts, Facts::new()),
        Kind::Added | Kind::Changed => moves(Facts::new(), facts),
    };
    Change { model: row.id.clone(), kind, moves }
}

/// Endpoint, then condition, then key.
type Facts = BTreeMap<(Option<String>, Option<String>, String), String>;

fn moves(mut old: Facts, new: Facts) -> Vec<Move> {
    let told = |(endpoint, when, key): (Option<String>, Option<String>, String), old, new| Move {
        endpoint,
        key,
        when,
        old,
        new,
    };
    let mut found = Vec::new();
    for (name, new) in new {
        let old = old.remove(&name);
        if old.as_ref() != Some(&new) {
            found.push(told(name, old, Some(new)));
        }
    }
    found.extend(old.into_iter().map(|(name, old)| told(name, Some(old), None)));
    found
}

fn facts(row: &Model, with_endpoints: bool) -> Facts {
    let mut facts = Facts::new();
    priced(&mut facts, None, &row.prices);
    let limits = [
        ("context_length", row.context_length),
        ("max_completion_tokens", row.max_completion_tokens),
        ("max_prompt_tokens", row.max_prompt_tokens),
    ];
    limit(&mut facts, None, limits);
    if let Some(day) = &row.about.expires {
        facts.insert((None, None, "expiration_date".to_owned()), day.to_string());
    }
    if let Some(target) = &row.alias_target {
        facts.insert((None, None, "alias_target".to_owned()), target.clone());
    }
    let listed = row.endpoints.iter().flatten().filter(|_| with_endpoints);
    for (tag, endpoint) in named(listed.collect()) {
        served(&mut facts, &tag, endpoint);
    }
    facts
}

/// Endpoints by their tags; of one tag, the cheaper first, for the order of a listing means nothing.
fn named(mut endpoints: Vec<&Endpoint>) -> Vec<(String, &Endpoint)> {
    endpoints
        .sort_by_key(|e| (&e.tag, e.prices.priced().map(|prices| (prices.prompt(), prices.completion()))));
    let mut found: Vec<(String, &Endpoint)> = Vec::new();
    for endpoint in endpoints {
        let before = found.iter().filter(|(_, other)| other.tag == endpoint.tag).count();
        let nth = if before == 0 { String::new() } else { format!("#{}", before + 1) };
        found.push((endpoint.tag.clone() + &nth, endpoint));
    }
    found
}

fn served(facts: &mut Facts, tag: &str, endpoint: &Endpoint) {
    let tag = Some(tag.to_owned());
    facts.insert((tag.clone(), None, "provider".to_owned()), endpoint.provider.clone());
    facts.insert((tag.clone(), None, "service_tier".to_owned()), endpoint.tier.word().to_owned());
    if !endpoint.supports_output_cap {
        facts.insert((tag.clone(), None, "output_cap".to_owned()), "not listed".to_owned());
    }
    priced(facts, tag.as_ref(), &endpoint.prices);
    let limits = [
        ("context_length", endpoint.context_length),
        ("max_completion_tokens", endpoint.max_completion_tokens),
        ("max_prompt_tokens", endpoint.max_prompt_tokens),
    ];
    limit(facts, tag.as_ref(), limits);
}

fn limit(facts: &mut Facts, tag: Option<&String>, limits: [(&str, Option<u64>); 3]) {
    for (key, limit) in limits {
        if let Some(limit) = limit {
            facts.insert((tag.cloned(), None, key.to_owned()), limit.to_string());
        }
    }
}

fn priced(facts: &mut Facts, tag: Option<&String>, prices: &RowPrices) {
    let word = match prices {
        RowPrices::Priced(prices) => return listed(facts, tag, prices),
        RowPrices::Dynamic => "decided at run time".to_owned(),
        RowPrices::Unreadable(why) => format!("unreadable: {why}"),
    };
    facts.insert((tag.cloned(), None, "pricing".to_owned()), word);
}

fn listed(facts: &mut Facts, tag: Option<&String>, prices: &Prices) {
    let mut list = |rates: &Rates, when: Option<String>| {
        for (key, rate) in rates.iter() {
            let name = (tag.cloned(), when.clone(), key.name().to_owned());
            facts.insert(name, rate.per_unit().to_string());
        }
    };
    list(&prices.rates, None);
    for conditional in &prices.overrides {
        list(&conditional.rates, Some(conditional.when()));
    }
    for unknown in &prices.unknown {
        facts.insert((tag.cloned(), None, unknown.key.clone()), unknown.value.clone());
    }
}
