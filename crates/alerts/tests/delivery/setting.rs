//! What the tests share: rules, levels, channels, a folder.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use alerts::{
    Alerts, Channel, Command, Email, Level, Mailbox, PagerDuty, Rules, Secret, SigningKey, Slack, Subject,
    Target, Transport, Way, Webhook,
};
use ledger::Span;
use money::Nano;

/// 2026-11-24 00:00 UTC.
pub(crate) const DAY_STARTS_MS: i64 = 1_795_478_400_000;
pub(crate) const DAY_MS: i64 = 86_400_000;
pub(crate) const NOON_MS: i64 = DAY_STARTS_MS + DAY_MS / 2;
pub(crate) const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const SIGNING_KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const OLDER_KEY: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A folder and the alerts in it.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join("alerts.db")
    }

    pub(crate) fn open(&self, channels: Vec<Channel>) -> Alerts {
        Alerts::open(&self.file(), rules(), channels).expect("alerts")
    }
}

pub(crate) fn rules() -> Rules {
    let at = vec![50, 80, 100];
    Rules {
        credits_below: vec![Nano::from_cents(500)],
        key_below: Vec::new(),
        key_at: vec![80, 100],
        runway_ms: 3 * DAY_MS,
        budget_at: ["all", RUDE]
            .map(|name| (name.to_owned(), at.clone()))
            .into_iter()
            .collect::<HashMap<_, _>>(),
    }
}

/// A name that wants to be markup, and a scope that wants to fill the screen.
pub(crate) const RUDE: &str = "<!channel>&b";

pub(crate) fn level(name: &str, scope: &[(&str, &str)], used: i32) -> Level {
    let (limit, used) = (Nano::from_cents(1_000), Nano::from_cents(used));
    Level {
        subject: Subject::Budget {
            name: name.to_owned(),
            scope: scope.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect(),
        },
        window: "day".to_owned(),
        span: Span { starts_ms: DAY_STARTS_MS, ends_ms: Some(DAY_STARTS_MS + DAY_MS) },
        limit,
        used,
        left: limit.saturating_sub(used),
        refused: 0,
        pace: None,
    }
}

pub(crate) fn all(used: i32) -> Level {
    level("all", &[], used)
}

fn target(url: &str) -> Target {
    Target::new(&Secret::new(url), false).expect("a loopback URL")
}

pub(crate) fn slack(url: &str) -> Channel {
    Channel { name: "slack".to_owned(), way: Way::Slack(Slack { url: target(url) }) }
}

pub(crate) fn pagerduty(url: &str) -> Channel {
    let way = PagerDuty { url: target(url), routing_key: Secret::new(ROUTING_KEY) };
    Channel { name: "pagerduty".to_owned(), way: Way::PagerDuty(way) }
}

pub(crate) fn webhook(url: &str) -> Channel {
    let keys = [SIGNING_KEY, OLDER_KEY].map(|key| SigningKey::parse(&Secret::new(key)).expect("a key"));
    Channel {
        name: "webhook".to_owned(),
        way: Way::Webhook(Webhook { url: target(url), keys: keys.to_vec() }),
    }
}

pub(crate) fn email(port: u16, transport: Transport, extra_roots: Option<Vec<u8>>) -> Channel {
    let mailbox = |text: &str| Mailbox::parse(text).expect("an address");
    let way = Email {
        host: "localhost".to_owned(),
        port,
        transport,
        login: Some(("farebox".to_owned(), Secret::new("pass word"))),
        extra_roots,
        from: mailbox("farebox@example.com"),
        to: vec![mailbox("ops@example.com"), mailbox("cfo@example.com")],
    };
    Channel { name: "email".to_owned(), way: Way::Email(Box::new(way)) }
}

pub(crate) fn command(argv: &[&str], timeout: Duration) -> Channel {
    let argv = argv.iter().map(|word| (*word).to_owned()).collect();
    Channel { name: "command".to_owned(), way: Way::Command(Command { argv, timeout }) }
}
