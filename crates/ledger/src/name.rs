//! The names of things the books speak of.

/// A balance, by its number: dense, given once, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BalanceId(pub u32);

/// A hold, by its number: given once, never reused, growing in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId(pub u64);

/// An upstream key, by the first eight bytes of its SHA-256: enough to find it again, useless to spend with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpstreamKeyId(pub [u8; 8]);

/// What a balance counts: one budget, for one value of each label in its `per`, in one window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BalanceName {
    /// The budget's name in the configuration.
    pub budget: String,
    /// The kind of window, as configured: `hour`, `day`, `week`, `month`, `lifetime`.
    pub window: String,
    /// `label=value` for each label of `per`, in the order configured; empty without `per`.
    pub scope: Vec<(String, String)>,
    /// First instant of the window, milliseconds since the Unix epoch; 0 for `lifetime`.
    pub starts_ms: i64,
    /// First instant after the window, milliseconds since the Unix epoch; `None` for `lifetime`.
    pub ends_ms: Option<i64>,
}
