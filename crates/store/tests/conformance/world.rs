//! Random histories, and what they add up to by plain addition over everything that happened.

use std::collections::BTreeMap;

use ledger::{
    BalanceId, BalanceName, BoundClass, Evidence, HoldId, Member, Rolling, SetId, UnknownReason,
    UpstreamKeyId,
};
use money::{Exact, Nano};
use store::books::{Correction, Line, Reader};
use store::{BalanceRow, CorrectionRow, EntryRow, Members, OpenHold, Recovered, ReportBy, ReportRow, Store};

use crate::script::{DAY_MS, HOUR_MS};

/// An amount on a balance at an instant.
struct Posting {
    balance: u32,
    nanos: i64,
    at_ms: i64,
}

/// What the sums of a day hear of.
struct Booked {
    day: i64,
    /// As it was then.
    entry: EntryRow,
    nanos: i64,
    /// The instant whose balances took it.
    when_ms: i64,
    corrected: bool,
}

/// What happened so far.
#[derive(Default)]
pub(crate) struct World {
    now_ms: i64,
    latest_ms: i64,
    seq: u64,
    balances: Vec<(BalanceName, Nano)>,
    sets: Vec<Members>,
    open: BTreeMap<u64, OpenHold>,
    entries: BTreeMap<u64, EntryRow>,
    corrections: Vec<CorrectionRow>,
    postings: Vec<Posting>,
    booked: Vec<Booked>,
    next_hold: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { now_ms: 20_000 * DAY_MS, ..Self::default() }
    }

    /// The next record.
    pub(crate) fn step(&mut self, random: &mut fastrand::Rng) -> Line {
        self.now_ms += random.i64(0..HOUR_MS / 3);
        self.seq += 1;
        let open = random.choice(self.open.keys()).copied();
        let ended = random.choice(self.entries.keys()).copied();
        let line = match (random.u32(0..100), open, ended) {
            _ if self.balances.len() < 3 => self.balance(random),
            _ if self.sets.is_empty() => self.set(random),
            (0..3, ..) => self.balance(random),
            (3..5, ..) => self.limit(random),
            (5..9, ..) => self.set(random),
            (9..14, Some(hold), _) => self.generation(hold),
            (14..19, Some(hold), _) => self.unknown(random, hold),
            (19..50, Some(hold), _) => self.settle(random, hold),
            (50..58, _, Some(hold)) => self.correct(random, hold),
            (58..60, ..) => Line::Clock { at_ms: self.now_ms, boot_ms: self.now_ms - 5 },
            _ => self.hold(random),
        };
        self.latest_ms = self.latest_ms.max(line.at_ms().unwrap_or(0));
        line
    }

    fn balance(&mut self, random: &mut fastrand::Rng) -> Line {
        let id = self.balances.len() as u32;
        let window = *random.choice(&["lifetime", "hour", "day", "rolling 5h", "rolling 2d"]).unwrap();
        let span = match window {
            "hour" => (self.now_ms, Some(self.now_ms + HOUR_MS)),
            "day" => (self.now_ms, Some(self.now_ms + DAY_MS)),
            _ => (0, None),
        };
        let name = BalanceName {
            budget: format!("b{}", random.u8(0..3)),
            window: window.to_owned(),
            scope: vec![("user".to_owned(), format!("u{id}'\"\u{1F68B}"))],
            starts_ms: span.0,
            ends_ms: span.1,
        };
        let limit = Nano::from_nanos(random.i64(0..1 << 40));
        self.balances.push((name.clone(), limit));
        Line::Balance { id: BalanceId(id), name, limit }
    }

    fn limit(&mut self, random: &mut fastrand::Rng) -> Line {
        let id = random.usize(0..self.balances.len());
        let (name, limit) = &mut self.balances[id];
        *limit = Nano::from_nanos(random.i64(0..1 << 40));
        Line::Balance { id: BalanceId(id as u32), name: name.clone(), limit: *limit }
    }

    fn set(&mut self, random: &mut fastrand::Rng) -> Line {
        let mut ids: Vec<u32> = (0..self.balances.len() as u32).collect();
        random.shuffle(&mut ids);
        let edge_ms = self.now_ms + random.i64(0..4 * HOUR_MS);
        let member = |(n, id): (usize, u32)| match n {
            0 => Member { balance: BalanceId(id), from_ms: None, until_ms: Some(edge_ms) },
            1 => Member { balance: BalanceId(id), from_ms: Some(edge_ms), until_ms: None },
            _ => Member::plain(BalanceId(id)),
        };
        let straddles = random.usize(0..2) * 2;
        let members: Members = ids
            .into_iter()
            .take(random.usize(0..7))
            .enumerate()
            .map(|(n, id)| member((n + 2 - straddles, id)))
            .collect();
        self.sets.push(members.clone());
        Line::Set { id: SetId(self.sets.len() as u32 - 1), members }
    }

    fn hold(&mut self, random: &mut fastrand::Rng) -> Line {
        let set = random.usize(0..self.sets.len());
        let hold = self.next_hold + random.u64(0..3);
        self.next_hold = hold + 1;
        let said = OpenHold {
            hold: HoldId(hold),
            at_ms: self.now_ms,
            bound: Nano::from_nanos(random.i64(0..1 << 20)),
            class: *random.choice(BoundClass::ALL).unwrap(),
            set: Some(SetId(set as u32)),
            members: Members::new(),
            upstream_key: UpstreamKeyId([random.u8(0..3); 8]),
            key: format!("k{}", random.u8(0..3)),
            model: format!("m/{}", random.u8(0..4)),
            generation: None,
            unknown: None,
            unknown_since_ms: 0,
        };
        self.open.insert(hold, OpenHold { members: self.sets[set].clone(), ..said.clone() });
        Line::Hold(said)
    }

    fn generation(&mut self, hold: u64) -> Line {
        let id = format!("gen-{hold}");
        self.open.get_mut(&hold).unwrap().generation = Some(id.clone());
        Line::Generation { hold: HoldId(hold), id }
    }

    fn unknown(&mut self, random: &mut fastrand::Rng, hold: u64) -> Line {
        let (reason, status) = (*random.choice(UnknownReason::ALL).unwrap(), random.u16(0..600));
        let open = self.open.get_mut(&hold).unwrap();
        if open.unknown.is_none() {
            open.unknown_since_ms = self.now_ms;
        }
        open.unknown = Some((reason, status));
        Line::Unknown { hold: HoldId(hold), at_ms: self.now_ms, reason, status }
    }

    fn settle(&mut self, random: &mut fastrand::Rng, hold: u64) -> Line {
        let open = self.open.remove(&hold).unwrap();
        let (cost, text) = cost(random, open.bound);
        let evidence = *random.choice(Evidence::ALL).unwrap();
        let at_ms = self.now_ms - random.i64(0..60_000);
        let entry = EntryRow {
            hold: open.hold,
            at_ms: open.at_ms,
            settled_ms: at_ms,
            bound: open.bound,
            class: open.class,
            cost,
            text: text.clone(),
            evidence,
            overrun: cost.saturating_sub(open.bound).max(Nano::ZERO),
            set: open.set,
            members: open.members,
            upstream_key: open.upstream_key,
            key: open.key,
            model: open.model,
            generation: open.generation,
            unknown: open.unknown,
            unknown_since_ms: open.unknown_since_ms,
        };
        self.post(&entry.members, cost.nanos(), at_ms, at_ms);
        let (day, nanos, entry_then) = (at_ms / DAY_MS, cost.nanos(), entry.clone());
        self.booked.push(Booked { day, entry: entry_then, nanos, when_ms: at_ms, corrected: false });
        self.entries.insert(hold, entry);
        Line::Settle { hold: HoldId(hold), at_ms, cost, text, evidence }
    }

    fn correct(&mut self, random: &mut fastrand::Rng, hold: u64) -> Line {
        let entry = self.entries.get_mut(&hold).unwrap();
        let (cost, text) = cost(random, entry.bound);
        let evidence = *random.choice(Evidence::ALL).unwrap();
        let row = CorrectionRow {
            seq: self.seq,
            hold: entry.hold,
            at_ms: self.now_ms,
            was: entry.cost,
            was_text: std::mem::replace(&mut entry.text, text.clone()),
            cost,
            text: text.clone(),
            evidence,
            set: entry.set.unwrap(),
        };
        let amount = cost.nanos() - entry.cost.nanos();
        entry.cost = cost;
        entry.evidence = evidence;
        entry.overrun = entry.overrun.saturating_add(Nano::from_nanos(amount.max(0)));
        let counted_ms = if amount < 0 { entry.settled_ms } else { self.now_ms };
        let (entry, when_ms) = (entry.clone(), entry.settled_ms);
        self.post(&entry.members, amount, when_ms, counted_ms);
        let (day, entry_then) = (self.now_ms / DAY_MS, entry.clone());
        self.booked.push(Booked { day, entry: entry_then, nanos: amount, when_ms, corrected: true });
        let (was, set) = (row.was, row.set);
        self.corrections.push(row);
        let (at_ms, settled_ms) = (self.now_ms, entry.settled_ms);
        Line::Correct(Correction { hold: entry.hold, at_ms, settled_ms, was, cost, text, evidence, set })
    }

    fn post(&mut self, members: &Members, nanos: i64, settled_ms: i64, at_ms: i64) {
        let takers = members.iter().filter(|member| member.takes(settled_ms));
        self.postings.extend(takers.map(|member| Posting { balance: member.balance.0, nanos, at_ms }));
    }

    /// Holds books against it.
    pub(crate) fn check(&self, books: &dyn Reader, why: &str) {
        self.check_balances(books, why);
        let snapshot = books.snapshot().unwrap();
        assert_eq!(snapshot.open, self.open.values().cloned().collect::<Vec<_>>(), "{why}");
        let nexts = (snapshot.next_balance, snapshot.next_set, snapshot.next_hold, snapshot.latest_ms);
        let (balances, sets) = (self.balances.len() as u32, self.sets.len() as u32);
        assert_eq!(nexts, (balances, sets, self.next_hold, self.latest_ms), "{why}");
        let entries = books.entries(0, i64::MAX, None, usize::MAX).unwrap();
        assert_eq!(entries, self.entries.values().cloned().collect::<Vec<_>>(), "{why}");
        for hold in self.entries.keys() {
            let rows: Vec<_> = self.corrections.iter().filter(|row| row.hold.0 == *hold).cloned().collect();
            assert_eq!(books.corrections(HoldId(*hold)).unwrap(), rows, "{why}");
        }
        self.check_keys(books, why);
        self.check_reports(books, why);
    }

    fn check_balances(&self, books: &dyn Reader, why: &str) {
        for row in self.rows() {
            assert_eq!(books.find_balance(&row.name).unwrap(), Some(row), "{why}");
        }
    }

    /// Every balance as it should be.
    fn rows(&self) -> impl Iterator<Item = BalanceRow> {
        self.balances.iter().enumerate().map(|(id, (name, limit))| {
            let postings = || self.postings.iter().filter(move |posting| posting.balance as usize == id);
            let mut buckets: BTreeMap<i64, Nano> = BTreeMap::new();
            if let Some(rolling) = Rolling::from_words(&name.window) {
                for posting in postings() {
                    let bucket = rolling.bucket_of(posting.at_ms);
                    if rolling.counts(bucket, self.latest_ms) {
                        let sum = buckets.entry(bucket).or_default();
                        *sum = sum.saturating_add(Nano::from_nanos(posting.nanos));
                    }
                }
            }
            BalanceRow {
                id: BalanceId(id as u32),
                name: name.clone(),
                limit: *limit,
                posted: Nano::from_nanos(postings().map(|posting| posting.nanos).sum()),
                buckets: buckets.into_iter().collect(),
            }
        })
    }

    /// Holds against it what a start of a store found. It may leave balances to the books, but none
    /// with an open hold, and those of windows that are long over.
    pub(crate) fn check_start(&self, store: &Store, recovered: &Recovered, why: &str) {
        let known: BTreeMap<BalanceId, &BalanceRow> =
            recovered.balances.iter().map(|row| (row.id, row)).collect();
        let since_ms = self.latest_ms - Recovered::GRACE_MS;
        for row in self.rows().filter(|row| row.name.ends_ms.is_none_or(|ends_ms| ends_ms >= since_ms)) {
            let found = known.get(&row.id).map(|row| (*row).clone());
            let mut found = found.or_else(|| store.find_balance(&row.name).unwrap());
            // Books that were shipped before the time went on keep buckets that no longer count; who reads them passes
            // them over, as the ledger does.
            if let (Some(found), Some(rolling)) = (&mut found, Rolling::from_words(&row.name.window)) {
                found.buckets.retain(|(starts_ms, _)| rolling.counts(*starts_ms, self.latest_ms));
            }
            assert_eq!(found, Some(row), "{why}");
        }
        assert_eq!(recovered.open, self.open.values().cloned().collect::<Vec<_>>(), "{why}");
        for member in recovered.open.iter().flat_map(|open| &open.members) {
            assert!(known.contains_key(&member.balance), "{why}: {member:?} of an open hold");
        }
        let nexts = (recovered.next_balance, recovered.next_set, recovered.next_hold, recovered.latest_ms);
        let (balances, sets) = (self.balances.len() as u32, self.sets.len() as u32);
        assert_eq!(nexts, (balances, sets, self.next_hold, self.latest_ms), "{why}");
    }

    fn check_keys(&self, books: &dyn Reader, why: &str) {
        for key in (0..3).map(|n| UpstreamKeyId([n; 8])) {
            let entries = || self.entries.values().filter(|entry| entry.upstream_key == key);
            let total = books.key_total(key).unwrap();
            let exact: Exact = entries()
                .map(|entry| Exact::parse_ceil(&entry.text).unwrap_or_else(|_| Exact::from(entry.cost)))
                .sum();
            let posted: i64 = entries().map(|entry| entry.cost.nanos()).sum();
            let found = (total.entries as usize, total.posted.nanos(), total.exact);
            assert_eq!(found, (entries().count(), posted, exact), "{why}");
        }
    }

    fn check_reports(&self, books: &dyn Reader, why: &str) {
        let first = 20_000;
        for (from, until) in [(0, i64::MAX), (first + 2, first + 5)] {
            for by in [ReportBy::Day, ReportBy::Key, ReportBy::Model, ReportBy::UpstreamKey, ReportBy::Budget]
            {
                let found = books.report(from, until, by).unwrap();
                assert_eq!(found, self.report(from, until, by), "{why}: {by:?} from {from}");
            }
        }
    }

    fn report(&self, from: i64, until: i64, by: ReportBy) -> Vec<ReportRow> {
        let mut rows: BTreeMap<(Option<i64>, String), ReportRow> = BTreeMap::new();
        for Booked { day, entry, nanos, when_ms, corrected } in &self.booked {
            if !(from..until).contains(day) {
                continue;
            }
            let budgets = || {
                let takers = entry.members.iter().filter(|member| member.takes(*when_ms));
                let names: std::collections::BTreeSet<String> =
                    takers.map(|member| self.balances[member.balance.0 as usize].0.budget.clone()).collect();
                names.into_iter().collect::<Vec<_>>()
            };
            let (day, names) = match by {
                ReportBy::Day => (Some(*day), vec![String::new()]),
                ReportBy::Key => (None, vec![entry.key.clone()]),
                ReportBy::Model => (None, vec![entry.model.clone()]),
                ReportBy::UpstreamKey => (None, vec![format!("{:02x}", entry.upstream_key.0[0]).repeat(8)]),
                ReportBy::Budget => (None, budgets()),
            };
            for name in names {
                let row = rows.entry((day, name.clone())).or_default();
                (row.day, row.name) = (day, name);
                count(row, entry, *nanos, *corrected);
            }
        }
        rows.into_values().collect()
    }
}

