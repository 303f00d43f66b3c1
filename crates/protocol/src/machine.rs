//! [`Machine`]: the model that Stateright exhausts: what may happen in a state, and what comes of it.

use stateright::{Model, Property};

use crate::action::Action;
use crate::configuration::{Configuration, Durability};
use crate::journal::{Evidence, Record, Stage};
use crate::money::index;
use crate::properties;
use crate::rules::Rule;
use crate::state::{Attempt, Phase, State};
use crate::upstream::Truth;

/// One machine in one world.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Which world.
    pub configuration: Configuration,
    /// The one property to look at, or all.
    pub only: Option<&'static str>,
}

impl Machine {
    /// All properties of a world.
    pub fn new(configuration: Configuration) -> Self {
        Machine { configuration, only: None }
    }
}

impl Model for Machine {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::start(&self.configuration)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for at in 0..self.configuration.plans.len() {
            self.upstream_actions(state, at, actions);
            if state.is_alive {
                self.attempt_actions(state, at, actions);
                self.evidence_actions(state, at, actions);
                self.forbidden_actions(state, at, actions);
            }
        }
        self.machine_actions(state, actions);
        self.fault_actions(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        self.step(&mut state, action);
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let all = properties::of(&self.configuration).into_iter();
        all.filter(|property| self.only.is_none_or(|only| property.name == only)).collect()
    }
}

impl Machine {
    fn attempt_actions(&self, state: &State, at: usize, actions: &mut Vec<Action>) {
        let (sides, a, attempt) = (&self.configuration.sides, index(at), &state.attempts[at]);
        match attempt.phase {
            Phase::Idle => actions.push(Action::Ask(a)),
            Phase::Short => actions.push(Action::Park(a)),
            Phase::Parked => {
                actions.push(Action::Leave(a));
                let is_young = state.line.waiters().any(|waiter| waiter.attempt == a && !waiter.is_old);
                actions.extend(is_young.then_some(Action::Age(a)));
            }
            Phase::Reserved => actions.push(Action::Journal(a)),
            Phase::Held if self.may_send(state, at) => actions.push(Action::Send(a)),
            Phase::Flight => {
                actions.extend(attempt.billed().map(|_| Action::Answer(a)));
                actions.extend(sides.losses.then_some(Action::Lose(a)));
                let is_news = sides.ids && !state.journal.written(&self.configuration).entries[at].has_id;
                actions.extend(is_news.then_some(Action::Headers(a)));
            }
            Phase::Settling(_) | Phase::Resolving(_) => actions.push(Action::Book(a)),
            _ => {}
        }
        if sides.drops && matches!(attempt.phase, Phase::Reserved | Phase::Held) {
            actions.push(Action::Drop(a));
        }
    }

    /// Whether the hold is as durable as configured.
    fn may_send(&self, state: &State, at: usize) -> bool {
        let is_durable = state.journal.synced.entries[at].stage != Stage::None;
        let off = [Rule::UseBeforeDurable, Rule::SendWithoutHold];
        is_durable || off.into_iter().any(|rule| self.configuration.lacks(rule))
    }

    fn evidence_actions(&self, state: &State, at: usize, actions: &mut Vec<Action>) {
        let (sides, a, attempt) = (&self.configuration.sides, index(at), &state.attempts[at]);
        match attempt.phase {
            Phase::Unknown if state.journal.written(&self.configuration).entries[at].has_id => {
                actions.extend(attempt.billed().map(|_| Action::Find(a)));
                actions.extend(sides.insured.then_some(Action::Insure(a)));
            }
            Phase::Judged(_, _) => actions.push(Action::Resolve(a)),
            Phase::Ended if sides.corrections => {
                actions.extend(state.correction(&self.configuration, at).map(|_| Action::Correct(a)));
            }
            _ => {}
        }
    }

    fn upstream_actions(&self, state: &State, at: usize, actions: &mut Vec<Action>) {
        let Configuration { sides, .. } = &self.configuration;
        let (a, attempt) = (index(at), &state.attempts[at]);
        let beyond = i8::from(sides.overruns || self.configuration.lacks(Rule::BoundViolated));
        match attempt.truth {
            Truth::Running => actions.extend((0..=attempt.bound + beyond).map(|cost| Action::Bill(a, cost))),
            Truth::Billed(_, false) if sides.counter => actions.push(Action::Count(a)),
            Truth::Billed(cost, _) if sides.refunds && cost > 0 => actions.push(Action::Refund(a)),
            _ => {}
        }
    }

    /// What the rules forbid.
    fn forbidden_actions(&self, state: &State, at: usize, actions: &mut Vec<Action>) {
        let attempt = &state.attempts[at];
        let forbidden = match (self.configuration.off, attempt.phase) {
            (Some(Rule::HoldTimeoutVoids), Phase::Unknown) => Some(Action::Expire(index(at))),
            (Some(Rule::ClientGoneVoids), Phase::Flight) => Some(Action::Void(index(at))),
            (Some(Rule::RetryWithoutHold), Phase::Flight) if !attempt.is_twice => {
                Some(Action::Retry(index(at)))
            }
            _ => None,
        };
        actions.extend(forbidden);
    }

