//! Counting: where money refuses or clamps a request that is bounded by its bytes, its tokens are counted and it is
//! bounded once more.
//!
//! ```text
//! reserve by bytes ──▶ fits
//!        │ refused, clamped, or would have to wait
//!        ▼
//! who has been seen to count as the tokenizer does? ──▶ the others are left out (`provider.ignore`)
//!        ▼
//! would it fit with no prompt at all? ──▶ count (elsewhere, a few at once) ──▶ bound ──▶ reserve, as always
//! ```
//!
//! A count is worth something only where whoever bills counts alike. So answers are held against our own count
//! ([`Sample`]), and only providers that agreed ([`Seen`]) may serve a request whose hold rests on one; one that ever
//! counted more goes into the honesty register, and is counted no more.
//!
//! Only models whose tokenizer is public are counted, and bodies below [`BODY_BYTES_MAX`]. Whatever goes wrong, the
//! bound by bytes stands: this fails closed.

mod sample;
mod seen;

use std::sync::Arc;
use std::time::Duration;

use admission::{Refusal, RefusalReason, Reserved, Shortage};
use pricing::{Book, Bound, Counted, Distrust, Distrusted, Encoding, Grounds, Reason};
use smallvec::SmallVec;
use tokio::time::{Instant, timeout};

use crate::admit::admit;
use crate::chat::Walk;
use crate::plan::Stage;

pub(crate) use self::sample::{SAMPLES_AT_ONCE, Sample};
pub(crate) use self::seen::Seen;

/// Bodies above this are not counted, bytes: 20 ms of one core for prose, a second for the worst.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Prompts counted at once. Hostile ones take a core each for that second.
pub(crate) const AT_ONCE: usize = 2;
/// Where others are being counted for longer than this, the bound by bytes will do.
const PATIENCE: Duration = Duration::from_millis(500);

type Encodings = SmallVec<[Encoding; 2]>;

/// What a counted bound rests on beside the count.
struct Rest<'a> {
    book: &'a Book,
    left_out: &'a Distrust,
}

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
        let left_out = self.left_out(stage, &book)?;
        let with =
            |counted| self.with_count(bound, counted, stage, &Rest { book: &book, left_out: &left_out });
        let none = encodings.iter().fold(Counted::default(), |none, &encoding| none.with(encoding, 0));
        if !self.may_fit(&with(none)?, stage) {
            return None;
        }
        let counted = self.count(encodings).await?;
        let counted = with(counted).filter(|counted| counted.usd() < bound.usd())?;
        self.shared.stats.counted.add();
        Some(counted)
    }

    /// The names of the models it may be billed at.
    fn models<'s>(&'s self, stage: &Stage<'s>) -> SmallVec<[&'s str; 2]> {
        match stage.models {
            Some(models) => models.iter().map(String::as_str).collect(),
            None => self.chat.shape.models.iter().map(AsRef::as_ref).collect(),
        }
    }

    /// Whoever may not serve a counted request: those who are distrusted anyway, and those who have not been seen to
    /// count as the tokenizer does. `None` where nobody knows who serves a model.
    fn left_out(&self, stage: &Stage<'_>, book: &Book) -> Option<Distrust> {
        let mut left_out = self.shared.honesty().distrust().map(|known| (*known).clone()).unwrap_or_default();
        for name in self.models(stage) {
            let row = book.model(name)?;
            for endpoint in row.endpoints.as_deref().filter(|known| !known.is_empty())? {
                let seen = self.shared.seen.provider(&row.id, endpoint, self.body.len());
                if !seen.is_some_and(|provider| self.shared.honesty().keeps_counts(&row.id, &provider)) {
                    let provider = endpoint.provider.clone();
                    left_out.add(&row.id, Distrusted { provider, growth: None, in_vain: false });
                }
            }
        }
        Some(left_out)
    }

    /// The tokenizers of all the models it may be billed at; `None` where one is not public.
    fn encodings(&self, stage: &Stage<'_>, book: &Book) -> Option<Encodings> {
        let of = |name: &str| Encoding::of_model(&book.model(name)?.id);
        let all: Option<Encodings> = self.models(stage).into_iter().map(of).collect();
        let mut all = all?;
        all.sort_unstable();
        all.dedup();
        Some(all)
    }

    /// The same request bounded by a count, its other limits kept.
    fn with_count(
        &self,
        bound: &Bound,
        counted: Counted,
        stage: &Stage<'_>,
        rest: &Rest<'_>,
    ) -> Option<Bound> {
        let mut shape = self.chat.shape.with_models(self.models(stage));
        shape.counted = counted;
        let grounds = Grounds { distrust: Some(rest.left_out), ..self.grounds(rest.book) };
        let mut again = pricing::bound(&shape, &grounds).ok()?;
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
