//! Whether the request would fit: what each budget has left, and what else would do where it does not.
//!
//! Asks the running gateway, or reads the books when none runs. A budget that selects is listed when the request's
//! model is what it selects, or when nobody can tell from here (it depends on who calls).

use console::BudgetRow;
use farebox::Config;
use jiff::Timestamp;
use ledger::{Budget, Label};
use money::Nano;
use pricing::{Book, Bound, BoundPolicy, Fit, Room, Shape, fitting};
use store::OpenError;

use crate::failure::Failure;
use crate::live;
use crate::prices::Prices;

/// Money that the request would have to fit in.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    pub(super) name: String,
    pub(super) window: Option<String>,
    /// Left, USD.
    pub(super) available: Nano,
    /// On what it depends whether the request is charged to it at all.
    pub(super) when: Option<String>,
}

/// What the request means for one limit.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// The worst case fits.
    Fits,
    /// It would pass with its output cap lowered to this, tokens.
    Clamped(u64),
    /// It would be refused.
    Refused,
}

/// The limits there are for a request to this model.
pub(super) async fn limits(
    console: Option<&str>,
    prices: &Prices,
    model: &str,
) -> Result<Vec<Limit>, Failure> {
    let rows = match (console, &prices.data) {
        (Some(address), _) => of_console(address).await?,
        (None, Some(data)) => of_folder(data).await?,
        (None, None) => Vec::new(),
    };
    let config = &prices.config;
    let ceiling = config.per_request.map(|available| Limit {
        name: "limits.per_request".to_owned(),
        window: None,
        available,
        when: None,
    });
    let rows = rows.into_iter().filter_map(|row| limit(row, config, model));
    Ok(ceiling.into_iter().chain(rows).collect())
}

/// What a limit means for a request of this bound.
pub(super) fn verdict(limit: &Limit, bound: &Bound, config: &Config) -> Verdict {
    if bound.usd() <= limit.available {
        return Verdict::Fits;
    }
    let least = config.clamp_min.map(|least| least.saturating_add(bound.reasoning_budget));
    match (bound.cap_within(limit.available), least) {
        (Some(cap), Some(least)) if cap >= least.min(bound.output_cap) => Verdict::Clamped(cap),
        _ => Verdict::Refused,
    }
}

/// Other models that would fit in the tightest of the limits.
pub(super) fn instead(
    shape: &Shape<'_>,
    book: &Book,
    policy: &BoundPolicy,
    limits: &[Limit],
    config: &Config,
) -> Vec<Fit> {
    let tightest = limits.iter().map(|limit| limit.available).min();
    let room = |usd| Room { usd, clamp_min: config.clamp_min };
    tightest.map(|usd| fitting(shape, book, policy, room(usd), &[])).unwrap_or_default()
}

fn limit(row: BudgetRow, config: &Config, model: &str) -> Option<Limit> {
    let budget = config.budgets.iter().find(|budget| budget.name == row.name);
    let of_model = |value: &str| value == model;
    if budget.is_some_and(|budget| selected(budget, Label::Model).is_some_and(|value| !of_model(value)))
        || row.scope.get("model").is_some_and(|value| !of_model(value))
    {
        return None;
    }
    let chosen = budget.into_iter().flat_map(|budget| &budget.selector);
    let chosen = chosen.map(|(label, value)| (label.word(), value.as_str()));
    let scope = row.scope.iter().map(|(label, value)| (label.as_str(), value.as_str()));
    let when: Vec<String> = chosen
        .chain(scope)
        .filter(|(label, _)| *label != Label::Model.word())
        .map(|(label, value)| format!("{label}={}", crate::table::printable(value)))
        .collect();
    Some(Limit {
        name: row.name,
        window: Some(row.window),
        available: row.available_usd,
        when: (!when.is_empty()).then(|| when.join(" ")),
    })
}

fn selected(budget: &Budget, label: Label) -> Option<&str> {
    budget.selector.iter().find(|(known, _)| *known == label).map(|(_, value)| value.as_str())
}

async fn of_console(address: &str) -> Result<Vec<BudgetRow>, Failure> {
    let body = live::get_ok(address, "/budgets").await?;
    serde_json::from_slice(&body)
        .map_err(|error| Failure::caused(&format!("the answer of {address} cannot be read"), &error))
}

/// No books, no limits: an estimate needs none.
async fn of_folder(data: &std::path::Path) -> Result<Vec<BudgetRow>, Failure> {
    let running = live::of_folder(data);
    if let Some(address) = &running
        && let Ok(rows) = of_console(address).await
    {
        return Ok(rows);
    }
    match store::read(data) {
        Ok(books) => Ok(BudgetRow::recovered(&books, running.is_some(), Timestamp::now().as_millisecond())),
        Err(OpenError::Absent(_)) => Ok(Vec::new()),
        Err(error) => Err(Failure::failed(crate::failure::chain(&error))),
    }
}
