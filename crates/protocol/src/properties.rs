//! What must hold in every state, and what must be reachable.

use stateright::Property;

use crate::configuration::{Configuration, WINDOWS};
use crate::journal::{Entry, Evidence, Fold, Stage};
use crate::machine::Machine;
use crate::state::{ACCOUNTS, Account, Attempt, Phase, State, accounts_of, takes};
use crate::upstream::is_assumed_free;

/// Something that must be reachable, or the configuration proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// All of a limit is billed.
    Spent,
    /// Everything that was unknown is resolved.
    Resolved,
    /// A hold that survived a death is resolved.
    Recovered,
    /// Somebody who waited is served, and ends.
    Served,
    /// A hold is charged on suspicion.
    Suspected,
    /// An assumption was wrong, and is corrected.
    Corrected,
    /// Both windows have costs.
    Turned,
    /// More than a bound is booked.
    Overrun,
}

/// The properties of a configuration.
pub(crate) fn of(configuration: &Configuration) -> Vec<Property<Machine>> {
    let always = [
        Property::always("limit", |machine: &Machine, state: &State| limit(&machine.configuration, state)),
        Property::always("covered", |machine: &Machine, state: &State| {
            covered(&machine.configuration, state)
        }),
        Property::always("within", |machine: &Machine, state: &State| within(&machine.configuration, state)),
        Property::always("survives", |machine: &Machine, state: &State| {
            survives(&machine.configuration, state)
        }),
        Property::always("once", |machine: &Machine, state: &State| once(&machine.configuration, state)),
        Property::always("journaled", |_: &Machine, state: &State| journaled(state)),
        Property::always("evidence", |machine: &Machine, state: &State| {
            evidence(&machine.configuration, state)
        }),
        Property::always("replay", |machine: &Machine, state: &State| replay(&machine.configuration, state)),
        Property::always("waiter", |machine: &Machine, state: &State| waiter(&machine.configuration, state)),
        Property::always("window", |machine: &Machine, state: &State| window(&machine.configuration, state)),
    ];
    always.into_iter().chain(configuration.goals.iter().map(|goal| goal.property())).collect()
}

impl Goal {
    fn property(self) -> Property<Machine> {
        match self {
            Goal::Spent => {
                Property::sometimes("all of a limit is spent", |machine: &Machine, state: &State| {
                    (0..ACCOUNTS)
                        .any(|account| spent(state, account) == Some(machine.configuration.limit(account)))
                })
            }
            Goal::Resolved => {
                Property::sometimes("all that was unknown is resolved", |machine: &Machine, state: &State| {
                    is_resolved(&state.journal.written(&machine.configuration))
                })
            }
            Goal::Recovered => Property::sometimes(
                "a hold outlives a death and is resolved",
                |machine: &Machine, state: &State| {
                    let is_first = state.kills == machine.configuration.sides.kills
                        && state.cuts == machine.configuration.sides.cuts;
                    !is_first && is_resolved(&state.journal.written(&machine.configuration))
                },
            ),
            Goal::Served => Property::sometimes("a waiter is served", |_, state: &State| {
                state.attempts.iter().any(|attempt| attempt.is_served && attempt.phase == Phase::Ended)
            }),
            Goal::Suspected => {
                Property::sometimes("a hold is charged on suspicion", |machine: &Machine, state: &State| {
                    let fold = state.journal.written(&machine.configuration);
                    fold.entries.iter().any(|entry| entry.evidence == Evidence::Attributed)
                })
            }
            Goal::Corrected => {
                Property::sometimes("a wrong assumption is corrected", |machine: &Machine, state: &State| {
                    let fold = state.journal.written(&machine.configuration);
                    state
                        .attempts
                        .iter()
                        .zip(fold.entries)
                        .any(|(attempt, entry)| attempt.is_late && entry.cost > 0)
                })
            }
            Goal::Turned => Property::sometimes("both windows have costs", |_, state: &State| {
                state.accounts[0].posted > 0 && state.accounts[1].posted > 0
            }),
            Goal::Overrun => {
                Property::sometimes("more than a bound is booked", |machine: &Machine, state: &State| {
                    let fold = state.journal.written(&machine.configuration);
                    fold.entries.iter().any(|entry| entry.cost > entry.hold)
                })
            }
        }
    }
}

