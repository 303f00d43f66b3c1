//! What a request costs at one model as a sum, line by line: likely, and at worst.

use pricing::{Estimate, Term};

use crate::amount::{grouped, rate};
use crate::table;
use crate::terminal::Terminal;

/// A block for each model: a head, then the lines of both sums in the same columns.
pub(super) fn render(named: &[(&str, &Estimate)], terminal: &Terminal) -> String {
    let blocks: Vec<(String, Vec<[String; 3]>)> = named
        .iter()
        .flat_map(|(name, estimate)| {
            let worst = estimate.worst.explain(estimate.worst.output_cap);
            let class = worst.class;
            [
                (format!("{name}, likely"), lines(&estimate.likely.terms, terminal)),
                (format!("{name}, at worst ({class})"), lines(&worst.terms, terminal)),
            ]
        })
        .collect();
    let without_sums = blocks
        .iter()
        .map(|(head, lines)| {
            let short = lines.iter().map(|[what, _, amount]| [what.clone(), String::new(), amount.clone()]);
            (head.clone(), short.collect())
        })
        .collect::<Vec<_>>();
    table::fitting([aligned(&blocks), aligned(&without_sums)], terminal)
}

fn lines(terms: &[Term], terminal: &Terminal) -> Vec<[String; 3]> {
    terms.iter().map(|term| line(term, terminal)).collect()
}

fn line(term: &Term, terminal: &Terminal) -> [String; 3] {
    let unit = format!("{}{}", term.unit, if term.quantity == 1 { "" } else { "s" });
    let per = if term.unit == "token" { "/M" } else { "" };
    let sum = match term.rate.as_str() {
        "" => String::new(),
        price => format!("{} {unit} {} {}{per}", grouped(term.quantity), terminal.times(), rate(price)),
    };
    [term.what.to_owned(), sum, term.amount.for_people()]
}

fn aligned(blocks: &[(String, Vec<[String; 3]>)]) -> String {
    let all = || blocks.iter().flat_map(|(_, lines)| lines);
    let width = |at: usize| all().map(|line| line[at].chars().count()).max().unwrap_or(0);
    let (w0, w1, w2) = (width(0), width(1), width(2));
    let mut text = String::new();
    for (head, lines) in blocks {
        text += &format!("\n{head}\n");
        for [what, sum, amount] in lines {
            text += &format!("  {what:<w0$}  {sum:<w1$}  {amount:>w2$}\n");
        }
    }
    text
}
