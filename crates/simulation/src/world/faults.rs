//! What goes wrong with process, power, disk and books, and what an operator changes.

use std::sync::Arc;

use fastrand::Rng;

use super::call::{Call, Stage};
use super::{Checked, World};
use crate::machine::{StartError, Trap, TrapKind};
use crate::setting::{Line, pick};

impl World {
    /// The process is killed between two steps, and starts again.
    pub(super) fn kill(&mut self, rng: &mut Rng) -> Checked {
        self.die(rng)?;
        self.start(Some(rng))
    }

    /// The process will be killed in one of its next writes.
    pub(super) fn kill_soon(&mut self, rng: &mut Rng) -> Checked {
        self.is_trapped = true;
        let trap = Trap { after: rng.u32(0..12), kind: TrapKind::Kill { torn: rng.bool() } };
        self.process().disk.arm(trap);
        Ok(())
    }

    /// A process that a trap has killed is buried, and the next one starts.
    pub(super) fn bury(&mut self, rng: &mut Rng) -> Checked {
        if !self.process().disk.is_dead() {
            return Ok(());
        }
        self.die(rng)?;
        self.start(Some(rng))
    }

    /// As [`World::bury`], within a start.
    pub(super) fn revive(&mut self) -> Checked {
        let mut rng = Rng::with_seed(self.steps);
        self.die(&mut rng)?;
        self.start(None)
    }

    /// The process dies: nothing of it happens any more. What it sent goes on.
    fn die(&mut self, rng: &mut Rng) -> Checked {
        self.take_writes()?;
        let process = self.process.take().expect("a process runs");
        self.tally.deaths += 1;
        process.kill();
        self.calls.clear();
        self.upstream.end_all(self.now_ms, rng);
        self.rechecks.clear();
        self.auditor.died();
        Ok(())
    }

    /// The power goes.
    pub(super) fn cut_power(&mut self, rng: &mut Rng) -> Checked {
        if !self.needs_disk() {
            // What a cut may cost without `durability = "power"` is documented, not simulated: here it costs nothing.
            self.sync()?;
            if self.process().disk.is_dead() || self.process().store.health().is_err() {
                return self.kill(rng);
            }
        }
        self.take_writes()?;
        let process = self.process.take().expect("a process runs");
        self.tally.deaths += 1;
        self.machine.cut_power(Some(process), rng);
        self.calls.clear();
        self.upstream.end_all(self.now_ms, rng);
        self.rechecks.clear();
        self.auditor.lost_power();
        self.pass(rng.i64(0..600_000))?;
        self.start(Some(rng))
    }

    /// The process ends in order, and starts again.
    pub(super) fn close(&mut self, rng: &mut Rng) -> Checked {
        self.end_in_order(rng)?;
        self.start(Some(rng))
    }

    /// Answers come to their end; who has not sent yet goes away.
    pub(super) fn end_calls(&mut self, rng: &mut Rng) {
        for Call { stage, .. } in std::mem::take(&mut self.calls) {
            match stage {
                Stage::Flying { flight, attempt, .. } => {
                    self.upstream.end(attempt, self.now_ms, rng);
                    self.land(flight, attempt, rng);
                }
                Stage::Reserved { reserved, grant } => {
                    drop(reserved);
                    self.auditor.release(&grant.balances, grant.amount);
                }
                other => drop(other),
            }
        }
    }

    /// Calls end; then everything is shipped.
    pub(super) fn end_in_order(&mut self, rng: &mut Rng) -> Checked {
        self.end_calls(rng);
        let may_fail = self.is_trapped || self.may_journal_refuse();
        let process = self.process.take().expect("a process runs");
        let disk = Arc::clone(&process.disk);
        let closed = process.close();
        self.writes.clear();
        disk.take_writes(&mut self.writes);
        self.auditor.read(&self.writes, &self.upstream, self.now_ms)?;
        self.rechecks.clear();
        self.auditor.died();
        match closed {
            Err(error) if !may_fail => Err(format!("the store does not close: {error}")),
            _ => Ok(()),
        }
    }

