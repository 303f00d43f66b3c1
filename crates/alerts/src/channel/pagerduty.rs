//! PagerDuty's Events API v2: trigger and resolve under one `dedup_key` (developer.pagerduty.com, 2026-11-23).

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Outcome;
use super::http::{Http, Target};
use crate::Secret;
use crate::event::{Event, Kind};
use crate::words::{self, clipped};

/// Where PagerDuty takes events in.
pub const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
const DEDUP_KEY_BYTES_MAX: usize = 255;
const SUMMARY_CHARS_MAX: usize = 1_024;

/// A PagerDuty service.
#[derive(Clone, Debug)]
pub struct PagerDuty {
    /// [`PAGERDUTY`], the European one, or a test's.
    pub url: Target,
    /// The integration key.
    pub routing_key: Secret,
}

impl PagerDuty {
    /// Sends an event. A test opens an incident and closes it, so that one sees it arrive and nothing stays.
    pub(crate) async fn send(&self, http: &Http, event: &Event) -> Outcome {
        let action = if event.kind == Kind::Resolved { "resolve" } else { "trigger" };
        match self.enqueue(http, event, action).await {
            Outcome::Delivered { .. } if event.kind == Kind::Test => {
                self.enqueue(http, event, "resolve").await
            }
            outcome => outcome,
        }
    }

    async fn enqueue(&self, http: &Http, event: &Event, action: &str) -> Outcome {
        let body = message(event, action, self.routing_key.expose()).to_string().into_bytes();
        match http.post(&self.url, &[], body).await {
            Ok(answer) if answer.status.as_u16() == 202 => Outcome::Delivered { answer: answer.words() },
            // Some page that answers to anything is no PagerDuty.
            Ok(answer) if answer.status.is_success() => {
                Outcome::later(format!("{}, where PagerDuty says 202", answer.words()))
            }
            Ok(answer) => answer.outcome(),
            Err(outcome) => outcome,
        }
    }
}

/// The message.
fn message(event: &Event, action: &str, routing_key: &str) -> Value {
    let (component, group) = match event.kind {
        Kind::Test => ("test".to_owned(), "alerts"),
        _ => (clipped(&event.subject.name(), SUMMARY_CHARS_MAX), event.subject.kind()),
    };
    json!({
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": dedup_key(&event.incident),
        "payload": {
            "summary": clipped(&format!("{}. {}", words::title(event), words::text(event)), SUMMARY_CHARS_MAX),
            "source": "farebox",
            "severity": event.severity().word(),
            "timestamp": words::rfc3339(event.at_ms),
            "component": component,
            "group": group,
            "class": event.name(),
            "custom_details": event.data(),
        },
        "client": "farebox",
    })
}

/// The incident; where that is too long, its beginning and a digest of the whole.
fn dedup_key(incident: &str) -> String {
    use std::fmt::Write as _;
    if incident.len() <= DEDUP_KEY_BYTES_MAX {
        return incident.to_owned();
    }
    let mut digest = String::from("#");
    for byte in &Sha256::digest(incident)[..12] {
        // Writing to a String cannot fail.
        let _ = write!(digest, "{byte:02x}");
    }
    let mut end = DEDUP_KEY_BYTES_MAX - digest.len();
    while !incident.is_char_boundary(end) {
        end -= 1;
    }
    incident[..end].to_owned() + &digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_incidents_keep_apart() {
        let (one, other) = ("ä".repeat(200) + "1", "ä".repeat(200) + "2");
        assert!(dedup_key(&one).len() <= DEDUP_KEY_BYTES_MAX);
        assert_ne!(dedup_key(&one), dedup_key(&other));
        assert_eq!(dedup_key("farebox/budget/all/lifetime"), "farebox/budget/all/lifetime");
    }
}
