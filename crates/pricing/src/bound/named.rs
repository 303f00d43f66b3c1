//! [`Named`]: the models that a request names, each with who may serve it; and routers, who may pick any.

use money::Rate;
use smallvec::SmallVec;

use crate::about::Feature;
use crate::book::{Book, Resolved};
use crate::bound::MaxPrice;
use crate::bound::allowed::{Allowed, router_ceiling};
use crate::bound::candidates::{Candidates, Search};
use crate::bound::class::Reason;
use crate::bound::sum::{Asked, Sum};
use crate::bound::turns::Servers;
use crate::grounds::Grounds;
use crate::model::Model;
use crate::price_key::PriceKey;
use crate::prices::RowPrices;
use crate::shape::{CallerMaxPrice, Shape};
use crate::unpriced::{Unpriced, WebSearch};

/// The models of a request.
pub(super) struct Named<'b> {
    pub(super) sets: SmallVec<[Candidates<'b>; 2]>,
    /// The first, by the id of its row.
    pub(super) first: String,
    /// The ceiling under which a router picks, or a preset, which may change everything else.
    router: Option<CallerMaxPrice>,
    /// A name chooses among tiers (`:nitro`, `:floor`).
    steers: bool,
}

/// What one name means.
enum Meaning<'b> {
    Model(Resolved<'b>),
    /// Any model: a router or a preset. It is in the way where no ceiling is set.
    Any(Unpriced),
}

impl<'b> Named<'b> {
    /// Looks every name up.
    ///
    /// # Errors
    /// A name without a price.
    pub(super) fn of(
        shape: &Shape<'_>,
        grounds: &Grounds<'b>,
        allowed: &mut Allowed<'_>,
    ) -> Result<Named<'b>, Unpriced> {
        let mut named = Named { sets: SmallVec::new(), first: String::new(), router: None, steers: false };
        let ceiling = router_ceiling(shape, &grounds.policy.allowances);
        let within_ceiling = |cost: &Unpriced| ceiling.ok_or_else(|| cost.clone());
        if let Some(preset) = shape.costs.iter().find(|cost| matches!(cost, Unpriced::Preset(_))) {
            named.router = Some(within_ceiling(preset)?);
        }
        for asked in &shape.models {
            let id = match meaning(asked, grounds.book, allowed)? {
                Meaning::Model(resolved) => {
                    named.steers |= resolved.nitro || resolved.floor;
                    named.add(resolved, shape, grounds, allowed)?
                }
                Meaning::Any(cost) => {
                    named.router = Some(within_ceiling(&cost)?);
                    asked.as_ref()
                }
            };
            if named.first.is_empty() {
                id.clone_into(&mut named.first);
            }
        }
        match named.first.is_empty() {
            true => Err(Unpriced::NoModel),
            false => Ok(named),
        }
    }

    fn add(
        &mut self,
        resolved: Resolved<'b>,
        shape: &Shape<'_>,
        grounds: &Grounds<'b>,
        allowed: &mut Allowed<'_>,
    ) -> Result<&'b str, Unpriced> {
        let model = resolved.model;
        let unknown = || Unpriced::UnknownPrice { model: model.id.clone(), key: String::new() };
        let unknown_allowed = allowed.has(&unknown());
        if unknown_allowed {
            allowed.take(&unknown())?;
        }
        let search = Search {
            shape,
            distrusted: grounds.distrust.map_or(&[], |distrust| distrust.at(&model.id)),
            ceiling: shape.caller_max_price.unwrap_or_default(),
            unknown_allowed,
            keep_all: false,
        };
        self.sets.push(Candidates::of(resolved, &search)?);
        Ok(&model.id)
    }

    /// One `max_price` for all models: the dearest of theirs, or the caller's own where it is lower.
    pub(super) fn permission(&self, shape: &Shape<'_>) -> MaxPrice {
        let caller = shape.caller_max_price.unwrap_or_default();
        let sets = &self.sets;
        let router = self.router.unwrap_or_default();
        let most = |rates: &mut dyn Iterator<Item = Rate>, router: Option<Rate>, caller: Option<Rate>| {
            let rate = rates.max().max(router).unwrap_or_default();
            let rate = if rate == Rate::ZERO { rate } else { rate.saturating_add(Rate::from_femtos(1)) };
            caller.map_or(rate, |caller| rate.min(caller))
        };
        let request = most(&mut sets.iter().map(|set| set.request), None, caller.request);
        let media = &shape.media;
        let listed = |wanted: bool, caller: Option<Rate>, key: PriceKey| {
            let all = sets.iter().flat_map(|set| set.usable.iter());
            let most = all.filter_map(|candidate| candidate.prices.rates[key]).max().filter(|_| wanted)?;
            let most = most.saturating_add(Rate::from_femtos(1));
            Some(caller.map_or(most, |caller| most.min(caller)))
        };
        let has_images = !media.images.is_empty() && self.router.is_none();
        let has_audio = (media.audio_ms > 0 || media.audio_unknown > 0) && self.router.is_none();
        MaxPrice {
            prompt: most(&mut sets.iter().map(|set| set.prompt), router.prompt, caller.prompt),
            completion: most(
                &mut sets.iter().map(|set| set.completion),
                router.completion,
                caller.completion,
            ),
            request: (request > Rate::ZERO).then_some(request),
            image: listed(has_images, caller.image, PriceKey::Image),
            audio: listed(has_audio, caller.audio, PriceKey::Audio),
        }
    }

    /// What decides about engines and tiers.
    pub(super) fn servers(&self, shape: &Shape<'_>) -> Servers {
        let all =
            |does: fn(&Model) -> bool| self.router.is_none() && self.sets.iter().all(|set| does(set.model));
        Servers {
            all_claude: self.router.is_none()
                && self.sets.iter().all(|set| set.is_served_by("Anthropic", shape)),
            all_read_files: all(|model| model.about.features.contains(Feature::Files)),
            premium: !self.steers && (self.router.is_some() || self.sets.iter().any(Candidates::has_premium)),
        }
    }

    /// What a router may pick: every chat model of the book within the ceiling, whoever serves it. Providers without a limit
    /// are left out: nothing can be said of what they may cost.
    ///
    /// # Errors
    /// A provider that has broken its word and for which no bound is large enough.
    pub(super) fn take_routed(
        &self,
        sum: &mut Sum<'b>,
        asked: &Asked<'_, '_>,
        grounds: &Grounds<'b>,
    ) -> Result<(), Unpriced> {
        let Some(ceiling) = self.router else { return Ok(()) };
        sum.reasons.add(Reason::Router);
        for model in grounds.book.models().filter(|model| may_be_picked(model)) {
            let search = Search {
                shape: asked.shape,
                distrusted: grounds.distrust.map_or(&[], |distrust| distrust.at(&model.id)),
                ceiling,
                // It may be picked all the same; what the unknown key is for, nobody can say.
                unknown_allowed: true,
                keep_all: true,
            };
            let resolved = Resolved { model, nitro: true, floor: true, online: false, alias: false };
            let Ok(mut set) = Candidates::of(resolved, &search) else { continue };
            set.shut_out.clear();
            set.usable.retain(|candidate| match candidate.endpoint {
                Some(endpoint) if !candidate.is_limited(model) => {
                    sum.shut_out(endpoint);
                    false
                }
                _ => true,
            });
            if set.usable.is_empty() {
                continue;
            }
            match sum.take(&set, asked) {
                // Of a model whose providers nobody knows, none can be left out: without limits it is passed over.
                Ok(()) | Err(Unpriced::NoOutputLimit(_) | Unpriced::NoContextLength(_)) => {}
                Err(unpriced) => return Err(unpriced),
            }
        }
        Ok(())
    }
}

