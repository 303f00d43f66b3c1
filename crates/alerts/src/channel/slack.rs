//! Slack's incoming webhooks: POST blocks and a text; errors come as plain text with a status of 4xx
//! (docs.slack.dev, messaging with incoming webhooks, and Block Kit's limits, 2026-11-23).

use serde_json::{Value, json};

use super::Outcome;
use super::http::{Http, Target};
use crate::event::{Event, Severity};
use crate::words::{self, clipped};

/// Characters of a header block.
const HEADER_CHARS_MAX: usize = 150;
/// Characters of a section's text.
const SECTION_CHARS_MAX: usize = 3_000;
/// Fields of a section, and the characters of each.
const FIELDS_MAX: usize = 10;
const FIELD_CHARS_MAX: usize = 2_000;
/// Characters of the text that notifications show.
const TEXT_CHARS_MAX: usize = 3_000;
/// An escaped letter is at most this long (`&amp;`), so that clipping before escaping keeps the limit.
const ESCAPED_MAX: usize = 5;

/// A Slack channel behind an incoming webhook.
#[derive(Clone, Debug)]
pub struct Slack {
    /// The webhook's URL, which is a secret.
    pub url: Target,
}

impl Slack {
    pub(crate) async fn send(&self, http: &Http, event: &Event) -> Outcome {
        let body = message(event).to_string().into_bytes();
        match http.post(&self.url, &[], body).await {
            Ok(answer) => answer.outcome(),
            Err(outcome) => outcome,
        }
    }
}

/// The message.
pub(crate) fn message(event: &Event) -> Value {
    let (title, text) = (words::title(event), words::text(event));
    let fields = words::fields(event).into_iter().take(FIELDS_MAX).map(|(name, value)| {
        let value = escaped(&clipped(&value, FIELD_CHARS_MAX / ESCAPED_MAX - name.len()));
        json!({ "type": "mrkdwn", "text": format!("*{name}*\n{value}") })
    });
    let fields: Vec<Value> = fields.collect();
    let mut blocks = vec![
        // Plain text is shown as it is: nothing in it is markup.
        json!({ "type": "header", "text": { "type": "plain_text", "text": clipped(&format!("{} {title}", sign(event)), HEADER_CHARS_MAX) } }),
        json!({ "type": "section", "text": { "type": "mrkdwn", "text": escaped(&clipped(&text, SECTION_CHARS_MAX / ESCAPED_MAX)) } }),
    ];
    if !fields.is_empty() {
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": format!("farebox · {} · `{}`", event.name(), event.id) }] }));
    json!({ "text": escaped(&clipped(&format!("{title}. {text}"), TEXT_CHARS_MAX / ESCAPED_MAX)), "blocks": blocks })
}

fn sign(event: &Event) -> &'static str {
    match event.severity() {
        Severity::Critical | Severity::Error => "🔴",
        Severity::Warning => "🟠",
        Severity::Info => "🟢",
    }
}

/// Slack's three control characters.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
