//! Random histories against a plain model, reopened at random, with a clean end or without.

use std::collections::BTreeMap;

use ledger::{
    BalanceId, BalanceName, BoundClass, Evidence, HoldId, Member, SetId, UnknownReason, UpstreamKeyId,
};
use money::Nano;
use store::{BalanceRow, Durability, Members, OpenHold, Options, Record, Recovered, Store, read};

use crate::story::{HOUR_MS, open, options};

/// What should be known.
#[derive(Default)]
struct Model {
    balances: BTreeMap<u32, BalanceRow>,
    sets: BTreeMap<Members, SetId>,
    open: BTreeMap<u64, OpenHold>,
    next_hold: u64,
    latest_ms: i64,
    now_ms: i64,
    entries: u64,
    overruns: u64,
}

impl Model {
    fn step(&mut self, store: &Store, random: &mut fastrand::Rng) {
        self.now_ms += random.i64(0..HOUR_MS / 20);
        let usable: Vec<u32> = self
            .balances
            .values()
            .filter(|row| row.name.ends_ms.is_none_or(|ends| ends > self.now_ms))
            .map(|row| row.id.0)
            .collect();
        let open = random.choice(self.open.keys()).copied();
        match random.u32(0..100) {
            0..5 => self.declare(store, random),
            5..8 if !usable.is_empty() => self.limit(store, random, &usable),
            8..55 if !usable.is_empty() => self.hold(store, random, usable),
            55..65 => open.into_iter().for_each(|open| self.generation(store, open)),
            65..70 => open.into_iter().for_each(|open| self.unknown(store, random, open)),
            70.. => open.into_iter().for_each(|open| self.settle(store, random, open)),
            _ => {}
        }
    }

    fn declare(&mut self, store: &Store, random: &mut fastrand::Rng) {
        let id = BalanceId(self.balances.len() as u32);
        let hours = *random.choice(&[0, 1, 24]).unwrap();
        let name = BalanceName {
            budget: format!("b{}-{}", random.u8(0..4), id.0),
            window: ["lifetime", "hour", "day"][[0, 1, 24].iter().position(|h| *h == hours).unwrap()]
                .to_owned(),
            scope: (0..random.usize(0..3))
                .map(|n| (format!("l{n}"), format!("\"{}'\u{1F68B}", id.0)))
                .collect(),
            starts_ms: if hours == 0 { 0 } else { self.now_ms },
            ends_ms: (hours > 0).then_some(self.now_ms + hours * HOUR_MS),
        };
        let limit = Nano::from_nanos(random.i64(0..1 << 40));
        store.append(&Record::Balance { id, name: &name, limit }).unwrap();
        self.balances.insert(id.0, BalanceRow { id, name, limit, posted: Nano::ZERO, buckets: Vec::new() });
    }

    fn limit(&mut self, store: &Store, random: &mut fastrand::Rng, usable: &[u32]) {
        let row = self.balances.get_mut(random.choice(usable).unwrap()).unwrap();
        row.limit = Nano::from_nanos(random.i64(0..1 << 40));
        store.append(&Record::Balance { id: row.id, name: &row.name, limit: row.limit }).unwrap();
    }

    fn hold(&mut self, store: &Store, random: &mut fastrand::Rng, mut usable: Vec<u32>) {
        random.shuffle(&mut usable);
        let members: Members =
            usable.into_iter().take(random.usize(0..12)).map(|id| Member::plain(BalanceId(id))).collect();
        let next = SetId(self.sets.len() as u32);
        let set = *self.sets.entry(members.clone()).or_insert_with(|| {
            store.append(&Record::Set { id: next, members: &members }).unwrap();
            next
        });
        let hold = HoldId(self.next_hold + random.u64(0..3));
        let row = OpenHold {
            hold,
            at_ms: self.now_ms,
            bound: Nano::from_nanos(random.i64(0..1 << 30)),
            class: *random.choice(BoundClass::ALL).unwrap(),
            set: Some(set),
            members,
            upstream_key: UpstreamKeyId(random.u64(..).to_le_bytes()),
            key: format!("k{}", random.u8(0..3)),
            model: format!("m/{}", random.u8(..)),
            generation: None,
            unknown: None,
            unknown_since_ms: 0,
        };
        store
            .append(&Record::Hold {
                hold,
                at_ms: row.at_ms,
                bound: row.bound,
                class: row.class,
                set,
                upstream_key: row.upstream_key,
                key: &row.key,
                model: &row.model,
            })
            .unwrap();
        self.open.insert(hold.0, row);
        self.next_hold = hold.0 + 1;
        self.latest_ms = self.latest_ms.max(self.now_ms);
    }

    fn generation(&mut self, store: &Store, hold: u64) {
        let id = format!("gen-{hold}");
        store.append(&Record::Generation { hold: HoldId(hold), id: &id }).unwrap();
        self.open.get_mut(&hold).unwrap().generation = Some(id);
    }

    fn unknown(&mut self, store: &Store, random: &mut fastrand::Rng, hold: u64) {
        let (reason, status) = (*random.choice(UnknownReason::ALL).unwrap(), random.u16(0..600));
        store.append(&Record::Unknown { hold: HoldId(hold), at_ms: self.now_ms, reason, status }).unwrap();
        let open = self.open.get_mut(&hold).unwrap();
        if open.unknown.is_none() {
            open.unknown_since_ms = self.now_ms;
        }
        open.unknown = Some((reason, status));
        self.latest_ms = self.latest_ms.max(self.now_ms);
    }

