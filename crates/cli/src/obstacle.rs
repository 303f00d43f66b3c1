//! What keeps a model from a request that it has a price for. OpenRouter refuses such a call and bills nothing, or does
//! less than was asked: a sum for it would be of a call that nobody makes.
//!
//! One rule of room, for every command: the prompt and its answer fit the context, and the answer is within what the
//! model ever answers.

use pricing::{Feature, Features, Modality, Model, Need, Outputs, Shape, USUAL_OUTPUT};

use crate::amount::grouped;

/// Prompts for models with a context up to this are shortened by OpenRouter itself (CONTRACT 9).
const SHORTENED_BELOW: u64 = 8_192;

/// A body that asks for that says one of these.
const SHORTENING: [&str; 2] = ["context-compression", "middle-out"];

/// Why a model cannot do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// Half a sentence.
    pub(crate) why: String,
    /// OpenRouter refuses it, and bills nothing; else it does less than was asked.
    refused: bool,
}

impl Obstacle {
    fn refused(why: impl Into<String>) -> Obstacle {
        Obstacle { why: why.into(), refused: true }
    }

    fn short(why: String) -> Obstacle {
        Obstacle { why, refused: false }
    }

    /// What that means for the model that was asked for.
    pub(crate) fn told(&self, asked: &str) -> String {
        match self.refused {
            true => format!("OpenRouter would refuse {asked}, and bill nothing: {}.", self.why),
            false => format!("{asked} cannot do it as asked: {}.", self.why),
        }
    }
}

/// No provider that is listed may serve it, by the request's own routing.
pub(crate) fn unserved() -> Obstacle {
    Obstacle::refused("no provider is left: provider.only, ignore or order shut all of them out")
}

/// What a request asks of any model.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    features: Features,
    outputs: Outputs,
    /// Tokens; none count where the body lets its prompt be shortened.
    prompt: u64,
    shortened: bool,
    says_nothing: bool,
    /// The answer that somebody said to expect, or asks for.
    output: Option<u64>,
    /// What it is expected to be where nobody did.
    usual: u64,
    cap: Option<u64>,
}

impl Wanted {
    /// What a request asks, for an answer of `output`. Its prompt has a length for each model.
    pub(crate) fn of(shape: &Shape<'_>, output: Option<u64>) -> Wanted {
        let says = |word: &str| shape.body.windows(word.len()).any(|part| part == word.as_bytes());
        Wanted {
            features: Need::counted(shape, 0, 0).features,
            outputs: shape.outputs,
            prompt: 0,
            shortened: SHORTENING.into_iter().any(says),
            says_nothing: false,
            output: output.map(|output| shape.output_cap.map_or(output, |cap| cap.min(output))),
            usual: USUAL_OUTPUT,
            cap: shape.output_cap,
        }
    }

    /// The same with so many tokens of prompt.
    #[must_use]
    pub(crate) fn with_prompt(mut self, tokens: u64) -> Wanted {
        self.prompt = if self.shortened { 0 } else { tokens };
        self
    }

    /// The same with an answer of so many tokens expected, where nobody said how long it is.
    #[must_use]
    pub(crate) fn expecting(mut self, usual: u64) -> Wanted {
        self.usual = usual;
        self
    }

    /// The same of a body without a message and without a prompt.
    #[must_use]
    pub(crate) fn saying_nothing(mut self, says_nothing: bool) -> Wanted {
        self.says_nothing = says_nothing;
        self
    }

    /// Why a model cannot do it. `about` stands before a prompt's tokens where they are guessed.
    ///
    /// Tools, a schema or reasoning that a model does not know are left out by OpenRouter, and are no obstacle (CONTRACT
    /// 9); files are read for it.
    pub(crate) fn obstacle(&self, model: &Model, about: &str) -> Option<Obstacle> {
        if self.says_nothing {
            return Some(Obstacle::refused("it has neither \"messages\" nor a \"prompt\""));
        }
        self.unseen(model).or_else(|| self.too_long(model, about)).or_else(|| self.cut_off(model))
    }

