//! Upstreams that hang, break off or send garbage: the client gets a clear error, memory stays bounded, and the hold
//! is settled, voided or unknown, as the evidence says.

use money::Nano;
use openrouter::catalogue::Catalogue;

use crate::support::upstream::{answer, answer_body, content, piece, reply, stream_head, tail};
use crate::support::{Answer, Greeting, House, Script, Setup, Step, chat, ms, until};

/// What must become of the hold.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Hold {
    Settled,
    Voided,
    /// With an id to ask for.
    Asked,
    /// Without one.
    Stuck,
}

/// A house whose upstream may be silent for 150 ms, and in which scenarios follow each other.
struct Row {
    house: House,
    posted: i64,
    unknown: usize,
}

impl Row {
    async fn new() -> Self {
        let setup = Setup::new().limit(Nano::from_cents(10_000)).with(|config| {
            config.limits.upstream_idle = ms(150);
            config.limits.answer_bytes_max = 1 << 20;
        });
        Row { house: setup.open().await, posted: 0, unknown: 0 }
    }

    /// Plays one scenario; its good answers cost a cent.
    async fn play(&mut self, what: &str, script: Script, hold: Hold) -> Answer {
        let answer = self.house.chat_by(script, &chat("")).await;
        self.check(what, hold).await;
        answer
    }

    async fn check(&mut self, what: &str, hold: Hold) {
        match hold {
            Hold::Settled => self.posted += 10_000_000,
            Hold::Voided => {}
            Hold::Asked | Hold::Stuck => self.unknown += 1,
        }
        self.house.comes_to(what, self.posted, self.unknown).await;
        if matches!(hold, Hold::Asked | Hold::Stuck) {
            let last = self.house.admission.unknown_holds().pop().expect("unknown");
            assert_eq!(last.generation.is_some(), hold == Hold::Asked, "{what}");
        }
    }

