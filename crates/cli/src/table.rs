//! Tables for people: columns without lines, painted by the cell, so that colour takes no columns; and the widest of
//! several shapes that fits the terminal.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};

use crate::terminal::Terminal;

/// How a cell looks, where there is colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Plain,
    /// Headers, and what is said by the way.
    Dim,
    /// Nearly used up.
    Warn,
    /// Over, or blocked.
    Alarm,
}

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    /// Numbers.
    Right,
}

/// One cell.
pub(crate) fn cell(text: &str, align: Align, look: Look) -> Cell {
    let alignment = match align {
        Align::Left => CellAlignment::Left,
        Align::Right => CellAlignment::Right,
    };
    let cell = Cell::new(text).set_alignment(alignment);
    match look {
        Look::Plain => cell,
        Look::Dim => cell.add_attribute(Attribute::Dim),
        Look::Warn => cell.fg(Color::Yellow),
        Look::Alarm => cell.fg(Color::Red).add_attribute(Attribute::Bold),
    }
}

/// A table of these rows, each line ended.
pub(crate) fn render(header: Vec<Cell>, rows: Vec<Vec<Cell>>, terminal: &Terminal) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.style_text_only();
    match terminal.has_colour() {
        true => table.enforce_styling(),
        false => table.force_no_tty(),
    };
    table.set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// The first of these that fits the terminal, the widest first; the last when none does.
pub(crate) fn fitting(shapes: impl IntoIterator<Item = String>, terminal: &Terminal) -> String {
    let width = terminal.width.unwrap_or(usize::MAX);
    let mut last = String::new();
    for shape in shapes {
        last = shape;
        if last.lines().all(|line| visible(line) <= width) {
            break;
        }
    }
    last
}

/// A table of text with the columns of the first of these shapes that fits; of these columns `left` are words, the others
/// numbers. Where not even the last fits, the first column has lines of its own.
pub(crate) fn fitted<const N: usize>(
    header: [&str; N],
    left: &[usize],
    rows: &[[String; N]],
    shapes: &[&[usize]],
    terminal: &Terminal,
) -> String {
    let draw = |shown: &[usize]| {
        let line = |texts: [&str; N], look: Look| -> Vec<Cell> {
            let align = |at| if left.contains(&at) { Align::Left } else { Align::Right };
            shown.iter().map(|&at| cell(texts[at], align(at), look)).collect()
        };
        let body = rows.iter().map(|row| line(row.each_ref().map(String::as_str), Look::Plain));
        render(line(header, Look::Dim), body.collect(), terminal)
    };
    let stacked = || {
        let last = shapes.last().copied().unwrap_or_default();
        let numbers = draw(last.get(1..).unwrap_or_default());
        let names = std::iter::once(terminal.dim(header[0])).chain(rows.iter().map(|row| row[0].clone()));
        names.zip(numbers.lines()).map(|(name, numbers)| format!("{name}\n  {numbers}\n")).collect()
    };
    let drawn = shapes.iter().map(|shown| draw(shown));
    fitting(drawn.chain(std::iter::once_with(stacked)), terminal)
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

/// What others chose to call things: no control characters reach a terminal, and no line grows without end.
pub(crate) fn printable(text: &str) -> String {
    printable_to(text, 40)
}

/// The same with room for so many characters.
pub(crate) fn printable_to(text: &str, chars_max: usize) -> String {
    let shown: String = text.chars().take(chars_max).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().count() > chars_max { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_takes_no_columns() {
        let row = |look| vec![cell("a", Align::Left, look), cell("1", Align::Right, look)];
        let drawn = |terminal: &Terminal| {
            let header = vec![cell("NAME", Align::Left, Look::Dim), cell("LEFT", Align::Right, Look::Dim)];
            render(header, vec![row(Look::Plain), row(Look::Alarm)], terminal)
        };
        let plain = drawn(&Terminal::plain());
        assert_eq!(plain, "NAME  LEFT\na        1\na        1\n");
        let painted = drawn(&Terminal::painted());
        assert!(painted.contains('\u{1b}'), "{painted:?}");
        let widths = |text: &str| text.lines().map(visible).collect::<Vec<_>>();
        assert_eq!(widths(&painted), widths(&plain));
    }

    #[test]
    fn names_have_lines_of_their_own_where_nothing_else_fits() {
        let mut terminal = Terminal::plain();
        let row = |texts: [&str; 3]| texts.map(str::to_owned);
        let rows = [row(["author/a-long-name", "1", "abc"]), row(["b", "22", ""])];
        let drawn = |terminal: &Terminal| {
            fitted(["MODEL", "COST", "CAN"], &[0, 2], &rows, &[&[0, 1, 2], &[0, 1]], terminal)
        };
        let wide = "MODEL               COST  CAN\nauthor/a-long-name     1  abc\nb                     22\n";
        assert_eq!(drawn(&terminal), wide);
        terminal.width = Some(25);
        assert_eq!(
            drawn(&terminal),
            "MODEL               COST\nauthor/a-long-name     1\nb                     22\n"
        );
        terminal.width = Some(20);
        assert_eq!(drawn(&terminal), "MODEL\n  COST\nauthor/a-long-name\n     1\nb\n    22\n");
    }

    #[test]
    fn the_widest_that_fits() {
        let mut terminal = Terminal::plain();
        let shapes = || ["12345678\n".to_owned(), "12345\n".to_owned(), "123\n".to_owned()];
        for (width, expected) in [(None, "12345678\n"), (Some(6), "12345\n"), (Some(1), "123\n")] {
            terminal.width = width;
            assert_eq!(fitting(shapes(), &terminal), expected);
        }
    }
}
