//! Generated catalogues and requests, and the trial of the bound against the sandbox's bill. For tests.
//!
//! Everything is drawn from a seed and the same on every machine. Nothing here is part of the product.
//!
//! The trial, in steps: a request is drawn ([`requests`]) over a catalogue ([`catalogue()`]); the product reads it, bounds
//! it and writes its permission into it; the sandbox's judge says the most that OpenRouter may bill for what was written;
//! the one may not be above the other ([`trial`]).

pub mod catalogue;
pub mod hard;
pub mod realistic;
pub mod requests;
pub mod tightness;
pub mod trial;

pub use catalogue::{Catalogue, catalogue};
pub use requests::Requests;
pub use trial::{Basis, Trial, Verdict};
