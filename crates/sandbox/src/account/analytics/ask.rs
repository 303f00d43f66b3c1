//! [`Query`]: a question to the analytics, checked.

use serde::Deserialize;
use serde_json::Value;

use crate::clock::{DAY_MS, Moment, days_of_week_and_month};
use crate::error::Failure;

/// Longer ranges are turned away where single generations are asked for, and here always.
const RANGE_MS_MAX: u64 = 31 * DAY_MS;
const RANGE_MS_DEFAULT: u64 = 7 * DAY_MS;
const ROWS_DEFAULT: usize = 1000;
const ROWS_MAX: usize = 10_000;
const DIMENSIONS_MAX: usize = 2;
const FILTERS_MAX: usize = 20;

/// What is asked.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) metrics: Vec<Metric>,
    pub(crate) dimensions: Vec<Dimension>,
    pub(crate) granularity: Option<Granularity>,
    pub(crate) filters: Vec<Filter>,
    /// From a moment on, until before another.
    pub(crate) start: Moment,
    pub(crate) end: Moment,
    pub(crate) order: Option<Order>,
    pub(crate) limit: usize,
    /// Rows of one combination of dimensions.
    pub(crate) group_limit: usize,
}

/// Words that the API has, with their names.
macro_rules! words {
    ($(#[$about:meta])* $kind:ident { $($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $kind { $($(#[$doc])* $variant),+ }

        impl $kind {
            pub(crate) const ALL: &[$kind] = &[$($kind::$variant),+];

            pub(crate) fn name(self) -> &'static str {
                match self { $($kind::$variant => $name),+ }
            }

            fn read(name: &str) -> Option<$kind> {
                $kind::ALL.iter().copied().find(|own| own.name() == name)
            }
        }
    };
}

words! {
    /// What is summed.
    Metric {
        Requests = "request_count",
        /// USD that OpenRouter charges.
        Usage = "total_usage",
        Prompt = "tokens_prompt",
        Completion = "tokens_completion",
        Total = "tokens_total",
        Reasoning = "reasoning_tokens",
    }
}

words! {
    /// What rows are grouped by.
    Dimension {
        Generation = "generation_id",
        Model = "model",
        Provider = "provider",
        Key = "api_key_id",
        Workspace = "workspace",
    }
}

words! {
    /// Steps of time.
    Granularity { Minute = "minute", Hour = "hour", Day = "day", Week = "week", Month = "month" }
}

words! {
    /// How a filter compares.
    Operator {
        Eq = "eq",
        Neq = "neq",
        In = "in",
        NotIn = "not_in",
        Gt = "gt",
        Gte = "gte",
        Lt = "lt",
        Lte = "lte",
    }
}

/// One condition; the values are texts.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) dimension: Dimension,
    operator: Operator,
    values: Vec<String>,
}

/// What rows are sorted by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) by: By,
    pub(crate) descending: bool,
}

/// One of the columns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    Metric(Metric),
    Dimension(Dimension),
    Date,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    metrics: Vec<String>,
    #[serde(default)]
    dimensions: Vec<String>,
    granularity: Option<String>,
    time_range: Option<Range>,
    #[serde(default)]
    filters: Vec<Condition>,
    order_by: Option<OrderBy>,
    limit: Option<u64>,
    group_limit: Option<u64>,
}

#[derive(Deserialize)]
struct Range {
    start: String,
    end: String,
}

#[derive(Deserialize)]
struct Condition {
    field: String,
    operator: String,
    value: Value,
}

#[derive(Deserialize)]
struct OrderBy {
    field: String,
    direction: String,
}

