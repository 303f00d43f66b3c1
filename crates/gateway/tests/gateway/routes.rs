//! Routes: a name that stands for a chain of models, over real sockets.

use gateway::{ModelRoute, Routes};
use ledger::Label;
use money::Nano;
use serde_json::{Value, json};

use crate::support::upstream::{answer_body, content, piece, reply, stream_end, stream_head};
use crate::support::{Answer, CHEAP, House, MODEL, Script, Setup, asking, chat, until};

fn route(name: &str, models: &[&str], instead_of: Option<&str>) -> ModelRoute {
    ModelRoute {
        name: name.to_owned(),
        models: models.iter().map(|model| (*model).to_owned()).collect(),
        instead_of: instead_of.map(str::to_owned),
        hides_model: false,
    }
}

fn with(routes: Vec<ModelRoute>) -> Setup {
    let routes = Routes::new(routes).expect("routes");
    Setup::new().with(|config| config.routes = routes)
}

fn explained(house: &House) -> Value {
    house.gateway.explanations(1).remove(0)
}

/// An answer by this model, with a cost and tokens.
fn counted(model: &str, cost: &str, prompt: u64, cached: u64, completion: u64) -> Script {
    let usage = format!(
        r#"{{"prompt_tokens":{prompt},"completion_tokens":{completion},"prompt_tokens_details":{{"cached_tokens":{cached}}},"cost":{cost}}}"#
    );
    let body = answer_body("gen-r", &usage).replace(MODEL, model);
    reply("200 OK", "x-generation-id: gen-r\r\n", &body)
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.header(name)
}

