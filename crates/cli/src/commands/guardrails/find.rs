//! Which guardrail is meant: by id, or by a name that only one has.

use openrouter::account::{AccountError, Guardrail};

use crate::account::Administrator;
use crate::failure::Failure;

/// Characters of an id, a UUID.
const ID_CHARS: usize = 36;

/// The guardrail that `address` means.
///
/// # Errors
/// When there is none, or more than one.
pub(crate) async fn find(administrator: &Administrator, address: &str) -> Result<Guardrail, Failure> {
    if address.len() == ID_CHARS && address.matches('-').count() == 4 {
        return match administrator.admin.guardrail(address).await {
            Err(AccountError::NotFound(_)) => Err(none(address)),
            answer => answer.map_err(|error| administrator.failed(error)),
        };
    }
    let all = administrator.admin.guardrails(None).await.map_err(|error| administrator.failed(error))?;
    let mut found: Vec<Guardrail> =
        all.into_iter().filter(|row| row.name == address || row.id == address).collect();
    match found.len() {
        0 => Err(none(address)),
        1 => Ok(found.remove(0)),
        count => {
            let ids: Vec<&str> = found.iter().map(|row| row.id.as_str()).collect();
            let what = format!("'{}' is {count} guardrails: {}", address.escape_debug(), ids.join(", "));
            Err(Failure::failed(what).hint("name the one you mean by its id"))
        }
    }
}

fn none(address: &str) -> Failure {
    Failure::failed(format!("there is no guardrail '{}'", address.escape_debug()))
        .hint("farebox guardrails list shows those there are")
}
