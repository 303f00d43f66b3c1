//! [`Payer`]: who a generation is charged to, as it was when it began.

use std::sync::Arc;

use crate::account::tally::Subject;

/// A key, the member who made it, and the workspace it is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Payer {
    /// The SHA-256 of the plaintext, 64 hex digits.
    pub(crate) key: Arc<str>,
    pub(crate) member: Arc<str>,
    pub(crate) workspace: Arc<str>,
}

impl Payer {
    /// Everyone whose spending it counts to.
    pub(crate) fn subjects(&self) -> [Subject; 4] {
        [
            Subject::Account,
            Subject::Key(Arc::clone(&self.key)),
            Subject::Member(Arc::clone(&self.member)),
            Subject::Workspace(Arc::clone(&self.workspace)),
        ]
    }
}

/// The part of a hash that the bill goes by: 16 hex digits.
pub(crate) fn short(hash: &str) -> &str {
    hash.get(..16).unwrap_or(hash)
}
