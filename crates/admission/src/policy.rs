//! [`Policy`]: what the user wants done with money in general, and what the machine is like.

use std::sync::Arc;

use ledger::Budget;

use crate::time::{BootClock, SystemBootClock};

/// The longest attempt that [`Policy::attempt_ms_max`] may tell of: a day.
pub(crate) const ATTEMPT_MS_MAX: i64 = 86_400_000;

/// What the user wants done with money in general.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The budgets, in the order configured.
    pub budgets: Vec<Budget>,
    /// Whether a request that no budget matches may pass, unmetered.
    pub allow_unbudgeted: bool,
    /// How long an attempt may be under way, milliseconds, a day at most: so near the end of its window, a budget with
    /// `straddle = "both"` holds it in the next one too.
    pub attempt_ms_max: i64,
    /// Against which the wall clock is checked.
    pub boot_clock: Arc<dyn BootClock>,
}

impl Policy {
    /// How long an attempt may be under way unless told otherwise: half an hour.
    pub const ATTEMPT_MS: i64 = 1_800_000;

    /// With these budgets, on this machine.
    pub fn new(budgets: Vec<Budget>, allow_unbudgeted: bool) -> Self {
        let boot_clock = Arc::new(SystemBootClock);
        Policy { budgets, allow_unbudgeted, attempt_ms_max: Self::ATTEMPT_MS, boot_clock }
    }
}
