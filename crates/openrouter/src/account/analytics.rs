//! `POST /analytics/query`: what was billed for each generation, with a management key (CONTRACT 7.3; shapes of
//! 2026-08-22).
//!
//! The one way to learn of a generation whose id no answer told. What it is not: proof that something was *not*
//! billed, for it lags as the counters do. The dimension `generation_id`, the metric `total_usage` and the limits of
//! 31 days, 10,000 rows and 64 questions a minute are those of OpenRouter's cookbook
//! (`administration/analytics-cost-control`) and skill (`openrouter-analytics-query`), read on 2026-11-24; none of it was
//! seen on the wire. Under BYOK it tells OpenRouter's own part alone.
//!
//! Asking: a range that is cut short or times out is asked again in halves, until it is a second long or the questions
//! are used up. Failing: closed. What was cut short or cannot be read makes the answer incomplete, and a refusal is an
//! error; neither is ever taken for "nothing was billed".

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use http::Method;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::read::{self, Data};
use super::{AccountError, Admin};
use crate::usage::Charge;

const DAY_MS: i64 = 86_400_000;
/// Longer ranges are turned away where generations are asked for.
const RANGE_MS_MAX: i64 = 31 * DAY_MS;
/// A range that is not halved any more.
const RANGE_MS_MIN: i64 = 1_000;
/// The most rows that one answer may have.
const ROWS_MAX: u32 = 10_000;
/// Questions for one call; OpenRouter takes 64 a minute.
const QUESTIONS_MAX: usize = 128;

/// What was billed in a range of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BilledGenerations {
    /// Each generation once, in no order.
    pub rows: Vec<BilledGeneration>,
    /// Whether that is all that OpenRouter knew of. If not, a generation that is missing here may be there.
    pub complete: bool,
}

/// One generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BilledGeneration {
    /// Its id.
    pub id: String,
    /// When it began, to the minute, milliseconds since 1970; the start of the range that was asked for when the answer
    /// does not tell.
    pub created_ms: i64,
    /// What OpenRouter calls its model: a label for people.
    pub model: Option<String>,
    /// What OpenRouter charged, digits as written.
    pub charge: Charge,
}

/// From a moment on, until before another; milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    from: i64,
    until: i64,
}

#[derive(Serialize)]
struct Query<'a> {
    metrics: [&'a str; 1],
    dimensions: [&'a str; 2],
    granularity: &'a str,
    time_range: Times,
    filters: Vec<Filter<'a>>,
    limit: u32,
}

#[derive(Serialize)]
struct Times {
    start: String,
    end: String,
}

#[derive(Serialize)]
struct Filter<'a> {
    field: &'a str,
    operator: &'a str,
    value: &'a str,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Row>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    truncated: bool,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default, deserialize_with = "read::text")]
    generation_id: Option<String>,
    #[serde(default, deserialize_with = "read::text")]
    model: Option<String>,
    #[serde(default, deserialize_with = "read::number")]
    total_usage: Option<String>,
    /// Either name was seen, by the source that a question is answered from.
    #[serde(rename = "created_at__minute", alias = "date__minute")]
    #[serde(default, deserialize_with = "read::text")]
    minute: Option<String>,
}

impl Admin {
    /// What OpenRouter billed for each generation that began from `from_ms` on and before `until_ms` (milliseconds since
    /// 1970), of one key by its hash (64 hex digits) or of all.
    ///
    /// # Errors
    /// [`AccountError`]: 401, 403, 408 (for a range of a second, too) and 429 each have their own.
    pub async fn generations_billed(
        &self,
        from_ms: i64,
        until_ms: i64,
        key_hash: Option<&str>,
    ) -> Result<BilledGenerations, AccountError> {
        let mut ranges = Range { from: from_ms, until: until_ms }.parts();
        let mut found = Found { complete: true, ..Found::default() };
        for _ in 0..QUESTIONS_MAX {
            let Some(range) = ranges.pop() else { return Ok(found.into()) };
            match (self.page(range, key_hash).await, range.halves()) {
                (Ok(page), Some(halves)) if page.metadata.truncated => ranges.extend(halves),
                (Ok(page), _) => found.take(page, range),
                (Err(AccountError::TimedOut), Some(halves)) => ranges.extend(halves),
                (Err(error), _) => return Err(error),
            }
        }
        found.complete &= ranges.is_empty();
        Ok(found.into())
    }

    async fn page(&self, range: Range, key_hash: Option<&str>) -> Result<Page, AccountError> {
        let of_key = key_hash.map(|value| Filter { field: "api_key_id", operator: "eq", value });
        let query = Query {
            metrics: ["total_usage"],
            dimensions: ["generation_id", "model"],
            granularity: "minute",
            time_range: Times { start: iso(range.from), end: iso(range.until) },
            filters: of_key.into_iter().collect(),
            limit: ROWS_MAX,
        };
        let answer: Data<Page> = self.send(Method::POST, "/analytics/query", &query).await?;
        Ok(answer.data)
    }
}

impl Range {
    /// Ranges that may be asked for, the earliest last.
    fn parts(self) -> Vec<Range> {
        let mut parts = Vec::new();
        let mut until = self.until;
        while until > self.from {
            let from = until.saturating_sub(RANGE_MS_MAX).max(self.from);
            parts.push(Range { from, until });
            until = from;
        }
        parts
    }

    fn halves(self) -> Option<[Range; 2]> {
        let length = self.until - self.from;
        let middle = self.from + length / 2;
        (length > RANGE_MS_MIN).then_some([Range { from: middle, ..self }, Range { until: middle, ..self }])
    }
}

