//! Outages, crashes and restarts on a simulated clock: nothing is lost, nothing is repeated.

use std::collections::HashMap;
use std::time::Duration;

use alerts::{Alerts, Channel, Transport};
use serde_json::Value;

use crate::mailserver::MailServer;
use crate::receiver::{Answer, Receiver};
use crate::setting::{
    DAY_MS, DAY_STARTS_MS, Folder, NOON_MS, all, command, email, level, pagerduty, slack, webhook,
};

const HOUR_MS: i64 = 3_600_000;

/// A day of growing use with one alert after the other, delivered once a simulated minute for four hours. Returns the
/// ids of the events, in order.
async fn four_hours(alerts: &Alerts, at_minute: impl Fn(i64)) -> Vec<String> {
    let mut ids = Vec::new();
    for minute in 0..240 {
        let now_ms = NOON_MS + minute * 60_000;
        at_minute(minute);
        let used = [500, 800, 1_000][usize::try_from(minute / 20).unwrap_or(0).min(2)];
        let levels = [all(used), level("all", &[("user", "alice")], used)];
        ids.extend(alerts.look(&levels, now_ms).expect("a look").into_iter().map(|event| event.id));
        alerts.deliver(now_ms).await.expect("deliveries");
    }
    ids
}

/// Every event arrived once, and those of one incident in order.
fn once_each(ids: &[String], arrived: &[String]) {
    let mut counts: HashMap<&String, usize> = HashMap::new();
    arrived.iter().for_each(|id| *counts.entry(id).or_default() += 1);
    for id in ids {
        assert_eq!(counts.get(id), Some(&1), "{id} in {arrived:?}");
    }
    assert_eq!(arrived.len(), ids.len());
    let of_one = |parity: usize| -> Vec<&String> { ids.iter().skip(parity).step_by(2).collect() };
    for incident in [of_one(0), of_one(1)] {
        let places: Vec<_> =
            incident.iter().map(|id| arrived.iter().position(|other| &other == id)).collect();
        assert!(places.is_sorted(), "{places:?}");
    }
}

fn check_all_delivered(alerts: &Alerts, ids: &[String]) {
    for id in ids {
        let delivery = &alerts.deliveries(id).expect("deliveries")[0];
        assert_eq!(delivery.state, "delivered", "{delivery:?}");
    }
    assert_eq!(ids.len(), 6, "three thresholds of two balances");
}

/// An hour in which an HTTP receiver fails with 503, then works.
async fn an_hour_without(
    channel: fn(&str) -> Channel,
    works: u16,
    id_of: fn(&Value, &HashMap<String, String>) -> String,
) {
    let (folder, receiver) = (Folder::new(), Receiver::start(Answer::Status(503, "", "down")).await);
    let alerts = folder.open(vec![channel(&receiver.url())]);
    let failed = std::sync::Mutex::new(0);
    let ids = four_hours(&alerts, |minute| {
        if minute == 60 {
            *failed.lock().expect("a lock") = receiver.got().len();
            receiver.answers(Answer::Status(works, "", ""));
        }
    })
    .await;
    check_all_delivered(&alerts, &ids);
    let failed = *failed.lock().expect("a lock");
    assert!((6..=30).contains(&failed), "it was tried, and not hammered: {failed}");
    let arrived: Vec<String> =
        receiver.got()[failed..].iter().map(|got| id_of(&got.json(), &got.headers)).collect();
    once_each(&ids, &arrived);
}

#[tokio::test]
async fn an_hour_without_slack() {
    an_hour_without(slack, 200, |body, _| {
        let context = body["blocks"].as_array().and_then(|blocks| blocks.last()).expect("a context");
        let text = context["elements"][0]["text"].as_str().expect("a text");
        text.split('`').nth(1).expect("an id").to_owned()
    })
    .await;
}

#[tokio::test]
async fn an_hour_without_pagerduty() {
    let id = |body: &Value, _: &HashMap<String, String>| {
        body["payload"]["custom_details"]["id"].as_str().expect("an id").to_owned()
    };
    an_hour_without(pagerduty, 202, id).await;
}

#[tokio::test]
async fn an_hour_without_a_webhook() {
    an_hour_without(webhook, 200, |_, headers| headers["webhook-id"].clone()).await;
}

#[tokio::test]
async fn an_hour_without_mail() {
    let (folder, server) = (Folder::new(), MailServer::start(None).await);
    server.is_down(true);
    let alerts = folder.open(vec![email(server.port(), Transport::Plain, None)]);
    let ids = four_hours(&alerts, |minute| server.is_down(minute < 60)).await;
    check_all_delivered(&alerts, &ids);
    let arrived: Vec<String> = server.mails().iter().map(|mail| mail.id()).collect();
    once_each(&ids, &arrived);
}