impl Query {
    /// Reads a body, or says what is wrong with it.
    pub(crate) fn read(body: &[u8], now: Moment) -> Result<Query, Failure> {
        let body: Body = serde_json::from_slice(body).map_err(|error| wrong(&error.to_string()))?;
        if body.metrics.is_empty() {
            return Err(wrong("metrics: expected array to have >=1 items"));
        }
        if body.dimensions.len() > DIMENSIONS_MAX {
            return Err(wrong("dimensions: Too big: expected array to have <=2 items"));
        }
        if body.filters.len() > FILTERS_MAX {
            return Err(wrong("filters: Too big: expected array to have <=20 items"));
        }
        let metrics = all(&body.metrics, "metric", Metric::read)?;
        let dimensions = all(&body.dimensions, "dimension", Dimension::read)?;
        let (start, end) = range(body.time_range.as_ref(), now)?;
        let order = body.order_by.as_ref().map(|by| Order::read(by, &metrics, &dimensions)).transpose()?;
        Ok(Query {
            granularity: body
                .granularity
                .map(|name| one(&name, "granularity", Granularity::read))
                .transpose()?,
            filters: body.filters.iter().map(Filter::read).collect::<Result<_, _>>()?,
            limit: rows(body.limit, "limit")?.unwrap_or(ROWS_DEFAULT),
            group_limit: rows(body.group_limit, "group_limit")?.unwrap_or(usize::MAX),
            metrics,
            dimensions,
            start,
            end,
            order,
        })
    }
}

impl Filter {
    fn read(condition: &Condition) -> Result<Filter, Failure> {
        let dimension = one(&condition.field, "dimension", Dimension::read)?;
        let operator = one(&condition.operator, "operator", Operator::read)?;
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let values = match (&condition.value, operator.takes_list()) {
            (Value::Array(values), true) => values.iter().map(text).collect(),
            (value, false) => text(value).map(|value| vec![value]),
            _ => None,
        };
        let values =
            values.ok_or_else(|| wrong(&format!("filters: a value does not fit {}", operator.name())))?;
        Ok(Filter { dimension, operator, values })
    }

    /// Whether something that goes by these names is let through.
    pub(crate) fn passes(&self, names: &[&str]) -> bool {
        let any = |holds: fn(&str, &str) -> bool| {
            self.values.iter().any(|value| names.iter().any(|name| holds(name, value)))
        };
        match self.operator {
            Operator::Eq | Operator::In => any(|name, value| name == value),
            Operator::Neq | Operator::NotIn => !any(|name, value| name == value),
            Operator::Gt => any(|name, value| name > value),
            Operator::Gte => any(|name, value| name >= value),
            Operator::Lt => any(|name, value| name < value),
            Operator::Lte => any(|name, value| name <= value),
        }
    }
}

impl Operator {
    pub(crate) fn takes_list(self) -> bool {
        matches!(self, Operator::In | Operator::NotIn)
    }
}

impl Granularity {
    /// The beginning of the step that a moment is in.
    pub(crate) fn floor(self, at: Moment) -> Moment {
        let (week, month) = days_of_week_and_month(at);
        match self {
            Granularity::Minute => Moment(at.0 - at.0 % 60_000),
            Granularity::Hour => Moment(at.0 - at.0 % 3_600_000),
            Granularity::Day => Moment::of_day(at.day()),
            Granularity::Week => Moment::of_day(week),
            Granularity::Month => Moment::of_day(month),
        }
    }
}

impl Order {
    fn read(by: &OrderBy, metrics: &[Metric], dimensions: &[Dimension]) -> Result<Order, Failure> {
        let descending = match by.direction.as_str() {
            "asc" => false,
            "desc" => true,
            _ => return Err(wrong("order_by: direction is asc or desc")),
        };
        let metric = Metric::read(&by.field).filter(|own| *own == Metric::Requests || metrics.contains(own));
        let dimension = Dimension::read(&by.field).filter(|own| dimensions.contains(own));
        let by = match (metric, dimension) {
            (Some(metric), _) => By::Metric(metric),
            (None, Some(dimension)) => By::Dimension(dimension),
            (None, None) if by.field == "date" => By::Date,
            (None, None) => return Err(wrong("order_by: the field is not among those asked for")),
        };
        Ok(Order { by, descending })
    }
}

