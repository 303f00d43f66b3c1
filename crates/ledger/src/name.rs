//! The names of things the books speak of.

/// A balance, by its number: dense, given once, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BalanceId(pub u32);

/// A hold, by its number: given once, never reused, growing in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId(pub u64);

/// A hold set, by its number: declared in the journal before its first hold, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetId(pub u32);

/// A balance in a hold set, and which costs it takes: those that settle at or after `from_ms` and before `until_ms`
/// (milliseconds since the Unix epoch; `None`: no bound on that side).
///
/// Most members take whatever settles. A call near the end of a window with `straddle = "both"` is held in this window
/// and the next; its cost goes to the one in which it settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    /// The balance.
    pub balance: BalanceId,
    /// The first instant whose costs it takes.
    pub from_ms: Option<i64>,
    /// The first instant whose costs it does not take any more.
    pub until_ms: Option<i64>,
}

impl Member {
    /// A member that takes whatever settles.
    pub const fn plain(balance: BalanceId) -> Self {
        Member { balance, from_ms: None, until_ms: None }
    }

    /// Whether a cost that settles at `at_ms` is this balance's.
    pub fn takes(&self, at_ms: i64) -> bool {
        self.from_ms.is_none_or(|from| at_ms >= from) && self.until_ms.is_none_or(|until| at_ms < until)
    }
}

/// An upstream key, by the first eight bytes of its SHA-256: enough to find it again, useless to spend with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpstreamKeyId(pub [u8; 8]);

/// What a balance counts: one budget, for one value of each label in its `per`, in one window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BalanceName {
    /// The budget's name in the configuration.
    pub budget: String,
    /// The kind of window, as configured: `hour`, `day`, `week`, `month`, `lifetime`, `rolling 5h`.
    pub window: String,
    /// `label=value` for each label of `per`, in the order configured; empty without `per`.
    pub scope: Vec<(String, String)>,
    /// First instant of the window, milliseconds since the Unix epoch; 0 for `lifetime` and `rolling`.
    pub starts_ms: i64,
    /// First instant after the window, milliseconds since the Unix epoch; `None` for `lifetime` and `rolling`.
    pub ends_ms: Option<i64>,
}
