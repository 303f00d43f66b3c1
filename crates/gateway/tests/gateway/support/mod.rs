//! What the tests share: a scripted upstream, the gateway's whole house on it, a client that speaks raw bytes.

pub(crate) mod client;
pub(crate) mod house;
pub(crate) mod upstream;

pub(crate) use client::{Answer, Client, get, post};
pub(crate) use house::{CHEAP, House, KEY, MODEL, Setup};
pub(crate) use upstream::{Gate, Greeting, Script, Step, Upstream};

use std::future::Future;
use std::time::Duration;

/// Nothing in these tests takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A chat body with more members.
pub(crate) fn chat(more: &str) -> String {
    format!(r#"{{"model":"{MODEL}","messages":[{{"role":"user","content":"hi"}}]{more}}}"#)
}

/// A chat body that asks for this name.
pub(crate) fn asking(model: &str, more: &str) -> String {
    chat(more).replacen(MODEL, model, 1)
}

/// A future that must end.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} takes too long"),
    }
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    soon(what, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// Milliseconds, short.
pub(crate) const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}
