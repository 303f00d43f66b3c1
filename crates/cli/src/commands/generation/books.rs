//! What our books say of a generation: through the gateway's console, or from the folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use console::GenerationRow;
use http::StatusCode;
use store::OpenError;

use crate::commands::budgets::list::{folder, unreadable};
use crate::failure::{Failure, chain};
use crate::live;

/// A little longer than a gateway takes to write what has ended into its books.
const SHIPPED_AFTER: Duration = Duration::from_millis(400);

/// The row, if these books have one. No books at all have none.
pub(crate) async fn find(
    console: Option<&str>,
    data: Option<PathBuf>,
    id: &str,
) -> Result<Option<GenerationRow>, Failure> {
    if let Some(console) = console {
        return of_console(console, id).await.map_err(|why| {
            Failure::failed(format!("the console at {console} does not say: {why}"))
                .hint("is farebox serve running there? the folder of its books can be read with --data DIR")
        });
    }
    let folder = match (data, folder(None)) {
        (Some(data), _) => data,
        (None, Ok(usual)) => usual,
        (None, Err(_)) => return Ok(None),
    };
    let live = live::of_folder(&folder);
    if let Some(found) = ask_or_read(live.as_deref(), &folder, id).await? {
        return Ok(Some(found));
    }
    if live.is_none() {
        return Ok(None);
    }
    tokio::time::sleep(SHIPPED_AFTER).await;
    ask_or_read(live.as_deref(), &folder, id).await
}

async fn ask_or_read(live: Option<&str>, folder: &Path, id: &str) -> Result<Option<GenerationRow>, Failure> {
    if let Some(address) = live {
        match of_console(address, id).await {
            Ok(found) => return Ok(found),
            Err(why) => tracing::debug!(%address, %why, "the console does not say; reading the books"),
        }
    }
    match store::find_generation(folder, id) {
        Ok(found) => Ok(found.as_ref().map(GenerationRow::from)),
        Err(OpenError::Absent(_)) => Ok(None),
        Err(error) => Err(unreadable(&error)),
    }
}

async fn of_console(address: &str, id: &str) -> Result<Option<GenerationRow>, String> {
    match live::get(address, &format!("/generation/{id}")).await? {
        (StatusCode::OK, body) => serde_json::from_slice(&body).map(Some).map_err(|error| chain(&error)),
        (StatusCode::NOT_FOUND, _) => Ok(None),
        (status, _) => Err(format!("status {}", status.as_u16())),
    }
}
