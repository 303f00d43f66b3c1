//! [`Tally`]: how often what happened, and for how many dollars.

use std::collections::BTreeMap;
use std::fmt;

use openrouter::chat::BodyError;
use pricing::{Class, Distrust, Distrusted, Growth};

use super::{Basis, Verdict};

/// Failures kept.
const KEPT: usize = 20;

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Requests.
    pub requests: u64,
    /// Bodies that are no requests, by why.
    pub no_requests: BTreeMap<String, u64>,
    /// Requests without a bound, by code.
    pub refused: BTreeMap<&'static str, u64>,
    /// Requests that OpenRouter refuses, by status.
    pub declined: BTreeMap<u16, u64>,
    /// Requests billed within their bounds, by class.
    pub within: BTreeMap<&'static str, Sums>,
    /// Those of them that were tried once more with their prompts counted, and billed within that, by class.
    pub counted: BTreeMap<&'static str, Sums>,
    /// Trials billed above an unbounded bound, which was somebody's own figure.
    pub above_allowance: u64,
    /// Trials billed above a proven or published bound.
    pub above: Vec<Above>,
}

/// A bill above its bound.
#[derive(Clone, Debug)]
pub struct Above {
    /// The number of the request.
    pub number: u64,
    /// How it was bounded and judged.
    pub basis: Basis,
    /// Both sums line by line.
    pub report: String,
}

/// Sums over requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    /// Requests.
    pub requests: u64,
    /// Their bounds, billionths of a dollar.
    pub bounds: u128,
    /// Their bills, billionths of a dollar.
    pub bills: u128,
    /// The largest bill in thousandths of its bound.
    pub closest: u128,
}

impl Tally {
    pub(super) fn count(&mut self, number: u64, basis: Basis, verdict: Verdict) {
        match verdict {
            Verdict::Within { class, bound, bill } => {
                let sums = self.sums(basis).entry(class.word()).or_default();
                sums.requests += 1;
                sums.bounds += bound;
                sums.bills += bill;
                sums.closest = sums.closest.max(bill * 1_000 / bound.max(1));
            }
            Verdict::Above { class: Class::Unbounded, .. } => self.above_allowance += 1,
            Verdict::Above { report, .. } => self.above.push(Above { number, basis, report }),
            _ if basis == Basis::Counted => {}
            Verdict::NoRequest(why) => *self.no_requests.entry(why).or_default() += 1,
            Verdict::Refused(code) => *self.refused.entry(code).or_default() += 1,
            Verdict::Declined(status) => *self.declined.entry(status).or_default() += 1,
            Verdict::Uncounted => {}
        }
        self.requests += u64::from(basis == Basis::Bytes);
    }

    fn sums(&mut self, basis: Basis) -> &mut BTreeMap<&'static str, Sums> {
        match basis {
            Basis::Bytes => &mut self.within,
            Basis::Counted => &mut self.counted,
        }
    }

    /// Whether there is nothing more to learn.
    pub(super) fn is_over(&self, first_is_enough: bool) -> bool {
        self.above.len() >= if first_is_enough { 1 } else { KEPT }
    }

    pub(super) fn add(&mut self, other: Tally) {
        self.requests += other.requests;
        for (why, count) in other.no_requests {
            *self.no_requests.entry(why).or_default() += count;
        }
        for (code, count) in other.refused {
            *self.refused.entry(code).or_default() += count;
        }
        for (status, count) in other.declined {
            *self.declined.entry(status).or_default() += count;
        }
        for (basis, classes) in [(Basis::Bytes, other.within), (Basis::Counted, other.counted)] {
            for (class, more) in classes {
                self.sums(basis).entry(class).or_default().add(more);
            }
        }
        self.above_allowance += other.above_allowance;
        self.above.extend(other.above);
        self.above.sort_by_key(|above| above.number);
    }
}

impl Sums {
    fn add(&mut self, more: Sums) {
        self.requests += more.requests;
        self.bounds += more.bounds;
        self.bills += more.bills;
        self.closest = self.closest.max(more.closest);
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} billed within their bounds, bounds {} USD, worst bills {} USD, the closest at {}.{} %",
            self.requests,
            dollars(self.bounds),
            dollars(self.bills),
            self.closest / 10,
            self.closest % 10
        )
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} requests", self.requests)?;
        for (class, sums) in &self.within {
            writeln!(f, "  {class}: {sums}")?;
        }
        for (class, sums) in &self.counted {
            writeln!(f, "  once more with the prompt counted, {class}: {sums}")?;
        }
        writeln!(f, "  above a proven or published bound: {}", self.above.len())?;
        writeln!(f, "  above an allowance: {}", self.above_allowance)?;
        writeln!(f, "  refused by OpenRouter: {:?}", self.declined)?;
        writeln!(f, "  refused, for want of a bound: {:?}", self.refused)?;
        writeln!(f, "  no requests: {:?}", self.no_requests)
    }
}

fn dollars(nanos: u128) -> String {
    format!("{}.{:06}", nanos / 1_000_000_000, nanos % 1_000_000_000 / 1_000)
}

/// What is wrong with a body, without its place.
pub(super) fn kind(error: &BodyError) -> &'static str {
    match error {
        BodyError::NotJson(_) => "not JSON",
        BodyError::NotAnObject => "not an object",
        BodyError::Duplicate(_) => "a member twice",
        _ => "a wrong field",
    }
}

/// Some models with a provider that billed twice its bound, some with one that nothing is large enough for.
pub(super) fn distrust(ids: &[String]) -> Distrust {
    let mut distrust = Distrust::default();
    for (at, id) in ids.iter().enumerate().filter(|(at, _)| at % 3 == 0) {
        let growth = (at % 2 == 0).then(|| Growth::from_thousandths(2_000));
        let provider = if at % 4 == 0 { String::new() } else { "DeepInfra".to_owned() };
        distrust.add(id, Distrusted { provider, growth, in_vain: at % 5 == 0 });
    }
    distrust
}
