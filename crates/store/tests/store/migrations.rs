//! Data folders of every released version, opened by this one. What writes them here is frozen: those versions did so.

use std::fs;
use std::path::Path;

use ledger::{BalanceId, BalanceName, Evidence, HoldId, Member, SetId, UnknownReason, UpstreamKeyId};
use money::{Exact, Nano};
use rusqlite::Connection;
use store::{Durability, OpenError, Record, ReportBy, Store, read, savings};

use crate::story::{journal_only, open, options, segments};

const MIGRATIONS: [&str; 3] = [
    include_str!("../../src/books/sqlite/migrations/0001_books.sql"),
    include_str!("../../src/books/sqlite/migrations/0002_generation.sql"),
    include_str!("../../src/books/sqlite/migrations/0003_savings.sql"),
];
const KEY: UpstreamKeyId = UpstreamKeyId(*b"upstream");
const DAY_MS: i64 = 86_400_000;

/// A journal segment of format 1.
struct Segment {
    bytes: Vec<u8>,
    seq: u64,
}

impl Segment {
    fn new() -> Self {
        let mut bytes = b"farebox\x01".to_vec();
        for word in [1_u32, 1] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        for number in [1_u64, 1, 0, 0] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&[0; 16]);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes.extend_from_slice(b"\xF0end");
        Self { bytes, seq: 0 }
    }

    fn frame(&mut self, kind: u8, payload: &[u8]) {
        self.seq += 1;
        let mut frame = (payload.len() as u32).to_le_bytes().to_vec();
        frame.extend_from_slice(&((self.seq - 1) as u32).to_le_bytes());
        frame.extend_from_slice(&self.seq.to_le_bytes());
        frame.push(kind);
        frame.extend_from_slice(payload);
        frame.extend_from_slice(&crc32fast::hash(&frame).to_le_bytes());
        frame.extend_from_slice(b"\xF0end");
        self.bytes.extend_from_slice(&frame);
    }

    fn balance(&mut self, name: &BalanceName, id: u32, limit: i64) {
        let mut payload = id.to_le_bytes().to_vec();
        payload.extend_from_slice(&limit.to_le_bytes());
        payload.extend_from_slice(&name.starts_ms.to_le_bytes());
        payload.push(u8::from(name.ends_ms.is_some()));
        payload.extend_from_slice(&name.ends_ms.unwrap_or(0).to_le_bytes());
        text(&mut payload, &name.budget);
        text(&mut payload, &name.window);
        payload.extend_from_slice(&(name.scope.len() as u16).to_le_bytes());
        for (label, value) in &name.scope {
            text(&mut payload, label);
            text(&mut payload, value);
        }
        self.frame(1, &payload);
    }

    fn hold(&mut self, hold: i64, at_ms: i64, balances: &[u32]) {
        let mut payload = [hold, at_ms, 1_000].map(i64::to_le_bytes).concat();
        payload.push(1);
        payload.extend_from_slice(&KEY.0);
        payload.extend_from_slice(&(balances.len() as u16).to_le_bytes());
        balances.iter().for_each(|id| payload.extend_from_slice(&id.to_le_bytes()));
        text(&mut payload, "m/one");
        self.frame(2, &payload);
    }

    fn generation(&mut self, hold: i64, id: &str) {
        let mut payload = hold.to_le_bytes().to_vec();
        text(&mut payload, id);
        self.frame(3, &payload);
    }

    fn unknown(&mut self, hold: i64, at_ms: i64) {
        let mut payload = [hold, at_ms].map(i64::to_le_bytes).concat();
        payload.extend_from_slice(&[2, 0xF6, 0x01]);
        self.frame(4, &payload);
    }

    fn settle(&mut self, hold: i64, at_ms: i64, cost: i64, evidence: u8, verbatim: &str) {
        let mut payload = [hold, at_ms, cost].map(i64::to_le_bytes).concat();
        payload.push(evidence);
        text(&mut payload, verbatim);
        self.frame(5, &payload);
    }
}

fn text(payload: &mut Vec<u8>, text: &str) {
    payload.extend_from_slice(&(text.len() as u16).to_le_bytes());
    payload.extend_from_slice(text.as_bytes());
}

fn names() -> [BalanceName; 2] {
    let name = |budget: &str, window: &str, ends_ms| BalanceName {
        budget: budget.to_owned(),
        window: window.to_owned(),
        scope: vec![("user".to_owned(), "al\"ice".to_owned())],
        starts_ms: 0,
        ends_ms,
    };
    [name("all", "lifetime", None), name("daily", "day", Some(DAY_MS))]
}

