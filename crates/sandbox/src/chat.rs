//! `POST /chat/completions`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use http::Response;
use http::header::HeaderValue;

use crate::account::gate::{self, Admitted};
use crate::account::payer::Payer;
use crate::answer;
use crate::clock::Moment;
use crate::config::Byok;
use crate::error::Failure;
use crate::exact::Exact;
use crate::faults::{Early, Fate, Faults};
use crate::plan::{Plan, World};
use crate::reply::{self, Cut, Reply};
use crate::request::Request;
use crate::run::Run;
use crate::server::State;
use crate::stream::Stream;
use crate::tokens;
use crate::toll::Counting;

/// A body this long is read on another thread.
const LONG: usize = 128 << 10;
const GARBAGE: &[u8] = b"\x89\x00{\"id\":\"gen-\xff\xfe<html>\x00\x01\x02";

/// Answers, or cuts the connection.
pub(crate) async fn complete(state: &Arc<State>, key: Arc<str>, body: Bytes) -> Result<Response<Reply>, Cut> {
    let prepared = if body.len() > LONG {
        let (shared, key) = (Arc::clone(state), Arc::clone(&key));
        tokio::task::spawn_blocking(move || prepare(&shared, &key, &body)).await.map_err(|_| Cut)?
    } else {
        prepare(state, &key, &body)
    };
    match prepared {
        Prepared::Cut => Err(Cut),
        Prepared::Refused(failure, id) => Ok(reply::with_id(reply::failure(failure), &id)),
        Prepared::Late { failure, plan, payer } => {
            let id = Arc::clone(&plan.id);
            let (now, most) = (state.now(), state.config.generations_max);
            state.books().open_late(Arc::new(*plan), payer, now, most);
            let answer = failure.map_or_else(reply::empty_events, reply::failure);
            Ok(reply::with_id(answer, &id))
        }
        Prepared::Runs(plan, payer) => {
            let id = Arc::clone(&plan.id);
            let held = match hold(state, &plan) {
                Ok(held) => held,
                Err(failure) => return Ok(reply::with_id(reply::failure(failure), &id)),
            };
            let run = Run::start(state, Arc::new(*plan), payer, held);
            Ok(reply::with_id(perform(state, run).await?, &id))
        }
    }
}

/// What is to be done about a request.
enum Prepared {
    Runs(Box<Plan>, Payer),
    /// It is answered with an error, or with an empty stream when there is none, and billed later.
    Late {
        failure: Option<Failure>,
        plan: Box<Plan>,
        payer: Payer,
    },
    Refused(Failure, String),
    Cut,
}

fn prepare(state: &State, key: &str, body: &[u8]) -> Prepared {
    let now = state.now();
    let mut rng = state.rng_for(body);
    let faults = state.faults.read();
    let fate = faults.draw(&mut rng);
    let refused = |failure: Failure, rng: &mut Rng| {
        let tail: String = (0..20).map(|_| rng.alphanumeric()).collect();
        Prepared::Refused(failure, format!("gen-{}-{tail}", now.seconds()))
    };
    let request = match Request::read(body) {
        Ok(request) => request,
        Err(failure) => return refused(failure, &mut rng),
    };
    let which = rng.u64(..);
    let early = match fate.early {
        Some(Early::Close) => return Prepared::Cut,
        Some(Early::ServerError) => Some(Failure::server(which)),
        Some(Early::EmptyError) => Some(Failure { status: 502, body: String::new(), headers: Vec::new() }),
        Some(Early::RateLimit) => Some(Failure::rate_limited(which.is_multiple_of(2))),
        Some(Early::Money) => Some(Failure::money(which)),
        Some(Early::Refused) => Some(Failure::refused(which)),
        None => None,
    };
    let planned = |rng: &mut Rng| {
        gate::admit(state, key, &request, now)
            .and_then(|admitted| plan(state, &faults, &request, &admitted, fate.clone(), now, rng))
    };
    if let Some(failure) = early {
        if faults.may_charge_late()
            && let Ok((plan, payer)) = planned(&mut rng)
            && plan.fate.late_ms.is_some()
        {
            return Prepared::Late { failure: Some(failure), plan, payer };
        }
        return refused(failure, &mut rng);
    }
    match planned(&mut rng) {
        Ok((plan, payer)) if plan.fate.late_ms.is_some() => {
            let failure = late_failure(&plan, which);
            Prepared::Late { failure, plan, payer }
        }
        Ok((plan, payer)) => Prepared::Runs(plan, payer),
        Err(failure) => refused(failure, &mut rng),
    }
}

