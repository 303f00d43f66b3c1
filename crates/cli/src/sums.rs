//! What a request costs as sums, line by line: a block for each, all in the same columns, and exact, so that whoever
//! adds the lines up gets the total.

use pricing::Term;

use crate::amount::{self, grouped, rate};
use crate::prose;
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

/// The blocks, each line ended. Narrow terminals lose words, then have each product on a line of its own.
pub(crate) fn render(blocks: &[Block], terminal: &Terminal) -> String {
    let lines = |shape: fn(Line) -> Line| -> Vec<Vec<Line>> {
        let of_block =
            |block: &Block| block.terms.iter().map(|term| shape(line(term, block.about, terminal))).collect();
        blocks.iter().map(of_block).collect()
    };
    let brief = |[what, product]: Line| [shortened(&what).to_owned(), product];
    let (whole, short) = (lines(|line| line), lines(brief));
    let shapes = [(&whole, false), (&short, false), (&whole, true), (&short, true)];
    let drawn = shapes.into_iter().map(|(lines, apart)| aligned(blocks, lines, apart, terminal));
    table::fitting(drawn, terminal)
}

/// Without what the head says already; what tells two lines apart, or a guess from a count, stays.
fn shortened(what: &str) -> &str {
    what.strip_suffix(", at most").unwrap_or(what)
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

fn aligned(blocks: &[Block], lines: &[Vec<Line>], apart: bool, terminal: &Terminal) -> String {
    let terms = || blocks.iter().flat_map(|block| &block.terms);
    let places = amount::places_of_all(terms().map(|term| term.amount));
    let width = |at: usize| lines.iter().flatten().map(|line| line[at].chars().count()).max().unwrap_or(0);
    let (w0, w1) = (width(0), width(1));
    let amounts = terms().map(|term| amount::to_places(term.amount, places).len());
    let w2 = amounts.max().unwrap_or(0);
    let mut text = String::new();
    for (block, lines) in blocks.iter().zip(lines) {
        text.push('\n');
        text += &prose::line(&block.head, 2, terminal);
        for (term, [what, product]) in block.terms.iter().zip(lines) {
            let amount = amount::to_places(term.amount, places);
            text += &match (apart, product.is_empty()) {
                (false, _) => format!("  {what:<w0$}  {product:<w1$}  {amount:>w2$}\n"),
                (true, true) => format!("  {what:<w0$}  {amount:>w2$}\n"),
                (true, false) => format!("  {what:<w0$}  {amount:>w2$}\n    {product}\n"),
            };
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use money::Nano;

    #[test]
    fn products_are_told_at_any_width() {
        let term = |what, quantity, nanos| Term {
            what,
            quantity,
            unit: "token",
            rate: "0.6".to_owned(),
            amount: Nano::from_nanos(nanos),
        };
        let terms = vec![term("prompt, at most", 10, 6_000), term("answer, at most", 16_384, 9_830_400)];
        let blocks = [Block { head: "At worst (published): $0.00984".to_owned(), about: "", terms }];
        assert_eq!(shortened("files, about"), "files, about");
        assert_eq!(shortened("answers, read again by later turns"), "answers, read again by later turns");
        let mut terminal = Terminal::plain();
        for (width, expected) in [
            (
                60,
                "\nAt worst (published): $0.00984\n  prompt, at most  10 tokens x $0.60/M      $0.0000060\n  answer, at most  16,384 tokens x $0.60/M  $0.0098304\n",
            ),
            (
                50,
                "\nAt worst (published): $0.00984\n  prompt  10 tokens x $0.60/M      $0.0000060\n  answer  16,384 tokens x $0.60/M  $0.0098304\n",
            ),
            (
                40,
                "\nAt worst (published): $0.00984\n  prompt, at most  $0.0000060\n    10 tokens x $0.60/M\n  answer, at most  $0.0098304\n    16,384 tokens x $0.60/M\n",
            ),
            (
                28,
                "\nAt worst (published):\n  $0.00984\n  prompt  $0.0000060\n    10 tokens x $0.60/M\n  answer  $0.0098304\n    16,384 tokens x $0.60/M\n",
            ),
        ] {
            terminal.width = Some(width);
            assert_eq!(render(&blocks, &terminal), expected, "{width}");
        }
    }
}
