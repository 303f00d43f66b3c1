//! What is tried, in which order: clamp, park, downgrade, refuse.
//!
//! ```text
//! the models asked for ──▶ admit (clamp, park) ──▶ send ──▶ answer
//!         │ refused for money, by a budget or by OpenRouter
//!         ▼
//! the tail of the route's chain, each fallback of the budget: each with its own bound, reserve and hold
//!         │ none is admitted
//!         ▼
//! the first refusal, and what was tried
//! ```
//!
//! Nothing stands in that the user did not name: a route's chain, or `fallbacks` of the budget that binds. Every stage is
//! tried once, and there are at most [`STAGES_MAX`]. All of them together are parked for at most `park_max`.

use std::sync::Arc;

use admission::{Refusal, RefusalReason};
use http::{Response, StatusCode};
use pricing::{Fit, Need, Room, fitting};
use tokio::time::Instant;

use crate::admit::is_for_money;
use crate::body::Body;
use crate::chat::{No, Walk};
use crate::exchange::Ended;
use crate::plan::{Plan, Routed, Short, Stage, Tried, free_models};
use crate::refuse::Problem;
use crate::route_table::Fallback;

/// Attempts for one request while nothing has been sent. Each has a hold of its own.
const UNSENT_MAX: usize = 3;

/// Why a stage gave no answer.
pub(crate) enum Stop {
    /// For a reason that no other model cures.
    Final(Box<No>),
    /// For one that another may.
    Short(Short),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Stop::Final(Box::new(No::Problem(problem)))
    }
}

/// What may be done only so often for one request.
struct Repeats {
    deadline: Instant,
    unsent: usize,
    repriced: bool,
    lowered: bool,
}

