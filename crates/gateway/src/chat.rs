//! The walk of a chat completion (DESIGN.md section 4).

use std::sync::Arc;

use admission::{Ask, Clamp, Permit, RefusalReason};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use ledger::{Label, Scope};
use money::Nano;
use openrouter::chat::{self, ChatRequest, Permission};
use parking_lot::Mutex;
use pricing::{Bound, BoundPolicy, Unpriced};

use crate::admit::admit;
use crate::body::Body;
use crate::caller::{self, Caller};
use crate::clock::now_ms;
use crate::exchange::{self, Ended};
use crate::explain::{End, Explained, Generation};
use crate::headers::{self, Decided};
use crate::intake::{self, IntakeError};
use crate::receipt::Slot;
use crate::refuse::{self, Form, Problem};
use crate::shared::Shared;

const PATH: &str = "/chat/completions";
/// Attempts for one request while nothing has been sent. Each has a hold of its own.
const UNSENT_MAX: usize = 3;

/// Answers one chat completion.
pub(crate) async fn answer<B>(shared: &Arc<Shared>, parts: &Parts, incoming: B) -> Response<Body>
where
    B: http_body::Body<Data = Bytes>,
{
    let request_id = shared.request_id();
    let receipt = Slot::default();
    let mut response = match walk(shared, parts, incoming, &request_id, &receipt).await {
        Ok(response) => response,
        Err(No::Problem(problem)) => {
            shared.count(&problem);
            problem.render()
        }
        Err(No::Response(response)) => *response,
    };
    headers::set(response.headers_mut(), "x-request-id", &request_id);
    response.body_mut().keep(receipt.take());
    response
}

/// Why a request was not forwarded.
enum No {
    Problem(Problem),
    Response(Box<Response<Body>>),
}

impl From<Problem> for No {
    fn from(problem: Problem) -> Self {
        No::Problem(problem)
    }
}

/// One request on its walk.
struct Walk<'a> {
    shared: &'a Arc<Shared>,
    request_id: &'a str,
    headers: &'a HeaderMap,
    caller: Caller,
    body: &'a [u8],
    chat: ChatRequest<'a>,
    ceiling: Option<Nano>,
    receipt: &'a Slot,
}

async fn walk<B: http_body::Body<Data = Bytes>>(
    shared: &Arc<Shared>,
    parts: &Parts,
    incoming: B,
    request_id: &str,
    receipt: &Slot,
) -> Result<Response<Body>, No> {
    let caller = Caller::of(&parts.headers, shared.local.as_ref()).ok_or_else(no_key)?;
    let ceiling = ceiling(&parts.headers, shared.config.per_request)?;
    let taken =
        intake::take(incoming, &shared.bodies, &shared.config.limits).await.map_err(IntakeError::problem)?;
    let chat = chat::read(&taken.bytes)
        .map_err(|error| Problem::wrong(StatusCode::BAD_REQUEST, "bad-body", error.to_string()))?;
    shared.see_key(&caller);
    let headers = &parts.headers;
    let walk = Walk { shared, request_id, headers, caller, body: &taken.bytes, chat, ceiling, receipt };
    walk.go().await
}

