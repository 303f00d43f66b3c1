//! Budgets as a table for people. Columns go, the least telling first, where the terminal is narrow.

use comfy_table::Cell;
use console::BudgetRow;
use jiff::Timestamp;
use money::Nano;

use crate::instant;
use crate::table::{self, Align, Look, printable};
use crate::terminal::Terminal;

/// Columns of a bar.
const BAR: usize = 20;
const BAR_NARROW: usize = 10;

/// The table, each line ended.
pub(crate) fn render(rows: &[BudgetRow], terminal: &Terminal, now: Timestamp) -> String {
    if rows.is_empty() {
        return "no budget has been used in its present window\n".to_owned();
    }
    let shapes = [
        Shape { bar: BAR, ends: true, amounts: true },
        Shape { bar: BAR_NARROW, ends: true, amounts: true },
        Shape { bar: 0, ends: true, amounts: true },
        Shape { bar: 0, ends: false, amounts: true },
        Shape { bar: 0, ends: false, amounts: false },
    ];
    table::fitting(shapes.iter().map(|shape| shape.draw(rows, terminal, now)), terminal)
}

/// The one thing to do next, where there is one.
pub(crate) fn next_command(rows: &[BudgetRow]) -> Option<&'static str> {
    let tight = |row: &BudgetRow| used(row) >= 1.0;
    rows.iter().any(tight).then_some("why a call was refused: farebox explain last")
}

/// How wide it may be.
struct Shape {
    bar: usize,
    ends: bool,
    amounts: bool,
}

impl Shape {
    fn draw(&self, rows: &[BudgetRow], terminal: &Terminal, now: Timestamp) -> String {
        let unknown = rows.iter().any(|row| row.unknown_usd != Nano::ZERO);
        let header = ["BUDGET", "WINDOW", "LIMIT", "SPENT", "HELD", "UNKNOWN", "LEFT", "USED", "ENDS"];
        let header = header.map(|text| (text.to_owned(), Look::Dim));
        let lines = rows.iter().map(|row| self.line(line(row, self.bar, terminal, now), unknown));
        table::render(self.line(header, unknown), lines.collect(), terminal)
    }

    /// The cells of a line that are shown.
    fn line(&self, cells: [(String, Look); 9], unknown: bool) -> Vec<Cell> {
        let shown = |at: usize| match at {
            1 | 3 | 4 => self.amounts,
            5 => unknown && self.amounts,
            7 => self.bar > 0,
            8 => self.ends,
            _ => true,
        };
        let align = |at: usize| if (2..=6).contains(&at) { Align::Right } else { Align::Left };
        let cells = cells.into_iter().enumerate().filter(|(at, _)| shown(*at));
        cells.map(|(at, (text, look))| table::cell(&text, align(at), look)).collect()
    }
}

fn line(row: &BudgetRow, bar_cells: usize, terminal: &Terminal, now: Timestamp) -> [(String, Look); 9] {
    let plain = |text: String| (text, Look::Plain);
    [
        plain(name(row)),
        plain(row.window.clone()),
        plain(row.limit_usd.for_people()),
        plain(row.posted_usd.for_people()),
        plain(row.held_usd.for_people()),
        plain(row.unknown_usd.for_people()),
        (row.available_usd.for_people(), look(row)),
        (bar(row, bar_cells, terminal), look(row)),
        plain(ends(row, now)),
    ]
}

/// The budget and, with `per`, whose balance it is.
fn name(row: &BudgetRow) -> String {
    let values = row.scope.iter().map(|(label, value)| match value.as_str() {
        "" => format!(" {label}=(none)"),
        value => format!(" {label}={}", printable(value)),
    });
    printable(&row.name) + &values.collect::<String>()
}

/// Red from where nothing is left, yellow from four fifths.
fn look(row: &BudgetRow) -> Look {
    match used(row) {
        used if used >= 1.0 => Look::Alarm,
        used if used >= 0.8 => Look::Warn,
        _ => Look::Plain,
    }
}

fn bar(row: &BudgetRow, cells: usize, terminal: &Terminal) -> String {
    if cells == 0 {
        return String::new();
    }
    let bar = terminal.bar(cells, share(row.posted_usd, row.limit_usd), used(row));
    format!("{bar} {:>3}%", percent(row))
}

/// Rounded down, so that 100 % means what it says.
fn percent(row: &BudgetRow) -> i64 {
    (used(row) * 100.0).floor().clamp(0.0, 999.0) as i64
}

/// What is spent or set aside, as a share of the limit. For the eye only.
fn used(row: &BudgetRow) -> f64 {
    share(row.limit_usd.saturating_sub(row.available_usd), row.limit_usd)
}

fn share(part: Nano, whole: Nano) -> f64 {
    if whole == Nano::ZERO { 1.0 } else { part.nanos() as f64 / whole.nanos() as f64 }
}

/// `in 3h 10m`.
fn ends(row: &BudgetRow, now: Timestamp) -> String {
    let Some(ends) = row.ends_at.as_ref().and_then(|text| text.parse::<Timestamp>().ok()) else {
        return "never".to_owned();
    };
    instant::until(now, ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn row(name: &str, limit: i32, posted: i32, held: i32, unknown: i32, ends_at: Option<&str>) -> BudgetRow {
        let cents = Nano::from_cents;
        BudgetRow {
            name: name.into(),
            window: if ends_at.is_some() { "day".into() } else { "lifetime".into() },
            limit_usd: cents(limit),
            posted_usd: cents(posted),
            held_usd: cents(held),
            unknown_usd: cents(unknown),
            available_usd: cents(limit - posted - held - unknown),
            ends_at: ends_at.map(str::to_owned),
            scope: BTreeMap::new(),
        }
    }

    fn shown(rows: &[BudgetRow], width: Option<usize>) -> String {
        let mut terminal = Terminal::plain();
        terminal.width = width;
        render(rows, &terminal, "2026-11-23T20:50:00Z".parse().unwrap())
    }

    #[test]
    fn wide() {
        let mut each = row("each", 200, 10, 0, 0, Some("2026-11-25T00:00:00Z"));
        each.scope.insert("user".into(), "ali\u{1b}ce".into());
        let rows = [row("all", 1000, 961, 31, 0, Some("2026-11-24T00:00:00Z")), each];
        let expected = "\
BUDGET            WINDOW   LIMIT    SPENT     HELD     LEFT  USED                       ENDS
all               day     $10.00    $9.61  $0.3100  $0.0800  ###################-  99%  in 3h 10m
each user=ali?ce  day      $2.00  $0.1000    $0.00    $1.90  #-------------------   5%  in 1d 3h
";
        assert_eq!(shown(&rows, None), expected);
        assert!(next_command(&rows).is_none());
    }

    #[test]
    fn narrow_terminals_lose_the_least_telling_first() {
        let rows = [row("lifetime", 100, 60, 10, 35, None)];
        for width in [100, 80, 60, 40, 30] {
            let table = shown(&rows, Some(width));
            assert!(table.lines().all(|line| line.len() <= width), "{width}\n{table}");
            assert!(table.contains("LEFT") && table.contains("-$0.0500"), "{width}\n{table}");
        }
        assert!(shown(&rows, Some(100)).contains("UNKNOWN"));
        assert!(next_command(&rows).is_some());
    }

    #[test]
    fn no_rows() {
        assert_eq!(shown(&[], None), "no budget has been used in its present window\n");
    }
}
