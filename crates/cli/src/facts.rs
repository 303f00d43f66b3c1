//! Facts about one thing: a label, then what is to say, wrapped under itself where the terminal is narrow.

use crate::table::visible;
use crate::terminal::Terminal;

/// Lines that are being collected.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    terminal: &'a Terminal,
    label_width: usize,
    text: String,
}

impl<'a> Facts<'a> {
    /// Labels take `label_width` columns.
    pub(crate) fn new(terminal: &'a Terminal, label_width: usize) -> Self {
        Facts { terminal, label_width, text: String::new() }
    }

    /// A title, after an empty line unless it is the first.
    pub(crate) fn title(&mut self, title: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text += &self.terminal.bold(title);
        self.text.push('\n');
    }

    /// One fact.
    pub(crate) fn fact(&mut self, label: &str, fact: &str) {
        let indent = self.label_width + 4;
        let room = self.terminal.width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(24));
        let label = self.terminal.dim(&format!("{label:<width$}", width = self.label_width));
        for (at, line) in wrapped(fact, room).iter().enumerate() {
            match at {
                0 => self.text += &format!("  {label}  {line}\n"),
                _ => self.text += &format!("{:indent$}{line}\n", ""),
            }
        }
    }

    /// One fact, where it is known.
    pub(crate) fn maybe(&mut self, label: &str, fact: Option<impl AsRef<str>>) {
        if let Some(fact) = fact {
            self.fact(label, fact.as_ref());
        }
    }

    /// Lines that are laid out already.
    pub(crate) fn lines(&mut self, lines: &str) {
        for line in lines.lines() {
            self.text += &format!("  {line}\n");
        }
    }

    /// What is said of all of it, after an empty line.
    pub(crate) fn note(&mut self, note: &str) {
        self.text.push('\n');
        let room = self.terminal.width.unwrap_or(usize::MAX);
        for line in wrapped(note, room) {
            self.text += &self.terminal.dim(&line);
            self.text.push('\n');
        }
    }

    /// All of them.
    pub(crate) fn text(self) -> String {
        self.text
    }
}

fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        if lines[last].is_empty() {
            lines[last].push_str(word);
        } else if visible(&lines[last]) + 1 + visible(word) <= room {
            lines[last].push(' ');
            lines[last].push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_and_narrow() {
        let mut terminal = Terminal::plain();
        let told = |terminal: &Terminal| {
            let mut facts = Facts::new(terminal, 5);
            facts.title("Key");
            facts.fact("left", "$1.00 of $30.00, and then it begins anew");
            facts.maybe("none", None::<&str>);
            facts.text()
        };
        assert_eq!(told(&terminal), "Key\n  left   $1.00 of $30.00, and then it begins anew\n");
        terminal.width = Some(33);
        assert_eq!(told(&terminal), "Key\n  left   $1.00 of $30.00, and\n         then it begins anew\n");
    }
}
