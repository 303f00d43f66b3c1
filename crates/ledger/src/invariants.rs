//! What must hold of the money at every moment: the invariants of LEDGER.md 6 that a single machine has, each by its
//! number, as a value that says what is broken.
//!
//! They take plain data, so that the ledger in memory, the journal, the books and an auditor who has only the files can
//! all be held to the same sentences. Not here, because nothing on one machine can break them: I2 (allotments add up)
//! and the grants and returns of I6 and I7; they belong to the fleet. I3 is about a balance in memory, which is what a
//! node is here.

use std::fmt::Debug;

use money::{Exact, Nano};
use thiserror::Error;

use crate::balance::Balance;
use crate::evidence::Evidence;
use crate::name::{BalanceId, HoldId, Member};

/// An invariant that does not hold, and what does instead.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{invariant} does not hold: {what}")]
pub struct Broken {
    /// Its number, `I1` to `I11`.
    pub invariant: &'static str,
    /// What is wrong, with the amounts.
    pub what: String,
}

/// The amounts of one balance, wherever they come from. USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// The highest limit that was ever declared for it.
    pub limit: Nano,
    /// Known costs.
    pub posted: Nano,
    /// Bounds of attempts in flight.
    pub held: Nano,
    /// Bounds of attempts whose cost is not known.
    pub unknown: Nano,
    /// By how much its settled attempts cost more than their bounds, in all.
    pub overruns: Nano,
}

/// I1: what is posted, held and unknown is never above the limit, but for what was overrun.
///
/// # Errors
/// By how much it is above.
#[inline]
pub fn i1_within_limit(amounts: &Amounts) -> Result<(), Broken> {
    let Amounts { limit, posted, held, unknown, overruns } = *amounts;
    let charged = sum([posted, held, unknown]);
    let allowed = sum([limit, overruns]);
    holds("I1", charged <= allowed, || {
        format!(
            "posted {posted}, held {held} and unknown {unknown} are above limit {limit} and overruns {overruns}"
        )
    })
}

/// I3: no amount of a balance is below zero, and what is stuck is a part of what is unknown. O(1); held after every
/// move in production.
///
/// # Errors
/// Which amount is wrong.
#[inline]
pub fn i3_whole(balance: &Balance) -> Result<(), Broken> {
    let Balance { posted, held, unknown, stuck, .. } = *balance;
    let below = [posted, held, unknown, stuck].iter().any(|amount| amount.is_negative());
    holds("I3", !below && stuck <= unknown, || {
        format!("posted {posted}, held {held}, unknown {unknown}, of that stuck {stuck}")
    })
}

/// I4: what is held and unknown on a balance is the sum of the bounds of the open holds on it.
///
/// # Errors
/// Both sums.
pub fn i4_holds(
    id: BalanceId,
    amounts: &Amounts,
    bounds: impl IntoIterator<Item = Nano>,
) -> Result<(), Broken> {
    let (charged, open) = (sum([amounts.held, amounts.unknown]), sum(bounds));
    holds("I4", charged == open, || {
        format!("balance {}: {charged} nanos are held or unknown, its open holds come to {open}", id.0)
    })
}

/// I5: the set of a hold names only declared balances, each once, and at every instant the costs of each straddling
/// chain have exactly one taker.
///
/// # Errors
/// Which member is wrong.
pub fn i5_covered(members: &[Member], is_declared: impl Fn(BalanceId) -> bool) -> Result<(), Broken> {
    for (at, member) in members.iter().enumerate() {
        let id = member.balance.0;
        holds("I5", is_declared(member.balance), || format!("balance {id} was not declared"))?;
        let twice = members[..at].iter().any(|other| other.balance == member.balance);
        holds("I5", !twice, || format!("balance {id} is in the set twice"))?;
        // The one that takes over where this one ends comes right behind it.
        let (ends, next) = (member.until_ms, members.get(at + 1));
        let taken_over = ends.is_none() || next.is_some_and(|next| next.from_ms == ends);
        holds("I5", taken_over, || format!("nobody takes what balance {id} does not from {ends:?} on"))?;
        let before = at.checked_sub(1).map(|at| &members[at]);
        let begun =
            member.from_ms.is_none() || before.is_some_and(|before| before.until_ms == member.from_ms);
        holds("I5", begun, || {
            format!("nobody takes what balance {id} does not before {:?}", member.from_ms)
        })?;
    }
    Ok(())
}

/// I6: each hold ends at most once. Takes the holds that ended, in ascending order.
///
/// # Errors
/// The first hold that ended twice, or that is out of order.
pub fn i6_once(ended: impl IntoIterator<Item = HoldId>) -> Result<(), Broken> {
    ascending("I6", ended, |hold| hold.0)
}

/// I7: what a record speaks of was recorded before it: a balance before its set, a set before its holds, a hold before
/// its end. Takes the places of both in the journal.
///
/// # Errors
/// What is used before it is there.
pub fn i7_order(what: impl Debug, declared_at: Option<u64>, used_at: u64) -> Result<(), Broken> {
    holds("I7", declared_at.is_some_and(|at| at < used_at), || {
        format!("{what:?} is used at {used_at} and recorded at {declared_at:?}")
    })
}

