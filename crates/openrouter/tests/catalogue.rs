//! The embedded rows, the cache on disk, and a catalogue fetched live.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use openrouter::catalogue::{Against, Catalogue, Happened, history, read_endpoints, read_models};
use openrouter::client::Upstream;
use pricing::{BookSource, BoundPolicy, Effort, Feature, Grounds, Model, Shape, Thinking, Unpriced, bound};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn shape(model: &str) -> Shape<'_> {
    let models = [Cow::Borrowed(model)].into_iter().collect();
    Shape { models, body: b"{\"messages\":[]}", messages: 1, choices: 1, ..Shape::default() }
}

#[test]
fn every_embedded_row_is_priced_or_refused_with_a_reason() {
    let catalogue = Catalogue::open(None);
    let book = catalogue.book();
    assert_eq!((book.version, book.source), (1, BookSource::Snapshot));
    assert!(book.models().len() >= 70);
    let (mut priced, mut proven) = (0, 0);
    for model in book.models() {
        let found = bound(&shape(&model.id), &Grounds::new(&book, &BoundPolicy::default()));
        let code = found.as_ref().err().map(Unpriced::code);
        let id = model.id.as_str();
        let expect = match id {
            "openrouter/auto" | "openrouter/bodybuilder" | "openrouter/pareto-code" => Some("router"),
            _ if id.starts_with("perplexity/")
                || id.contains("search-preview")
                || id.contains("deep-research") =>
            {
                Some("searching_model")
            }
            _ if !model.answers_are_priced() => Some("not_text"),
            _ => None,
        };
        if expect.is_some() || code.is_some() {
            // A row this table does not name may only be refused for what it says of itself.
            let named =
                expect.is_some() || matches!(code, Some("zero_price" | "router" | "unreadable_price"));
            assert!(named, "{id}: {code:?}");
            assert!(code.is_some(), "{id} must be refused as {expect:?}");
            if expect.is_some() {
                assert_eq!(code, expect, "{id}");
            }
            continue;
        }
        let found = found.unwrap();
        priced += 1;
        proven += u32::from(found.reasons.is_empty());
        assert!(found.output_cap >= 1 && found.output_cap <= 16_384, "{id}");
        assert_eq!(found.usd().nanos() == 0, model.is_free(), "{id}");
        assert_eq!(found.explain(found.output_cap).total, found.usd(), "{id}");
        assert!(found.usd().nanos() < 10_000_000_000, "{id}: {} is no ordinary hold", found.usd());
    }
    assert!(priced >= 50 && proven >= 5, "{priced} priced, {proven} proven");
}

#[test]
fn well_known_rows() {
    let book = Catalogue::open(None).book();
    let deepseek =
        bound(&shape("deepseek/deepseek-v4-pro"), &Grounds::new(&book, &BoundPolicy::default())).unwrap();
    assert_eq!(deepseek.ignore, ["digitalocean"], "it lists no output cap");
    assert_eq!(deepseek.max_price.completion.femtos(), 4_400_000_001, "together is the dearest");
    let alias = book.resolve("~openai/gpt-sol-latest").unwrap();
    assert!(alias.alias && alias.model.id == "openai/gpt-6.1-sol");
    let mini = book.model("openai/gpt-4o-mini:floor").unwrap();
    assert_eq!((mini.id.as_str(), &*mini.about.name), ("openai/gpt-4o-mini", "OpenAI: GPT-4o-mini"));
    assert!(mini.about.created_s.is_some_and(|created_s| created_s > 1_700_000_000));
    let can = mini.about.features;
    assert!([Feature::Tools, Feature::Schemas, Feature::Images].iter().all(|&f| can.contains(f)));
    assert!(!can.contains(Feature::Audio) && !can.contains(Feature::Reasoning));
}

#[test]
fn which_models_built_in_think_unasked() {
    let book = Catalogue::open(None).book();
    for (id, always, unasked) in [
        ("openai/gpt-6.1-sol", true, Some(Effort::Medium)),
        ("anthropic/claude-sonnet-5.5", true, Some(Effort::High)),
        ("openai/gpt-5", true, Some(Effort::Medium)),
        ("deepseek/deepseek-r1", true, Some(Effort::Medium)),
        ("qwen/qwen3-32b", false, Some(Effort::Medium)),
        ("google/gemini-3.1-flash-image", false, Some(Effort::Minimal)),
        ("anthropic/claude-sonnet-4.5", false, None),
        ("openai/gpt-4o-mini", false, None),
    ] {
        assert_eq!(book.row(id).unwrap().thinking, Thinking { always, unasked }, "{id}");
    }
    // Who thinks unasked can think.
    let unable =
        |row: &&Model| row.thinking.unasked.is_some() && !row.about.features.contains(Feature::Reasoning);
    assert_eq!(book.models().find(unable).map(|row| &row.id), None);
}

