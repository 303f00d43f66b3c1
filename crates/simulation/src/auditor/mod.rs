//! [`Auditor`]: knows what truly happened, reads every byte that reaches the journal, and holds the ledger to both.
//!
//! It shares no arithmetic with the code it checks: the journal is read by its own reader ([`journal`]), added up by its
//! own addition ([`account`]), windows are told apart by its own calendar ([`calendar`]), and what may be charged is
//! reckoned without any of that from what was sent ([`exposure`]). The numbers of invariants are LEDGER.md's.

mod account;
mod calendar;
mod exposure;
mod journal;

use std::collections::HashMap;

use ledger::Balance;
use store::Recovered;

use self::account::{Change, Ledger, NEVER_SENT, TOLD};
pub(crate) use self::exposure::Labels;
use self::exposure::{Exposure, rolling_ms};
use self::journal::{Entry, Written};
use crate::machine::Write;
use crate::setting::{Line, Mode};
use crate::upstream::{Attempt, Upstream};

/// How far ahead of the true time the ledger's may be: a clock that is off by less than the least that is noticed,
/// and what OpenRouter's `Date` confirms, milliseconds.
const AHEAD_MS_MAX: i64 = 600_000;

/// What an attempt that leaves must have.
#[derive(Clone, Copy)]
pub(crate) struct Sent<'a> {
    /// The hold it leaves under.
    pub(crate) hold: u64,
    /// What it is permitted to cost, nano-dollars.
    pub(crate) permitted: i64,
    /// Its labels.
    pub(crate) labels: &'a Labels,
    /// When it was admitted, by the ledger's time.
    pub(crate) admitted_ms: i64,
    /// Now, truly.
    pub(crate) now_ms: i64,
    /// Whether its hold has to be on disk, and not only in the page cache.
    pub(crate) needs_disk: bool,
}

/// The auditor of one world.
pub(crate) struct Auditor {
    mode: Mode,
    log: Vec<Entry>,
    ledger: Ledger,
    exposure: Exposure,
    /// Reserved in memory and not yet in the journal, by balance.
    reserved: HashMap<u32, i64>,
    /// The last record that is known to be on disk.
    durable: usize,
    /// How many records must be there when a new process starts, and whether there may be fewer.
    expected: Option<Expected>,
    /// Of the segments, as last written.
    headers: HashMap<u64, Vec<u8>>,
    /// Of everything that was written.
    print: u64,
}

#[derive(Clone, Copy, Debug)]
struct Expected {
    least: usize,
    most: usize,
}

type Checked = Result<(), String>;

impl Auditor {
    /// Of a world that has not begun.
    pub(crate) fn new(mode: Mode) -> Self {
        Auditor {
            mode,
            log: Vec::new(),
            ledger: Ledger::default(),
            exposure: Exposure::default(),
            reserved: HashMap::new(),
            durable: 0,
            expected: None,
            headers: HashMap::new(),
            print: 0xcbf2_9ce4_8422_2325,
        }
    }

    /// Takes in what was written to the disk.
    pub(crate) fn read(&mut self, writes: &[Write], upstream: &Upstream, now_ms: i64) -> Checked {
        for write in writes {
            self.stamp(&write.bytes);
            if !self.is_news(write) {
                continue;
            }
            match journal::read(write.offset, &write.bytes)? {
                Written::Header { first_seq } => {
                    self.headers.insert(write.segment, write.bytes.clone());
                    self.begins(first_seq, upstream)?;
                }
                Written::Record { seq, entry } => self.record(seq, entry, upstream, now_ms)?,
                Written::Nothing => {}
            }
        }
        Ok(())
    }

    /// Takes in what a start wrote; before that, it found this.
    pub(crate) fn begin(
        &mut self,
        writes: &[Write],
        found: &Recovered,
        upstream: &Upstream,
        now_ms: i64,
    ) -> Checked {
        let is_header = |write: &Write| write.offset == 0 && self.is_news(write);
        let header = writes.iter().position(is_header).map_or(writes.len(), |at| at + 1);
        self.read(&writes[..header], upstream, now_ms)?;
        self.check_recovered(found)?;
        self.read(&writes[header..], upstream, now_ms)
    }

    /// A start writes what it found once more, header and all.
    fn is_news(&self, write: &Write) -> bool {
        let known = self.headers.get(&write.segment);
        write.offset > 0 || known.is_none_or(|header| !write.bytes.starts_with(header))
    }

