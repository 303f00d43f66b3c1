//! Real processes under load and `kill -9`, judged by the sandbox's bill. Tests only.
//!
//! * [`world`]: a `farebox sandbox` and a `farebox serve` over it, as processes, that can be killed and started again;
//! * [`load`]: many clients that want more than the budget has: streamed, plain, and aborting;
//! * [`damage`]: a journal whose end is cut off, torn, or has a bit flipped;
//! * [`day`]: many calls without a limit, for what becomes of their cost;
//! * [`reckoning`]: each generation of the sandbox beside the books;
//! * [`verdict`]: what the sandbox billed, what the books say, and who was refused although the money was there.

pub mod damage;
pub mod day;
pub mod http;
pub mod load;
pub mod reckoning;
pub mod verdict;
pub mod world;

/// How many seeded runs to make: `name` from the environment, or `otherwise`.
pub fn runs(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
