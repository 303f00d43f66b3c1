//! [`Distrust`]: providers that have billed more than they may, as the bound has to know it.
//!
//! Who is in it, and for how long, is decided elsewhere (`gateway::honesty`). Here it has two effects: such a provider
//! is excluded with `provider.ignore` where another one remains, and where it can still be reached the bound grows by
//! what it billed above a bound at its worst, or there is none.

use std::collections::HashMap;

use money::Nano;

/// By how much a bound grows, in thousandths: 1,000 is not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Growth(u64);

impl Growth {
    /// Not at all.
    pub const NONE: Growth = Growth(1_000);

    /// What makes `bound` at least `cost`, rounded up; `None` when nothing does, because the bound is zero, or a
    /// million times it would not do.
    pub fn from(bound: Nano, cost: Nano) -> Option<Growth> {
        const MOST: i128 = 1_000_000_000;
        let (bound, cost) = (i128::from(bound.nanos()), i128::from(cost.nanos()));
        if cost <= bound {
            return Some(Growth::NONE);
        }
        let times = if bound > 0 { (cost * 1_000 + bound - 1) / bound } else { MOST + 1 };
        u64::try_from(times).ok().filter(|_| times <= MOST).map(Growth)
    }

    /// From thousandths; never below one.
    pub const fn from_thousandths(thousandths: u64) -> Growth {
        if thousandths < 1_000 { Growth::NONE } else { Growth(thousandths) }
    }

    /// In thousandths.
    pub const fn thousandths(self) -> u64 {
        self.0
    }

    /// Whether anything grows.
    pub const fn is_none(self) -> bool {
        self.0 == 1_000
    }

    /// An amount, grown, rounded up.
    pub fn of(self, amount: Nano) -> Nano {
        if self.is_none() {
            return amount;
        }
        let grown = i128::from(amount.nanos()) * i128::from(self.0);
        let nanos = grown.div_euclid(1_000) + i128::from(grown.rem_euclid(1_000) != 0);
        Nano::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    /// The most that grows to no more than `amount`.
    pub(crate) fn within(self, amount: Nano) -> Nano {
        if self.is_none() {
            return amount;
        }
        let nanos = (i128::from(amount.nanos()) * 1_000).div_euclid(i128::from(self.0));
        Nano::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

/// What to do about one provider at one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distrusted {
    /// Its name, as answers have it; empty when no answer said: then any provider may be it.
    pub provider: String,
    /// How much larger a bound must be that may be billed by it; `None`: nothing is large enough, there is no bound.
    pub growth: Option<Growth>,
    /// Leaving it out was of no use: it billed all the same.
    pub in_vain: bool,
}

/// The providers that are not trusted, by the id of the model's row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distrust(HashMap<String, Vec<Distrusted>>);

impl Distrust {
    /// One more.
    pub fn add(&mut self, model: &str, distrusted: Distrusted) {
        self.0.entry(model.to_owned()).or_default().push(distrusted);
    }

    /// Nobody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of a model.
    pub(crate) fn at(&self, model: &str) -> &[Distrusted] {
        self.0.get(model).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grown_bound_covers_the_cost_and_is_no_larger_than_it_must_be() {
        for (bound, cost, thousandths) in [
            (100, 100, Some(1_000)),
            (100, 7, Some(1_000)),
            (0, 0, Some(1_000)),
            (100, 101, Some(1_010)),
            (3, 4, Some(1_334)),
            (1_000_000, 1_000_001, Some(1_001)),
            (1, 1_000_000, Some(1_000_000_000)),
            (1, 1_000_001, None),
            (0, 1, None),
            (1, i64::MAX, None),
        ] {
            let growth = Growth::from(Nano::from_nanos(bound), Nano::from_nanos(cost));
            assert_eq!(growth.map(Growth::thousandths), thousandths, "{cost} of {bound}");
            if let Some(growth) = growth {
                assert!(growth.of(Nano::from_nanos(bound)).nanos() >= cost, "{cost} of {bound}");
            }
        }
    }

    #[test]
    fn within_undoes_growth() {
        for thousandths in [1_000, 1_001, 1_334, 2_000, 1_000_000_000] {
            let growth = Growth::from_thousandths(thousandths);
            for amount in [0, 1, 2, 999, 1_000, 123_456_789, i64::MAX] {
                let base = growth.within(Nano::from_nanos(amount));
                assert!(growth.of(base).nanos() <= amount, "{thousandths} {amount}");
                if amount < i64::MAX {
                    let more = Nano::from_nanos(base.nanos() + 1);
                    assert!(growth.of(more).nanos() > amount, "{thousandths} {amount}: the most");
                }
            }
        }
    }
}
