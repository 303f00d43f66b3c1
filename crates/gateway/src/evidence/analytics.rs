//! OpenRouter's bill by generation, with a management key: for holds past `final_after` that `/generation` does not
//! resolve, above all those that broke off before their id was told (LEDGER.md 5.8, E4).
//!
//! What the bill proves is in [`leftover`]. That something is *not* on it proves nothing unless the bill is complete and
//! has been seen to know these books' generations: an answer that is empty for a reason we do not know (a filter that
//! means something else, a lag) would free money. Under BYOK the bill has OpenRouter's part alone, so a key with any is
//! left to the other rungs. Fails closed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use admission::UnknownHold;
use ledger::{Evidence, HoldId, UpstreamKeyId};
use money::Nano;
use store::EntryRow;
use tokio::time::sleep;

use super::bills::{self, AuditError, REACH_MS, SLACK_MS};
use super::leftover::{self, Stuck, Verdict};
use super::ms;
use crate::audit::Bill;
use crate::shared::Shared;

/// Older ones are not on the bill any more: a month, less a day (CONTRACT 7.3).
const AGE_MS_MAX: i64 = 30 * 86_400_000;
/// Holds that are judged together were made within this time.
const GROUP_MS: i64 = 6 * 3_600_000;
/// How far back a generation is looked for to see that the bill knows any, milliseconds.
const KNOWN_WITHIN_MS: i64 = 26 * 3_600_000;

/// Looks for ever.
pub(super) async fn run(shared: Arc<Shared>) {
    let rules = shared.config.evidence;
    let pause = (rules.final_after / 8).clamp(Duration::from_millis(50), Duration::from_secs(30));
    let mut next_ms: HashMap<HoldId, i64> = HashMap::new();
    loop {
        sleep(pause).await;
        let now_ms = shared.now_ms();
        let unknown = shared.admission.unknown_holds();
        next_ms.retain(|hold, _| unknown.iter().any(|open| open.hold == *hold));
        let Some(group) = group(unknown, &next_ms, now_ms, ms(rules.final_after)) else { continue };
        for hold in &group {
            next_ms.insert(hold.hold, now_ms.saturating_add(ms(rules.audit_every)));
        }
        if let Err(error) = judge(&shared, group).await {
            tracing::warn!(%error, "unknown holds cannot be looked for on OpenRouter's bill");
        }
    }
}

/// The earliest holds whose time has come, of one key.
fn group(
    unknown: Vec<UnknownHold>,
    next_ms: &HashMap<HoldId, i64>,
    now_ms: i64,
    final_ms: i64,
) -> Option<Vec<UnknownHold>> {
    let is_due = |hold: &UnknownHold| {
        now_ms.saturating_sub(hold.since_ms) > final_ms
            && now_ms.saturating_sub(hold.at_ms) < AGE_MS_MAX
            && next_ms.get(&hold.hold).is_none_or(|next| *next <= now_ms)
    };
    let mut due: Vec<UnknownHold> = unknown.into_iter().filter(is_due).collect();
    due.sort_by_key(|hold| hold.at_ms);
    let (key, first_ms) = due.first().map(|first| (first.upstream_key, first.at_ms))?;
    due.retain(|hold| hold.upstream_key == key && hold.at_ms - first_ms < GROUP_MS);
    Some(due)
}

