//! Asking until OpenRouter knows, with longer and longer pauses.

use std::time::Duration;

use openrouter::account::{AccountError, GenerationDetails};
use openrouter::client::Upstream;
use tokio::time::Instant;

use crate::account::Asked;
use crate::failure::Failure;
use crate::terminal::Terminal;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(15);

/// Asks at once and then after 0.5, 1, 2, 4 … 15 seconds, until it is known or `wait` is over. A server that is failing
/// or wants to be left alone for a while is asked again as well; a key that is turned away is not.
pub(crate) async fn until_known(
    upstream: &Upstream,
    id: &str,
    key: &str,
    wait: Duration,
) -> Result<GenerationDetails, AccountError> {
    let (begin, terminal) = (Instant::now(), Terminal::of_stderr());
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match upstream.generation_details(id, key).await {
            Ok(details) => return Ok(details),
            Err(error) => error,
        };
        let pause_now = match &error {
            AccountError::NotFound(_) | AccountError::Server { .. } | AccountError::NoAnswer(_) => pause,
            AccountError::TooMany { retry_after } => retry_after.unwrap_or(pause),
            _ => return Err(error),
        };
        let left = wait.saturating_sub(begin.elapsed());
        if left.is_zero() {
            return Err(error);
        }
        if terminal.interactive {
            let words = format!("not known yet; asking again, for {} s more", left.as_secs());
            eprintln!("{}", terminal.dim(&words));
        }
        tokio::time::sleep(pause_now.min(left)).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Why it is not known, as people see it.
pub(crate) fn failure(asked: &Asked<'_>, error: &AccountError, id: &str, wait: Duration) -> Failure {
    match error {
        AccountError::NotFound(_) => {
            let waited = if wait.is_zero() { String::new() } else { format!(" after {} s", wait.as_secs()) };
            Failure::failed(format!("OpenRouter does not know the generation {id}{waited}")).hint(
                "it must be one of this key's; that of a broken stream can take some minutes longer: --wait 10m",
            )
        }
        error => asked.failure(error),
    }
}
