//! Asking a running gateway's console.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::failure::{Failure, chain};

/// A console answers at once or not at all.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer, bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The gateway that has this folder open, by its console address.
pub(crate) fn of_folder(data: &Path) -> Option<String> {
    store::live_address(data)
}

/// `GET`s a page; the status may be any.
///
/// # Errors
/// One sentence: why there was no answer.
pub(crate) async fn get(address: &str, path: &str) -> Result<(StatusCode, Bytes), String> {
    let asking = tokio::time::timeout(PATIENCE, ask(bare(address), path));
    asking.await.map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?
}

/// An answer that must be there.
///
/// # Errors
/// When the console does not answer, or not with 200.
pub(crate) async fn get_ok(address: &str, path: &str) -> Result<Bytes, Failure> {
    let failed = |why: String| {
        Failure::failed(format!("the console at {} does not answer: {why}", bare(address)))
            .hint("is farebox serve running there? the folder of its books can be read with --data DIR")
    };
    match get(address, path).await {
        Ok((StatusCode::OK, body)) => Ok(body),
        Ok((status, _)) => Err(failed(format!("status {}", status.as_u16()))),
        Err(why) => Err(failed(why)),
    }
}

fn bare(address: &str) -> &str {
    address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/')
}

async fn ask(address: &str, path: &str) -> Result<(StatusCode, Bytes), String> {
    let stream = TcpStream::connect(address).await.map_err(|error| chain(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| chain(&error))?;
    let request = Request::get(path)
        .header(HOST, address)
        .body(Empty::<Bytes>::new())
        .map_err(|error| chain(&error))?;
    let asking = async {
        let response = sender.send_request(request).await.map_err(|error| chain(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        Ok((status, body.map_err(|error| error.to_string())?.to_bytes()))
    };
    tokio::select! {
        answer = asking => answer,
        ended = connection => Err(ended.err().map_or_else(|| "it hung up".to_owned(), |error| chain(&error))),
    }
}
