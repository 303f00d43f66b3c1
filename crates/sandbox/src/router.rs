//! [`answer`]: which room answers which request.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::account::caller::Caller;
use crate::account::{credits, routes};
use crate::error::Failure;
use crate::query::{Query, decoded};
use crate::reply::{self, Cut, Reply};
use crate::server::State;
use crate::{chat, generation, own};

const BASES: [&str; 2] = ["/api/v1", "/v1"];

/// Answers, or cuts the connection.
pub(crate) async fn answer(state: &Arc<State>, request: Request<Incoming>) -> Result<Response<Reply>, Cut> {
    let path = request.uri().path().to_owned();
    let route = BASES
        .iter()
        .find_map(|base| path.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('/')));
    let method = request.method().clone();
    match (&method, route) {
        (&Method::HEAD, Some("" | "/")) | (&Method::GET, Some("" | "/")) => Ok(reply::json(200, "")),
        (&Method::HEAD, _) if matches!(path.as_str(), "/" | "/api" | "/api/") => Ok(reply::json(200, "")),
        (&Method::POST, Some("/chat/completions")) => complete(state, request).await,
        (&Method::POST, Some("/credits/coinbase")) => Ok(reply::failure(Failure::coinbase())),
        (_, Some(route)) if routes::is_administrative(route) => administer(state, route, request).await,
        (&Method::GET, Some(route)) => Ok(get(state, route, &request)),
        (_, None) if path.starts_with("/sandbox/") => match read(state, request).await? {
            Ok(body) => Ok(own::answer(state, &method, &path, &body)),
            Err(failure) => Ok(reply::failure(failure)),
        },
        _ => Ok(reply::failure(Failure::not_found(&path))),
    }
}

/// Every answer to it has the id of a generation, errors too.
async fn complete(state: &Arc<State>, request: Request<Incoming>) -> Result<Response<Reply>, Cut> {
    let refused = |failure| Ok(reply::with_id(reply::failure(failure), &nameless_id(state)));
    let caller = match Caller::of(state, &request, state.now()) {
        Ok(caller) if caller.management => return refused(Failure::no_inference()),
        Ok(caller) => caller,
        Err(failure) => return refused(failure),
    };
    match read(state, request).await? {
        Ok(body) => chat::complete(state, caller.key, body).await,
        Err(failure) => refused(failure),
    }
}

/// The routes that need a management key.
async fn administer(
    state: &Arc<State>,
    route: &str,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Cut> {
    let now = state.now();
    if let Err(failure) = Caller::of(state, &request, now).and_then(|caller| caller.must_manage()) {
        return Ok(reply::failure(failure));
    }
    let (method, query) = (request.method().clone(), Query::of(&request));
    let body = match read(state, request).await? {
        Ok(body) => body,
        Err(failure) => return Ok(reply::failure(failure)),
    };
    let asked = routes::Asked { method: &method, route: &decoded(route), query, body: &body, now };
    Ok(match routes::answer(state, &asked) {
        Ok((status, body)) => private(reply::json(status, body)),
        Err(failure) => reply::failure(failure),
    })
}

/// What can be asked for free.
fn get(state: &State, route: &str, request: &Request<Incoming>) -> Response<Reply> {
    let (catalogue, now) = (state.catalogue(), state.now());
    let caller = || Caller::of(state, request, now);
    let told = |answer: Result<String, Failure>| {
        answer.map_or_else(reply::failure, |body| private(reply::json(200, body)))
    };
    match route {
        "/models" => reply::json(200, catalogue.models_text.clone()),
        "/models/user" => caller().map_or_else(reply::failure, |caller| models_of(state, &caller)),
        "/models/count" => reply::json(200, json!({ "data": { "count": catalogue.count() } }).to_string()),
        "/endpoints/zdr" => reply::json(200, catalogue.zdr_text.clone()),
        "/providers" => reply::json(200, catalogue.providers_text.clone()),
        "/key" | "/auth/key" => told(caller().and_then(|caller| credits::about_key(state, &caller, now))),
        "/credits" => told(caller().and_then(|caller| credits::balance(state, &caller, now))),
        "/generation" => told(caller().and_then(|caller| match Query::of(request).get("id") {
            Some(id) => generation::answer(state, &id, &caller.key, now),
            None => Err(Failure::zod("expected string", &["id"])),
        })),
        route => match route.strip_prefix("/models/").and_then(|rest| rest.strip_suffix("/endpoints")) {
            Some(name) => match catalogue.endpoints_text(&decoded(name)) {
                Some(text) => reply::json(200, text),
                None => reply::failure(Failure::new(404, "Model not found", Value::Null)),
            },
            None => reply::failure(Failure::not_found(request.uri().path())),
        },
    }
}

/// The models that a key may use.
fn models_of(state: &State, caller: &Caller) -> Response<Reply> {
    let catalogue = state.catalogue();
    let rules = {
        let account = state.account.read();
        account.key(&caller.key).map(|key| account.rules(key)).unwrap_or_default()
    };
    let text = if rules.is_empty() { catalogue.models_text.clone() } else { catalogue.models_under(&rules) };
    reply::json(200, text)
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

/// Nobody may keep it.
fn private(mut response: Response<Reply>) -> Response<Reply> {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

/// An id for an answer that no body belongs to.
fn nameless_id(state: &State) -> String {
    let tail: String = (0..20).map(|_| fastrand::alphanumeric()).collect();
    format!("gen-{}-{tail}", state.now().seconds())
}
