//! [`Call`]: one request on its way through the ledger, and how it goes on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use admission::{Clamp, Flight, Parked, Permit, Reserved};
use fastrand::Rng;
use ledger::mutants::{self, Mutant};
use ledger::{Evidence, UnknownReason};
use store::JournalError;

use super::{Checked, World};
use crate::auditor::{Labels, Sent};
use crate::upstream::Ending;

type Permitting = Pin<Box<dyn Future<Output = Result<Permit, JournalError>>>>;

/// A request that has not ended.
pub(super) struct Call {
    pub(super) labels: Labels,
    pub(super) key: usize,
    pub(super) kind: usize,
    pub(super) clamp: Clamp,
    /// In the order in which they came.
    pub(super) number: u64,
    pub(super) stage: Stage,
}

impl Call {
    /// Whether it was woken, and not asked yet what for.
    pub(super) fn is_woken(&self) -> bool {
        match &self.stage {
            Stage::Parked { flag, .. } | Stage::Permitting { flag, .. } => flag.is_up(),
            _ => false,
        }
    }
}

/// How far it is.
#[expect(clippy::large_enum_variant, reason = "a world has a few calls at a time")]
pub(super) enum Stage {
    /// On which balances, by number.
    Parked {
        parked: Pin<Box<Parked>>,
        flag: Arc<Flag>,
        since_ms: i64,
        balances: Vec<u32>,
    },
    Reserved {
        reserved: Reserved,
        grant: Grant,
    },
    Permitting {
        permitting: Permitting,
        flag: Arc<Flag>,
        grant: Grant,
    },
    Permitted {
        permit: Permit,
        grant: Grant,
    },
    Flying {
        flight: Flight,
        attempt: usize,
        grant: Grant,
    },
    /// Gone on elsewhere.
    Moved,
}

/// What was set aside for it.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    /// What its output cap lets it cost, nano-dollars.
    pub(super) amount: i64,
    /// On which balances, by number.
    pub(super) balances: Vec<u32>,
    /// When, by the ledger's time.
    pub(super) at_ms: i64,
}

/// Set when its future is woken.
pub(super) struct Flag(AtomicBool);

impl Flag {
    pub(super) fn up() -> Arc<Self> {
        Arc::new(Flag(AtomicBool::new(true)))
    }

    pub(super) fn is_up(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Polls a future with its flag.
pub(super) fn poll<F: Future + ?Sized>(future: Pin<&mut F>, flag: &Arc<Flag>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(flag))))
}

impl World {
    /// A request goes a step further.
    pub(super) fn move_one(&mut self, rng: &mut Rng) -> Checked {
        if self.calls.is_empty() {
            return Ok(());
        }
        let at = rng.usize(0..self.calls.len());
        self.advance(at, rng)
    }

    /// The step of one call; it may be its last.
    pub(super) fn advance(&mut self, at: usize, rng: &mut Rng) -> Checked {
        let stage = std::mem::replace(&mut self.calls[at].stage, Stage::Moved);
        let next = match stage {
            Stage::Reserved { reserved, grant } => self.ask_permit(reserved, grant)?,
            Stage::Permitting { permitting, flag, grant } => Self::go_on(permitting, flag, grant),
            Stage::Permitted { permit, grant } => self.send(at, permit, grant, rng)?,
            Stage::Flying { flight, attempt, grant } => self.fly(flight, attempt, grant, rng)?,
            stage @ (Stage::Parked { .. } | Stage::Moved) => Some(stage),
        };
        match next {
            Some(stage) => self.calls[at].stage = stage,
            None => drop(self.calls.swap_remove(at)),
        }
        Ok(())
    }

    /// The hold goes into the journal: with one write at most, or three where a segment is full.
    fn ask_permit(&mut self, reserved: Reserved, grant: Grant) -> Result<Option<Stage>, String> {
        let before = self.process().disk.operations();
        let permitting: Permitting = Box::pin(reserved.permit(self.wall_ms()));
        let next = Self::go_on(permitting, Flag::up(), grant.clone());
        self.auditor.release(&grant.balances, grant.amount);
        let operations = self.process().disk.operations() - before;
        if operations > 4 {
            return Err(format!("a permit took {operations} operations on the disk"));
        }
        Ok(next)
    }

    fn go_on(mut permitting: Permitting, flag: Arc<Flag>, grant: Grant) -> Option<Stage> {
        if !flag.take() {
            return Some(Stage::Permitting { permitting, flag, grant });
        }
        match poll(permitting.as_mut(), &flag) {
            Poll::Pending => Some(Stage::Permitting { permitting, flag, grant }),
            Poll::Ready(Ok(permit)) => Some(Stage::Permitted { permit, grant }),
            // The journal cannot take it: nothing was sent.
            Poll::Ready(Err(_)) => None,
        }
    }