/// I8: a hold ends only with evidence, never by time; evidence that proves an attempt free proves no other cost, and a
/// cost that OpenRouter told is kept in its own words.
///
/// # Errors
/// What the evidence does not prove.
pub fn i8_evidence(hold: HoldId, cost: Nano, text: &str, evidence: Evidence) -> Result<(), Broken> {
    let proves_free = matches!(evidence, Evidence::NeverSent | Evidence::Refused | Evidence::Insured);
    let tells_cost = matches!(evidence, Evidence::Usage | Evidence::Generation | Evidence::Analytics);
    let is_unproved = proves_free || (tells_cost && text.is_empty());
    holds("I8", cost == Nano::ZERO || !is_unproved, || {
        format!("hold {}: {} does not prove a cost of {cost} ('{text}')", hold.0, evidence.text())
    })
}

/// I9: the journal has no gap, and no record twice. Takes the sequence numbers as they stand.
///
/// # Errors
/// Where the gap is.
pub fn i9_dense(seqs: impl IntoIterator<Item = u64>) -> Result<(), Broken> {
    let mut last: Option<u64> = None;
    for seq in seqs {
        let next = last.is_none_or(|last| last.checked_add(1) == Some(seq));
        holds("I9", next, || format!("record {seq} comes after record {last:?}"))?;
        last = Some(seq);
    }
    Ok(())
}

/// I9: what the journal says when it is read again is what is kept. Takes both by balance, in the same order.
///
/// # Errors
/// The first difference.
pub fn i9_replay(
    replayed: impl IntoIterator<Item = (BalanceId, Amounts)>,
    kept: impl IntoIterator<Item = (BalanceId, Amounts)>,
) -> Result<(), Broken> {
    let (mut replayed, mut kept) = (replayed.into_iter(), kept.into_iter());
    loop {
        let (read, have) = (replayed.next(), kept.next());
        holds("I9", read == have, || format!("the journal says {read:?}, kept is {have:?}"))?;
        if read.is_none() {
            return Ok(());
        }
    }
}

/// I10: what is posted on a balance is the sum of the costs of its entries.
///
/// # Errors
/// Both sums.
pub fn i10_posted(id: BalanceId, posted: Nano, costs: impl IntoIterator<Item = Nano>) -> Result<(), Broken> {
    let (posted, costs) = (i128::from(posted.nanos()), sum(costs));
    holds("I10", posted == costs, || {
        format!("balance {}: posted are {posted} nanos, its entries come to {costs}", id.0)
    })
}

/// I10: what OpenRouter's counter of an upstream key says is what is booked on that key, and at most the bounds of its
/// open holds more. `resolution`: what one step of the counter is worth.
///
/// # Errors
/// What was billed beyond, or not billed.
pub fn i10_control(usage: Exact, booked: Exact, open: Nano, resolution: Exact) -> Result<(), Broken> {
    let drift = usage - booked;
    let within = drift + resolution >= Exact::ZERO && drift <= Exact::from(open) + resolution;
    holds("I10", within, || {
        format!("the key's counter says {usage}, booked are {booked}, and its open holds come to {open}")
    })
}

/// I11: rounding is upwards, and by less than a nano-dollar for each cost. Takes the sums of `count` costs.
///
/// # Errors
/// Both sums.
pub fn i11_rounding(nanos: i128, exact: Exact, count: u64) -> Result<(), Broken> {
    const ATTOS_A_NANO: i128 = 1_000_000_000;
    let over = nanos.saturating_mul(ATTOS_A_NANO).saturating_sub(exact.attos());
    let most = i128::from(count).saturating_mul(ATTOS_A_NANO);
    holds("I11", over >= 0 && (over < most || (over == 0 && count == 0)), || {
        format!("{count} costs come to {nanos} nanos, and verbatim to {exact}")
    })
}

#[inline]
fn sum(amounts: impl IntoIterator<Item = Nano>) -> i128 {
    amounts.into_iter().map(|amount| i128::from(amount.nanos())).sum()
}

fn ascending<T: Debug>(
    invariant: &'static str,
    items: impl IntoIterator<Item = T>,
    number: impl Fn(&T) -> u64,
) -> Result<(), Broken> {
    let mut last: Option<T> = None;
    for item in items {
        let above = last.as_ref().is_none_or(|last| number(&item) > number(last));
        holds(invariant, above, || format!("{item:?} comes after {last:?}"))?;
        last = Some(item);
    }
    Ok(())
}

#[inline]
fn holds(invariant: &'static str, holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(broken(invariant, what)) }
}

