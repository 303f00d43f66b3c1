//! OpenRouter's bill by generation, with a management key, on the sandbox: what was lost, changed, billed late or twice
//! comes into the books, to the nano-dollar.

use std::time::Duration;

use gateway::audit::AuditReport;
use gateway::{Booking, Secret};
use ledger::Evidence;
use money::{Exact, Nano};
use sandbox::{Config, Faults, Millis, Sandbox};
use store::EntryRow;

use crate::support::{House, Setup, asking, ms, until};

const MODEL: &str = "openai/gpt-4o-mini";

struct World {
    sandbox: Sandbox,
    house: House,
}

impl World {
    /// With a management key, times that a test can wait for, and no control totals.
    async fn new() -> World {
        let config = Config { generation_delay: Millis::new(1, 20), ..Config::default() };
        let sandbox =
            Sandbox::start("127.0.0.1:0".parse().expect("an address"), config).await.expect("a sandbox");
        let setup = Setup::new().limit(Nano::from_cents(10_000)).with(|config| {
            config.management_key = Some(Secret::new("sk-or-v1-sandbox-management"));
            config.evidence.final_after = ms(400);
            config.evidence.recheck_after = ms(600);
            config.evidence.audit_every = ms(500);
            config.evidence.quiet_after = Duration::from_secs(3_600);
        });
        let base = Some(format!("http://{}/api/v1", sandbox.addr()));
        let house = Setup { priced_there: true, base, ..setup }.open().await;
        World { sandbox, house }
    }

    /// Calls under these faults; afterwards all is well again.
    async fn calls(&self, count: usize, faults: Faults) {
        self.sandbox.set_faults(faults);
        for number in 0..count {
            let body = asking(MODEL, &format!(r#","max_tokens":{}"#, 40 + number));
            let mut client = self.house.client().await;
            assert!(client.send(crate::support::post(&body)).await);
            let _ = client.try_answer().await;
        }
        self.sandbox.set_faults(Faults::default());
    }

    fn billed(&self) -> Nano {
        Exact::parse_ceil(&self.sandbox.bill().total).expect("an amount").ceil()
    }

    /// Ends when nothing is unknown and the books have what was billed, each cost rounded up.
    async fn agrees(&self, calls: i64) {
        let agree = || {
            let books = self.house.books();
            let more = books.posted.nanos() - self.billed().nanos();
            self.sandbox.bill().pending == 0
                && self.house.admission.unknown_holds().is_empty()
                && books.held == Nano::ZERO
                && (0..=calls).contains(&more)
        };
        let patience = tokio::time::timeout(Duration::from_secs(15), until("books and bill", agree)).await;
        let (books, unknown) = (self.house.books(), self.house.admission.unknown_holds());
        let (entries, bill) = (self.entries().await, self.sandbox.bill());
        assert!(
            patience.is_ok(),
            "{books:?} {unknown:?} {bill:?} {:?} {entries:#?}",
            self.house.gateway.audit()
        );
    }

    async fn entries(&self) -> Vec<EntryRow> {
        let admission = self.house.admission.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let books = admission.books();
            books.flush().expect("shipped");
            books.entries(0, i64::MAX, None, 1_000).expect("books")
        });
        reading.await.expect("no panic")
    }

    /// What the last entries rest on.
    async fn evidence(&self, most: usize) -> Vec<Evidence> {
        self.entries().await.iter().rev().take(most).map(|entry| entry.evidence).collect()
    }

    /// An audit of everything.
    async fn audit(&self, booking: Booking) -> AuditReport {
        let now_ms = gateway::Clock::default().now_ms();
        self.house.gateway.audit_now(now_ms - 3_600_000, i64::MAX, booking).await.expect("a report")
    }

