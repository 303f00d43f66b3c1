//! Which key is meant: by hash, by the beginning of a hash, by name, by label.

use openrouter::account::{AccountError, Key, KeyFilter};

use super::row::named;
use crate::account::Administrator;
use crate::failure::Failure;

/// Hex digits of a whole hash.
const HASH_DIGITS: usize = 64;
/// The least of it that may stand for it.
const PREFIX_DIGITS_MIN: usize = 4;
/// Keys named in an error, at most.
const SHOWN: usize = 8;

/// The key that `address` means, switched off or ended as well. A whole hash finds it in any workspace.
///
/// # Errors
/// When there is none, or more than one: then they are listed.
pub(crate) async fn find(
    administrator: &Administrator,
    address: &str,
    workspace: Option<&str>,
) -> Result<Key, Failure> {
    if address.len() == HASH_DIGITS && is_hex(address) {
        return match administrator.admin.key(&address.to_ascii_lowercase()).await {
            Err(AccountError::NotFound(_)) => Err(none(address)),
            answer => answer.map_err(|error| administrator.failed(error)),
        };
    }
    let filter = KeyFilter {
        include_disabled: true,
        include_expired: true,
        workspace_id: workspace.map(str::to_owned),
    };
    let keys = administrator.admin.keys(&filter).await.map_err(|error| administrator.failed(error))?;
    meant(keys, address)
}

fn meant(keys: Vec<Key>, address: &str) -> Result<Key, Failure> {
    let mut found: Vec<Key> = keys.into_iter().filter(|key| is_meant(key, address)).collect();
    match found.len() {
        0 => Err(none(address)),
        1 => Ok(found.remove(0)),
        count => Err(several(address, count, &found)),
    }
}

fn is_meant(key: &Key, address: &str) -> bool {
    let begins = || {
        address.len() >= PREFIX_DIGITS_MIN
            && is_hex(address)
            && key.hash.get(..address.len()).is_some_and(|start| start.eq_ignore_ascii_case(address))
    };
    key.name == address || key.label.as_deref() == Some(address) || begins()
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn none(address: &str) -> Failure {
    Failure::failed(format!("there is no key '{}'", address.escape_debug()))
        .hint("farebox keys list --all shows those of the default workspace; of another: --workspace ID")
}

fn several(address: &str, count: usize, found: &[Key]) -> Failure {
    let mut names: Vec<String> = found.iter().take(SHOWN).map(named).collect();
    if count > SHOWN {
        names.push(format!("and {} more", count - SHOWN));
    }
    Failure::failed(format!("'{}' is {count} keys: {}", address.escape_debug(), names.join(", ")))
        .hint("name the one you mean by its hash, or enough of it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::Terminal;

    fn key(hash: &str, name: &str, label: &str) -> Key {
        let json = serde_json::json!({"hash": hash, "name": name, "label": label, "limit": null});
        serde_json::from_value(json).unwrap()
    }

    fn keys() -> Vec<Key> {
        vec![
            key("abcd1111", "prod", "sk-or-v1-111...aaa"),
            key("abcd2222", "ci", "sk-or-v1-222...bbb"),
            key("ef013333", "ci", "sk-or-v1-333...ccc"),
            key("01234444", "abcd2", "sk-or-v1-444...ddd"),
        ]
    }

    #[test]
    fn one_key() {
        for (address, hash) in [
            ("prod", "abcd1111"),
            ("ABCD1", "abcd1111"),
            ("sk-or-v1-222...bbb", "abcd2222"),
            ("ef01", "ef013333"),
        ] {
            assert_eq!(meant(keys(), address).unwrap().hash, hash, "{address}");
        }
    }

    #[test]
    fn none_or_several() {
        let told = |address| meant(keys(), address).unwrap_err().text(&Terminal::plain());
        assert!(told("staging").starts_with("error: there is no key 'staging'\n"));
        assert!(told("ef0").contains("there is no key"), "too short to mean a hash");
        assert!(told("ci").starts_with("error: 'ci' is 2 keys: 'ci' (abcd2222), 'ci' (ef013333)\nhint: "));
        assert!(told("abcd2").contains("'ci' (abcd2222), 'abcd2' (01234444)"), "a name or a hash");
    }
}
