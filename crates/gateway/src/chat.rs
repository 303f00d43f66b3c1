//! The walk of a chat completion (DESIGN.md section 4).

use std::sync::Arc;

use admission::{Ask, Clamp, Permit, RefusalReason};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use ledger::{Label, Scope};
use money::Nano;
use openrouter::chat::{self, ChatRequest, Permission};
use parking_lot::Mutex;
use pricing::{Book, Bound, Fit, Grounds, Reason, Shape, Unpriced};
use tokio::time::Instant;

use crate::body::Body;
use crate::caller::{self, Caller};
use crate::downgrade::Stop;
use crate::exchange::{self, Ended};
use crate::explain::{End, Explained, Generation};
use crate::headers::{self, Decided};
use crate::intake::{self, IntakeError};
use crate::plan::{Plan, Routed, Short, Stage};
use crate::receipt::Slot;
use crate::refuse::{self, Form, Problem};
use crate::shared::{PRICES_OLD, Shared};

const PATH: &str = "/chat/completions";

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
pub(crate) enum No {
    Problem(Problem),
    Response(Box<Response<Body>>),
}

impl From<Problem> for No {
    fn from(problem: Problem) -> Self {
        No::Problem(problem)
    }
}

/// One request on its walk.
pub(crate) struct Walk<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    request_id: &'a str,
    headers: &'a HeaderMap,
    caller: Caller,
    pub(crate) body: &'a [u8],
    pub(crate) chat: ChatRequest<'a>,
    pub(crate) ceiling: Option<Nano>,
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
    plain(&parts.headers)?;
    let taken =
        intake::take(incoming, &shared.bodies, &shared.config.limits).await.map_err(IntakeError::problem)?;
    let chat = chat::read_allowing(&taken.bytes, &shared.config.allow_fields)
        .map_err(|error| Problem::wrong(StatusCode::BAD_REQUEST, "bad-body", error.to_string()))?;
    shared.see_key(&caller);
    let headers = &parts.headers;
    let walk = Walk { shared, request_id, headers, caller, body: &taken.bytes, chat, ceiling, receipt };
    walk.go().await
}

