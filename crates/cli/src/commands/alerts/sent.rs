//! Sending from a command: what came of it, a line for each channel.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use ::alerts::{Alerts, Channel, DeliveryRow, Rules};
use jiff::Timestamp;

use crate::commands::serve::alerting::FILE;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Longer than any attempt takes.
const PATIENCE: Duration = Duration::from_secs(35);
const PAUSE: Duration = Duration::from_millis(200);

/// Opens the alerts of a folder, which is made if need be.
pub(super) fn open(data: &Path, rules: Rules, channels: Vec<Channel>) -> Result<Alerts, Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(|error| {
        Failure::caused(&format!("cannot make the folder {}", data.display()), &error)
            .hint("another place for what was said: --data DIR")
    })?;
    let file = data.join(FILE);
    Alerts::open(&file, rules, channels)
        .map_err(|error| Failure::caused(&format!("cannot use {}", file.display()), &error))
}

/// Sends what is due and waits until each channel of this event has been tried: by us, or by a gateway that runs.
pub(super) async fn deliveries(alerts: &Alerts, event: &str) -> Result<Vec<DeliveryRow>, Failure> {
    let failed = |error: ::alerts::OutboxError| Failure::caused("cannot send", &error);
    let began = tokio::time::Instant::now();
    loop {
        alerts.deliver(Timestamp::now().as_millisecond()).await.map_err(failed)?;
        let rows = alerts.deliveries(event).map_err(failed)?;
        let is_tried = |row: &DeliveryRow| row.state != "waiting" || row.answer.is_some();
        if rows.iter().all(is_tried) || began.elapsed() >= PATIENCE {
            return Ok(rows);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// One line: `chat  delivered  status 200: ok`.
pub(super) fn line(row: &DeliveryRow, width: usize, terminal: &Terminal) -> String {
    let state = match row.state.as_str() {
        "delivered" => terminal.green("delivered"),
        "waiting" => terminal.yellow("waiting"),
        other => terminal.red(other),
    };
    let answer = row.answer.as_deref().unwrap_or("not tried yet");
    format!("{:width$}  {state}  {}\n", row.channel, crate::table::printable_to(answer, 100))
}
