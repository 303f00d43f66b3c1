//! Counting: where money refuses a request that is bounded by its bytes, its tokens are counted and it is bounded once
//! more.
//!
//! ```text
//! reserve by bytes, clamp, wait ──▶ fits
//!        │ refused for money
//!        ▼
//! who has been seen to count as the tokenizer does? ──▶ only they may serve (`provider.only`)
//!        ▼
//! would it fit with no prompt at all? ──▶ count (elsewhere, a few at once) ──▶ bound ──▶ reserve, as always
//! ```
//!
//! A count is worth something only where whoever bills counts alike. So answers are held against our own count
//! ([`Sample`]), and only providers that agreed ([`Seen`]) may serve a request whose hold rests on one; one that ever
//! counted more goes into the honesty register, and is believed no more. What agreeing leaves open, an eighth, is held.
//!
//! Only single models whose tokenizer is public are counted, by their own name, and bodies below [`BODY_BYTES_MAX`].
//! Whatever goes wrong, the bound by bytes stands: this fails closed.

mod sample;
mod seen;
mod texture;

use std::sync::Arc;
use std::time::Duration;

use admission::{Refusal, Reserved, Shortage};
use pricing::{Book, Bound, Counted, Distrust, Distrusted, Encoding, Grounds, Model, Reason, with_margin};
use tokens::Prompt;
use tokio::time::{Instant, timeout};

use crate::admit::{admit, is_for_money};
use crate::chat::Walk;
use crate::plan::Stage;

pub(crate) use self::sample::{SAMPLES_AT_ONCE, Sample};
pub(crate) use self::seen::Seen;
use self::texture::Texture;

/// Bodies above this are not counted, bytes: 20 ms of one core for prose, a second for the worst.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;
/// Prompts counted at once. Hostile ones take a core each for that second.
pub(crate) const AT_ONCE: usize = 2;
/// Where others are being counted for longer than this, the bound by bytes will do.
const PATIENCE: Duration = Duration::from_millis(500);

/// Who may serve a counted request.
struct Servers {
    /// By tag, for `provider.only`.
    only: Vec<String>,
    /// The others, beside those who are distrusted anyway.
    distrust: Distrust,
}

impl Walk<'_> {
    /// Money for a bound, which is lower afterwards where it was counted.
    pub(crate) async fn afford(
        &self,
        bound: &mut Bound,
        stage: &Stage<'_>,
        deadline: Instant,
    ) -> Result<Reserved, Refusal> {
        let refusal = match admit(self.shared, &self.ask(bound, stage), self.body.len(), deadline).await {
            Ok(reserved) => return Ok(reserved),
            Err(refusal) => refusal,
        };
        if !is_for_money(&refusal) {
            return Err(refusal);
        }
        // Boxed: it is seldom needed, and every call would carry its size.
        let Some(counted) = Box::pin(self.counted(bound, stage)).await else { return Err(refusal) };
        match admit(self.shared, &self.ask(&counted, stage), self.body.len(), deadline).await {
            Err(other) if !is_for_money(&other) => Err(refusal),
            reserved => {
                *bound = counted;
                reserved
            }
        }
    }

    /// The bound with its prompt counted, where that is lower.
    async fn counted(&self, bound: &Bound, stage: &Stage<'_>) -> Option<Bound> {
        if !self.shared.config.count_prompts || stage.by_bytes || self.body.len() > BODY_BYTES_MAX {
            return None;
        }
        let book = self.shared.catalogue.book();
        let model = self.only_model(stage, &book)?;
        let encoding = Encoding::of_model(&model.id)?;
        let servers = self.servers(model, None)?;
        if !self.may_fit(&self.with_count(bound, (encoding, 0), stage, &book, &servers)?, stage) {
            return None;
        }
        let (tokens, texture) = self.count(encoding).await?;
        let servers = self.servers(model, Some(&texture))?;
        let counted = (encoding, with_margin(tokens));
        let again = self.with_count(bound, counted, stage, &book, &servers)?;
        (again.reasons.contains(Reason::Counted) && again.usd() < bound.usd()).then_some(again)
    }

    /// The one model it may be billed at, asked for by its own name: where an alias leads may change.
    fn only_model<'b>(&self, stage: &Stage<'_>, book: &'b Book) -> Option<&'b Model> {
        let alone = match stage.models {
            Some([name]) => name.as_str(),
            Some(_) => return None,
            None => self.chat.shape.models.first().filter(|_| self.chat.shape.models.len() == 1)?.as_ref(),
        };
        book.resolve(alone).filter(|resolved| !resolved.alias).map(|resolved| resolved.model)
    }

    /// Who has been seen to count as the model's tokenizer does, and, where it is known, in texts like this, among those
    /// that the caller accepts; `None`: nobody, or nobody knows who serves it.
    fn servers(&self, model: &Model, texture: Option<&Texture>) -> Option<Servers> {
        let distrust = self.shared.honesty().distrust().map(|known| (*known).clone()).unwrap_or_default();
        let mut servers = Servers { only: Vec::new(), distrust };
        for endpoint in model.endpoints.as_deref()? {
            let seen = self.shared.seen.has_agreed(&model.id, &endpoint.provider, texture);
            if !seen || !self.shared.honesty().keeps_counts(&model.id, &endpoint.provider) {
                let provider = endpoint.provider.clone();
                servers.distrust.add(&model.id, Distrusted { provider, growth: None, in_vain: false });
            } else if self.chat.shape.accepts(endpoint) {
                servers.only.push(endpoint.tag.clone());
            }
        }
        Some(servers).filter(|servers| !servers.only.is_empty())
    }

    /// The same request bounded by a count, its other limits kept.
    fn with_count(
        &self,
        bound: &Bound,
        (encoding, tokens): (Encoding, u64),
        stage: &Stage<'_>,
        book: &Book,
        servers: &Servers,
    ) -> Option<Bound> {
        let shape = &self.chat.shape;
        let mut shape = match stage.models {
            Some(models) => shape.with_models(models.iter().map(String::as_str)),
            None => shape.with_models(shape.models.iter().map(AsRef::as_ref)),
        };
        shape.counted = Counted::default().with(encoding, tokens);
        let grounds = Grounds { distrust: Some(&servers.distrust), ..self.grounds(book) };
        let mut again = pricing::bound(&shape, &grounds).ok()?;
        again.output_cap = again.output_cap.min(bound.output_cap);
        // Beside those who are left out: whoever comes to serve the model later has not been seen either.
        again.only.clone_from(&servers.only);
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

    /// The most tokens of its text, and what kind of text that is.
    async fn count(&self, encoding: Encoding) -> Option<(u64, Texture)> {
        let turn = timeout(PATIENCE, Arc::clone(&self.shared.counts).acquire_owned()).await.ok()?.ok()?;
        let body = self.body.to_vec();
        let work = move || {
            // Kept until the work is done, also when nobody waits for it any more.
            let _turn = turn;
            let prompt = Prompt::read(&body)?;
            Some((prompt.most(encoding)?, Texture::of(&prompt, prompt.said(encoding))))
        };
        tokio::task::spawn_blocking(work).await.ok()?
    }
}
