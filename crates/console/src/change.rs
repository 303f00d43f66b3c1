//! Changes: what an operator decides, over `POST` with a token. Each is an entry in the journal: who, what, when.

use std::path::PathBuf;

use admission::{Admission, CorrectError};
use gateway::Gateway;
use http::StatusCode;
use jiff::Timestamp;
use ledger::{Evidence, HoldId};
use money::Nano;
use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error;

use crate::amount;
use crate::audit::RunAudit;
use crate::honesty::ClearHonesty;
use crate::reply::{self, Reply};

/// `POST /reconcile`: what a hold cost, by the operator's decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    /// Its number in the books.
    pub hold: u64,
    /// What it cost, USD; zero voids it.
    #[serde(with = "amount")]
    pub cost_usd: Nano,
    /// Who decides.
    pub who: String,
    /// Why; kept in the journal.
    pub why: String,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    /// Its number in the books.
    pub hold: u64,
    /// What was charged for it until now, USD.
    #[serde(with = "amount")]
    pub was_usd: Nano,
    /// What is booked now, USD.
    #[serde(with = "amount")]
    pub cost_usd: Nano,
}

/// Why it was not booked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotReconciled {
    /// No unknown hold and no entry has this number.
    #[error("no call has this number, or it is still running")]
    NoSuchHold,
    /// What the books said.
    #[error("{0}")]
    Books(String),
    /// It was resolved meanwhile, or the journal cannot be written.
    #[error("it was resolved just now, or the journal cannot be written")]
    Lost,
}

impl Reconcile {
    /// Books it: who and why first, then the cost. Blocks while the journal is written.
    ///
    /// # Errors
    /// [`NotReconciled`]; the books have not changed then.
    pub fn apply(&self, admission: &Admission) -> Result<Reconciled, NotReconciled> {
        let now_ms = Timestamp::now().as_millisecond();
        let hold = HoldId(self.hold);
        let unknown = admission.unknown_holds().into_iter().find(|unknown| unknown.hold == hold);
        let Some(unknown) = unknown else { return self.correct(admission, now_ms) };
        let was_usd = unknown.bound;
        self.note(admission, now_ms)?;
        let text = self.cost_usd.to_string();
        match admission.resolve(hold, self.cost_usd, &text, Evidence::Operator, now_ms) {
            true => Ok(Reconciled { hold: self.hold, was_usd, cost_usd: self.cost_usd }),
            false => Err(NotReconciled::Lost),
        }
    }

    /// Of a hold that has ended.
    fn correct(&self, admission: &Admission, now_ms: i64) -> Result<Reconciled, NotReconciled> {
        let (hold, text) = (HoldId(self.hold), self.cost_usd.to_string());
        let ended = admission.find_entry(hold).map_err(|error| NotReconciled::Books(error.to_string()))?;
        if !ended {
            return Err(NotReconciled::NoSuchHold);
        }
        self.note(admission, now_ms)?;
        match admission.correct(hold, self.cost_usd, &text, Evidence::Operator, now_ms) {
            Ok(done) => Ok(Reconciled { hold: self.hold, was_usd: done.was, cost_usd: done.cost }),
            Err(CorrectError::NotFound(_)) => Err(NotReconciled::NoSuchHold),
            Err(error) => Err(NotReconciled::Books(error.to_string())),
        }
    }

    fn note(&self, admission: &Admission, now_ms: i64) -> Result<(), NotReconciled> {
        let what = format!("hold {} cost {}: {}", self.hold, self.cost_usd, self.why);
        admission
            .note_action(&self.who, &what, now_ms)
            .map_err(|error| NotReconciled::Books(error.to_string()))
    }

    fn reply(&self, admission: &Admission) -> Reply {
        match self.apply(admission) {
            Ok(done) => reply::json(StatusCode::OK, &done),
            Err(error @ NotReconciled::NoSuchHold) => reply::error(StatusCode::NOT_FOUND, &error.to_string()),
            Err(error) => reply::error(StatusCode::CONFLICT, &error.to_string()),
        }
    }
}