    async fn end(self) {
        self.house.end().await;
        self.sandbox.stop().await;
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_before_its_id_costs_what_was_billed() {
    let world = World::new().await;
    world.calls(1, Faults::default()).await;
    world.calls(1, Faults { lose_answer: 1.0, ..Faults::default() }).await;
    world.agrees(2).await;
    assert_eq!(world.evidence(2).await, [Evidence::Analytics, Evidence::Usage]);
    world.end().await;
}

#[tokio::test]
async fn two_that_nobody_can_tell_apart_are_charged_the_dearer_one_until_the_audit() {
    let world = World::new().await;
    world.calls(1, Faults::default()).await;
    world.calls(2, Faults { lose_answer: 1.0, ..Faults::default() }).await;
    world.agrees(3).await;
    world.end().await;
}

#[tokio::test]
async fn a_call_that_never_ran_is_free() {
    let world = World::new().await;
    world.calls(2, Faults::default()).await;
    world.calls(2, Faults { close_before_headers: 1.0, ..Faults::default() }).await;
    world.agrees(2).await;
    assert_eq!(world.evidence(2).await, [Evidence::Analytics, Evidence::Analytics]);
    world.end().await;
}

#[tokio::test]
async fn a_bill_that_has_never_been_seen_to_know_us_frees_nothing() {
    let world = World::new().await;
    world.calls(1, Faults { close_before_headers: 1.0, ..Faults::default() }).await;
    tokio::time::sleep(ms(1_500)).await;
    assert_eq!(world.house.admission.unknown_holds().len(), 1);
    world.end().await;
}

#[tokio::test]
async fn a_generation_that_is_not_found_is_on_the_bill() {
    let world = World::new().await;
    world.calls(2, Faults { missing_usage: 1.0, generation_lost: 1.0, ..Faults::default() }).await;
    world.agrees(2).await;
    assert_eq!(world.evidence(2).await, [Evidence::Analytics, Evidence::Analytics]);
    world.end().await;
}

#[tokio::test]
async fn costs_that_change_are_booked_anew() {
    let world = World::new().await;
    world.calls(8, Faults { corrected: 1.0, corrected_ms: 300, ..Faults::default() }).await;
    until("corrections", || world.sandbox.bill().corrected > 0 && world.sandbox.bill().pending == 0).await;
    world.agrees(8).await;
    assert!(world.house.counter("corrected") > 0);
    world.end().await;
}

#[tokio::test]
async fn late_charges_are_booked_as_overruns() {
    let world = World::new().await;
    world.calls(6, Faults { late_charge: 1.0, late_charge_ms: 300, ..Faults::default() }).await;
    world.agrees(6).await;
    let late = world.sandbox.bill().late;
    assert!(late > 0);
    world.end().await;
}

#[tokio::test]
async fn what_is_billed_twice_is_booked_twice_and_once_only() {
    let world = World::new().await;
    world.calls(6, Faults { duplicated: 1.0, ..Faults::default() }).await;
    world.agrees(12).await;
    assert!(world.sandbox.bill().duplicated > 0);
    let posted = world.house.posted();
    let audits = world.house.counter("audits");
    until("two more audits", || world.house.counter("audits") >= audits + 2).await;
    assert_eq!(world.house.posted(), posted, "however often it is asked");
    let report = world.audit(Booking::Nothing).await;
    assert_eq!((report.drift, report.extras.count, report.missing.count), (Nano::ZERO, 0, 0), "{report:?}");
    assert!(report.complete && report.entries == 6, "{report:?}");
    assert!(world.house.gateway.honesty().is_empty(), "no provider's fault");
    world.end().await;
}

#[tokio::test]
async fn other_traffic_on_the_key_is_told_and_not_booked() {
    let world = World::new().await;
    // Straight to the upstream, of a model that nothing here asked for.
    let foreign = openrouter::client::Upstream::new(&format!("http://{}/api/v1", world.sandbox.addr()))
        .expect("a base");
    let body = r#"{"model":"openai/gpt-4o","messages":[{"role":"user","content":"hi"}],"max_tokens":20}"#;
    let mut request = http::Request::post(foreign.uri("/chat/completions").expect("a url"));
    request = request.header("authorization", format!("Bearer {}", crate::support::KEY));
    let request = request.body(http_body_util::Full::from(body)).expect("a request");
    assert_eq!(foreign.send(request).await.expect("an answer").status(), 200);
    world.calls(1, Faults::default()).await;
    let billed = world.billed().nanos();
    until("an audit that sees it", || {
        world.house.gateway.audit().is_some_and(|report| report.extras.count == 1)
    })
    .await;
    let report = world.audit(Booking::Nothing).await;
    assert_eq!((report.extras.count, report.extras.amount), (1, report.drift), "{report:?}");
    assert!((billed..=billed + 2).contains(&report.theirs.nanos()), "{report:?} {billed}");
    assert!(world.house.posted() < billed);
    let report = world.audit(Booking::Everything).await;
    assert_eq!((report.booked.count, report.drift), (1, Nano::ZERO), "{report:?}");
    world.agrees(2).await;
    let report = world.audit(Booking::Everything).await;
    assert_eq!((report.booked.count, report.extras.count), (0, 0), "booked once: {report:?}");
    drop(world);
}
