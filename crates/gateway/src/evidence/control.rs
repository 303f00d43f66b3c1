//! Control totals: what the counter of a quiet key says of holds that nothing else resolves (LEDGER.md 5.8, E5).
//!
//! A key is quiet when nothing is in flight on it and nothing was for `quiet_after`. Its counter (`GET /key`, all that
//! was ever charged, own keys at providers included, as costs are booked) is then read twice, `quiet_after` apart; a
//! counter that moved meanwhile, or an attempt in between, starts over. Two equal readings are
//!
//! * a *control point*, when nothing is unknown: counter and books belong together at that instant;
//! * evidence, when all that is unknown is past `final_after`: what the counter and the books grew by since the last
//!   control point is compared ([`counter`]), of the books only what was surely billed since. Equal: all of them are free. The counter grew more: each may be it, and is
//!   charged so much, at most its bound. The books grew more: nothing is resolved, and it is told as drift.
//!
//! Rests on the assumption that nothing else spends with the key (README). Callers' own keys only while they are at
//! hand. Fails closed: a counter that cannot be read proves nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use admission::{Admission, UnknownHold};
use ledger::{Evidence, UpstreamKeyId};
use money::{Exact, Nano};
use store::{ControlPoint, EntryRow, KeyTotal};
use tokio::time::sleep;

use super::bills::{self, SLACK_MS};
use super::counter::{self, Balance, Booked, Verdict, attributed};
use super::recheck::Recheck;
use super::{blocking, ms};
use crate::shared::Shared;

/// After a reading that led to nothing.
const REST: Duration = Duration::from_secs(600);

/// What is known of one key.
#[derive(Debug, Default)]
struct Watch {
    first: Option<Reading>,
    /// The quiet time (by its beginning) that has its control point.
    pointed: Option<i64>,
    rest_until_ms: i64,
}

/// One look at a counter.
#[derive(Clone, Debug)]
struct Reading {
    at_ms: i64,
    quiet_since: i64,
    charged: Exact,
    text: String,
}

/// Watches for ever.
pub(super) async fn run(shared: Arc<Shared>) {
    let quiet_after = shared.config.evidence.quiet_after;
    let pause = (quiet_after / 8).clamp(Duration::from_millis(20), Duration::from_secs(15));
    let mut watches: HashMap<UpstreamKeyId, Watch> = HashMap::new();
    loop {
        sleep(pause).await;
        let mut unknown: HashMap<UpstreamKeyId, Vec<UnknownHold>> = HashMap::new();
        for hold in shared.admission.unknown_holds() {
            unknown.entry(hold.upstream_key).or_default().push(hold);
        }
        let keys = shared.keys_at_hand();
        watches.retain(|key, _| keys.contains(key));
        for key in keys {
            let holds = unknown.remove(&key).unwrap_or_default();
            look(&shared, key, watches.entry(key).or_default(), holds).await;
        }
    }
}

async fn look(shared: &Arc<Shared>, key: UpstreamKeyId, watch: &mut Watch, holds: Vec<UnknownHold>) {
    let now_ms = shared.now_ms();
    let rules = &shared.config.evidence;
    let quiet = shared.admission.quiet_since(key);
    let Some(quiet_since) = quiet.filter(|since| now_ms.saturating_sub(*since) >= ms(rules.quiet_after))
    else {
        watch.first = None;
        return;
    };
    let is_final = |hold: &UnknownHold| now_ms.saturating_sub(hold.since_ms) > ms(rules.final_after);
    let is_wanted = match holds.is_empty() {
        true => watch.pointed != Some(quiet_since),
        false => holds.iter().all(is_final),
    };
    if !is_wanted || now_ms < watch.rest_until_ms {
        watch.first = None;
        return;
    }
    let first = watch.first.take().filter(|first| first.quiet_since == quiet_since);
    if let Some(first) = &first
        && now_ms.saturating_sub(first.at_ms) < ms(rules.quiet_after)
    {
        watch.first = first.clone().into();
        return;
    }
    let Some(reading) = read(shared, key, quiet_since).await else {
        watch.rest_until_ms = now_ms.saturating_add(ms(REST.min(rules.final_after)));
        return;
    };
    match first.filter(|first| first.charged == reading.charged) {
        None => watch.first = Some(reading),
        Some(_) => conclude(shared, key, watch, &reading, holds).await,
    }
}

async fn read(shared: &Shared, key: UpstreamKeyId, quiet_since: i64) -> Option<Reading> {
    let secret = shared.key(key)?;
    let info = match shared.upstream.key(secret.expose()).await {
        Ok(info) => info,
        Err(error) => {
            tracing::debug!(%error, "the counter of an upstream key cannot be read");
            return None;
        }
    };
    let charged = info.charged()?;
    let text = format!("{}+{}", info.usage_text?, info.byok_usage_text?);
    Some(Reading { at_ms: shared.now_ms(), quiet_since, charged, text })
}

