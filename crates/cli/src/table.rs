//! Tables for people: columns go, the least telling first, where the terminal is narrow.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::terminal::Terminal;

/// The longest text from outside in one cell.
const CHARS_MAX: usize = 40;

/// One column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    name: &'static str,
    right: bool,
    /// The higher, the earlier it goes; 0 stays.
    goes: u8,
}

/// A column of text.
pub(crate) const fn left(name: &'static str, goes: u8) -> Column {
    Column { name, right: false, goes }
}

/// A column of numbers.
pub(crate) const fn right(name: &'static str, goes: u8) -> Column {
    Column { name, right: true, goes }
}

/// The table, each line ended. A row has a cell for each column, which may be painted.
pub(crate) fn render(columns: &[Column], rows: &[Vec<String>], terminal: &Terminal) -> String {
    let width = terminal.width.unwrap_or(usize::MAX);
    let mut most = columns.iter().map(|column| column.goes).max().unwrap_or(0);
    loop {
        let table = table(columns, rows, most, terminal);
        if most == 0 || table.lines().all(|line| visible(&line) <= width) {
            return table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
        }
        most -= 1;
    }
}

fn table(columns: &[Column], rows: &[Vec<String>], most: u8, terminal: &Terminal) -> Table {
    let cells = |row: &[String]| -> Vec<Cell> {
        let shown = columns.iter().zip(row).filter(|(column, _)| column.goes <= most);
        let cell = |(column, text): (&Column, &String)| {
            let alignment = if column.right { CellAlignment::Right } else { CellAlignment::Left };
            Cell::new(text).set_alignment(alignment)
        };
        shown.map(cell).collect()
    };
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let names: Vec<String> = columns.iter().map(|column| terminal.dim(column.name)).collect();
    table.set_header(cells(&names));
    for row in rows {
        table.add_row(cells(row));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Text from outside: no control characters reach a terminal, and no line grows without end.
pub(crate) fn printable(text: &str) -> String {
    let shown: String = text.chars().take(CHARS_MAX).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().count() > CHARS_MAX { shown + "…" } else { shown }
}

/// Columns a line takes: colour takes none.
pub(crate) fn visible(line: &str) -> usize {
    let mut columns = 0;
    let mut in_escape = false;
    for c in line.trim_end().chars() {
        match (in_escape, c) {
            (false, '\u{1b}') => in_escape = true,
            (true, c) => in_escape = !c.is_ascii_alphabetic(),
            (false, _) => columns += 1,
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_terminals_lose_the_least_telling_first() {
        let columns = [left("NAME", 0), right("LIMIT", 1), left("LAST USED", 2)];
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["backend-prod", "$50.00", "never"]), row(["ci", "none", "yesterday"])];
        let mut terminal = Terminal::plain();
        assert_eq!(
            render(&columns, &rows, &terminal),
            "NAME           LIMIT  LAST USED\nbackend-prod  $50.00  never\nci              none  yesterday\n"
        );
        terminal.width = Some(25);
        assert_eq!(
            render(&columns, &rows, &terminal),
            "NAME           LIMIT\nbackend-prod  $50.00\nci              none\n"
        );
        terminal.width = Some(5);
        assert_eq!(render(&columns, &rows, &terminal), "NAME\nbackend-prod\nci\n");
    }

    #[test]
    fn text_from_outside() {
        assert_eq!(printable("a\u{1b}[31mb"), "a?[31mb");
        assert_eq!(printable(&"x".repeat(50)).chars().count(), 41);
        assert_eq!(visible("\u{1b}[1mab\u{1b}[0m  "), 2);
    }
}