    /// It has no eyes or ears for it.
    fn unseen(&self, model: &Model) -> Option<Obstacle> {
        let cannot: Vec<&str> = self
            .features
            .iter()
            .filter(|feature| !model.about.features.contains(*feature))
            .filter_map(|feature| match feature {
                Feature::Images => Some("read images"),
                Feature::Audio => Some("hear audio"),
                Feature::Video => Some("watch video"),
                Feature::Tools | Feature::Files | Feature::Schemas | Feature::Reasoning => None,
            })
            .chain(self.unanswered(model))
            .collect();
        (!cannot.is_empty()).then(|| Obstacle::refused(format!("it does not {}", cannot.join(" or "))))
    }

    /// What it is to answer in, and does not.
    fn unanswered(&self, model: &Model) -> impl Iterator<Item = &'static str> {
        let answers = |wanted: bool, modality: Modality| !wanted || model.outputs.contains(modality);
        let images = (!answers(self.outputs.images, Modality::Image)).then_some("answer in images");
        let audio = (!answers(self.outputs.audio, Modality::Audio)).then_some("answer in audio");
        images.into_iter().chain(audio)
    }

    /// The prompt, or the prompt with its answer, is longer than its context.
    fn too_long(&self, model: &Model, about: &str) -> Option<Obstacle> {
        let room = room(model)?;
        let answer = self.answer(model);
        let (all, prompt, answered) = (grouped(room), grouped(self.prompt), grouped(answer));
        let of_prompt = || format!("it has room for {all} tokens in all, and the prompt has {about}{prompt}");
        match room <= SHORTENED_BELOW {
            _ if self.prompt == 0 || self.prompt.saturating_add(answer) <= room => None,
            true => Some(Obstacle::short(format!(
                "it has room for {all} tokens in all, and a prompt of {about}{prompt} with an answer of {answered} would be shortened"
            ))),
            false if self.prompt >= room => Some(Obstacle::refused(of_prompt())),
            false => Some(Obstacle::short(format!("{}, its answer {answered}", of_prompt()))),
        }
    }

    /// It never answers at that length.
    fn cut_off(&self, model: &Model) -> Option<Obstacle> {
        let most = answer_limit(model)?;
        let output = self.output.filter(|output| *output > most)?;
        let (most, output) = (grouped(most), grouped(output));
        Some(Obstacle::short(format!("it answers with {most} tokens at most, and {output} are wanted")))
    }

    /// The room that the answer takes: what is asked for, as far as the model can; else what is expected.
    fn answer(&self, model: &Model) -> u64 {
        let cap = self.cap.map(|cap| answer_limit(model).map_or(cap, |most| most.min(cap)));
        cap.or(self.output).unwrap_or(self.usual)
    }
}

/// The longest prompt and answer that any of its providers takes: of one that does not say, what the row says.
fn room(model: &Model) -> Option<u64> {
    // Those of a free row may be the paid model's (CONTRACT 8.1).
    let endpoints = model.endpoints.iter().filter(|_| !model.is_free()).flatten();
    let of_providers = endpoints.map(|endpoint| endpoint.context_length.or(model.context_length)).max();
    of_providers.unwrap_or(model.context_length)
}

