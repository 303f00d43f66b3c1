//! [`ReportRow`]: sums over days, read from sums that were written with the books. No report reads the past.

use money::Nano;

use crate::tally::Sums;

/// What a report has one row for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportBy {
    /// Each UTC day on which a hold ended or was corrected.
    Day,
    /// Each `key` label.
    Key,
    /// Each model.
    Model,
    /// Each upstream key, by its id in hexadecimal.
    UpstreamKey,
    /// Each budget. A call is in every budget that it was charged to, so these rows overlap.
    Budget,
}

/// Sums over holds that ended in some days. A correction is in the day it was booked on. Amounts are USD.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportRow {
    /// The day, in days since 1970-01-01; only by day.
    pub day: Option<i64>,
    /// The key label, model, upstream key or budget; empty by day, and for requests without that label.
    pub name: String,
    /// Holds that ended.
    pub calls: u64,
    /// Those that cost nothing, without OpenRouter's own figure saying so.
    pub voids: u64,
    /// Those whose cost was unknown for a while.
    pub late: u64,
    /// Costs that were changed after their hold had ended.
    pub corrections: u64,
    /// Costs above their bound, and costs that were raised after their hold had ended.
    pub overruns: u64,
    /// What was booked, corrections included; below zero when more was given back than spent.
    pub cost: Nano,
    /// What the holds were bound to.
    pub bound: Nano,
    /// By how much `overruns` were above.
    pub overrun: Nano,
}

impl ReportRow {
    pub(crate) fn new(day: Option<i64>, name: String, sums: &Sums) -> Self {
        Self {
            day,
            name,
            calls: sums.calls.cast_unsigned(),
            voids: sums.voids.cast_unsigned(),
            late: sums.late.cast_unsigned(),
            corrections: sums.corrections.cast_unsigned(),
            overruns: sums.overruns.cast_unsigned(),
            cost: sums.cost,
            bound: sums.bound,
            overrun: sums.overrun,
        }
    }
}
