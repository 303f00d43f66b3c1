//! [`Sandbox`]: the listener and its routes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use parking_lot::{Mutex, RwLock};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::bill::Bill;
use crate::books::Books;
use crate::catalogue::Catalogue;
use crate::clock::Moment;
use crate::config::Config;
use crate::error::Failure;
use crate::faults::Faults;
use crate::reply::{self, Cut, Reply};
use crate::{chat, generation, tokens};

const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
const BASES: [&str; 2] = ["/api/v1", "/v1"];

/// A running sandbox. Dropping it ends it without waiting.
#[derive(Debug)]
pub struct Sandbox {
    state: Arc<State>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    accepting: Option<JoinHandle<()>>,
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) faults: RwLock<Faults>,
    pub(crate) books: Mutex<Books>,
    /// How often a body has come, by its hash.
    pub(crate) seen: Mutex<HashMap<u64, u64>>,
    catalogue: RwLock<Arc<Catalogue>>,
}

impl State {
    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue.read())
    }

    fn set_faults(&self, faults: Faults) {
        let mut own = self.faults.write();
        if let Some(thousandths) = faults.thousandths().filter(|_| own.price_factor != faults.price_factor) {
            *self.catalogue.write() = Arc::new(Catalogue::load(thousandths));
        }
        *own = faults;
    }
}

impl Sandbox {
    /// Listens and answers until it is stopped.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn start(listen: SocketAddr, config: Config) -> std::io::Result<Sandbox> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let thousandths = config.faults.thousandths().unwrap_or(1000);
        let state = Arc::new(State {
            faults: RwLock::new(config.faults.clone()),
            books: Mutex::default(),
            seen: Mutex::default(),
            catalogue: RwLock::new(Arc::new(Catalogue::load(thousandths))),
            config,
        });
        tokio::task::spawn_blocking(tokens::warm);
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state), stopped));
        Ok(Sandbox { state, address, stop: Some(stop), accepting: Some(accepting) })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Everything billed so far.
    pub fn bill(&self) -> Bill {
        self.state.books.lock().bill()
    }

    /// Puts other faults in force, for requests from now on. A price factor that cannot be read leaves the prices.
    pub fn set_faults(&self, faults: Faults) {
        self.state.set_faults(faults);
    }

    /// Closes every connection and waits until all are gone.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&state)));
                }
                // Too many open files, most likely: let some close.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
        }
    }
    connections.shutdown().await;
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { answer(&state, request).await }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(256 << 10);
    builder.http2().timer(TokioTimer::new());
    // An error here is the client's doing, or a cut on purpose.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(state: &Arc<State>, request: Request<Incoming>) -> Result<Response<Reply>, Cut> {
    let path = request.uri().path().to_owned();
    let route = BASES
        .iter()
        .find_map(|base| path.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('/')));
    let method = request.method().clone();
    match (&method, route) {
        (&Method::HEAD, Some("" | "/")) | (&Method::GET, Some("" | "/")) => Ok(reply::json(200, "")),
        (&Method::HEAD, _) if matches!(path.as_str(), "/" | "/api" | "/api/") => Ok(reply::json(200, "")),
        (&Method::POST, Some("/chat/completions")) => {
            let Some(key) = key(&request) else {
                return Ok(reply::with_id(reply::failure(Failure::unauthenticated()), &nameless_id()));
            };
            match read(state, request).await? {
                Ok(body) => chat::complete(state, key, body).await,
                Err(failure) => Ok(reply::with_id(reply::failure(failure), &nameless_id())),
            }
        }
        (&Method::GET, Some(route)) => Ok(get(state, route, &request)),
        (_, None) if path.starts_with("/sandbox/") => own(state, &method, &path, request).await,
        _ => Ok(reply::failure(Failure::not_found(&path))),
    }
}

/// What can be asked for free.
fn get(state: &State, route: &str, request: &Request<Incoming>) -> Response<Reply> {
    let catalogue = state.catalogue();
    let needs_key = |answer: &dyn Fn(&str) -> Result<String, Failure>| match key(request) {
        Some(key) => answer(&key).map_or_else(reply::failure, |body| reply::json(200, body)),
        None => reply::failure(Failure::unauthenticated()),
    };
    let query = request.uri().query().unwrap_or_default();
    match route {
        "/models" | "/models/user" => reply::json(200, catalogue.models_text.clone()),
        "/models/count" => reply::json(200, json!({ "data": { "count": catalogue.count() } }).to_string()),
        "/providers" => reply::json(200, catalogue.providers_text.clone()),
        "/key" | "/auth/key" => needs_key(&|key| Ok(about_key(state, key))),
        "/credits" => {
            needs_key(&|_| Ok(json!({ "data": { "total_credits": 0, "total_usage": 0 } }).to_string()))
        }
        "/generation" => needs_key(&|key| match parameter(query, "id") {
            Some(id) => generation::answer(state, &id, key, Moment::now()),
            None => Err(Failure::zod("expected string", &["id"])),
        }),
        route => match route.strip_prefix("/models/").and_then(|rest| rest.strip_suffix("/endpoints")) {
            Some(name) => match catalogue.endpoints_text(&decoded(name)) {
                Some(text) => reply::json(200, text),
                None => reply::failure(Failure::new(404, "Model not found", Value::Null)),
            },
            None => reply::failure(Failure::not_found(request.uri().path())),
        },
    }
}

