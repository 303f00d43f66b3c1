//! What the bill says of holds whose cost no answer told. Pure: holds and bills in, verdicts out.
//!
//! A hold whose id is on the bill costs what stands there. Of one without an id (or whose id is not there), the bills
//! that no entry explains are candidates, its *leftovers*: none in its time, and it was free; exactly one that no other
//! hold can be, and that is it; several, and it is charged the dearest, never more than its bound.
//!
//! A chain's hold is known by its first model, so a leftover of another model still stands in the way of calling a hold
//! free.

use admission::control::attributed;
use ledger::HoldId;
use money::{Exact, Nano};

use crate::audit::{Bill, MayBe};

/// A hold whose time to be billed is over.
#[derive(Clone, Debug)]
pub(super) struct Stuck {
    pub(super) hold: HoldId,
    pub(super) bound: Nano,
    pub(super) generation: Option<String>,
    pub(super) may_be: MayBe,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It cost this.
    Settle(Exact, String),
    /// It cost nothing.
    Void,
    /// It may have cost this, and is charged for it.
    Attribute(Nano),
}

/// Judges each hold; those of which nothing can be said are not in the answer. `leftovers`: the bills that no entry and
/// no hold has an id for, by their place. `is_all`: the bill is complete and has been seen to know these books' ids.
pub(super) fn judge(
    stuck: &[Stuck],
    bills: &[Bill],
    leftovers: &[usize],
    is_all: bool,
) -> Vec<(HoldId, Verdict)> {
    let mut verdicts = Vec::new();
    let mut open: Vec<&Stuck> = Vec::new();
    for one in stuck {
        let own = one.generation.as_ref().and_then(|id| bills.iter().find(|bill| bill.id == *id));
        match own {
            Some(bill) => verdicts.push((one.hold, Verdict::Settle(bill.cost, bill.text.clone()))),
            None if one.generation.is_some() && is_all => verdicts.push((one.hold, Verdict::Void)),
            None if one.generation.is_some() => {}
            None => open.push(one),
        }
    }
    if !is_all {
        return verdicts;
    }
    let mut left: Vec<&Bill> = leftovers.iter().filter_map(|&at| bills.get(at)).collect();
    let sure: Vec<(HoldId, &Bill)> =
        open.iter().filter_map(|one| Some((one.hold, only(one, &open, &left)?))).collect();
    left.retain(|bill| !sure.iter().any(|(_, taken)| taken.id == bill.id));
    for one in &open {
        let own = sure.iter().find(|(hold, _)| *hold == one.hold);
        let dearest = left.iter().filter(|bill| one.may_be.covers(bill)).map(|bill| bill.cost).max();
        let verdict = match (own, dearest) {
            (Some((_, bill)), _) => Verdict::Settle(bill.cost, bill.text.clone()),
            (None, None) => Verdict::Void,
            (None, Some(cost)) => Verdict::Attribute(attributed(cost, one.bound)),
        };
        verdicts.push((one.hold, verdict));
    }
    verdicts
}

/// The one leftover that this hold can be, where no other hold can be it.
fn only<'b>(one: &Stuck, all: &[&Stuck], left: &[&'b Bill]) -> Option<&'b Bill> {
    let can_be = |hold: &Stuck, bill: &Bill| hold.may_be.covers(bill) && hold.may_be.is_of_model(bill);
    let mut own = left.iter().filter(|bill| can_be(one, bill));
    let bill = own.next()?;
    let is_only = own.next().is_none() && all.iter().filter(|other| can_be(other, bill)).count() == 1;
    is_only.then_some(bill)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn stuck(hold: u64, model: &str, minute: i64, generation: Option<&str>) -> Stuck {
        let may_be =
            MayBe { model: model.to_owned(), from_ms: minute * MINUTE, until_ms: minute * MINUTE + 5_000 };
        Stuck {
            hold: HoldId(hold),
            bound: Nano::from_cents(50),
            generation: generation.map(str::to_owned),
            may_be,
        }
    }

    fn bill(id: &str, model: Option<&str>, minute: i64, text: &str) -> Bill {
        let cost = Exact::parse_ceil(text).unwrap();
        let model = model.map(str::to_owned);
        Bill { id: id.to_owned(), created_ms: minute * MINUTE, model, cost, text: text.to_owned() }
    }

    fn settle(text: &str) -> Verdict {
        Verdict::Settle(Exact::parse_ceil(text).unwrap(), text.to_owned())
    }

    #[test]
    fn verdicts() {
        let dear = Verdict::Attribute(Nano::from_cents(30));
        for (what, holds, bills, expect) in [
            ("no leftover", vec![stuck(1, "a/m", 10, None)], vec![], vec![(1, Verdict::Void)]),
            (
                "one of another time",
                vec![stuck(1, "a/m", 10, None)],
                vec![bill("x", Some("a/m"), 20, "0.1")],
                vec![(1, Verdict::Void)],
            ),
            (
                "the one",
                vec![stuck(1, "a/m:floor", 10, None)],
                vec![bill("x", Some("a/m"), 10, "0.1")],
                vec![(1, settle("0.1"))],
            ),
            (
                "a bill without a model",
                vec![stuck(1, "a/m", 10, None)],
                vec![bill("x", None, 11, "0.1")],
                vec![(1, settle("0.1"))],
            ),
            (
                "two models",
                vec![stuck(1, "a/m", 10, None), stuck(2, "a/n", 10, None)],
                vec![bill("x", Some("a/m"), 10, "0.1")],
                vec![(1, settle("0.1")), (2, Verdict::Void)],
            ),
            (
                "two of one model",
                vec![stuck(1, "a/m", 10, None), stuck(2, "a/m", 11, None)],
                vec![bill("x", Some("a/m"), 10, "0.3")],
                vec![(1, dear.clone()), (2, dear.clone())],
            ),
            (
                "two bills",
                vec![stuck(1, "a/m", 10, None)],
                vec![bill("x", Some("a/m"), 10, "0.3"), bill("y", Some("a/m"), 10, "0.2")],
                vec![(1, dear.clone())],
            ),
            (
                "dearer than its bound",
                vec![stuck(1, "a/m", 10, None)],
                vec![bill("x", Some("a/m"), 10, "0.3"), bill("y", Some("a/m"), 10, "9")],
                vec![(1, Verdict::Attribute(Nano::from_cents(50)))],
            ),
            (
                "of another model",
                vec![stuck(1, "a/m", 10, None)],
                vec![bill("x", Some("a/z"), 10, "0.3")],
                vec![(1, dear.clone())],
            ),
        ] {
            let leftovers: Vec<usize> = (0..bills.len()).collect();
            let expect: Vec<_> = expect.into_iter().map(|(hold, verdict)| (HoldId(hold), verdict)).collect();
            assert_eq!(judge(&holds, &bills, &leftovers, true), expect, "{what}");
            assert_eq!(judge(&holds, &bills, &leftovers, false), [], "{what}, cut short");
        }
    }

    #[test]
    fn holds_with_an_id() {
        let holds = [stuck(1, "a/m", 10, Some("g1")), stuck(2, "a/m", 10, Some("g2"))];
        let bills = [bill("g1", None, 10, "0.7")];
        assert_eq!(
            judge(&holds, &bills, &[], true),
            [(HoldId(1), settle("0.7")), (HoldId(2), Verdict::Void)]
        );
        assert_eq!(judge(&holds, &bills, &[], false), [(HoldId(1), settle("0.7"))]);
    }
}
