//! The evidence ladder, as the gateway climbs it: `/generation`, insurance, the counter of a quiet key, the bill, the
//! operator. What each proves is decided by [`admission::control`] and the ledger; here is only who asks when.

use admission::control::{self, Look, Reading, Rules, Totals, Verdict};
use fastrand::Rng;
use ledger::{Evidence, HoldId, UnknownReason};
use money::{Exact, Nano};
use store::ControlPoint;

use super::{Checked, KEYS, World};
use crate::upstream::FINAL_MS;

/// Questions at a time.
const ASKED_MAX: usize = 16;
/// A hold that was taken as free is asked for once more after so long, milliseconds.
const RECHECK_MS: i64 = 900_000;

fn rules() -> Rules {
    Rules { quiet_after_ms: 60_000, final_after_ms: FINAL_MS, rest_ms: 300_000, resolution: Exact::ZERO }
}

impl World {
    /// A round of questions.
    pub(super) fn ask_for_unknown(&mut self, rng: &mut Rng) -> Checked {
        self.ask_generations()?;
        self.ask_again()?;
        self.read_counter(rng.usize(0..KEYS.len()))
    }

    /// Every request ends, and for a while none comes.
    pub(super) fn lull(&mut self, rng: &mut Rng) -> Checked {
        self.end_calls(rng);
        self.answer_parked()?;
        self.end_calls(rng);
        if rng.bool() {
            self.pass(FINAL_MS)?;
        }
        for _ in 0..4 {
            self.pass(70_000)?;
            self.tick()?;
            (0..KEYS.len()).try_for_each(|key| self.read_counter(key))?;
            self.ask_generations()?;
            self.take_writes()?;
        }
        Ok(())
    }

    fn ask_generations(&mut self) -> Checked {
        let wall_ms = self.wall_ms();
        for due in self.process().admission.due(wall_ms, ASKED_MAX, |_| true) {
            let told = self.upstream.generation(&due.generation, self.now_ms).cloned();
            let is_over = due.is_insured(self.ledger_ms(), FINAL_MS);
            match told {
                Some(cost) => {
                    self.resolve(due.hold, cost.amount(), &cost.text, Evidence::Generation);
                    self.recheck(due.hold.0);
                }
                None if is_over => {
                    self.resolve(due.hold, Nano::ZERO, "", Evidence::Insured);
                    self.recheck(due.hold.0);
                }
                None => {}
            }
        }
        Ok(())
    }

    fn resolve(&mut self, hold: HoldId, cost: Nano, text: &str, evidence: Evidence) {
        if self.process().admission.resolve(hold, cost, text, evidence, self.wall_ms()) {
            self.tally.resolved += 1;
        }
    }

    /// To be asked for once more.
    pub(super) fn recheck(&mut self, hold: u64) {
        self.rechecks.push((hold, self.now_ms + RECHECK_MS));
    }

    fn ask_again(&mut self) -> Checked {
        let now_ms = self.now_ms;
        let due: Vec<u64> = self
            .rechecks
            .extract_if(.., |(_, at_ms)| *at_ms <= now_ms)
            .map(|(hold, _)| hold)
            .take(8)
            .collect();
        for hold in due {
            let Some(attempt) = self.upstream.of_hold(hold) else { continue };
            let told = self.upstream.generation(&attempt.generation, now_ms).cloned();
            if let Some(cost) = told {
                self.correct(hold, cost.amount(), &cost.text)?;
            }
        }
        Ok(())
    }

    /// Books what an ended hold really cost.
    pub(super) fn correct(&mut self, hold: u64, cost: Nano, text: &str) -> Checked {
        let Some(was) = self.auditor.booked(hold) else { return Ok(()) };
        let wall_ms = self.wall_ms();
        let corrected =
            self.process().admission.correct(HoldId(hold), cost, text, Evidence::Analytics, wall_ms);
        self.take_writes()?;
        match corrected {
            Ok(correction) if correction.was.nanos() != was => {
                Err(format!("hold {hold} was booked at {was}, and is corrected from {}", correction.was))
            }
            Ok(_) => {
                self.tally.corrected += u64::from(was != cost.nanos());
                Ok(())
            }
            Err(_) if self.may_journal_refuse() || self.process().disk.is_dead() => Ok(()),
            Err(error) => Err(format!("hold {hold} cannot be corrected: {error}")),
        }
    }

