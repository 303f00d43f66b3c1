//! A stop lets what is in flight end, and loses nothing; after a crash, what was in flight is unknown and asked for.

use money::Nano;

use crate::support::upstream::{content, piece, reply, stream_end, stream_head, tail};
use crate::support::{Gate, House, Setup, Step, chat, get, ms, post, until};

async fn streaming(house: &House, provider: &str) -> (Gate, crate::support::Client) {
    let gate = Gate::new();
    house.upstream.next(vec![
        stream_head("gen-q"),
        piece(&content("gen-q", provider)),
        Step::Wait(gate.clone()),
        piece(&tail("gen-q", "0.05")),
        stream_end(),
    ]);
    let mut client = house.client().await;
    assert!(client.send(post(&chat(r#","stream":true"#))).await);
    client.read_past("\"hel\"").await;
    (gate, client)
}

#[tokio::test]
async fn streams_run_to_their_end() {
    let mut house = House::new().await;
    let (gate, mut client) = streaming(&house, "OpenAI").await;
    let mut idle = house.client().await;
    assert_eq!(idle.ask(get("/")).await.status, 200);
    house.stop();
    assert!(idle.is_closed_within(ms(5_000)).await, "idle connections are closed");
    until("new ones to be refused", || std::net::TcpStream::connect(house.address).is_err()).await;
    gate.open();
    let rest = client.read_past("0\r\n\r\n").await;
    assert!(rest.contains("[DONE]"), "{rest}");
    house.stopped().await;
    house.settles_at(50_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn what_is_read_on_without_a_client_is_waited_for() {
    let mut house = House::new().await;
    let (gate, client) = streaming(&house, "Mistral").await;
    drop(client);
    until("the leaving to be seen", || house.counter("clients_gone") == 1).await;
    house.stop();
    tokio::time::sleep(ms(30)).await;
    gate.open();
    house.stopped().await;
    assert_eq!(house.posted(), 50_000_000, "settled before the stop is over");
    house.end().await;
}

#[tokio::test]
async fn what_takes_too_long_is_left_open() {
    let mut house = Setup::new().with(|config| config.limits.drain = ms(150)).open().await;
    let (_gate, _client) = streaming(&house, "OpenAI").await;
    house.stop();
    house.stopped().await;
    assert!(house.books().held > Nano::ZERO, "recovery will find it open");
    assert_eq!(house.counter("in_flight_now"), 1);
}

#[tokio::test]
async fn a_full_house_stops_too() {
    let mut house = Setup::new().with(|config| config.limits.connections_max = 1).open().await;
    let mut only = house.client().await;
    assert_eq!(only.ask(get("/")).await.status, 200);
    house.stop();
    house.stopped().await;
    assert!(only.is_closed_within(ms(5_000)).await);
    house.end().await;
}

/// Runs to the end of a process: whatever still runs then is gone.
fn process<T>(life: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(life)
}

#[test]
fn after_a_crash_what_was_in_flight_is_asked_for() {
    let (dir, held) = process(async {
        let house = House::new().await;
        assert_eq!(house.chat(&chat("")).await.status, 200);
        let (_gate, _client) = streaming(&house, "OpenAI").await;
        let held = house.books().held;
        (house.crash(), held)
    });
    process(async {
        let house = Setup::new().open_again(dir).await;
        let books = house.books();
        assert_eq!((books.posted.nanos(), books.held, books.unknown), (1_000_000, Nano::ZERO, held));
        house.upstream.tell("gen-q", r#""total_cost":0.04,"cancelled":true"#);
        house.settles_at(41_000_000).await;
        assert_eq!(house.chat(&chat("")).await.status, 200);
        house.settles_at(42_000_000).await;
    });
}

#[test]
fn a_callers_own_key_resolves_its_holds_when_it_next_calls() {
    let own = || Setup::new().with(|config| config.upstream_key = None);
    let request = post(&chat("")).replace("Bearer anything", "Bearer sk-or-v1-callers");
    let dir = process(async {
        let house = own().open().await;
        house.upstream.next(reply("200 OK", "x-generation-id: gen-own\r\n", "{}"));
        assert_eq!(house.client().await.ask(&request).await.status, 200);
        house.comes_to("no cost", 0, 1).await;
        house.crash()
    });
    process(async {
        let house = own().open_again(dir).await;
        house.upstream.tell("gen-own", r#""total_cost":0.03"#);
        let other = request.replace("sk-or-v1-callers", "sk-or-v1-others");
        assert_eq!(house.client().await.ask(&other).await.status, 200);
        tokio::time::sleep(ms(700)).await;
        let asked = house.upstream.calls(|call| call.target.contains("id=gen-own")).len();
        assert_eq!(asked, 0, "the key was never stored, and another's is not used");
        house.comes_to("waits for its key", 1_000_000, 1).await;
        assert_eq!(house.client().await.ask(&request).await.status, 200);
        house.settles_at(32_000_000).await;
    });
}
