//! The audit: our entries beside OpenRouter's bill, generation by generation. Pure: entries and bills in, findings out.
//!
//! What differs is a finding: a cost that changed, a generation that was billed and stands in no entry, an entry that
//! the bill does not have. Who asks OpenRouter and who books is elsewhere (`evidence::auditing`, `farebox audit`).
//!
//! What is not on the bill is never taken for free: the bill lags. An incomplete bill lowers nothing.

mod bill;
mod compare;
mod report;

pub use bill::Bill;
pub use compare::{Compared, Extra, Fix, MayBe, Span, compare, strangers};
pub use report::{AuditReport, Sum};
