//! [`HonestyRow`]: the counts of one provider at one model.

use money::Nano;

/// What one provider did at one model, since it was last cleared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HonestyRow {
    /// The id of the model's row.
    pub model: String,
    /// The provider's name, as answers have it; empty when none said.
    pub provider: String,
    /// Calls seen since the first finding.
    pub calls: u64,
    /// Times more tokens came out than the cap we sent.
    pub caps_broken: u64,
    /// Times an aborted stream ran on and was billed.
    pub cancels_broken: u64,
    /// Times a whole answer did not say what it cost.
    pub usage_missing: u64,
    /// Times it was billed above its hold.
    pub overruns: u64,
    /// By how much in all, USD.
    pub overrun: Nano,
    /// The worst bill, in percent of its hold, rounded up.
    pub worst_percent: u64,
    /// The last finding, milliseconds since the Unix epoch.
    pub last_ms: i64,
    /// When it was last cleared.
    pub cleared_ms: Option<i64>,
}
