//! A program of the user's: the event as JSON on its standard input, delivered when it exits with 0.
//!
//! It gets a small environment, without keys: this process's may hold the upstream's. What it prints is not kept.

use std::env;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process;

use super::Outcome;
use crate::event::Event;

/// What it gets of our environment.
const PASSED_ON: [&str; 9] =
    ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"];

/// A program and its arguments; no shell.
#[derive(Clone, Debug)]
pub struct Command {
    /// The program, then its arguments.
    pub argv: Vec<String>,
    /// It is killed when it takes longer; at most as long as any attempt may take.
    pub timeout: Duration,
}

impl Command {
    pub(crate) async fn send(&self, event: &Event) -> Outcome {
        match tokio::time::timeout(self.timeout, self.run(event)).await {
            Ok(outcome) => outcome,
            // Dropped, so killed.
            Err(_) => Outcome::later(format!("it did not end within {} s", self.timeout.as_secs_f32())),
        }
    }

    async fn run(&self, event: &Event) -> Outcome {
        let Some((program, arguments)) = self.argv.split_first() else {
            return Outcome::failed("there is no command");
        };
        let mut child = match process::Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(PASSED_ON.into_iter().filter_map(|name| Some((name, env::var_os(name)?))))
            .env("FAREBOX_EVENT", event.name())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
        {
            Ok(child) => child,
            Err(error) => return Outcome::later(format!("it cannot be started: {error}")),
        };
        if let Some(mut stdin) = child.stdin.take() {
            // One that does not read its input may still do its work.
            let _ = stdin.write_all((event.envelope().to_string() + "\n").as_bytes()).await;
        }
        match child.wait().await {
            Ok(status) if status.success() => Outcome::Delivered { answer: "exit code 0".to_owned() },
            Ok(status) => {
                Outcome::later(status.code().map_or_else(
                    || "it was killed by a signal".to_owned(),
                    |code| format!("exit code {code}"),
                ))
            }
            Err(error) => Outcome::later(format!("it cannot be waited for: {error}")),
        }
    }
}