fn range(range: Option<&Range>, now: Moment) -> Result<(Moment, Moment), Failure> {
    let Some(range) = range else {
        // What began in this millisecond is in it.
        let end = now.after_ms(1);
        return Ok((Moment(end.0.saturating_sub(RANGE_MS_DEFAULT)), end));
    };
    let read = |text: &str| Moment::parse(text).ok_or_else(|| wrong("time_range: Invalid ISO datetime"));
    let (start, end) = (read(&range.start)?, read(&range.end)?);
    if start >= end {
        return Err(wrong("time_range: start must be before end"));
    }
    if end.0 - start.0 > RANGE_MS_MAX {
        return Err(wrong("time_range: Time range cannot exceed 31 days for this query"));
    }
    Ok((start, end))
}

fn rows(asked: Option<u64>, name: &str) -> Result<Option<usize>, Failure> {
    let fits = |rows: &u64| (1..=ROWS_MAX as u64).contains(rows);
    match asked {
        None => Ok(None),
        Some(rows) if fits(&rows) => Ok(Some(rows as usize)),
        Some(_) => Err(wrong(&format!("{name}: expected a number from 1 to {ROWS_MAX}"))),
    }
}

fn one<T>(name: &str, kind: &str, read: fn(&str) -> Option<T>) -> Result<T, Failure> {
    read(name).ok_or_else(|| wrong(&format!("unknown {kind}: {name}")))
}

fn all<T>(names: &[String], kind: &str, read: fn(&str) -> Option<T>) -> Result<Vec<T>, Failure> {
    names.iter().map(|name| one(name, kind, read)).collect()
}

fn wrong(why: &str) -> Failure {
    Failure::invalid(format!("Invalid request parameters: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &str) -> Result<Query, Failure> {
        Query::read(
            format!("{{\"metrics\":[\"total_usage\"]{fields}}}").as_bytes(),
            Moment(1_795_428_001_123),
        )
    }

    #[test]
    fn what_is_taken() {
        let query = read("").expect("a query");
        assert_eq!((query.limit, query.end.0 - query.start.0), (1000, 7 * DAY_MS));
        let range = r#","time_range":{"start":"2026-11-01T00:00:00Z","end":"2026-12-02T00:00:00.000Z"}"#;
        assert_eq!(read(range).expect("31 days").end, Moment::parse("2026-12-02T00:00:00Z").expect("a time"));
        let keys = r#","filters":[{"field":"api_key_id","operator":"in","value":["a","b"]}]"#;
        let filter = &read(keys).expect("a filter").filters[0];
        assert!(filter.passes(&["b"]) && !filter.passes(&["c", "d"]));
        for bad in [
            r#","dimensions":["model","provider","workspace"]"#,
            r#","dimensions":["moon"]"#,
            r#","granularity":"second""#,
            r#","limit":0"#,
            r#","limit":10001"#,
            r#","time_range":{"start":"2026-11-01T00:00:00Z","end":"2026-12-02T00:00:00.001Z"}"#,
            r#","time_range":{"start":"2026-11-02T00:00:00Z","end":"2026-11-02T00:00:00Z"}"#,
            r#","time_range":{"start":"2026-11-02","end":"2026-11-03"}"#,
            r#","filters":[{"field":"model","operator":"in","value":"x"}]"#,
            r#","filters":[{"field":"model","operator":"eq","value":["x"]}]"#,
            r#","order_by":{"field":"model","direction":"asc"}"#,
            r#","classifier_filters":{}"#,
        ] {
            assert_eq!(read(bad).expect_err(bad).status, 400, "{bad}");
        }
        assert_eq!(Query::read(br#"{"metrics":[]}"#, Moment(0)).expect_err("nothing asked").status, 400);
    }

    #[test]
    fn steps_begin() {
        let at = Moment::parse("2026-11-25T10:11:12.345Z").expect("a time");
        for (granularity, expect) in [
            (Granularity::Minute, "2026-11-25T10:11:00.000Z"),
            (Granularity::Hour, "2026-11-25T10:00:00.000Z"),
            (Granularity::Day, "2026-11-25T00:00:00.000Z"),
            (Granularity::Week, "2026-11-22T00:00:00.000Z"),
            (Granularity::Month, "2026-11-01T00:00:00.000Z"),
        ] {
            assert_eq!(granularity.floor(at).iso(), expect);
        }
    }
}