fn is_resolved(fold: &Fold) -> bool {
    let is_proved = |entry: &Entry| {
        matches!(entry.evidence, Evidence::Generation | Evidence::ControlTotal | Evidence::Attributed)
    };
    let is_open = |entry: &Entry| matches!(entry.stage, Stage::Held | Stage::Unknown);
    fold.entries.iter().any(is_proved) && !fold.entries.iter().any(is_open)
}

/// All that was billed on an account, once all of it is final.
fn spent(state: &State, account: usize) -> Option<i8> {
    let own = state.attempts.iter().filter(|attempt| attempt.owes & (1 << account) != 0 && attempt.is_sent());
    own.map(Attempt::billed).sum::<Option<i8>>().filter(|spent| *spent > 0)
}

/// Whether an attempt is owed on an account: where a straddling one is posted, and before that on both.
fn is_owed(attempt: &Attempt, entry: &Entry, account: usize) -> bool {
    match entry.stage {
        Stage::Ended => takes(attempt.owes, account, entry.settled),
        _ => attempt.owes & (1 << account) != 0,
    }
}

/// What was billed or may still be, as far as it was promised: without what was above a bound in a world where that
/// happens.
fn promised(configuration: &Configuration, attempt: &Attempt) -> i8 {
    let exposure = attempt.exposure();
    if configuration.sides.overruns { exposure.min(attempt.bound) } else { exposure }
}

/// On every balance: what the upstream has billed or may still bill is within the limit.
fn limit(configuration: &Configuration, state: &State) -> bool {
    let fold = state.journal.written(configuration);
    (0..ACCOUNTS).all(|account| {
        let own = state.attempts.iter().zip(&fold.entries);
        let own = own.filter(|(attempt, entry)| is_owed(attempt, entry, account) && !attempt.is_late);
        let exposed: i8 = own.map(|(attempt, _)| promised(configuration, attempt)).sum();
        exposed <= configuration.limit(account)
    })
}

/// On every balance: it is within what the books charge.
fn covered(configuration: &Configuration, state: &State) -> bool {
    let fold = state.journal.written(configuration);
    if !state.is_alive {
        return is_covered(configuration, state, &fold, |account| charged(&fold, account));
    }
    let in_memory = |account: usize| {
        let Account { posted, held, unknown, .. } = state.accounts[account];
        posted + held + unknown
    };
    is_covered(configuration, state, &fold, in_memory)
}

/// What the books charge is within the limit, but for what was billed above a bound or against an assumption.
fn within(configuration: &Configuration, state: &State) -> bool {
    let folds = [state.journal.written(configuration), state.journal.synced];
    let is_excused = configuration.sides.overruns || state.attempts.iter().any(|attempt| attempt.is_late);
    let within = |account: usize, charged: i8| is_excused || charged <= configuration.limit(account);
    (0..ACCOUNTS).all(|account| {
        let Account { posted, held, unknown, .. } = state.accounts[account];
        folds.iter().all(|fold| within(account, charged(fold, account)))
            && within(account, posted + held + unknown)
            && folds.iter().all(|fold| fold.posted[account] >= 0)
    })
}

/// The same for what a start would find if the power went now.
fn survives(configuration: &Configuration, state: &State) -> bool {
    let fold = &state.journal.synced;
    is_covered(configuration, state, fold, |account| charged(fold, account))
}

fn is_covered(
    configuration: &Configuration,
    state: &State,
    fold: &Fold,
    charged: impl Fn(usize) -> i8,
) -> bool {
    (0..ACCOUNTS).all(|account| {
        let own = state.attempts.iter().zip(&fold.entries);
        let own = own.filter(|(attempt, entry)| is_owed(attempt, entry, account) && !is_assumed_free(entry));
        let exposed = own.map(|(attempt, entry)| match entry.stage {
            Stage::Ended if attempt.phase == Phase::Ended => attempt.exposure(),
            _ => promised(configuration, attempt),
        });
        exposed.sum::<i8>() <= charged(account)
    })
}

/// What a replay charges on an account.
fn charged(fold: &Fold, account: usize) -> i8 {
    let is_open = |entry: &&Entry| matches!(entry.stage, Stage::Held | Stage::Unknown);
    let open = fold.entries.iter().filter(is_open).filter(|entry| entry.seats & (1 << account) != 0);
    fold.posted[account] + open.map(|entry| entry.hold).sum::<i8>()
}

