//! [`BudgetRow`]: one balance as people and programs see it, live or from the books.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use admission::BalanceReport;
use jiff::Timestamp;
use ledger::BalanceId;
use money::Nano;
use serde::{Deserialize, Serialize};
use store::Recovered;

use crate::amount;

/// One balance: a budget, for one value of each label in its `per`, in its current window. Amounts are USD.
///
/// The one shape of `GET /budgets` and of `farebox budgets list --json`, whether the gateway runs or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetRow {
    /// The budget's name.
    pub name: String,
    /// `hour`, `day`, `week`, `month` or `lifetime`.
    pub window: String,
    /// What may be spent in the window.
    #[serde(with = "amount")]
    pub limit_usd: Nano,
    /// Known costs.
    #[serde(with = "amount")]
    pub posted_usd: Nano,
    /// Bounds of calls in flight; what is unknown is not among them.
    #[serde(with = "amount")]
    pub held_usd: Nano,
    /// Bounds of calls whose cost is not known yet.
    #[serde(with = "amount")]
    pub unknown_usd: Nano,
    /// What is left: limit - posted - held - unknown. Below zero after an overrun.
    #[serde(with = "amount")]
    pub available_usd: Nano,
    /// The first instant after the window, RFC 3339 in UTC; `null` for `lifetime`.
    pub ends_at: Option<String>,
    /// The value of each label of `per`; empty without.
    #[serde(default)]
    pub scope: BTreeMap<String, String>,
}

impl BudgetRow {
    /// The balances of a running gateway whose window is open at `now_ms` (milliseconds since the Unix epoch).
    pub fn live(reports: &[BalanceReport], now_ms: i64) -> Vec<BudgetRow> {
        reports.iter().filter(|report| is_open(report.name.ends_ms, now_ms)).map(BudgetRow::from).collect()
    }

    /// The same from the books. Without a running gateway nothing is in flight: every open hold is unknown.
    /// `running`: somebody has the books open, and holds without a verdict are still in flight.
    pub fn recovered(books: &Recovered, running: bool, now_ms: i64) -> Vec<BudgetRow> {
        let mut open: HashMap<BalanceId, (Nano, Nano)> = HashMap::new();
        for hold in &books.open {
            for member in &hold.members {
                let (held, unknown) = open.entry(member.balance).or_default();
                let amount = if running && hold.unknown.is_none() { held } else { unknown };
                *amount = amount.saturating_add(hold.bound);
            }
        }
        let mut rows: Vec<BudgetRow> = books
            .balances
            .iter()
            .filter(|row| is_open(row.name.ends_ms, now_ms))
            .map(|row| {
                let (held, unknown) = open.get(&row.id).copied().unwrap_or_default();
                BudgetRow::from(&BalanceReport {
                    name: Arc::new(row.name.clone()),
                    limit: row.limit,
                    posted: row.counted(),
                    held,
                    unknown,
                    available: row
                        .limit
                        .saturating_sub(row.counted())
                        .saturating_sub(held)
                        .saturating_sub(unknown),
                    next_release_ms: None,
                })
            })
            .collect();
        rows.sort_by(|one, other| (&one.name, &one.scope).cmp(&(&other.name, &other.scope)));
        rows
    }
}

impl From<&BalanceReport> for BudgetRow {
    fn from(report: &BalanceReport) -> Self {
        BudgetRow {
            name: report.name.budget.clone(),
            window: report.name.window.clone(),
            limit_usd: report.limit,
            posted_usd: report.posted,
            held_usd: report.held,
            unknown_usd: report.unknown,
            available_usd: report.available,
            ends_at: report.name.ends_ms.map(rfc3339),
            scope: report.name.scope.iter().cloned().collect(),
        }
    }
}

fn is_open(ends_ms: Option<i64>, now_ms: i64) -> bool {
    ends_ms.is_none_or(|ends| now_ms < ends)
}

/// Milliseconds since the Unix epoch as RFC 3339 in UTC.
pub(crate) fn rfc3339(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::MAX).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::{BalanceName, BoundClass, HoldId, Member, UnknownReason, UpstreamKeyId};
    use store::{BalanceRow, OpenHold};

    fn books() -> Recovered {
        let name = |budget: &str, ends_ms: Option<i64>| BalanceName {
            budget: budget.into(),
            window: if ends_ms.is_none() { "lifetime".into() } else { "day".into() },
            scope: vec![("user".into(), "alice".into())],
            starts_ms: 0,
            ends_ms,
        };
        let row = |id, name| BalanceRow {
            id: BalanceId(id),
            name,
            limit: Nano::from_cents(100),
            posted: Nano::from_cents(25),
            buckets: Vec::new(),
        };
        let hold = |id, unknown| OpenHold {
            hold: HoldId(id),
            at_ms: 1,
            bound: Nano::from_cents(10),
            class: BoundClass::Proven,
            set: None,
            members: [Member::plain(BalanceId(1))].into_iter().collect(),
            key: String::new(),
            upstream_key: UpstreamKeyId([0; 8]),
            model: "m".into(),
            generation: None,
            unknown,
            unknown_since_ms: 0,
        };
        Recovered {
            balances: vec![row(1, name("b", None)), row(2, name("a", Some(86_400_000)))],
            open: vec![hold(1, None), hold(2, Some((UnknownReason::Broken, 0)))],
            ..Recovered::default()
        }
    }

    #[test]
    fn without_a_gateway_every_open_hold_is_unknown() {
        let rows = BudgetRow::recovered(&books(), false, 5);
        assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let json = serde_json::to_string(&rows[1]).unwrap();
        assert_eq!(
            json,
            r#"{"name":"b","window":"lifetime","limit_usd":"1.000000000","posted_usd":"0.250000000","held_usd":"0.000000000","unknown_usd":"0.200000000","available_usd":"0.550000000","ends_at":null,"scope":{"user":"alice"}}"#
        );
        assert_eq!(serde_json::from_str::<BudgetRow>(&json).unwrap(), rows[1]);
        assert_eq!(rows[0].ends_at.as_deref(), Some("1970-01-02T00:00:00Z"));
    }

    #[test]
    fn beside_a_gateway_what_has_no_verdict_is_held() {
        let rows = BudgetRow::recovered(&books(), true, 5);
        assert_eq!((rows[1].held_usd, rows[1].unknown_usd), (Nano::from_cents(10), Nano::from_cents(10)));
    }

    #[test]
    fn ended_windows_are_left_out_and_overruns_keep_their_sign() {
        let mut books = books();
        books.balances[0].posted = Nano::from_cents(350);
        let rows = BudgetRow::recovered(&books, false, 86_400_000);
        assert_eq!(rows.len(), 1);
        let json = serde_json::to_string(&rows).unwrap();
        assert!(json.contains(r#""available_usd":"-2.700000000""#), "{json}");
        assert_eq!(serde_json::from_str::<Vec<BudgetRow>>(&json).unwrap(), rows);
    }
}