    /// Mixes something into the print of the world.
    pub(crate) fn stamp(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let word = chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
            self.print = (self.print ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        }
    }

    /// What two runs of a seed share.
    pub(crate) fn print(&self) -> u64 {
        self.print
    }

    /// Records so far.
    pub(crate) fn records(&self) -> usize {
        self.log.len()
    }

    /// The records behind so many, in words.
    pub(crate) fn told(&self, from: usize) -> Vec<String> {
        self.log.iter().skip(from).map(|entry| format!("{entry:?}")).collect()
    }

    fn record(&mut self, seq: u64, entry: Entry, upstream: &Upstream, now_ms: i64) -> Checked {
        if seq != self.log.len() as u64 + 1 {
            return Err(format!("I9: record {seq} comes after record {}", self.log.len()));
        }
        if self.expected.is_some() {
            return Err(format!("record {seq} comes before the header of a new process"));
        }
        let change = self.ledger.apply(&entry)?;
        self.log.push(entry);
        if self.ledger.latest_ms > now_ms + AHEAD_MS_MAX {
            return Err(format!("record {seq} is of {}, and it is {now_ms}", self.ledger.latest_ms));
        }
        match change {
            Change::Held { hold } => self.held(hold),
            Change::Ended { hold, cost, evidence } => self.ended(hold, cost, evidence, upstream),
            Change::Corrected { hold, cost } => self.corrected(hold, cost, upstream),
            Change::Other => Ok(()),
        }
    }

    /// I1 of the journal: with this hold no balance is above its limit.
    fn held(&self, hold: u64) -> Checked {
        let made = &self.ledger.holds[&hold];
        for member in self.ledger.members(made.set)? {
            let Some(account) = self.ledger.account(member.balance) else { continue };
            let charged = account.counted(made.at_ms) + account.open;
            let allowed = account.limit + if self.mode == Mode::Honest { 0 } else { account.overruns };
            if made.bound > 0 && charged > allowed {
                return Err(format!(
                    "I1: with hold {hold} of {} balance {} is at {charged} of {allowed}",
                    made.bound, member.balance
                ));
            }
        }
        Ok(())
    }

    fn ended(&mut self, hold: u64, cost: i64, evidence: u8, upstream: &Upstream) -> Checked {
        let Some(attempt) = upstream.of_hold(hold).filter(|_| self.exposure.was_sent(hold)) else {
            return match TOLD.contains(&evidence) && cost > 0 {
                true => Err(format!("hold {hold} was never sent, and is said to have cost {cost}")),
                false => Ok(()),
            };
        };
        let bound = self.ledger.holds[&hold].bound;
        self.exposure.end(hold, bound, attempt.last.nanos, attempt.charged_ms());
        let told = attempt.first.nanos == cost || attempt.last.nanos == cost;
        if TOLD.contains(&evidence) && !told {
            return Err(format!(
                "hold {hold} ends at {cost}; told were {:?} and {:?}",
                attempt.first, attempt.last
            ));
        }
        if evidence == NEVER_SENT {
            return Err(format!("hold {hold} was sent, and ends as never sent"));
        }
        if self.mode == Mode::Honest && cost < attempt.last.nanos {
            return Err(format!(
                "coverage: hold {hold} ends at {cost} on evidence {evidence}, and costs {}",
                attempt.last.nanos
            ));
        }
        Ok(())
    }

    fn corrected(&self, hold: u64, cost: i64, upstream: &Upstream) -> Checked {
        match upstream.of_hold(hold) {
            None if cost == 0 => Ok(()),
            Some(attempt) if cost == attempt.first.nanos || cost == attempt.last.nanos => Ok(()),
            attempt => Err(format!("hold {hold} is corrected to {cost}: {attempt:?}")),
        }
    }

    /// A new process writes its first header: what it found is what must have been there.
    fn begins(&mut self, first_seq: u64, upstream: &Upstream) -> Checked {
        let Some(expected) = self.expected.take() else { return Ok(()) };
        let found = first_seq as usize - 1;
        if found < expected.least || found > expected.most {
            return Err(format!("I9: {found} records were found; there must be {expected:?}"));
        }
        if found < self.log.len() {
            self.go_back(found, upstream)?;
        }
        Ok(())
    }

