//! Control totals: what the counter of a quiet key says of holds that nothing else resolves (LEDGER.md 5.8, E5).
//!
//! When it is read, and what two equal readings prove, is decided in [`admission::control`]; here are the questions, the
//! books, and the holds that end.
//!
//! Rests on the assumption that nothing else spends with the key (README). Callers' own keys only while they are at
//! hand. Fails closed: a counter that cannot be read proves nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use admission::control::{Look, Reading, Rules, Totals, Verdict, Watch, attributed, judge};
use admission::{Admission, UnknownHold};
use ledger::{Evidence, UpstreamKeyId};
use money::{Exact, Nano};
use store::{ControlPoint, KeyTotal};
use tokio::time::sleep;

use super::recheck::Recheck;
use super::{blocking, ms};
use crate::shared::Shared;

/// After a reading that led to nothing.
const REST: Duration = Duration::from_secs(600);

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

fn rules(shared: &Shared) -> Rules {
    let evidence = &shared.config.evidence;
    Rules {
        quiet_after_ms: ms(evidence.quiet_after),
        final_after_ms: ms(evidence.final_after),
        rest_ms: ms(REST.min(evidence.final_after)),
        resolution: evidence.counter_resolution,
    }
}

async fn look(shared: &Arc<Shared>, key: UpstreamKeyId, watch: &mut Watch, holds: Vec<UnknownHold>) {
    let (rules, now_ms) = (rules(shared), shared.now_ms());
    let quiet_since = shared.admission.quiet_since(key);
    let youngest_unknown_ms = holds.iter().map(|hold| hold.since_ms).max();
    if !watch.wants(&rules, &Look { now_ms, quiet_since, youngest_unknown_ms }) {
        return;
    }
    let read = match quiet_since {
        Some(quiet_since) => read(shared, key, quiet_since).await,
        None => None,
    };
    let is_twice = watch.read(&rules, now_ms, read.as_ref().map(|(reading, _)| *reading));
    if let Some((reading, text)) = read.filter(|_| is_twice) {
        conclude(shared, key, watch, reading, text, holds).await;
    }
}

async fn read(shared: &Shared, key: UpstreamKeyId, quiet_since: i64) -> Option<(Reading, String)> {
    let secret = shared.key(key)?;
    let info = match shared.upstream.key(secret.expose()).await {
        Ok(info) => info,
        Err(error) => {
            tracing::debug!(%error, "the counter of an upstream key cannot be read");
            return None;
        }
    };
    shared.byok.counted(info.byok_usage);
    let charged = info.charged()?;
    let text = format!("{}+{}", info.usage_text?, info.byok_usage_text?);
    Some((Reading { at_ms: shared.now_ms(), quiet_since, charged }, text))
}

/// Two equal readings: a control point, or evidence.
async fn conclude(
    shared: &Arc<Shared>,
    key: UpstreamKeyId,
    watch: &mut Watch,
    reading: Reading,
    text: String,
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
        if keep(shared, key, reading.at_ms, text, ours).await {
            watch.pointed(reading.quiet_since);
        }
        return;
    }
    match then {
        None => tracing::info!("no control point of this key is old enough to prove anything"),
        Some((then, explained)) => {
            let now = Totals { theirs: reading.charged, ours: then.ours + explained };
            resolve(shared, then, now, &holds);
        }
    }
    watch.rest(&rules(shared), shared.now_ms());
}

/// What the books tell of a key.
struct Told {
    ours: KeyTotal,
    /// The last control point, and what of the books' growth since was surely billed; where something is unknown.
    then: Option<(Totals, Exact)>,
}

fn tell(admission: &Admission, key: UpstreamKeyId, is_any_unknown: bool) -> Option<Told> {
    let books = admission.books();
    books.flush().ok()?;
    let ours = books.key_total(key).ok()?;
    let last = books.last_control(key).ok()?.filter(|_| is_any_unknown);
    let then = last.and_then(|point| Some((totals(&point)?, books.explained(&point, &ours).ok()??)));
    Some(Told { ours, then })
}

fn is_unchanged(shared: &Shared, key: UpstreamKeyId, holds: &[UnknownHold]) -> bool {
    let unknown = shared.admission.unknown_holds();
    let own = unknown.iter().filter(|hold| hold.upstream_key == key).map(|hold| hold.hold);
    own.eq(holds.iter().map(|hold| hold.hold))
}

fn totals(point: &ControlPoint) -> Option<Totals> {
    Some(Totals { theirs: Exact::parse_sum(&point.usage).ok()?, ours: point.exact })
}

async fn keep(shared: &Arc<Shared>, key: UpstreamKeyId, at_ms: i64, usage: String, ours: KeyTotal) -> bool {
    let point = ControlPoint { upstream_key: key, at_ms, usage, exact: ours.exact, entries: ours.entries };
    let kept = blocking(shared, move |admission| admission.books().keep_control(&point)).await;
    let is_kept = matches!(kept, Some(Ok(())));
    if is_kept {
        shared.stats.control_points.add();
    }
    is_kept
}

fn resolve(shared: &Shared, then: Totals, now: Totals, holds: &[UnknownHold]) {
    let resolution = shared.config.evidence.counter_resolution;
    match judge(then, now, resolution) {
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
