//! Requests that come: reserved, parked, or refused, and whether a refusal was fair.

use std::task::Poll;

use admission::{Admission, Ask, Clamp, Refusal, RefusalReason, Reserved, Shortage};
use fastrand::Rng;
use ledger::{Balance, Label, Scope};
use money::Nano;

use super::call::{Call, Flag, Grant, Stage, poll};
use super::{Checked, KEYS, PARK_MS_MAX, World};
use crate::auditor::Labels;
use crate::tariff;

/// What a request wants.
struct Want {
    labels: Labels,
    key: usize,
    kind: usize,
    clamp: Clamp,
    ceiling: Option<Nano>,
}

/// The scope of a request with these labels.
pub(super) fn scope(labels: &Labels) -> Scope<'_> {
    Label::ALL.iter().fold(Scope::default(), |scope, label| scope.with(*label, labels.value(*label)))
}

impl World {
    /// Many requests alike come at once.
    pub(super) fn herd(&mut self, rng: &mut Rng) -> Checked {
        let want = self.want(rng);
        for _ in 0..rng.usize(4..40) {
            let same = Want { labels: want.labels.clone(), ..want };
            self.ask_for(same, rng)?;
            self.answer_parked()?;
            self.look(crate::event::Kind::Ask)?;
        }
        Ok(())
    }

    /// A request comes.
    pub(super) fn ask(&mut self, rng: &mut Rng) -> Checked {
        let want = self.want(rng);
        self.ask_for(want, rng)
    }

    fn want(&self, rng: &mut Rng) -> Want {
        let (kind, what) = self.tariff.any(rng);
        let labels = Labels::new([
            format!("k{}", rng.u32(0..3)),
            format!("u{}", rng.u32(0..4)),
            what.model.clone(),
            format!("s{}", rng.u32(0..self.setting.sessions)),
            if rng.bool() { String::new() } else { format!("a{}", rng.u32(0..2)) },
        ]);
        Want {
            labels,
            key: rng.usize(0..KEYS.len()),
            kind,
            clamp: tariff::clamp(self.setting.clamp_percent, rng),
            ceiling: (rng.u32(0..20) == 0).then(|| Nano::from_nanos(rng.i64(0..2_000_000_000))),
        }
    }

    fn ask_for(&mut self, want: Want, rng: &mut Rng) -> Checked {
        if self.calls.len() >= self.setting.calls_max {
            return Ok(());
        }
        self.tally.asked += 1;
        let answer = self.reserve(&want)?;
        let number = self.tally.asked;
        let call = |stage| {
            let Want { key, kind, clamp, .. } = want;
            Call { labels: want.labels.clone(), key, kind, clamp, number, stage }
        };
        match answer {
            Ok((reserved, grant)) => {
                self.check_line(&grant)?;
                self.calls.push(call(Stage::Reserved { reserved, grant }));
            }
            Err(Shortage::Refused(refusal)) => self.refused(&want, &refusal)?,
            Err(Shortage::Wait(_)) if !self.setting.is_patient && rng.u32(0..8) == 0 => {
                self.tally.refuse(RefusalReason::Held);
            }
            Err(Shortage::Wait(wait)) => match self.process().admission.park(wait) {
                Ok(parked) => {
                    self.tally.parked += 1;
                    let (flag, since_ms) = (Flag::up(), self.now_ms);
                    let standing = self.standing(&want.labels).unwrap_or_default();
                    let balances = standing.iter().map(|balance| balance.id.0).collect();
                    self.calls.push(call(Stage::Parked {
                        parked: Box::pin(parked),
                        flag,
                        since_ms,
                        balances,
                    }));
                }
                Err(refusal) if refusal.reason == RefusalReason::Held => {
                    self.gave_up(&want.labels, want.kind, want.clamp);
                }
                Err(refusal) => return Err(format!("parking was refused: {refusal:?}")),
            },
        }
        Ok(())
    }

