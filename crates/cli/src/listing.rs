//! Lists of things as tables: columns go, the least telling first, where the terminal is narrow.

use comfy_table::Cell;

use crate::table::{self, Align, Look};
use crate::terminal::Terminal;

/// One column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    name: &'static str,
    align: Align,
    /// The higher, the earlier it goes; 0 stays.
    goes: u8,
}

/// A column of text.
pub(crate) const fn left(name: &'static str, goes: u8) -> Column {
    Column { name, align: Align::Left, goes }
}

/// A column of numbers.
pub(crate) const fn right(name: &'static str, goes: u8) -> Column {
    Column { name, align: Align::Right, goes }
}

/// A text and how it looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown(pub(crate) String, pub(crate) Look);

impl From<String> for Shown {
    fn from(text: String) -> Self {
        Shown(text, Look::Plain)
    }
}

impl From<&str> for Shown {
    fn from(text: &str) -> Self {
        Shown(text.to_owned(), Look::Plain)
    }
}

impl Shown {
    /// The same as one string for a line.
    pub(crate) fn painted(&self, terminal: &Terminal) -> String {
        match self.1 {
            Look::Plain => self.0.clone(),
            Look::Dim => terminal.dim(&self.0),
            Look::Warn => terminal.yellow(&self.0),
            Look::Alarm => terminal.red(&self.0),
        }
    }
}

/// The table, each line ended. A row has a text for each column.
pub(crate) fn render(columns: &[Column], rows: &[Vec<Shown>], terminal: &Terminal) -> String {
    let most = columns.iter().map(|column| column.goes).max().unwrap_or(0);
    let shapes = (0..=most).rev().map(|most| {
        let cells = |row: &[Shown]| -> Vec<Cell> {
            let kept = columns.iter().zip(row).filter(|(column, _)| column.goes <= most);
            kept.map(|(column, Shown(text, look))| table::cell(text, column.align, *look)).collect()
        };
        let header: Vec<Shown> =
            columns.iter().map(|column| Shown(column.name.to_owned(), Look::Dim)).collect();
        table::render(cells(&header), rows.iter().map(|row| cells(row)).collect(), terminal)
    });
    table::fitting(shapes, terminal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_terminals_lose_the_least_telling_first() {
        let columns = [left("NAME", 0), right("LIMIT", 1), left("LAST USED", 2)];
        let row = |cells: [&str; 3]| cells.map(Shown::from).to_vec();
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
}
