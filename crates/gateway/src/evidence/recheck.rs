//! Holds that were taken as free on an assumption are asked for once more, `recheck_after` later: a refused call, an
//! insured one, one that a counter or the bill did not show, or that `/generation` told at a cost of zero. What was billed after all is booked, as an overrun.
//!
//! The line is in memory and bounded; a start fills it from the books. What drops out of it the audit still finds.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use admission::Admission;
use ledger::{Evidence, HoldId, UpstreamKeyId};
use money::Nano;
use openrouter::client::GenerationAnswer;
use parking_lot::Mutex;
use store::EntryRow;
use tokio::time::sleep;

use super::{blocking, correct, ms};
use crate::honesty::Finding;
use crate::shared::Shared;

/// Holds in line, at most; beyond, the oldest go.
const WAITING_MAX: usize = 10_000;
/// How often one is asked for when no answer comes.
const TRIES_MAX: u8 = 5;
/// Entries read at a time.
const PAGE: usize = 5_000;

/// One hold that was voided, with the id of its generation.
#[derive(Clone, Debug)]
pub(crate) struct Recheck {
    pub(crate) hold: HoldId,
    pub(crate) generation: String,
    pub(crate) key: UpstreamKeyId,
    pub(crate) bound: Nano,
    pub(crate) model: String,
    pub(crate) voided_ms: i64,
}

#[derive(Debug)]
struct Waiting {
    recheck: Recheck,
    due_ms: i64,
    tries: u8,
}

/// Those that wait to be asked for, the earliest first.
#[derive(Debug, Default)]
pub(crate) struct Rechecks {
    line: Mutex<VecDeque<Waiting>>,
}

impl Rechecks {
    /// Puts one in line.
    pub(crate) fn add(&self, recheck: Recheck, after: Duration) {
        let due_ms = recheck.voided_ms.saturating_add(ms(after));
        self.push(Waiting { recheck, due_ms, tries: 0 });
    }

    fn push(&self, waiting: Waiting) {
        let mut line = self.line.lock();
        if line.len() >= WAITING_MAX {
            line.pop_front();
        }
        let place = line.partition_point(|other| other.due_ms <= waiting.due_ms);
        line.insert(place, waiting);
    }

    fn due(&self, now_ms: i64) -> Option<Waiting> {
        let mut line = self.line.lock();
        let is_due = line.front().is_some_and(|first| first.due_ms <= now_ms);
        is_due.then(|| line.pop_front()).flatten()
    }
}

/// Asks for ever.
pub(super) async fn run(shared: Arc<Shared>) {
    fill(&shared).await;
    let after = shared.config.evidence.recheck_after;
    let pause = (after / 10).clamp(Duration::from_millis(20), Duration::from_secs(5));
    loop {
        while let Some(waiting) = shared.rechecks.due(shared.now_ms()) {
            ask(&shared, waiting).await;
        }
        sleep(pause).await;
    }
}

async fn ask(shared: &Shared, mut waiting: Waiting) {
    let recheck = &waiting.recheck;
    let answer = match shared.key(recheck.key) {
        Some(key) => shared.upstream.generation(&recheck.generation, key.expose()).await.ok(),
        None => None,
    };
    match answer {
        Some(GenerationAnswer::Found(generation)) => {
            shared.stats.rechecked.add();
            let Some(charge) = generation.charge.filter(|charge| charge.amount > Nano::ZERO) else { return };
            let (held, cost) = (recheck.bound, charge.amount);
            if cost > held {
                let finding = Finding::Overrun { held, cost, in_vain: false };
                shared.find(&recheck.model, generation.provider.as_deref(), finding);
            }
            correct(shared, recheck.hold, cost, charge.text, Evidence::Generation).await;
        }
        Some(GenerationAnswer::NotYet) => shared.stats.rechecked.add(),
        // The caller's key is not here, or nobody answers.
        Some(GenerationAnswer::Refused(_)) | None => {
            waiting.tries += 1;
            if waiting.tries < TRIES_MAX {
                waiting.due_ms = shared.now_ms().saturating_add(ms(shared.config.evidence.recheck_after));
                shared.rechecks.push(waiting);
            }
        }
    }
}

/// What was voided not long before the start.
async fn fill(shared: &Arc<Shared>) {
    let after = shared.config.evidence.recheck_after;
    let now_ms = shared.now_ms();
    let since_ms = now_ms.saturating_sub(ms(after).saturating_mul(2));
    let Some(found) = blocking(shared, move |admission| voided(admission, since_ms, now_ms)).await else {
        return;
    };
    for entry in found {
        if let Some(generation) = entry.generation {
            let (hold, key, bound, model) = (entry.hold, entry.upstream_key, entry.bound, entry.model);
            let recheck = Recheck { hold, generation, key, bound, model, voided_ms: entry.settled_ms };
            shared.rechecks.add(recheck, after);
        }
    }
}

fn voided(admission: &Admission, since_ms: i64, until_ms: i64) -> Vec<EntryRow> {
    let books = admission.books();
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let Ok(page) = books.entries(since_ms, until_ms, after, PAGE) else { return found };
        after = page.last().map(|entry| entry.hold);
        let is_last = page.len() < PAGE;
        found.extend(page.into_iter().filter(is_assumed_free));
        if is_last || found.len() >= WAITING_MAX {
            return found;
        }
    }
}

fn is_assumed_free(entry: &EntryRow) -> bool {
    let assumed = matches!(
        entry.evidence,
        Evidence::Refused
            | Evidence::Insured
            | Evidence::ControlTotal
            | Evidence::Analytics
            | Evidence::Generation
    );
    assumed && entry.cost == Nano::ZERO && entry.generation.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_in_order_and_bounded() {
        let rechecks = Rechecks::default();
        let recheck = |hold: u64, voided_ms| Recheck {
            hold: HoldId(hold),
            generation: "g".to_owned(),
            key: UpstreamKeyId([0; 8]),
            bound: Nano::ZERO,
            model: String::new(),
            voided_ms,
        };
        for (hold, voided_ms) in [(1, 30), (2, 10), (3, 20)] {
            rechecks.add(recheck(hold, voided_ms), Duration::from_millis(100));
        }
        assert!(rechecks.due(109).is_none());
        let next = |now_ms| rechecks.due(now_ms).map(|waiting| waiting.recheck.hold.0);
        assert_eq!((next(125), next(125), next(125), next(130)), (Some(2), Some(3), None, Some(1)));
        for hold in 0..=WAITING_MAX as u64 {
            rechecks.add(recheck(hold, hold as i64), Duration::ZERO);
        }
        assert_eq!(rechecks.due(i64::MAX).map(|waiting| waiting.recheck.hold.0), Some(1), "the oldest went");
    }
}