    /// The process starts again with other budgets.
    pub(super) fn reconfigure(&mut self, rng: &mut Rng) -> Checked {
        if rng.bool() {
            self.end_in_order(rng)?;
        } else {
            self.die(rng)?;
        }
        let at = rng.usize(0..self.lines.len());
        match rng.u32(0..6) {
            // Topped up, lowered, paused.
            0 => {
                let is_tight = self.setting.is_tight;
                self.lines.iter_mut().for_each(|line| line.limit = Line::limit(rng, is_tight));
            }
            1 => {
                let more = Line::limit(rng, self.setting.is_tight);
                self.lines[at].limit = self.lines[at].limit.saturating_add(more);
            }
            2 | 3 => self.lines[at].limit = Line::limit(rng, self.setting.is_tight),
            4 => self.lines[at].limit = *pick(rng, &[money::Nano::ZERO, self.lines[at].limit]),
            _ if at > 0 => drop(self.lines.remove(at)),
            _ => {
                let line = Line::any(self.named, rng, self.setting.is_tight);
                self.named += 1;
                self.lines.push(line);
            }
        }
        self.start(Some(rng))
    }

    /// A second process wants the folder, and does not get it.
    pub(super) fn start_twice(&mut self) -> Checked {
        match self.machine.start(&self.setting.options, self.budgets(), false, None) {
            Err(StartError::Held) => Ok(()),
            Err(error) => Err(format!("a second process is refused with {error:?}")),
            Ok(_) => Err("a second process has the folder".to_owned()),
        }
    }

    /// A bit turns over while nothing runs: the next start says so, and does nothing.
    pub(super) fn damage(&mut self, rng: &mut Rng) -> Checked {
        self.die(rng)?;
        let Some(damage) = self.machine.damage(rng) else { return self.start(None) };
        match self.machine.start(&self.setting.options, self.budgets(), false, None) {
            Err(StartError::Damaged(_)) => {
                self.tally.damages += 1;
                self.machine.undo(&damage);
                self.start(None)
            }
            Ok(_) => Err(format!("damage is not noticed: {damage:?}")),
            Err(error) => Err(format!("damage is told as {error:?}")),
        }
    }

    /// Books from a backup: nothing passes until somebody accepts them.
    pub(super) fn restore(&mut self, rng: &mut Rng) -> Checked {
        if self.setting.on_sqlite || self.is_trapped || self.may_journal_refuse() {
            return Ok(());
        }
        self.end_in_order(rng)?;
        self.machine.restore(&self.machine.back_up());
        self.auditor.wiped();
        self.start(None)?;
        if self.process().admission.restored().is_none() {
            return Err("books from a backup are not known as such".to_owned());
        }
        for _ in 0..3 {
            let granted = self.tally.granted;
            self.ask(rng)?;
            if self.tally.granted != granted {
                return Err("books from a backup admit".to_owned());
            }
        }
        self.process().admission.accept_restored().map_err(|error| format!("cannot be accepted: {error}"))
    }

    /// The disk is full, or has room again.
    pub(super) fn fill(&mut self, rng: &mut Rng) -> Checked {
        self.is_disk_full = rng.u32(0..3) == 0;
        self.machine.fill_disk(self.is_disk_full);
        Ok(())
    }

    /// One of the next writes fails.
    pub(super) fn fail_write(&mut self, rng: &mut Rng) -> Checked {
        self.is_trapped = true;
        let kind = if rng.bool() { TrapKind::WriteError } else { TrapKind::HeaderError };
        self.process().disk.arm(Trap { after: rng.u32(0..20), kind });
        Ok(())
    }

    /// One of the next syncs fails.
    pub(super) fn fail_sync(&mut self, rng: &mut Rng) -> Checked {
        self.is_trapped = true;
        self.process().disk.arm(Trap { after: rng.u32(0..20), kind: TrapKind::SyncError });
        Ok(())
    }

    /// The books refuse, or take again.
    pub(super) fn refuse(&mut self, rng: &mut Rng) -> Checked {
        self.do_books_refuse = rng.u32(0..3) == 0;
        self.machine.books_refuse(self.do_books_refuse);
        Ok(())
    }
}
