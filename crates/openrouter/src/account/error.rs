//! [`AccountError`]: why the account could not be asked or changed.

use std::time::Duration;

use thiserror::Error;

use crate::client::{AskError, SendError};
use crate::error::UpstreamError;

/// The longest sentence of OpenRouter's that is passed on, characters.
const SENTENCE_CHARS_MAX: usize = 400;

/// Why there is no good answer. A sentence in it is OpenRouter's own, without control characters.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The question was not sent, or may have been.
    #[error(transparent)]
    Send(SendError),
    /// It was sent, and no whole answer came.
    #[error("no whole answer came: {0}")]
    NoAnswer(String),
    /// 401: the key is not known, was disabled or deleted. The texts vary (CONTRACT 1), so they are not kept.
    #[error("the key is not known to OpenRouter, or it is disabled (401)")]
    Unauthenticated,
    /// 403: not with this key. An ordinary key on an administrator's page gets this (CONTRACT 1).
    #[error("not allowed with this key (403): {0}")]
    Forbidden(String),
    /// 404.
    #[error("there is no such thing (404): {0}")]
    NotFound(String),
    /// 400, 413, 415, 422: the question is not as OpenRouter wants it.
    #[error("not accepted ({status}): {sentence}")]
    Invalid {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        sentence: String,
    },
    /// 408: the question takes too long; a smaller one may not.
    #[error("the question takes OpenRouter too long (408)")]
    TimedOut,
    /// 409.
    #[error("it stands against something that is there (409): {0}")]
    Conflict(String),
    /// 429.
    #[error("too many questions (429)")]
    TooMany {
        /// How long to wait, when it says.
        retry_after: Option<Duration>,
    },
    /// 5xx, or a status that has no place here.
    #[error("OpenRouter fails ({status}): {sentence}")]
    Server {
        /// The HTTP status.
        status: u16,
        /// What it says about it.
        sentence: String,
    },
    /// A good status, and a body that is not what it should be.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

impl From<AskError> for AccountError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Send(error) => AccountError::Send(error),
            AskError::Status(status) => AccountError::of(status, None, b""),
            AskError::Body(why) => AccountError::NoAnswer(why),
            AskError::Unreadable(why) => AccountError::Unreadable(why),
        }
    }
}

impl AccountError {
    /// What a status other than 200 and 201 means.
    pub(crate) fn of(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let sentence = || match UpstreamError::read(status, body) {
            Some(error) if !error.message.is_empty() => clean(&error.message),
            _ => "no reason is given".to_owned(),
        };
        match status {
            401 => AccountError::Unauthenticated,
            403 => AccountError::Forbidden(sentence()),
            404 => AccountError::NotFound(sentence()),
            408 => AccountError::TimedOut,
            409 => AccountError::Conflict(sentence()),
            429 => AccountError::TooMany { retry_after },
            400..=499 => AccountError::Invalid { status, sentence: sentence() },
            _ => AccountError::Server { status, sentence: sentence() },
        }
    }

    /// Whether a change that was asked for may have been made all the same.
    pub fn may_have_happened(&self) -> bool {
        match self {
            AccountError::Send(SendError::NeverSent(_)) => false,
            AccountError::Send(SendError::MaybeSent(_))
            | AccountError::NoAnswer(_)
            | AccountError::Unreadable(_) => true,
            AccountError::Server { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// Whether there was no answer of OpenRouter's at all.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, AccountError::Send(_) | AccountError::NoAnswer(_))
    }
}

/// One line that a terminal can show.
pub(crate) fn clean(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut clean: String = text.chars().take(SENTENCE_CHARS_MAX).map(plain).collect();
    if text.chars().count() > SENTENCE_CHARS_MAX {
        clean.push('…');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        let told = |status, body: &str| AccountError::of(status, None, body.as_bytes()).to_string();
        let management =
            r#"{"error":{"code":403,"message":"Only management keys can perform this operation"}}"#;
        for (status, body, expect) in [
            (401, "", "the key is not known to OpenRouter, or it is disabled (401)"),
            (
                403,
                management,
                "not allowed with this key (403): Only management keys can perform this operation",
            ),
            (404, "<html>", "there is no such thing (404): no reason is given"),
            (
                400,
                r#"{"error":{"message":"No update\u001b fields"}}"#,
                "not accepted (400): No update  fields",
            ),
            (
                400,
                r#"{"success":false,"error":{"name":"ZodError","message":"limit"}}"#,
                "not accepted (400): limit",
            ),
            (
                409,
                r#"{"error":{"message":"moved"}}"#,
                "it stands against something that is there (409): moved",
            ),
            (429, "{}", "too many questions (429)"),
            (500, "", "OpenRouter fails (500): no reason is given"),
            (302, "", "OpenRouter fails (302): no reason is given"),
        ] {
            assert_eq!(told(status, body), expect);
        }
    }

    #[test]
    fn what_may_have_happened() {
        assert!(!AccountError::of(400, None, b"").may_have_happened());
        assert!(AccountError::of(502, None, b"").may_have_happened());
        assert!(!AccountError::Send(SendError::NeverSent(String::new())).may_have_happened());
        assert!(AccountError::Send(SendError::MaybeSent(String::new())).may_have_happened());
        assert!(AccountError::NoAnswer(String::new()).may_have_happened());
    }
}