    /// Looks at the counter of a key, where the rule says so.
    fn read_counter(&mut self, key: usize) -> Checked {
        let now_ms = self.process().admission.now_ms();
        let unknown = self.process().admission.unknown_holds();
        let own: Vec<_> = unknown.iter().filter(|hold| hold.upstream_key == KEYS[key]).collect();
        let quiet_since = self.process().admission.quiet_since(KEYS[key]);
        let look =
            Look { now_ms, quiet_since, youngest_unknown_ms: own.iter().map(|hold| hold.since_ms).max() };
        if !self.watches[key].wants(&rules(), &look) {
            return Ok(());
        }
        let charged = self.upstream.counter(key, self.now_ms);
        let reading =
            quiet_since.or(Some(now_ms)).map(|quiet_since| Reading { at_ms: now_ms, quiet_since, charged });
        if !self.watches[key].read(&rules(), now_ms, reading) {
            return Ok(());
        }
        let holds: Vec<(HoldId, Nano)> = own.iter().map(|hold| (hold.hold, hold.bound)).collect();
        self.conclude(key, charged, quiet_since.unwrap_or(now_ms), &holds)
    }

    fn conclude(
        &mut self,
        key: usize,
        charged: Exact,
        quiet_since: i64,
        holds: &[(HoldId, Nano)],
    ) -> Checked {
        let books = self.process().admission.books();
        let read = books
            .flush()
            .ok()
            .and_then(|()| Some((books.key_total(KEYS[key]).ok()?, books.last_control(KEYS[key]).ok()?)));
        self.take_writes()?;
        let Some((ours, last)) = read else { return Ok(()) };
        if holds.is_empty() {
            self.point(key, charged, quiet_since);
            return Ok(());
        }
        let now_ms = self.ledger_ms();
        self.watches[key].rest(&rules(), now_ms);
        if let Some(last) = last {
            let theirs =
                Exact::parse_sum(&last.usage).map_err(|error| format!("a control point: {error}"))?;
            let then = Totals { theirs, ours: last.exact };
            // Books that cannot tell prove nothing.
            let explained = books.explained(&last, &ours).ok().flatten();
            self.take_writes()?;
            if let Some(explained) = explained {
                let now = Totals { theirs: charged, ours: last.exact + explained };
                self.end_all(control::judge(then, now, rules().resolution), holds);
            }
        }
        Ok(())
    }

    /// Keeps a control point where nothing is unknown on a key.
    fn point(&mut self, key: usize, charged: Exact, quiet_since: i64) {
        let admission = &self.process().admission;
        if admission.unknown_holds().iter().any(|hold| hold.upstream_key == KEYS[key]) {
            return;
        }
        let books = admission.books();
        let Some(ours) = books.flush().ok().and_then(|()| books.key_total(KEYS[key]).ok()) else { return };
        let (at_ms, usage) = (self.ledger_ms(), charged.to_string());
        let point =
            ControlPoint { upstream_key: KEYS[key], at_ms, usage, exact: ours.exact, entries: ours.entries };
        if books.keep_control(&point).is_ok() {
            self.watches[key].pointed(quiet_since);
        }
    }

    fn end_all(&mut self, verdict: Verdict, holds: &[(HoldId, Nano)]) {
        for (hold, bound) in holds {
            match verdict {
                Verdict::Nothing => self.resolve(*hold, Nano::ZERO, "", Evidence::ControlTotal),
                Verdict::Billed(more) => {
                    self.resolve(*hold, control::attributed(more, *bound), "", Evidence::Attributed);
                }
                Verdict::Drift(_) => {}
            }
            self.recheck(hold.0);
        }
    }

    /// An operator, who has the bill, says what an unknown hold cost.
    pub(super) fn decide(&mut self, rng: &mut Rng) -> Checked {
        let unknown = self.process().admission.unknown_holds();
        if unknown.is_empty() {
            return Ok(());
        }
        let hold = &unknown[rng.usize(0..unknown.len())];
        self.decide_on(hold.hold, hold.reason);
        Ok(())
    }

    /// Where the truth is final; a hold that was never sent costs nothing.
    pub(super) fn decide_on(&mut self, hold: HoldId, _reason: UnknownReason) {
        let truth = match self.upstream.of_hold(hold.0) {
            None => Some((Nano::ZERO, String::new())),
            Some(attempt) if !self.upstream.is_final(attempt, self.now_ms) => None,
            Some(attempt) => Some((attempt.last.amount(), attempt.last.text.clone())),
        };
        if let Some((cost, text)) = truth {
            self.resolve(hold, cost, &text, Evidence::Operator);
        }
    }

    /// Some of what has ended is held against the bill.
    pub(super) fn audit(&mut self, rng: &mut Rng) -> Checked {
        let count = self.upstream.attempts().len();
        for _ in 0..count.min(8) {
            self.audit_one(rng.usize(0..count))?;
        }
        Ok(())
    }

    /// The bill's word on one attempt, once it is final.
    pub(super) fn audit_one(&mut self, number: usize) -> Checked {
        let attempt = &self.upstream.attempts()[number];
        let (hold, last) = (attempt.hold, attempt.last.clone());
        let is_final = self.upstream.is_final(attempt, self.now_ms);
        match self.auditor.booked(hold) {
            Some(booked) if is_final && booked != last.nanos => self.correct(hold, last.amount(), &last.text),
            _ => Ok(()),
        }
    }
}