/// Two equal readings: a control point, or evidence.
async fn conclude(
    shared: &Arc<Shared>,
    key: UpstreamKeyId,
    watch: &mut Watch,
    reading: &Reading,
    holds: Vec<UnknownHold>,
) {
    let is_any_unknown = !holds.is_empty();
    let told = blocking(shared, move |admission| tell(admission, key, is_any_unknown)).await.flatten();
    let Some(Told { ours, then }) = told else { return };
    // The books were read in a quiet time only if it still goes on, with the same holds unknown.
    if shared.admission.quiet_since(key) != Some(reading.quiet_since) || !is_unchanged(shared, key, &holds) {
        return;
    }
    if holds.is_empty() {
        if keep(shared, key, reading, ours).await {
            watch.pointed = Some(reading.quiet_since);
        }
        return;
    }
    match then {
        None => tracing::info!("no control point of this key is old enough to prove anything"),
        Some((then, explained)) => {
            let now = Balance { theirs: reading.charged, ours: then.ours + explained };
            resolve(shared, then, now, &holds);
        }
    }
    watch.rest_until_ms = shared.now_ms().saturating_add(ms(REST.min(shared.config.evidence.final_after)));
}

/// What the books tell of a key.
struct Told {
    ours: KeyTotal,
    /// The last control point, and what of the books' growth since was surely billed; where something is unknown.
    then: Option<(Balance, Exact)>,
}

fn tell(admission: &Admission, key: UpstreamKeyId, is_any_unknown: bool) -> Option<Told> {
    let books = admission.books();
    books.flush().ok()?;
    let ours = books.key_total(key).ok()?;
    let last = books.last_control(key).ok()?.filter(|_| is_any_unknown);
    let then = last.and_then(|point| {
        let since = booked_since(admission, key, &point, ours.entries)?;
        let then = balance(&point)?;
        Some((then, counter::explained(ours.exact - then.ours, &since)))
    });
    Some(Told { ours, then })
}

/// What was booked since a control point; `None` where that cannot be told. At the point nothing was open on the key,
/// so these are the last holds of it, as many as there are more now.
fn booked_since(
    admission: &Admission,
    key: UpstreamKeyId,
    point: &ControlPoint,
    entries: u64,
) -> Option<Vec<Booked>> {
    let count = usize::try_from(entries.checked_sub(point.entries)?).ok()?;
    if count == 0 {
        return Some(Vec::new());
    }
    let (mut by_key, is_all) = bills::read(admission, point.at_ms.saturating_sub(SLACK_MS), i64::MAX).ok()?;
    let mut own = by_key.remove(&key).filter(|own| is_all && own.len() >= count)?;
    own.sort_unstable_by_key(|entry| entry.hold);
    Some(own.split_off(own.len() - count).iter().map(booked).collect())
}

/// A hold of nothing stands for no call: an operator booked it for a bill of another time.
fn booked(entry: &EntryRow) -> Booked {
    let cost = Exact::parse_sum(&entry.text).unwrap_or_else(|_| Exact::from(entry.cost));
    let is_sure = entry.evidence != Evidence::Attributed && entry.bound > Nano::ZERO;
    Booked { cost, is_sure }
}

fn is_unchanged(shared: &Shared, key: UpstreamKeyId, holds: &[UnknownHold]) -> bool {
    let unknown = shared.admission.unknown_holds();
    let own = unknown.iter().filter(|hold| hold.upstream_key == key).map(|hold| hold.hold);
    own.eq(holds.iter().map(|hold| hold.hold))
}

fn balance(point: &ControlPoint) -> Option<Balance> {
    Some(Balance { theirs: Exact::parse_sum(&point.usage).ok()?, ours: point.exact })
}

async fn keep(shared: &Arc<Shared>, key: UpstreamKeyId, reading: &Reading, ours: KeyTotal) -> bool {
    let point = ControlPoint {
        upstream_key: key,
        at_ms: reading.at_ms,
        usage: reading.text.clone(),
        exact: ours.exact,
        entries: ours.entries,
    };
    let kept = blocking(shared, move |admission| admission.books().keep_control(&point)).await;
    let is_kept = matches!(kept, Some(Ok(())));
    if is_kept {
        shared.stats.control_points.add();
    }
    is_kept
}

fn resolve(shared: &Shared, then: Balance, now: Balance, holds: &[UnknownHold]) {
    let resolution = shared.config.evidence.counter_resolution;
    match counter::judge(then, now, resolution) {
        Verdict::Nothing => {
            tracing::info!(
                holds = holds.len(),
                "a quiet key's counter equals the books: unknown holds were free"
            );
            end_all(shared, holds, Evidence::ControlTotal, |_| Nano::ZERO);
        }
        Verdict::Billed(more) => {
            tracing::warn!(%more, holds = holds.len(), "something was billed that is not booked: each unknown hold may be it");
            end_all(shared, holds, Evidence::Attributed, |bound| attributed(more, bound));
        }
        Verdict::Drift(less) => {
            shared.stats.drifts.add();
            tracing::warn!(%less, "more is booked on a key than OpenRouter charged: unknown holds stay as they are");
        }
    }
}

fn end_all(shared: &Shared, holds: &[UnknownHold], evidence: Evidence, cost: impl Fn(Nano) -> Nano) {
    for hold in holds {
        let (cost, now_ms) = (cost(hold.bound), shared.now_ms());
        let ended = shared.admission.resolve(hold.hold, cost, "", evidence, now_ms);
        if ended && cost == Nano::ZERO {
            shared.recheck(hold, now_ms);
        }
    }
}

impl Shared {
    /// Has a voided hold asked for once more, if it has an id.
    pub(super) fn recheck(&self, hold: &UnknownHold, voided_ms: i64) {
        let Some(generation) = hold.generation.clone() else { return };
        let (key, bound, model) = (hold.upstream_key, hold.bound, hold.model.clone());
        let recheck = Recheck { hold: hold.hold, generation, key, bound, model, voided_ms };
        self.rechecks.add(recheck, self.config.evidence.recheck_after);
    }
}