/// A folder as that version left it when it was killed: a part of the journal is in the books.
fn folder_of(version: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Segment::new();
    for (id, name) in (0..).zip(&names()) {
        journal.balance(name, id, 5_000);
    }
    journal.hold(1, 1_000, &[0, 1]);
    journal.generation(1, "gen-1");
    journal.hold(2, 1_001, &[0]);
    journal.settle(1, 1_500, 100, 1, "0.0000000995");
    journal.settle(2, 1_501, 0, 4, "");
    journal.hold(3, 1_002, &[0, 1]);
    journal.unknown(3, 1_700);
    let (seq, offset) = (journal.seq, journal.bytes.len());
    // Not in the books yet.
    journal.generation(3, "gen-3");
    journal.hold(4, 1_003, &[1]);
    journal.settle(4, 2_000, 7, 2, "0.000000007");
    journal.balance(&names()[1], 1, 9_000);
    journal.bytes.resize(32 << 10, 0);
    fs::create_dir(dir.path().join("journal")).unwrap();
    fs::write(dir.path().join("journal/00000000000000000001.journal"), &journal.bytes).unwrap();
    books(dir.path(), version, seq, offset);
    dir
}

fn books(dir: &Path, version: usize, seq: u64, offset: usize) {
    let books = Connection::open(dir.join("farebox.db")).unwrap();
    books.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
    MIGRATIONS[..version].iter().for_each(|sql| books.execute_batch(sql).unwrap());
    books.pragma_update(None, "user_version", version as u32).unwrap();
    let scope = r#"[["user","al\"ice"]]"#;
    let sql = format!(
        "UPDATE progress SET seq = {seq}, segment = 1, offset = {offset}, latest_ms = 1700, next_balance = 2,
            next_hold = 4;
         INSERT INTO balance VALUES (0, 'all', 'lifetime', '{scope}', 0, NULL, 5000, 100),
            (1, 'daily', 'day', '{scope}', 0, {DAY_MS}, 5000, 100);
         INSERT INTO open_hold VALUES (3, 1002, 1000, 1, '[0,1]', CAST('upstream' AS BLOB), 'm/one', NULL, 2, 502, 1700);
         INSERT INTO entry VALUES (1, 1000, 1500, 1000, 1, 100, '0.0000000995', 1, 0, '[0,1]',
            CAST('upstream' AS BLOB), 'm/one', 'gen-1', NULL, 0, 0),
            (2, 1001, 1501, 1000, 1, 0, '', 4, 0, '[0]', CAST('upstream' AS BLOB), 'm/one', NULL, NULL, 0, 0);
         INSERT INTO decision (at_ms, request, outcome, json) VALUES (1, 'req-1', 'allowed', '{{}}');"
    );
    books.execute_batch(&sql).unwrap();
    if version >= 3 {
        books.execute("INSERT INTO saving VALUES ('task/x', 3, 5, 10, 30, 1)", []).unwrap();
    }
}

#[test]
fn folders_of_every_version_are_brought_up_to_date() {
    for version in 1..=MIGRATIONS.len() {
        let dir = folder_of(version);
        let (store, recovered) = open(dir.path(), options(Durability::Process));
        assert_eq!((recovered.next_balance, recovered.next_hold, recovered.next_set), (2, 5, 0), "{version}");
        assert_eq!((recovered.exact, recovered.torn_bytes, recovered.latest_ms), (true, 0, 2_000));
        let [open_hold] = &recovered.open[..] else { panic!("{:?}", recovered.open) };
        assert_eq!((open_hold.hold, open_hold.set, open_hold.key.as_str()), (HoldId(3), None, ""));
        assert_eq!(open_hold.members.as_slice(), [0, 1].map(|id| Member::plain(BalanceId(id))));
        assert_eq!(open_hold.unknown, Some((UnknownReason::Broken, 502)));
        assert_eq!((open_hold.unknown_since_ms, open_hold.generation.as_deref()), (1_700, Some("gen-3")));
        let told: Vec<_> =
            recovered.balances.iter().map(|row| (&row.name, row.limit.nanos(), row.posted.nanos())).collect();
        let [all, daily] = &names();
        assert_eq!(told, [(all, 5_000, 100), (daily, 9_000, 107)], "{version}");
        store.flush().unwrap();
        check_entries(&store);
        go_on(&store);
        store.close().unwrap();
        check_closed(dir.path(), version);
    }
}

