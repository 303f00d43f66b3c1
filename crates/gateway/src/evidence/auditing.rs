//! The audit: every `audit_every`, the entries of the last 26 hours are held against OpenRouter's bill, and what changed
//! is booked anew (what counts as changed: [`crate::audit`]).
//!
//! In pieces of two hours, so that no more than a few hours of entries are in memory. Calls of the last `final_after`
//! are left out: their bill may still come. Keys that the account does not have (callers' own) are left out too.

use std::sync::Arc;
use std::time::Duration;

use ledger::{Evidence, UpstreamKeyId};
use money::Nano;
use store::EntryRow;
use tokio::time::sleep;

use super::bills::{self, AuditError, REACH_MS, SLACK_MS};
use super::{blocking, correct, ms};
use crate::audit::{AuditReport, Compared, Extra, Fix, MayBe, Span, compare};
use crate::caller;
use crate::honesty::Finding;
use crate::shared::Shared;

/// How far back each audit looks.
const SINCE: Duration = Duration::from_secs(26 * 3_600);
/// The bill goes no further back (CONTRACT 7.3).
const MOST: Duration = Duration::from_secs(31 * 86_400);
/// Entries of so long are compared at a time, milliseconds.
const PIECE_MS: i64 = 2 * 3_600_000;
/// The first audit comes this soon after the start, or sooner.
const FIRST_AFTER: Duration = Duration::from_secs(60);

/// Audits for ever.
pub(super) async fn run(shared: Arc<Shared>) {
    let every = shared.config.evidence.audit_every;
    sleep(every.min(FIRST_AFTER)).await;
    loop {
        let until_ms = shared.now_ms().saturating_sub(ms(shared.config.evidence.final_after));
        if let Err(error) =
            audit(&shared, until_ms.saturating_sub(ms(SINCE)), until_ms, Booking::Changes).await
        {
            tracing::warn!(%error, "the books could not be held against OpenRouter's bill");
        }
        sleep(every).await;
    }
}

/// What an audit books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Booking {
    /// Nothing.
    Nothing,
    /// Costs that changed, and generations that an entry can be tied to.
    Changes,
    /// Those, and generations that no entry explains: an operator says that they are ours.
    Everything,
}

/// Audits the calls made from one instant until before another, within the last 31 days; what lies
/// further back makes the report incomplete.
pub(crate) async fn audit(
    shared: &Arc<Shared>,
    from_ms: i64,
    until_ms: i64,
    booking: Booking,
) -> Result<AuditReport, AuditError> {
    let _one_at_a_time = shared.auditing.lock().await;
    let now_ms = shared.now_ms();
    let earliest_ms = now_ms.saturating_sub(ms(MOST));
    let is_cut = from_ms < earliest_ms.saturating_sub(REACH_MS);
    let (from_ms, until_ms) = (from_ms.max(earliest_ms), until_ms.min(now_ms));
    let strangers_until_ms = strangers_until(shared, now_ms).min(until_ms);
    let hashes = bills::hashes(shared).await?;
    let mut report = AuditReport::of(now_ms, from_ms, until_ms);
    report.complete = !is_cut;
    let mut piece_ms = from_ms;
    while piece_ms < until_ms {
        let next_ms = piece_ms.saturating_add(PIECE_MS).min(until_ms);
        let span = Span {
            from_ms: piece_ms,
            until_ms: next_ms,
            strangers_until_ms: next_ms.saturating_add(REACH_MS).min(strangers_until_ms),
        };
        let reach = (span.from_ms - REACH_MS, next_ms.saturating_add(REACH_MS).min(until_ms) + SLACK_MS);
        let (mut entries, is_all) = bills::entries(shared, reach.0, reach.1).await?;
        for (key, hash) in &hashes {
            let own = entries.remove(key).unwrap_or_default();
            let is_ours = shared.local.as_ref().is_some_and(|local| local.upstream_key_id == *key);
            if own.is_empty() && !is_ours {
                continue;
            }
            let range = (span.from_ms - SLACK_MS, reach.1.min(now_ms));
            let billed = bills::billed(shared, hash, range, &own).await?;
            let complete = billed.complete && is_all;
            let open = open(shared, *key);
            let compared = compare(span, &own, &billed.bills, &billed.strangers, &open, complete);
            report.add(&compared, complete);
            if booking != Booking::Nothing {
                book(shared, &compared, &mut report).await;
            }
            if booking == Booking::Everything {
                book_extras(shared, *key, &own, compared.extras, &mut report).await?;
            }
        }
        piece_ms = next_ms;
    }
    shared.stats.audits.add();
    if report.drift != Nano::ZERO {
        tracing::warn!(drift = %report.drift, extras = report.extras.count, missing = report.missing.count, "the books and OpenRouter's bill differ");
    }
    *shared.audit.lock() = Some(report.clone());
    Ok(report)
}

/// A bill of the last moments without an entry may be of a call that is still under way, whose id is not told yet. In
/// books that let no calls through there is none.
fn strangers_until(shared: &Shared, now_ms: i64) -> i64 {
    match shared.admission.restored() {
        Some(_) => now_ms,
        None => now_ms.saturating_sub(ms(shared.config.evidence.final_after)),
    }
}

/// Holds that may be a bill that no entry has.
fn open(shared: &Shared, key: UpstreamKeyId) -> Vec<MayBe> {
    let unknown = shared.admission.unknown_holds();
    let own = unknown.iter().filter(|hold| hold.upstream_key == key && hold.generation.is_none());
    own.map(bills::may_be).collect()
}

async fn book(shared: &Shared, compared: &Compared, report: &mut AuditReport) {
    for fix in &compared.fixes {
        let by = fix.cost.saturating_sub(fix.was);
        match correct(shared, fix.hold, fix.cost, fix.text.clone(), Evidence::Analytics).await {
            Some(_) => note(shared, fix),
            None => report.take_back(by),
        }
    }
}

/// Each becomes an entry of its own, under the label that the calls on this key have.
async fn book_extras(
    shared: &Arc<Shared>,
    upstream_key: UpstreamKeyId,
    own: &[EntryRow],
    extras: Vec<Extra>,
    report: &mut AuditReport,
) -> Result<(), AuditError> {
    let label = own.last().map_or_else(|| caller::LOCAL.to_owned(), |entry| entry.key.clone());
    let amounts: Vec<Nano> = extras.iter().map(|extra| extra.cost.ceil()).collect();
    let now_ms = shared.now_ms();
    let booked = blocking(shared, move |admission| {
        let extras: Vec<admission::Extra<'_>> = extras
            .iter()
            .map(|extra| admission::Extra {
                generation: &extra.id,
                created_ms: extra.created_ms,
                model: extra.model.as_deref().unwrap_or_default(),
                key: &label,
                upstream_key,
                cost: extra.cost.ceil(),
                text: &extra.text,
            })
            .collect();
        admission.book_extras(&extras, now_ms).map_err(|error| error.to_string())
    });
    booked.await.unwrap_or_else(|| Err("its thread panicked".to_owned())).map_err(AuditError::Books)?;
    report.book(amounts.into_iter());
    Ok(())
}

/// A cost above its hold counts against whoever served it, unless a second generation is in it.
fn note(shared: &Shared, fix: &Fix) {
    if fix.cost > fix.bound && !fix.has_extra {
        let finding = Finding::Overrun { held: fix.bound, cost: fix.cost, in_vain: false };
        shared.find(&fix.model, None, finding);
    }
}