    fn go_back(&mut self, to: usize, upstream: &Upstream) -> Checked {
        for lost in self.log.split_off(to) {
            if let Entry::Settle { hold, .. } = lost
                && let Some(attempt) = upstream.of_hold(hold)
                && let Some(made) = self.ledger.holds.get(&hold)
            {
                self.exposure.reopen(hold, made.bound, attempt.last.nanos, attempt.charged_ms());
            }
        }
        let log = std::mem::take(&mut self.log);
        self.ledger = Ledger::default();
        for entry in &log {
            self.ledger.apply(entry)?;
        }
        self.log = log;
        Ok(())
    }

    /// The process died, and the machine went on: everything that was written is there.
    pub(crate) fn died(&mut self) {
        self.reserved.clear();
        let all = self.log.len();
        // One that died before it had read the journal leaves everything as it found it.
        self.expected.get_or_insert(Expected { least: all, most: all });
    }

    /// Whether time has been written down for good.
    pub(crate) fn is_rooted(&self) -> bool {
        self.log[..self.durable.min(self.log.len())].iter().any(|entry| matches!(entry, Entry::Hold { .. }))
    }

    /// The journal was taken away: what is written next is new.
    pub(crate) fn wiped(&mut self) {
        self.headers.clear();
    }

    /// The power went: what was on disk is there, and perhaps more.
    pub(crate) fn lost_power(&mut self) {
        self.died();
        let least = self.durable.min(self.log.len());
        self.expected = Some(Expected { least, most: self.log.len() });
    }

    /// Everything written so far is on disk.
    pub(crate) fn synced(&mut self) {
        self.durable = self.log.len();
    }

    /// The state that a start found, or that the journal is read back to.
    pub(crate) fn check_recovered(&self, found: &Recovered) -> Checked {
        let open = &found.open;
        if open.len() != self.ledger.open {
            let ids: Vec<u64> = open.iter().map(|open| open.hold.0).collect();
            return Err(format!("I9: {} holds are open, found are {ids:?}", self.ledger.open));
        }
        for open in open {
            let made = self.ledger.holds.get(&open.hold.0).filter(|made| made.end.is_none());
            let same = made.is_some_and(|made| {
                made.bound == open.bound.nanos()
                    && Some(made.set) == open.set.map(|set| set.0)
                    && made.has_id == open.generation.is_some()
                    && made.is_unknown == open.unknown.is_some()
            });
            if !same {
                return Err(format!("I9: found {open:?}, it is {made:?}"));
            }
        }
        for row in &found.balances {
            let account = self.ledger.account(row.id.0);
            let at_ms = found.latest_ms.max(self.ledger.latest_ms);
            let same = account.is_some_and(|account| {
                account.limit == row.limit.nanos()
                    && account.posted == row.posted.nanos()
                    && (found.latest_ms < at_ms || account.counted(at_ms) == row.counted().nanos())
            });
            if !same {
                return Err(format!("I9, I10: found {row:?}, it is {account:?}"));
            }
        }
        Ok(())
    }

    /// Headroom was set aside in memory.
    pub(crate) fn reserve(&mut self, balances: &[u32], amount: i64) {
        balances.iter().for_each(|id| *self.reserved.entry(*id).or_default() += amount);
    }

    /// It is journaled, or given back.
    pub(crate) fn release(&mut self, balances: &[u32], amount: i64) {
        balances.iter().for_each(|id| *self.reserved.entry(*id).or_default() -= amount);
    }

    /// I3, I4, I9: balances in memory, as they stand at an instant of the ledger's time, are what the journal adds up to.
    pub(crate) fn check_memory(&self, balances: &[Balance], at_ms: i64) -> Checked {
        for balance in balances {
            let id = balance.id.0;
            let Some(account) = self.ledger.account(id) else {
                return Err(format!("I7: balance {id} is in memory and not in the journal"));
            };
            let reserved = self.reserved.get(&id).copied().unwrap_or_default();
            let charged = balance.held.nanos() + balance.unknown.nanos();
            let posted = account.counted(at_ms);
            if charged != account.open + reserved
                || balance.posted.nanos() != posted
                || balance.limit.nanos() != account.limit
            {
                return Err(format!(
                    "I4, I9: {balance:?}; posted are {posted}, open {} and reserved {reserved} of {:?}",
                    account.open, account.name
                ));
            }
        }
        Ok(())
    }