    /// Everything that can be asked for is, and the next request is served as if nothing had been.
    async fn end(mut self) {
        let unknown = self.house.admission.unknown_holds();
        for id in unknown.iter().filter_map(|hold| hold.generation.as_deref()) {
            self.house.upstream.tell(id, r#""total_cost":0.01"#);
            self.posted += 10_000_000;
            self.unknown -= 1;
        }
        self.house.ask_now();
        self.house.comes_to("all asked for", self.posted, self.unknown).await;
        let good = self.play("a good one after all", answer("gen-last", "0.01"), Hold::Settled).await;
        assert_eq!(good.status, 200);
        self.house.end().await;
    }
}

fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

#[tokio::test]
async fn breaking_off_at_any_point() {
    let mut row = Row::new().await;
    let body = answer_body("gen-b", r#"{"cost":0.01}"#);
    let whole = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-generation-id: gen-b\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let head = whole.find("\r\n\r\n").expect("a head") + 4;
    for at in [0, 1, 9, 14, 40, head - 2, head - 1, head, head + 1, whole.len() - 1] {
        let hold = if at >= head { Hold::Asked } else { Hold::Stuck };
        let what = format!("closed after {at} bytes");
        let answer = row.play(&what, vec![send(&whole[..at]), Step::Close], hold).await;
        assert_eq!((answer.status, answer.reason()), (502, "upstream-broken"), "{what}");
        assert!(answer.message().contains("OpenRouter broke off"), "{}", answer.message());
        let what = format!("silent after {at} bytes");
        if at >= head {
            let answer = row.play(&what, vec![send(&whole[..at]), Step::Hang], Hold::Asked).await;
            assert_eq!(answer.status, 502, "{what}");
        }
    }
    let answer = row.play("all of it, then closed", vec![send(&whole), Step::Close], Hold::Settled).await;
    assert_eq!((answer.status, answer.text()), (200, body));
    row.end().await;
}

#[tokio::test]
async fn silence_before_the_headers() {
    let setup = Setup::new().with(|config| config.limits.upstream_header_timeout = ms(200));
    let house = setup.open().await;
    for (number, script) in
        [vec![Step::Hang], vec![send("HTTP/1.1 200 OK\r\nx-y: "), Step::Hang]].into_iter().enumerate()
    {
        let answer = house.chat_by(script, &chat(r#","max_tokens":10"#)).await;
        assert_eq!((answer.status, answer.reason()), (504, "upstream-timeout"));
        assert!(answer.message().contains("did not answer in time"));
        until("the upstream to be let go", || house.upstream.aborted() == number + 1).await;
        house.comes_to("silent", 0, number + 1).await;
    }
    // A head of good lines without end; and answers before the answer, without end.
    for (number, piece) in ["x-y: z\r\n", "HTTP/1.1 100 Continue\r\n\r\n"].into_iter().enumerate() {
        let start = if number == 0 { send("HTTP/1.1 200 OK\r\n") } else { Step::Pause(ms(0)) };
        let flood = Step::Flood(piece.repeat(1_000).into_bytes(), 1 << 30);
        let answer = house.chat_by(vec![start, flood], &chat(r#","max_tokens":10"#)).await;
        assert!(matches!(answer.status, 502 | 504), "{}", answer.text());
        house.comes_to("flooded", 0, number + 3).await;
        until("the upstream to be let go", || house.upstream.aborted() == number + 3).await;
    }
    house.end().await;
}

#[tokio::test]
async fn something_that_is_not_http() {
    let mut row = Row::new().await;
    for garbage in [
        "\0\u{1}\u{2}garbage\r\n\r\n",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ] {
        let answer = row.play(garbage, vec![send(garbage), Step::Close], Hold::Stuck).await;
        assert_eq!(answer.status, 502, "{garbage:?}: {}", answer.text());
    }
    let giant =
        format!("HTTP/1.1 200 OK\r\nx-generation-id: gen-g\r\nx-big: {}\r\n\r\n", "y".repeat(2 << 20));
    let answer = row.play("a giant header", vec![send(&giant), Step::Close], Hold::Stuck).await;
    assert_eq!(answer.status, 502);
    let lines = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-y: z\r\n".repeat(5_000));
    let answer = row.play("many header lines", vec![send(&lines), Step::Close], Hold::Stuck).await;
    assert_eq!(answer.status, 502);
    row.end().await;
}

#[tokio::test]
async fn a_framing_that_lies() {
    let mut row = Row::new().await;
    let body = answer_body("gen-l", r#"{"cost":0.01}"#);
    let framed = |length: usize| {
        send(&format!("HTTP/1.1 200 OK\r\nx-generation-id: gen-l\r\ncontent-length: {length}\r\n\r\n{body}"))
    };
    let answer = row.play("too long a length", vec![framed(body.len() + 9), Step::Close], Hold::Asked).await;
    assert_eq!(answer.status, 502);
    let answer = row.play("too short a length", vec![framed(body.len() - 9)], Hold::Asked).await;
    assert_eq!((answer.status, answer.text()), (200, body[..body.len() - 9].to_owned()));
    let answer =
        row.play("what was left over is nobody's answer", answer_script("gen-n"), Hold::Settled).await;
    assert_eq!(answer.header("x-generation-id"), Some("gen-n"));
    let chunked = "HTTP/1.1 200 OK\r\nx-generation-id: gen-x\r\ntransfer-encoding: chunked\r\n\r\n";
    for chunks in ["zz\r\nhello\r\n", "5\r\nhello, longer\r\n0\r\n\r\n", "ffffffffffffffffff\r\n", "5\r\nhel"]
    {
        let answer = row.play(chunks, vec![send(chunked), send(chunks), Step::Close], Hold::Asked).await;
        assert_eq!(answer.status, 502, "{chunks}: {}", answer.text());
    }
    // Until the close: legal, and whole as far as anyone can tell.
    let until_close = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{body}");
    let answer = row.play("until the close", vec![send(&until_close), Step::Close], Hold::Settled).await;
    assert_eq!((answer.status, answer.text()), (200, body));
    row.end().await;
}

fn answer_script(id: &str) -> Script {
    answer(id, "0.01")
}

#[tokio::test]
async fn an_answer_without_end() {
    let mut row = Row::new().await;
    let head = "HTTP/1.1 200 OK\r\nx-generation-id: gen-e\r\ncontent-type: application/json\r\n\r\n";
    for status in ["200 OK", "400 Bad Request"] {
        let head = head.replace("200 OK", status);
        let script = vec![send(&head), Step::Flood(vec![b'x'; 64 << 10], 1 << 30)];
        let answer = row.play(status, script, Hold::Asked).await;
        assert_eq!(answer.status, 502, "{}", answer.text());
    }
    until("the upstream to be let go", || row.house.upstream.aborted() == 2).await;
    let pushed = row.house.upstream.pushed();
    assert!(pushed < 64 << 20, "{pushed} bytes were taken");
    // An event without end, in a stream that ends well otherwise.
    let event = format!("data: {{\"x\":\"{}\"}}\n\n", "y".repeat(3 << 20));
    let script = vec![
        stream_head("gen-w"),
        piece(&content("gen-w", "p")),
        piece(&event),
        piece(&tail("gen-w", "0.01")),
        send("0\r\n\r\n"),
    ];
    let answer = row.play("an event of 3 MiB", script, Hold::Settled).await;
    assert!(answer.whole && answer.body.len() > 3 << 20);
    row.end().await;
}

#[tokio::test]
async fn what_each_status_means_for_the_hold() {
    let mut row = Row::new().await;
    let ours = |code: u16| format!(r#"{{"error":{{"code":{code},"message":"No."}}}}"#);
    let zod = r#"{"success":false,"error":{"name":"ZodError","message":"[]"}}"#;
    let id = "x-generation-id: gen-e\r\n";
    for (status, headers, body, hold) in [
        ("400 Bad Request", "", ours(400), Hold::Voided),
        ("400 Bad Request", id, ours(400), Hold::Voided),
        ("400 Bad Request", "", zod.to_owned(), Hold::Voided),
        ("401 Unauthorized", "", ours(401), Hold::Voided),
        ("404 Not Found", "", ours(404), Hold::Voided),
        ("413 Payload Too Large", "", "<html>".to_owned(), Hold::Voided),
        ("403 Forbidden", "", "<html>a firewall</html>".to_owned(), Hold::Voided),
        ("400 Bad Request", id, "<html>".to_owned(), Hold::Asked),
        ("429 Too Many Requests", "retry-after: 7\r\n", ours(429), Hold::Voided),
        ("429 Too Many Requests", id, String::new(), Hold::Asked),
        ("301 Moved Permanently", "location: https://evil.example/\r\n", String::new(), Hold::Voided),
        ("307 Temporary Redirect", "location: https://evil.example/\r\n", String::new(), Hold::Voided),
        ("418 I am a teapot", "", ours(418), Hold::Voided),
        ("499 Client Closed", "", ours(499), Hold::Stuck),
        ("500 Internal Server Error", id, ours(500), Hold::Asked),
        ("502 Bad Gateway", id, "<html>cloudflare</html>".to_owned(), Hold::Asked),
        ("503 Service Unavailable", "retry-after: 3\r\n", ours(503), Hold::Stuck),
        ("524 A Timeout Occurred", "", String::new(), Hold::Stuck),
        ("599 What", id, "{\"error\":".to_owned(), Hold::Asked),
        ("999 What", id, String::new(), Hold::Asked),
    ] {
        let what = format!("{status} {headers} {body}");
        let answer = row.play(&what, reply(status, headers, &body), hold).await;
        assert_eq!(
            (answer.status, answer.text()),
            (status[..3].parse().expect("a status"), body),
            "passed on"
        );
        for (name, value) in [("retry-after: 7", "7"), ("retry-after: 3", "3")] {
            if headers.starts_with(name) {
                assert_eq!(answer.header("retry-after"), Some(value));
            }
        }
        assert!(answer.header("x-farebox-held-max-usd").is_some(), "{what}");
    }
    assert_eq!(row.house.upstream.chats().len(), 20, "nothing was repeated or followed");
    for (status, hold) in [("400 Bad Request", Hold::Asked), ("500 Internal Server Error", Hold::Asked)] {
        let head = format!("HTTP/1.1 {status}\r\n{id}content-length: 99\r\n\r\n{{\"error\"");
        let answer = row.play(status, vec![send(&head), Step::Close], hold).await;
        assert_eq!(answer.status, 502, "cut in the middle: {}", answer.text());
    }
    let answer =
        row.play("nothing", vec![send(&format!("HTTP/1.1 204 No Content\r\n{id}\r\n"))], Hold::Asked).await;
    assert_eq!(answer.status, 204);
    row.end().await;
}

#[tokio::test]
async fn a_server_error_of_which_nobody_knows_is_insured() {
    let setup = Setup::new().with(|config| config.evidence.final_after = ms(300));
    let house = setup.open().await;
    let error = r#"{"error":{"code":502,"message":"Provider returned error"}}"#;
    let answer =
        house.chat_by(reply("502 Bad Gateway", "x-generation-id: gen-i\r\n", error), &chat("")).await;
    assert_eq!(answer.status, 502);
    assert!(house.books().unknown > Nano::ZERO, "charged until then");
    house.settles_at(0).await;
    assert_eq!(house.counter("holds_voided"), 1);
    // Something that broke off is not insured by time: only evidence ends it.
    house.chat_by(vec![stream_head("gen-t"), Step::Close], &chat(r#","stream":true"#)).await;
    tokio::time::sleep(ms(1_000)).await;
    house.comes_to("broken", 0, 1).await;
    house.end().await;
}

#[tokio::test]
async fn connections_that_die_before_they_are_used() {
    let mut row = Row::new().await;
    // Closed while idle in the pool, by the upstream, after a good answer.
    for _ in 0..3 {
        let mut script = answer_script("gen-k");
        script.extend([Step::Pause(ms(5)), Step::Close]);
        let answer = row.play("closed after", script, Hold::Settled).await;
        assert_eq!(answer.status, 200);
        tokio::time::sleep(ms(30)).await;
    }
    // Closed on the very next request: it may have been read, so nothing is repeated.
    row.play("good", answer_script("gen-k"), Hold::Settled).await;
    let answer = row.play("closed at once", vec![Step::Close], Hold::Stuck).await;
    assert_eq!(answer.status, 502);
    assert_eq!(row.house.upstream.chats().len(), 5);
    row.end().await;
}

#[tokio::test]
async fn connections_that_are_no_good_from_the_start() {
    let setup = Setup::new().with(|config| config.limits.upstream_header_timeout = ms(300));
    let house = setup.limit(Nano::from_cents(10_000)).open().await;
    for (number, greeting) in [
        Greeting::Close,
        Greeting::Say(b"220 smtp.example ESMTP\r\n".to_vec()),
        Greeting::Say(
            b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
        ),
        Greeting::Deaf,
    ]
    .into_iter()
    .enumerate()
    {
        // More than the socket buffers take, so that a deaf upstream stops us in the middle of the request.
        let more =
            format!(r#","max_tokens":10,"user":"{}""#, "u".repeat(if number == 3 { 8 << 20 } else { 1 }));
        house.upstream.greet(greeting);
        let answer = house.chat(&chat(&more)).await;
        // A connection that fails before it is handed the request is tried anew, and the next one is good.
        assert!(matches!(answer.status, 200 | 408 | 502 | 504), "{}", answer.text());
        until("the end", || house.books().held == Nano::ZERO).await;
        if answer.status == 200 {
            house.upstream.next(answer_script("gen-pool").into_iter().chain([Step::Close]).collect());
            assert_eq!(house.chat(&chat("")).await.status, 200);
            tokio::time::sleep(ms(20)).await;
        }
    }
    house.end().await;
}

#[tokio::test]
async fn nobody_listens() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}/api/v1", gone.local_addr().expect("an address"));
    drop(gone);
    let house = Setup { base: Some(base), ..Setup::new() }.open().await;
    let answer = house.chat(&chat("")).await;
    assert_eq!((answer.status, answer.reason()), (502, "upstream-unreachable"));
    assert!(answer.message().contains("nothing was sent or billed"));
    let (admitted, voided) = (house.counter("holds_admitted"), house.counter("holds_voided"));
    assert_eq!(admitted, voided);
    assert!((1..=3).contains(&admitted), "one hold for each attempt: {admitted}");
    house.settles_at(0).await;
    let read = house.client().await.ask(crate::support::get("/v1/models")).await;
    assert_eq!((read.status, read.reason()), (502, "upstream-unreachable"));
    house.end().await;
}

#[tokio::test]
async fn generation_answers_that_are_of_no_use() {
    let house = Setup::new().limit(Nano::from_cents(1_000)).open().await;
    let useless = [
        r#""total_cost":null"#,
        r#""id":1"#,
        r#""total_cost":"-1""#,
        r#""is_byok":true,"total_cost":1"#,
        r#""total_cost":{}"#,
        r#"not JSON"#,
    ];
    for (number, data) in useless.iter().enumerate() {
        let id = format!("gen-{number}");
        house.upstream.tell(&id, data);
        house.chat_by(reply("200 OK", &format!("x-generation-id: {id}\r\n"), "{}"), &chat("")).await;
    }
    let asked = |id: String| !house.upstream.calls(|call| call.target.ends_with(&id)).is_empty();
    until("every question", || (0..useless.len()).all(|number| asked(format!("id=gen-{number}")))).await;
    house.comes_to("asked in vain", 0, useless.len()).await;
    for number in 0..useless.len() {
        house.upstream.tell(&format!("gen-{number}"), r#""total_cost":0.2"#);
    }
    house.settles_at(1_200_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn an_id_that_is_no_id() {
    let house = Setup::new().limit(Nano::from_cents(1_000)).open().await;
    let long = "g".repeat(4_000);
    for (number, id) in ["../keys", "gen 1&x=y", "%2e%2e", long.as_str()].into_iter().enumerate() {
        let answer =
            house.chat_by(reply("200 OK", &format!("x-generation-id: {id}\r\n"), "{}"), &chat("")).await;
        assert_eq!(answer.status, 200);
        house.comes_to(id, 0, number + 1).await;
    }
    tokio::time::sleep(ms(700)).await;
    assert_eq!(
        house.upstream.calls(|call| call.target.contains("keys") || call.target.contains("x=y")).len(),
        0
    );
    house.comes_to("stays unknown", 0, 4).await;
    house.end().await;
}

#[tokio::test]
async fn reads_that_hang_or_break_off() {
    let house = Setup::new().with(|config| config.limits.upstream_idle = ms(100)).open().await;
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"da";
    for (what, script) in [
        ("hangs", vec![send(head), Step::Hang]),
        ("breaks off", vec![send(head), Step::Close]),
        ("hangs with nothing", vec![send(head.trim_end_matches("{\"da")), Step::Hang]),
    ] {
        house.upstream.reads(script);
        let answer = house.client().await.ask(crate::support::get("/v1/providers")).await;
        assert_eq!((answer.status, answer.whole), (200, false), "{what}");
    }
    house.upstream.reads(vec![send("garbage\r\n\r\n"), Step::Close]);
    let answer = house.client().await.ask(crate::support::get("/v1/providers")).await;
    assert_eq!((answer.status, answer.reason()), (502, "upstream-unreachable"));
    house.settles_at(0).await;
    house.end().await;
}

#[test]
fn the_built_in_prices_are_there_without_any_upstream() {
    assert!(Catalogue::open(None).book().model("openai/gpt-4o-mini").is_some());
}