impl Walk<'_> {
    async fn go(&self) -> Result<Response<Body>, No> {
        let mut repriced = false;
        let mut unsent = 0;
        loop {
            match self.attempt().await? {
                Ended::Answer(response) => return Ok(response),
                Ended::Problem(problem) => return Err(problem.into()),
                Ended::OverPrice(response) if repriced => return Ok(response),
                Ended::OverPrice(response) => {
                    repriced = true;
                    if !self.refresh_prices().await {
                        return Ok(response);
                    }
                    self.shared.stats.repriced.add();
                }
                Ended::NotSent(why) => {
                    unsent += 1;
                    if unsent == UNSENT_MAX {
                        let message =
                            format!("OpenRouter cannot be reached ({why}); nothing was sent or billed");
                        return Err(
                            Problem::wrong(StatusCode::BAD_GATEWAY, "upstream-unreachable", message).into()
                        );
                    }
                    self.shared.stats.resent.add();
                }
            }
        }
    }

    /// One attempt with a hold of its own.
    async fn attempt(&self) -> Result<Ended, No> {
        let bound = self.bound()?;
        let permit = self.permit(&bound).await?;
        let cap = permit.output_cap();
        let clamped = (cap < bound.output_cap).then_some((bound.output_cap, cap));
        if clamped.is_some() {
            self.shared.stats.clamped.add();
        }
        let permission = Permission {
            output_cap: cap,
            max_price: bound.max_price,
            ignore: bound.ignore.clone(),
            ..Permission::default()
        };
        let request = self.onward(self.chat.splice(self.body, &permission))?;
        let decided = Decided {
            request_id: self.request_id.to_owned(),
            balance: permit.balance(),
            held_max: permit.bound(),
            clamped,
        };
        let explained = Arc::new(Explained {
            at_ms: now_ms(),
            request: self.request_id.to_owned(),
            model: bound.model.clone(),
            cap,
            held: permit.bound(),
            balance: decided.balance.clone(),
            clamped,
            bound: Some(bound),
            generation: Generation::default(),
            end: Mutex::new(End::InFlight),
        });
        self.explain(&explained);
        Ok(exchange::run(self.shared, permit, request, decided, explained).await)
    }

    /// The most this request can be billed, by the prices of now.
    fn bound(&self) -> Result<Bound, No> {
        if self.shared.prices_are_stale() {
            let message = "The price book is too old to go by and OpenRouter's prices cannot be fetched";
            return Err(Problem::later(5, "stale-prices", message).into());
        }
        let book = self.shared.catalogue.book();
        for model in &self.chat.shape.models {
            if book.model(model).is_some_and(|row| row.endpoints.is_none()) {
                self.shared.catalogue.want_endpoints(model);
            }
        }
        let policy = BoundPolicy { default_output: self.shared.config.default_output };
        pricing::bound(&self.chat.shape, &book, &policy).map_err(|unpriced| self.refuse_unpriced(&unpriced))
    }

    /// Money first, journal second, and only then a permit.
    async fn permit(&self, bound: &Bound) -> Result<Permit, No> {
        let model = self.chat.shape.models.first().map_or("", |model| model.as_ref());
        let user = self.chat.user.as_deref().or_else(|| caller::user(self.headers)).unwrap_or_default();
        let session =
            self.chat.session_id.as_deref().or_else(|| caller::session(self.headers)).unwrap_or_default();
        let scope = Scope::default()
            .with(Label::Key, &self.caller.key_label)
            .with(Label::User, caller::label(user))
            .with(Label::Model, caller::label(model))
            .with(Label::Session, caller::label(session))
            .with(Label::App, caller::label(caller::app(self.headers).unwrap_or_default()));
        let clamp = self.shared.config.clamp_min.map_or(Clamp::Never, Clamp::DownTo);
        let ask =
            Ask { scope, bound, upstream_key: self.caller.upstream_key_id, ceiling: self.ceiling, clamp };
        let reserved = admit(self.shared, &ask, self.body.len()).await;
        let reserved = reserved.map_err(|refusal| self.refuse(&refusal, bound))?;
        reserved.permit(now_ms()).await.map_err(|error| {
            tracing::error!(%error, "the journal does not take holds; nothing is forwarded");
            let message = "Farebox cannot write its journal, so nothing is forwarded. GET /readyz says why";
            Problem::later(5, RefusalReason::Journal.text(), message).into()
        })
    }

    fn onward(&self, body: Vec<u8>) -> Result<Request<Full<Bytes>>, No> {
        let uri = self.shared.upstream.uri(PATH).map_err(|error| {
            Problem::wrong(StatusCode::INTERNAL_SERVER_ERROR, "upstream-url", error.to_string())
        })?;
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers::onward(self.headers, self.caller.upstream_key.expose());
        Ok(request)
    }

    /// After "no endpoint within max_price": fetches the endpoints of the models asked for. Whether any came.
    async fn refresh_prices(&self) -> bool {
        let mut fetched = false;
        for model in &self.chat.shape.models {
            match self.shared.catalogue.refresh_model(&self.shared.upstream, model).await {
                Ok(()) => fetched = true,
                Err(error) => tracing::warn!(%error, %model, "cannot refresh the prices of a model"),
            }
        }
        fetched
    }

    fn refuse(&self, refusal: &admission::Refusal, bound: &Bound) -> No {
        let problem = refuse::problem(refusal);
        let end = End::Refused {
            reason: problem.code,
            sentence: problem.message.clone(),
            needed: Some(refusal.needed),
            fitting_cap: refusal.fitting_cap,
        };
        let balance = refusal.balance.as_deref().cloned();
        self.explain_refusal(Some(bound.clone()), bound.model.clone(), balance, end);
        self.shared.count(&problem);
        No::Response(Box::new(refuse::refusal_response(refusal, &problem)))
    }

    fn refuse_unpriced(&self, unpriced: &Unpriced) -> No {
        let problem = match unpriced {
            Unpriced::UnknownModel(_) | Unpriced::NoModel => {
                Problem::wrong(StatusCode::BAD_REQUEST, unpriced.code(), unpriced.to_string())
            }
            _ => Problem::unbounded(unpriced.code(), &unpriced.to_string()),
        };
        let sentence = problem.message.clone();
        let end = End::Refused { reason: problem.code, sentence, needed: None, fitting_cap: None };
        let model = self.chat.shape.models.first().map(|model| model.to_string()).unwrap_or_default();
        self.explain_refusal(None, model, None, end);
        problem.into()
    }

    fn explain_refusal(
        &self,
        bound: Option<Bound>,
        model: String,
        balance: Option<admission::BalanceReport>,
        end: End,
    ) {
        let cap = bound.as_ref().map_or(0, |bound| bound.output_cap);
        let explained = Explained {
            at_ms: now_ms(),
            request: self.request_id.to_owned(),
            model,
            bound,
            cap,
            held: Nano::ZERO,
            balance,
            clamped: None,
            generation: Generation::default(),
            end: Mutex::new(end),
        };
        self.shared.admission.note(explained.to_row());
        self.explain(&Arc::new(explained));
    }

    fn explain(&self, explained: &Arc<Explained>) {
        self.receipt.put(explained);
        self.shared.explanations.push(Arc::clone(explained));
    }
}

impl Shared {
    fn count(&self, problem: &Problem) {
        match problem.form {
            Form::Stop => self.stats.refused.add(),
            Form::Later(_) => self.stats.held_out.add(),
            Form::Wrong(status) if status.is_client_error() => self.stats.bad_requests.add(),
            Form::Wrong(_) => {}
        }
    }
}

/// The ceiling on one request: the smallest of ours and the caller's.
fn ceiling(headers: &HeaderMap, ours: Option<Nano>) -> Result<Option<Nano>, Problem> {
    headers.get_all(headers::MAX_COST).iter().try_fold(ours, |least, value| {
        let theirs = value.to_str().ok().and_then(|text| Nano::parse_floor(text).ok()).ok_or_else(|| {
            let message = "x-farebox-max-cost-usd must be an amount in USD, such as 0.25";
            Problem::wrong(StatusCode::BAD_REQUEST, "bad-max-cost", message)
        })?;
        Ok(Some(least.map_or(theirs, |least| least.min(theirs))))
    })
}

fn no_key() -> Problem {
    let message = "No OpenRouter key: start Farebox with OPENROUTER_API_KEY, or send your own sk-or-v1- key as a bearer";
    Problem::wrong(StatusCode::UNAUTHORIZED, "no-key", message)
}