#[tokio::test]
async fn a_route_is_sent_as_its_chain_and_nothing_else_changes() {
    let floor = format!("{MODEL}:floor");
    let house = with(vec![route("task/summarization", &[&floor, CHEAP], None)]).open().await;
    let more = r#", "temperature" : 0.70,"max_tokens":100,"metadata":{"a":"b"}"#;
    let plain = house.chat(&chat(more)).await;
    assert_eq!(
        (plain.status, header(&plain, "x-farebox-route"), header(&plain, "x-farebox-model")),
        (200, None, None)
    );
    let routed = house.chat(&asking("task/summarization", more)).await;
    assert_eq!(routed.status, 200, "{}", routed.text());
    assert_eq!(header(&routed, "x-farebox-route"), Some("task/summarization"));
    assert_eq!(header(&routed, "x-farebox-model"), Some(floor.as_str()));
    assert_eq!(header(&routed, "x-farebox-downgraded"), None);
    let sent = house.upstream.chats();
    let (plain, routed) = (String::from_utf8_lossy(&sent[0].body), String::from_utf8_lossy(&sent[1].body));
    let chain = format!(r#""models":["{CHEAP}"],"#);
    let expect =
        plain.replacen(MODEL, &floor, 1).replacen("\"provider\"", &format!("{chain}\"provider\""), 1);
    assert_eq!(routed, expect, "all but the names is the caller's, byte for byte");
    let told = explained(&house);
    assert_eq!(
        (&told["asked"], &told["route"]),
        (&json!("task/summarization"), &json!("task/summarization"))
    );
    assert_eq!(told["model"], MODEL);
    house.settles_at(2_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_chain_is_held_at_its_dearest() {
    let house = with(vec![route("task/cheap", &[CHEAP], None), route("task/multi", &[CHEAP, MODEL], None)])
        .open()
        .await;
    let mut held = Vec::new();
    for name in [CHEAP, "task/cheap", MODEL, "task/multi"] {
        let answer = house.chat(&asking(name, r#","max_tokens":1000"#)).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        let text = header(&answer, "x-farebox-held-max-usd").expect("held");
        held.push(Nano::parse_ceil(text).expect("an amount"));
    }
    assert!(held[1] >= held[0] && held[3] >= held[2] && held[3] > held[1], "{held:?}");
    let sent = house.upstream.chats();
    assert_eq!(sent[3].json()["provider"]["max_price"], sent[2].json()["provider"]["max_price"]);
    assert_eq!((sent[3].json()["model"].as_str(), &sent[3].json()["models"]), (Some(CHEAP), &json!([MODEL])));
    house.settles_at(4_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_name_that_is_nothing_is_told_the_routes() {
    let house = with(vec![route("task/a", &[CHEAP], None), route("chat", &[MODEL], None)]).open().await;
    for name in ["task/b", "no/such-model"] {
        let answer = house.chat(&asking(name, "")).await;
        assert_eq!((answer.status, answer.reason()), (400, "unknown_model"));
        let message = answer.message();
        assert!(message.contains(name) && message.ends_with("; the routes here: chat, task/a"), "{message}");
    }
    assert_eq!(house.chat(&asking("chat", "")).await.status, 200, "any name may be a route");
    assert_eq!(house.upstream.chats().len(), 1);
    house.settles_at(1_000_000).await;
    house.end().await;
    let house = House::new().await;
    let message = house.chat(&asking("task/b", "")).await.message();
    assert!(message.contains("add \"task/b\" under [routes]"), "{message}");
    house.end().await;
}

#[tokio::test]
async fn a_routes_budget_label_is_its_first_model() {
    let mut setup =
        with(vec![route("task/plain", &[MODEL], None), route("task/cheap", &[CHEAP, MODEL], None)]);
    setup.selector = vec![(Label::Model, MODEL.to_owned())];
    let house = setup.open().await;
    assert_eq!(house.chat(&asking("task/plain", "")).await.status, 200);
    let refused = house.chat(&asking("task/cheap", "")).await;
    assert_eq!((refused.status, refused.reason()), (402, "unbudgeted"));
    assert_eq!(header(&refused, "x-farebox-route"), Some("task/cheap"));
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn models_of_a_chain_that_are_gone_are_left_out() {
    let house = with(vec![
        route("task/a", &["no/such", CHEAP], None),
        route("task/none", &["no/such", "none/either"], None),
    ])
    .open()
    .await;
    assert_eq!(house.chat(&asking("task/a", "")).await.status, 200);
    let sent = house.upstream.chats().remove(0).json();
    assert_eq!((sent["model"].as_str(), sent.get("models")), (Some(CHEAP), None));
    let none = house.chat(&asking("task/none", "")).await;
    assert_eq!((none.status, none.reason()), (400, "unknown_model"));
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn the_answer_says_which_of_a_chain_it_was() {
    let house = with(vec![route("task/a", &[MODEL, CHEAP], None)]).open().await;
    for (answered, told) in [(MODEL, MODEL), (CHEAP, CHEAP), ("somebody/else", MODEL)] {
        let answer = house.chat_by(counted(answered, "0.001", 10, 0, 5), &asking("task/a", "")).await;
        assert_eq!(header(&answer, "x-farebox-model"), Some(told), "{answered}");
    }
    house.settles_at(3_000_000).await;
    house.end().await;
}

/// What the books say of a route: calls, cost, instead, not compared.
fn saved(house: &House, name: &str) -> Option<(u64, i64, i64, u64)> {
    let rows = house.gateway.savings(0).expect("the books");
    let row = rows.into_iter().find(|row| row.route == name)?;
    Some((row.calls, row.cost.nanos(), row.instead.nanos(), row.uncompared))
}

#[tokio::test]
async fn what_a_route_saved_is_what_was_counted() {
    let floor = format!("{CHEAP}:floor");
    let routes = || {
        vec![
            route("task/a", &[CHEAP], Some(MODEL)),
            route("task/dearer", &[MODEL], Some(CHEAP)),
            route("task/itself", &[&floor, MODEL], None),
            route("task/odd", &[CHEAP], Some("no/such")),
        ]
    };
    let house = with(routes()).open().await;
    // MODEL lists 1 and 10 USD a million tokens, CHEAP a tenth of that.
    house.chat_by(counted(CHEAP, "0.0002", 1000, 400, 100), &asking("task/a", "")).await;
    let mut streamed = vec![stream_head("gen-s"), piece(&content("gen-s", "OpenAI"))];
    let usage = r#"{"prompt_tokens":10,"completion_tokens":1,"cost":0.000002}"#;
    streamed.push(piece(&format!(
        "data: {{\"id\":\"gen-s\",\"choices\":[],\"usage\":{usage}}}\n\ndata: [DONE]\n\n"
    )));
    streamed.push(stream_end());
    let answer = house.chat_by(streamed, &asking("task/a", r#","stream":true"#)).await;
    assert_eq!(header(&answer, "x-farebox-route"), Some("task/a"));
    house.chat_by(counted(MODEL, "0.003", 1000, 0, 100), &asking("task/dearer", "")).await;
    house.chat_by(counted(CHEAP, "0.00015", 1000, 0, 100), &asking("task/itself", "")).await;
    house.chat_by(counted(CHEAP, "0.001", 1000, 0, 100), &asking("task/odd", "")).await;
    // A cost without tokens, and neither.
    house.chat(&asking("task/a", "")).await;
    house
        .chat_by(reply("200 OK", "x-generation-id: gen-n\r\n", r#"{"id":"gen-n"}"#), &asking("task/a", ""))
        .await;
    // What is refused is no call, and neither is one without a route.
    house
        .chat_by(
            reply("400 Bad Request", "", r#"{"error":{"code":400,"message":"x"}}"#),
            &asking("task/a", ""),
        )
        .await;
    house.chat(&chat("")).await;
    house.upstream.tell("gen-n", r#""total_cost":0.01"#);
    house
        .settles_at(200_000 + 2_000 + 3_000_000 + 150_000 + 1_000_000 + 1_000_000 + 10_000_000 + 1_000_000)
        .await;
    let first = (2, 202_000, 2_000_000 + 20_000, 2);
    until("the savings to be written", || saved(&house, "task/a") == Some(first)).await;
    assert_eq!(saved(&house, "task/dearer"), Some((1, 3_000_000, 200_000, 0)), "below zero is told as it is");
    assert_eq!(
        saved(&house, "task/itself"),
        Some((1, 150_000, 200_000, 0)),
        "the variant against the plain model"
    );
    assert_eq!(saved(&house, "task/odd"), Some((0, 0, 0, 1)));
    // They outlive the process and go on from there.
    let dir = house.crash();
    let house = with(routes()).open_again(dir).await;
    assert_eq!(saved(&house, "task/a"), Some(first));
    house.chat_by(counted(CHEAP, "0.0001", 100, 0, 10), &asking("task/a", "")).await;
    let second = (3, 302_000, 2_020_000 + 200_000, 2);
    until("the savings to be written", || saved(&house, "task/a") == Some(second)).await;
    house.settles_at(16_352_000 + 100_000).await;
    house.end().await;
}
