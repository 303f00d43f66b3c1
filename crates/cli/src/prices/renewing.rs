//! [`Renewing`]: the user's own copy of the prices, asked anew: for `models watch` and `models refresh`.
//!
//! Only this copy is written, never a gateway's. Its differences are those since it was last asked.

use openrouter::catalogue::{Catalogue, Entry, cache_in};
use openrouter::client::Upstream;

use super::{PriceArgs, age, cache_folder, settings, within};
use crate::failure::Failure;
use crate::prices::Prices;

/// The copy and whom it is asked of.
pub(crate) struct Renewing {
    catalogue: Catalogue,
    upstream: Upstream,
    models: Vec<String>,
    unasked: Vec<String>,
    before: String,
}

impl Renewing {
    /// The copy as it is.
    pub(crate) fn open(args: &PriceArgs) -> Result<Renewing, Failure> {
        if args.offline {
            return Err(Failure::usage("this asks OpenRouter").hint("leave --offline out"));
        }
        let (_, upstream) = settings(args)?;
        let own = cache_folder().map(|folder| cache_in(&folder, upstream.base()));
        let catalogue = Catalogue::open(own.as_deref());
        let before = before(&catalogue);
        Ok(Renewing { catalogue, upstream, models: Vec::new(), unasked: Vec::new(), before })
    }

    /// Only these models from here on, by any of their names, with their providers.
    pub(crate) async fn name(&mut self, names: &[String]) -> Result<(), Failure> {
        for name in names {
            if self.catalogue.book().model(name).is_none() {
                let asked = within(self.catalogue.refresh(&self.upstream)).await;
                asked.map_err(|why| self.unreachable(&why))?;
            }
            let book = self.catalogue.book();
            self.models.push(Prices::model(&book, name)?.id.clone());
        }
        self.unasked.clone_from(&self.models);
        Ok(())
    }

    /// Asks anew: what has changed. Who retains nothing is asked as well, and may be left unanswered.
    pub(crate) async fn renew(&mut self) -> Result<Vec<Entry>, String> {
        let old = self.catalogue.book();
        self.before = before(&self.catalogue);
        let mut found = within(self.catalogue.renew(&self.upstream)).await?;
        // Once asked for, a model's providers are among what is renewed.
        for model in self.unasked.drain(..) {
            found.extend(within(self.catalogue.renew_model(&self.upstream, &model)).await?);
        }
        if let Err(why) = within(self.catalogue.refresh_zdr(&self.upstream)).await {
            tracing::debug!(%why, "who retains nothing is not known");
        }
        let meant = |entry: &Entry| self.models.is_empty() || self.models.contains(&entry.model);
        let now_ms = super::now_ms();
        Ok(found.into_iter().map(|change| Entry::of(change, &old, now_ms)).filter(meant).collect())
    }

    /// Nobody answers.
    pub(crate) fn unreachable(&self, why: &str) -> Failure {
        let failure = Failure::unreachable(format!("{} could not be asked ({why})", self.upstream()));
        failure.hint("what is known without asking is in farebox models list --offline, and history")
    }

    /// Whom it asks.
    pub(crate) fn upstream(&self) -> &str {
        self.upstream.base()
    }

    /// How many models there are.
    pub(crate) fn models(&self) -> usize {
        self.catalogue.book().models().len()
    }

    /// What the last differences are to.
    pub(crate) fn before(&self) -> &str {
        &self.before
    }
}

fn before(catalogue: &Catalogue) -> String {
    let book = catalogue.book();
    match book.source {
        pricing::BookSource::Snapshot => {
            format!("the rows built in, of {}", openrouter::catalogue::SNAPSHOT_DATE)
        }
        _ => format!("the last time, {}", age(&book)),
    }
}
