//! What the machine promises, each by a test; and that the store lives up to it.

mod books;
mod kills;
mod outages;
mod power;

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use admission::{Ask, Clamp, Flight, Permit};
use ledger::{Budget, Evidence, HoldId, Label, Scope, Straddle, UpstreamKeyId, Window};
use money::{Nano, Rate};
use pricing::{Book, BookSource, Bound, BoundPolicy, Family, Grounds, Model, Prices, RowPrices, Shape};
use store::{Durability, JournalError, Options};

use super::{BooksKind, Machine, Process, StartError};

const START_MS: i64 = 1_790_000_000_000;

fn machine() -> Machine {
    Machine::new(START_MS, BooksKind::Memory)
}

fn options(durability: Durability) -> Options {
    Options {
        segment_bytes: Options::SEGMENT_BYTES_MIN,
        journal_bytes_max: 16 * Options::SEGMENT_BYTES_MIN,
        ship_records: 64,
        retry_after: Duration::ZERO,
        ship_grace: Duration::MAX,
        ..Options::new(durability)
    }
}

fn budgets() -> Vec<Budget> {
    vec![Budget {
        name: "all".into(),
        selector: Vec::new(),
        per: std::iter::once(Label::User).collect(),
        limit: Nano::from_cents(100_000),
        window: Window::lifetime(),
        straddle: Straddle::Admission,
    }]
}

fn start(machine: &Machine, durability: Durability) -> Process {
    machine.start(&options(durability), budgets(), false, None).unwrap()
}

/// A dollar.
fn bound() -> Bound {
    let dollar = Rate::parse_ceil("0.001").unwrap();
    let row = Model {
        id: "test/model".into(),
        canonical_slug: "test/model-1".into(),
        alias_target: None,
        context_length: Some(1_000_000),
        max_completion_tokens: None,
        family: Family::Gpt,
        prices: RowPrices::Priced(Prices::new(Rate::ZERO, dollar)),
        endpoints: None,
        outputs: pricing::Modalities::TEXT,
        supports_output_cap: true,
        ..Model::default()
    };
    let book = Book::new(1, 0, BookSource::Snapshot, vec![row]);
    let shape = Shape {
        models: std::iter::once("test/model".into()).collect(),
        body: b"{}",
        output_cap: Some(1_000),
        choices: 1,
        ..Shape::default()
    };
    pricing::bound(&shape, &Grounds::new(&book, &BoundPolicy::default())).unwrap()
}

fn scope(user: &str) -> Scope<'_> {
    Scope::default().with(Label::User, user)
}

/// Admits one attempt; where its hold has to be synced, somebody does.
fn admit(machine: &Machine, process: &Process, user: &str) -> Result<Permit, JournalError> {
    let bound = bound();
    let upstream_key = UpstreamKeyId([7; 8]);
    let ask = Ask { scope: scope(user), bound: &bound, upstream_key, ceiling: None, clamp: Clamp::Never };
    let now_ms = machine.clocks.wall_ms();
    let reserved = match process.admission.reserve(&ask, now_ms) {
        Ok(reserved) => reserved,
        Err(shortage) => return Err(process.store.health().expect_err(&format!("{shortage:?}"))),
    };
    let mut permit = pin!(reserved.permit(now_ms));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..2 {
        if let Poll::Ready(permit) = permit.as_mut().poll(&mut context) {
            return permit;
        }
        // A failure is told to whoever waits.
        let _ = process.store.sync();
    }
    panic!("a sync ends every wait");
}

fn send(machine: &Machine, process: &Process) -> Flight {
    admit(machine, process, "alice").unwrap().sent()
}

fn settle(machine: &Machine, flight: Flight) {
    flight.settle(Nano::from_cents(1), "0.01", Evidence::Usage, machine.clocks.wall_ms());
}

/// A call that costs a cent.
fn spend(machine: &Machine, process: &Process) {
    settle(machine, send(machine, process));
}

/// The holds that a start finds open.
fn found_open(process: &Process) -> Vec<HoldId> {
    process.recovered.open.iter().map(|open| open.hold).collect()
}

/// What is posted and unknown for alice, cents.
fn standing(machine: &Machine, process: &Process) -> (i64, i64) {
    let now_ms = machine.clocks.wall_ms();
    let mut found = (0, 0);
    process.admission.each_balance(now_ms, &mut |_, balance| {
        found = (balance.posted.nanos() / 10_000_000, balance.unknown.nanos() / 10_000_000);
    });
    found
}

#[test]
fn a_process_starts_where_the_last_one_ended() {
    for durability in [Durability::Power, Durability::Process] {
        let machine = machine();
        let process = start(&machine, durability);
        (0..500).for_each(|_| spend(&machine, &process));
        let open = send(&machine, &process);
        process.store.ship().unwrap();
        spend(&machine, &process);
        drop(open);
        process.close().unwrap();
        let process = start(&machine, durability);
        assert_eq!(found_open(&process).len(), 1);
        assert!(process.recovered.exact);
        assert_eq!(standing(&machine, &process), (501, 100));
    }
}

#[test]
fn there_is_one_process_at_a_time() {
    let machine = machine();
    let process = start(&machine, Durability::Process);
    let second = machine.start(&options(Durability::Process), budgets(), false, None);
    assert_eq!(second.unwrap_err(), StartError::Held);
    spend(&machine, &process);
    let left = process.admission.clone();
    process.kill();
    start(&machine, Durability::Process);
    drop(left);
}

#[test]
fn the_money_is_never_locked_while_the_disk_works() {
    let machine = machine();
    let process = start(&machine, Durability::Power);
    let admission = process.admission.clone();
    process.disk.watch(Box::new(move || admission.is_money_locked()));
    let before = process.disk.operations();
    (0..300).for_each(|_| spend(&machine, &process));
    process.store.ship().unwrap();
    assert!(process.disk.operations() > before + 600);
    assert_eq!(process.disk.io_under_lock(), 0);
    let alice = process.admission.standing(&scope("alice"), machine.clocks.wall_ms()).unwrap();
    assert_eq!(alice[0].posted, Nano::from_cents(300));
    assert!(process.admission.standing(&scope("bob"), machine.clocks.wall_ms()).is_none());
    process.disk.watch(Box::new(|| true));
    spend(&machine, &process);
    assert!(process.disk.io_under_lock() > 0, "the probe is asked");
}

#[test]
fn what_is_written_can_be_read_off_the_disk() {
    let machine = machine();
    let process = start(&machine, Durability::Power);
    let mut writes = Vec::new();
    process.disk.take_writes(&mut writes);
    writes.clear();
    let flight = send(&machine, &process);
    settle(&machine, flight);
    process.disk.take_writes(&mut writes);
    let (_, last) = machine.segments().pop().unwrap();
    for write in &writes {
        let at = write.offset as usize;
        assert_eq!(last[at..at + write.bytes.len()], write.bytes[..], "whole records, where they are");
    }
    assert_eq!(writes.len(), 4, "balance, set, hold, settlement");
    let [.., hold, settlement] = &writes[..] else { panic!("{writes:?}") };
    let end = |write: &super::Write| write.offset + write.bytes.len() as u64;
    assert!(process.disk.is_durable(hold.segment, end(hold)));
    assert!(!process.disk.is_durable(settlement.segment, end(settlement)));
    process.store.sync().unwrap();
    assert!(process.disk.is_durable(settlement.segment, end(settlement)));
}
