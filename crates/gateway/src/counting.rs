//! Counting: where money refuses or clamps a request that is bounded by its bytes, its tokens are counted and it is
//! bounded once more. A request that passes is never counted.
//!
//! ```text
//! reserve by bytes ──▶ fits
//!        │ refused, clamped, or would have to wait
//!        ▼
//! would it fit with no prompt at all? ──▶ count (elsewhere, a few at once) ──▶ bound ──▶ reserve, as always
//! ```
//!
//! Only models whose tokenizer is public are counted, and bodies below [`BODY_BYTES_MAX`]. Whatever goes wrong, the
//! bound by bytes stands: this fails closed.

use std::sync::Arc;
use std::time::Duration;

use admission::{Refusal, RefusalReason, Reserved, Shortage};
use pricing::{Book, Bound, Counted, Encoding, Reason};
use smallvec::SmallVec;
use tokio::time::{Instant, timeout};

use crate::admit::admit;
use crate::chat::Walk;
use crate::plan::Stage;

/// Bodies above this are not counted, bytes: 20 ms of one core for prose, a second for the worst.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Prompts counted at once. Hostile ones take a core each for that second.
pub(crate) const AT_ONCE: usize = 2;
/// Where others are being counted for longer than this, the bound by bytes will do.
const PATIENCE: Duration = Duration::from_millis(500);

type Encodings = SmallVec<[Encoding; 2]>;

impl Walk<'_> {
    /// Money for a bound, which is lower afterwards where it was counted.
    pub(crate) async fn afford(
        &self,
        bound: &mut Bound,
        stage: &Stage<'_>,
        deadline: Instant,
    ) -> Result<Reserved, Refusal> {
        let first = self.shared.admission.reserve(&self.ask(bound, stage), self.shared.now_ms());
        if first.as_ref().is_ok_and(|reserved| reserved.output_cap() >= bound.output_cap)
            || !is_for_money(&first)
        {
            return first.map_err(refusal);
        }
        // Boxed: it is seldom needed, and every call would carry its size.
        match (Box::pin(self.counted(bound, stage)).await, first) {
            (Some(counted), first) => {
                *bound = counted;
                // What was clamped is given back in the moment in which it is asked for again.
                drop(first);
            }
            (None, Ok(clamped)) => return Ok(clamped),
            (None, Err(_)) => {}
        }
        admit(self.shared, &self.ask(bound, stage), self.body.len(), deadline).await
    }

    /// The bound with its prompt counted, where that is lower.
    async fn counted(&self, bound: &Bound, stage: &Stage<'_>) -> Option<Bound> {
        if !self.shared.config.count_prompts {
            return None;
        }
        if self.body.len() > BODY_BYTES_MAX || bound.reasons.contains(Reason::Counted) {
            return None;
        }
        let book = self.shared.catalogue.book();
        let encodings = self.encodings(stage, &book)?;
        let none = encodings.iter().fold(Counted::default(), |none, &encoding| none.with(encoding, 0));
        if !self.may_fit(&self.with_count(bound, none, stage, &book)?, stage) {
            return None;
        }
        let counted = self.count(encodings).await?;
        self.with_count(bound, counted, stage, &book).filter(|counted| counted.usd() < bound.usd())
    }

    /// The tokenizers of all the models it may be billed at; `None` where one is not public.
    fn encodings(&self, stage: &Stage<'_>, book: &Book) -> Option<Encodings> {
        let of = |name: &str| Encoding::of_model(&book.model(name)?.id);
        let all: Option<Encodings> = match stage.models {
            Some(models) => models.iter().map(|name| of(name)).collect(),
            None => self.chat.shape.models.iter().map(|name| of(name)).collect(),
        };
        let mut all = all?;
        all.sort_unstable();
        all.dedup();
        Some(all)
    }

    /// The same request bounded by a count, its other limits kept.
    fn with_count(&self, bound: &Bound, counted: Counted, stage: &Stage<'_>, book: &Book) -> Option<Bound> {
        let shape = &self.chat.shape;
        let mut shape = match stage.models {
            Some(models) => shape.with_models(models.iter().map(String::as_str)),
            None => shape.with_models(shape.models.iter().map(AsRef::as_ref)),
        };
        shape.counted = counted;
        let mut again = self.bound_of(&shape, book).ok()?;
        again.output_cap = again.output_cap.min(bound.output_cap);
        if bound.reasons.contains(Reason::StalePrices) {
            again.rests_on_stale_prices();
        }
        Some(again)
    }

    /// Whether the money that is there would do.
    fn may_fit(&self, bound: &Bound, stage: &Stage<'_>) -> bool {
        let reserved = self.shared.admission.reserve(&self.ask(bound, stage), self.shared.now_ms());
        !matches!(reserved, Err(Shortage::Refused(_)))
    }

    async fn count(&self, encodings: Encodings) -> Option<Counted> {
        let turn = timeout(PATIENCE, Arc::clone(&self.shared.counts).acquire_owned()).await.ok()?.ok()?;
        let body = self.body.to_vec();
        let work = move || {
            // Kept until the work is done, also when nobody waits for it any more.
            let _turn = turn;
            tokens::counted(&body, &encodings)
        };
        tokio::task::spawn_blocking(work).await.ok()?
    }
}

fn refusal(shortage: Shortage) -> Refusal {
    match shortage {
        Shortage::Refused(refusal) => refusal,
        Shortage::Wait(wait) => wait.refusal,
    }
}

/// Whether less money would have done.
fn is_for_money(first: &Result<Reserved, Shortage>) -> bool {
    match first {
        Ok(_) | Err(Shortage::Wait(_)) => true,
        Err(Shortage::Refused(refusal)) => {
            matches!(refusal.reason, RefusalReason::UsedUp | RefusalReason::Held | RefusalReason::PerRequest)
        }
    }
}
