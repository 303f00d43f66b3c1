//! Thresholds crossed become messages, each delivered once.
//!
//! ```text
//! Level --watch (pure)--> Event --outbox (committed, with a row per channel)--> channel --> receiver
//! ```
//!
//! * [`Level`]: how credits, the upstream key's limit or a budget stand; whoever can read them hands them in;
//! * `watch`: which of that is worth a message, once per threshold and window;
//! * `outbox`: a SQLite file of its own, in which an event stands before anything is sent, until it is delivered or
//!   given up;
//! * [`Channel`]: Slack, PagerDuty, a signed webhook, e-mail, a command.
//!
//! What this is not: part of the gateway. It knows no request, and none waits for it. When it fails, it is logged and
//! counted, and calls go on (fails open): money is held by the ledger, not by warnings about it.
//!
//! Delivered once means: exactly once as far as the receiver's answer tells. When that answer is lost, the message is
//! sent again, with the same id or dedup key. Nothing secret and no prompt is in a message, for none comes in here.
//! Time is an argument.

mod alerts;
mod amount;
mod channel;
mod event;
mod level;
mod outbox;
mod pace;
mod retry;
mod watch;
mod words;

pub use alerts::{Alerts, OpenError, report};
pub use channel::{
    Channel, Command, Email, Mailbox, MailboxError, Outcome, PAGERDUTY, PagerDuty, SigningKey,
    SigningKeyError, Slack, Target, TargetError, Transport, Way, Webhook,
};
pub use event::{Event, Kind, Recovery, Resolves, Severity};
pub use level::{Level, Pace, Rules, Subject};
pub use openrouter::secret::Secret;
pub use outbox::OutboxError;
pub use outbox::report::{ChannelRow, DeliveryRow, EventRow, Report};
pub use words::{about, day_and_time, runs_out, text, title};