/// `openrouter/auto` lists images among its outputs, so models that draw may be picked too.
fn may_be_picked(model: &Model) -> bool {
    model.answers_are_priced()
        && !model.is_router()
        && model.alias_target.is_none()
        && !model.id.starts_with('~')
}

/// What a name means, when its row has a price at all.
fn meaning<'b>(asked: &str, book: &'b Book, allowed: &mut Allowed<'_>) -> Result<Meaning<'b>, Unpriced> {
    if let Some((_, slug)) = asked.split_once("@preset/") {
        let preset = Unpriced::Preset(slug.to_owned());
        allowed.take(&preset)?;
        return Ok(Meaning::Any(preset));
    }
    let Some(resolved) = book.resolve(asked) else {
        return Err(match asked.split_once(':') {
            Some((base, _)) if book.model(base).is_some() => Unpriced::Variant(asked.to_owned()),
            _ => Unpriced::UnknownModel(asked.to_owned()),
        });
    };
    if resolved.online {
        allowed.take(&Unpriced::WebSearch(WebSearch::Online))?;
    }
    let model = resolved.model;
    let name = || model.id.clone();
    match &model.prices {
        RowPrices::Dynamic => return Ok(Meaning::Any(Unpriced::Router(name()))),
        _ if model.is_router() => return Ok(Meaning::Any(Unpriced::Router(name()))),
        RowPrices::Unreadable(reason) => {
            return Err(Unpriced::UnreadablePrice { model: name(), reason: reason.clone() });
        }
        RowPrices::Priced(prices) => {
            if !model.answers_are_priced() {
                allowed.take(&Unpriced::NotText(name()))?;
            }
            if model.searches_by_itself() {
                allowed.take(&Unpriced::SearchingModel(name()))?;
            }
            if prices.prompt() == Rate::ZERO && prices.completion() == Rate::ZERO && !model.is_free() {
                allowed.take(&Unpriced::ZeroPrice(name()))?;
            }
        }
    }
    Ok(Meaning::Model(resolved))
}
