//! [`RouteRow`]: one route as people and programs see it, with what it saved.

use std::collections::BTreeMap;

use gateway::{ModelRoute, Routes};
use jiff::Span;
use jiff::civil::Date;
use money::Nano;
use serde::{Deserialize, Serialize};
use store::SavingRow;

use crate::amount;

const DAY_MS: i64 = 86_400_000;
const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// One route and what it cost, against what the same tokens would have cost at its baseline. Amounts are USD.
///
/// The one shape of `GET /routes` and of `farebox routes list --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteRow {
    /// The name that programs ask for.
    pub route: String,
    /// Its models, the first choice first; empty when it is not configured any more.
    pub models: Vec<String>,
    /// What savings are measured against; `null` when it is not configured any more.
    pub instead_of: Option<String>,
    /// The sums over the days asked for.
    #[serde(flatten)]
    pub total: Saving,
    /// Each UTC day with calls, oldest first.
    pub days: Vec<DayRow>,
}

/// One day of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayRow {
    /// The day, `YYYY-MM-DD`, UTC.
    pub day: String,
    /// Its sums.
    #[serde(flatten)]
    pub sums: Saving,
}

/// Sums over calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saving {
    /// Calls whose cost and tokens are known.
    pub calls: u64,
    /// What they cost.
    #[serde(with = "amount")]
    pub cost_usd: Nano,
    /// What their tokens would have cost at the baseline's listed prices.
    #[serde(with = "amount")]
    pub would_have_cost_usd: Nano,
    /// The difference; below zero when the route was dearer.
    #[serde(with = "amount")]
    pub saved_usd: Nano,
    /// The difference in percent of what it would have cost, decimal text with one place, rounded down; `null` when
    /// that is nothing.
    pub saved_percent: Option<String>,
    /// Calls that cannot be compared: their cost, their tokens or the baseline's price is not known.
    pub uncompared: u64,
}

impl RouteRow {
    /// Every route that is configured or was used, by name.
    pub fn all(routes: &Routes, savings: &[SavingRow]) -> Vec<RouteRow> {
        let mut rows: BTreeMap<String, (Option<&ModelRoute>, Vec<&SavingRow>)> = BTreeMap::new();
        for route in routes.sorted() {
            rows.insert(route.name.clone(), (Some(route), Vec::new()));
        }
        for saving in savings {
            rows.entry(saving.route.clone()).or_default().1.push(saving);
        }
        rows.into_iter().map(|(name, (route, savings))| RouteRow::new(name, route, &savings)).collect()
    }

    fn new(name: String, route: Option<&ModelRoute>, savings: &[&SavingRow]) -> RouteRow {
        let mut total = SavingRow::default();
        savings.iter().for_each(|saving| total.add(saving));
        let day = |saving: &&SavingRow| DayRow { day: date(saving.day), sums: Saving::from(*saving) };
        RouteRow {
            route: name,
            models: route.map(|route| route.models.clone()).unwrap_or_default(),
            instead_of: route.map(|route| route.baseline().to_owned()),
            total: Saving::from(&total),
            days: savings.iter().map(day).collect(),
        }
    }
}

impl From<&SavingRow> for Saving {
    fn from(row: &SavingRow) -> Self {
        Saving {
            calls: row.calls,
            cost_usd: row.cost,
            would_have_cost_usd: row.instead,
            saved_usd: row.saved(),
            saved_percent: percent(row.saved(), row.instead),
            uncompared: row.uncompared,
        }
    }
}

/// Tenths of a percent, rounded down, as decimal text.
fn percent(part: Nano, whole: Nano) -> Option<String> {
    let whole = i128::from(whole.nanos());
    let tenths = (whole > 0).then(|| (i128::from(part.nanos()) * 1_000).div_euclid(whole))?;
    let sign = if tenths < 0 { "-" } else { "" };
    Some(format!("{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10))
}

fn date(day: i64) -> String {
    let span: Option<Span> = Span::new().try_days(day).ok();
    let date = span.and_then(|span| EPOCH.checked_add(span).ok());
    date.map(|date| date.to_string()).unwrap_or_default()
}

/// The day of an instant, days since 1970-01-01 UTC.
pub fn day_of(now_ms: i64) -> i64 {
    now_ms.div_euclid(DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows() {
        let route = |name: &str| ModelRoute {
            name: name.to_owned(),
            models: vec!["a/b:floor".to_owned()],
            ..ModelRoute::default()
        };
        let routes = Routes::new(vec![route("task/b"), route("task/a")]).unwrap();
        let saving = |route: &str, day, cost, instead| SavingRow {
            route: route.to_owned(),
            day,
            calls: 1,
            cost: Nano::from_nanos(cost),
            instead: Nano::from_nanos(instead),
            uncompared: 2,
        };
        let savings =
            [saving("task/a", 20_781, 1, 3), saving("task/a", 20_782, 4, 6), saving("gone", 0, 3, 1)];
        let rows = RouteRow::all(&routes, &savings);
        let told: Vec<_> = rows.iter().map(|row| (row.route.as_str(), row.total.calls)).collect();
        assert_eq!(told, [("gone", 1), ("task/a", 2), ("task/b", 0)]);
        assert_eq!(rows[0].total.saved_percent.as_deref(), Some("-200.0"));
        assert_eq!((rows[0].instead_of.as_deref(), rows[1].instead_of.as_deref()), (None, Some("a/b")));
        assert_eq!((rows[1].total.saved_percent.as_deref(), rows[1].total.uncompared), (Some("44.4"), 4));
        assert_eq!(rows[1].days[0].day, "2026-11-24");
        assert_eq!(rows[2].total.saved_percent, None);
        let json = serde_json::to_value(&rows[1]).unwrap();
        assert_eq!(json["saved_usd"], "0.000000004");
        assert_eq!(json["days"][1]["would_have_cost_usd"], "0.000000006");
        assert_eq!(serde_json::from_value::<RouteRow>(json).unwrap(), rows[1]);
        assert_eq!((day_of(0), day_of(86_399_999), day_of(86_400_000)), (0, 0, 1));
    }
}