fn count(row: &mut ReportRow, entry: &EntryRow, nanos: i64, corrected: bool) {
    let over = if corrected { nanos.max(0) } else { entry.overrun.nanos() };
    row.overruns += u64::from(over > 0);
    row.overrun = row.overrun.saturating_add(Nano::from_nanos(over));
    row.cost = row.cost.saturating_add(Nano::from_nanos(nanos));
    row.corrections += u64::from(corrected);
    if !corrected {
        let told = matches!(entry.evidence, Evidence::Usage | Evidence::Generation | Evidence::Analytics);
        row.calls += 1;
        row.voids += u64::from(nanos == 0 && !told);
        row.late += u64::from(entry.unknown.is_some());
        row.bound = row.bound.saturating_add(entry.bound);
    }
}

/// Some cost, and a text for it: verbatim, finer than a nano-dollar, or none.
fn cost(random: &mut fastrand::Rng, bound: Nano) -> (Nano, String) {
    let nanos = match random.u8(0..10) {
        0 => 0,
        1 => bound.nanos() + random.i64(1..1 << 20),
        _ => random.i64(0..=bound.nanos()),
    };
    let text = match random.u8(0..4) {
        0 => String::new(),
        _ => format!("{}.{:09}{:06}", nanos / 1_000_000_000, nanos % 1_000_000_000, random.u32(0..1_000_000)),
    };
    (Nano::from_nanos(nanos), text)
}
