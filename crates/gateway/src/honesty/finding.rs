//! [`Finding`]: one time that somebody did not keep to what was agreed.

use money::Nano;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It was billed above its hold.
    Overrun {
        /// The hold, USD.
        held: Nano,
        /// The bill, USD.
        cost: Nano,
        /// The request had excluded the provider.
        in_vain: bool,
    },
    /// More tokens came out than the cap we sent allows.
    CapBroken,
    /// A stream was aborted at a provider that stops billing then, and ran on.
    CancelBroken,
    /// An answer came whole and did not say what it cost.
    UsageMissing,
    /// It counted more prompt tokens than the model's public tokenizer can.
    CountBroken,
}
