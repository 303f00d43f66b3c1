//! What routes saved: sums per route and UTC day, beside the books of money and never part of them.
//!
//! A call is added to the sums in memory when it settles; the shipper writes the sums in its next round, at most
//! [`crate::Options::ship_every`] later, one transaction for all of them. So `kill -9` or a power cut may lose the
//! calls of that moment here (and only here: their cost is in the journal), and nothing counts twice.

use std::collections::BTreeMap;

use money::Nano;

/// Routes and days waiting to be written; beyond this, new ones are dropped and counted as notes are.
const QUEUED_MAX: usize = 10_000;

/// What one route cost on one day, and what its models' baseline would have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavingRow {
    /// The name that programs ask for.
    pub route: String,
    /// Days since 1970-01-01, UTC, of the settling.
    pub day: i64,
    /// Calls whose cost and tokens OpenRouter told.
    pub calls: u64,
    /// What those calls cost, USD.
    pub cost: Nano,
    /// What the same tokens would have cost at the baseline's listed prices, USD.
    pub instead: Nano,
    /// Calls that cannot be compared, because their cost, their tokens or the baseline's price is not known.
    pub uncompared: u64,
}

impl SavingRow {
    /// Baseline minus cost, USD; below zero when the route was dearer.
    pub fn saved(&self) -> Nano {
        self.instead.saturating_sub(self.cost)
    }

    /// Adds the sums of another row of the same route.
    pub fn add(&mut self, other: &SavingRow) {
        self.calls = self.calls.saturating_add(other.calls);
        self.cost = self.cost.saturating_add(other.cost);
        self.instead = self.instead.saturating_add(other.instead);
        self.uncompared = self.uncompared.saturating_add(other.uncompared);
    }
}

/// Sums not written yet.
#[derive(Debug, Default)]
pub(crate) struct Savings {
    sums: BTreeMap<(String, i64), SavingRow>,
}

impl Savings {
    /// Adds a row; whether there was room.
    pub(crate) fn add(&mut self, row: SavingRow) -> bool {
        let key = (row.route.clone(), row.day);
        if let Some(sum) = self.sums.get_mut(&key) {
            sum.add(&row);
            return true;
        }
        if self.sums.len() >= QUEUED_MAX {
            return false;
        }
        self.sums.insert(key, row);
        true
    }

    /// Takes all of them.
    pub(crate) fn take(&mut self) -> Vec<SavingRow> {
        std::mem::take(&mut self.sums).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(route: &str, day: i64, calls: u64) -> SavingRow {
        let cost = Nano::from_nanos(3);
        SavingRow { route: route.to_owned(), day, calls, cost, instead: Nano::from_nanos(10), uncompared: 1 }
    }

    #[test]
    fn rows_of_one_route_and_day_add_up() {
        let mut savings = Savings::default();
        for new in [row("a", 1, 1), row("a", 1, 2), row("a", 2, 5), row("b", 1, 7)] {
            assert!(savings.add(new));
        }
        let rows = savings.take();
        let told: Vec<_> = rows.iter().map(|row| (row.route.as_str(), row.day, row.calls)).collect();
        assert_eq!(told, [("a", 1, 3), ("a", 2, 5), ("b", 1, 7)]);
        assert_eq!((rows[0].cost.nanos(), rows[0].saved().nanos(), rows[0].uncompared), (6, 14, 2));
        assert!(savings.take().is_empty());
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut savings = Savings::default();
        let days = i64::try_from(QUEUED_MAX).unwrap();
        assert!((0..days).all(|day| savings.add(row("a", day, 1))));
        assert!(!savings.add(row("a", days, 1)));
        assert!(savings.add(row("a", 0, 1)), "a sum that is there grows on");
    }
}