    /// An attempt leaves.
    pub(crate) fn check_sent(&mut self, sent: &Sent<'_>, lines: &[Line], attempt_ms_max: i64) -> Checked {
        let Some(made) = self.ledger.holds.get(&sent.hold).filter(|made| made.end.is_none()) else {
            return Err(format!("I5: hold {} leaves and is not open in the journal", sent.hold));
        };
        if made.bound < sent.permitted {
            return Err(format!("I5: hold {} of {} leaves with {}", sent.hold, made.bound, sent.permitted));
        }
        let is_on_disk = || {
            let is_it = |entry: &Entry| matches!(entry, Entry::Hold { hold, .. } if *hold == sent.hold);
            self.log[..self.durable].iter().rev().any(is_it)
        };
        if sent.needs_disk && !is_on_disk() {
            return Err(format!("I7: hold {} leaves and is not on disk", sent.hold));
        }
        let set = made.set;
        self.check_set(set, sent, lines, attempt_ms_max)?;
        let times = (sent.permitted, sent.admitted_ms, sent.now_ms);
        match self.exposure.send(sent.hold, lines, sent.labels, times) {
            Err(what) if self.mode == Mode::Honest || !what.starts_with("overshoot") => Err(what),
            _ => Ok(()),
        }
    }

    /// I5: a hold is on the balances of every budget that counts it, and on no other.
    fn check_set(&mut self, set: u32, sent: &Sent<'_>, lines: &[Line], attempt_ms_max: i64) -> Checked {
        let mut members = self.ledger.members(set)?.to_vec();
        for line in lines.iter().filter(|line| sent.labels.are_of(line)) {
            let mut at_ms = sent.admitted_ms;
            loop {
                let window = self.exposure.calendar.label(line.window, line.zone, at_ms);
                let place = members.iter().position(|member| {
                    let name = self.ledger.account(member.balance).map(|account| &account.name);
                    name.is_some_and(|name| {
                        name.budget == line.name
                            && name.window == line.window
                            && name.values.iter().map(String::as_str).eq(sent.labels.values(line))
                            && (name.ends_ms.is_none()
                                || self.exposure.calendar.label(line.window, line.zone, name.starts_ms)
                                    == window)
                    })
                });
                let Some(place) = place else {
                    return Err(format!("I5: hold {} is not on {line:?} at {at_ms}", sent.hold));
                };
                let account = self.ledger.account(members.swap_remove(place).balance);
                let (ends_ms, limit) =
                    account.map_or((None, 0), |account| (account.name.ends_ms, account.limit));
                if limit != line.limit.nanos() {
                    return Err(format!("{line:?} has {limit} in the journal"));
                }
                match ends_ms.filter(|ends| line.straddles && sent.admitted_ms + attempt_ms_max >= *ends) {
                    Some(next_ms) if rolling_ms(line.window).is_none() => at_ms = next_ms,
                    _ => break,
                }
            }
        }
        match members.first() {
            None => Ok(()),
            Some(member) => Err(format!("I5: hold {} is also on balance {}", sent.hold, member.balance)),
        }
    }

    /// What a hold that has ended was booked at, nano-dollars.
    pub(crate) fn booked(&self, hold: u64) -> Option<i64> {
        self.ledger.holds.get(&hold)?.end.map(|(cost, _)| cost)
    }

    /// Holds that were never sent, and are booked at something.
    pub(crate) fn booked_in_vain(&self) -> Vec<u64> {
        let in_vain =
            |hold: &u64| !self.exposure.was_sent(*hold) && self.booked(*hold).is_some_and(|cost| cost > 0);
        let mut holds: Vec<u64> = self.ledger.holds.keys().copied().filter(in_vain).collect();
        holds.sort_unstable();
        holds
    }

    /// Whether the money for a call that was refused is really there: what is posted, and what everything in flight
    /// will have cost, leave room for its least bound (DESIGN.md 1).
    pub(crate) fn is_starved(
        &self,
        balances: &[Balance],
        floor: i64,
        at_ms: i64,
        flights: &[(&Attempt, &[u32])],
    ) -> bool {
        balances.iter().all(|balance| {
            let Some(account) = self.ledger.account(balance.id.0) else { return true };
            let own = flights.iter().filter(|(_, on)| on.contains(&balance.id.0));
            let saved: i64 = own.map(|(attempt, _)| (attempt.permitted - attempt.last.nanos).max(0)).sum();
            let reserved = self.reserved.get(&balance.id.0).copied().unwrap_or_default();
            account.counted(at_ms) + account.open + reserved - saved + floor <= account.limit
        })
    }
}