    /// Reserves; a warm request does no I/O.
    fn reserve(&mut self, want: &Want) -> Result<Result<(Reserved, Grant), Shortage>, String> {
        let wall_ms = self.wall_ms();
        let process = self.process.as_ref().expect("a process runs");
        let scope = scope(&want.labels);
        let is_warm = process.admission.standing(&scope, wall_ms).is_some();
        let before = (process.disk.operations(), process.disk.book_reads());
        let bound = &self.tariff.kind(want.kind).bound;
        let ask =
            Ask { scope, bound, upstream_key: KEYS[want.key], ceiling: want.ceiling, clamp: want.clamp };
        let answer = process.admission.reserve(&ask, wall_ms);
        let after = (process.disk.operations(), process.disk.book_reads());
        if is_warm && before != after {
            return Err(format!("a warm request did I/O: {before:?}, then {after:?}"));
        }
        self.take_writes()?;
        Ok(match answer {
            Ok(reserved) => {
                let grant = self.grant(&want.labels, want.kind, &reserved)?;
                Ok((reserved, grant.ok_or("a request was granted and is not warm")?))
            }
            Err(shortage) => Err(shortage),
        })
    }

    /// Whoever comes takes nothing that somebody waits for.
    fn check_line(&self, grant: &Grant) -> Checked {
        let waits = |call: &&Call| match &call.stage {
            Stage::Parked { flag, balances, .. } => {
                !flag.is_up() && balances.iter().any(|id| grant.balances.contains(id))
            }
            _ => false,
        };
        match self.calls.iter().find(waits) {
            Some(call) if grant.amount > 0 => {
                Err(format!("overtaken: call {} waits, and another is granted", call.number))
            }
            _ => Ok(()),
        }
    }

    /// What was set aside, as the auditor reckons it; `None` when it is not known on what, for a window ended meanwhile.
    fn grant(&mut self, labels: &Labels, kind: usize, reserved: &Reserved) -> Result<Option<Grant>, String> {
        let standing = self.standing(labels);
        let Some(standing) = standing else { return Ok(None) };
        let kind = self.tariff.kind(kind);
        if reserved.output_cap() > kind.cap {
            return Err(format!("a cap of {} was granted, asked were {}", reserved.output_cap(), kind.cap));
        }
        let amount = kind.cost_at(reserved.output_cap());
        let balances: Vec<u32> = standing.iter().map(|balance| balance.id.0).collect();
        self.auditor.reserve(&balances, amount);
        self.tally.granted += 1;
        Ok(Some(Grant { amount, balances, at_ms: self.ledger_ms() }))
    }

    /// The balances of a request, as they stand.
    pub(super) fn standing(&self, labels: &Labels) -> Option<Vec<Balance>> {
        let admission: &Admission = &self.process().admission;
        admission.standing(&scope(labels), self.wall_ms()).map(|balances| balances.to_vec())
    }

    /// A refusal for good must be one: what is left is gone, and nothing in flight will bring it back.
    fn refused(&mut self, want: &Want, refusal: &Refusal) -> Checked {
        self.tally.refuse(refusal.reason);
        let floor = self.tariff.kind(want.kind).floor(want.clamp);
        match refusal.reason {
            RefusalReason::UsedUp => {
                let standing = self.standing(&want.labels).unwrap_or_default();
                let is_gone = |balance: &Balance| {
                    balance.posted.nanos() + balance.stuck.nanos() + floor > balance.limit.nanos()
                };
                match standing.iter().any(is_gone) {
                    true => Ok(()),
                    false => Err(format!("refused as used up for {floor}: {standing:?}")),
                }
            }
            RefusalReason::PerRequest => match want.ceiling {
                Some(ceiling) if floor > ceiling.nanos() => Ok(()),
                ceiling => Err(format!("refused for its ceiling {ceiling:?}, and needs {floor}")),
            },
            RefusalReason::Journal if self.may_journal_refuse() => Ok(()),
            RefusalReason::Clock if self.process().admission.clock_is_off_by().is_some() => Ok(()),
            RefusalReason::Restored if self.process().admission.restored().is_some() => Ok(()),
            reason => Err(format!("refused without a cause: {reason:?}")),
        }
    }

