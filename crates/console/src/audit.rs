//! [`AuditRow`]: the books beside OpenRouter's bill, as `GET /audit` has it; and running one now.

use admission::Admission;
use gateway::audit::AuditReport;
use gateway::{Booking, Gateway};
use http::StatusCode;
use jiff::Timestamp;
use money::Nano;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::amount;
use crate::reply::{self, Reply};
use crate::row::rfc3339;

/// Restored books are audited from so long before their last record, milliseconds: bills tell minutes.
const SLACK_MS: i64 = 5 * 60_000;

/// One audit. Amounts are USD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// When it was made, RFC 3339 in UTC.
    pub at: String,
    /// Calls made from here on,
    pub from: String,
    /// until before here.
    pub until: String,
    /// Entries compared.
    pub entries: u64,
    /// What the books had on them, before.
    #[serde(with = "amount")]
    pub ours_usd: Nano,
    /// What OpenRouter billed.
    #[serde(with = "amount")]
    pub theirs_usd: Nano,
    /// What remains when all that could be corrected is: the bill less the books.
    #[serde(with = "amount")]
    pub drift_usd: Nano,
    /// Entries that cost something else than was booked; without `applied` they still say so.
    pub corrected: u64,
    /// What that adds; below zero for refunds.
    #[serde(with = "amount")]
    pub corrected_usd: Nano,
    /// Generations billed that no entry explains.
    pub extras: u64,
    /// What they cost.
    #[serde(with = "amount")]
    pub extras_usd: Nano,
    /// Entries with a cost that are not on the bill.
    pub missing: u64,
    /// What is booked for them.
    #[serde(with = "amount")]
    pub missing_usd: Nano,
    /// Whether OpenRouter told all it knows.
    pub complete: bool,
    /// Whether all of it was booked, the extras too.
    pub applied: bool,
    /// Whether restored or repaired books were found whole by it, and let calls through from now on.
    pub accepted: bool,
    /// Whether they still let nothing through: the bill was not told whole, or calls of before may still be billed.
    pub shut: bool,
}

impl AuditRow {
    /// A report as it is told.
    pub fn new(report: &AuditReport, applied: bool, accepted: bool) -> Self {
        AuditRow {
            at: rfc3339(report.at_ms),
            from: rfc3339(report.from_ms),
            until: rfc3339(report.until_ms),
            entries: report.entries,
            ours_usd: report.ours,
            theirs_usd: report.theirs,
            drift_usd: report.drift,
            corrected: report.corrected.count,
            corrected_usd: report.corrected.amount,
            extras: report.extras.count,
            extras_usd: report.extras.amount,
            missing: report.missing.count,
            missing_usd: report.missing.amount,
            complete: report.complete,
            applied,
            accepted,
            shut: false,
        }
    }

    /// Whether books and bill are the same now.
    pub fn is_even(&self) -> bool {
        self.drift_usd == Nano::ZERO && self.complete && (self.applied || self.corrected == 0)
    }
}

/// `POST /audit`: compares now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunAudit {
    /// Calls made from here on, milliseconds since the Unix epoch.
    pub from_ms: i64,
    /// Book what OpenRouter says: changed costs, and generations that the books do not know.
    pub apply: bool,
    /// Who asks for it.
    pub who: String,
}

/// Why there is no report.
#[derive(Debug, Error)]
pub enum NotAudited {
    /// OpenRouter or the books cannot be read.
    #[error(transparent)]
    Audit(#[from] gateway::AuditError),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] store::JournalError),
    /// The books cannot be written.
    #[error(transparent)]
    Books(#[from] store::OpenError),
    /// Its thread died.
    #[error("the audit was cut short")]
    CutShort,
}

impl RunAudit {
    /// Runs it, up to now. Restored or repaired books are compared from before their last record on; when all of it was
    /// told and booked, and nothing that an earlier process sent can still come, they are whole again and let calls
    /// through.
    ///
    /// # Errors
    /// [`NotAudited`]; what was booked before stays.
    pub async fn run(&self, gateway: &Gateway, admission: &Admission) -> Result<AuditRow, NotAudited> {
        let now_ms = Timestamp::now().as_millisecond();
        let restored_ms = admission.restored();
        let from_ms = restored_ms.map_or(self.from_ms, |at_ms| self.from_ms.min(at_ms - SLACK_MS));
        let booking = if self.apply { Booking::Everything } else { Booking::Nothing };
        if self.apply {
            let what = format!("booked what OpenRouter billed since {}", rfc3339(from_ms));
            admission.note_action(&self.who, &what, now_ms)?;
        }
        // Asked before the bill is read: what is billed in between is on it.
        let is_final = gateway.earlier_calls_are_final();
        let report = gateway.audit_now(from_ms, now_ms, booking).await?;
        let is_whole = self.apply && report.complete && is_final && restored_ms.is_some();
        if is_whole {
            let admission = admission.clone();
            let accepted = tokio::task::spawn_blocking(move || admission.accept_restored());
            accepted.await.map_err(|_| NotAudited::CutShort)??;
        }
        let shut = restored_ms.is_some() && !is_whole;
        Ok(AuditRow { shut, ..AuditRow::new(&report, self.apply, is_whole) })
    }

    pub(crate) async fn reply(&self, gateway: &Gateway, admission: &Admission) -> Reply {
        match self.run(gateway, admission).await {
            Ok(row) => reply::json(StatusCode::OK, &row),
            Err(error) => reply::error(StatusCode::SERVICE_UNAVAILABLE, &chain(&error)),
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
