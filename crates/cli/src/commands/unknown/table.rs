//! Unknown holds as a table, the oldest first.

use console::UnknownRow;
use money::Nano;

use crate::instant::age;
use crate::listing::{self, Column, Shown, left, right};
use crate::table::{Look, printable};
use crate::terminal::Terminal;

/// Older than this, seconds, something is odd: OpenRouter tells within minutes.
const OLD_S: i64 = 3_600;

/// The table, each line ended, and what they come to.
pub(super) fn render(rows: &[UnknownRow], terminal: &Terminal) -> String {
    if rows.is_empty() {
        return "nothing is unknown: the cost of every call that ended is in the books\n".to_owned();
    }
    const COLUMNS: [Column; 6] = [
        right("HOLD", 0),
        left("SINCE", 0),
        right("CHARGED", 0),
        left("MODEL", 1),
        left("WHY", 2),
        left("GENERATION", 3),
    ];
    let cells: Vec<Vec<Shown>> = rows.iter().map(row).collect();
    let sum: Nano = rows.iter().map(|row| row.bound_usd).sum();
    let counted = if rows.len() == 1 { "1 call".to_owned() } else { format!("{} calls", rows.len()) };
    listing::render(&COLUMNS, &cells, terminal)
        + &format!("{counted}, charged {} until known\n", sum.for_people())
}

fn row(row: &UnknownRow) -> Vec<Shown> {
    let look = if row.age_seconds >= OLD_S { Look::Warn } else { Look::Plain };
    let generation = row
        .generation
        .as_deref()
        .map_or_else(|| Shown("none: cannot be asked for".to_owned(), Look::Dim), |id| printable(id).into());
    vec![
        row.hold.to_string().into(),
        Shown(age(row.age_seconds), look),
        row.bound_usd.for_people().into(),
        printable(&row.model).into(),
        why(row).into(),
        generation,
    ]
}

fn why(row: &UnknownRow) -> String {
    match row.status {
        Some(status) => format!("{} ({status})", row.reason),
        None => row.reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_and_some() {
        let terminal = Terminal::plain();
        assert!(render(&[], &terminal).starts_with("nothing is unknown"));
        let row = UnknownRow {
            hold: 12,
            model: "openai/gpt-4o-mini".into(),
            bound_usd: Nano::from_cents(2),
            class: "proven".into(),
            generation: None,
            reason: "broken".into(),
            status: None,
            since: "2026-11-24T08:00:00Z".into(),
            age_seconds: 8_000,
        };
        let text = render(
            &[row.clone(), UnknownRow { hold: 13, age_seconds: 40, status: Some(502), ..row }],
            &terminal,
        );
        assert!(
            text.contains("2h 13m ago") && text.contains("40s ago") && text.contains("broken (502)"),
            "{text}"
        );
        assert!(text.ends_with("2 calls, charged $0.0400 until known\n"), "{text}");
    }
}