async fn judge(shared: &Arc<Shared>, holds: Vec<UnknownHold>) -> Result<(), AuditError> {
    let Some(key) = holds.first().map(|hold| hold.upstream_key) else { return Ok(()) };
    let Some(hash) = bills::hashes(shared).await?.remove(&key) else { return Ok(()) };
    if bills::admin(shared)?.key(&hash).await?.byok_usage != Some(Nano::ZERO) {
        return Ok(());
    }
    let stuck: Vec<Stuck> = holds.iter().map(stuck).collect();
    let from_ms = stuck.iter().map(|one| one.may_be.from_ms).min().unwrap_or(0) - REACH_MS;
    let until_ms = stuck.iter().map(|one| one.may_be.until_ms).max().unwrap_or(0) + SLACK_MS;
    let entries = entries_of(shared, key, from_ms, until_ms).await?;
    let billed = bills::billed(shared, &hash, (from_ms, until_ms.min(shared.now_ms())), &entries).await?;
    let is_all = billed.complete && knows(shared, key, &hash, &entries, &billed.bills).await?;
    for (hold, verdict) in leftover::judge(&stuck, &billed.bills, &billed.strangers, is_all) {
        if let Some(unknown) = holds.iter().find(|unknown| unknown.hold == hold) {
            end(shared, unknown, verdict);
        }
    }
    Ok(())
}

fn stuck(hold: &UnknownHold) -> Stuck {
    let (bound, generation) = (hold.bound, hold.generation.clone());
    Stuck { hold: hold.hold, bound, generation, may_be: bills::may_be(hold) }
}

async fn entries_of(
    shared: &Arc<Shared>,
    key: UpstreamKeyId,
    from_ms: i64,
    until_ms: i64,
) -> Result<Vec<EntryRow>, AuditError> {
    Ok(bills::entries(shared, from_ms, until_ms).await?.0.remove(&key).unwrap_or_default())
}

/// Whether the bill is seen to know the generations of these books: nearly all of those near, or, where none are, the
/// last one before.
async fn knows(
    shared: &Arc<Shared>,
    key: UpstreamKeyId,
    hash: &str,
    entries: &[EntryRow],
    bills: &[Bill],
) -> Result<bool, AuditError> {
    let last_ms = shared.now_ms().saturating_sub(ms(shared.config.evidence.final_after));
    match share(entries, bills, last_ms) {
        (0, 0) => {}
        (found, missing) => return Ok(found > 0 && missing * 10 <= found),
    }
    let recent = entries_of(shared, key, last_ms.saturating_sub(KNOWN_WITHIN_MS), last_ms).await?;
    let Some(last) = recent.iter().rev().find(|entry| is_on_a_bill(entry, last_ms)) else { return Ok(false) };
    let range = (last.at_ms - SLACK_MS, last.settled_ms + SLACK_MS);
    let near = bills::billed(shared, hash, range, &[]).await?;
    Ok(near.bills.iter().any(|bill| Some(&bill.id) == last.generation.as_ref()))
}

/// How many of the entries that should be on the bill are, and are not.
fn share(entries: &[EntryRow], bills: &[Bill], last_ms: i64) -> (usize, usize) {
    let ids: HashMap<&str, ()> = bills.iter().map(|bill| (bill.id.as_str(), ())).collect();
    let due = || entries.iter().filter(|entry| is_on_a_bill(entry, last_ms));
    let found =
        due().filter(|entry| entry.generation.as_deref().is_some_and(|id| ids.contains_key(id))).count();
    (found, due().count() - found)
}

fn is_on_a_bill(entry: &EntryRow, last_ms: i64) -> bool {
    entry.generation.is_some() && entry.cost > Nano::ZERO && entry.settled_ms <= last_ms
}

fn end(shared: &Shared, hold: &UnknownHold, verdict: Verdict) {
    let now_ms = shared.now_ms();
    let (cost, text, evidence) = match verdict {
        Verdict::Settle(cost, text) => (cost.ceil(), text, Evidence::Analytics),
        Verdict::Void => (Nano::ZERO, String::new(), Evidence::Analytics),
        Verdict::Attribute(cost) => (cost, String::new(), Evidence::Attributed),
    };
    let ended = shared.admission.resolve(hold.hold, cost, &text, evidence, now_ms);
    if ended {
        tracing::info!(hold = hold.hold.0, %cost, evidence = evidence.text(), "OpenRouter's bill resolved an unknown hold");
        if cost == Nano::ZERO {
            shared.recheck(hold, now_ms);
        }
    }
}
