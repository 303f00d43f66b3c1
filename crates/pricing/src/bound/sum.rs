//! [`Sum`]: the worst over every model and endpoint, term by term.

use money::{Nano, Rate};

use crate::bound::candidates::{Candidate, Candidates};
use crate::bound::class::{Reason, Reasons};
use crate::bound::inputs::Inputs;
use crate::bound::paid::{Paid, Terms};
use crate::bound::turns::Turns;
use crate::bound::{MaxPrice, Outputs};
use crate::distrust::Growth;
use crate::model::{Endpoint, Model};
use crate::prices::Prices;
use crate::schedule::Span;
use crate::shape::Shape;
use crate::unpriced::Unpriced;

/// The worst so far.
#[derive(Default)]
pub(super) struct Sum<'b> {
    pub(super) inputs: Inputs,
    pub(super) input_rate: Rate,
    pub(super) image_rate: Rate,
    pub(super) audio_rate: Rate,
    /// Per token of an answer that a later turn reads.
    pub(super) read_rate: Rate,
    pub(super) each_image: Rate,
    pub(super) request_fee: Rate,
    pub(super) output_rate: Rate,
    pub(super) image_output: Rate,
    pub(super) search_fee: Option<Rate>,
    /// At most so many tokens of an endpoint that may ignore the cap, at this rate, and what they cost.
    pub(super) uncapped: Option<(u64, Rate)>,
    pub(super) uncapped_output: Nano,
    pub(super) output_limit: Option<u64>,
    pub(super) ignore: Vec<String>,
    pub(super) dearest: Option<((Rate, Rate), Candidate<'b>, &'b Model)>,
    pub(super) growth: Option<(Growth, &'b str)>,
    pub(super) reasons: Reasons,
}

/// What all models are asked under.
#[derive(Clone, Copy)]
pub(super) struct Asked<'s, 'a> {
    pub(super) shape: &'s Shape<'a>,
    pub(super) max_price: &'s MaxPrice,
    pub(super) span: Option<Span>,
    pub(super) turns: &'s Turns,
}

impl<'b> Sum<'b> {
    /// One more model.
    ///
    /// # Errors
    /// A provider without a cap or a limit; a context that would be filled and is not known.
    pub(super) fn take(&mut self, set: &Candidates<'b>, asked: &Asked<'_, '_>) -> Result<(), Unpriced> {
        let Asked { shape, max_price, span, turns } = *asked;
        let model = set.model;
        let within = |prices: &Prices| {
            prices.prompt() <= max_price.prompt
                && prices.completion() <= max_price.completion
                && max_price.request.is_none_or(|most| prices.request() <= most)
        };
        let eligible = || set.usable.iter().filter(|c| c.endpoint.is_none() || within(c.prices));

        // One endpoint that does not say may take more than all that do.
        let longest = eligible().try_fold(0, |most, c| Some(c.context(model)?.max(most)));
        let context = longest.filter(|&most| most > 0);
        let inputs = Inputs::of(shape, model, context, turns, &mut self.reasons)?;
        self.inputs = self.inputs.max(inputs);
        self.reasons.add_if(!model.family.is_public(), Reason::Tokenizer);
        self.reasons.add_if(!set.known, Reason::EndpointsUnknown);
        self.reasons.add_if(set.alias, Reason::Alias);

        // Later turns have longer prompts, up to the context.
        let tokens = if turns.count > 1 { context.unwrap_or(u64::MAX) } else { inputs.total() };
        let outputs = Outputs::of(model, shape);
        let answers_in_more = outputs != Outputs::default();
        self.reasons.add_if(answers_in_more, Reason::Outputs);
        let more_than_text = answers_in_more || !shape.media.is_empty();
        let row = model.prices.priced();
        let terms = Terms { shape, max_price, span, tokens, outputs, more_than_text, row };
        let mut limit = Some(0);
        for candidate in eligible() {
            let paid = Paid::of(candidate, model, &terms);
            self.pay(&paid, turns);
            let weight = (paid.input.saturating_add(paid.output), candidate.base());
            if self.dearest.is_none_or(|(most, ..)| weight > most) {
                self.dearest = Some((weight, *candidate, model));
            }
            if !candidate.capped {
                let Some(most) = candidate.output_limit else {
                    return Err(Unpriced::NoOutputLimit(model.id.clone()));
                };
                let answers = paid.output.saturating_mul(turns.count);
                let again = turns.read_again().saturating_add(turns.called_again());
                let rate = answers.saturating_add(paid.read.saturating_mul(again));
                let amount = rate.times(most);
                if amount > self.uncapped_output {
                    (self.uncapped, self.uncapped_output) = (Some((most, rate)), amount);
                }
                self.reasons.add(Reason::OutputLimit);
            }
            limit = limit.zip(candidate.output_limit).map(|(a, b)| a.max(b));
        }
        // The most permissive model and endpoint decides the limit; an unknown one sets none.
        let limit = limit.or(model.context_length).unwrap_or(u64::MAX);
        self.output_limit = Some(self.output_limit.map_or(limit, |other| other.max(limit)));
        for endpoint in &set.shut_out {
            if endpoint.prices.priced().is_none_or(&within) {
                self.shut_out(endpoint);
            }
        }
        self.grow(set)
    }

    /// A provider that may not serve.
    pub(super) fn shut_out(&mut self, endpoint: &Endpoint) {
        if !self.ignore.contains(&endpoint.tag) {
            self.ignore.push(endpoint.tag.clone());
        }
    }

    fn pay(&mut self, paid: &Paid, turns: &Turns) {
        self.reasons.0 |= paid.reasons.0;
        self.input_rate = self.input_rate.max(paid.input);
        self.image_rate = self.image_rate.max(paid.image);
        self.audio_rate = self.audio_rate.max(paid.audio);
        self.read_rate = self.read_rate.max(paid.read);
        self.each_image = self.each_image.max(paid.each_image);
        self.output_rate = self.output_rate.max(paid.output);
        self.image_output = self.image_output.max(paid.image_output);
        self.request_fee = self.request_fee.max(paid.request);
        if turns.native > 0 {
            self.search_fee = self.search_fee.max(paid.search);
        }
    }

    /// Providers that broke their word and can still be reached.
    fn grow(&mut self, set: &Candidates<'b>) -> Result<(), Unpriced> {
        for one in set.distrusted {
            if !one.in_vain && !set.may_reach(one) {
                continue;
            }
            let Some(growth) = one.growth else {
                let (model, provider) = (set.model.id.clone(), one.provider.clone());
                return Err(Unpriced::BrokenWord { model, provider });
            };
            if self.growth.is_none_or(|(most, _)| growth > most) {
                self.growth = Some((growth, &one.provider));
            }
        }
        Ok(())
    }
}
