//! Routes as a table: wide, without the models, or the sums alone.

use console::RouteRow;
use money::Nano;

use crate::table::{Align, Look, cell, fitting, printable, render as draw};
use crate::terminal::Terminal;

/// What a shape of the table has beside name and sums.
#[derive(Clone, Copy)]
struct Shape {
    models: bool,
    instead: bool,
}

const SHAPES: [Shape; 3] = [
    Shape { models: true, instead: true },
    Shape { models: false, instead: true },
    Shape { models: false, instead: false },
];

/// The table, as wide as the terminal lets it be.
pub(super) fn render(rows: &[RouteRow], terminal: &Terminal) -> String {
    fitting(SHAPES.map(|shape| shaped(rows, shape, terminal)), terminal)
}

fn shaped(rows: &[RouteRow], shape: Shape, terminal: &Terminal) -> String {
    let mut header = vec![("ROUTE", Align::Left)];
    if shape.models {
        header.push(("MODELS", Align::Left));
    }
    header.extend([("CALLS", Align::Right), ("COST", Align::Right)]);
    if shape.instead {
        header.push(("WOULD HAVE COST", Align::Right));
    }
    header.extend([("SAVED", Align::Right), ("", Align::Right)]);
    let header = header.into_iter().map(|(name, align)| cell(name, align, Look::Dim)).collect();
    draw(header, rows.iter().map(|row| line(row, shape)).collect(), terminal)
}

fn line(row: &RouteRow, shape: Shape) -> Vec<comfy_table::Cell> {
    let total = &row.total;
    let dearer = if total.saved_usd < Nano::ZERO { Look::Warn } else { Look::Plain };
    let money = |amount: Nano, look| cell(&amount.for_people(), Align::Right, look);
    let mut cells = vec![cell(&printable(&row.route), Align::Left, Look::Plain)];
    if shape.models {
        let models = match row.models.as_slice() {
            [] => "(not configured)".to_owned(),
            models => models.iter().map(|model| printable(model)).collect::<Vec<_>>().join(", "),
        };
        cells.push(cell(&models, Align::Left, Look::Dim));
    }
    cells.push(cell(&total.calls.to_string(), Align::Right, Look::Plain));
    cells.push(money(total.cost_usd, Look::Plain));
    if shape.instead {
        cells.push(money(total.would_have_cost_usd, Look::Plain));
    }
    cells.push(money(total.saved_usd, dearer));
    let percent = total.saved_percent.as_ref().map(|percent| format!("{percent}%")).unwrap_or_default();
    cells.push(cell(&percent, Align::Right, dearer));
    cells
}

/// How to read it.
pub(super) fn note(rows: &[RouteRow]) -> Option<String> {
    if rows.is_empty() {
        return Some("there are no routes: add them under [routes] in farebox.toml".to_owned());
    }
    let uncompared: u64 = rows.iter().map(|row| row.total.uncompared).sum();
    let left_out = match uncompared {
        0 => String::new(),
        1 => "; 1 call is left out, its cost or tokens are not known".to_owned(),
        calls => format!("; {calls} calls are left out, their cost or tokens are not known"),
    };
    Some(format!(
        "30 days (UTC); compared with the same tokens at the listed price of the model it stands for{left_out}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use console::Saving;

    fn row(route: &str, cost: i64, instead: i64) -> RouteRow {
        let (cost, instead) = (Nano::from_nanos(cost), Nano::from_nanos(instead));
        let total = Saving {
            calls: 3,
            cost_usd: cost,
            would_have_cost_usd: instead,
            saved_usd: instead.saturating_sub(cost),
            saved_percent: Some("75.0".to_owned()),
            uncompared: 1,
        };
        let models = vec!["openai/gpt-4o-mini:floor".to_owned(), "a/b".to_owned()];
        RouteRow { route: route.to_owned(), models, instead_of: None, total, days: Vec::new() }
    }

    #[test]
    fn three_shapes() {
        let rows = [row("task/classification", 1_250_000_000, 5_000_000_000), row("x", 0, 0)];
        let mut terminal = Terminal::plain();
        let wide = render(&rows, &terminal);
        assert_eq!(
            wide,
            "ROUTE                MODELS                         CALLS   COST  WOULD HAVE COST  SAVED\n\
             task/classification  openai/gpt-4o-mini:floor, a/b      3  $1.25            $5.00  $3.75  75.0%\n\
             x                    openai/gpt-4o-mini:floor, a/b      3  $0.00            $0.00  $0.00  75.0%\n"
        );
        terminal.width = Some(70);
        assert!(render(&rows, &terminal).starts_with("ROUTE                CALLS   COST  WOULD HAVE COST"));
        terminal.width = Some(40);
        assert!(render(&rows, &terminal).starts_with("ROUTE                CALLS   COST  SAVED"));
        assert!(note(&rows).unwrap().contains("2 calls are left out"));
        assert!(note(&[]).unwrap().contains("[routes]"));
    }
}
