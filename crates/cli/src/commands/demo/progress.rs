//! How the demo goes, on stderr: a bar on a terminal, a few lines elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use money::Nano;

use super::tally::Tally;
use crate::terminal::Terminal;

/// Columns of the bar.
const BAR: usize = 24;

#[derive(Debug)]
pub(crate) struct Progress {
    budget: Nano,
    terminal: Terminal,
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn new(budget: Nano, terminal: Terminal) -> Self {
        let target =
            if terminal.interactive { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Progress { budget, terminal, bar }
    }

    /// A line that stays.
    pub(crate) fn say(&self, line: &str) {
        let line = format!("{} {line}", self.terminal.dim("demo:"));
        match self.terminal.interactive {
            true => self.bar.println(line),
            false => eprintln!("{line}"),
        }
    }

    /// The line that moves.
    pub(crate) fn show(&self, billed: Nano, tally: &Tally) {
        if !self.terminal.interactive {
            return;
        }
        let share = billed.nanos() as f64 / self.budget.nanos() as f64;
        let (served, refused) = tally.counts();
        self.bar.set_message(format!(
            "{} {} of {}  {served} served  {refused} refused",
            self.terminal.bar(BAR, share, share),
            billed.for_people(),
            self.budget.for_people(),
        ));
        self.bar.tick();
    }

    /// The line that moves is no more.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