/// The longest answer of any of its providers; `None` where one of them does not say.
fn answer_limit(model: &Model) -> Option<u64> {
    let mut providers = model.endpoints.iter().flatten().peekable();
    match providers.peek() {
        None => model.max_completion_tokens,
        Some(_) => providers
            .map(|endpoint| endpoint.output_limit())
            .try_fold(0, |most, limit| Some(limit?.max(most))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openrouter::catalogue::Catalogue;
    use pricing::Book;

    fn why(book: &Book, name: &str, wanted: &Wanted) -> Option<String> {
        wanted.obstacle(book.model(name).unwrap(), "about ").map(|obstacle| obstacle.told("it"))
    }

    #[test]
    fn what_keeps_a_model_from_it() {
        let book = Catalogue::open(None).book();
        let told = |name: &str, features: &[Feature], prompt: u64, output: u64| {
            let features = features.iter().copied().collect();
            why(&book, name, &Wanted { features, prompt, output: Some(output), ..Wanted::default() })
        };
        for (prompt, output, expected) in [
            (127_500, 500, None),
            (
                127_500,
                501,
                Some(
                    "it cannot do it as asked: it has room for 128,000 tokens in all, and the prompt has about 127,500, its answer 501.",
                ),
            ),
            (
                128_000,
                1,
                Some(
                    "OpenRouter would refuse it, and bill nothing: it has room for 128,000 tokens in all, and the prompt has about 128,000.",
                ),
            ),
            (9, 16_384, None),
            (
                9,
                16_385,
                Some(
                    "it cannot do it as asked: it answers with 16,384 tokens at most, and 16,385 are wanted.",
                ),
            ),
        ] {
            assert_eq!(told("openai/gpt-4o", &[], prompt, output).as_deref(), expected, "{prompt}, {output}");
        }
        assert_eq!(
            told("google/gemma-2-9b-it", &[Feature::Tools, Feature::Images, Feature::Audio], 9, 9).unwrap(),
            "OpenRouter would refuse it, and bill nothing: it does not read images or hear audio."
        );
        let outputs = Outputs { images: true, audio: true };
        assert_eq!(
            why(&book, "openai/gpt-4o", &Wanted { outputs, ..Wanted::default() }).unwrap(),
            "OpenRouter would refuse it, and bill nothing: it does not answer in images or answer in audio."
        );
        // All its providers have room for 64,000, whatever the row says.
        assert!(told("deepseek/deepseek-r1", &[], 100_000, 9).is_some());
        assert!(told("google/gemma-2-9b-it", &[], 50_000, 9).unwrap().ends_with("would be shortened."));
        assert_eq!(told("deepseek/deepseek-r1", &[Feature::Schemas, Feature::Reasoning], 9, 9), None);
        // The row says 1,000,000 and each provider less: what any of them takes counts.
        assert_eq!(told("deepseek/deepseek-chat", &[], 127_999, 1), None);
    }

    #[test]
    fn what_a_body_asks_for() {
        let book = Catalogue::open(None).book();
        let of = |body: &[u8], prompt: u64, cap: Option<u64>, output: Option<u64>| {
            let shape = Shape { body, output_cap: cap, ..Shape::default() };
            why(&book, "openai/gpt-4o", &Wanted::of(&shape, output).with_prompt(prompt))
        };
        assert!(of(b"{}", 300_000, None, None).is_some());
        assert_eq!(
            of(br#"{"transforms":["middle-out"]}"#, 300_000, None, None),
            None,
            "it is to be shortened"
        );
        assert_eq!(of(br#"{"plugins":[{"id":"context-compression"}]}"#, 300_000, None, None), None);
        // A cap takes room, as far as the model answers; whoever expects more than his cap gets the cap.
        assert!(of(b"{}", 127_508, Some(2_000), None).is_some_and(|why| why.contains("its answer 2,000")));
        assert_eq!(of(b"{}", 111_616, Some(100_000), None), None);
        assert!(of(b"{}", 111_617, Some(100_000), None).is_some_and(|why| why.contains("its answer 16,384")));
        assert_eq!(of(b"{}", 9, Some(1_000), Some(20_000)), None);
        assert!(of(b"{}", 9, None, Some(20_000)).is_some());
        assert_eq!(of(b"{}", 127_500, None, None), None, "room for a usual answer");
        let nothing = Wanted::default().saying_nothing(true);
        assert!(why(&book, "openai/gpt-4o", &nothing).is_some_and(|why| why.contains("\"messages\"")));
    }
}
