//! [`Caller`]: whose key a request bears (CONTRACT 1).

use std::sync::Arc;

use http::Request;
use http::header::AUTHORIZATION;

use crate::account::key;
use crate::clock::Moment;
use crate::error::Failure;
use crate::server::State;

/// A valid key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The SHA-256 of the plaintext, 64 hex digits.
    pub(crate) key: Arc<str>,
    pub(crate) management: bool,
}

impl Caller {
    /// Who asks. A key that was never seen is welcome, without a limit, unless the configuration is strict.
    pub(crate) fn of<B>(state: &State, request: &Request<B>, now: Moment) -> Result<Caller, Failure> {
        let plaintext = bearer(request).ok_or_else(Failure::unauthenticated)?;
        let hash = key::hash(plaintext);
        let account = state.account.read();
        if let Some(key) = account.key(&hash) {
            let usable = !key.disabled && !key.is_expired(now);
            let caller = Caller { management: key.management, key: hash };
            return if usable { Ok(caller) } else { Err(Failure::unknown_key()) };
        }
        if account.was_deleted(&hash) || state.config.strict_keys {
            return Err(Failure::unknown_key());
        }
        drop(account);
        let mut account = state.account.write();
        if account.key(&hash).is_none() {
            let key = account.unlimited(plaintext, "unnamed", now);
            account.insert(key);
        }
        Ok(Caller { key: hash, management: false })
    }

    /// Only for the routes that administer.
    pub(crate) fn must_manage(&self) -> Result<(), Failure> {
        if self.management { Ok(()) } else { Err(Failure::management_only()) }
    }
}

fn bearer<B>(request: &Request<B>) -> Option<&[u8]> {
    let value = request.headers().get(AUTHORIZATION)?.as_bytes();
    let scheme = value.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))?;
    Some(value[scheme.len()..].trim_ascii()).filter(|plaintext| !plaintext.is_empty())
}
