//! `/keys`: making, listing, changing and deleting keys (CONTRACT 4).

use serde::{Deserialize, Serialize};

use crate::account::credits::Data;
use crate::account::fields::{Fields, expected};
use crate::account::key::{Key, Row};
use crate::account::usd::text;
use crate::account::{Account, key};
use crate::clock::Moment;
use crate::error::Failure;
use crate::query::Query;
use crate::server::State;

const PAGE: usize = 100;
const NAME_MAX: usize = 1000;
const EXTERNAL_KEY_MIN: usize = 32;
const PATCHABLE: [&str; 6] =
    ["name", "disabled", "limit", "limit_reset", "include_byok_in_limit", "workspace_id"];

#[derive(Debug, Serialize)]
struct Made<'a> {
    data: Row<'a>,
    /// The plaintext, told once.
    key: String,
}

/// Who a partner made the key for.
#[derive(Debug, Deserialize)]
struct External {
    user: String,
    api_key: Option<String>,
}

/// A page, oldest first.
pub(crate) fn list(state: &State, query: &Query, now: Moment) -> Result<String, Failure> {
    let offset = query.number("offset")?.unwrap_or(0);
    let account = state.account.read();
    let workspace = match query.get("workspace_id") {
        None => &account.workspaces()[0],
        Some(id) => account.workspace(&id).ok_or_else(Failure::no_resource)?,
    };
    let (disabled, expired) = (query.is_true("include_disabled"), query.is_true("include_expired"));
    let tallies = &mut state.books().tallies;
    let rows: Vec<Row<'_>> = account
        .keys()
        .filter(|key| key.workspace == workspace.id)
        .filter(|key| (disabled || !key.disabled) && (expired || !key.is_expired(now)))
        .skip(usize::try_from(offset).unwrap_or(usize::MAX))
        .take(PAGE)
        .map(|key| key.row(tallies, now))
        .collect();
    Ok(text(&Data { data: rows }))
}

/// A new key, and its plaintext.
pub(crate) fn create(state: &State, body: &[u8], now: Moment) -> Result<String, Failure> {
    let fields = Fields::read(body)?;
    let name =
        fields.name("name", NAME_MAX)?.ok_or_else(|| expected("name", "a string that is not empty"))?;
    let external: Option<External> = fields.read_as("external", "an object with a user")?.flatten();
    let own = external.as_ref().and_then(|external| external.api_key.clone());
    if own.as_ref().is_some_and(|own| own.len() < EXTERNAL_KEY_MIN) {
        return Err(expected("external.api_key", "a string of at least 32 characters"));
    }
    let mut account = state.account.write();
    let plaintext = own.unwrap_or_else(|| account.secret());
    let mut key = account.unlimited(plaintext.as_bytes(), &name, now);
    key.external_user = external.map(|external| external.user);
    put(&fields, &mut key, &account)?;
    if let Some(creator) = fields.text("creator_user_id")?.flatten() {
        key.creator = creator.into();
    }
    if let Some(at) = fields.text("expires_at")?.flatten() {
        let at = Moment::parse(&at)
            .ok_or_else(|| expected("expires_at", "a UTC time such as 2027-12-31T23:59:59Z"))?;
        key.expires = Some(at);
    }
    if account.key(&key.hash).is_some() {
        return Err(Failure::invalid("A key with this secret exists already".to_owned()));
    }
    account.insert(key.clone());
    let tallies = &mut state.books().tallies;
    Ok(text(&Made { data: key.row(tallies, now), key: plaintext }))
}

/// One key.
pub(crate) fn show(state: &State, hash: &str, now: Moment) -> Result<String, Failure> {
    let account = state.account.read();
    let key = known(&account, hash)?;
    let tallies = &mut state.books().tallies;
    Ok(text(&Data { data: key.row(tallies, now) }))
}

/// Changes what is given.
pub(crate) fn update(state: &State, hash: &str, body: &[u8], now: Moment) -> Result<String, Failure> {
    let mut account = state.account.write();
    let mut key = known(&account, hash)?.clone();
    let fields = Fields::read(body)?;
    if !fields.has_any(&PATCHABLE) {
        return Err(Failure::invalid("No update fields provided".to_owned()));
    }
    if let Some(name) = fields.name("name", NAME_MAX)? {
        key.name = name;
    }
    put(&fields, &mut key, &account)?;
    key.updated = Some(now);
    if let Some(own) = account.key_mut(hash) {
        *own = key.clone();
    }
    let tallies = &mut state.books().tallies;
    Ok(text(&Data { data: key.row(tallies, now) }))
}

/// Deletes it for good.
pub(crate) fn delete(state: &State, hash: &str) -> Result<String, Failure> {
    let mut account = state.account.write();
    known(&account, hash)?;
    account.delete(hash);
    Ok(r#"{"deleted":true}"#.to_owned())
}

/// What both bodies may say.
fn put(fields: &Fields, key: &mut Key, account: &Account) -> Result<(), Failure> {
    if let Some(disabled) = fields.flag("disabled")? {
        key.disabled = disabled;
    }
    if let Some(limit) = fields.usd("limit")? {
        key.limit = limit;
    }
    if let Some(reset) = fields.interval("limit_reset")? {
        key.reset = reset;
    }
    if let Some(include) = fields.flag("include_byok_in_limit")? {
        key.include_byok = include;
    }
    if let Some(id) = fields.text("workspace_id")?.flatten() {
        let workspace =
            account.workspace(&id).ok_or_else(|| expected("workspace_id", "a workspace of the account"))?;
        key.workspace = std::sync::Arc::clone(&workspace.id);
    }
    Ok(())
}

/// An ordinary key by its hash.
fn known<'a>(account: &'a Account, hash: &str) -> Result<&'a Key, Failure> {
    let found = account.key(hash).filter(|key: &&key::Key| !key.management);
    found.ok_or_else(Failure::no_resource)
}
