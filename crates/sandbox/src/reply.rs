//! [`Reply`]: the body of every answer, chunked, without a length, as OpenRouter sends it.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body::{Body, Frame};

use crate::error::Failure;
use crate::stream::Stream;

/// The body of an answer.
pub(crate) enum Reply {
    /// In one piece.
    Whole(Option<Bytes>),
    /// Event by event.
    Stream(Box<Stream>),
}

/// The connection is to be cut.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut on purpose")
    }
}

impl std::error::Error for Cut {}

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut *self {
            Reply::Whole(bytes) => Poll::Ready(
                bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))),
            ),
            Reply::Stream(stream) => {
                stream.poll_event(cx).map(|event| event.map(|event| event.map(Frame::data)))
            }
        }
    }
}

/// JSON.
pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Response<Reply> {
    let mut response = Response::new(Reply::Whole(Some(body.into())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A refusal.
pub(crate) fn failure(failure: Failure) -> Response<Reply> {
    let mut response = json(failure.status, failure.body);
    for (name, value) in failure.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// Server-sent events.
pub(crate) fn events(stream: Stream) -> Response<Reply> {
    as_events(Reply::Stream(Box::new(stream)))
}

/// A stream that says nothing, and ends as it should.
pub(crate) fn empty_events() -> Response<Reply> {
    as_events(Reply::Whole(Some(Bytes::from_static(b": OPENROUTER PROCESSING\n\ndata: [DONE]\n\n"))))
}

fn as_events(reply: Reply) -> Response<Reply> {
    let mut response = Response::new(reply);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Says which generation it is about.
pub(crate) fn with_id(mut response: Response<Reply>, id: &str) -> Response<Reply> {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(HeaderName::from_static("x-generation-id"), value);
    }
    response
}
