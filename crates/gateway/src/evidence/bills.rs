//! What both rungs share that read OpenRouter's bill: whose bill it is, the entries beside it, and which bills no entry
//! explains.

use std::collections::HashMap;
use std::sync::Arc;

use admission::{Admission, UnknownHold};
use ledger::UpstreamKeyId;
use openrouter::account::{AccountError, Admin, KeyFilter};
use store::EntryRow;
use thiserror::Error;

use super::blocking;
use crate::audit::{Bill, MayBe, strangers};
use crate::caller;
use crate::shared::Shared;

/// The longest that a generation may begin after its request was sent, or an attempt be under way, milliseconds.
pub(super) const REACH_MS: i64 = 3_600_000;
/// How far OpenRouter's minutes and clock may be off, milliseconds.
pub(super) const SLACK_MS: i64 = 120_000;
/// Entries read at a time, and in all for one comparison.
const PAGE: usize = 5_000;
const ENTRIES_MAX: usize = 1_000_000;
/// Bills without an entry near them that the books are asked for, at most; beyond, the bill counts as incomplete.
const LOOKED_UP_MAX: usize = 20_000;

/// Why books and bill could not be compared.
#[derive(Debug, Error)]
pub enum AuditError {
    /// There is no management key to ask with.
    #[error("reading OpenRouter's bill needs a management key in OPENROUTER_MANAGEMENT_KEY")]
    NoManagementKey,
    /// OpenRouter did not tell.
    #[error("OpenRouter does not tell its bill")]
    Account(#[from] AccountError),
    /// The books cannot be read.
    #[error("the books cannot be read: {0}")]
    Books(String),
}

/// What was billed on one key in a range.
#[derive(Debug)]
pub(super) struct Billed {
    pub(super) bills: Vec<Bill>,
    /// Those that no hold has an id for, by their place.
    pub(super) strangers: Vec<usize>,
    pub(super) complete: bool,
}

pub(super) fn admin(shared: &Shared) -> Result<&Admin, AuditError> {
    shared.admin.as_ref().ok_or(AuditError::NoManagementKey)
}

/// The keys of the account by their ids, with OpenRouter's name (hash) for each.
pub(super) async fn hashes(shared: &Shared) -> Result<HashMap<UpstreamKeyId, String>, AuditError> {
    let listed = admin(shared)?.keys(&KeyFilter::default()).await?;
    let mut hashes: HashMap<UpstreamKeyId, String> =
        listed.into_iter().filter_map(|key| Some((caller::id_of_hash(&key.hash)?, key.hash))).collect();
    if let Some(local) = &shared.local {
        hashes.insert(local.upstream_key_id, caller::hash(&local.upstream_key));
    }
    Ok(hashes)
}

/// What was billed from one instant until before another, beside `entries`, which are those of that key and time.
pub(super) async fn billed(
    shared: &Arc<Shared>,
    hash: &str,
    (from_ms, until_ms): (i64, i64),
    entries: &[EntryRow],
) -> Result<Billed, AuditError> {
    let told = admin(shared)?.generations_billed(from_ms, until_ms, Some(hash)).await?;
    let book = shared.catalogue.book();
    let rows = told.rows.len();
    let bills: Vec<Bill> = told
        .rows
        .into_iter()
        .filter_map(|row| Bill::new(row.id, row.created_ms, row.model.as_deref(), row.charge.text, &book))
        .collect();
    let mut complete = told.complete && bills.len() == rows;
    let mut unexplained = strangers(entries, &bills);
    if unexplained.len() > LOOKED_UP_MAX {
        complete = false;
        unexplained.truncate(LOOKED_UP_MAX);
    }
    let ids: Vec<String> = unexplained.iter().map(|&at| bills[at].id.clone()).collect();
    let known = blocking(shared, move |admission| known(admission, &ids)).await;
    let known = known.unwrap_or_else(|| Err("its thread panicked".to_owned())).map_err(AuditError::Books)?;
    let strangers =
        unexplained.into_iter().zip(known).filter_map(|(at, known)| (!known).then_some(at)).collect();
    Ok(Billed { bills, strangers, complete })
}

/// Of each id, whether any hold has it, open or ended.
fn known(admission: &Admission, ids: &[String]) -> Result<Vec<bool>, String> {
    let books = admission.books();
    books.flush().map_err(|error| error.to_string())?;
    let find = |id: &String| books.find_generation(id).map(|found| found.is_some());
    ids.iter().map(|id| find(id).map_err(|error| error.to_string())).collect()
}

/// The entries of holds made in a range, by upstream key. Whether that is all of them.
pub(super) async fn entries(
    shared: &Arc<Shared>,
    from_ms: i64,
    until_ms: i64,
) -> Result<(HashMap<UpstreamKeyId, Vec<EntryRow>>, bool), AuditError> {
    let read = blocking(shared, move |admission| read(admission, from_ms, until_ms)).await;
    read.unwrap_or_else(|| Err("its thread panicked".to_owned())).map_err(AuditError::Books)
}

type ByKey = HashMap<UpstreamKeyId, Vec<EntryRow>>;

fn read(admission: &Admission, from_ms: i64, until_ms: i64) -> Result<(ByKey, bool), String> {
    let books = admission.books();
    books.flush().map_err(|error| error.to_string())?;
    let (mut by_key, mut all, mut after) = (ByKey::new(), 0, None);
    loop {
        let page = books.entries(from_ms, until_ms, after, PAGE).map_err(|error| error.to_string())?;
        after = page.last().map(|entry| entry.hold);
        all += page.len();
        let is_last = page.len() < PAGE;
        for entry in page {
            by_key.entry(entry.upstream_key).or_default().push(entry);
        }
        if is_last || all >= ENTRIES_MAX {
            return Ok((by_key, is_last));
        }
    }
}

/// When an unknown hold's generation can have begun.
pub(super) fn may_be(hold: &UnknownHold) -> MayBe {
    let until_ms = hold.since_ms.clamp(hold.at_ms, hold.at_ms.saturating_add(REACH_MS));
    MayBe { model: hold.model.clone(), from_ms: hold.at_ms, until_ms }
}