    /// A request that waited, or would not, leaves without money. Starved: the money was really there.
    fn gave_up(&mut self, labels: &Labels, kind: usize, clamp: Clamp) {
        self.tally.refuse(RefusalReason::Held);
        let floor = self.tariff.kind(kind).floor(clamp);
        let Some(standing) = self.standing(labels) else { return };
        let flights: Vec<_> = self
            .calls
            .iter()
            .filter_map(|call| match &call.stage {
                Stage::Flying { attempt, grant, .. } => {
                    Some((&self.upstream.attempts()[*attempt], grant.balances.as_slice()))
                }
                _ => None,
            })
            .collect();
        if self.auditor.is_starved(&standing, floor, self.ledger_ms(), &flights) {
            self.tally.starved += 1;
        }
    }

    /// Whoever was woken goes on; whoever has waited too long goes.
    pub(super) fn answer_parked(&mut self) -> Checked {
        // One who goes on, or goes away, may leave what another was waiting for.
        loop {
            while self.calls.iter().any(Call::is_woken) {
                self.answer_woken()?;
            }
            if !self.send_away() {
                return Ok(());
            }
        }
    }

    fn answer_woken(&mut self) -> Checked {
        let mut at = 0;
        while at < self.calls.len() {
            match &mut self.calls[at].stage {
                Stage::Parked { parked, flag, .. } if flag.take() => match poll(parked.as_mut(), flag) {
                    Poll::Ready(outcome) => self.woken(at, outcome)?,
                    Poll::Pending => at += 1,
                },
                Stage::Permitting { flag, .. } if flag.is_up() => {
                    let mut rng = Rng::with_seed(0);
                    let before = self.calls.len();
                    self.advance(at, &mut rng)?;
                    at += usize::from(self.calls.len() == before);
                }
                _ => at += 1,
            }
        }
        Ok(())
    }

    /// The first who has waited too long goes without; whether there was one.
    fn send_away(&mut self) -> bool {
        let now_ms = self.now_ms;
        let is_over = |call: &Call| matches!(call.stage, Stage::Parked { since_ms, .. } if now_ms - since_ms > PARK_MS_MAX);
        let Some(at) = self.calls.iter().position(is_over) else { return false };
        let call = self.calls.swap_remove(at);
        drop(call.stage);
        self.gave_up(&call.labels, call.kind, call.clamp);
        true
    }

    fn woken(&mut self, at: usize, outcome: Option<Reserved>) -> Checked {
        match outcome {
            Some(reserved) => {
                self.tally.served += 1;
                let (labels, kind) = (self.calls[at].labels.clone(), self.calls[at].kind);
                // Of another window than it waited in: what it is charged to cannot be asked any more.
                let waited_on = match &self.calls[at].stage {
                    Stage::Parked { balances, .. } => balances.clone(),
                    _ => Vec::new(),
                };
                let standing = self.standing(&labels).unwrap_or_default();
                if !standing.iter().map(|balance| balance.id.0).eq(waited_on) {
                    drop(reserved);
                    drop(self.calls.swap_remove(at));
                    return Ok(());
                }
                match self.grant(&labels, kind, &reserved)? {
                    Some(grant) => self.calls[at].stage = Stage::Reserved { reserved, grant },
                    None => drop(self.calls.swap_remove(at)),
                }
            }
            None => {
                let Call { labels, key, kind, clamp, .. } = self.calls.swap_remove(at);
                let mut rng = Rng::with_seed(1);
                self.ask_for(Want { labels, key, kind, clamp, ceiling: None }, &mut rng)?;
            }
        }
        Ok(())
    }

    /// Nobody who is first in line waits for money that is there.
    pub(super) fn look_at_first_in_line(&self) -> Checked {
        let parked = |call: &&Call| matches!(call.stage, Stage::Parked { .. });
        let first = self.calls.iter().filter(parked).min_by_key(|call| call.number);
        let Some(call) = first else { return Ok(()) };
        let floor = self.tariff.kind(call.kind).floor(call.clamp);
        let Some(standing) = self.standing(&call.labels) else { return Ok(()) };
        match standing.iter().all(|balance| balance.available().nanos() >= floor) {
            true => Err(format!("forgotten: {floor} is there for who is first in line: {standing:?}")),
            false => Ok(()),
        }
    }
}
