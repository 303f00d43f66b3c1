//! [`ReportRow`]: what was spent, as `farebox report --json` and `GET /report` have it.

use jiff::civil::Date;
use money::Nano;
use serde::{Deserialize, Serialize};

use crate::amount;

/// Sums over calls that ended in some days. Amounts are USD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRow {
    /// The UTC day, `2026-11-24`; only by day.
    pub day: Option<String>,
    /// The key label, model, upstream key or budget; empty by day, and for calls without that label.
    pub name: String,
    /// Calls that ended.
    pub calls: u64,
    /// Those that cost nothing, without OpenRouter's own figure saying so.
    pub voids: u64,
    /// Those whose cost was unknown for a while.
    pub late: u64,
    /// Costs that were changed after their hold had ended; counted on the day of the change.
    pub corrections: u64,
    /// Costs above what was held for them.
    pub overruns: u64,
    /// What was booked; below zero when more was given back than spent.
    #[serde(with = "amount")]
    pub cost_usd: Nano,
    /// What was held for them.
    #[serde(with = "amount")]
    pub bound_usd: Nano,
    /// By how much the overruns were above.
    #[serde(with = "amount")]
    pub overrun_usd: Nano,
}

impl From<&store::ReportRow> for ReportRow {
    fn from(row: &store::ReportRow) -> Self {
        ReportRow {
            day: row.day.map(day_text),
            name: row.name.clone(),
            calls: row.calls,
            voids: row.voids,
            late: row.late,
            corrections: row.corrections,
            overruns: row.overruns,
            cost_usd: row.cost,
            bound_usd: row.bound,
            overrun_usd: row.overrun,
        }
    }
}

/// Days since 1970-01-01 as a date.
fn day_text(day: i64) -> String {
    let days = jiff::Span::new().try_days(day).ok();
    let date = days.and_then(|days| Date::constant(1970, 1, 1).checked_add(days).ok());
    date.map_or_else(|| day.to_string(), |date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        assert_eq!(day_text(0), "1970-01-01");
        assert_eq!(day_text(20_781), "2026-11-24");
    }
}
