//! Counters of the data plane. Never on the way: relaxed atomics only.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        #[derive(Debug, Default)]
        pub(crate) struct Stats { $($(#[$doc])* pub(crate) $name: Count,)+ }

        impl Stats {
            pub(crate) fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
                [$((stringify!($name).to_owned(), self.$name.read().into()),)+].into_iter().collect()
            }
        }
    };
}

counters! {
    /// Requests of any kind.
    requests,
    /// Chat completions that were answered by the upstream with success.
    served,
    /// Final refusals with 402.
    refused,
    /// Refusals with 503: the money was held by others for longer than `park_max`.
    held_out,
    /// Requests that waited for money.
    parked,
    /// Output caps that were lowered to fit the money.
    clamped,
    /// Requests that fit the money only because their prompts were counted.
    counted,
    /// Requests sent to another model because money refused the one asked for.
    downgraded,
    /// Bodies we could not read, or would not.
    bad_requests,
    /// Answers of the upstream other than success.
    upstream_errors,
    /// Streams whose client left before the end.
    clients_gone,
    /// Attempts repeated after a price rise.
    repriced,
    /// Attempts repeated because nothing had been sent.
    resent,
    /// Voided holds that were asked for once more.
    rechecked,
    /// Ended holds whose cost was booked anew.
    corrected,
    /// Counters of quiet keys kept beside our sums.
    control_points,
    /// Quiet keys on which more is booked than OpenRouter charged.
    drifts,
    /// Audits made.
    audits,
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
