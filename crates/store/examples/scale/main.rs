//! How the store stands a million balances and ten million entries: makes such books and measures what a gateway
//! asks of them.
//!
//! `cargo run --release -p store --example scale -- [balances] [entries] [folder]`. Without a folder a temporary one
//! is used; it takes about three gigabytes at full size.

mod books;

use std::path::Path;
use std::time::{Duration, Instant};

use ledger::{BoundClass, Evidence, HoldId, SetId};
use money::Nano;
use store::{Durability, Options, Record, ReportBy, Store};

use books::{FIRST_DAY, Size, last_ms, made_ms, make, name, upstream_key};

fn main() {
    let number = |at: usize, otherwise: u64| {
        std::env::args().nth(at).map_or(otherwise, |text| text.parse().expect("a number"))
    };
    let balances = u32::try_from(number(1, 1_000_000)).expect("fewer balances");
    let size = Size { balances, entries: number(2, 10_000_000), open: 1_000, days: 365 };
    let temporary = tempfile::tempdir().expect("a folder");
    let dir = std::env::args().nth(3).map_or_else(|| temporary.path().to_path_buf(), Into::into);
    println!("{size:?} in {}", dir.display());
    timed("make the books", || make(&dir, size));
    sizes(&dir, size);
    measure(&dir, size);
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let since = Instant::now();
    let done = work();
    println!("{what:44} {:>12.3?}", since.elapsed());
    done
}

fn sizes(dir: &Path, size: Size) {
    let books = rusqlite::Connection::open(dir.join("farebox.db")).expect("the books");
    let sql = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC";
    let mut statement = books.prepare(sql).expect("the sizes");
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)));
    let rows: Vec<(String, i64)> = rows.expect("the sizes").map(|row| row.expect("a size")).collect();
    for (name, bytes) in rows.iter().filter(|(_, bytes)| *bytes > 1 << 20) {
        println!("{name:44} {bytes:>12} bytes");
    }
    let of = |names: &[&str]| -> i64 {
        rows.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, bytes)| bytes).sum()
    };
    let entry = of(&["entry", "entry_generation", "entry_overrun"]);
    let balance = of(&["balance", "balance_by_name", "balance_by_end"]);
    let each = |what: &str, bytes: i64, count: i64| println!("{what:44} {:>12} bytes", bytes / count.max(1));
    each("each entry, with its indexes", entry, size.entries.cast_signed());
    each("each balance, with its indexes", balance, i64::from(size.balances));
    each("each hold set", of(&["hold_set"]), i64::from(size.balances));
}

fn measure(dir: &Path, size: Size) {
    let hold = |hold| Record::Hold {
        hold: HoldId(hold),
        at_ms: last_ms(size),
        bound: Nano::from_cents(1),
        class: BoundClass::Proven,
        set: SetId(size.balances - 1),
        upstream_key: upstream_key(),
        key: "key-1",
        model: "vendor-1/some-model-1",
    };
    let store = timed("open to the first hold appended", || {
        let (store, recovered) = Store::open(dir, Options::new(Durability::Process)).expect("a store");
        for id in books::members(size.balances - 1) {
            store.find_balance(&name(id.0)).expect("the books").expect("a balance");
        }
        store.append(&hold(recovered.next_hold)).expect("a hold");
        store
    });
    find_balances(&store, size);
    for (what, by) in [
        ("report by day", ReportBy::Day),
        ("report by key", ReportBy::Key),
        ("report by model", ReportBy::Model),
        ("report by budget", ReportBy::Budget),
    ] {
        let last = FIRST_DAY + size.days + 1;
        timed(&format!("{what}, 30 days"), || store.report(last - 31, last, by).expect("a report"));
        timed(&format!("{what}, all days"), || store.report(0, last, by).expect("a report"));
    }
    let middle = made_ms(size, size.entries / 2);
    timed("a page of 100 entries in the middle", || {
        store.entries(middle, i64::MAX, None, 100).expect("entries")
    });
    timed("one entry", || store.entry(HoldId(size.entries / 3)).expect("an entry"));
    timed("the total of the upstream key", || store.key_total(upstream_key()).expect("a total"));
    timed("open_balances, 100 of them", || store.open_balances(last_ms(size), 100).expect("balances"));
    ship(&store, size);
    timed("close", || store.close().expect("a clean end"));
    timed("read (offline, every open window)", || store::read(dir).expect("the books"));
}

/// Calls of users far apart, appended as fast as it goes, and carried into the books.
fn ship(store: &Store, size: Size) {
    const CALLS: u64 = 100_000;
    let since = Instant::now();
    for n in 0..CALLS {
        let hold = HoldId(size.entries + size.open + 10 + n);
        let (at_ms, bound) = (last_ms(size), Nano::from_cents(1));
        let user = 101 + (n * 7_919) % (u64::from(size.balances) - 101);
        let set = SetId(u32::try_from(user).expect("a user"));
        let (class, key, model) = (BoundClass::Proven, "key-1", "vendor-1/some-model-1");
        let upstream_key = upstream_key();
        store
            .append(&Record::Hold { hold, at_ms, bound, class, set, upstream_key, key, model })
            .expect("a hold");
        let (cost, text, evidence) = (Nano::from_nanos(7), "7e-9", Evidence::Usage);
        store.append(&Record::Settle { hold, at_ms, cost, text, evidence }).expect("a settlement");
    }
    let appended = since.elapsed();
    store.flush().expect("in the books");
    println!("{:44} {appended:>12.3?}", format!("append {CALLS} calls"));
    println!("{:44} {:>12.3?}", "until all of them are in the books", since.elapsed());
}

fn find_balances(store: &Store, size: Size) {
    let mut random = fastrand::Rng::with_seed(1);
    let mut took: Vec<Duration> = (0..10_000)
        .map(|_| {
            let name = name(random.u32(0..size.balances));
            let since = Instant::now();
            store.find_balance(&name).expect("the books").expect("a balance");
            since.elapsed()
        })
        .collect();
    took.sort_unstable();
    for (what, at) in [("p50", 5_000), ("p99", 9_900), ("max", 9_999)] {
        println!("{:44} {:>12.3?}", format!("find_balance, {what}"), took[at]);
    }
}
