//! [`Outbox`]: what was said and what is still to be delivered, in a SQLite file of its own.
//!
//! An event, the crossings it announces and one delivery per channel are committed together, with a sync to disk,
//! before anything is sent. A delivery is leased before it is tried, so that two processes on one file do not both
//! send it; after a crash the lease runs out and it is tried again, under the same id.
//!
//! Fails open: alerts that cannot be written are logged, and no request ever waits for them.

pub(crate) mod report;
mod rows;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use money::Nano;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use thiserror::Error;

use crate::channel::Outcome;
use crate::event::{Event, Kind};
use crate::retry;
use crate::watch::{Crossing, Decision};
use crate::words;

/// The schema of this program.
const VERSION: u32 = 1;
const BUSY: Duration = Duration::from_secs(5);
/// Deliveries that wait, at most; those that come on top are dropped, and said to be.
const WAITING_MAX: i64 = 10_000;
/// Longer than any attempt takes, milliseconds.
const LEASE_MS: i64 = 90_000;
/// Events are kept this long, milliseconds: 90 days.
const KEEP_MS: i64 = 90 * 86_400_000;
/// Crossings of ended windows are kept this long, milliseconds: a clock that goes back announces nothing again.
pub(crate) const KEEP_CROSSINGS_MS: i64 = 7 * 86_400_000;
/// The longest answer that is kept, characters.
const ANSWER_CHARS_MAX: usize = 300;

/// Why the outbox cannot be used.
#[derive(Debug, Error)]
pub enum OutboxError {
    /// The file cannot be made.
    #[error("cannot make {0}")]
    Make(std::path::PathBuf, #[source] std::io::Error),
    /// SQLite says no.
    #[error("cannot {0} the alerts")]
    Sqlite(&'static str, #[source] rusqlite::Error),
    /// A row is not what this program writes.
    #[error("a row of the alerts cannot be read: {0}")]
    Row(String),
    /// Written by a newer program.
    #[error("the alerts were written by a newer farebox (version {0} of the file)")]
    TooNew(u32),
}

/// The file.
#[derive(Debug)]
pub(crate) struct Outbox {
    connection: Connection,
    random: fastrand::Rng,
}

/// A delivery to be tried now.
#[derive(Debug)]
pub(crate) struct Leased {
    pub(crate) seq: i64,
    pub(crate) event: Event,
    pub(crate) attempts: u32,
}

fn failed(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> OutboxError {
    move |error| OutboxError::Sqlite(doing, error)
}

impl Outbox {
    /// Opens or makes the file, readable for its owner alone.
    pub(crate) fn open(file: &Path) -> Result<Outbox, OutboxError> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(file)
            .map_err(|error| OutboxError::Make(file.to_path_buf(), error))?;
        let mut connection = Connection::open(file).map_err(failed("open"))?;
        connection.busy_timeout(BUSY).map_err(failed("open"))?;
        for (pragma, value) in [
            ("journal_mode", "WAL"),
            ("synchronous", "FULL"),
            ("foreign_keys", "ON"),
            ("trusted_schema", "OFF"),
        ] {
            match connection.pragma_update_and_check(None, pragma, value, |_| Ok(())) {
                // A pragma that answers with nothing.
                Ok(()) | Err(rusqlite::Error::QueryReturnedNoRows) => {}
                Err(error) => return Err(OutboxError::Sqlite("set up", error)),
            }
        }
        migrate(&mut connection)?;
        Ok(Outbox { connection, random: fastrand::Rng::new() })
    }

    /// What was said so far.
    pub(crate) fn crossings(&self) -> Result<Vec<Crossing>, OutboxError> {
        rows::crossings(&self.connection)
    }

    /// Commits a decision for these channels. Returns whether it was news: another process may have said it first.
    pub(crate) fn record(&mut self, decision: &Decision, channels: &[String]) -> Result<bool, OutboxError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed("write"))?;
        let mut changed = 0;
        for crossing in &decision.opens {
            changed += rows::open_crossing(&transaction, &decision.subject, crossing)?;
        }
        for (threshold, window) in &decision.closes {
            changed += transaction
                .execute(
                    "UPDATE crossing SET is_open = 0 WHERE subject = ?1 AND threshold = ?2 AND window = ?3 AND is_open",
                    params![decision.subject, threshold, window],
                )
                .map_err(failed("write"))?;
        }
        if let Some(event) = decision.event.as_ref().filter(|_| changed > 0) {
            enqueue(&transaction, event, channels)?;
        }
        transaction.commit().map_err(failed("write"))?;
        Ok(changed > 0)
    }

