//! [`Event`]: something happened to a subject's money. A value: what the channels turn into messages.

use ledger::Span;
use money::Nano;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::amount;
use crate::level::Subject;
use crate::words;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A percentage of a limit is used.
    #[serde(rename = "threshold")]
    Threshold,
    /// All of it, or so much that calls are refused.
    #[serde(rename = "exhausted")]
    Exhausted,
    /// It will be gone before its window ends.
    #[serde(rename = "forecast_over")]
    ForecastOver,
    /// Less than an amount is left.
    #[serde(rename = "low")]
    Low,
    /// Credits will be gone soon.
    #[serde(rename = "runway")]
    Runway,
    /// What was announced is over.
    #[serde(rename = "resolved")]
    Resolved,
    /// Somebody tries out the channels.
    #[serde(rename = "test")]
    Test,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Threshold => "threshold",
            Kind::Exhausted => "exhausted",
            Kind::ForecastOver => "forecast_over",
            Kind::Low => "low",
            Kind::Runway => "runway",
            Kind::Resolved => "resolved",
            Kind::Test => "test",
        }
    }
}

/// How bad it is, in PagerDuty's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing to do.
    Info,
    /// Something to look at.
    Warning,
    /// Something to do soon.
    Error,
    /// Calls are refused, or about to be.
    Critical,
}

impl Severity {
    /// `info`, `warning`, `error` or `critical`.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Critical => "critical",
        }
    }
}

/// Why something is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recovery {
    /// Its window ended.
    WindowEnded,
    /// The limit is another one now.
    LimitChanged,
    /// Credits were bought.
    ToppedUp,
    /// It goes slower than it did.
    Slower,
}

/// Something happened. Amounts are USD, instants milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The same for the same happening, wherever and however often it is noticed.
    pub id: String,
    /// What.
    pub kind: Kind,
    /// When it was noticed.
    pub at_ms: i64,
    /// To whose money.
    pub subject: Subject,
    /// The kind of window.
    pub window: String,
    /// Its first instant.
    pub starts_ms: i64,
    /// The first instant after it; `None` when there is none.
    pub ends_ms: Option<i64>,
    /// The threshold crossed, the highest if several were: `80%`, `$5.00`.
    pub threshold: Option<String>,
    /// Others crossed with it.
    pub also_passed: Vec<String>,
    /// The limit; for credits what was ever bought.
    #[serde(with = "amount")]
    pub limit: Nano,
    /// What is used of it.
    #[serde(with = "amount")]
    pub used: Nano,
    /// What is left.
    #[serde(with = "amount")]
    pub left: Nano,
    /// Calls refused for want of it.
    pub refused: u64,
    /// When it is gone at the pace of late.
    pub runs_out_ms: Option<i64>,
    /// For [`Kind::Resolved`]: what is over, and why.
    pub resolves: Option<Resolves>,
    /// Groups what belongs together: one incident from its first message to the one that closes it.
    pub incident: String,
}

/// What an event closes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolves {
    /// The id of the event that announced it.
    pub id: String,
    /// What that said.
    pub kind: Kind,
    /// Why it is over.
    pub why: Recovery,
}

impl Event {
    /// `budget.threshold`, `credits.low`, `alerts.test`.
    pub fn name(&self) -> String {
        match self.kind {
            Kind::Test => "alerts.test".to_owned(),
            kind => format!("{}.{}", self.subject.kind(), kind.word()),
        }
    }

    /// The window's instants.
    pub fn span(&self) -> Span {
        Span { starts_ms: self.starts_ms, ends_ms: self.ends_ms }
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        match self.kind {
            Kind::Exhausted => Severity::Critical,
            Kind::Low => Severity::Error,
            Kind::Threshold | Kind::ForecastOver | Kind::Runway => Severity::Warning,
            Kind::Resolved | Kind::Test => Severity::Info,
        }
    }

    /// The `data` of a webhook, a command's input and `--json`: money is decimal text, instants are RFC 3339 in UTC.
    pub fn data(&self) -> Value {
        if self.kind == Kind::Test {
            return json!({
                "id": self.id,
                "incident": self.incident,
                "severity": self.severity().word(),
                "title": words::title(self),
                "text": words::text(self),
            });
        }
        let instant = |at_ms: Option<i64>| at_ms.map(words::rfc3339);
        let scope = match &self.subject {
            Subject::Budget { scope, .. } => scope.clone(),
            _ => Vec::new(),
        };
        let name = match &self.subject {
            Subject::Budget { name, .. } | Subject::Key { name } => Some(name.clone()),
            Subject::Credits => None,
        };
        json!({
            "id": self.id,
            "incident": self.incident,
            "severity": self.severity().word(),
            "title": words::title(self),
            "text": words::text(self),
            "subject": self.subject.kind(),
            "name": name,
            "scope": scope.into_iter().map(|(label, value)| (label, value.into())).collect::<serde_json::Map<_, _>>(),
            "window": self.window,
            "window_starts_at": (self.starts_ms != 0).then(|| words::rfc3339(self.starts_ms)),
            "window_ends_at": instant(self.ends_ms),
            "threshold": self.threshold,
            "also_passed": self.also_passed,
            "limit_usd": self.limit.to_string(),
            "used_usd": self.used.to_string(),
            "left_usd": self.left.to_string(),
            "refused": self.refused,
            "runs_out_at": instant(self.runs_out_ms),
            "resolves": self.resolves.as_ref().map(|resolves| json!({
                "id": resolves.id,
                "type": format!("{}.{}", self.subject.kind(), resolves.kind.word()),
                "why": resolves.why,
            })),
        })
    }

    /// The whole as JSON: `{type, timestamp, data}`, as Standard Webhooks want it.
    pub fn envelope(&self) -> Value {
        json!({ "type": self.name(), "timestamp": words::rfc3339(self.at_ms), "data": self.data() })
    }
}

/// An id that follows from what happened, so that whoever notices it again finds it known.
pub(crate) fn id_of(parts: &[&str]) -> String {
    use std::fmt::Write as _;
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut id = "evt_".to_owned();
    for byte in &hasher.finalize()[..12] {
        // Writing to a String cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}