/// The sandbox's own routes: no key, no fault.
async fn own(
    state: &Arc<State>,
    method: &Method,
    path: &str,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Cut> {
    let faults = |state: &State| serde_json::to_string(&*state.faults.read()).unwrap_or_default();
    Ok(match (method, path) {
        (&Method::GET, "/sandbox/bill") => {
            let bill = state.books.lock().bill();
            reply::json(200, serde_json::to_string(&bill).unwrap_or_default())
        }
        (&Method::GET, "/sandbox/generations") => reply::json(200, generation::list(state)),
        (&Method::GET, "/sandbox/faults") => reply::json(200, faults(state)),
        (&Method::POST, "/sandbox/faults") => {
            let body = match read(state, request).await? {
                Ok(body) => body,
                Err(failure) => return Ok(reply::failure(failure)),
            };
            let merged = serde_json::from_slice::<Value>(&body)
                .map_err(|error| error.to_string())
                .and_then(|fields| state.faults.read().merged(&fields).map_err(|error| error.to_string()));
            match merged {
                Ok(merged) => {
                    state.set_faults(merged);
                    reply::json(200, faults(state))
                }
                Err(message) => reply::failure(Failure::invalid(message)),
            }
        }
        (&Method::POST, "/sandbox/reset") => {
            *state.books.lock() = Books::default();
            reply::json(200, "{}")
        }
        _ => reply::failure(Failure::not_found(path)),
    })
}

/// The whole body, within its limit; a client that breaks off is cut.
async fn read(state: &State, request: Request<Incoming>) -> Result<Result<Bytes, Failure>, Cut> {
    match Limited::new(request.into_body(), state.config.body_bytes_max).collect().await {
        Ok(body) => Ok(Ok(body.to_bytes())),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Ok(Err(Failure::new(
            413,
            "Request body is too large",
            json!({ "error_type": "payload_too_large" }),
        ))),
        Err(_) => Err(Cut),
    }
}

/// The first 16 hex digits of the SHA-256 of the bearer key.
fn key(request: &Request<Incoming>) -> Option<Arc<str>> {
    let value = request.headers().get(AUTHORIZATION)?.as_bytes();
    let bearer =
        value.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case(b"bearer ")).map(|_| &value[7..])?;
    let bearer = bearer.trim_ascii();
    if bearer.is_empty() {
        return None;
    }
    let hash = Sha256::digest(bearer);
    Some(hash[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
}

/// `GET /key`, with everything the official SDKs insist on. The amounts are exact.
fn about_key(state: &State, key: &str) -> String {
    let spent = state.books.lock().spent_by(key);
    let rest = json!({
        "label": format!("sk-or-v1-{}...{}", &key[..3], &key[13..]),
        "limit": null, "limit_remaining": null, "limit_reset": null, "include_byok_in_limit": false,
        "byok_usage": 0, "byok_usage_daily": 0, "byok_usage_weekly": 0, "byok_usage_monthly": 0,
        "is_free_tier": false, "is_management_key": false, "is_provisioning_key": false,
        "creator_user_id": crate::error::USER, "organization_id": null, "workspace_id": null, "expires_at": null,
        "budgets": [], "effective_budget": null, "allowed_data_regions": ["global"],
        "free_model_daily_requests": { "used": 0, "limit": 1000, "remaining": 1000 },
        "rate_limit": { "requests": -1, "interval": "10s", "note": "This field is deprecated and safe to ignore." },
    })
    .to_string();
    format!(
        "{{\"data\":{{\"usage\":{spent},\"usage_daily\":{spent},\"usage_weekly\":{spent},\"usage_monthly\":{spent},{}}}",
        &rest[1..]
    )
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let pair =
        |pair: &str| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| decoded(value));
    query.split('&').find_map(pair)
}

/// Percent-decoded; what is no escape stays.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = (byte == b'%').then(|| after.get(..2)).flatten();
        let value = escape.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        out.push(value.unwrap_or(byte));
        rest = if value.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// An id for an answer that no body belongs to.
fn nameless_id() -> String {
    let tail: String = (0..20).map(|_| fastrand::alphanumeric()).collect();
    format!("gen-{}-{tail}", Moment::now().seconds())
}
