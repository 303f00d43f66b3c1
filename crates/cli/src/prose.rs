//! Sentences that fit the terminal.

use crate::table::visible;
use crate::terminal::Terminal;

/// A line, ended; broken between words where the terminal is narrower, and then `hang` columns in.
pub(crate) fn line(text: &str, hang: usize, terminal: &Terminal) -> String {
    let Some(width) = terminal.width else { return format!("{text}\n") };
    let lead = text.chars().take_while(|c| *c == ' ').count();
    let (mut broken, mut column) = (" ".repeat(lead), lead);
    for (at, word) in text.trim_start().split(' ').enumerate() {
        let columns = visible(word);
        if at > 0 && column + 1 + columns > width {
            broken = broken.trim_end().to_owned() + "\n" + &" ".repeat(hang);
            column = hang;
        } else if at > 0 {
            broken.push(' ');
            column += 1;
        }
        broken += word;
        column += columns;
    }
    broken + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_between_words() {
        let mut terminal = Terminal::plain();
        let text = "  price   one two three";
        assert_eq!(line(text, 10, &terminal), "  price   one two three\n");
        terminal.width = Some(18);
        assert_eq!(line(text, 10, &terminal), "  price   one two\n          three\n");
        terminal.width = Some(4);
        assert_eq!(line("a much-too-long word", 1, &terminal), "a\n much-too-long\n word\n");
    }
}