    /// Bytes leave, or the connection cannot be made.
    fn send(
        &mut self,
        at: usize,
        permit: Permit,
        grant: Grant,
        rng: &mut Rng,
    ) -> Result<Option<Stage>, String> {
        if self.process().disk.is_dead() {
            return Ok(None);
        }
        if rng.u32(0..20) == 0 {
            drop(permit);
            return Ok(None);
        }
        let Some(hold) = permit.hold() else { return Err("a permit without a number".to_owned()) };
        let flight = permit.sent();
        let attempt = self.leave_for(at, hold.0, &grant, rng)?;
        if mutants::is(Mutant::RetryWithoutHold) && rng.u32(0..20) == 0 {
            self.leave_for(at, hold.0, &grant, rng)?;
        }
        Ok(Some(Stage::Flying { flight, attempt, grant }))
    }

    /// The upstream has it, under this hold.
    fn leave_for(&mut self, at: usize, hold: u64, grant: &Grant, rng: &mut Rng) -> Result<usize, String> {
        self.take_writes()?;
        let call = &self.calls[at];
        let sent = Sent {
            hold,
            permitted: grant.amount,
            labels: &call.labels,
            admitted_ms: grant.at_ms,
            now_ms: self.now_ms,
            needs_disk: self.needs_disk(),
        };
        self.auditor.check_sent(&sent, &self.lines, super::ATTEMPT_MS_MAX)?;
        self.tally.sent += 1;
        Ok(self.upstream.send(hold, call.key, sent.permitted, rng))
    }

    fn fly(
        &mut self,
        mut flight: Flight,
        attempt: usize,
        grant: Grant,
        rng: &mut Rng,
    ) -> Result<Option<Stage>, String> {
        let truth = &self.upstream.attempts()[attempt];
        if truth.has_id && flight.generation().is_none() {
            self.generated(&mut flight, attempt)?;
            return Ok(Some(Stage::Flying { flight, attempt, grant }));
        }
        if rng.bool() {
            return Ok(Some(Stage::Flying { flight, attempt, grant }));
        }
        self.upstream.end(attempt, self.now_ms, rng);
        self.land(flight, attempt, rng);
        Ok(None)
    }

    /// The headers of an answer bring the generation id. It is in the journal at once, or nothing is any more.
    fn generated(&self, flight: &mut Flight, attempt: usize) -> Checked {
        let process = self.process();
        let before = process.disk.operations();
        flight.generated(&self.upstream.attempts()[attempt].generation);
        let is_journaled = process.disk.operations() > before;
        if !is_journaled && !process.disk.is_dead() && process.store.health().is_ok() {
            return Err(format!("the generation of hold {:?} is not journaled", flight.hold()));
        }
        Ok(())
    }

    /// The answer ends.
    pub(super) fn land(&mut self, flight: Flight, attempt: usize, rng: &mut Rng) {
        let wall_ms = self.wall_ms();
        let truth = &self.upstream.attempts()[attempt];
        let hold = truth.hold;
        match truth.ending {
            Ending::Told => {
                let cost = truth.first.clone();
                flight.settle(cost.amount(), &cost.text, Evidence::Usage, wall_ms);
                self.tally.settled += 1;
            }
            Ending::Refused => {
                flight.void(Evidence::Refused, wall_ms);
                self.recheck(hold);
            }
            Ending::Unknown(reason, status) => {
                flight.unknown(reason, status, wall_ms);
                self.tally.unknown += 1;
            }
        }
        if rng.bool() {
            self.is_ticked = false;
            self.process().admission.observe_date(self.now_ms);
        }
    }

    /// A client goes away.
    pub(super) fn leave(&mut self, rng: &mut Rng) -> Checked {
        if self.calls.is_empty() {
            return Ok(());
        }
        let call = self.calls.swap_remove(rng.usize(0..self.calls.len()));
        self.tally.left += 1;
        match call.stage {
            Stage::Reserved { reserved, grant } => {
                drop(reserved);
                self.auditor.release(&grant.balances, grant.amount);
            }
            Stage::Flying { flight, attempt, .. } => {
                self.upstream.end(attempt, self.now_ms, rng);
                match rng.u32(0..3) {
                    // Its task panicked.
                    0 => drop(flight),
                    _ => flight.unknown(UnknownReason::ClientGone, 0, self.wall_ms()),
                }
            }
            // Never sent, or nothing set aside.
            other => drop(other),
        }
        Ok(())
    }
}
