//! [`Call`]: a chat completion that is asked for, with what budgets look at.

use bytes::Bytes;
use gateway::Secret;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use http_body_util::Full;
use money::Nano;
use serde_json::Value;

use crate::Error;

const PATH: &str = "/api/v1/chat/completions";
const USER: HeaderName = HeaderName::from_static("x-farebox-user");
const SESSION: HeaderName = HeaderName::from_static("x-session-id");
const APP: HeaderName = HeaderName::from_static("x-openrouter-title");
const MAX_COST: HeaderName = HeaderName::from_static("x-farebox-max-cost-usd");

/// A chat completion to ask for: the body as OpenRouter's API has it, and labels for the budgets.
///
/// The body goes on as it is, but for the output cap and the price ceiling that are spliced into it. Where it names
/// `user` or `session_id` itself, the body's go first.
///
/// ```
/// use farebox::{Call, Nano};
///
/// let call = Call::new(r#"{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}"#)
///     .user("alice")
///     .max_cost(Nano::from_cents(2));
/// # let _ = call;
/// ```
#[derive(Clone, Debug)]
pub struct Call {
    body: Bytes,
    headers: HeaderMap,
    /// A label that no header can carry: told when the call is made.
    wrong: Option<&'static str>,
}

impl Call {
    /// With this body: a JSON object.
    pub fn new(body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Call { body: body.into(), headers, wrong: None }
    }

    /// On whose behalf: the label `user`.
    #[must_use]
    pub fn user(self, user: &str) -> Self {
        self.label(USER, "user", user)
    }

    /// In which session: the label `session`. OpenRouter sees it too.
    #[must_use]
    pub fn session(self, session: &str) -> Self {
        self.label(SESSION, "session", session)
    }

    /// By which program: the label `app`. OpenRouter sees it too.
    #[must_use]
    pub fn app(self, app: &str) -> Self {
        self.label(APP, "app", app)
    }

    /// A ceiling on this one call, USD: it is refused when it could cost more.
    #[must_use]
    pub fn max_cost(self, ceiling: Nano) -> Self {
        self.label(MAX_COST, "max_cost", &ceiling.to_string())
    }

    /// The OpenRouter key that pays, where the program was opened without one. Kept in memory only.
    #[must_use]
    pub fn key(self, key: &Secret) -> Self {
        self.label(AUTHORIZATION, "key", &format!("Bearer {}", key.expose()))
    }

    fn label(mut self, name: HeaderName, what: &'static str, value: &str) -> Self {
        match HeaderValue::try_from(value) {
            Ok(mut value) => {
                value.set_sensitive(name == AUTHORIZATION);
                self.headers.insert(name, value);
            }
            Err(_) => self.wrong = Some(what),
        }
        self
    }

    /// As a request; the body must ask for a stream just when `stream` says so.
    pub(crate) fn into_request(self, stream: bool) -> Result<Request<Full<Bytes>>, Error> {
        let invalid = |code: &str, sentence: String| Error::Invalid { code: code.to_owned(), sentence };
        if let Some(what) = self.wrong {
            return Err(invalid("bad-label", format!("'{what}' must be one line of text")));
        }
        let chat = openrouter::chat::read(&self.body);
        let chat = chat.map_err(|error| invalid("bad-body", error.to_string()))?;
        match (chat.stream, stream) {
            (true, false) => {
                return Err(invalid("stream", "the body asks for a stream: use chat_stream".to_owned()));
            }
            (false, true) => {
                return Err(invalid("stream", "a stream needs \"stream\": true in the body".to_owned()));
            }
            _ => {}
        }
        drop(chat);
        let mut request = Request::new(Full::new(self.body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(PATH);
        *request.headers_mut() = self.headers;
        Ok(request)
    }
}

macro_rules! from_bodies {
    ($($body:ty),*) => {$(
        impl From<$body> for Call {
            fn from(body: $body) -> Self {
                Call::new(body)
            }
        }
    )*};
}

from_bodies!(Bytes, String, Vec<u8>, &'static str);

impl From<Value> for Call {
    fn from(body: Value) -> Self {
        Call::new(body.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(call: Call, stream: bool) -> String {
        match call.into_request(stream) {
            Err(Error::Invalid { code, .. }) => code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn labels_become_headers() {
        let call = Call::new("{}").user("alice").session("s-1").app("Bot").max_cost(Nano::from_cents(2));
        let request = call.key(&Secret::new("sk-or-v1-x")).into_request(false).unwrap();
        let headers = request.headers();
        assert_eq!(headers["x-farebox-user"], "alice");
        assert_eq!(headers["x-session-id"], "s-1");
        assert_eq!(headers["x-openrouter-title"], "Bot");
        assert_eq!(headers["x-farebox-max-cost-usd"], "0.020000000");
        assert!(!format!("{headers:?}").contains("sk-or"), "the key does not print");
    }

    #[test]
    fn what_cannot_be_sent_is_said_before() {
        assert_eq!(code(Call::new("{}").user("a\nb"), false), "bad-label");
        assert_eq!(code(Call::new("[]"), false), "bad-body");
        assert_eq!(code(Call::new(r#"{"stream":true}"#), false), "stream");
        assert_eq!(code(Call::new("{}"), true), "stream");
    }
}