/// `POST /backup`: a copy of the books, made by the gateway that has them open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackUp {
    /// The file to make; an absolute path.
    pub to: PathBuf,
}

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// The last record in it.
    pub last_record: u64,
    /// Its size.
    pub bytes: u64,
}

impl From<store::Backup> for BackedUp {
    fn from(made: store::Backup) -> Self {
        BackedUp { last_record: made.last_record, bytes: made.bytes }
    }
}

impl BackUp {
    fn reply(&self, admission: &Admission) -> Reply {
        match admission.back_up(&self.to) {
            Ok(made) => reply::json(StatusCode::OK, &BackedUp::from(made)),
            Err(error) => reply::error(StatusCode::CONFLICT, &error.to_string()),
        }
    }
}

/// `POST /accept`: goes on with restored or repaired books although calls may be missing in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// Who decides.
    pub who: String,
    /// Why; kept in the journal.
    pub why: String,
}

impl Accept {
    /// Writes down who and why, and opens the books to calls.
    ///
    /// # Errors
    /// When neither can be written.
    pub fn apply(&self, admission: &Admission) -> Result<(), AcceptError> {
        let what = format!("accepted books that may miss calls: {}", self.why);
        admission.note_action(&self.who, &what, Timestamp::now().as_millisecond())?;
        Ok(admission.accept_restored()?)
    }

    fn reply(&self, admission: &Admission) -> Reply {
        match self.apply(admission) {
            Ok(()) => reply::json(StatusCode::OK, &json!({ "accepted": true })),
            Err(error) => reply::error(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
        }
    }
}

/// Why books were not accepted.
#[derive(Debug, Error)]
pub enum AcceptError {
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] store::JournalError),
    /// The books cannot be written.
    #[error(transparent)]
    Books(#[from] store::OpenError),
}

/// Why a change cannot be read.
pub(crate) enum Unreadable {
    Path,
    Body(String),
}

impl Unreadable {
    pub(crate) fn reply(&self) -> Reply {
        match self {
            Unreadable::Path => reply::error(StatusCode::NOT_FOUND, "nothing can be changed here; see /"),
            Unreadable::Body(why) => {
                reply::error(StatusCode::BAD_REQUEST, &format!("the body cannot be read: {why}"))
            }
        }
    }
}

/// A change as it came.
pub(crate) enum Change {
    Reconcile(Reconcile),
    BackUp(BackUp),
    Accept(Accept),
    ClearHonesty(ClearHonesty),
    RunAudit(RunAudit),
}

impl Change {
    /// Reads the body of a `POST` to this path; the error is the answer.
    pub(crate) fn read(path: &str, body: &[u8]) -> Result<Change, Unreadable> {
        match path {
            "/reconcile" => parsed(body).map(Change::Reconcile),
            "/backup" => parsed(body).map(Change::BackUp),
            "/accept" => parsed(body).map(Change::Accept),
            "/honesty/clear" => parsed(body).map(Change::ClearHonesty),
            "/audit" => parsed(body).map(Change::RunAudit),
            _ => Err(Unreadable::Path),
        }
    }

    /// Does it. What waits for the disk does so off the runtime's threads.
    pub(crate) async fn run(self, admission: Admission, gateway: Gateway) -> Reply {
        match self {
            Change::RunAudit(audit) => audit.reply(&gateway, &admission).await,
            change => reply::beside(move || change.run_blocking(&admission, &gateway)).await,
        }
    }

    fn run_blocking(self, admission: &Admission, gateway: &Gateway) -> Reply {
        match self {
            Change::Reconcile(reconcile) => reconcile.reply(admission),
            Change::BackUp(backup) => backup.reply(admission),
            Change::Accept(accept) => accept.reply(admission),
            Change::ClearHonesty(clear) => clear.reply(gateway, admission),
            Change::RunAudit(_) => {
                reply::error(StatusCode::INTERNAL_SERVER_ERROR, "an audit is not run here")
            }
        }
    }
}

fn parsed<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(body).map_err(|error| Unreadable::Body(error.to_string()))
}