/// Each hold ends at most once.
fn once(configuration: &Configuration, state: &State) -> bool {
    state.journal.written(configuration).entries.iter().all(|entry| entry.ends <= 1)
}

/// What was sent has a hold of its bound on every balance it is owed on, as durable as configured.
fn journaled(state: &State) -> bool {
    let known = state.attempts.iter().zip(&state.journal.synced.entries);
    let mut sent = known.filter(|(attempt, _)| attempt.is_sent());
    sent.all(|(attempt, entry)| {
        entry.stage != Stage::None && entry.seats == attempt.owes && entry.hold == attempt.bound
    })
}

/// A hold ends with what proves it: never below what was billed, unless an assumption stands for it.
fn evidence(configuration: &Configuration, state: &State) -> bool {
    let fold = state.journal.written(configuration);
    state.attempts.iter().zip(&fold.entries).filter(|(_, entry)| entry.stage == Stage::Ended).all(
        |(attempt, entry)| match entry.evidence {
            Evidence::None => false,
            Evidence::NeverSent => !attempt.is_sent(),
            Evidence::Insured => entry.cost == 0,
            Evidence::Usage | Evidence::Generation | Evidence::ControlTotal | Evidence::Attributed => {
                entry.cost >= attempt.exposure()
            }
        },
    )
}

/// Memory is what a replay of the journal makes, but for what is on its way from one to the other.
fn replay(configuration: &Configuration, state: &State) -> bool {
    let fold = state.journal.written(configuration);
    !state.is_alive
        || (0..ACCOUNTS).all(|account| {
            let mut amounts = Account { posted: fold.posted[account], ..Account::default() };
            for (attempt, entry) in state.attempts.iter().zip(&fold.entries) {
                let on = attempt.seats & (1 << account) != 0;
                expect(&mut amounts, attempt, entry, on, takes(attempt.seats, account, entry.settled));
            }
            amounts == state.accounts[account]
        }) && state
            .attempts
            .iter()
            .zip(&fold.entries)
            .all(|(attempt, entry)| is_in_step(attempt.phase, entry.stage))
}

/// Adds what one attempt has in a balance.
fn expect(amounts: &mut Account, attempt: &Attempt, entry: &Entry, on: bool, takes: bool) {
    if !on {
        return;
    }
    match attempt.phase {
        Phase::Reserved | Phase::Held | Phase::Flight | Phase::Settling(_) => amounts.held += attempt.hold,
        Phase::Unknown | Phase::Judged(_, _) | Phase::Resolving(_) => {
            amounts.unknown += attempt.hold;
            amounts.stuck += if entry.has_id { 0 } else { attempt.hold };
        }
        _ => {}
    }
    if let (Phase::Settling(cost) | Phase::Resolving(cost), true) = (attempt.phase, takes) {
        amounts.posted -= cost;
    }
}

fn is_in_step(phase: Phase, stage: Stage) -> bool {
    match phase {
        Phase::Idle | Phase::Short | Phase::Parked | Phase::Reserved | Phase::Gone => stage == Stage::None,
        Phase::Held | Phase::Flight => stage == Stage::Held,
        Phase::Unknown | Phase::Judged(_, _) => stage == Stage::Unknown,
        Phase::Settling(_) | Phase::Resolving(_) | Phase::Ended => stage == Stage::Ended,
        Phase::Lost => false,
    }
}

/// Nobody waits for what is there while nobody is about to hand it on.
fn waiter(configuration: &Configuration, state: &State) -> bool {
    !state.is_alive || state.is_serving || !state.clone().serve(configuration)
}

/// Of the balance with windows, what is admitted in a true window is within its limit, whichever balance it went to.
/// Only where no machine was switched off, for then nobody knows how long.
fn window(configuration: &Configuration, state: &State) -> bool {
    let is_of = |attempt: &Attempt, window: usize| {
        usize::from(attempt.admitted) == window && accounts_of(attempt.owes).any(|account| account < WINDOWS)
    };
    configuration.sides.cuts > 0
        || (0..WINDOWS).all(|window| {
            let own = state.attempts.iter().filter(|attempt| is_of(attempt, window) && !attempt.is_late);
            own.map(|attempt| promised(configuration, attempt)).sum::<i8>() <= configuration.limits[0]
        })
}
