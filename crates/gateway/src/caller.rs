//! Who calls, whose key pays, and which labels the request carries.
//!
//! Until there are virtual keys, Farebox listens on loopback only and every caller is `key = local`; without an
//! upstream key of our own, the caller's own OpenRouter key is forwarded and its id is the label. The key itself
//! is kept in memory only, to ask for the cost of what it paid for.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use ledger::UpstreamKeyId;
use sha2::{Digest, Sha256};

use crate::config::Secret;
use crate::headers;

const OPENROUTER_KEY: &str = "sk-or-v1-";
/// Longer labels are cut at this many bytes: a label is a name, not a text.
const LABEL_BYTES_MAX: usize = 256;
/// Where clients put their session, in the order we look (CLIENTS.md 0.6).
const SESSION_HEADERS: [&str; 5] =
    ["x-session-id", "x-claude-code-session-id", "session-id", "session_id", "thread-id"];
/// Where clients put the name of the program.
const APP_HEADERS: [&str; 3] = ["x-openrouter-title", "x-title", "http-referer"];

/// The label of calls that are paid for with the gateway's own key.
pub(crate) const LOCAL: &str = "local";

/// A caller with the key that will pay.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The label `key`.
    pub(crate) key_label: String,
    pub(crate) upstream_key: Secret,
    pub(crate) upstream_key_id: UpstreamKeyId,
    /// Whether the key is the caller's own.
    pub(crate) own_key: bool,
}

impl Caller {
    /// Of a request; `None` when neither side has a key to pay with.
    pub(crate) fn of(headers: &HeaderMap, ours: Option<&Caller>) -> Option<Caller> {
        ours.cloned().or_else(|| {
            let upstream_key = Secret::new(own_openrouter_key(headers)?);
            let upstream_key_id = key_id(&upstream_key);
            Some(Caller {
                key_label: label_of(upstream_key_id),
                upstream_key,
                upstream_key_id,
                own_key: true,
            })
        })
    }

    /// Everybody, when the gateway has a key of its own.
    pub(crate) fn local(upstream_key: Secret) -> Caller {
        let upstream_key_id = key_id(&upstream_key);
        Caller { key_label: LOCAL.to_owned(), upstream_key, upstream_key_id, own_key: false }
    }
}

/// The OpenRouter key that a caller sends of its own.
pub(crate) fn own_openrouter_key(headers: &HeaderMap) -> Option<&str> {
    presented_key(headers).filter(|key| key.starts_with(OPENROUTER_KEY))
}

fn presented_key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let named = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    bearer.map(|(_, key)| key).or_else(|| named("x-api-key")).or_else(|| named("api-key")).map(str::trim)
}

fn key_id(key: &Secret) -> UpstreamKeyId {
    let digest = Sha256::digest(key.expose().as_bytes());
    let mut id = [0; 8];
    id.copy_from_slice(&digest[..8]);
    UpstreamKeyId(id)
}

/// OpenRouter's public name for a key: the SHA-256 of its plaintext, 64 hex digits (CONTRACT 1).
pub(crate) fn hash(key: &Secret) -> String {
    hex(&Sha256::digest(key.expose().as_bytes()))
}

/// The id of a key by that name.
pub(crate) fn id_of_hash(hash: &str) -> Option<UpstreamKeyId> {
    let number = u64::from_str_radix(hash.get(..16)?, 16).ok()?;
    Some(UpstreamKeyId(number.to_be_bytes()))
}

/// The `key` label of calls with a caller's own key.
pub(crate) fn label_of(id: UpstreamKeyId) -> String {
    hex(&id.0)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The user that the headers name.
pub(crate) fn user(headers: &HeaderMap) -> Option<&str> {
    first_of(headers, &[headers::USER])
}

/// The session that the headers name.
pub(crate) fn session(headers: &HeaderMap) -> Option<&str> {
    first_of(headers, &SESSION_HEADERS)
}

/// The program that the headers name.
pub(crate) fn app(headers: &HeaderMap) -> Option<&str> {
    first_of(headers, &APP_HEADERS)
}

fn first_of<'h>(headers: &'h HeaderMap, names: &[&str]) -> Option<&'h str> {
    names.iter().find_map(|name| headers.get(*name)?.to_str().ok()).filter(|value| !value.is_empty())
}

/// A label's value, cut to size at a character.
pub(crate) fn label(value: &str) -> &str {
    &value[..value.floor_char_boundary(LABEL_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_key_that_pays() {
        let ours = Caller::local(Secret::new("sk-or-v1-ours\n"));
        let own = headers(&[("authorization", "Bearer sk-or-v1-own")]);
        assert_eq!(Caller::of(&own, Some(&ours)).unwrap().upstream_key.expose(), "sk-or-v1-ours");
        for (name, value) in [
            ("authorization", "bearer sk-or-v1-own"),
            ("x-api-key", "sk-or-v1-own"),
            ("api-key", "sk-or-v1-own"),
        ] {
            let caller = Caller::of(&headers(&[(name, value)]), None).unwrap();
            assert_eq!(caller.upstream_key.expose(), "sk-or-v1-own");
            assert!(caller.own_key && caller.key_label.len() == 16 && !caller.key_label.contains("own"));
        }
        assert!(Caller::of(&headers(&[("authorization", "Bearer anything")]), None).is_none());
        assert!(Caller::of(&headers(&[("authorization", "Basic sk-or-v1-own")]), None).is_none());
    }

    #[test]
    fn a_key_by_its_public_name() {
        let key = Secret::new("sk-or-v1-ours");
        let hash = hash(&key);
        assert_eq!((hash.len(), id_of_hash(&hash)), (64, Some(key_id(&key))));
        assert_eq!((id_of_hash("sk"), id_of_hash(&"z".repeat(64))), (None, None));
    }

    #[test]
    fn labels_come_from_what_clients_send() {
        let codex = headers(&[("session-id", "s-1"), ("x-title", "Codex")]);
        assert_eq!((session(&codex), app(&codex)), (Some("s-1"), Some("Codex")));
        let program = headers(&[("x-farebox-user", "alice")]);
        assert_eq!((user(&program), user(&codex)), (Some("alice"), None));
        assert_eq!(label(&"é".repeat(200)).len(), 256);
    }
}
