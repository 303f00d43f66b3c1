//! Budgets as a table for people. Columns go, the least telling first, where the terminal is narrow.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use console::BudgetRow;
use jiff::Timestamp;
use money::Nano;

use crate::instant;
use crate::table::{printable, visible};
use crate::terminal::Terminal;

/// Columns of a bar.
const BAR: usize = 20;
const BAR_NARROW: usize = 10;

/// The table, each line ended.
pub(crate) fn render(rows: &[BudgetRow], terminal: &Terminal, now: Timestamp) -> String {
    if rows.is_empty() {
        return "no budget has been used in its present window\n".to_owned();
    }
    let width = terminal.width.unwrap_or(usize::MAX);
    let shapes = [
        Shape { bar: BAR, ends: true, amounts: true },
        Shape { bar: BAR_NARROW, ends: true, amounts: true },
        Shape { bar: 0, ends: true, amounts: true },
        Shape { bar: 0, ends: false, amounts: true },
        Shape { bar: 0, ends: false, amounts: false },
    ];
    let narrowest = shapes.len() - 1;
    for (at, shape) in shapes.into_iter().enumerate() {
        let table = table(rows, &shape, terminal, now);
        let fits = || table.lines().all(|line| visible(&line) <= width);
        if at == narrowest || fits() {
            return table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
        }
    }
    String::new()
}

/// The one thing to do next, where there is one.
pub(crate) fn next_command(rows: &[BudgetRow]) -> Option<&'static str> {
    let tight = |row: &BudgetRow| used(row) >= 1.0;
    rows.iter().any(tight).then_some("why a call was refused: farebox explain last")
}

struct Shape {
    bar: usize,
    ends: bool,
    amounts: bool,
}

fn table(rows: &[BudgetRow], shape: &Shape, terminal: &Terminal, now: Timestamp) -> Table {
    let unknown = rows.iter().any(|row| row.unknown_usd != Nano::ZERO);
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(line(
        shape,
        unknown,
        [
            ("BUDGET", false),
            ("WINDOW", false),
            ("LIMIT", true),
            ("SPENT", true),
            ("HELD", true),
            ("UNKNOWN", true),
        ],
        ["LEFT", "USED", "ENDS"],
        &|text| terminal.dim(text),
    ));
    for row in rows {
        let money = |amount: Nano| amount.for_people();
        let (limit, posted) = (money(row.limit_usd), money(row.posted_usd));
        let (held, lost) = (money(row.held_usd), money(row.unknown_usd));
        let name = name(row);
        let left = left(row, terminal);
        table.add_row(line(
            shape,
            unknown,
            [
                (&name, false),
                (&row.window, false),
                (&limit, true),
                (&posted, true),
                (&held, true),
                (&lost, true),
            ],
            [&left, &bar(row, shape.bar, terminal), &ends(row, now)],
            &str::to_owned,
        ));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn line(
    shape: &Shape,
    unknown: bool,
    first: [(&str, bool); 6],
    [left, used, ends]: [&str; 3],
    paint: &dyn Fn(&str) -> String,
) -> Vec<Cell> {
    let cell = |text: &str, right: bool| {
        let alignment = if right { CellAlignment::Right } else { CellAlignment::Left };
        Cell::new(paint(text)).set_alignment(alignment)
    };
    let shown = |at: usize| match at {
        1 | 3 => shape.amounts,
        4 => shape.amounts,
        5 => unknown && shape.amounts,
        _ => true,
    };
    let mut cells: Vec<Cell> = first
        .iter()
        .enumerate()
        .filter(|(at, _)| shown(*at))
        .map(|(_, (text, right))| cell(text, *right))
        .collect();
    cells.push(cell(left, true));
    if shape.bar > 0 {
        cells.push(cell(used, false));
    }
    if shape.ends {
        cells.push(cell(ends, false));
    }
    cells
}

/// The budget and, with `per`, whose balance it is.
fn name(row: &BudgetRow) -> String {
    let values = row.scope.iter().map(|(label, value)| match value.as_str() {
        "" => format!(" {label}=(none)"),
        value => format!(" {label}={}", printable(value)),
    });
    printable(&row.name) + &values.collect::<String>()
}

fn left(row: &BudgetRow, terminal: &Terminal) -> String {
    let text = row.available_usd.for_people();
    match used(row) {
        used if used >= 1.0 => terminal.red(&text),
        used if used >= 0.8 => terminal.yellow(&text),
        _ => text,
    }
}

fn bar(row: &BudgetRow, cells: usize, terminal: &Terminal) -> String {
    if cells == 0 {
        return String::new();
    }
    let bar = terminal.bar(cells, share(row.posted_usd, row.limit_usd), used(row));
    let bar = match used(row) {
        used if used >= 1.0 => terminal.red(&bar),
        used if used >= 0.8 => terminal.yellow(&bar),
        _ => bar,
    };
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