/// What came so far.
#[derive(Default)]
struct Found {
    by_id: HashMap<String, BilledGeneration>,
    complete: bool,
}

impl Found {
    fn take(&mut self, page: Page, range: Range) {
        self.complete &= !page.metadata.truncated;
        for row in page.data {
            match row.read(range) {
                Some(row) => self.add(row),
                None => self.complete = false,
            }
        }
    }

    /// One generation in two rows: the same row again, or two parts of what it cost.
    fn add(&mut self, row: BilledGeneration) {
        match self.by_id.entry(row.id.clone()) {
            Entry::Vacant(place) => drop(place.insert(row)),
            Entry::Occupied(place) if *place.get() == row => {}
            Entry::Occupied(mut place) => match place.get().charge.plus(&row.charge) {
                Some(charge) => place.get_mut().charge = charge,
                None => self.complete = false,
            },
        }
    }
}

impl From<Found> for BilledGenerations {
    fn from(found: Found) -> Self {
        BilledGenerations { rows: found.by_id.into_values().collect(), complete: found.complete }
    }
}

impl Row {
    /// Nothing when it has no id or no cost: what it costs is not known, which is not zero.
    fn read(self, range: Range) -> Option<BilledGeneration> {
        Some(BilledGeneration {
            id: self.generation_id?,
            created_ms: self.minute.as_deref().and_then(milliseconds).unwrap_or(range.from),
            model: self.model,
            charge: Charge::read(&self.total_usage?)?,
        })
    }
}

/// `2026-11-24T10:00:00.123Z`; what is beyond the calendar is its end.
fn iso(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms);
    let end = if ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    format!("{:.3}", at.unwrap_or(end))
}

/// A time as written: with a zone, or without one, which means UTC; or a date alone.
fn milliseconds(text: &str) -> Option<i64> {
    let zoned = text.parse::<Timestamp>();
    let at = zoned.or_else(|_| TimeZone::UTC.to_timestamp(text.parse::<DateTime>()?));
    at.ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: Range = Range { from: 1_795_428_000_000, until: 1_795_428_600_000 };

    fn take(rows: &str) -> BilledGenerations {
        let body = format!(
            r#"{{"data":{{"data":[{rows}],"metadata":{{"query_time_ms":7,"row_count":1,"truncated":false}},"cachedAt":1}}}}"#
        );
        let page = serde_json::from_str::<Data<Page>>(&body).expect(&body).data;
        let mut found = Found { complete: true, ..Found::default() };
        found.take(page, RANGE);
        found.into()
    }

    /// A row as the cookbook shows them.
    fn row(id: &str, usage: &str) -> String {
        format!(
            r#"{{"created_at__minute":"2026-11-23T10:01:00.000Z","generation_id":"{id}","model":"GPT-4o mini","total_usage":{usage},"request_count":"1","user":null,"user_email":null}}"#
        )
    }

    #[test]
    fn costs_are_kept_as_written() {
        for (usage, nanos, text) in [
            ("0.0000357", 35_700, "0.0000357"),
            ("1.979964E-6", 1_980, "1.979964E-6"),
            ("\"0.00000000010\"", 1, "0.00000000010"),
            ("0", 0, "0"),
        ] {
            let told = take(&row("gen-1", usage));
            let own = &told.rows[0];
            assert_eq!((own.charge.amount.nanos(), own.charge.text.as_str()), (nanos, text));
            assert_eq!((own.created_ms, own.model.as_deref()), (1_795_428_060_000, Some("GPT-4o mini")));
            assert!(told.complete);
        }
    }

    #[test]
    fn unknown_is_not_nothing() {
        for bad in [
            row("gen-1", "null"),
            row("gen-1", "-0.5"),
            row("gen-1", "\"much\""),
            row("", "1"),
            r#"{"generation_id":"gen-1"}"#.to_owned(),
            r#"{"total_usage":1}"#.to_owned(),
        ] {
            let told = take(&format!("{},{bad}", row("gen-0", "0.5")));
            assert_eq!((told.rows.len(), told.complete), (1, false), "{bad}");
        }
    }

    #[test]
    fn one_generation_in_two_rows() {
        let told = take(&[row("gen-1", "0.5"), row("gen-1", "0.5"), row("gen-1", "0.25")].join(","));
        assert_eq!((told.rows.len(), told.rows[0].charge.text.as_str()), (1, "0.5+0.25"));
    }

    #[test]
    fn times_as_written() {
        for (text, expect) in [
            ("2026-11-23T10:01:00.000Z", Some(1_795_428_060_000)),
            ("2026-11-23T10:01:00+00:00", Some(1_795_428_060_000)),
            ("2026-11-23 10:01:00", Some(1_795_428_060_000)),
            ("2026-11-23", Some(1_795_392_000_000)),
            ("now", None),
        ] {
            assert_eq!(milliseconds(text), expect, "{text}");
        }
        assert_eq!(iso(1_795_428_060_007), "2026-11-23T10:01:00.007Z");
        assert!(iso(i64::MAX).starts_with("9999-"));
    }

    #[test]
    fn ranges_are_cut() {
        let parts = Range { from: 0, until: 70 * DAY_MS }.parts();
        assert_eq!(parts.len(), 3);
        assert_eq!(parts[2], Range { from: 0, until: 8 * DAY_MS });
        assert!(Range { from: 5, until: 5 }.parts().is_empty());
        let halves = Range { from: 0, until: 1_001 }.halves().expect("halves");
        assert_eq!(halves, [Range { from: 500, until: 1_001 }, Range { from: 0, until: 500 }]);
        assert_eq!(Range { from: 0, until: 1_000 }.halves(), None);
    }
}
