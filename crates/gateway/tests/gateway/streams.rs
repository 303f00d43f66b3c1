//! Streams: every byte reaches the client as it was sent, at once; the cost is found in passing; and whoever leaves,
//! client or upstream, leaves the ledger right.

use gateway::ClientGone;
use money::Nano;

use crate::support::upstream::{content, piece, stream_end, stream_head, tail};
use crate::support::{Gate, House, Script, Setup, Step, chat, ms, post, until};

const STREAM: &str = r#","stream":true"#;

/// A stream cut into chunks of so many bytes.
fn cut(id: &str, text: &str, bytes: usize) -> Script {
    let mut script = vec![stream_head(id)];
    script.extend(text.as_bytes().chunks(bytes).map(|part| {
        let mut chunk = format!("{:x}\r\n", part.len()).into_bytes();
        chunk.extend_from_slice(part);
        chunk.extend_from_slice(b"\r\n");
        Step::Send(chunk)
    }));
    script.push(stream_end());
    script
}

#[tokio::test]
async fn every_byte_and_the_exact_cost() {
    let house = Setup::new().limit(Nano::from_cents(10_000)).open().await;
    let comment = ": OPENROUTER PROCESSING\n\n";
    let body = content("gen-s", "OpenAI").replace("hel", "h\u{e9}😀 \\\"usage\\\":{\\\"cost\\\":9}");
    let empty_tail = "data: {\"choices\":[],\"usage\":{\"cost\":1.25e-4}}\n\ndata: [DONE]\n\n";
    let two_tails = format!(
        "data: {{\"id\":\"gen-s\",\"choices\":[{{\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n{}",
        tail("gen-s", "0.000125")
    );
    let texts = [
        format!("{comment}{body}{comment}{}", tail("gen-s", "0.000125")),
        format!("{body}{two_tails}"),
        format!("{comment}{body}{empty_tail}"),
        format!("{comment}{body}{two_tails}").replace('\n', "\r\n"),
        format!("{body}{}", tail("gen-s", "0.000125")).replace("data: [DONE]\n\n", ""),
        format!("event: x\nid: 1\nretry: 5\n{body}\n\n\n{empty_tail}{comment}"),
    ];
    let mut posted = 0;
    for (number, text) in texts.iter().enumerate() {
        for bytes in [1 + number, 7, 4_096] {
            let answer = house.chat_by(cut("gen-s", text, bytes), &chat(STREAM)).await;
            assert_eq!((answer.status, answer.whole), (200, true));
            assert_eq!(answer.text(), *text, "cut into {bytes}");
            assert_eq!(answer.header("content-type"), Some("text/event-stream"));
            assert_eq!(answer.header("cache-control"), Some("no-cache"));
            assert_eq!(answer.header("x-generation-id"), Some("gen-s"));
            assert!(answer.header("x-farebox-held-max-usd").is_some());
            posted += 125_000;
            house.comes_to(text, posted, 0).await;
        }
    }
    assert_eq!(house.counter("served"), 18);
    house.end().await;
}