    /// Commits an event that is no decision: a test.
    pub(crate) fn add(&mut self, event: &Event, channels: &[String]) -> Result<(), OutboxError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed("write"))?;
        enqueue(&transaction, event, channels)?;
        transaction.commit().map_err(failed("write"))
    }

    /// Takes the next delivery of a channel that is due; tests first, for somebody waits for them. Of one incident, only the oldest: nothing is closed before it
    /// was announced.
    pub(crate) fn lease(&mut self, channel: &str, now_ms: i64) -> Result<Option<Leased>, OutboxError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed("write"))?;
        let due: Option<(i64, u32, String)> = transaction
            .prepare_cached(
                "SELECT delivery.event, attempts, json FROM delivery JOIN event ON event.seq = delivery.event
                 WHERE channel = ?1 AND state = 'waiting' AND next_ms <= ?2 AND leased_until_ms <= ?2
                   AND NOT EXISTS (SELECT 1 FROM delivery AS older WHERE older.channel = ?1 AND older.state = 'waiting'
                                   AND older.incident = delivery.incident AND older.event < delivery.event)
                 ORDER BY delivery.incident NOT LIKE 'farebox/test/%', delivery.event LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![channel, now_ms], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                    .optional()
            })
            .map_err(failed("read"))?;
        let Some((seq, attempts, json)) = due else { return Ok(None) };
        transaction
            .execute(
                "UPDATE delivery SET attempts = attempts + 1, leased_until_ms = ?3, last_ms = ?4 WHERE event = ?1 AND channel = ?2",
                params![seq, channel, now_ms.saturating_add(LEASE_MS), now_ms],
            )
            .map_err(failed("write"))?;
        transaction.commit().map_err(failed("write"))?;
        let event = serde_json::from_str(&json).map_err(|error| OutboxError::Row(error.to_string()))?;
        Ok(Some(Leased { seq, event, attempts: attempts + 1 }))
    }

    /// Writes down how an attempt ended. A channel that works again takes what waited for it at once.
    pub(crate) fn ended(
        &mut self,
        channel: &str,
        leased: &Leased,
        outcome: &Outcome,
        now_ms: i64,
    ) -> Result<(), OutboxError> {
        let (state, next_ms, not_before_ms) = match outcome {
            Outcome::Delivered { .. } => ("delivered", now_ms, 0),
            Outcome::Final { .. } | Outcome::Gone { .. } => ("failed", now_ms, 0),
            Outcome::Later { retry_after_ms, .. } => {
                let wait_ms = retry_after_ms.unwrap_or(0);
                match retry::next_ms(leased.attempts, *retry_after_ms, now_ms, &mut self.random) {
                    Some(next_ms) => ("waiting", next_ms, now_ms.saturating_add(wait_ms).min(next_ms)),
                    None => ("failed", now_ms, 0),
                }
            }
        };
        let answer = words::printable(outcome.words(), ANSWER_CHARS_MAX);
        self.connection
            .execute(
                "UPDATE delivery SET state = ?3, next_ms = ?4, not_before_ms = ?5, leased_until_ms = 0, last_ms = ?6, answer = ?7
                 WHERE event = ?1 AND channel = ?2",
                params![leased.seq, channel, state, next_ms, not_before_ms, now_ms, answer],
            )
            .map_err(failed("write"))?;
        if matches!(outcome, Outcome::Delivered { .. }) {
            self.connection
                .execute(
                    "UPDATE delivery SET next_ms = max(?2, not_before_ms) WHERE channel = ?1 AND state = 'waiting' AND next_ms > ?2",
                    params![channel, now_ms],
                )
                .map_err(failed("write"))?;
        }
        Ok(())
    }

    /// Ends an event's deliveries that still wait: nobody wants them later.
    pub(crate) fn give_up(&mut self, event: &str) -> Result<(), OutboxError> {
        self.connection
            .execute(
                "UPDATE delivery SET state = 'failed' WHERE state = 'waiting' AND event = (SELECT seq FROM event WHERE id = ?1)",
                [event],
            )
            .map_err(failed("write"))?;
        Ok(())
    }

    /// A channel whose receiver is gone for good: nothing is sent there any more.
    pub(crate) fn disable(
        &mut self,
        channel: &str,
        place: &str,
        why: &str,
        now_ms: i64,
    ) -> Result<(), OutboxError> {
        let why = words::printable(why, ANSWER_CHARS_MAX);
        self.connection
            .execute(
                "INSERT OR REPLACE INTO channel (name, disabled_ms, why, place) VALUES (?1, ?2, ?3, ?4)",
                params![channel, now_ms, why, place],
            )
            .and_then(|_| {
                self.connection.execute(
                    "UPDATE delivery SET state = 'disabled', answer = ?2 WHERE channel = ?1 AND state = 'waiting'",
                    params![channel, why],
                )
            })
            .map_err(failed("write"))?;
        Ok(())
    }

    /// Switches a channel on again: it was pointed at another place, or a test arrived.
    pub(crate) fn enable(&mut self, channel: &str) -> Result<(), OutboxError> {
        self.connection.execute("DELETE FROM channel WHERE name = ?1", [channel]).map_err(failed("write"))?;
        Ok(())
    }

    /// Why a channel is switched off, and the place it had then.
    pub(crate) fn disabled(&self, channel: &str) -> Result<Option<(String, String)>, OutboxError> {
        self.connection
            .query_row("SELECT why, place FROM channel WHERE name = ?1", [channel], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .map_err(failed("read"))
    }

    /// What was used at instants of the last day, oldest first.
    pub(crate) fn samples(&self, subject: &str) -> Result<Vec<(i64, Nano)>, OutboxError> {
        rows::samples(&self.connection, subject)
    }

    /// Remembers what was used at an instant, and forgets what is older than `before_ms`.
    pub(crate) fn sample(
        &mut self,
        subject: &str,
        at_ms: i64,
        used: Nano,
        before_ms: i64,
    ) -> Result<(), OutboxError> {
        self.connection
            .execute("DELETE FROM sample WHERE subject = ?1 AND at_ms < ?2", params![subject, before_ms])
            .and_then(|_| {
                self.connection.execute(
                    "INSERT OR REPLACE INTO sample (subject, at_ms, used) VALUES (?1, ?2, ?3)",
                    params![subject, at_ms, used.nanos()],
                )
            })
            .map_err(failed("write"))?;
        Ok(())
    }

    /// Forgets what is long over.
    pub(crate) fn prune(&mut self, now_ms: i64) -> Result<(), OutboxError> {
        let (events_ms, crossings_ms) = (now_ms - KEEP_MS, now_ms - KEEP_CROSSINGS_MS);
        self.connection
            .execute(
                "DELETE FROM event WHERE at_ms < ?1 AND id NOT IN (SELECT event FROM crossing)",
                [events_ms],
            )
            .and_then(|_| {
                self.connection
                    .execute("DELETE FROM crossing WHERE NOT is_open AND ends_ms < ?1", [crossings_ms])
            })
            .map_err(failed("prune"))?;
        Ok(())
    }
}

