//! Clients that send garbage, too much, too slowly or not to the end: a clear error or a clean end, bounded memory,
//! and not a byte upstream that was not paid for.

use money::Nano;

use crate::support::client::post_with;
use crate::support::upstream::answer;
use crate::support::{Client, Gate, House, Setup, Step, chat, get, ms, post, until};

const HEAD: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n";

#[tokio::test]
async fn heads_that_are_too_large() {
    let house = House::new().await;
    let many = "x-flood: 1\r\n".repeat(300);
    let giant = format!("x-giant: {}\r\n", "y".repeat(200 << 10));
    for (what, headers) in [("many lines", many), ("a giant line", giant)] {
        let mut client = house.client().await;
        client.send(post_with(&headers, &chat(""))).await;
        let answer = client.answer().await;
        assert!(matches!(answer.status, 400 | 431), "{what}: {}", answer.status);
        assert!(client.is_closed_within(ms(5_000)).await, "{what}");
    }
    let giant = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "y".repeat(200 << 10));
    let mut client = house.client().await;
    client.send(&giant).await;
    assert!(matches!(client.answer().await.status, 400 | 414 | 431));
    // Header lines without end: cut off long before they have all been taken.
    let mut client = house.client().await;
    assert!(client.send("GET / HTTP/1.1\r\n").await);
    let mut sent = 0;
    while sent < 512 << 20 && client.send("x-flood: 1\r\n".repeat(10_000)).await {
        sent += 120_000;
    }
    assert!(sent < 64 << 20, "{sent}");
    assert_eq!(house.chat(&chat("")).await.status, 200, "others are served");
    assert_eq!(house.upstream.chats().len(), 1);
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_hundred_good_header_lines_are_fine() {
    let house = House::new().await;
    let many: String = (0..100).map(|number| format!("x-line-{number}: {}\r\n", "v".repeat(300))).collect();
    assert_eq!(house.client().await.ask(post_with(&many, &chat(""))).await.status, 200);
    assert_eq!(house.upstream.chats()[0].header("x-line-99").map(str::len), Some(300));
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn something_that_is_not_http() {
    let house = House::new().await;
    for garbage in [
        "\u{16}\u{3}\u{1}\u{2}\0hello\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "POST /v1/chat/completions HTTP/7.3\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        format!("{HEAD}content-length: x\r\n\r\n"),
        format!("{HEAD}content-length: 5\r\ncontent-length: 6\r\n\r\nhello"),
        format!("{HEAD}transfer-encoding: gzip\r\n\r\n"),
        format!("{HEAD} folded: no\r\n\r\n"),
        format!("{HEAD}bad name: 1\r\n\r\n"),
    ] {
        let mut client = house.client().await;
        client.send(&garbage).await;
        let answer = client.try_answer().await;
        let status = answer.as_ref().map_or(400, |answer| answer.status);
        assert!(matches!(status, 400 | 403 | 505), "{garbage:?}: {status}");
        assert!(client.is_closed_within(ms(5_000)).await, "{garbage:?}");
    }
    assert_eq!(house.upstream.chats().len(), 0);
    house.settles_at(0).await;
    house.end().await;
}

#[tokio::test]
async fn a_body_with_two_framings_is_one_request() {
    let house = House::new().await;
    let body = chat("");
    let smuggled = post(&chat(r#","user":"smuggled""#));
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let request = format!(
        "{HEAD}content-length: {}\r\ntransfer-encoding: chunked\r\n\r\n{chunked}{smuggled}",
        chunked.len() + smuggled.len()
    );
    let mut client = house.client().await;
    client.send(request).await;
    while client.try_answer().await.is_some() {
        if client.is_closed_within(ms(50)).await {
            break;
        }
    }
    for call in house.upstream.chats() {
        assert_eq!(call.header("transfer-encoding"), None, "sent on with a length of its own");
        assert_eq!(call.header("content-length"), Some(call.body.len().to_string().as_str()));
    }
    house.settles_at(i64::try_from(house.upstream.chats().len()).expect("few") * 1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn chunked_bodies_and_continue_are_fine() {
    let house = House::new().await;
    let body = chat("");
    let mut request = format!("{HEAD}transfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n");
    for part in body.as_bytes().chunks(10) {
        request.push_str(&format!(
            "{:x};ext=1\r\n{}\r\n",
            part.len(),
            std::str::from_utf8(part).expect("ASCII")
        ));
    }
    request.push_str("0\r\nx-trailer: 1\r\n\r\n");
    let answer = house.client().await.ask(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let call = house.upstream.chats().pop().expect("a call");
    assert!(call.body.starts_with(&body.as_bytes()[..body.len() - 1]));
    assert_eq!((call.header("expect"), call.header("x-trailer")), (None, None));
    house.settles_at(1_000_000).await;
    house.end().await;
}

/// What is bounded here must be what is read upstream, whatever a client calls it.
#[tokio::test]
async fn a_body_is_json_by_its_header_too_and_never_encoded() {
    let house = House::new().await;
    let kind = "content-type: application/json; charset=utf-7\r\n";
    let odd = post(&chat("")).replacen("content-type: application/json\r\n", kind, 1);
    assert!(odd.contains("utf-7"));
    assert_eq!(house.client().await.ask(odd).await.status, 200);
    let call = house.upstream.chats().pop().expect("a call");
    assert_eq!(call.header("content-type"), Some("application/json"));
    let identity = post_with("content-encoding: Identity\r\n", &chat(""));
    assert_eq!(house.client().await.ask(identity).await.status, 200);
    for encoding in ["gzip", "identity, br", "x"] {
        let encoded = post_with(&format!("content-encoding: {encoding}\r\n"), &chat(""));
        let answer = house.client().await.ask(encoded).await;
        assert_eq!(answer.status, 415, "{encoding}");
        assert!(answer.text().contains("send it as plain JSON"), "{}", answer.text());
    }
    assert_eq!(house.upstream.chats().len(), 2);
    house.settles_at(2_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn old_http_is_fine() {
    let house = House::new().await;
    let answer = house.client().await.ask(post(&chat("")).replace("HTTP/1.1", "HTTP/1.0")).await;
    assert_eq!((answer.status, answer.whole), (200, true));
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn ten_megabytes_go_through() {
    let house = Setup::new().limit(Nano::from_cents(10_000)).open().await;
    let body = chat(&format!(r#","user":"{}""#, "u".repeat(10 << 20)));
    let answer = house.chat(&body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let call = house.upstream.chats().pop().expect("a call");
    assert!(call.body.starts_with(&body.as_bytes()[..body.len() - 1]), "byte for byte");
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn forty_megabytes_do_not() {
    let house = House::new().await;
    const LARGE: usize = 40 << 20;
    // Told beforehand: refused on its word, before any of it is sent.
    let mut client = house.client().await;
    assert!(client.send(format!("{HEAD}content-length: {LARGE}\r\n\r\n")).await);
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.reason()), (413, "body-too-large"));
    assert!(answer.message().contains("33554432 bytes"));
    let mut taken = 0;
    while taken < LARGE && client.send(vec![b'x'; 64 << 10]).await {
        taken += 64 << 10;
    }
    assert!(taken < 16 << 20, "nothing is read but what the socket buffers hold: {taken}");
    // A client that sends it all before it reads learns why as well; so does one that does not tell.
    let large = "x".repeat(LARGE);
    let told = format!("{HEAD}content-length: {LARGE}\r\n\r\n{large}");
    let untold = format!("{HEAD}transfer-encoding: chunked\r\n\r\n{LARGE:x}\r\n{large}\r\n0\r\n\r\n");
    for request in [told, untold] {
        let mut client = house.client().await;
        client.send(request).await;
        assert_eq!(client.answer().await.status, 413);
    }
    assert_eq!(house.upstream.chats().len(), 0);
    house.settles_at(0).await;
    house.end().await;
}

#[tokio::test]
async fn all_bodies_together_are_bounded() {
    let setup = Setup::new().with(|config| config.limits.bodies_bytes_max = 100_000);
    let house = setup.open().await;
    let mut first = house.client().await;
    assert!(first.send(format!("{HEAD}content-length: 90000\r\n\r\n{{")).await);
    let large = chat(&format!(r#","user":"{}""#, "u".repeat(20_000)));
    let mut refused = house.chat(&large).await;
    for _ in 0..100 {
        if refused.status == 503 {
            break;
        }
        refused = house.chat(&large).await;
    }
    assert_eq!((refused.status, refused.reason()), (503, "bodies-full"));
    assert!(refused.header("retry-after").is_some());
    drop(first);
    let mut last = refused;
    while last.status != 200 {
        last = house.chat(&large).await;
    }
    let served = i64::try_from(house.upstream.chats().len()).expect("few");
    house.settles_at(served * 1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_or_not_to_its_end() {
    let setup = Setup::new().with(|config| {
        config.limits.body_idle = ms(100);
        config.limits.body_timeout = ms(400);
    });
    let house = setup.open().await;
    let mut client = house.client().await;
    assert!(client.send(format!("{HEAD}content-length: 100\r\n\r\n{{")).await);
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.reason()), (408, "body-too-slow"), "silent");
    let mut client = house.client().await;
    assert!(client.send(format!("{HEAD}content-length: 100\r\n\r\n")).await);
    let slow = async {
        loop {
            if !client.send("x").await {
                break;
            }
            tokio::time::sleep(ms(20)).await;
        }
    };
    let _ = tokio::time::timeout(ms(600), slow).await;
    assert_eq!(client.answer().await.status, 408, "a byte at a time");
    let mut client = house.client().await;
    assert!(client.send(&post(&chat(""))[..150]).await);
    drop(client);
    for (chunks, status) in [("zz\r\n", 400), ("fffffffffffffffff\r\n", 400), ("5\r\nhello!!\r\n", 400)] {
        let mut client = house.client().await;
        client.send(format!("{HEAD}transfer-encoding: chunked\r\n\r\n{chunks}")).await;
        if let Some(answer) = client.try_answer().await {
            assert_eq!(answer.status, status, "{chunks}");
        }
    }
    assert_eq!(house.upstream.chats().len(), 0);
    house.settles_at(0).await;
    house.end().await;
}

#[tokio::test]
async fn a_head_that_comes_too_slowly() {
    let house = Setup::new().with(|config| config.limits.header_timeout = ms(150)).open().await;
    let mut silent = house.client().await;
    let mut half = house.client().await;
    assert!(half.send("POST /v1/chat/completions HTTP/1.1\r\nhost:").await);
    let mut idle = house.client().await;
    assert_eq!(idle.ask(get("/")).await.status, 200);
    for client in [&mut silent, &mut half, &mut idle] {
        assert!(client.is_closed_within(ms(5_000)).await);
    }
    // What runs longer than that is not cut.
    let mut script = vec![Step::Pause(ms(400))];
    script.extend(answer("gen-s", "0.01"));
    assert_eq!(house.chat_by(script, &chat("")).await.status, 200);
    house.settles_at(10_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn connections_are_bounded_and_come_back() {
    let setup = Setup::new().with(|config| {
        config.limits.connections_max = 2;
        config.limits.header_timeout = ms(300);
    });
    let house = setup.open().await;
    let (_one, _two) = (house.client().await, house.client().await);
    // Waits in the backlog until a silent one is cut off.
    let answer = house.chat(&chat("")).await;
    assert_eq!(answer.status, 200);
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_client_that_only_closes_its_own_side_is_gone() {
    let house = House::new().await;
    let gate = Gate::new();
    let mut script = vec![Step::Wait(gate.clone())];
    script.extend(answer("gen-h", "0.01"));
    house.upstream.next(script);
    let mut client = house.client().await;
    assert!(client.send(post(&chat(""))).await);
    until("the request to arrive", || house.upstream.chats().len() == 1).await;
    drop(client);
    tokio::time::sleep(ms(20)).await;
    gate.open();
    house.settles_at(10_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn many_at_once_and_the_budget_holds() {
    let house =
        Setup::new().limit(Nano::from_cents(20)).with(|config| config.park_max = ms(5_000)).open().await;
    let mut running: tokio::task::JoinSet<u16> = tokio::task::JoinSet::new();
    for number in 0..60 {
        house.upstream.next(answer(&format!("gen-{number}"), "0.006"));
        let address = house.address;
        running.spawn(async move {
            let mut client = Client::connect(address).await;
            client.ask(post(&chat(r#","max_tokens":5000"#))).await.status
        });
    }
    let statuses = running.join_all().await;
    let served = statuses.iter().filter(|status| **status == 200).count();
    assert!(statuses.iter().all(|status| matches!(status, 200 | 402)), "{statuses:?}");
    // Each needs about 4.2 cents to start and costs 0.6: the last one starts with at most 20 - 4.2 spent.
    assert!((20..=33).contains(&served), "{served}");
    house.settles_at(i64::try_from(served).expect("few") * 6_000_000).await;
    house.end().await;
}