#[tokio::test]
async fn each_event_is_on_its_way_at_once() {
    let house = House::new().await;
    let (first, second) = (Gate::new(), Gate::new());
    house.upstream.next(vec![
        stream_head("gen-f"),
        Step::Wait(first.clone()),
        piece(&content("gen-f", "OpenAI")),
        Step::Wait(second.clone()),
        piece(&tail("gen-f", "0.1")),
        stream_end(),
    ]);
    let mut client = house.client().await;
    assert!(client.send(post(&chat(STREAM))).await);
    client.read_past("x-generation-id").await;
    first.open();
    client.read_past("\"content\":\"hel\"").await;
    assert!(house.books().held > Nano::ZERO, "held while it runs");
    assert_eq!(house.counter("in_flight_now"), 1);
    second.open();
    client.read_past("[DONE]").await;
    house.settles_at(100_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_stream_without_its_cost_is_resolved_by_its_id() {
    let house = Setup::new().limit(Nano::from_cents(1_000)).open().await;
    let error = "data: {\"id\":\"gen-3\",\"provider\":\"p\",\"error\":{\"code\":\"server_error\",\"message\":\"Provider disconnected\"},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n";
    let scripts: [(&str, bool, Script); 7] = [
        // No usage at all; a null one; one that cannot be read.
        (
            "gen-0",
            true,
            vec![
                stream_head("gen-0"),
                piece(&content("gen-0", "p")),
                piece("data: [DONE]\n\n"),
                stream_end(),
            ],
        ),
        ("gen-1", true, vec![stream_head("gen-1"), piece(&tail("gen-1", "null")), stream_end()]),
        ("gen-2", true, vec![stream_head("gen-2"), piece(&tail("gen-2", "\"?\"")), stream_end()]),
        // An error in the middle, with and without something generated before.
        ("gen-3", true, vec![stream_head("gen-3"), piece(error), stream_end()]),
        (
            "gen-4",
            true,
            vec![stream_head("gen-4"), piece(&content("gen-4", "p")), piece(error), stream_end()],
        ),
        // Cut off: in an event, with the id in the events only; before anything.
        (
            "gen-5",
            false,
            vec![stream_head(""), piece(&content("gen-5", "p")), piece("data: {\"cho"), Step::Close],
        ),
        ("gen-6", false, vec![stream_head("gen-6"), Step::Close]),
    ];
    for (number, (id, whole, script)) in scripts.into_iter().enumerate() {
        let answer = house.chat_by(script, &chat(STREAM)).await;
        assert_eq!((answer.status, answer.whole), (200, whole), "{id}: {}", answer.text());
        assert_eq!(
            answer.text().contains("data: {\"cho"),
            id == "gen-5",
            "what came before the cut is passed on"
        );
        house.comes_to(id, 0, number + 1).await;
        let last = house.admission.unknown_holds().pop().expect("unknown");
        assert_eq!(last.generation.as_deref(), Some(id));
    }
    for number in 0..7 {
        house.upstream.tell(&format!("gen-{number}"), r#""total_cost":0.002,"cancelled":true"#);
    }
    house.ask_now();
    house.settles_at(14_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn cut_off_after_its_cost_it_is_settled() {
    let house = House::new().await;
    let script =
        vec![stream_head("gen-c"), piece(&content("gen-c", "p")), piece(&tail("gen-c", "0.3")), Step::Close];
    let answer = house.chat_by(script, &chat(STREAM)).await;
    assert!(!answer.whole);
    house.settles_at(300_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_stream_that_stops_coming_is_cut() {
    let house = Setup::new().with(|config| config.limits.upstream_idle = ms(100)).open().await;
    let script = vec![stream_head("gen-i"), piece(&content("gen-i", "Mistral")), Step::Hang];
    let answer = house.chat_by(script, &chat(STREAM)).await;
    assert!(!answer.whole, "{}", answer.text());
    until("the upstream to be let go", || house.upstream.aborted() == 1).await;
    house.upstream.tell("gen-i", r#""total_cost":0.04"#);
    house.settles_at(40_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_slow_trickle_is_no_reason_to_cut() {
    let house = Setup::new().with(|config| config.limits.upstream_idle = ms(1_000)).open().await;
    let text = format!("{}{}", content("gen-t", "p"), tail("gen-t", "0.01"));
    let mut script = vec![stream_head("gen-t")];
    for part in text.as_bytes().chunks(8) {
        script.extend([piece(std::str::from_utf8(part).expect("ASCII")), Step::Pause(ms(2))]);
    }
    script.push(stream_end());
    let answer = house.chat_by(script, &chat(STREAM)).await;
    assert_eq!((answer.whole, answer.text()), (true, text));
    house.settles_at(10_000_000).await;
    house.end().await;
}

/// A client that leaves in the middle of a stream of this provider.
async fn leave(house: &House, provider: &str, rest: Vec<Step>) {
    let mut script = vec![stream_head("gen-l"), piece(&content("gen-l", provider))];
    script.extend(rest);
    house.upstream.next(script);
    let mut client = house.client().await;
    assert!(client.send(post(&chat(STREAM))).await);
    client.read_past("\"hel\"").await;
    drop(client);
    until("the leaving to be seen", || house.counter("clients_gone") == 1).await;
}

#[tokio::test]
async fn a_client_leaves_a_provider_that_stops_billing() {
    let house = House::new().await;
    leave(&house, "OpenAI", vec![Step::Hang]).await;
    until("the upstream to see the close", || house.upstream.aborted() == 1).await;
    house.comes_to("left", 0, 1).await;
    house.upstream.tell("gen-l", r#""total_cost":0.07,"cancelled":true"#);
    house.settles_at(70_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_client_leaves_a_provider_that_bills_on() {
    let house = House::new().await;
    let gate = Gate::new();
    let rest = vec![Step::Wait(gate.clone()), piece(&tail("gen-l", "0.09")), stream_end()];
    leave(&house, "Mistral", rest).await;
    assert!(house.books().held > Nano::ZERO, "read on, and held");
    gate.open();
    house.settles_at(90_000_000).await;
    assert_eq!(house.upstream.aborted(), 0);
    assert_eq!(house.upstream.calls(|call| call.target.contains("/generation")).len(), 0);
    house.end().await;
}

#[tokio::test]
async fn what_to_do_without_a_client_can_be_said() {
    let abort = Setup::new().with(|config| config.on_client_gone = ClientGone::Abort).open().await;
    leave(&abort, "Mistral", vec![Step::Hang]).await;
    until("the upstream to see the close", || abort.upstream.aborted() == 1).await;
    abort.comes_to("aborted", 0, 1).await;
    abort.end().await;
    let on = Setup::new().with(|config| config.on_client_gone = ClientGone::ReadOn).open().await;
    let gate = Gate::new();
    leave(&on, "OpenAI", vec![Step::Wait(gate.clone()), piece(&tail("gen-l", "0.02")), stream_end()]).await;
    gate.open();
    on.settles_at(20_000_000).await;
    on.end().await;
}

#[tokio::test]
async fn a_client_leaves_while_waiting_for_headers() {
    let house = Setup::new().limit(Nano::from_cents(1_000)).open().await;
    let gate = Gate::new();
    let plain = crate::support::upstream::answer("gen-p", "0.5");
    let streamed = cut("gen-s", &format!("{}{}", content("gen-s", "Mistral"), tail("gen-s", "0.25")), 50);
    let stopping = vec![stream_head("gen-o"), piece(&content("gen-o", "OpenAI")), Step::Hang];
    for (number, rest) in [plain, streamed, stopping].into_iter().enumerate() {
        // The gate sees it when the gateway closes, which it must not.
        let mut script = vec![Step::Wait(gate.clone())];
        script.extend(rest);
        house.upstream.next(script);
        let mut client = house.client().await;
        assert!(client.send(post(&chat(STREAM))).await);
        until("the request to arrive", || house.upstream.chats().len() == number + 1).await;
        drop(client);
        tokio::time::sleep(ms(30)).await;
        assert!(house.books().held > Nano::ZERO, "a hold does not leave with its client");
        gate.open();
        until("the end", || house.books().held == Nano::ZERO).await;
    }
    house.comes_to("the aborted one", 750_000_000, 1).await;
    house.upstream.tell("gen-o", r#""total_cost":0.125"#);
    house.settles_at(875_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_client_that_closes_at_the_end_mark_is_served() {
    let house = House::new().await;
    // The end of the HTTP body is still to come when the client closes.
    house.upstream.next(vec![stream_head("gen-d"), piece(&tail("gen-d", "0.06")), Step::Hang]);
    let mut client = house.client().await;
    assert!(client.send(post(&chat(STREAM))).await);
    client.read_past("[DONE]").await;
    drop(client);
    house.settles_at(60_000_000).await;
    assert_eq!((house.counter("clients_gone"), house.counter("served")), (0, 1));
    house.end().await;
}

#[tokio::test]
async fn a_slow_reader_slows_the_upstream_down() {
    let house = House::new().await;
    const ALL: usize = 200 << 20;
    let event = content("gen-b", "OpenAI").replace("hel", &"x".repeat(64 << 10));
    let chunk = format!("{:x}\r\n{event}\r\n", event.len()).into_bytes();
    house.upstream.next(vec![stream_head("gen-b"), Step::Flood(chunk, ALL), stream_end()]);
    let mut client = house.client().await;
    assert!(client.send(post(&chat(STREAM))).await);
    client.read_past("x-generation-id").await;
    let mut before = usize::MAX;
    until("the upstream to stand still", || {
        std::thread::sleep(ms(1));
        let now = house.upstream.pushed();
        std::mem::replace(&mut before, now) == now && now > 1 << 20
    })
    .await;
    tokio::time::sleep(ms(150)).await;
    let pushed = house.upstream.pushed();
    assert!(pushed < 32 << 20, "socket buffers, and little else, are full: {pushed}");
    drop(client);
    until("the upstream to be let go", || house.upstream.aborted() == 1).await;
    house.comes_to("aborted", 0, 1).await;
    house.upstream.tell("gen-b", r#""total_cost":0.11"#);
    house.settles_at(110_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_off() {
    let house = Setup::new().with(|config| config.limits.write_stall = ms(150)).open().await;
    let event = content("gen-w", "OpenAI").replace("hel", &"x".repeat(64 << 10));
    let chunk = format!("{:x}\r\n{event}\r\n", event.len()).into_bytes();
    house.upstream.next(vec![stream_head("gen-w"), Step::Flood(chunk, 200 << 20), stream_end()]);
    let mut client = house.client().await;
    assert!(client.send(post(&chat(STREAM))).await);
    until("the upstream to be let go", || house.upstream.aborted() == 1).await;
    house.comes_to("cut", 0, 1).await;
    house.upstream.tell("gen-w", r#""total_cost":0.12"#);
    house.settles_at(120_000_000).await;
    drop(client);
    house.end().await;
}
