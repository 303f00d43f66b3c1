//! What is looked at: a [`Subject`] and its [`Level`] at an instant.

use ledger::Span;
use money::Nano;
use serde::{Deserialize, Serialize};

/// Whose money it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Subject {
    /// The account's credits at OpenRouter.
    Credits,
    /// The upstream key's own limit.
    Key {
        /// The masked key or its name, as OpenRouter shows it.
        name: String,
    },
    /// One balance of a budget.
    Budget {
        /// The budget's name.
        name: String,
        /// The value of each label of `per`; empty without.
        scope: Vec<(String, String)>,
    },
}

impl Subject {
    /// `credits`, `key` or `budget`.
    pub fn kind(&self) -> &'static str {
        match self {
            Subject::Credits => "credits",
            Subject::Key { .. } => "key",
            Subject::Budget { .. } => "budget",
        }
    }

    /// The same for the same subject, different for another: `budget/each user=alice`.
    pub fn id(&self) -> String {
        match self {
            Subject::Credits => "credits".to_owned(),
            Subject::Key { name } => format!("key/{name}"),
            Subject::Budget { .. } => format!("budget/{}", self.name()),
        }
    }

    /// Its name for people: `each user=alice`.
    pub fn name(&self) -> String {
        match self {
            Subject::Credits => "credits".to_owned(),
            Subject::Key { name } => name.clone(),
            Subject::Budget { name, scope } => {
                let labels = scope.iter().map(|(label, value)| match value.as_str() {
                    "" => format!(" {label}=(none)"),
                    value => format!(" {label}={value}"),
                });
                name.clone() + &labels.collect::<String>()
            }
        }
    }
}

/// What went in a time: the pace of late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Spent, USD.
    pub spent: Nano,
    /// In how long, milliseconds.
    pub over_ms: i64,
}

/// How a subject stands. Amounts are USD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// Whose.
    pub subject: Subject,
    /// `hour`, `day`, `week`, `month` or `lifetime`.
    pub window: String,
    /// The window's instants, milliseconds since the Unix epoch.
    pub span: Span,
    /// What may be spent in the window; for credits: what was ever bought.
    pub limit: Nano,
    /// What is known to be spent of it.
    pub used: Nano,
    /// What is left, without what is held by calls in flight; below zero after an overrun.
    pub left: Nano,
    /// Calls refused for want of this money in this window, as far as was seen.
    pub refused: u64,
    /// How fast it goes; `None` when that is not known yet.
    pub pace: Option<Pace>,
}

impl Level {
    /// Milliseconds since the Unix epoch at which it is gone at this pace.
    pub fn runs_out_ms(&self, now_ms: i64) -> Option<i64> {
        let pace = self.pace?;
        Some(now_ms.saturating_add(ledger::runway(pace.spent, pace.over_ms, self.left)?))
    }

    /// Whether `percent` of the limit is used; exact.
    pub fn has_used(&self, percent: u8) -> bool {
        i128::from(self.used.nanos()) * 100 >= i128::from(self.limit.nanos()) * i128::from(percent)
    }
}

/// What is worth a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Amounts of credits left, USD: below each, once.
    pub credits_below: Vec<Nano>,
    /// Amounts left of the upstream key's own limit, USD: below each, once.
    pub key_below: Vec<Nano>,
    /// Percent of the upstream key's own limit.
    pub key_at: Vec<u8>,
    /// Credits, and limits that last for ever, are announced when they end within this time, milliseconds; 0: not.
    pub runway_ms: i64,
    /// Percent of each budget, by its name.
    pub budget_at: std::collections::HashMap<String, Vec<u8>>,
}
