//! `farebox generation ID`: the exact cost of one generation as OpenRouter has it, and what our books say of it.
//!
//! OpenRouter knows of a generation half a second to several minutes after the call (CONTRACT 7.1), so a "not found" is
//! asked again until `--wait` is over. Our books are asked through the gateway that has them open, or read.

mod books;
mod report;
mod wait;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use self::report::Report;
use crate::account::{Asked, UpstreamArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::{instant, output, secrets};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox generation gen-1795428000-AbCdEfGhIjKlMnOpQrSt    the x-generation-id of an answer\n  farebox generation gen-1795428000-AbCdEfGhIjKlMnOpQrSt --wait 10m --json\n\nThe key comes from OPENROUTER_API_KEY.";

/// `generation`
#[derive(Debug, Args)]
pub(crate) struct GenerationArgs {
    /// OpenRouter's id of it: the x-generation-id header, or the id in the body
    #[arg(value_name = "ID")]
    id: String,
    /// Ask again for this long while OpenRouter does not know it yet
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = instant::wait)]
    wait: Duration,
    /// Ask the gateway whose console is here what its books say
    #[arg(long, value_name = "ADDRESS")]
    console: Option<String>,
    /// The folder of the books: ask the gateway that has it open, or read it
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON; money is decimal text, and cost_text the digits as OpenRouter
    /// wrote them
    #[arg(long)]
    json: bool,
}

/// Prints it; what the books say even when OpenRouter does not know it.
pub(crate) async fn run(args: GenerationArgs) -> Result<Exit, Failure> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if args.id.is_empty() || args.id.len() > 128 || !args.id.bytes().all(plain) {
        return Err(Failure::usage(format!("'{}' is not a generation id", args.id.escape_debug()))
            .hint("the x-generation-id header of an answer, such as gen-1795428000-AbCdEfGhIjKlMnOpQrSt"));
    }
    let key = secrets::needed_api_key("asking for a generation")?;
    let upstream = args.upstream.open()?;
    let told = wait::until_known(&upstream, &args.id, key.secret.expose(), args.wait).await;
    let books = books::find(args.console.as_deref(), args.data, &args.id).await?;
    let (details, failure) = match told {
        Ok(details) => (Some(details), None),
        Err(error) => {
            let asked = Asked { base: upstream.base(), key: &key, management: false };
            (None, Some(wait::failure(&asked, &error, &args.id, args.wait)))
        }
    };
    if details.is_some() || books.is_some() {
        let report = Report::new(&args.id, details.as_ref(), books);
        match args.json {
            true => output::json(&report)?,
            false => output::text(&report.text(&Terminal::of_stdout()))?,
        };
    }
    failure.map_or(Ok(Exit::Ok), Err)
}
