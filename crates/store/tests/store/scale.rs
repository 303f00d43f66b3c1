//! Large books, a small edition: a start reads little of them, and every look-up is right.

#[path = "../../examples/scale/books.rs"]
mod books;

use ledger::{BoundClass, Evidence, HoldId, SetId};
use money::Nano;
use store::{Durability, Record, ReportBy, read, report};

use crate::story::{open, options};
use books::{FIRST_DAY, Size, last_ms, made_ms, make, members, name, upstream_key};

#[test]
fn books_of_twenty_thousand_balances_and_a_hundred_thousand_entries() {
    let dir = tempfile::tempdir().unwrap();
    let size = Size { balances: 20_000, entries: 100_000, open: 50, days: 30 };
    let made = make(dir.path(), size);
    let (store, recovered) = open(dir.path(), options(Durability::Process));
    assert_eq!(recovered.open.len(), 50);
    assert!(recovered.balances.len() <= 150, "those of the open holds: {}", recovered.balances.len());
    assert_eq!((recovered.next_balance, recovered.next_hold), (20_000, 100_050));
    for id in (0..20_000).step_by(97) {
        let row = store.find_balance(&name(id)).unwrap().unwrap();
        assert_eq!((row.id.0, row.posted.nanos()), (id, made.posted[id as usize]));
    }
    let total = store.key_total(upstream_key()).unwrap();
    assert_eq!((total.entries, total.posted.nanos(), total.exact), (100_000, made.cost, made.exact));

    let (user, hold) = (19_999, HoldId(recovered.next_hold));
    let at_ms = last_ms(size);
    let (class, set, cost) = (BoundClass::Proven, SetId(user), Nano::from_nanos(77));
    let bound = Nano::from_nanos(100);
    let (upstream_key, key, model) = (upstream_key(), "key-1", "m");
    store.append(&Record::Hold { hold, at_ms, bound, class, set, upstream_key, key, model }).unwrap();
    store.append(&Record::Settle { hold, at_ms, cost, text: "77e-9", evidence: Evidence::Usage }).unwrap();
    store.flush().unwrap();
    for id in members(user) {
        let row = store.find_balance(&name(id.0)).unwrap().unwrap();
        assert_eq!(row.posted.nanos(), made.posted[id.0 as usize] + 77);
    }

    // By time, without a scan: a stretch in the middle, page by page.
    let (from, until) = (made_ms(size, 40_000), made_ms(size, 40_250));
    let mut found = Vec::new();
    while let entries = store.entries(from, until, found.last().copied(), 100).unwrap()
        && !entries.is_empty()
    {
        found.extend(entries.iter().map(|entry| entry.hold));
    }
    assert_eq!(found, (40_000..40_250).map(HoldId).collect::<Vec<_>>());
    store.close().unwrap();
    let last = FIRST_DAY + size.days;
    let days = report(dir.path(), 0, last, ReportBy::Day).unwrap();
    let told: Vec<_> = days.iter().map(|row| (row.day.unwrap(), (row.calls, row.cost.nanos()))).collect();
    assert_eq!(told, made.by_day.into_iter().collect::<Vec<_>>());
    assert_eq!(report(dir.path(), last, last + 1, ReportBy::Budget).unwrap().len(), 3);
    assert_eq!(read(dir.path()).unwrap().balances.len(), 20_000);
}