#[test]
fn odd_rows_are_skipped_or_refused_and_never_a_panic() {
    let read = read_models(
        r#"{"data":[7,null,{},{"id":1},{"id":"a/b"},{"id":"a/c","pricing":{"prompt":"x","completion":"1"}},
        {"id":"a/d","pricing":{"prompt":"0.1","completion":"-1"}},{"id":"a/e","pricing":{"prompt":1e-6,"completion":"0.1","moon":"0.2","sun":"0",
        "overrides":[{"min_prompt_tokens":5,"utc_start":100,"when":[1],"prompt":"1","comet":"3"}]},"architecture":{"output_modalities":["text"]}}]}"#,
    )
    .unwrap();
    assert_eq!((read.skipped, read.rows.len()), (4, 4));
    assert!(read.rows[..3].iter().all(|row| row.prices.priced().is_none()));
    let prices = read.rows[3].prices.priced().unwrap();
    let unknown: Vec<_> = prices.unknown.iter().map(|price| price.key.as_str()).collect();
    assert!(unknown.contains(&"moon") && unknown.contains(&"comet") && unknown.len() == 2, "{unknown:?}");
    assert_eq!(
        (prices.overrides[0].min_prompt_tokens, prices.overrides[0].schedule.is_none()),
        (Some(5), true)
    );
    for text in ["", "{}", "[]", "{\"data\":{}}", "{\"data\":{\"endpoints\":7}}"] {
        assert!(read_models(text).is_none() && read_endpoints(text).is_none(), "{text}");
    }
    assert!(
        read_endpoints("{\"data\":{\"endpoints\":[{},{\"provider_name\":\"X Y\"}]}}").unwrap().rows[0].tag
            == "x-y"
    );
}

/// A catalogue server of one model, whose price is in the path of truth: the listing.
async fn server(models: &'static str, endpoints: &'static str) -> Upstream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut bytes = [0; 2048];
            let read = socket.read(&mut bytes).await.unwrap_or(0);
            let body = if String::from_utf8_lossy(&bytes[..read]).contains("/endpoints") {
                endpoints
            } else {
                models
            };
            let answer = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    Upstream::new(&format!("http://{address}/api/v1")).unwrap()
}

const MODELS: &str = r#"{"data":[{"id":"new/model","canonical_slug":"new/model","context_length":1000,"architecture":{"tokenizer":"GPT","output_modalities":["text"]},"pricing":{"prompt":"0.000001","completion":"0.000002"},"supported_parameters":["max_tokens"]}]}"#;
const ENDPOINTS: &str = r#"{"data":{"id":"new/model","endpoints":[{"provider_name":"P","tag":"p","context_length":1000,"pricing":{"prompt":"0.000003","completion":"0.000004"},"supported_parameters":["max_tokens"]}]}}"#;

#[tokio::test]
async fn live_rows_replace_the_snapshot_and_outlive_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let upstream = server(MODELS, ENDPOINTS).await;
    let catalogue = Catalogue::open(Some(dir.path()));
    assert_eq!(catalogue.book().source, BookSource::Snapshot);
    catalogue.refresh_model(&upstream, "new/model").await.unwrap();
    let book = catalogue.book();
    assert_eq!((book.source, book.version, book.models().len()), (BookSource::Live, 3, 1));
    let price = |catalogue: &Catalogue| {
        bound(&shape("new/model"), &Grounds::new(&catalogue.book(), &BoundPolicy::default()))
            .unwrap()
            .max_price
            .prompt
            .femtos()
    };
    assert_eq!(price(&catalogue), 3_000_000_001);
    assert!(catalogue.refresh_model(&upstream, "no/where").await.is_err());

    let reopened = Catalogue::open(Some(dir.path()));
    assert_eq!((reopened.book().source, price(&reopened)), (BookSource::Cache, 3_000_000_001));
    std::fs::write(dir.path().join("catalogue.json"), b"{\"half").unwrap();
    assert_eq!(Catalogue::open(Some(dir.path())).book().source, BookSource::Snapshot);
    let mut files: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["catalogue.json", "history.jsonl"], "nothing is left beside the files");

    let garbage = server("<html>", "<html>").await;
    assert!(catalogue.refresh(&garbage).await.is_err());
    assert_eq!(catalogue.book().models().len(), 1, "a failed refresh changes nothing");
}

