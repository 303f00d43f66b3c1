//! Asking a running gateway's console.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use console::{TOKEN_HEADER, Token};
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

use crate::failure::{Failure, chain};

/// A console answers at once or not at all.
const PATIENCE: Duration = Duration::from_secs(5);
/// A change may have to wait for the disk, or for OpenRouter.
const PATIENCE_FOR_CHANGES: Duration = Duration::from_secs(300);
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
    let address = bare(address);
    let request = Request::get(path).header(HOST, address).body(Full::default());
    let asking = tokio::time::timeout(PATIENCE, ask(address, request));
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

/// What a page says.
///
/// # Errors
/// As [`get_ok`]; and when it says something else.
pub(crate) async fn read<T: DeserializeOwned>(address: &str, path: &str) -> Result<T, Failure> {
    parsed(address, &get_ok(address, path).await?)
}

/// Asks for a change, and reads what became of it.
///
/// # Errors
/// As [`post_ok`]; and when the answer says something else.
pub(crate) async fn change<T: DeserializeOwned>(
    address: &str,
    data: &Path,
    path: &str,
    body: &impl Serialize,
) -> Result<T, Failure> {
    parsed(address, &post_ok(address, data, path, body).await?)
}

fn parsed<T: DeserializeOwned>(address: &str, body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body)
        .map_err(|error| Failure::caused(&format!("the answer of {address} cannot be read"), &error))
}

/// Asks for a change, with the token of the folder; `body` goes as JSON.
///
/// # Errors
/// When the token cannot be read, the console does not answer, or it says no: in its own words.
pub(crate) async fn post_ok(
    address: &str,
    data: &Path,
    path: &str,
    body: &impl Serialize,
) -> Result<Bytes, Failure> {
    let token = Token::read(data).map_err(|error| {
        Failure::caused(&format!("cannot read the console's token in {}", data.display()), &error)
            .hint("changes are for the user that runs farebox serve")
    })?;
    let body = serde_json::to_vec(body).map_err(|error| Failure::caused("cannot write JSON", &error))?;
    let request = |address: &str| {
        Request::post(path)
            .header(HOST, address)
            .header(CONTENT_TYPE, "application/json")
            .header(TOKEN_HEADER, token.expose())
            .body(Full::new(Bytes::from(body)))
    };
    let address = bare(address);
    let asking = tokio::time::timeout(PATIENCE_FOR_CHANGES, ask(address, request(address)));
    let answer = asking.await.unwrap_or_else(|_| Err("no answer in time".to_owned()));
    let (status, body) =
        answer.map_err(|why| Failure::failed(format!("the console at {address} does not answer: {why}")))?;
    match status {
        StatusCode::OK => Ok(body),
        status => Err(Failure::failed(refusal(status, &body))),
    }
}

/// The sentence in an error of the console's.
fn refusal(status: StatusCode, body: &[u8]) -> String {
    let sentence = serde_json::from_slice::<serde_json::Value>(body).ok();
    let sentence = sentence.as_ref().and_then(|body| body["error"].as_str());
    sentence.map_or_else(|| format!("the console answered with status {}", status.as_u16()), str::to_owned)
}

fn bare(address: &str) -> &str {
    address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/')
}

async fn ask(
    address: &str,
    request: http::Result<Request<Full<Bytes>>>,
) -> Result<(StatusCode, Bytes), String> {
    let request = request.map_err(|error| chain(&error))?;
    let stream = TcpStream::connect(address).await.map_err(|error| chain(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| chain(&error))?;
    let asking = async {
        let response = sender.send_request(request).await.map_err(|error| chain(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        Ok((status, body.map_err(|error| error.to_string())?.to_bytes()))
    };
    let mut asking = std::pin::pin!(asking);
    tokio::select! {
        biased;
        answer = &mut asking => answer,
        ended = connection => match ended {
            // The answer may have come with the end.
            Ok(()) => asking.await,
            Err(error) => Err(chain(&error)),
        },
    }
}
