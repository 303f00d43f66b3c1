//! Counts the tokens of a prompt, with the tokenizers that are public.
//!
//! ```text
//! body -> Prompt (its strings) -> pieces -> a public tokenizer -> likely | most
//! ```
//!
//! The gateway bounds prompts by their bytes, which costs nothing; it counts only where that bound would refuse.
//! Estimates for people always count. Neither knows the model's template: `pricing::prompt_tokens` adds it.
//!
//! Counting is pure and bounded: bodies above [`BODY_BYTES_MAX`] are not counted, and a text without word boundaries
//! is taken at one token a byte rather than searched for its merges. What cannot be read or counted is `None`, and the
//! byte bound stands: this fails closed. Text that looks like a special token is counted as the text it is, which is
//! never less than the one token a provider may make of it.

mod count;
mod node;
mod pieces;
mod prompt;

pub use count::count;
pub use prompt::{BODY_BYTES_MAX, Prompt, counted};
