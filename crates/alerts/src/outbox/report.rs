//! What people are told about alerts: [`Report`], the one shape of the console and of `--json`.

use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Outbox, OutboxError, failed};
use crate::event::Event;
use crate::words::rfc3339;

/// Open alerts, what was said of late, and how each channel does. Instants are RFC 3339 in UTC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What was announced and is not over, oldest first.
    pub open: Vec<EventRow>,
    /// What was said of late, newest first.
    pub recent: Vec<EventRow>,
    /// Each channel.
    pub channels: Vec<ChannelRow>,
}

/// An event and where it went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRow {
    /// Such as `budget.threshold`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When.
    pub at: String,
    /// As channels get it.
    pub data: Value,
    /// Its way to each channel.
    pub deliveries: Vec<DeliveryRow>,
}

/// An event on its way to a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// The channel.
    pub channel: String,
    /// `waiting`, `delivered`, `failed`, `disabled` or `dropped`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The next attempt, while it waits.
    pub next_at: Option<String>,
    /// The last attempt.
    pub last_at: Option<String>,
    /// How that ended.
    pub answer: Option<String>,
}

/// A channel and how it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRow {
    /// Its name.
    pub name: String,
    /// `slack`, `pagerduty`, `webhook`, `email` or `command`; `null` when the configuration no longer has it.
    pub kind: Option<String>,
    /// Messages that wait for it.
    pub waiting: u64,
    /// Messages delivered.
    pub delivered: u64,
    /// Messages given up: refused for good, tried too often, dropped or switched off.
    pub failed: u64,
    /// Why it is switched off.
    pub disabled: Option<String>,
}

impl Report {
    /// Channels to which nothing was said yet.
    pub(crate) fn without_events(kinds: &[(String, &str)]) -> Self {
        let channels = kinds.iter().map(|(name, kind)| ChannelRow::new(name, Some(kind)));
        Report { channels: channels.collect(), ..Report::default() }
    }
}

impl ChannelRow {
    fn new(name: &str, kind: Option<&str>) -> Self {
        ChannelRow {
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
            waiting: 0,
            delivered: 0,
            failed: 0,
            disabled: None,
        }
    }
}

impl Outbox {
    /// The open events with their deliveries, the last `most` events, and counts for each channel; `kinds` are the
    /// names and kinds of those configured.
    pub(crate) fn report(
        &self,
        open: &[&Event],
        kinds: &[(String, &str)],
        most: u32,
    ) -> Result<Report, OutboxError> {
        let open: Result<_, _> = open.iter().map(|event| self.row(event)).collect();
        let mut statement = self
            .connection
            .prepare_cached("SELECT json FROM event ORDER BY seq DESC LIMIT ?1")
            .map_err(failed("read"))?;
        let recent = statement.query_map([most], |row| row.get::<_, String>(0)).map_err(failed("read"))?;
        let recent = recent.map(|json| {
            let event: Event = serde_json::from_str(&json.map_err(failed("read"))?)
                .map_err(|error| OutboxError::Row(error.to_string()))?;
            self.row(&event)
        });
        Ok(Report { open: open?, recent: recent.collect::<Result<_, _>>()?, channels: self.channels(kinds)? })
    }

    fn row(&self, event: &Event) -> Result<EventRow, OutboxError> {
        Ok(EventRow {
            kind: event.name(),
            at: rfc3339(event.at_ms),
            data: event.data(),
            deliveries: self.deliveries(&event.id)?,
        })
    }

    /// The deliveries of an event.
    pub(crate) fn deliveries(&self, event: &str) -> Result<Vec<DeliveryRow>, OutboxError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT channel, state, attempts, next_ms, last_ms, answer FROM delivery
                 JOIN event ON event.seq = delivery.event WHERE event.id = ?1 ORDER BY channel",
            )
            .map_err(failed("read"))?;
        let rows = statement.query_map(params![event], |row| {
            let state: String = row.get(1)?;
            let next_ms: i64 = row.get(3)?;
            Ok(DeliveryRow {
                channel: row.get(0)?,
                attempts: row.get(2)?,
                next_at: (state == "waiting").then(|| rfc3339(next_ms)),
                last_at: row.get::<_, Option<i64>>(4)?.map(rfc3339),
                answer: row.get(5)?,
                state,
            })
        });
        rows.and_then(Iterator::collect).map_err(failed("read"))
    }

    fn channels(&self, kinds: &[(String, &str)]) -> Result<Vec<ChannelRow>, OutboxError> {
        let mut channels = Report::without_events(kinds).channels;
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT channel, state, count(*) FROM delivery GROUP BY channel, state ORDER BY channel",
            )
            .map_err(failed("read"))?;
        let counts = statement
            .query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, u32>(2)?))
            })
            .map_err(failed("read"))?;
        for count in counts {
            let (name, state, count) = count.map_err(failed("read"))?;
            let at = channels.iter().position(|channel| channel.name == name).unwrap_or_else(|| {
                channels.push(ChannelRow::new(&name, None));
                channels.len() - 1
            });
            match state.as_str() {
                "waiting" => channels[at].waiting += u64::from(count),
                "delivered" => channels[at].delivered += u64::from(count),
                _ => channels[at].failed += u64::from(count),
            }
        }
        for channel in &mut channels {
            channel.disabled = self.disabled(&channel.name)?.map(|(why, _)| why);
        }
        Ok(channels)
    }
}
