//! What the reader's terminal can show: colour, box characters, columns.
//!
//! Colour only on a terminal; `NO_COLOR` (https://no-color.org), `CLICOLOR=0` and `TERM=dumb` switch it off,
//! `FORCE_COLOR` and `CLICOLOR_FORCE` on. Without a UTF-8 locale bars are drawn in ASCII.

use std::env;
use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};

/// One output stream.
#[derive(Clone, Debug)]
pub(crate) struct Terminal {
    /// Whether somebody is looking.
    pub(crate) interactive: bool,
    /// Columns; `None` when the output goes to a file or a program.
    pub(crate) width: Option<usize>,
    colour: bool,
    unicode: bool,
}

impl Terminal {
    /// Stdout.
    pub(crate) fn of_stdout() -> Self {
        Self::of(std::io::stdout().is_terminal())
    }

    /// Stderr.
    pub(crate) fn of_stderr() -> Self {
        Self::of(std::io::stderr().is_terminal())
    }

    fn of(interactive: bool) -> Self {
        let columns = set("COLUMNS").and_then(|text| text.parse().ok()).filter(|columns| *columns > 0);
        let width = || interactive.then(|| comfy_table::Table::new().width()).flatten().map(usize::from);
        Terminal {
            interactive,
            width: columns.or_else(width),
            colour: wants_colour(interactive),
            unicode: is_utf8(),
        }
    }

    /// No colour, ASCII, as wide as need be.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Terminal { interactive: false, width: None, colour: false, unicode: false }
    }

    /// Colour and box characters, as wide as need be.
    #[cfg(test)]
    pub(crate) fn painted() -> Self {
        Terminal { interactive: true, width: None, colour: true, unicode: true }
    }

    /// Whether to paint.
    pub(crate) fn has_colour(&self) -> bool {
        self.colour
    }

    pub(crate) fn bold(&self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    pub(crate) fn dim(&self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    /// For what is over or blocked.
    pub(crate) fn red(&self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    /// For what is nearly used up.
    pub(crate) fn yellow(&self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    /// For what holds.
    pub(crate) fn green(&self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    fn paint(&self, style: Style, text: &str) -> String {
        match self.colour && !text.is_empty() {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }

    /// A bar of `cells`: `sure` of it spent, up to `maybe` set aside (both 0 to 1).
    pub(crate) fn bar(&self, cells: usize, sure: f64, maybe: f64) -> String {
        let (full, shade, empty) = if self.unicode { ("█", "▓", "░") } else { ("#", "+", "-") };
        let (sure, maybe) = (filled(sure, cells), filled(maybe.max(sure), cells));
        full.repeat(sure) + &shade.repeat(maybe - sure) + &empty.repeat(cells - maybe)
    }

    /// Between things on a line.
    pub(crate) fn dot(&self) -> &'static str {
        if self.unicode { "·" } else { "-" }
    }

    /// A times sign.
    pub(crate) fn times(&self) -> &'static str {
        if self.unicode { "×" } else { "x" }
    }
}

/// A little is never nothing, and only all is all.
fn filled(share: f64, cells: usize) -> usize {
    match (share * cells as f64).round() as usize {
        _ if share <= 0.0 => 0,
        _ if share >= 1.0 => cells,
        filled => filled.clamp(1, cells.saturating_sub(1).max(1)),
    }
}

/// How clap paints help and usage errors, by the same rules.
pub(crate) fn clap_choice() -> clap::ColorChoice {
    match wants_colour(true) {
        false => clap::ColorChoice::Never,
        true if wants_colour(false) => clap::ColorChoice::Always,
        true => clap::ColorChoice::Auto,
    }
}

fn wants_colour(interactive: bool) -> bool {
    let forced = |name| set(name).is_some_and(|text| text != "0");
    if set("NO_COLOR").is_some() {
        return false;
    }
    if forced("FORCE_COLOR") || forced("CLICOLOR_FORCE") {
        return true;
    }
    interactive && set("TERM").as_deref() != Some("dumb") && set("CLICOLOR").as_deref() != Some("0")
}

fn is_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// A variable that is set and not empty.
fn set(name: &str) -> Option<String> {
    env::var(name).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars() {
        let terminal = Terminal::plain();
        assert_eq!(terminal.bar(10, 0.0, 0.0), "----------");
        assert_eq!(terminal.bar(10, 0.5, 0.75), "#####+++--");
        assert_eq!(terminal.bar(10, 0.001, 0.0), "#---------", "a little is never nothing");
        assert_eq!(terminal.bar(10, 0.0, 0.999), "+++++++++-", "and only all is all");
        assert_eq!(terminal.bar(10, 2.0, 9.0), "##########");
    }
}
