//! Slack, PagerDuty, webhook, command: what they get, checked by their own rules.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::receiver::{Answer, Receiver};
use crate::setting::{
    DAY_MS, DAY_STARTS_MS, Folder, NOON_MS, OLDER_KEY, ROUTING_KEY, RUDE, SIGNING_KEY, all, command, level,
    pagerduty, slack, webhook,
};

const OK: Answer = Answer::Status(200, "", "ok");

/// Block Kit's limits, and no markup of a stranger's.
fn check_slack(message: &Value) {
    let text = message["text"].as_str().expect("a fallback");
    assert!(!text.is_empty() && text.chars().count() <= 3_000);
    let blocks = message["blocks"].as_array().expect("blocks");
    assert!(blocks.len() <= 50);
    let header = blocks[0]["text"]["text"].as_str().expect("a header");
    assert_eq!(
        (blocks[0]["type"].as_str(), blocks[0]["text"]["type"].as_str()),
        (Some("header"), Some("plain_text"))
    );
    assert!(header.chars().count() <= 150, "{header}");
    for block in blocks {
        let fields = block["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert!(fields.len() <= 10);
        for text in fields.iter().map(|field| &field["text"]).chain([&block["text"]["text"]]) {
            let text = text.as_str().unwrap_or_default();
            assert!(text.chars().count() <= 2_000, "{text}");
            if block["type"] != "header" {
                assert!(!text.contains("<!"), "markup got through: {text}");
            }
        }
    }
}

#[tokio::test]
async fn slack_gets_blocks_within_limits() {
    let (folder, receiver) = (Folder::new(), Receiver::start(OK).await);
    let alerts = folder.open(vec![slack(&receiver.url())]);
    let long = "&<>".repeat(3_000);
    let scope = [("user", long.as_str()), ("app", "<!here>")];
    alerts.look(&[all(812), level(RUDE, &scope, 1_000)], NOON_MS).expect("a look");
    assert_eq!(alerts.deliver(NOON_MS).await.expect("deliveries"), 2);
    let got = receiver.got();
    assert!(got[0].line.starts_with("POST /services/T0/B0/very-secret "));
    assert_eq!(got[0].headers["content-type"], "application/json");
    got.iter().for_each(|got| check_slack(&got.json()));
    let told = got[0].json();
    assert_eq!(told["blocks"][0]["text"]["text"], "🟠 budget all: 80% of $10.00 used");
    assert_eq!(
        told["blocks"][1]["text"]["text"],
        "$8.12 of $10.00 used today, $1.88 left. The window ends on Wednesday 00:00 UTC."
    );
    let fields: Vec<&str> = told["blocks"][2]["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .filter_map(|field| field["text"].as_str())
        .collect();
    assert!(fields.contains(&"*Also passed*\n50%"), "{fields:?}");
    assert_eq!(alerts.deliver(NOON_MS).await.expect("deliveries"), 0, "nothing is sent twice");
    assert_eq!(receiver.got().len(), 2);
}

#[tokio::test]
async fn pagerduty_opens_and_closes_one_incident() {
    let (folder, receiver) =
        (Folder::new(), Receiver::start(Answer::Status(202, "", r#"{"status":"success"}"#)).await);
    let alerts = folder.open(vec![pagerduty(&receiver.url())]);
    let long = "ü".repeat(400);
    alerts.look(&[all(1_000), level(RUDE, &[("user", &long)], 500)], NOON_MS).expect("a look");
    alerts.deliver(NOON_MS).await.expect("deliveries");
    let tomorrow_ms = DAY_STARTS_MS + DAY_MS;
    alerts.look(&[], tomorrow_ms).expect("a look");
    alerts.deliver(tomorrow_ms).await.expect("deliveries");
    let got: Vec<Value> = receiver.got().iter().map(|got| got.json()).collect();
    assert_eq!(got.len(), 4);
    for event in &got {
        assert_eq!(event["routing_key"], ROUTING_KEY);
        assert!(event["dedup_key"].as_str().is_some_and(|key| key.len() <= 255));
        let payload = &event["payload"];
        assert!(payload["summary"].as_str().is_some_and(|text| text.chars().count() <= 1_024));
        assert!(
            ["critical", "error", "warning", "info"]
                .contains(&payload["severity"].as_str().unwrap_or_default())
        );
        assert_eq!(payload["source"], "farebox");
        assert!(
            payload["timestamp"].as_str().is_some_and(|at| at.starts_with("2026-11-2") && at.ends_with('Z'))
        );
    }
    let of_all: Vec<&Value> =
        got.iter().filter(|event| event["dedup_key"] == "farebox/budget/all/2026-11-24T00:00:00Z").collect();
    assert_eq!(
        of_all.iter().map(|event| event["event_action"].as_str().unwrap_or_default()).collect::<Vec<_>>(),
        ["trigger", "resolve"]
    );
    assert_eq!(of_all[0]["payload"]["severity"], "critical");
    assert_eq!(of_all[0]["payload"]["custom_details"]["limit_usd"], "10.000000000");
}

#[tokio::test]
async fn pagerduty_says_202_or_it_is_not_pagerduty() {
    let (folder, receiver) = (Folder::new(), Receiver::start(OK).await);
    let alerts = folder.open(vec![pagerduty(&receiver.url())]);
    let id = alerts.look(&[all(500)], NOON_MS).expect("a look")[0].id.clone();
    alerts.deliver(NOON_MS).await.expect("deliveries");
    let delivery = &alerts.deliveries(&id).expect("deliveries")[0];
    assert_eq!((delivery.state.as_str(), delivery.attempts), ("waiting", 1));
    receiver.answers(Answer::Status(400, "", r#"{"status":"invalid event"}"#));
    alerts.deliver(NOON_MS + 10_000).await.expect("deliveries");
    let delivery = &alerts.deliveries(&id).expect("deliveries")[0];
    assert_eq!(delivery.state, "failed");
    assert_eq!(delivery.answer.as_deref(), Some(r#"status 400: {"status":"invalid event"}"#));
}

/// The receiver's side of Standard Webhooks, written from its text.
fn verify(secret: &str, id: &str, timestamp: &str, body: &[u8], signatures: &str) -> bool {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("a secret");
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,")).any(|signature| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
        mac.update(&signed);
        STANDARD.decode(signature).is_ok_and(|signature| mac.verify_slice(&signature).is_ok())
    })
}

#[tokio::test]
async fn webhooks_are_signed_with_every_secret() {
    let (folder, receiver) = (Folder::new(), Receiver::start(Answer::Status(500, "", "")).await);
    let alerts = folder.open(vec![webhook(&receiver.url())]);
    alerts.look(&[level("all", &[("user", "alice")], 812)], NOON_MS).expect("a look");
    alerts.deliver(NOON_MS).await.expect("deliveries");
    receiver.answers(Answer::Status(204, "", ""));
    alerts.deliver(NOON_MS + 10_000).await.expect("deliveries");
    let got = receiver.got();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].headers["webhook-id"], got[1].headers["webhook-id"], "the same id again");
    assert_eq!(got[0].body, got[1].body);
    assert_eq!(got[1].headers["webhook-timestamp"], ((NOON_MS + 10_000) / 1_000).to_string());
    for got in &got {
        let header = |name: &str| got.headers[name].as_str();
        let (id, at, signed) =
            (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
        for secret in [SIGNING_KEY, OLDER_KEY] {
            assert!(verify(secret, id, at, &got.body, signed));
        }
        assert!(!verify(SIGNING_KEY, id, "1", &got.body, signed), "another time is another signature");
        assert!(!verify("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", id, at, &got.body, signed));
        assert!(got.body.len() < 20_000);
    }
    let body = got[0].json();
    assert_eq!(
        (body["type"].as_str(), body["timestamp"].as_str()),
        (Some("budget.threshold"), Some("2026-11-24T12:00:00Z"))
    );
    let data = &body["data"];
    assert_eq!(
        [&data["name"], &data["scope"]["user"], &data["threshold"], &data["used_usd"], &data["left_usd"]],
        ["all", "alice", "80%", "8.120000000", "1.880000000"]
    );
    assert_eq!(data["also_passed"][0], "50%");
    assert_eq!(data["window_ends_at"], "2026-11-25T00:00:00Z");
}

#[tokio::test]
async fn redirects_are_not_followed_and_refusals_are_final() {
    let elsewhere = Receiver::start(OK).await;
    for (status, told) in [(302, "status 302; redirects are not followed"), (404, "status 404: no_service")] {
        let (folder, receiver) = (Folder::new(), Receiver::start(OK).await);
        let location: &'static str = Box::leak(format!("location: {}\r\n", elsewhere.url()).into_boxed_str());
        receiver.answers(Answer::Status(status, location, if status == 404 { "no_service" } else { "" }));
        let alerts = folder.open(vec![slack(&receiver.url())]);
        let id = alerts.look(&[all(500)], NOON_MS).expect("a look")[0].id.clone();
        alerts.deliver(NOON_MS).await.expect("deliveries");
        alerts.deliver(NOON_MS + DAY_MS).await.expect("deliveries");
        let delivery = &alerts.deliveries(&id).expect("deliveries")[0];
        assert_eq!((delivery.state.as_str(), delivery.answer.as_deref()), ("failed", Some(told)));
        assert_eq!(receiver.got().len(), 1);
    }
    assert!(elsewhere.got().is_empty());
}

#[tokio::test]
async fn a_receiver_that_wants_patience_gets_it() {
    let (folder, receiver) =
        (Folder::new(), Receiver::start(Answer::Status(429, "retry-after: 120\r\n", "")).await);
    let alerts = folder.open(vec![webhook(&receiver.url())]);
    alerts.look(&[all(500)], NOON_MS).expect("a look");
    alerts.deliver(NOON_MS).await.expect("deliveries");
    receiver.answers(OK);
    alerts.deliver(NOON_MS + 119_000).await.expect("deliveries");
    assert_eq!(receiver.got().len(), 1);
    alerts.deliver(NOON_MS + 120_000).await.expect("deliveries");
    assert_eq!(receiver.got().len(), 2);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_alone_until_it_is_elsewhere() {
    let (folder, receiver) = (Folder::new(), Receiver::start(Answer::Status(410, "", "")).await);
    let alerts = folder.open(vec![webhook(&receiver.url())]);
    alerts.look(&[all(500)], NOON_MS).expect("a look");
    alerts.deliver(NOON_MS).await.expect("deliveries");
    let id = alerts.look(&[all(800)], NOON_MS).expect("a look")[0].id.clone();
    alerts.deliver(NOON_MS).await.expect("deliveries");
    assert_eq!(receiver.got().len(), 1, "nothing more is sent there");
    assert_eq!(alerts.deliveries(&id).expect("deliveries")[0].state, "disabled");
    assert_eq!(alerts.report(9).expect("a report").channels[0].disabled.as_deref(), Some("status 410"));
    drop(alerts);
    let other = Receiver::start(OK).await;
    let alerts = folder.open(vec![webhook(&other.url())]);
    alerts.look(&[all(1_000)], NOON_MS).expect("a look");
    alerts.deliver(NOON_MS).await.expect("deliveries");
    assert_eq!(other.got().len(), 1);
}

#[tokio::test]
async fn secrets_are_nowhere_but_on_the_wire() {
    let folder = Folder::new();
    let receiver = Receiver::start(Answer::HangUp).await;
    let alerts =
        folder.open(vec![slack(&receiver.url()), pagerduty(&receiver.url()), webhook(&receiver.url())]);
    alerts.look(&[all(500)], NOON_MS).expect("a look");
    alerts.deliver(NOON_MS).await.expect("deliveries");
    let report = serde_json::to_string(&alerts.report(9).expect("a report")).expect("JSON");
    let debug = format!("{:?}", alerts.channels());
    drop(alerts);
    let file = String::from_utf8_lossy(&std::fs::read(folder.file()).expect("a file")).into_owned();
    for secret in ["very-secret", ROUTING_KEY, SIGNING_KEY, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        for (place, text) in [("report", &report), ("debug", &debug), ("file", &file)] {
            assert!(!text.contains(secret), "{secret} in the {place}");
        }
    }
    let mode = std::fs::metadata(folder.file()).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_command_gets_the_event_and_no_keys() {
    let folder = Folder::new();
    let out = folder.file().with_extension("out");
    let script = format!("cat > {0}; env >> {0}; test -z \"$CARGO_MANIFEST_DIR\"", out.display());
    let alerts = folder.open(vec![command(&["sh", "-c", &script], Duration::from_secs(10))]);
    let id = alerts.look(&[all(500)], NOON_MS).expect("a look")[0].id.clone();
    alerts.deliver(NOON_MS).await.expect("deliveries");
    assert_eq!(alerts.deliveries(&id).expect("deliveries")[0].answer.as_deref(), Some("exit code 0"));
    let told = std::fs::read_to_string(out).expect("what it wrote");
    let event: Value = serde_json::from_str(told.lines().next().unwrap_or_default()).expect("JSON");
    assert_eq!(
        (event["type"].as_str(), event["data"]["id"].as_str()),
        (Some("budget.threshold"), Some(id.as_str()))
    );
    assert!(told.contains("FAREBOX_EVENT=budget.threshold") && !told.contains("CARGO_"));
}

#[tokio::test]
async fn a_command_that_fails_or_hangs_is_tried_again() {
    for (script, told) in [("exit 3", "exit code 3"), ("sleep 60", "it did not end within 0.2 s")] {
        let folder = Folder::new();
        let alerts = folder.open(vec![command(&["sh", "-c", script], Duration::from_millis(200))]);
        let id = alerts.look(&[all(500)], NOON_MS).expect("a look")[0].id.clone();
        alerts.deliver(NOON_MS).await.expect("deliveries");
        let delivery = &alerts.deliveries(&id).expect("deliveries")[0];
        assert_eq!((delivery.state.as_str(), delivery.answer.as_deref()), ("waiting", Some(told)));
    }
}