impl Walk<'_> {
    /// One attempt with a hold of its own.
    pub(crate) async fn attempt(
        &self,
        plan: &Plan,
        stage: &Stage<'_>,
        deadline: Instant,
    ) -> Result<Ended, Stop> {
        let mut bound = self.bound(stage).await?;
        let wanted = bound.output_cap;
        bound.output_cap = stage.cap_max.map_or(wanted, |most| wanted.min(most));
        let permit = self.permit(&mut bound, stage, deadline).await?;
        let cap = permit.output_cap();
        let clamped = (cap < wanted).then_some((wanted, cap));
        if clamped.is_some() {
            self.shared.stats.clamped.add();
        }
        let is_counted = bound.reasons.contains(Reason::Counted);
        if is_counted {
            self.shared.stats.counted.add();
        }
        let permission = Permission {
            output_cap: cap,
            max_price: bound.max_price,
            ignore: bound.ignore.clone(),
            only: bound.only.clone(),
            pins: bound.pins.clone(),
            models: stage.models.map(<[String]>::to_vec),
        };
        let request = self.onward(self.chat.splice(self.body, &permission))?;
        let routed = self.routed(plan, stage);
        let decided = Decided {
            request_id: self.request_id.to_owned(),
            balance: permit.balance(),
            held_max: permit.bound(),
            clamped,
            pinned: bound.pins.told(),
            routed: routed.clone(),
            is_chain: stage.models.map_or(self.chat.shape.models.len(), <[String]>::len) > 1,
        };
        let lowest = self.lowest_cap(&bound);
        let sample = self.sample(&bound, stage);
        let explained = Arc::new(Explained {
            at_ms: self.shared.now_ms(),
            request: self.request_id.to_owned(),
            model: bound.model.clone(),
            cap,
            tokens_max: cap.saturating_mul(u64::from(self.chat.shape.choices.max(1))),
            held: permit.bound(),
            balance: decided.balance.clone(),
            clamped,
            routed,
            bound: Some(bound),
            generation: Generation::default(),
            end: Mutex::new(End::InFlight),
        });
        self.explain(&explained);
        let mut ended = exchange::run(self.shared, permit, request, decided, explained, sample).await;
        if is_counted && is_unserved(&ended) {
            return Ok(Ended::Unserved);
        }
        if let Ended::NoMoney(no) = &mut ended {
            no.lower_to =
                no.affordable.filter(|&tokens| lowest.is_some_and(|least| tokens >= least) && tokens < cap);
        }
        Ok(ended)
    }

    /// The most this request can be billed, by the prices of now.
    async fn bound(&self, stage: &Stage<'_>) -> Result<Bound, Stop> {
        let mut age = self.shared.prices_age();
        if age > self.shared.config.prices_age_max {
            if !self.shared.freshen().await {
                return Err(Problem::later(5, "stale-prices", self.shared.stale_sentence()).into());
            }
            age = self.shared.prices_age();
        }
        let book = self.shared.catalogue.book();
        let bound = match stage.models {
            None => self.bound_of(&self.chat.shape, &book),
            Some(models) => {
                let shape = self.chat.shape.with_models(models.iter().map(String::as_str));
                self.bound_of(&shape, &book)
            }
        };
        let mut bound = bound.map_err(|unpriced| match stage.is_downgrade() {
            true => Stop::Short(Short::Unfit(unpriced.code())),
            false => Stop::Final(Box::new(self.refuse_unpriced(&unpriced))),
        })?;
        if age > PRICES_OLD {
            bound.rests_on_stale_prices();
        }
        Ok(bound)
    }

    pub(crate) fn bound_of(&self, shape: &Shape<'_>, book: &Book) -> Result<Bound, Unpriced> {
        for model in &shape.models {
            self.shared.catalogue.want_endpoints(model);
        }
        let distrust = self.shared.honesty().distrust();
        pricing::bound(shape, &Grounds { distrust: distrust.as_deref(), ..self.grounds(book) })
    }

    /// What bounds rest on, everybody trusted.
    pub(crate) fn grounds<'g>(&'g self, book: &'g Book) -> Grounds<'g> {
        let shared = &self.shared;
        let now_ms = Some(shared.now_ms());
        Grounds { now_ms, byok: shared.byok.is_seen(), ..Grounds::new(book, &shared.config.bounds) }
    }

    /// How far the output cap may be lowered for the money, tokens; `None`: not at all.
    fn lowest_cap(&self, bound: &Bound) -> Option<u64> {
        let least = self.shared.config.clamp_min?;
        Some(bound.output_cap.min(least.saturating_add(bound.reasoning_budget)))
    }

    /// The labels of this request, asking for this model.
    pub(crate) fn scope<'s>(&'s self, model: &'s str) -> Scope<'s> {
        let user = self.chat.user.as_deref().or_else(|| caller::user(self.headers)).unwrap_or_default();
        let session =
            self.chat.session_id.as_deref().or_else(|| caller::session(self.headers)).unwrap_or_default();
        Scope::default()
            .with(Label::Key, &self.caller.key_label)
            .with(Label::User, caller::label(user))
            .with(Label::Model, caller::label(model))
            .with(Label::Session, caller::label(session))
            .with(Label::App, caller::label(caller::app(self.headers).unwrap_or_default()))
    }

    /// Money first, journal second, and only then a permit. The bound is lower afterwards where it had to be counted.
    async fn permit(&self, bound: &mut Bound, stage: &Stage<'_>, deadline: Instant) -> Result<Permit, Stop> {
        let mut reserved = self.afford(bound, stage, deadline).await;
        if reserved.as_ref().is_err_and(|refusal| refusal.reason == RefusalReason::Clock)
            && self.shared.hear_the_time().await
        {
            reserved = self.afford(bound, stage, deadline).await;
        }
        let reserved = reserved
            .map_err(|refusal| Stop::Short(Short::Ours(Box::new(refusal), Box::new(bound.clone()))))?;
        reserved.permit(self.shared.now_ms()).await.map_err(|error| {
            tracing::error!(%error, "the journal does not take holds; nothing is forwarded");
            let message = "Farebox cannot write its journal, so nothing is forwarded. GET /readyz says why";
            Problem::later(5, RefusalReason::Journal.text(), message).into()
        })
    }

    /// What is asked of the ledger for a bound.
    pub(crate) fn ask<'s>(&'s self, bound: &'s Bound, stage: &Stage<'s>) -> Ask<'s> {
        let scope = self.scope(self.first_model(stage));
        let clamp = self.shared.config.clamp_min.map_or(Clamp::Never, Clamp::DownTo);
        Ask { scope, bound, upstream_key: self.caller.upstream_key_id, ceiling: self.ceiling, clamp }
    }

    /// The model that is sent first.
    pub(crate) fn first_model<'s>(&'s self, stage: &Stage<'s>) -> &'s str {
        match stage.models {
            Some(models) => models.first().map_or("", String::as_str),
            None => self.asked(),
        }
    }

    /// The name asked for.
    pub(crate) fn asked(&self) -> &str {
        self.chat.shape.models.first().map_or("", |model| model.as_ref())
    }

    /// What was made of the name asked for; `None` where nothing was.
    fn routed(&self, plan: &Plan, stage: &Stage<'_>) -> Option<Arc<Routed>> {
        stage.models.map(|_| {
            Arc::new(Routed {
                asked: self.asked().to_owned(),
                model: self.first_model(stage).to_owned(),
                route: plan.route.clone(),
                tried: stage.tried.to_vec(),
            })
        })
    }

    fn onward(&self, body: Vec<u8>) -> Result<Request<Full<Bytes>>, Problem> {
        let uri = self.shared.upstream.uri(PATH).map_err(|error| {
            Problem::wrong(StatusCode::INTERNAL_SERVER_ERROR, "upstream-url", error.to_string())
        })?;
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        let mut headers = headers::onward(self.headers, self.caller.upstream_key.expose());
        // It was read as JSON in UTF-8, and by no other name or alphabet may it be read again.
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// After "no endpoint within max_price": fetches the endpoints of the models asked for. Whether any came.
    pub(crate) async fn refresh_prices(&self, stage: &Stage<'_>) -> bool {
        let named = || self.chat.shape.models.iter().map(|model| model.as_ref());
        let models: Vec<&str> = match stage.models {
            Some(models) => models.iter().map(String::as_str).collect(),
            None => named().collect(),
        };
        let mut fetched = false;
        for model in models {
            match self.shared.catalogue.refresh_model(&self.shared.upstream, model).await {
                Ok(()) => fetched = true,
                Err(error) => tracing::warn!(%error, %model, "cannot refresh the prices of a model"),
            }
        }
        fetched
    }

    /// The end of a request that none of our budgets, nor whatever may stand in, could pay for.
    pub(crate) fn refuse(
        &self,
        refusal: &admission::Refusal,
        bound: &Bound,
        routed: Option<Arc<Routed>>,
        would_fit: Vec<Fit>,
    ) -> No {
        let problem = refuse::problem(refusal, &would_fit);
        let end = End::Refused {
            reason: problem.code,
            sentence: problem.message.clone(),
            needed: Some(refusal.needed),
            fitting_cap: refusal.fitting_cap,
            would_fit,
        };
        let balance = refusal.balance.as_deref().cloned();
        let route = routed.as_ref().and_then(|routed| routed.route.clone());
        self.explain_refusal(Some(bound.clone()), bound.model.clone(), balance, routed, end);
        self.shared.count(&problem);
        let mut response = refuse::refusal_response(refusal, &problem);
        if let Some(route) = route {
            headers::set(response.headers_mut(), headers::ROUTE, &route.name);
        }
        No::Response(Box::new(response))
    }

    fn refuse_unpriced(&self, unpriced: &Unpriced) -> No {
        let problem = match unpriced {
            Unpriced::UnknownModel(name) => {
                let message = format!("{unpriced}{}", self.shared.config.routes.hint(name));
                Problem::wrong(StatusCode::BAD_REQUEST, unpriced.code(), message)
            }
            Unpriced::NoModel => {
                Problem::wrong(StatusCode::BAD_REQUEST, unpriced.code(), unpriced.to_string())
            }
            _ => Problem::unbounded(unpriced.code(), &refuse::unbounded(unpriced)),
        };
        let sentence = problem.message.clone();
        let (needed, fitting_cap, would_fit) = (None, None, Vec::new());
        let end = End::Refused { reason: problem.code, sentence, needed, fitting_cap, would_fit };
        let model = self.chat.shape.models.first().map(|model| model.to_string()).unwrap_or_default();
        self.explain_refusal(None, model, None, None, end);
        problem.into()
    }

    fn explain_refusal(
        &self,
        bound: Option<Bound>,
        model: String,
        balance: Option<admission::BalanceReport>,
        routed: Option<Arc<Routed>>,
        end: End,
    ) {
        let cap = bound.as_ref().map_or(0, |bound| bound.output_cap);
        let explained = Explained {
            at_ms: self.shared.now_ms(),
            request: self.request_id.to_owned(),
            model,
            bound,
            cap,
            tokens_max: 0,
            held: Nano::ZERO,
            balance,
            clamped: None,
            routed,
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
/// Whether nobody was there to serve it.
fn is_unserved(ended: &Ended) -> bool {
    match ended {
        Ended::Answer(response) => response.status() == StatusCode::NOT_FOUND,
        Ended::OverPrice(_) => true,
        _ => false,
    }
}

fn ceiling(headers: &HeaderMap, ours: Option<Nano>) -> Result<Option<Nano>, Problem> {
    headers.get_all(headers::MAX_COST).iter().try_fold(ours, |least, value| {
        let theirs = value.to_str().ok().and_then(|text| Nano::parse_floor(text).ok()).ok_or_else(|| {
            let message = "x-farebox-max-cost-usd must be an amount in USD, such as 0.25";
            Problem::wrong(StatusCode::BAD_REQUEST, "bad-max-cost", message)
        })?;
        Ok(Some(least.map_or(theirs, |least| least.min(theirs))))
    })
}

/// Whether a body comes as it is: what is read here must be what is read upstream.
fn plain(headers: &HeaderMap) -> Result<(), Problem> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    if encodings.all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    let message = "the body is encoded (content-encoding); send it as plain JSON";
    Err(Problem::wrong(StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoded-body", message))
}

fn no_key() -> Problem {
    let message = "No OpenRouter key: start Farebox with OPENROUTER_API_KEY, or send your own sk-or-v1- key as a bearer";
    Problem::wrong(StatusCode::UNAUTHORIZED, "no-key", message)
}