    fn settle(&mut self, store: &Store, random: &mut fastrand::Rng, hold: u64) {
        let open = self.open.remove(&hold).unwrap();
        let cost = match random.u8(0..10) {
            0 => Nano::ZERO,
            1 => open.bound.saturating_add(Nano::from_nanos(random.i64(1..1 << 30))),
            _ => Nano::from_nanos(random.i64(0..=open.bound.nanos())),
        };
        let text = cost.to_string();
        let evidence = *random.choice(Evidence::ALL).unwrap();
        let at_ms = self.now_ms;
        store.append(&Record::Settle { hold: HoldId(hold), at_ms, cost, text: &text, evidence }).unwrap();
        for member in &open.members {
            let row = self.balances.get_mut(&member.balance.0).unwrap();
            row.posted = row.posted.checked_add(cost).unwrap();
        }
        self.latest_ms = self.latest_ms.max(at_ms);
        self.entries += 1;
        self.overruns += u64::from(cost > open.bound);
    }

    fn expected(&self) -> Recovered {
        let matters = |row: &&BalanceRow| {
            row.name.ends_ms.is_none_or(|ends| ends + HOUR_MS >= self.latest_ms)
                || self.open.values().any(|open| open.members.contains(&Member::plain(row.id)))
        };
        Recovered {
            balances: self.balances.values().filter(matters).cloned().collect(),
            open: self.open.values().cloned().collect(),
            next_balance: self.balances.len() as u32,
            next_set: self.sets.len() as u32,
            next_hold: self.next_hold,
            latest_ms: self.latest_ms,
            exact: true,
            ..Recovered::default()
        }
    }
}

impl Model {
    /// A start reads less: what it leaves out is found in the books.
    fn check_start(&self, store: &Store, mut recovered: Recovered, seed: u64) {
        let expected = self.expected();
        let found = std::mem::take(&mut recovered.balances);
        let known: BTreeMap<u32, BalanceRow> = found.into_iter().map(|row| (row.id.0, row)).collect();
        for row in &expected.balances {
            let found = known.get(&row.id.0).cloned();
            let found = found.or_else(|| store.find_balance(&row.name).unwrap());
            assert_eq!(found.as_ref(), Some(row), "seed {seed}: reopened");
        }
        for id in self.open.values().flat_map(|open| &open.members).map(|member| member.balance.0) {
            assert!(known.contains_key(&id), "seed {seed}: balance {id} of an open hold");
        }
        assert_eq!(recovered, Recovered { balances: Vec::new(), ..expected }, "seed {seed}: reopened");
    }
}

fn history(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let dir = tempfile::tempdir().unwrap();
    let mut model = Model { now_ms: 1_800_000_000_000, ..Model::default() };
    let options = |random: &mut fastrand::Rng| Options {
        ship_records: *random.choice(&[1, 7, 64, 4096]).unwrap(),
        ..options(if random.bool() { Durability::Process } else { Durability::Power })
    };
    let (mut store, _) = open(dir.path(), options(&mut random));
    for _ in 0..2_500 {
        model.step(&store, &mut random);
        match random.u32(0..250) {
            0 => assert_eq!(read(dir.path()).unwrap(), model.expected(), "seed {seed}: read"),
            1 => std::thread::sleep(std::time::Duration::from_millis(8)),
            2 | 3 => {
                let clean = random.bool();
                if clean {
                    store.close().unwrap();
                }
                drop(store);
                let (next, recovered) = open(dir.path(), options(&mut random));
                model.check_start(&next, recovered, seed);
                store = next;
            }
            _ => {}
        }
    }
    store.close().unwrap();
    drop(store);
    assert_eq!(read(dir.path()).unwrap(), model.expected(), "seed {seed}: closed");
    // The books alone, by their own arithmetic: entries against balances.
    let books = rusqlite::Connection::open(dir.path().join("farebox.db")).unwrap();
    let count = |sql: &str| books.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() as u64;
    assert_eq!(count("SELECT count(*) FROM entry"), model.entries, "seed {seed}");
    assert_eq!(count("SELECT count(*) FROM entry WHERE overrun_nanos > 0"), model.overruns, "seed {seed}");
    assert_eq!(count("SELECT count(*) FROM open_hold"), model.open.len() as u64, "seed {seed}");
    for row in model.balances.values() {
        let sql = "SELECT coalesce(sum(cost_nanos), 0) FROM entry JOIN hold_set ON hold_set.id = entry.set_id
             WHERE ',' || members || ',' LIKE '%,' || ?1 || ',%'";
        let entries: i64 = books.query_row(sql, [row.id.0], |row| row.get(0)).unwrap();
        let sql = "SELECT posted_nanos FROM balance WHERE id = ?1";
        let posted: i64 = books.query_row(sql, [row.id.0], |row| row.get(0)).unwrap();
        assert_eq!((entries, posted), (row.posted.nanos(), row.posted.nanos()), "seed {seed}");
    }
}

#[test]
fn random_histories_come_back() {
    for seed in 0..24 {
        history(seed);
    }
}
