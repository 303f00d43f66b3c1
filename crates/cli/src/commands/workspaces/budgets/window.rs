//! The window of a workspace's budget.

use clap::ValueEnum;
use openrouter::account::Reset;

/// One of four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WindowFlag {
    Daily,
    Weekly,
    Monthly,
    Lifetime,
}

impl WindowFlag {
    /// As OpenRouter has it; `None`: lifetime.
    pub(crate) fn reset(self) -> Option<Reset> {
        match self {
            WindowFlag::Daily => Some(Reset::Daily),
            WindowFlag::Weekly => Some(Reset::Weekly),
            WindowFlag::Monthly => Some(Reset::Monthly),
            WindowFlag::Lifetime => None,
        }
    }
}
