//! The sandbox's own routes: no key, no fault.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use crate::account;
use crate::error::Failure;
use crate::generation;
use crate::reply::{self, Reply};
use crate::server::State;

/// Answers, the body read whole.
pub(crate) fn answer(state: &Arc<State>, method: &Method, path: &str, body: &Bytes) -> Response<Reply> {
    match (method.as_str(), path) {
        ("GET", "/sandbox/bill") => {
            let bill = state.books().bill();
            reply::json(200, serde_json::to_string(&bill).unwrap_or_default())
        }
        ("GET", "/sandbox/generations") => reply::json(200, generation::list(state)),
        ("GET", "/sandbox/keys") => reply::json(200, account::own::keys(state, state.now())),
        ("GET", "/sandbox/faults") => faults(state),
        ("POST", "/sandbox/faults") => set_faults(state, body),
        ("GET", "/sandbox/clock") => clock(state),
        ("POST", "/sandbox/clock") => set_clock(state, body),
        ("POST", "/sandbox/reset") => {
            state.reset();
            reply::json(200, "{}")
        }
        _ => reply::failure(Failure::not_found(path)),
    }
}

fn faults(state: &State) -> Response<Reply> {
    reply::json(200, serde_json::to_string(&*state.faults.read()).unwrap_or_default())
}

fn set_faults(state: &State, body: &Bytes) -> Response<Reply> {
    let merged = serde_json::from_slice::<Value>(body)
        .map_err(|error| error.to_string())
        .and_then(|fields| state.faults.read().merged(&fields).map_err(|error| error.to_string()));
    match merged {
        Ok(merged) => {
            state.set_faults(merged);
            faults(state)
        }
        Err(message) => reply::failure(Failure::invalid(message)),
    }
}

fn clock(state: &State) -> Response<Reply> {
    let body = json!({ "offset_ms": state.clock_offset_ms(), "now": state.now().iso() });
    reply::json(200, body.to_string())
}

fn set_clock(state: &State, body: &Bytes) -> Response<Reply> {
    let offset = serde_json::from_slice::<Value>(body).ok().and_then(|body| body.get("offset_ms")?.as_i64());
    match offset {
        Some(offset) => {
            state.set_clock(offset);
            clock(state)
        }
        None => reply::failure(Failure::invalid("offset_ms is a whole number of milliseconds".to_owned())),
    }
}