fn migrate(connection: &mut Connection) -> Result<(), OutboxError> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed("migrate"))?;
    let found: u32 =
        transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed("read"))?;
    match found {
        0 => {
            transaction.execute_batch(include_str!("schema.sql")).map_err(failed("migrate"))?;
            transaction.pragma_update(None, "user_version", VERSION).map_err(failed("migrate"))?;
        }
        VERSION => {}
        newer => return Err(OutboxError::TooNew(newer)),
    }
    transaction.commit().map_err(failed("migrate"))
}

/// The event once, and a delivery for each channel.
fn enqueue(connection: &Connection, event: &Event, channels: &[String]) -> Result<(), OutboxError> {
    let json = serde_json::to_string(event).map_err(|error| OutboxError::Row(error.to_string()))?;
    let is_new = connection
        .execute(
            "INSERT INTO event (id, at_ms, json) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING",
            params![event.id, event.at_ms, json],
        )
        .map_err(failed("write"))?;
    if is_new == 0 {
        return Ok(());
    }
    let seq = connection.last_insert_rowid();
    let waiting: i64 = connection
        .query_row("SELECT count(*) FROM delivery WHERE state = 'waiting'", [], |row| row.get(0))
        .map_err(failed("read"))?;
    for channel in channels {
        let off: Option<String> = connection
            .query_row("SELECT why FROM channel WHERE name = ?1", [channel], |row| row.get(0))
            .optional()
            .map_err(failed("read"))?;
        let (state, answer) = match off {
            // A test is how one finds out that it works again.
            Some(why) if event.kind != Kind::Test => ("disabled", Some(why)),
            _ if waiting >= WAITING_MAX => ("dropped", Some("too many messages wait already".to_owned())),
            _ => ("waiting", None),
        };
        connection
            .execute(
                "INSERT INTO delivery (event, channel, incident, state, next_ms, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![seq, channel, event.incident, state, event.at_ms, answer],
            )
            .map_err(failed("write"))?;
    }
    Ok(())
}
