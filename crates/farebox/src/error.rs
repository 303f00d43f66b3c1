//! What can go wrong, as values: [`OpenError`] before the first call, [`Error`] for one call.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use gateway::{Outcome, Receipt};
use http::StatusCode;
use thiserror::Error;

use crate::{ConfigError, Refusal};

/// Why the books cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A setting that makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing says what calls may cost, nor that they may cost anything.
    #[error("there is no budget, so there is nothing to hold calls to")]
    NoBudget,
    /// Nobody said where the books are, and there is no home folder.
    #[error("there is no folder to keep the books in")]
    NoFolder,
    /// The folder cannot be made.
    #[error("cannot make the folder {}", dir.display())]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The store: another process has the folder ([`store::OpenError::Held`] names it), or it is damaged.
    #[error(transparent)]
    Books(#[from] store::OpenError),
    /// The balances cannot be taken up.
    #[error("cannot take up the books")]
    Admission(#[from] admission::OpenError),
    /// The upstream is no URL.
    #[error(transparent)]
    Upstream(#[from] openrouter::client::BaseError),
    /// No tokio runtime is running here.
    #[error("farebox needs a tokio runtime to run in")]
    NoRuntime,
    /// The thread that opened the books is gone.
    #[error("the books were not opened: {0}")]
    Interrupted(String),
}

/// Why a call has no completion. [`Error::outcome`] says what it did to the money.
#[derive(Clone, Debug, Error)]
pub enum Error {
    /// The budgets do not let it pass. Nothing was sent, nothing is owed.
    #[error("{}", .0.sentence)]
    Refused(Box<Refusal>),
    /// What it may cost has no bound, so that no budget can cover it. Nothing was sent.
    #[error("{sentence}")]
    Unbounded {
        /// A stable word, such as `web_search`.
        code: String,
        /// One sentence.
        sentence: String,
    },
    /// Not now: prices too old, too much in memory, OpenRouter still settling. It passes by itself.
    #[error("{sentence}")]
    NotNow {
        /// A stable word, such as `stale-prices`.
        code: String,
        /// One sentence.
        sentence: String,
    },
    /// The request itself is wrong: no JSON, an unknown model, no key. Nothing was sent.
    #[error("{sentence}")]
    Invalid {
        /// A stable word, such as `bad-body`.
        code: String,
        /// One sentence.
        sentence: String,
    },
    /// OpenRouter answered with an error.
    #[error("OpenRouter answered {}: {sentence}", .status.as_u16())]
    Upstream {
        /// The status of its answer, or of ours where the error was about money.
        status: StatusCode,
        /// Its message.
        sentence: String,
        /// The whole body.
        body: Bytes,
        /// Its money: what became of the hold.
        receipt: Option<Receipt>,
    },
    /// OpenRouter could not be reached, or broke off.
    #[error("{sentence}")]
    Broken {
        /// One sentence.
        sentence: String,
        /// Its money: voided where nothing was sent, unknown where something may have been.
        receipt: Option<Receipt>,
    },
    /// The books are closed.
    #[error("the books are closed")]
    Closed,
}

impl Error {
    /// Whether the same call may pass soon without anybody doing anything.
    pub fn passes_by_itself(&self) -> bool {
        match self {
            Error::Refused(refusal) => refusal.reason.passes_by_itself(),
            Error::NotNow { .. } | Error::Broken { .. } => true,
            Error::Upstream { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Error::Unbounded { .. } | Error::Invalid { .. } | Error::Closed => false,
        }
    }

    /// What became of the money; `None` where there never was a hold.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Error::Upstream { receipt, .. } | Error::Broken { receipt, .. } => {
                receipt.as_ref().map(Receipt::outcome)
            }
            _ => None,
        }
    }
}
