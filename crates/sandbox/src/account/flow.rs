//! [`Flow`]: what is counted as requests come in: those of `:free` models, and what runs against the in-flight budget
//! (CONTRACT 10.3, 10.4).

use serde_json::{Value, json};

use crate::clock::{DAY_MS, Moment};
use crate::config::Config;
use crate::error::Failure;
use crate::exact::Exact;

const MINUTE_MS: u64 = 60_000;
/// From nine dollars ever bought the higher number holds (CONTRACT 10.4).
const HIGH_BALANCE: &str = "9";
const PER_DAY: u64 = 50;
const PER_DAY_HIGH: u64 = 1000;

/// Counters of the whole account.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    minute: Window,
    day: Window,
    /// USD that running requests may still cost.
    held: Exact,
}

/// A count within a window, which begins at 0 again when the clock has left it.
#[derive(Debug, Default)]
struct Window {
    index: u64,
    used: u64,
}

/// How many requests of `:free` models a day has.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct FreeDay {
    used: u64,
    limit: u64,
    remaining: u64,
}

impl Flow {
    /// Counts a request of a free model, or refuses it. What fails later counts too.
    pub(crate) fn take_free(&mut self, config: &Config, now: Moment) -> Result<(), Failure> {
        let minute = self.minute.at(now, MINUTE_MS);
        if *minute >= config.free_per_minute {
            return Err(limited(&PER_MINUTE, config.free_per_minute, now, MINUTE_MS));
        }
        let limit = per_day(config);
        let day = self.day.at(now, DAY_MS);
        if *day >= limit {
            let kind = if config.has_high_balance() { &PER_DAY_RICH } else { &PER_DAY_POOR };
            return Err(limited(kind, limit, now, DAY_MS));
        }
        *day += 1;
        *self.minute.at(now, MINUTE_MS) += 1;
        Ok(())
    }

    pub(crate) fn free_day(&mut self, config: &Config, now: Moment) -> FreeDay {
        let (used, limit) = (*self.day.at(now, DAY_MS), per_day(config));
        FreeDay { used, limit, remaining: limit.saturating_sub(used) }
    }

    /// Sets an estimate aside while a request runs, or refuses it.
    pub(crate) fn hold(&mut self, estimate: Exact, budget: Exact) -> Result<(), Failure> {
        if estimate > budget {
            return Err(Failure::in_flight_too_heavy());
        }
        let held = self.held.plus(estimate);
        if held > budget {
            return Err(Failure::in_flight_exhausted());
        }
        self.held = held;
        Ok(())
    }

    pub(crate) fn free(&mut self, estimate: Exact) {
        self.held = self.held.above(estimate);
    }
}

impl Window {
    fn at(&mut self, now: Moment, length_ms: u64) -> &mut u64 {
        let index = now.0 / length_ms;
        if self.index != index {
            *self = Window { index, used: 0 };
        }
        &mut self.used
    }
}

impl Config {
    fn has_high_balance(&self) -> bool {
        Exact::parse(HIGH_BALANCE).is_some_and(|least| self.bought() >= least)
    }
}

fn per_day(config: &Config) -> u64 {
    let usual = if config.has_high_balance() { PER_DAY_HIGH } else { PER_DAY };
    config.free_per_day.unwrap_or(usual)
}

/// A limit and how it is told.
struct Limit {
    source: &'static str,
    text: &'static str,
}

const PER_MINUTE: Limit = Limit {
    // The name of this one is not recorded anywhere.
    source: "openrouter_free_tier_minute",
    text: "Rate limit exceeded: free-models-per-min. ",
};
const PER_DAY_POOR: Limit = Limit {
    source: "openrouter_free_tier_daily",
    text: "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day",
};
const PER_DAY_RICH: Limit = Limit {
    source: "openrouter_free_tier_daily",
    text: "Rate limit exceeded: free-models-per-day-high-balance. ",
};

fn limited(kind: &Limit, limit: u64, now: Moment, length_ms: u64) -> Failure {
    let reset = ((now.0 / length_ms + 1) * length_ms).to_string();
    let limit = limit.to_string();
    let headers: Value =
        json!({ "X-RateLimit-Limit": limit, "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset });
    let metadata = json!({
        "error_type": "rate_limit_exceeded", "limit_source": kind.source, "headers": headers,
        "remedy_hint": "Wait until the limit begins anew, or use a paid model.",
    });
    Failure::new(429, kind.text, metadata)
        .with("x-ratelimit-limit", &limit)
        .with("x-ratelimit-remaining", "0")
        .with("x-ratelimit-reset", &reset)
}
