//! `farebox help [COMMAND|TOPIC]`, and `farebox` alone.

use clap::CommandFactory;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{output, terminal, topics};

/// Prints the page that the words name; the short help without any.
pub(crate) fn run(words: &[String]) -> Result<Exit, Failure> {
    if let [topic] = words
        && let Some(page) = topics::topic(topic)
    {
        return output::text(page);
    }
    let mut command = Cli::command().color(terminal::clap_choice());
    command.build();
    let mut page = &mut command;
    for word in words {
        page = page.find_subcommand_mut(word).ok_or_else(|| {
            Failure::usage(format!("there is no help about '{}'", words.join(" ")))
                .hint("farebox help lists the commands; topics are exit-codes, env and config")
        })?;
    }
    let help = page.render_help();
    let colour = match terminal::clap_choice() {
        clap::ColorChoice::Always => true,
        clap::ColorChoice::Never => false,
        clap::ColorChoice::Auto => terminal::Terminal::of_stdout().interactive,
    };
    match colour {
        true => output::text(&help.ansi().to_string()),
        false => output::text(&help.to_string()),
    }
}