    fn machine_actions(&self, state: &State, actions: &mut Vec<Action>) {
        let Configuration { sides, .. } = &self.configuration;
        if !state.is_alive {
            actions.push(Action::Restart);
            return;
        }
        actions.extend(state.is_serving.then_some(Action::Serve));
        actions.extend((state.journal.unsynced() > 0).then_some(Action::Sync));
        actions.extend(sides.windows.then_some(Action::Tick));
        if sides.counter {
            actions.extend(state.may_point(&self.configuration).then_some(Action::Point));
            actions.extend(state.verdict(&self.configuration).map(|_| Action::Judge));
        }
    }

    fn fault_actions(&self, state: &State, actions: &mut Vec<Action>) {
        let Configuration { sides, .. } = &self.configuration;
        if sides.windows {
            actions.extend((state.clock.truth == 0).then_some(Action::Turn));
            actions.push(Action::SetWall(1 - state.clock.wall));
        }
        actions.extend((state.is_alive && state.kills > 0).then_some(Action::Kill));
        if state.cuts > 0 && self.configuration.durability == Durability::Power {
            actions.extend((0..=state.journal.unsynced()).map(|more| Action::Cut(index(more))));
        }
    }

    fn step(&self, state: &mut State, action: Action) {
        let configuration = &self.configuration;
        match action {
            Action::Ask(a) => state.ask(configuration, a.into()),
            Action::Park(a) => state.park(a.into()),
            Action::Age(a) => state.line.age(a),
            Action::Leave(a) => state.leave(configuration, a.into()),
            Action::Serve => {
                state.serve(configuration);
            }
            Action::Journal(a) => state.journal_hold(configuration, a.into()),
            Action::Sync => state.sync(configuration),
            Action::Send(a) => state.send(a.into()),
            Action::Drop(a) => state.drop_early(configuration, a.into()),
            Action::Headers(a) => state.journal.append(configuration, Record::Generation { attempt: a }),
            Action::Lose(a) => state.lose(configuration, a.into()),
            Action::Point => state.point(configuration),
            Action::Judge => {
                if let Some(more) = state.verdict(configuration) {
                    state.judge(more);
                }
            }
            Action::Tick => state.tick(configuration),
            Action::Turn => state.clock.truth = 1,
            Action::SetWall(wall) => state.clock.wall = wall,
            Action::Kill => {
                state.kills -= 1;
                state.die();
            }
            Action::Cut(more) => {
                state.cuts -= 1;
                state.cut(configuration, more.into());
            }
            Action::Restart => state.restart(configuration),
            _ => self.end_step(state, action),
        }
    }

    /// The steps that end an attempt, or bring what will.
    fn end_step(&self, state: &mut State, action: Action) {
        let configuration = &self.configuration;
        match action {
            Action::Bill(a, cost) => state.attempts[usize::from(a)].truth = Truth::Billed(cost, false),
            Action::Refund(a) => refund(&mut state.attempts[usize::from(a)]),
            Action::Count(a) => count(&mut state.attempts[usize::from(a)]),
            Action::Answer(a) => {
                let cost = state.attempts[usize::from(a)].billed().unwrap_or(0);
                state.settle(configuration, a.into(), cost, Evidence::Usage);
            }
            Action::Void(a) => state.settle(configuration, a.into(), 0, Evidence::NeverSent),
            Action::Book(a) => {
                if let Phase::Settling(cost) | Phase::Resolving(cost) = state.attempts[usize::from(a)].phase {
                    state.book(configuration, a.into(), cost);
                }
            }
            Action::Find(a) => {
                let attempt = &mut state.attempts[usize::from(a)];
                let cost = attempt.billed().unwrap_or(0);
                attempt.phase = Phase::Judged(cost, Evidence::Generation);
            }
            Action::Insure(a) => {
                state.attempts[usize::from(a)].phase = Phase::Judged(0, Evidence::Insured);
            }
            Action::Resolve(a) => {
                if let Phase::Judged(cost, evidence) = state.attempts[usize::from(a)].phase {
                    state.resolve(configuration, a.into(), cost, evidence);
                }
            }
            Action::Expire(a) => state.resolve(configuration, a.into(), 0, Evidence::None),
            Action::Retry(a) => state.attempts[usize::from(a)].is_twice = true,
            Action::Correct(a) => {
                if let Some(cost) = state.correction(configuration, a.into()) {
                    state.correct(configuration, a.into(), cost);
                }
            }
            _ => unreachable!("the other steps are taken above"),
        }
    }
}

fn count(attempt: &mut Attempt) {
    if let Truth::Billed(_, is_counted) = &mut attempt.truth {
        *is_counted = true;
    }
}

fn refund(attempt: &mut Attempt) {
    if let Truth::Billed(cost, _) = &mut attempt.truth {
        *cost -= 1;
    }
}
