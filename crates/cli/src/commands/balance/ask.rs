//! Asking OpenRouter.

use money::Nano;
use openrouter::account::{AccountError, ActivityFilter, Admin, KeyInfo};
use openrouter::client::Upstream;

use super::credits::Account;
use super::pace;
use crate::account::Asked;
use crate::failure::Failure;
use crate::secrets::Key;

/// What the key says of itself.
pub(crate) async fn key(upstream: &Upstream, key: &Key) -> Result<KeyInfo, Failure> {
    let asked = Asked { base: upstream.base(), key, management: false };
    upstream.key(key.secret.expose()).await.map_err(|error| asked.failure(&error))
}

/// What the account has: with the management key, or with the upstream key when that is one. An ordinary key is asked
/// with as well, so that an answer of zeros can be called by its name.
pub(crate) async fn account(
    upstream: &Upstream,
    api_key: Option<&Key>,
    info: Option<&KeyInfo>,
    management_key: Option<Key>,
) -> Result<Account, Failure> {
    if let Some(key) = &management_key {
        let asked = Asked { base: upstream.base(), key, management: true };
        return told(upstream, key).await.map_err(|error| asked.failure(&error));
    }
    let (Some(key), Some(info)) = (api_key, info) else { return Ok(Account::NoManagementKey) };
    if info.is_management_key() {
        let asked = Asked { base: upstream.base(), key, management: true };
        return told(upstream, key).await.map_err(|error| asked.failure(&error));
    }
    match upstream.credits(key.secret.expose()).await {
        Ok(credits) => Ok(Account::judged(credits, false, key.from)),
        Err(_) => Ok(Account::NoManagementKey),
    }
}

async fn told(upstream: &Upstream, key: &Key) -> Result<Account, AccountError> {
    let secret = key.secret.expose();
    let is_management_key = upstream.key(secret).await?.is_management_key();
    let credits = upstream.credits(secret).await?;
    match Account::judged(credits, is_management_key, key.from) {
        Account::Told { credits, .. } => {
            let last_week = last_week(upstream, secret).await;
            Ok(Account::Told { credits, last_week })
        }
        judged => Ok(judged),
    }
}

/// A pace is worth having and not worth failing for.
async fn last_week(upstream: &Upstream, key: &str) -> Option<Nano> {
    let admin = Admin::new(upstream.clone(), key);
    let rows = admin.activity(&ActivityFilter::default()).await.ok()?;
    pace::last_week(&rows, jiff::Timestamp::now())
}
