//! `farebox explain last|ID`: why a call cost what it did, or was refused, every line of the sum.
//!
//! The running gateway remembers the last calls; the books keep refusals at once and the rest when it stops.

mod call;

use std::path::{Path, PathBuf};

use clap::Args;
use http::StatusCode;
use serde_json::Value;

use self::call::Call;
use super::budgets::list::{self, folder};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::{live, output};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox explain last\n  farebox explain req_0123456789abcdef    the x-request-id of an answer\n  farebox explain last --json";

/// `explain`
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// `last`, or the x-request-id of an answer
    #[arg(value_name = "last|ID")]
    request: String,
    /// Ask the gateway whose console is here
    #[arg(long, value_name = "ADDRESS")]
    console: Option<String>,
    /// The folder of the books: ask the gateway that has it open, or read it
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints it.
pub(crate) async fn run(args: ExplainArgs) -> Result<Exit, Failure> {
    if args.request.is_empty()
        || !args.request.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    {
        return Err(Failure::usage(format!("'{}' is not a request id", args.request.escape_debug()))
            .hint("farebox explain last, or the x-request-id of an answer"));
    }
    let found = match &args.console {
        Some(console) => of_console(console, &args.request).await?,
        None => {
            let folder = folder(args.data)?;
            let live = match live::of_folder(&folder) {
                Some(address) => of_console(&address, &args.request).await.unwrap_or_default(),
                None => None,
            };
            match live {
                Some(found) => Some(found),
                None => of_books(&folder, &args.request)?,
            }
        }
    };
    let Some(found) = found else {
        let what = if args.request == "last" {
            "no call is remembered".to_owned()
        } else {
            format!("no call {} is remembered", args.request)
        };
        return Err(Failure::failed(what).hint("the last few hundred calls and the last refusals are kept"));
    };
    if args.json {
        return output::json(&found);
    }
    let call: Call = serde_json::from_value(found).map_err(|error| {
        Failure::caused("the explanation cannot be read; --json prints it as it is", &error)
    })?;
    output::text(&call.text(&Terminal::of_stdout()))
}

async fn of_console(address: &str, request: &str) -> Result<Option<Value>, Failure> {
    let path = format!("/explain/{request}");
    match live::get(address, &path).await {
        Ok((StatusCode::NOT_FOUND, _)) => Ok(None),
        Ok((StatusCode::OK, body)) => serde_json::from_slice(&body)
            .map(Some)
            .map_err(|error| Failure::caused("the answer of the console cannot be read", &error)),
        Ok((status, _)) => {
            Err(Failure::failed(format!("the console at {address} answered with status {}", status.as_u16())))
        }
        Err(why) => Err(Failure::failed(format!("the console at {address} does not answer: {why}"))
            .hint("is farebox serve running there? the folder of its books can be read with --data DIR")),
    }
}

fn of_books(folder: &Path, request: &str) -> Result<Option<Value>, Failure> {
    let id = (request != "last").then_some(request);
    let rows = store::last_decisions(folder, 1, id).map_err(|error| list::unreadable(&error))?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    serde_json::from_str(&row.json)
        .map(Some)
        .map_err(|error| Failure::caused("the explanation in the books cannot be read", &error))
}