impl Walk<'_> {
    /// To the answer, or to the refusal.
    pub(crate) async fn go(&self) -> Result<Response<Body>, No> {
        let deadline = Instant::now() + self.shared.config.park_max;
        let mut repeats = Repeats { deadline, unsent: 0, repriced: false, lowered: false };
        let named = &self.chat.shape.models;
        let plan = Plan::of(named, &self.shared.config.routes, || self.shared.catalogue.book());
        let asked = Stage { models: plan.models.as_deref(), ..Stage::default() };
        match self.stage(&plan, asked, &mut repeats).await {
            Ok(response) => Ok(response),
            Err(Stop::Final(no)) => Err(*no),
            // Boxed: it is seldom needed, and every call would carry its size.
            Err(Stop::Short(short)) => Box::pin(self.instead(&plan, short, &mut repeats)).await,
        }
    }

    /// One list of models, to its answer.
    async fn stage(
        &self,
        plan: &Plan,
        mut stage: Stage<'_>,
        repeats: &mut Repeats,
    ) -> Result<Response<Body>, Stop> {
        loop {
            match self.attempt(plan, &stage, repeats.deadline).await? {
                Ended::Answer(response) => return self.taken(response, &stage),
                Ended::Problem(problem) => return Err(problem.into()),
                Ended::Unserved => stage.by_bytes = true,
                Ended::NoMoney(no) => match no.lower_to.filter(|_| !repeats.lowered) {
                    Some(tokens) => {
                        repeats.lowered = true;
                        stage.cap_max = Some(tokens);
                    }
                    None => return Err(Stop::Short(Short::Theirs(no))),
                },
                Ended::OverPrice(response) if repeats.repriced => return self.taken(response, &stage),
                Ended::OverPrice(response) => {
                    repeats.repriced = true;
                    if !self.refresh_prices(&stage).await {
                        return self.taken(response, &stage);
                    }
                    self.shared.stats.repriced.add();
                }
                Ended::NotSent(why) => {
                    repeats.unsent += 1;
                    if repeats.unsent == UNSENT_MAX {
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

    /// An answer is the client's, except that a stand-in which nobody serves is passed over.
    fn taken(&self, response: Response<Body>, stage: &Stage<'_>) -> Result<Response<Body>, Stop> {
        match stage.is_downgrade() && response.status() == StatusCode::NOT_FOUND {
            true => Err(Stop::Short(Short::Unfit("not-found"))),
            false => Ok(response),
        }
    }

    /// Money refused the models asked for: whatever the user allows instead, or the refusal.
    async fn instead(&self, plan: &Plan, first: Short, repeats: &mut Repeats) -> Result<Response<Body>, No> {
        let asked: Vec<String> = match &plan.models {
            Some(models) => models.clone(),
            None => self.chat.shape.models.iter().map(|model| model.to_string()).collect(),
        };
        let mut tried = vec![Tried::new(asked, &first)];
        for models in self.others(plan, &first) {
            let stage = Stage { models: Some(&models), tried: &tried, ..Stage::default() };
            match self.stage(plan, stage, repeats).await {
                Ok(response) => {
                    self.shared.stats.downgraded.add();
                    return Ok(response);
                }
                Err(Stop::Final(no)) => return Err(*no),
                Err(Stop::Short(short)) => tried.push(Tried::new(models, &short)),
            }
        }
        Err(self.refused(plan, first, tried))
    }

    /// The lists of models that may stand in.
    fn others(&self, plan: &Plan, short: &Short) -> Vec<Vec<String>> {
        let may = match short {
            Short::Ours(refusal, _) => is_for_money(refusal),
            Short::Theirs(_) => true,
            Short::Unfit(_) => false,
        };
        if !may {
            return Vec::new();
        }
        let fallbacks = self.fallbacks(plan, short);
        plan.others(&self.chat.shape.models, &fallbacks, || {
            let book = self.shared.catalogue.book();
            let need = self.need();
            free_models(&book, |model| need.met_by(model))
        })
    }

    /// What the budget that binds allows; where none binds, the first budget of this request that allows anything.
    fn fallbacks(&self, plan: &Plan, short: &Short) -> Vec<Fallback> {
        let all = &self.shared.config.fallbacks;
        if all.is_empty() {
            return Vec::new();
        }
        let binding = match short {
            Short::Ours(refusal, _) => refusal.balance.as_ref().map(|balance| balance.name.budget.clone()),
            Short::Theirs(_) | Short::Unfit(_) => None,
        };
        let budgets = match binding {
            Some(budget) => vec![budget],
            None => {
                let asked = Stage { models: plan.models.as_deref(), ..Stage::default() };
                self.shared.admission.budgets_of(&self.scope(self.first_model(&asked)))
            }
        };
        budgets.iter().find_map(|budget| all.get(budget)).cloned().unwrap_or_default()
    }

    /// What a stand-in must be able to do: the features asked for, with room for the prompt and a useful answer.
    fn need(&self) -> Need {
        let shape = &self.chat.shape;
        let asked = self.shared.config.bounds.output_cap(shape);
        let least = self.shared.config.clamp_min.unwrap_or(asked).saturating_add(shape.reasoning_budget);
        Need::of(shape, asked.min(least))
    }

    /// Models that the money left would pay for, for the person who is refused.
    fn would_fit(&self, plan: &Plan, refusal: &Refusal) -> Vec<Fit> {
        let room = match refusal.reason {
            RefusalReason::UsedUp => refusal.balance.as_ref().map(|balance| balance.available),
            RefusalReason::PerRequest => self.ceiling,
            _ => None,
        };
        let Some(usd) = room.map(|usd| self.ceiling.map_or(usd, |ceiling| usd.min(ceiling))) else {
            return Vec::new();
        };
        let room = Room { usd, clamp_min: self.shared.config.clamp_min };
        let book = self.shared.catalogue.book();
        let grounds = self.grounds(&book);
        match &plan.models {
            None => fitting(&self.chat.shape, &grounds, room, &[]),
            Some(models) => {
                let shape = self.chat.shape.with_models(models.iter().map(String::as_str));
                fitting(&shape, &grounds, room, &[])
            }
        }
    }

    /// The end: the first refusal, with what was tried since.
    fn refused(&self, plan: &Plan, first: Short, tried: Vec<Tried>) -> No {
        let more = plan.models.is_some() || tried.len() > 1;
        let model = tried.first().and_then(|first| first.models.first()).cloned().unwrap_or_default();
        let routed = more.then(|| {
            let tried = tried.into_iter().skip(1).collect();
            Arc::new(Routed { asked: self.asked().to_owned(), model, route: plan.route.clone(), tried })
        });
        match first {
            Short::Ours(refusal, bound) => {
                let fits = self.would_fit(plan, &refusal);
                self.refuse(&refusal, &bound, routed, fits)
            }
            Short::Theirs(no) => No::Problem(no.problem),
            Short::Unfit(code) => No::Problem(Problem::wrong(StatusCode::BAD_REQUEST, code, "no model fits")),
        }
    }
}
