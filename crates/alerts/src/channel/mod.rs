//! Channels: where messages go, and how each receiver answers.
//!
//! | kind | delivered means |
//! |---|---|
//! | `slack` | a status of 200 to 299 |
//! | `pagerduty` | a status of 202 |
//! | `webhook` | a status of 200 to 299 |
//! | `email` | the server took the message over |
//! | `command` | it exited with 0 |
//!
//! One attempt per call; trying again is the outbox's business. An answer that was lost on its way makes the same
//! message arrive twice, under the same id.

mod command;
mod email;
mod http;
mod pagerduty;
mod slack;
mod smtp;
mod webhook;

use std::time::Duration;

use sha2::{Digest, Sha256};

pub use self::command::Command;
pub use self::email::{Email, Mailbox, MailboxError, Transport};
use self::http::Http;
pub use self::http::{Target, TargetError};
pub use self::pagerduty::{PAGERDUTY, PagerDuty};
pub use self::slack::Slack;
pub use self::webhook::{SigningKey, SigningKeyError, Webhook};
use crate::event::Event;

/// For one attempt, from name look-up to the end of the answer. A lease outlives it.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// A named place for messages.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Its name in the configuration.
    pub name: String,
    /// How it is reached.
    pub way: Way,
}

/// How a channel is reached.
#[derive(Clone, Debug)]
pub enum Way {
    /// A Slack incoming webhook.
    Slack(Slack),
    /// PagerDuty's Events API v2.
    PagerDuty(PagerDuty),
    /// A signed webhook (Standard Webhooks).
    Webhook(Webhook),
    /// E-mail over SMTP.
    Email(Box<Email>),
    /// A program of the user's.
    Command(Command),
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered {
        /// How it said so.
        answer: String,
    },
    /// It may work later.
    Later {
        /// What went wrong.
        why: String,
        /// How long the receiver wants to be left alone, milliseconds.
        retry_after_ms: Option<i64>,
    },
    /// It will not work, however often it is tried.
    Final {
        /// What went wrong.
        why: String,
    },
    /// The receiver is gone for good: nothing more is to be sent there.
    Gone {
        /// How it said so.
        why: String,
    },
}

impl Outcome {
    pub(crate) fn later(why: impl Into<String>) -> Self {
        Outcome::Later { why: why.into(), retry_after_ms: None }
    }

    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Outcome::Final { why: why.into() }
    }

    /// How it ended, for people.
    pub fn words(&self) -> &str {
        match self {
            Outcome::Delivered { answer } => answer,
            Outcome::Later { why, .. } | Outcome::Final { why } | Outcome::Gone { why } => why,
        }
    }
}

impl Channel {
    /// The word in the configuration.
    pub fn kind(&self) -> &'static str {
        match self.way {
            Way::Slack(_) => "slack",
            Way::PagerDuty(_) => "pagerduty",
            Way::Webhook(_) => "webhook",
            Way::Email(_) => "email",
            Way::Command(_) => "command",
        }
    }

    /// A digest of where it goes: a channel that was switched off is tried again once that is another place.
    pub(crate) fn place(&self) -> String {
        use std::fmt::Write as _;
        let place = match &self.way {
            Way::Slack(slack) => slack.url.text().to_owned(),
            Way::PagerDuty(pagerduty) => {
                format!("{} {}", pagerduty.url.text(), pagerduty.routing_key.expose())
            }
            Way::Webhook(webhook) => webhook.url.text().to_owned(),
            Way::Email(email) => format!("{}:{} {:?}", email.host, email.port, email.to),
            Way::Command(command) => format!("{:?}", command.argv),
        };
        Sha256::digest(place).iter().take(8).fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Sends an event once.
    pub(crate) async fn send(&self, clients: &Clients, event: &Event, now_ms: i64) -> Outcome {
        let sending = async {
            match &self.way {
                Way::Slack(slack) => slack.send(clients.of(&slack.url), event).await,
                Way::PagerDuty(pagerduty) => pagerduty.send(clients.of(&pagerduty.url), event).await,
                Way::Webhook(webhook) => webhook.send(clients.of(&webhook.url), event, now_ms).await,
                Way::Email(email) => email.send(event).await,
                Way::Command(command) => command.send(event).await,
            }
        };
        match tokio::time::timeout(TIMEOUT, sending).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::later(format!("no answer within {} s", TIMEOUT.as_secs())),
        }
    }
}

/// HTTP clients: one that reaches public addresses only, one that reaches all.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    public: Http,
    any: Http,
}

impl Clients {
    pub(crate) fn new() -> Result<Self, rustls::Error> {
        Ok(Clients { public: Http::new(http::is_public)?, any: Http::new(|_| true)? })
    }

    fn of(&self, target: &Target) -> &Http {
        if target.allow_private { &self.any } else { &self.public }
    }
}