/// Apart, so that what holds costs no more than the comparison.
#[cold]
#[inline(never)]
fn broken(invariant: &'static str, what: impl FnOnce() -> String) -> Broken {
    Broken { invariant, what: what() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(nanos: i64) -> Nano {
        Nano::from_nanos(nanos)
    }

    fn check(result: Result<(), Broken>, expected: Result<(), &str>) {
        let told = result.as_ref().map_err(|broken| broken.invariant).copied();
        assert_eq!(told, expected, "{result:?}");
    }

    #[test]
    fn amounts_within_limits() {
        let amounts = |posted, held, unknown, overruns| Amounts {
            limit: nanos(10),
            posted: nanos(posted),
            held: nanos(held),
            unknown: nanos(unknown),
            overruns: nanos(overruns),
        };
        check(i1_within_limit(&amounts(4, 3, 3, 0)), Ok(()));
        check(i1_within_limit(&amounts(4, 3, 4, 0)), Err("I1"));
        check(i1_within_limit(&amounts(4, 3, 4, 1)), Ok(()));
        let id = BalanceId(7);
        check(i4_holds(id, &amounts(9, 3, 4, 0), [nanos(5), nanos(2)]), Ok(()));
        check(i4_holds(id, &amounts(9, 3, 4, 0), [nanos(5)]), Err("I4"));
        check(i10_posted(id, nanos(9), [nanos(4), nanos(5)]), Ok(()));
        check(i10_posted(id, nanos(9), [nanos(4)]), Err("I10"));
        let one = |posted| [(id, amounts(posted, 0, 0, 0))];
        check(i9_replay(one(1), one(1)), Ok(()));
        check(i9_replay(one(1), one(2)), Err("I9"));
        check(i9_replay(one(1), []), Err("I9"));
        check(i9_replay([], one(1)), Err("I9"));
    }

    #[test]
    fn a_balance_is_whole() {
        let balance = Balance::new(BalanceId(1), nanos(10), None);
        check(i3_whole(&balance), Ok(()));
        for wrong in [
            Balance { posted: nanos(-1), ..balance },
            Balance { held: nanos(-1), ..balance },
            Balance { unknown: nanos(-1), ..balance },
            Balance { stuck: nanos(1), ..balance },
        ] {
            check(i3_whole(&wrong), Err("I3"));
        }
    }

    #[test]
    fn sets_cover_time() {
        let member = |id, from_ms, until_ms| Member { balance: BalanceId(id), from_ms, until_ms };
        let all = |_| true;
        let (plain, before, after) =
            (member(1, None, None), member(2, None, Some(9)), member(3, Some(9), None));
        check(i5_covered(&[], all), Ok(()));
        check(i5_covered(&[plain, before, after], all), Ok(()));
        check(i5_covered(&[plain, before, after], |id| id != BalanceId(3)), Err("I5"));
        for wrong in [
            vec![plain, plain],
            vec![before],
            vec![after],
            vec![before, plain],
            vec![before, member(3, Some(8), None)],
            vec![before, plain, after],
        ] {
            check(i5_covered(&wrong, all), Err("I5"));
        }
    }

    #[test]
    fn orders_and_evidence() {
        check(i6_once([1, 2, 9].map(HoldId)), Ok(()));
        check(i6_once([1, 2, 2].map(HoldId)), Err("I6"));
        check(i7_order(HoldId(1), Some(4), 5), Ok(()));
        check(i7_order(HoldId(1), Some(5), 5), Err("I7"));
        check(i7_order(HoldId(1), None, 5), Err("I7"));
        check(i9_dense([4, 5, 6]), Ok(()));
        check(i9_dense([4, 6]), Err("I9"));
        check(i9_dense([4, 4]), Err("I9"));
        let of = |cost, text, evidence| i8_evidence(HoldId(1), nanos(cost), text, evidence);
        check(of(5, "5e-9", Evidence::Usage), Ok(()));
        check(of(5, "", Evidence::Usage), Err("I8"));
        check(of(0, "", Evidence::Refused), Ok(()));
        check(of(1, "", Evidence::Refused), Err("I8"));
        check(of(1, "", Evidence::Operator), Ok(()));
    }

    #[test]
    fn rounding_and_control() {
        let exact = |text| Exact::parse_ceil(text).unwrap();
        for (nano, text, count, expected) in [
            (0, "0", 0, Ok(())),
            (1, "0", 0, Err("I11")),
            (2, "0.0000000011", 1, Ok(())),
            (2, "0.000000002", 1, Ok(())),
            (2, "0.0000000021", 1, Err("I11")),
            (2, "0.000000001", 1, Err("I11")),
            (3, "0.0000000011", 2, Ok(())),
        ] {
            check(i11_rounding(nano, exact(text), count), expected);
        }
        let of = |usage, booked, open| i10_control(exact(usage), exact(booked), nanos(open), exact("1e-9"));
        check(of("1", "1", 0), Ok(()));
        check(of("1.000000001", "1", 0), Ok(()));
        check(of("1.000000002", "1", 0), Err("I10"));
        check(of("1.000000002", "1", 1), Ok(()));
        check(of("0.999999998", "1", 9), Err("I10"));
    }
}