#[tokio::test]
async fn an_hour_without_a_command() {
    let folder = Folder::new();
    let (flag, log) = (folder.file().with_extension("up"), folder.file().with_extension("log"));
    let script = format!("test -e {} && cat >> {}", flag.display(), log.display());
    let alerts = folder.open(vec![command(&["sh", "-c", &script], Duration::from_secs(10))]);
    let ids = four_hours(&alerts, |minute| {
        if minute == 60 {
            std::fs::write(&flag, "").expect("a file");
        }
    })
    .await;
    check_all_delivered(&alerts, &ids);
    let told = std::fs::read_to_string(log).expect("what it wrote");
    let id = |line: &str| {
        let event: Value = serde_json::from_str(line).expect("JSON");
        event["data"]["id"].as_str().expect("an id").to_owned()
    };
    once_each(&ids, &told.lines().map(id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_crash_between_enqueue_and_send_loses_nothing() {
    let (folder, receiver) = (Folder::new(), Receiver::start(Answer::Status(200, "", "")).await);
    let channels = || vec![webhook(&receiver.url())];
    let alerts = folder.open(channels());
    let ids: Vec<String> =
        alerts.look(&[all(812)], NOON_MS).expect("a look").into_iter().map(|event| event.id).collect();
    drop(alerts);
    let alerts = folder.open(channels());
    assert!(alerts.look(&[all(812)], NOON_MS).expect("a look").is_empty(), "known after a restart");
    alerts.deliver(NOON_MS).await.expect("deliveries");
    let arrived: Vec<String> = receiver.got().iter().map(|got| got.headers["webhook-id"].clone()).collect();
    assert_eq!(arrived, ids);
    drop(alerts);
    folder.open(channels()).deliver(NOON_MS + DAY_MS).await.expect("deliveries");
    assert_eq!(receiver.got().len(), 1, "and not sent again");
}

#[tokio::test]
async fn an_answer_lost_on_its_way_is_sent_again_under_the_same_id() {
    let (folder, receiver) = (Folder::new(), Receiver::start(Answer::HangUp).await);
    let alerts = folder.open(vec![webhook(&receiver.url())]);
    alerts.look(&[all(812)], NOON_MS).expect("a look");
    alerts.deliver(NOON_MS).await.expect("deliveries");
    receiver.answers(Answer::Status(200, "", ""));
    alerts.deliver(NOON_MS + 6_000).await.expect("deliveries");
    let ids: Vec<String> = receiver.got().iter().map(|got| got.headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn thresholds_once_a_window_across_restarts_and_processes() {
    let folder = Folder::new();
    let mut told = Vec::new();
    for hour in 0..48 {
        let now_ms = DAY_STARTS_MS + hour * HOUR_MS;
        let mut level = all(if hour % 24 < 12 { 300 } else { 900 });
        if hour >= 24 {
            level.span.starts_ms += DAY_MS;
            level.span.ends_ms = level.span.ends_ms.map(|ends_ms| ends_ms + DAY_MS);
        }
        // Two processes on one file, neither of which knows of the other.
        let both = [folder.open(Vec::new()), folder.open(Vec::new())];
        for alerts in &both {
            let news = alerts.look(&[level.clone()], now_ms).expect("a look");
            told.extend(news.iter().map(|event| (hour, event.name())));
        }
    }
    let expected = [(12, "threshold"), (24, "resolved"), (36, "threshold")];
    assert_eq!(told, expected.map(|(hour, word)| (hour, format!("budget.{word}"))));
}

#[tokio::test]
async fn two_processes_send_once() {
    let (folder, receiver) = (Folder::new(), Receiver::start(Answer::Status(200, "", "")).await);
    let one = folder.open(vec![webhook(&receiver.url())]);
    let other = folder.open(vec![webhook(&receiver.url())]);
    for used in [500, 800, 1_000] {
        one.look(&[all(used)], NOON_MS).expect("a look");
        let (first, second) = tokio::join!(one.deliver(NOON_MS), other.deliver(NOON_MS));
        assert_eq!(first.expect("deliveries") + second.expect("deliveries"), 1);
    }
    assert_eq!(receiver.got().len(), 3);
}

#[tokio::test]
async fn nothing_is_closed_before_it_was_announced() {
    let (folder, receiver) = (Folder::new(), Receiver::start(Answer::Status(503, "", "")).await);
    let alerts = folder.open(vec![pagerduty(&receiver.url())]);
    alerts.look(&[all(1_000)], NOON_MS).expect("a look");
    alerts.deliver(NOON_MS).await.expect("deliveries");
    let mut raised = all(1_000);
    raised.limit = money::Nano::from_cents(9_000);
    alerts.look(&[raised], NOON_MS + 1_000).expect("a look");
    receiver.answers(Answer::Status(202, "", ""));
    alerts.deliver(NOON_MS + 1_000).await.expect("deliveries");
    assert_eq!(receiver.got().len(), 1, "the resolve waits for its trigger");
    alerts.deliver(NOON_MS + 6_000).await.expect("deliveries");
    let actions: Vec<Value> =
        receiver.got()[1..].iter().map(|got| got.json()["event_action"].clone()).collect();
    assert_eq!(actions, ["trigger", "resolve"]);
}

#[tokio::test]
async fn after_three_days_it_is_given_up_and_said() {
    let (folder, receiver) = (Folder::new(), Receiver::start(Answer::Status(503, "", "")).await);
    let alerts = folder.open(vec![slack(&receiver.url())]);
    let id = alerts.look(&[all(500)], NOON_MS).expect("a look")[0].id.clone();
    for quarter in 0..(5 * 24 * 4) {
        alerts.deliver(NOON_MS + quarter * HOUR_MS / 4).await.expect("deliveries");
    }
    let delivery = &alerts.deliveries(&id).expect("deliveries")[0];
    assert_eq!((delivery.state.as_str(), delivery.attempts), ("failed", 10));
    assert_eq!(receiver.got().len(), 10);
}
