//! The account behind a key: balances, keys, guardrails, budgets of workspaces, activity.
//!
//! A typed client over [`Upstream`] for what OpenRouter knows about money and keys (CONTRACT 2 to 7, of 2026-11-23).
//! What it is not: a ledger. All these counters lag by seconds to minutes (CONTRACT 2), so they serve to show and to
//! compare, never to decide whether a request fits.
//!
//! * [`Upstream::key`] and [`Upstream::generation_details`] take any key;
//! * [`Upstream::credits`] and everything of [`Admin`] take a management key, which in turn cannot do inference.
//!
//! Reading is lenient where a field is only shown: enums are open, unknown keys are skipped, what is not there is
//! `None`. An amount that is missing or cannot be read is `None` and never zero; a `limit` that is missing makes the
//! answer unreadable, for "no limit" is a statement. Amounts are read from the digits as OpenRouter wrote them.
//!
//! Failing: nothing is retried here. After [`AccountError::Send`] or [`AccountError::NoAnswer`] a change may have been
//! made or not ([`AccountError::may_have_happened`]).

mod activity;
mod analytics;
mod credits;
mod error;
mod generation;
mod guardrails;
mod key;
mod keys;
mod read;
mod reset;
mod workspaces;
mod write;

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use self::activity::{ActivityFilter, ActivityRow};
pub use self::analytics::{BilledGeneration, BilledGenerations};
pub use self::credits::Credits;
pub use self::error::AccountError;
pub use self::generation::{GenerationDetails, ProviderTry};
pub use self::guardrails::{Assigned, Assignee, Guardrail, GuardrailChange, NewGuardrail};
pub use self::key::{FreeModels, KeyBudget, KeyInfo, RateLimit};
pub use self::keys::{CreatedKey, Key, KeyChange, KeyFilter, NewKey};
pub use self::reset::Reset;
pub use self::workspaces::{Workspace, WorkspaceBudget, WorkspaceBudgets};
use crate::client::{Question, Upstream};

/// For look-up, connection, question and answer together.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer: a page of 100 keys is about 100 KB.
const BYTES_MAX: usize = 8 << 20;
/// The most pages that a list is followed through.
const PAGES_MAX: usize = 1_000;
/// Rows of a full page: of keys always, of other lists at most (CONTRACT 4, 6.1).
const PAGE_ROWS: usize = 100;

/// An upstream and a management key: what an administrator of the account may do.
///
/// A management key acts on the whole account across workspaces and cannot do inference (CONTRACT 1).
#[derive(Clone)]
pub struct Admin {
    upstream: Upstream,
    management_key: String,
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("upstream", &self.upstream).finish_non_exhaustive()
    }
}

impl Admin {
    /// Asks `upstream` with this key.
    pub fn new(upstream: Upstream, management_key: impl Into<String>) -> Admin {
        Admin { upstream, management_key: management_key.into() }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AccountError> {
        self.upstream.ask_json(Method::GET, path, &self.management_key, None).await
    }

    /// A list in pages of 100; each row once, by its name. `path` is that of the page from an offset on.
    async fn pages<T: DeserializeOwned>(
        &self,
        path: impl Fn(usize) -> String,
        name: impl Fn(&T) -> String,
    ) -> Result<Vec<T>, AccountError> {
        let (mut all, mut seen, mut offset) = (Vec::new(), HashSet::new(), 0);
        for _ in 0..PAGES_MAX {
            let page: Page<T> = self.get(&path(offset)).await?;
            let (rows, before) = (page.data.len(), all.len());
            all.extend(page.data.into_iter().filter(|row| seen.insert(name(row))));
            offset += rows;
            // Without a total a short page is the last; one without anything new would be followed for ever.
            let is_last = page.total_count.map_or(rows < PAGE_ROWS, |total| offset as u64 >= total);
            if is_last || all.len() == before {
                return Ok(all);
            }
        }
        Err(AccountError::Unreadable(format!("a list of more than {PAGES_MAX} pages")))
    }

    async fn delete(&self, path: &str) -> Result<(), AccountError> {
        let answer: Deleted =
            self.upstream.ask_json(Method::DELETE, path, &self.management_key, None).await?;
        match answer.deleted {
            Some(false) => Err(AccountError::Unreadable("it says that nothing was deleted".to_owned())),
            _ => Ok(()),
        }
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, AccountError> {
        let body = serde_json::to_vec(body).map_err(|error| AccountError::Unreadable(error.to_string()))?;
        self.upstream.ask_json(method, path, &self.management_key, Some(body.into())).await
    }
}

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    #[serde(default, deserialize_with = "read::count")]
    total_count: Option<u64>,
}

#[derive(Deserialize)]
struct Deleted {
    #[serde(default, deserialize_with = "read::flag")]
    deleted: Option<bool>,
}

impl Upstream {
    /// Asks with a key and reads a JSON answer of status 200 or 201.
    async fn ask_json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: Option<Bytes>,
    ) -> Result<T, AccountError> {
        let question =
            Question { method, path, key: Some(key), body, bytes_max: BYTES_MAX, timeout: TIMEOUT };
        let answer = self.ask(question).await?;
        match answer.status {
            StatusCode::OK | StatusCode::CREATED => serde_json::from_slice(&answer.body)
                .map_err(|error| AccountError::Unreadable(error::clean(&error.to_string()))),
            status => Err(AccountError::of(status.as_u16(), answer.retry_after, &answer.body)),
        }
    }
}

/// A part of a path or the value of a query: whatever is in it cannot leave its place.
fn part(text: &str) -> String {
    use std::fmt::Write as _;
    let dots = !text.is_empty() && text.bytes().all(|byte| byte == b'.');
    let mut part = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'.' if dots => part.push_str("%2E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                part.push(char::from(byte))
            }
            // Writing to a String cannot fail.
            _ => drop(write!(part, "%{byte:02X}")),
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stay_in_their_place() {
        for (text, expect) in [
            ("prod", "prod"),
            ("a/../b?x=1#y", "a%2F..%2Fb%3Fx%3D1%23y"),
            ("..", "%2E%2E"),
            ("é ", "%C3%A9%20"),
        ] {
            assert_eq!(part(text), expect);
        }
    }
}
