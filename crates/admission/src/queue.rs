//! Parking: requests that wait for other requests' holds to settle. A waiter holds nothing while it waits.
//!
//! First come, first served, with one exception: while the head is too big for what is there, smaller ones may
//! pass it for at most [`PASSING_MS`]; after that nobody passes it on the balance it is short of. Whoever gives
//! headroom back hands it on to the waiters before anybody else sees it; while several wait, each is lent at most
//! half of what is left (but its floor at the least).

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use ledger::mutants::{self, Mutant};
use ledger::{Balances, HoldSet, Seat, Share, Short, Slot};
use money::Nano;
use smallvec::SmallVec;
use store::sync::{AtomicUsize, Mutex};

use crate::core::Core;
use crate::permit::{Reserved, Terms};
use crate::refusal::Refusal;

/// How long smaller requests may pass a bigger one that came first, milliseconds.
const PASSING_MS: i64 = 2_000;
/// Requests parked at the same time, at most.
const PARKED_MAX: usize = 10_000;
/// How many waiters that do not fit are tried at one go before giving up until the next.
const TRIES_MAX: usize = 256;

/// Why a request was not granted at once.
#[derive(Debug)]
pub enum Shortage {
    /// For good, or for a reason that waiting does not cure.
    Refused(Refusal),
    /// Only other requests' holds are in the way: worth parking for.
    Wait(Box<Wait>),
}

/// A request that may be parked.
#[derive(Debug)]
pub struct Wait {
    pub(crate) set: Arc<HoldSet>,
    pub(crate) floor: Nano,
    pub(crate) want: Nano,
    pub(crate) terms: Terms,
    /// What to answer when the wait was in vain.
    pub refusal: Refusal,
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: AtomicUsize,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    next_ticket: u64,
    waiters: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    set: Arc<HoldSet>,
    floor: Nano,
    want: Nano,
    since_ms: i64,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
enum State {
    Waiting(Option<Waker>),
    Granted(Nano),
    Stale,
    Taken,
}

impl Queue {
    /// Whether a newcomer on these balances must queue behind somebody.
    pub(crate) fn is_ahead_of(&self, set: &HoldSet) -> bool {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return false;
        }
        self.line.lock().waiters.iter().any(|waiter| waiter.set.shares_with(set))
    }

    fn join(&self, wait: &Wait, now_ms: i64) -> Option<(u64, Arc<Mutex<State>>)> {
        let mut line = self.line.lock();
        if line.waiters.len() >= PARKED_MAX {
            return None;
        }
        let ticket = line.next_ticket;
        line.next_ticket += 1;
        let state = Arc::new(Mutex::new(State::Waiting(None)));
        line.waiters.push_back(Waiter {
            ticket,
            set: Arc::clone(&wait.set),
            floor: wait.floor,
            want: wait.want,
            since_ms: now_ms,
            state: Arc::clone(&state),
        });
        self.waiting.store(line.waiters.len(), Ordering::SeqCst);
        Some((ticket, state))
    }

    fn leave(&self, ticket: u64) {
        let mut line = self.line.lock();
        line.waiters.retain(|waiter| waiter.ticket != ticket);
        self.waiting.store(line.waiters.len(), Ordering::SeqCst);
    }

    /// Hands what is available to the waiters, in order. Call after any headroom came back.
    pub(crate) fn serve(&self, money: &Mutex<Balances>, now_ms: i64) {
        if self.waiting.load(Ordering::SeqCst) == 0 || mutants::is(Mutant::WaiterForgotten) {
            return;
        }
        let mut woken: SmallVec<[Waker; 8]> = SmallVec::new();
        {
            let mut line = self.line.lock();
            line.serve(money, now_ms, &mut woken);
            self.waiting.store(line.waiters.len(), Ordering::SeqCst);
        }
        woken.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }
}

impl Line {
    fn serve(&mut self, money: &Mutex<Balances>, now_ms: i64, woken: &mut SmallVec<[Waker; 8]>) {
        let mut blocked: SmallVec<[Slot; 8]> = SmallVec::new();
        let mut tries = 0;
        // Alone, one may take all that is left; with others behind, a request that is lowered takes half, so that
        // the last dollar serves many at once and not one after the other.
        let share = if self.waiters.len() > 1 { Share::Half } else { Share::Whole };
        self.waiters.retain(|waiter| {
            if tries >= TRIES_MAX || is_on(&waiter.set, &blocked) {
                return true;
            }
            // A set that a window has turned under is gathered anew, and may be of other balances.
            let granted = match waiter.set.is_valid(now_ms) {
                true => money.lock().reserve(waiter.set.seats(), waiter.floor, waiter.want, share, now_ms),
                false => Err(Short::Stale),
            };
            let outcome = match granted {
                Ok(amount) => State::Granted(amount),
                Err(Short::Stale) => State::Stale,
                // Used up meanwhile: to be matched again, and refused with the reason of now.
                Err(Short::Money(balance)) if balance.gone().saturating_add(waiter.floor) > balance.limit => {
                    State::Stale
                }
                Err(Short::Money(balance)) => {
                    tries += 1;
                    if now_ms.saturating_sub(waiter.since_ms) > PASSING_MS {
                        let slots = waiter.set.seats().iter().map(Seat::slot);
                        blocked.extend(slots.filter(|slot| slot.id() == balance.id));
                    }
                    return true;
                }
            };
            if let State::Waiting(waker) = std::mem::replace(&mut *waiter.state.lock(), outcome) {
                woken.extend(waker);
            }
            false
        });
    }
}

fn is_on(set: &HoldSet, slots: &[Slot]) -> bool {
    set.seats().iter().any(|seat| slots.contains(&seat.slot()))
}

/// A parked request: resolves to its reservation, or to `None` when it must be matched again (a window ended).
/// Dropping it leaves the queue, and gives back what had just been granted.
#[derive(Debug)]
pub struct Parked {
    core: Arc<Core>,
    ticket: u64,
    state: Arc<Mutex<State>>,
    wait: Box<Wait>,
}

impl Parked {
    /// Joins the queue; hands the refusal back when the queue is full.
    pub(crate) fn join(core: &Arc<Core>, wait: Box<Wait>) -> Result<Self, Box<Refusal>> {
        let now_ms = core.latest_ms();
        let Some((ticket, state)) = core.queue.join(&wait, now_ms) else {
            return Err(Box::new(wait.refusal));
        };
        let parked = Parked { core: Arc::clone(core), ticket, state, wait };
        core.queue.serve(&core.money, now_ms);
        Ok(parked)
    }

    /// What to answer when waiting is given up.
    pub fn refusal(&self) -> Refusal {
        self.wait.refusal.clone()
    }
}

impl Future for Parked {
    type Output = Option<Reserved>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut state = this.state.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Waiting(_) => {
                *state = State::Waiting(Some(cx.waker().clone()));
                Poll::Pending
            }
            State::Granted(amount) => {
                drop(state);
                Poll::Ready(Some(Reserved::new(
                    &this.core,
                    Arc::clone(&this.wait.set),
                    amount,
                    this.wait.terms.clone(),
                )))
            }
            State::Stale => Poll::Ready(None),
            State::Taken => panic!("a parked request is polled to its end only once"),
        }
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        self.core.queue.leave(self.ticket);
        let left = std::mem::replace(&mut *self.state.lock(), State::Taken);
        match left {
            State::Granted(amount) => self.core.give_back(&self.wait.set, amount),
            // Those behind it may fit.
            State::Waiting(_) => self.core.queue.serve(&self.core.money, self.core.latest_ms()),
            State::Stale | State::Taken => {}
        }
    }
}
