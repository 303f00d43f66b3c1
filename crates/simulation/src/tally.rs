//! [`Tally`]: what was counted in a world, for the line at the end.

use std::ops::AddAssign;

use admission::RefusalReason;

macro_rules! tally {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Counts.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Tally { $($(#[doc = $doc])+ pub $name: u64,)+ }

        impl AddAssign for Tally {
            fn add_assign(&mut self, other: Tally) {
                $(self.$name += other.$name;)+
            }
        }
    };
}

tally! {
    /// Requests that came.
    asked,
    /// Those that were granted money, at once or later.
    granted,
    /// Those that waited for others,
    parked,
    /// and were served.
    served,
    /// Attempts that left.
    sent,
    /// Those that told their cost.
    settled,
    /// Those that ended without a known cost.
    unknown,
    /// Unknown holds that evidence resolved.
    resolved,
    /// Clients that went away.
    left,
    /// Refused because the money is gone,
    used_up,
    /// or held by others,
    held,
    /// or for another reason.
    otherwise,
    /// Refused although the money was really there (DESIGN.md 1).
    starved,
    /// Processes killed, or ended by a cut of power.
    deaths,
    /// Starts.
    starts,
    /// Damage that was found.
    damages,
    /// Costs corrected later.
    corrected,
}

impl Tally {
    pub(crate) fn refuse(&mut self, reason: RefusalReason) {
        match reason {
            RefusalReason::UsedUp => self.used_up += 1,
            RefusalReason::Held => self.held += 1,
            _ => self.otherwise += 1,
        }
    }
}
