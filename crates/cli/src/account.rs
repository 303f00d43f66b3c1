//! What commands about the account share: where OpenRouter is, with which key it is asked, and what its errors mean.

use clap::Args;
use farebox::config::{Config, Layer, Setting};
use openrouter::account::{AccountError, Admin};
use openrouter::client::Upstream;

use crate::commands::serve;
use crate::failure::{Failure, chain};
use crate::secrets::{self, KEYS_PAGE, Key, MANAGEMENT_KEYS_PAGE};
use crate::terminal::Terminal;

/// Where OpenRouter is.
#[derive(Debug, Args)]
pub(crate) struct UpstreamArgs {
    /// Where OpenRouter's API is [default: https://openrouter.ai/api/v1]
    #[arg(long, value_name = "URL", env = "OPENROUTER_BASE_URL", hide_env_values = true)]
    upstream: Option<String>,
}

impl UpstreamArgs {
    /// A client: the flag, else the environment, else the configuration, else OpenRouter.
    pub(crate) fn open(&self) -> Result<Upstream, Failure> {
        let from = "--upstream or OPENROUTER_BASE_URL".to_owned();
        let upstream = self.upstream.clone().map(|value| Setting { value, from });
        let url = Config::load(Layer { upstream, ..Layer::default() }, None)?.upstream.value;
        if serve::is_bare_http(&url) {
            let terminal = Terminal::of_stderr();
            eprintln!("{} the key goes to {url} unencrypted", terminal.yellow("warning:"));
        }
        Upstream::new(&url).map_err(|error| {
            Failure::usage(chain(&error)).hint("an upstream is a URL such as https://openrouter.ai/api/v1")
        })
    }

    /// The same with the management key, which must be there.
    pub(crate) fn administer(&self, what_for: &str) -> Result<Administrator, Failure> {
        let key = secrets::needed_management_key(what_for)?;
        let upstream = self.open()?;
        let base = upstream.base().to_owned();
        Ok(Administrator { admin: Admin::new(upstream, key.secret.expose()), base, key })
    }
}

/// A client with a management key, and words for what goes wrong with it.
#[derive(Debug)]
pub(crate) struct Administrator {
    /// The client.
    pub(crate) admin: Admin,
    base: String,
    key: Key,
}

impl Administrator {
    /// For `map_err` on a question.
    pub(crate) fn failed(&self, error: AccountError) -> Failure {
        Asked { base: &self.base, key: &self.key, management: true }.failure(&error)
    }

    /// For `map_err` on a change: one that may have been made all the same says so, with how to find out.
    pub(crate) fn not_changed(&self, error: AccountError, find_out: &str) -> Failure {
        let failure = Asked { base: &self.base, key: &self.key, management: true }.failure(&error);
        match error.may_have_happened() {
            true => failure.hint(format!("it may have been done all the same; find out: {find_out}")),
            false => failure,
        }
    }
}

/// Who was asked, with what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The base URL.
    pub(crate) base: &'a str,
    /// The key.
    pub(crate) key: &'a Key,
    /// Whether that should be a management key.
    pub(crate) management: bool,
}

impl Asked<'_> {
    /// An error as people see it, with its exit code and what to do.
    pub(crate) fn failure(&self, error: &AccountError) -> Failure {
        let from = self.key.from;
        let page = if self.management { MANAGEMENT_KEYS_PAGE } else { KEYS_PAGE };
        match error {
            AccountError::Unauthenticated => Failure::credentials(format!(
                "OpenRouter does not know the key in {from}, or it is disabled or has ended"
            ))
            .hint(format!("look at it, or make another: {page}")),
            AccountError::Forbidden(sentence) => {
                Failure::credentials(format!("not allowed with the key in {from}: {sentence}"))
                    .hint(format!("this takes a management key: {MANAGEMENT_KEYS_PAGE}"))
            }
            AccountError::TooMany { retry_after } => {
                let when = retry_after
                    .map_or("a little later".to_owned(), |wait| format!("in {} seconds", wait.as_secs()));
                Failure::failed("OpenRouter has been asked too often (429)").hint(format!("again {when}"))
            }
            AccountError::Send(_) | AccountError::NoAnswer(_) => Failure::unreachable(format!(
                "{} does not answer: {}",
                self.base,
                without_layers(&chain(error))
            ))
            .hint("is that where OpenRouter is? another place: --upstream URL or OPENROUTER_BASE_URL"),
            AccountError::TimedOut => Failure::unreachable(format!("{} takes too long (408)", self.base))
                .hint("again a little later"),
            AccountError::Server { status, sentence } => {
                Failure::unreachable(format!("{} cannot answer now (status {status}): {sentence}", self.base))
                    .hint("its own state is told at https://status.openrouter.ai")
            }
            AccountError::Unreadable(_) => Failure::failed(format!(
                "{} answers, but not as OpenRouter does: {}",
                self.base,
                chain(error)
            ))
            .hint("is that where OpenRouter is? another place: --upstream URL or OPENROUTER_BASE_URL"),
            AccountError::NotFound(_) | AccountError::Invalid { .. } | AccountError::Conflict(_) => {
                Failure::failed(chain(error))
            }
        }
    }
}

/// Without the names of the layers that passed an error on.
fn without_layers(text: &str) -> String {
    ["client error (Connect): ", "tcp connect error: ", "client error (SendRequest): "]
        .iter()
        .fold(text.to_owned(), |text, layer| text.replace(layer, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_without_layers() {
        let text = "the request was not sent: client error (Connect): tcp connect error: Connection refused";
        assert_eq!(without_layers(text), "the request was not sent: Connection refused");
    }
}
