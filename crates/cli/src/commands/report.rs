//! `farebox report`: what was spent, by day, model, key or budget. From sums that are written with the books, so that it
//! takes as long for ten million calls as for ten.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use console::{ReportRow, day_of};
use jiff::Timestamp;
use money::Nano;
use store::ReportBy;

use super::budgets::list::{folder, unreadable};
use crate::amount::grouped;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing::{self, Column, Shown, left, right};
use crate::output;
use crate::table::{Look, printable};
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox report\n  farebox report --by model --since 7d\n  farebox report --by key --since 2026-11-01 --json";

/// `report`
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// One row for each: day, model, key, upstream-key, budget
    #[arg(long, value_enum, default_value_t = By::Day)]
    by: By,
    /// From this UTC day on: 7d for seven days with today, or 2026-11-01
    #[arg(long, value_name = "DAYS|DAY", default_value = "30d", value_parser = since)]
    since: Since,
    /// The folder of the books
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Print JSON: an array of {day, name, calls, voids, late, corrections,
    /// overruns, cost_usd, bound_usd, overrun_usd}; money is decimal text
    #[arg(long, verbatim_doc_comment)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    Day,
    Model,
    Key,
    UpstreamKey,
    Budget,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    Days(i64),
    Day(i64),
}

fn since(text: &str) -> Result<Since, String> {
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<i64>().ok())
        .filter(|days| (1..=36_500).contains(days));
    if let Some(days) = days {
        return Ok(Since::Days(days));
    }
    let day = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == "2026-11-01".len());
    let at = day.and_then(|day| jiff::tz::TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok());
    at.map(|at| Since::Day(day_of(at.as_millisecond()))).ok_or_else(|| {
        format!("'{text}' is neither a number of days such as 7d nor a day such as 2026-11-01")
    })
}

/// Prints it.
pub(crate) async fn run(args: ReportArgs) -> Result<Exit, Failure> {
    let folder = folder(args.data)?;
    let today = day_of(Timestamp::now().as_millisecond());
    let from = match args.since {
        Since::Days(days) => today - (days - 1),
        Since::Day(day) => day,
    };
    let by = match args.by {
        By::Day => ReportBy::Day,
        By::Model => ReportBy::Model,
        By::Key => ReportBy::Key,
        By::UpstreamKey => ReportBy::UpstreamKey,
        By::Budget => ReportBy::Budget,
    };
    let rows = store::report(&folder, from, today + 1, by).map_err(|error| unreadable(&error))?;
    let rows: Vec<ReportRow> = rows.iter().map(ReportRow::from).collect();
    if args.json {
        return output::json(&rows);
    }
    output::text(&table(&rows, args.by, &Terminal::of_stdout()))
}

fn table(rows: &[ReportRow], by: By, terminal: &Terminal) -> String {
    if rows.is_empty() {
        return "nothing was spent in these days\n".to_owned();
    }
    let first = match by {
        By::Day => "DAY",
        By::Model => "MODEL",
        By::Key => "KEY",
        By::UpstreamKey => "UPSTREAM KEY",
        By::Budget => "BUDGET",
    };
    let columns: [Column; 7] = [
        left(first, 0),
        right("CALLS", 1),
        right("COST", 0),
        right("PER CALL", 3),
        right("HELD FOR THEM", 4),
        right("LATE", 5),
        right("OVERRUN", 2),
    ];
    let cells: Vec<Vec<Shown>> = rows.iter().map(|row| line(row, by)).collect();
    let mut text = listing::render(&columns, &cells, terminal);
    if by != By::Budget && rows.len() > 1 {
        let cost: Nano = rows.iter().map(|row| row.cost_usd).sum();
        let calls: u64 = rows.iter().map(|row| row.calls).sum();
        text += &format!("{} calls, {} in all\n", grouped(calls), cost.for_people());
    }
    text
}

fn line(row: &ReportRow, by: By) -> Vec<Shown> {
    let name = match (by, row.name.is_empty()) {
        (By::Day, _) => row.day.clone().unwrap_or_default(),
        (_, true) => "none".to_owned(),
        (_, false) => printable(&row.name),
    };
    let charged = row.calls.saturating_sub(row.voids);
    let per_call = match i64::try_from(charged) {
        Ok(calls @ 1..) => Nano::from_nanos(row.cost_usd.nanos() / calls).for_people(),
        _ => String::new(),
    };
    let overrun = match row.overrun_usd {
        Nano::ZERO => Shown::from(""),
        amount => Shown(amount.for_people(), Look::Alarm),
    };
    vec![
        name.into(),
        grouped(row.calls).into(),
        row.cost_usd.for_people().into(),
        per_call.into(),
        row.bound_usd.for_people().into(),
        grouped(row.late).into(),
        overrun,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        assert_eq!(since("7d"), Ok(Since::Days(7)));
        assert_eq!(since("1970-01-02"), Ok(Since::Day(1)));
        for text in ["", "d", "0d", "-1d", "7", "yesterday", "2026-13-01"] {
            assert!(since(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_table_and_its_sum() {
        let row = |day: &str, calls| ReportRow {
            day: Some(day.to_owned()),
            name: String::new(),
            calls,
            voids: 1,
            late: 2,
            corrections: 0,
            overruns: 0,
            cost_usd: Nano::from_cents(100),
            bound_usd: Nano::from_cents(1_000),
            overrun_usd: Nano::ZERO,
        };
        let text = table(&[row("2026-11-23", 11), row("2026-11-24", 1)], By::Day, &Terminal::plain());
        assert!(text.contains("2026-11-23     11  $1.00   $0.1000"), "{text}");
        assert!(text.ends_with("12 calls, $2.00 in all\n"), "{text}");
        assert!(table(&[], By::Key, &Terminal::plain()).starts_with("nothing was spent"));
    }
}
