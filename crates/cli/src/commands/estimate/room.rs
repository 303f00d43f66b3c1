//! Whether the request would fit: what each budget has left, and what else would do where it does not.
//!
//! Asks the running gateway, or reads the books when none runs. A budget that selects is listed when the request's
//! model is what it selects, or when nobody can tell from here (it depends on who calls).

use console::BudgetRow;
use farebox::Config;
use jiff::Timestamp;
use ledger::{Budget, Label};
use money::Nano;
use pricing::{Book, Bound, BoundPolicy, Fit, Grounds, Room, Shape, fitting};
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
    tightest.map(|usd| fitting(shape, &Grounds::new(book, policy), room(usd), &[])).unwrap_or_default()
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
    live::read(address, "/budgets").await
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;
    use std::collections::BTreeMap;

    const FILE: &str = r#"
[[budget]]
name   = "all"
limit  = "10"
window = "day"

[[budget]]
name   = "opus"
match  = { model = "anthropic/claude-opus-4.5" }
limit  = "5"
window = "day"

[[budget]]
name   = "ann"
match  = { user = "ann" }
limit  = "5"
window = "day"
"#;

    fn config() -> Config {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("farebox.toml");
        std::fs::write(&path, FILE).unwrap();
        Config::load(farebox::config::Layer::default(), Some(path)).unwrap()
    }

    fn row(name: &str, scope: &[(&str, &str)]) -> BudgetRow {
        let scope = scope.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned()));
        BudgetRow {
            name: name.to_owned(),
            window: "day".to_owned(),
            limit_usd: Nano::from_cents(100),
            posted_usd: Nano::ZERO,
            held_usd: Nano::ZERO,
            unknown_usd: Nano::ZERO,
            available_usd: Nano::from_cents(100),
            ends_at: None,
            scope: scope.collect::<BTreeMap<_, _>>(),
        }
    }

    #[test]
    fn budgets_that_the_call_may_be_charged_to() {
        let config = config();
        let when = |row: BudgetRow| limit(row, &config, "openai/gpt-4o").map(|limit| limit.when);
        assert_eq!(when(row("all", &[])), Some(None));
        assert_eq!(when(row("opus", &[])), None, "it is not this model");
        assert_eq!(when(row("ann", &[])), Some(Some("user=ann".to_owned())));
        assert_eq!(when(row("unknown here", &[("user", "bob")])), Some(Some("user=bob".to_owned())));
        assert_eq!(when(row("each-model", &[("model", "openai/gpt-4o")])), Some(None));
        assert_eq!(when(row("each-model", &[("model", "openai/gpt-5")])), None);
        let opus = limit(row("opus", &[]), &config, "anthropic/claude-opus-4.5");
        assert!(opus.is_some_and(|limit| limit.when.is_none()));
    }

    #[test]
    fn what_a_limit_means() {
        let config = config();
        let book = openrouter::catalogue::Catalogue::open(None).book();
        let shape = Shape {
            models: [Cow::Borrowed("openai/gpt-4o")].into_iter().collect(),
            body: b"{}",
            choices: 1,
            ..Shape::default()
        };
        let bound = pricing::bound(&shape, &Grounds::new(&book, &BoundPolicy::default())).unwrap();
        let verdict = |available| {
            let limit = Limit { name: String::new(), window: None, available, when: None };
            verdict(&limit, &bound, &config)
        };
        let least = bound.usd_at(4_096);
        assert!(matches!(verdict(bound.usd()), Verdict::Fits));
        assert!(matches!(verdict(bound.usd().saturating_sub(Nano::from_nanos(1))), Verdict::Clamped(16_383)));
        assert!(matches!(verdict(least), Verdict::Clamped(4_096)));
        assert!(matches!(verdict(least.saturating_sub(Nano::from_nanos(1))), Verdict::Refused));
    }
}