fn check_entries(store: &Store) {
    let entries = store.entries(0, i64::MAX, None, 9).unwrap();
    let told: Vec<_> = entries.iter().map(|row| (row.hold.0, row.cost.nanos(), row.members.len())).collect();
    assert_eq!(told, [(1, 100, 2), (2, 0, 1), (4, 7, 1)]);
    assert_eq!(store.find_generation("gen-1").unwrap().unwrap().balances, names());
    let total = store.key_total(KEY).unwrap();
    assert_eq!((total.entries, total.posted.nanos()), (3, 107));
    assert_eq!(total.exact, Exact::parse_ceil("0.0000001065").unwrap(), "summed from the old texts");
    let day = &store.report(0, 1, ReportBy::Day).unwrap()[0];
    assert_eq!((day.calls, day.voids, day.cost.nanos(), day.bound.nanos()), (3, 1, 107, 3_000));
    let budgets = store.report(0, 1, ReportBy::Budget).unwrap();
    let told: Vec<_> = budgets.iter().map(|row| (row.name.as_str(), row.calls, row.cost.nanos())).collect();
    assert_eq!(told, [("all", 2, 100), ("daily", 2, 107)]);
}

/// What began under the old version ends under this one.
fn go_on(store: &Store) {
    let (set, members) = (SetId(0), [0, 1].map(|id| Member::plain(BalanceId(id))));
    store.append(&Record::Set { id: set, members: &members }).unwrap();
    let cost = Nano::from_nanos;
    let (text, evidence) = ("0.00000003", Evidence::Generation);
    store.append(&Record::Settle { hold: HoldId(3), at_ms: 3_000, cost: cost(30), text, evidence }).unwrap();
    for (hold, settled_ms, was) in [(1, 1_500, 100), (3, 3_000, 30)] {
        let (hold, at_ms, was, text) = (HoldId(hold), 4_000, cost(was), "0.00000005");
        let cost = cost(50);
        store.append(&Record::Correct { hold, at_ms, settled_ms, was, cost, text, evidence, set }).unwrap();
    }
}

fn check_closed(dir: &Path, version: usize) {
    let recovered = read(dir).unwrap();
    assert_eq!(recovered.open.len(), 0);
    let posted: Vec<_> = recovered.balances.iter().map(|row| row.posted.nanos()).collect();
    assert_eq!(posted, [100, 107], "100 became 50, 30 became 50");
    assert_eq!(savings(dir, 0).unwrap().len(), usize::from(version >= 3));
    assert_eq!(store::last_decisions(dir, 9, None).unwrap().len(), 1);
    assert_eq!(segments(dir).len(), 1, "the old segment is gone");
    let verified = store::verify(dir, &mut |_| {}).unwrap();
    assert!(verified.is_clean(), "{version}: {:?}", verified.damage);
}

/// Version 4 differs from this one by a column of the honesty register.
#[test]
fn the_honesty_register_of_version_4_is_kept() {
    let dir = folder_of(3);
    open(dir.path(), options(Durability::Process)).0.close().unwrap();
    let books = Connection::open(dir.path().join("farebox.db")).unwrap();
    books
        .execute_batch(
            "ALTER TABLE honesty DROP COLUMN counts_broken;
             INSERT INTO honesty VALUES ('m/one', 'p', 9, 1, 2, 3, 4, 5, 120, 7, NULL);
             PRAGMA user_version = 4;",
        )
        .unwrap();
    drop(books);
    open(dir.path(), options(Durability::Process)).0.close().unwrap();
    let rows = store::honesty(dir.path()).unwrap();
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.calls, row.usage_missing, row.overruns, row.counts_broken), (9, 3, 4, 0));
    assert_eq!((row.worst_percent, row.last_ms, row.cleared_ms), (120, 7, None));
    assert!(store::verify(dir.path(), &mut |_| {}).unwrap().is_clean());
}

#[test]
fn a_folder_from_the_future_is_refused_with_a_clear_sentence() {
    let dir = folder_of(3);
    let segment = segments(dir.path()).pop().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    bytes[8] = 77;
    fs::write(&segment, &bytes).unwrap();
    let refused = |dir: &Path, file: &Path, format: u32| {
        let error = Store::open(dir, journal_only()).unwrap_err();
        assert!(matches!(error, OpenError::TooNew { .. }), "{error}");
        let sentence = error.to_string();
        let said = format!("{} has format {format}, this program knows ", file.display());
        assert!(sentence.starts_with(&said), "{sentence}");
    };
    refused(dir.path(), &segment, 77);
    let file = dir.path().join("farebox.db");
    let books = Connection::open(&file).unwrap();
    books.pragma_update(None, "user_version", 99).unwrap();
    drop(books);
    refused(dir.path(), &file, 99);
}
