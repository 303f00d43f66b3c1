//! [`Generation`]: one entry of the books, and what faults make of its cost: a twin, a correction.

use std::sync::Arc;

use fastrand::Rng;

use crate::account::payer::Payer;
use crate::clock::Moment;
use crate::cost::{Charge, Usage};
use crate::exact::Exact;
use crate::faults::Twin;
use crate::plan::Plan;

/// Corrections are drawn with numbers of their own.
const CORRECTION: u64 = 0x636f_7272_6563_7421;

/// One generation in the books.
#[derive(Clone, Debug)]
pub(crate) struct Generation {
    pub(crate) plan: Arc<Plan>,
    pub(crate) payer: Payer,
    pub(crate) status: Status,
    pub(crate) charge: Charge,
    pub(crate) usage: Usage,
    pub(crate) ended: Option<Moment>,
    /// From when on `/generation` finds it; `None` while it runs, or for ever when it is lost.
    pub(crate) ready: Option<Moment>,
    /// From when on it is billed for good, corrections aside; `None` while it runs, or until its late charge.
    pub(crate) billed: Option<Moment>,
    /// Until when it cost something else, and what.
    pub(crate) before: Option<(Moment, Charge)>,
    /// Its cost will change yet.
    pub(crate) pending: bool,
    /// The generation that this one bills a second time.
    pub(crate) twin_of: Option<Arc<str>>,
}

/// How far it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Running,
    Done,
    /// The client left and the provider stopped.
    Aborted,
    /// The provider failed.
    Failed,
}

/// How a generation ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) status: Status,
    /// Tokens that were produced.
    pub(crate) completion: u64,
    /// Nothing is owed.
    pub(crate) free: bool,
}

impl Status {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Done => "done",
            Status::Aborted => "aborted",
            Status::Failed => "failed",
        }
    }
}

impl Generation {
    /// A generation that begins.
    pub(crate) fn new(plan: Arc<Plan>, payer: Payer, charge: Charge) -> Generation {
        Generation {
            payer,
            status: Status::Running,
            charge,
            usage: plan.usage_at(u64::MAX),
            ended: None,
            ready: None,
            billed: None,
            before: None,
            pending: false,
            twin_of: None,
            plan,
        }
    }

    /// What bills this one a second time; nothing when the request leaves nothing for it.
    pub(crate) fn twin(&self, how: Twin, now: Moment) -> Option<Generation> {
        let charge = match how {
            Twin::Beyond => self.charge,
            Twin::Within => {
                let left = self.plan.permitted().with(&self.charge, Exact::above);
                self.charge.with(&left, Ord::min)
            }
        };
        if charge.total().is_zero() {
            return None;
        }
        let plan = Arc::new(self.plan.again(now));
        let ready = self.ready;
        let twin_of = Some(Arc::clone(&self.plan.id));
        let (ended, billed) = (Some(now), Some(now));
        let own = Generation::new(plan, self.payer.clone(), charge);
        Some(Generation { status: Status::Done, usage: self.usage, ended, billed, ready, twin_of, ..own })
    }
}

/// What a generation costs after a correction: some of what was permitted more, or some of it back, down to nothing.
/// A twin's share of what was permitted is left alone.
pub(crate) fn corrected(plan: &Plan, was: &Charge) -> Charge {
    let mut rng = Rng::with_seed(plan.seed ^ CORRECTION);
    let (raise, part) = (rng.bool(), rng.u64(1..=8));
    let some = |amount: Exact| amount.fraction_up(part, 8);
    let taken = if plan.fate.duplicated.is_some() { was.with(was, Exact::plus) } else { *was };
    let room = plan.permitted().with(&taken, Exact::above);
    if raise && !room.total().is_zero() {
        was.with(&room, |was, room| was.plus(some(room)))
    } else {
        was.with(was, |was, _| was.minus(some(was)))
    }
}
