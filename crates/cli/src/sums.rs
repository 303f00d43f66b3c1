//! What a request costs as sums, line by line: a block for each, all in the same columns, and exact, so that whoever
//! adds the lines up gets the total.

use pricing::Term;

use crate::amount::{self, grouped, rate};
use crate::table;
use crate::terminal::Terminal;

/// One sum: its head, and its lines.
pub(crate) struct Block {
    pub(crate) head: String,
    /// Stands before the tokens of the prompt where they are guessed.
    pub(crate) about: &'static str,
    pub(crate) terms: Vec<Term>,
}

/// What is paid for, and the product. The amount is apart, for it has the places of all others.
type Line = [String; 2];

/// The blocks, each line ended. Narrow terminals lose words, then the products.
pub(crate) fn render(blocks: &[Block], terminal: &Terminal) -> String {
    let lines = |shape: fn(Line) -> Line| -> Vec<Vec<Line>> {
        let of_block =
            |block: &Block| block.terms.iter().map(|term| shape(line(term, block.about, terminal))).collect();
        blocks.iter().map(of_block).collect()
    };
    let brief = |[what, product]: Line| [what.split(',').next().unwrap_or_default().to_owned(), product];
    let without_product = |[what, _]: Line| [what, String::new()];
    let shapes = [lines(|line| line), lines(brief), lines(without_product)];
    table::fitting(shapes.iter().map(|lines| aligned(blocks, lines)), terminal)
}

fn line(term: &Term, about: &str, terminal: &Terminal) -> Line {
    let guessed = if term.what.starts_with("prompt") { about } else { "" };
    let unit = match (term.unit, term.quantity) {
        (unit, 1) => unit.to_owned(),
        ("search", _) => "searches".to_owned(),
        (unit, _) => format!("{unit}s"),
    };
    let per = if term.unit == "token" { "/M" } else { "" };
    let product = match term.rate.as_str() {
        "" => String::new(),
        price => {
            format!("{guessed}{} {unit} {} {}{per}", grouped(term.quantity), terminal.times(), rate(price))
        }
    };
    [term.what.to_owned(), product]
}

fn aligned(blocks: &[Block], lines: &[Vec<Line>]) -> String {
    let terms = || blocks.iter().flat_map(|block| &block.terms);
    let places = amount::places_of_all(terms().map(|term| term.amount));
    let width = |at: usize| lines.iter().flatten().map(|line| line[at].chars().count()).max().unwrap_or(0);
    let (w0, w1) = (width(0), width(1));
    let amounts = terms().map(|term| amount::to_places(term.amount, places).len());
    let w2 = amounts.max().unwrap_or(0);
    let mut text = String::new();
    for (block, lines) in blocks.iter().zip(lines) {
        text += &format!("\n{}\n", block.head);
        for (term, [what, product]) in block.terms.iter().zip(lines) {
            let amount = amount::to_places(term.amount, places);
            text += &format!("  {what:<w0$}  {product:<w1$}  {amount:>w2$}\n");
        }
    }
    text
}
