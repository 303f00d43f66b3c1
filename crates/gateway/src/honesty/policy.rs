//! What overruns and broken cancels lead to.

use money::Nano;
use pricing::{Distrusted, Growth};
use store::HonestyRow;

/// From this many overruns on a provider that cannot be left out is refused, until somebody clears it.
const OVERRUNS_MAX: u64 = 3;
/// From this many broken cancels on streams are read on instead. One may be a client that left at the very end.
const CANCELS_MAX: u64 = 3;
/// Beyond a million times its hold, in percent, there is no telling what a call may cost.
const PERCENT_MAX: u64 = 100_000_000;

/// What to do about a provider that billed more than its hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnOverrun {
    /// Leave it out where others remain; where not, hold more, and refuse from the third time on.
    #[default]
    Guard,
    /// Leave it out where others remain, and refuse where not.
    Refuse,
    /// Count and show it.
    Show,
}

impl OnOverrun {
    /// What a row means for bounds; `None`: nothing.
    pub(super) fn distrust(self, row: &HonestyRow, in_vain: bool) -> Option<Distrusted> {
        if row.overruns == 0 || self == OnOverrun::Show {
            return None;
        }
        let bearable = self == OnOverrun::Guard && row.overruns < OVERRUNS_MAX;
        let growth = growth(row.worst_percent).filter(|_| bearable);
        Some(Distrusted { provider: row.provider.clone(), growth, in_vain })
    }
}

/// Whether aborting a stream stops the bill, as far as this row knows.
pub(super) fn keeps_cancels(row: &HonestyRow) -> bool {
    row.cancels_broken < CANCELS_MAX
}

/// A cost in percent of its hold, rounded up.
pub(super) fn percent(held: Nano, cost: Nano) -> u64 {
    match Growth::from(held, cost) {
        Some(growth) => growth.thousandths().div_ceil(10),
        None => PERCENT_MAX + 1,
    }
}

fn growth(percent: u64) -> Option<Growth> {
    (percent <= PERCENT_MAX).then(|| Growth::from_thousandths(percent.saturating_mul(10)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_it() {
        let row = |overruns, worst_percent| HonestyRow {
            provider: "x".to_owned(),
            overruns,
            worst_percent,
            ..HonestyRow::default()
        };
        for (policy, overruns, percent, expect) in [
            (OnOverrun::Guard, 0, 0, None),
            (OnOverrun::Guard, 1, 150, Some(Some(1_500))),
            (OnOverrun::Guard, 2, 101, Some(Some(1_010))),
            (OnOverrun::Guard, 3, 101, Some(None)),
            (OnOverrun::Guard, 1, PERCENT_MAX + 1, Some(None)),
            (OnOverrun::Refuse, 1, 150, Some(None)),
            (OnOverrun::Show, 9, 900, None),
        ] {
            let distrusted = policy.distrust(&row(overruns, percent), false);
            let found = distrusted.map(|one| one.growth.map(Growth::thousandths));
            assert_eq!(found, expect, "{policy:?} {overruns} {percent}");
        }
        for (held, cost, expect) in [(100, 150, 150), (3, 4, 134), (0, 1, PERCENT_MAX + 1), (5, 5, 100)] {
            assert_eq!(percent(Nano::from_nanos(held), Nano::from_nanos(cost)), expect);
        }
    }
}