/// What a request is answered with that is billed later; nothing for a stream that says nothing.
fn late_failure(plan: &Plan, which: u64) -> Option<Failure> {
    match which % 3 {
        0 if plan.stream => None,
        // Not the second kind: of a key that it does not know, nobody would be billed.
        1 => Some(Failure::refused(which / 3 * 2)),
        _ => Some(Failure::server(which / 3)),
    }
}

fn plan(
    state: &State,
    faults: &Faults,
    request: &Request,
    admitted: &Admitted,
    fate: Fate,
    now: Moment,
    rng: &mut Rng,
) -> Result<(Box<Plan>, Payer), Failure> {
    let catalogue = state.catalogue();
    let purse = admitted.purse.as_ref();
    let (config, rules) = (&state.config, &admitted.rules);
    let counting = Counting::Bytes;
    let world = World { config, faults, catalogue: &catalogue, now, rules, purse, span_ms: 0, counting };
    let plan = Plan::draw(&world, request, fate, rng)?;
    Ok((Box::new(plan), admitted.payer.clone()))
}

/// Sets aside what the in-flight budget counts, where there is one; the account's own provider keys are not its business.
fn hold(state: &State, plan: &Plan) -> Result<Exact, Failure> {
    match state.config.in_flight() {
        Some(budget) if !plan.estimate.is_zero() && plan.byok == Byok::Off => {
            state.flow.lock().hold(plan.estimate, budget).map(|()| plan.estimate)
        }
        _ => Ok(Exact::ZERO),
    }
}

/// Runs it. Should the client leave meanwhile, this future is dropped and the run with it.
async fn perform(state: &State, mut run: Run) -> Result<Response<Reply>, Cut> {
    let plan = Arc::clone(&run.plan);
    match plan.fate.hang {
        Some(Some(ms)) => pause(ms).await,
        Some(None) => std::future::pending().await,
        None => {}
    }
    if plan.fate.lose_answer {
        run.finish();
        return Err(Cut);
    }
    if plan.fate.garbage_body {
        run.finish();
        return Ok(reply::json(200, GARBAGE));
    }
    if plan.stream {
        return Ok(reply::events(Stream::new(run, &state.config)));
    }
    pause(plan.first_byte_ms + chunks_ms(state, &plan)).await;
    if plan.fate.stream_error {
        run.fail();
        return Ok(reply::failure(Failure::server(1)));
    }
    run.finish();
    let body = answer::whole(&plan);
    if plan.fate.close_mid_stream {
        return Ok(torn(&body));
    }
    Ok(reply::json(200, body))
}

/// An answer that breaks off: it promises more bytes than it has.
fn torn(body: &str) -> Response<Reply> {
    let mut response = reply::json(200, body[..body.len() / 2].to_owned());
    let length = HeaderValue::from(body.len());
    response.headers_mut().insert(http::header::CONTENT_LENGTH, length);
    response
}

/// How long the chunks of a plain answer take.
fn chunks_ms(state: &State, plan: &Plan) -> u64 {
    let range = state.config.latency.between_chunks;
    let chunks = plan.usage.completion.min(u64::from(state.config.chunks_max));
    let mut rng = Rng::with_seed(plan.seed);
    plan.fate.slow_chunk_ms.unwrap_or_else(|| range.draw(&mut rng)) * chunks
}

async fn pause(ms: u64) {
    if ms > 0 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

impl State {
    /// Drawn from the seed, the body and how often this body has come: not from the order in which requests arrive.
    fn rng_for(&self, body: &[u8]) -> Rng {
        const SEEN_MAX: usize = 1_000_000;
        let hash = tokens::hash(body);
        let mut seen = self.seen.lock();
        if seen.len() >= SEEN_MAX {
            seen.clear();
        }
        let times = seen.entry(hash).or_insert(0u64);
        *times += 1;
        let mixed =
            tokens::hash(&[self.config.seed.to_le_bytes(), hash.to_le_bytes(), times.to_le_bytes()].concat());
        Rng::with_seed(mixed)
    }
}
