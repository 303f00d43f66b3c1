//! A stop lets what is in flight end, and loses nothing.

use crate::support::upstream::{content, piece, stream_end, stream_head, tail};
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
    assert!(house.books().held > money::Nano::ZERO, "recovery will find it open");
    assert_eq!(house.counter("in_flight_now"), 1);
}
