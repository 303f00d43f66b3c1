//! Price book rows, the shape of a request, its bound. Pure: no clock, no I/O, integers only.
//!
//! The flow: the wire turns OpenRouter's catalogue into a [`Book`] of [`Model`]s and a request body into a
//! [`Shape`]; [`bound`] puts the two together and answers with the [`Bound`], the most OpenRouter may bill once
//! the request's permission (output cap, `provider.max_price`, `provider.ignore`) is shrunk to it, or with the
//! one thing in the request that nobody can price, [`Unpriced`].
//!
//! Beside the bound: [`estimate`] says what a request will likely cost, [`Alternatives`] which cheaper models could do
//! the same, and [`fitting`] which of them a refused request could afford.
//!
//! Every quantity rounds up. Facts about OpenRouter carry the date they were read; the catalogue they describe is
//! the one of 2026-10-02.

mod about;
mod allowance;
mod alternatives;
mod book;
mod bound;
mod change;
mod distrust;
mod encoding;
mod estimate;
mod explain;
mod fees;
mod fitting;
mod grounds;
mod images;
mod likely;
mod listed;
mod media;
mod modality;
mod model;
mod need;
mod offer;
mod price_key;
mod prices;
mod rates;
mod run;
mod schedule;
mod shape;
mod thinking;
mod tokens;
mod unpriced;
mod usual_image;

pub use about::{About, Feature, Features};
pub use allowance::{Allowances, RouterCeiling};
pub use alternatives::Alternatives;
pub use book::{Book, BookSource, Resolved};
pub use bound::{Bound, Class, MaxPrice, Reason, Reasons, bound};
pub use change::{Change, Kind, Move, changes};
pub use distrust::{Distrust, Distrusted, Growth};
pub use encoding::{Counted, Encoding, with_margin};
pub use estimate::{Estimate, Guess, Sum, estimate, usual_cost};
pub use explain::{Explanation, Term};
pub use fees::{FETCH, OCR_PAGE, OCR_PAGES_MAX, fetch_fee, search_fee};
pub use fitting::{Fit, Room, fitting};
pub use grounds::{BYOK_FEE, BoundPolicy, Grounds};
pub use images::{IMAGE_RULES, ImageCount, ImageRule, image_tokens};
pub use listed::{Used, listed_cost};
pub use media::{Detail, Image, Media};
pub use modality::{Modalities, Modality};
pub use model::{Endpoint, Family, Model, Tier};
pub use need::Need;
pub use price_key::PriceKey;
pub use prices::{Override, Prices, RowPrices, UnknownPrice};
pub use rates::Rates;
pub use run::{Engine, Fetch, PdfEngine, Pins, Plugins, Run, Search, SearchMode, ServerTool};
pub use schedule::{Schedule, Span};
pub use shape::{CacheWrite, CallerMaxPrice, Outputs, Shape, TierAsked};
pub use thinking::{Effort, Thinking, USUAL_OUTPUT, expected_output};
pub use tokens::{Normaliser, prompt_tokens, text_tokens};
pub use unpriced::{Unpriced, WebSearch};
pub use usual_image::{USUAL_IMAGE_ELSE, USUAL_IMAGE_RULES, UsualImageCount, UsualImageRule, Whole};
