//! [`Key`]: one key of the account, and what is told about it.

use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::account::payer::Payer;
use crate::account::tally::{Subject, Tallies};
use crate::account::usd::Usd;
use crate::account::window::{Interval, first_day};
use crate::clock::Moment;
use crate::exact::Exact;

const PREFIX: &str = "sk-or-v1-";

/// A key. Its plaintext is not kept.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// The SHA-256 of the plaintext, 64 hex digits.
    pub(crate) hash: Arc<str>,
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) disabled: bool,
    /// USD, within each window of `reset`.
    pub(crate) limit: Option<Exact>,
    pub(crate) reset: Option<Interval>,
    pub(crate) include_byok: bool,
    pub(crate) created: Moment,
    pub(crate) updated: Option<Moment>,
    pub(crate) expires: Option<Moment>,
    pub(crate) creator: Arc<str>,
    pub(crate) workspace: Arc<str>,
    pub(crate) external_user: Option<String>,
    /// Administers, and cannot do inference.
    pub(crate) management: bool,
}

/// The eight numbers that `/key` and `/keys` share.
#[derive(Debug, Serialize)]
pub(crate) struct Usage {
    usage: Usd,
    usage_daily: Usd,
    usage_weekly: Usd,
    usage_monthly: Usd,
    byok_usage: Usd,
    byok_usage_daily: Usd,
    byok_usage_weekly: Usd,
    byok_usage_monthly: Usd,
}

/// A row of `/keys`.
#[derive(Debug, Serialize)]
pub(crate) struct Row<'a> {
    hash: &'a str,
    name: &'a str,
    label: &'a str,
    disabled: bool,
    limit: Option<Usd>,
    limit_remaining: Option<Usd>,
    limit_reset: Option<Interval>,
    include_byok_in_limit: bool,
    #[serde(flatten)]
    usage: Usage,
    created_at: String,
    updated_at: Option<String>,
    last_used_at: Option<String>,
    expires_at: Option<String>,
    creator_user_id: &'a str,
    workspace_id: &'a str,
    external_user: Option<&'a str>,
}

impl Key {
    /// A key without a limit.
    pub(crate) fn new(
        plaintext: &[u8],
        name: &str,
        creator: &Arc<str>,
        workspace: &Arc<str>,
        now: Moment,
    ) -> Key {
        let hash = hash(plaintext);
        Key {
            label: label(plaintext, &hash),
            hash,
            name: name.to_owned(),
            disabled: false,
            limit: None,
            reset: None,
            include_byok: false,
            created: now,
            updated: None,
            expires: None,
            creator: Arc::clone(creator),
            workspace: Arc::clone(workspace),
            external_user: None,
            management: false,
        }
    }

    pub(crate) fn is_expired(&self, now: Moment) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    pub(crate) fn payer(&self) -> Payer {
        Payer {
            key: Arc::clone(&self.hash),
            member: Arc::clone(&self.creator),
            workspace: Arc::clone(&self.workspace),
        }
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject::Key(Arc::clone(&self.hash))
    }

    /// What its limit counts, as far as the counters show it.
    pub(crate) fn spent(&self, tallies: &mut Tallies, now: Moment) -> Exact {
        let first = first_day(self.reset, now);
        tallies.shown(&self.subject(), first, now).counted(self.include_byok)
    }

    /// What is left of its limit, which may be below zero.
    pub(crate) fn remaining(&self, tallies: &mut Tallies, now: Moment) -> Option<Usd> {
        let limit = self.limit?;
        Some(Usd::left(limit, self.spent(tallies, now)))
    }

    pub(crate) fn usage(&self, tallies: &mut Tallies, now: Moment) -> Usage {
        let mut since = |interval| tallies.shown(&self.subject(), first_day(interval, now), now);
        let (ever, day) = (since(None), since(Some(Interval::Daily)));
        let (week, month) = (since(Some(Interval::Weekly)), since(Some(Interval::Monthly)));
        Usage {
            usage: ever.openrouter.into(),
            usage_daily: day.openrouter.into(),
            usage_weekly: week.openrouter.into(),
            usage_monthly: month.openrouter.into(),
            byok_usage: ever.byok.into(),
            byok_usage_daily: day.byok.into(),
            byok_usage_weekly: week.byok.into(),
            byok_usage_monthly: month.byok.into(),
        }
    }

    pub(crate) fn row(&self, tallies: &mut Tallies, now: Moment) -> Row<'_> {
        Row {
            hash: &self.hash,
            name: &self.name,
            label: &self.label,
            disabled: self.disabled,
            limit: self.limit.map(Usd::from),
            limit_remaining: self.remaining(tallies, now),
            limit_reset: self.reset,
            include_byok_in_limit: self.include_byok,
            usage: self.usage(tallies, now),
            created_at: self.created.iso(),
            updated_at: self.updated.map(Moment::iso),
            last_used_at: tallies.last_used(&self.hash).map(Moment::iso),
            expires_at: self.expires.map(Moment::iso_seconds),
            creator_user_id: &self.creator,
            workspace_id: &self.workspace,
            external_user: self.external_user.as_deref(),
        }
    }
}

/// The SHA-256 as 64 hex digits.
pub(crate) fn hash(plaintext: &[u8]) -> Arc<str> {
    use std::fmt::Write;
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(plaintext) {
        let _ = write!(out, "{byte:02x}");
    }
    out.into()
}

/// `sk-or-v1-0e6...1c96`; a plaintext of another kind is masked by its hash.
fn label(plaintext: &[u8], hash: &str) -> String {
    let text = std::str::from_utf8(plaintext).ok();
    let secret = text
        .and_then(|text| text.strip_prefix(PREFIX))
        .filter(|secret| secret.len() >= 32 && secret.is_ascii());
    let shown = secret.unwrap_or(hash);
    format!("{PREFIX}{}...{}", &shown[..3], &shown[shown.len() - 3..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        let hashed = |text: &str| label(text.as_bytes(), &hash(text.as_bytes()));
        assert_eq!(&*hash(b"k"), "8254c329a92850f6d539dd376f4816ee2764517da5e0235514af433164480d7a");
        assert_eq!(hashed("k"), "sk-or-v1-825...d7a");
        assert_eq!(hashed(&format!("sk-or-v1-abc{}xyz", "0".repeat(58))), "sk-or-v1-abc...xyz");
        assert!(!hashed("sk-or-v1-short").contains("short"));
    }
}
