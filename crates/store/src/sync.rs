//! The locks and shared words of `store` and `admission`: those of parking_lot and std, by their own names.
//!
//! With the feature `loom` they are loom's, which tries every order that threads may come in and every value that a
//! load may see. Only the tests in `tests/loom` turn it on; outside a model of loom nothing works then.

#[cfg(feature = "loom")]
mod explored;

#[cfg(feature = "loom")]
pub use explored::{
    Arc, AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Condvar, Mutex, OnceLock, RwLock, thread,
};

#[cfg(not(feature = "loom"))]
pub use parking_lot::{Condvar, Mutex, RwLock};
#[cfg(not(feature = "loom"))]
pub use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize};
#[cfg(not(feature = "loom"))]
pub use std::sync::{Arc, OnceLock};
#[cfg(not(feature = "loom"))]
pub use std::thread;
