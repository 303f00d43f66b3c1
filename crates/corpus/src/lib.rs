//! Generated catalogues and requests, and the trial of the bound against the sandbox's bill. For tests.
//!
//! Everything is drawn from a seed and the same on every machine. Nothing here is part of the product.

pub mod catalogue;

pub use catalogue::{Catalogue, catalogue};