#[tokio::test]
async fn wanted_endpoints_come_by_themselves() {
    let upstream = server(MODELS, ENDPOINTS).await;
    let catalogue = Arc::new(Catalogue::open(None));
    catalogue.refresh(&upstream).await.unwrap();
    let fresh = tokio::spawn(Arc::clone(&catalogue).keep_fresh(upstream, Duration::from_secs(3600)));
    catalogue.want_endpoints("new/model:nitro");
    catalogue.want_endpoints("no/where");
    for _ in 0..500 {
        if catalogue.book().model("new/model").is_some_and(|model| model.endpoints.is_some()) {
            fresh.abort();
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the endpoints did not come");
}

/// A server whose answers can be changed: by the end of the path.
async fn changing() -> (Upstream, Arc<parking_lot::Mutex<[String; 3]>>) {
    let answers = Arc::new(parking_lot::Mutex::new([
        MODELS.to_owned(),
        ENDPOINTS.to_owned(),
        r#"{"data":[{"model_id":"new/model","tag":"p"},{"model_id":"new/model","tag":"q"},{"tag":"r"},7]}"#
            .to_owned(),
    ]));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shared = Arc::clone(&answers);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut bytes = [0; 2048];
            let read = socket.read(&mut bytes).await.unwrap_or(0);
            let asked = String::from_utf8_lossy(&bytes[..read]).into_owned();
            let path = asked.split_whitespace().nth(1).unwrap_or_default();
            let which = if path.ends_with("/zdr") { 2 } else { usize::from(path.ends_with("/endpoints")) };
            let body = shared.lock()[which].clone();
            let head =
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = socket.write_all((head + &body).as_bytes()).await;
        }
    });
    (Upstream::new(&format!("http://{address}/api/v1")).unwrap(), answers)
}

#[tokio::test]
async fn what_changes_is_told_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (upstream, answers) = changing().await;
    let catalogue = Catalogue::open(Some(dir.path()));
    let first = catalogue.renew(&upstream).await.unwrap();
    let snapshot = Catalogue::open(None).book().models().len();
    assert_eq!(first.len(), snapshot + 1, "every row of the snapshot is gone, one is new");
    assert!(
        catalogue.renew_model(&upstream, "new/model").await.unwrap().is_empty(),
        "nobody knew its endpoints"
    );
    assert!(catalogue.renew(&upstream).await.unwrap().is_empty(), "the same again");

    // The row and its endpoint move together, and the endpoint is still compared with what it said.
    answers.lock()[0] = MODELS.replace("0.000001", "0.0000015");
    answers.lock()[1] = ENDPOINTS.replace("0.000003", "0.0000045");
    let found = catalogue.renew(&upstream).await.unwrap();
    let moves: Vec<_> = found
        .iter()
        .flat_map(|change| &change.moves)
        .map(|one| (one.endpoint.as_deref(), one.key.as_str(), one.old.as_deref(), one.new.as_deref()))
        .collect();
    assert_eq!(
        moves,
        [
            (None, "prompt", Some("0.000001"), Some("0.0000015")),
            (Some("p"), "prompt", Some("0.000003"), Some("0.0000045")),
        ]
    );

    let lines = history(dir.path());
    assert_eq!((lines[0].change, lines[0].against), (Happened::Began, Against::Snapshot));
    assert_eq!(lines.len(), 1 + first.len() + 2);
    assert!(lines[1..=first.len()].iter().all(|line| line.against == Against::Snapshot));
    let last = lines.last().unwrap();
    assert_eq!((last.model.as_str(), last.against), ("new/model", Against::Before));

    // Another process goes on where this one ended: against the rows on disk.
    let reopened = Catalogue::open(Some(dir.path()));
    assert!(reopened.renew(&upstream).await.unwrap().is_empty());
    answers.lock()[0] = MODELS.to_owned();
    let back = reopened.renew(&upstream).await.unwrap();
    assert_eq!(back.len(), 1, "its endpoints are read only when somebody uses it: {back:?}");
    assert_eq!(history(dir.path()).len(), lines.len() + 1);
}

#[tokio::test]
async fn who_only_looks_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (upstream, _) = changing().await;
    let catalogue = Catalogue::look(dir.path());
    assert!(!catalogue.renew(&upstream).await.unwrap().is_empty());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_history_that_cannot_be_written_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("history.jsonl")).unwrap();
    let (upstream, _) = changing().await;
    let catalogue = Catalogue::open(Some(dir.path()));
    catalogue.refresh(&upstream).await.unwrap();
    assert_eq!(Catalogue::open(Some(dir.path())).book().source, BookSource::Cache, "the book is kept");
}

#[tokio::test]
async fn who_retains_nothing_is_read_when_asked_for_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (upstream, answers) = changing().await;
    let catalogue = Catalogue::open(Some(dir.path()));
    assert_eq!(catalogue.zdr(), None);
    catalogue.refresh(&upstream).await.unwrap();
    catalogue.refresh_zdr(&upstream).await.unwrap();
    let reopened = Catalogue::open(Some(dir.path()));
    assert_eq!(reopened.zdr().unwrap()["new/model"], ["p", "q"]);
    answers.lock()[2] = "<html>".to_owned();
    assert!(reopened.refresh_zdr(&upstream).await.is_err());
    assert_eq!(reopened.zdr().unwrap().len(), 1, "what was known is kept");
}
