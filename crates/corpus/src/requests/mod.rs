//! [`Requests`]: chat bodies that try everything, alone and together.
//!
//! Most are what a program would send, each part of it drawn from what OpenRouter's document allows; some are not, and
//! are to be refused. One in sixteen is hard to count, at models that can be counted for. Every choice comes from the seed
//! and the number of the request, so that one can be made again.

mod bytes;
mod content;
mod hard;
mod limits;
mod media;
mod names;
mod run;

use fastrand::Rng;
use pricing::Encoding;
use serde_json::{Map, Value, json};

use crate::catalogue::Catalogue;

pub use media::{gif, jpeg, pcm, png, url as data_url, wav, webp};

/// Numbers of requests that are hard to count; none of those that billed above their bounds once.
const HARD_EVERY: u64 = 16;
const HARD_AT: u64 = 5;

/// A maker of requests over a catalogue.
#[derive(Clone, Debug)]
pub struct Requests {
    seed: u64,
    ids: Vec<String>,
    /// Those whose tokenizer is public, by tokenizer.
    public: Vec<Vec<String>>,
}

/// How a body is written once its members are chosen.
struct Draft {
    root: Map<String, Value>,
    rng: Rng,
}

impl Requests {
    /// Over the models of a catalogue.
    pub fn new(seed: u64, catalogue: &Catalogue) -> Requests {
        let with = |encoding| {
            let has = |id: &&String| Encoding::of_model(id) == Some(encoding);
            catalogue.ids.iter().filter(has).cloned().collect()
        };
        Requests { seed, ids: catalogue.ids.clone(), public: Encoding::ALL.map(with).to_vec() }
    }

    /// The request of this number.
    pub fn nth(&self, number: u64) -> Vec<u8> {
        let mut rng = Rng::with_seed(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        // Seeds that lie close together must not begin alike.
        for _ in 0..4 {
            rng.u64(..);
        }
        let mut draft = Draft { root: Map::new(), rng };
        if number % HARD_EVERY == HARD_AT {
            return draft.hard(&self.public);
        }
        draft.names(&self.ids);
        draft.messages();
        draft.limits();
        draft.provider();
        draft.tools();
        draft.plugins();
        draft.settings();
        draft.write()
    }
}

impl Draft {
    /// One chance in so many.
    fn one_in(&mut self, many: u32) -> bool {
        self.rng.u32(..many) == 0
    }

    fn pick<'v, T>(&mut self, values: &'v [T]) -> &'v T {
        &values[self.rng.usize(..values.len())]
    }

    fn put(&mut self, key: &str, value: Value) {
        self.root.insert(key.to_owned(), value);
    }

    /// Everything else that a body may say.
    fn settings(&mut self) {
        if self.one_in(12) {
            let tier =
                *self.pick(&["auto", "default", "flex", "priority", "fast", "scale", "standard", "lunar"]);
            self.put("service_tier", json!(tier));
        }
        if self.one_in(80) {
            let speed = *self.pick(&["fast", "standard"]);
            self.put("speed", json!(speed));
        }
        if self.one_in(20) {
            let value = self
                .pick(&[
                    json!(["text"]),
                    json!(["image", "text"]),
                    json!(["text", "audio"]),
                    json!(null),
                    json!(["text", "smell"]),
                ])
                .clone();
            self.put("modalities", value);
        }
        if self.one_in(60) {
            self.put("image_config", json!({ "aspect_ratio": "16:9", "image_size": "4K" }));
        }
        if self.one_in(25) {
            let words = self.rng.usize(1..400);
            let content = self.words(words);
            let content =
                if self.rng.bool() { json!(content) } else { json!([{ "type": "text", "text": content }]) };
            self.put("prediction", json!({ "type": "content", "content": content }));
        }
        if self.one_in(30) {
            let schema = json!({ "type": "json_schema", "json_schema": { "name": "answer", "strict": true,
                "schema": { "type": "object", "properties": { "a": { "type": "string" }, "b": { "type": "number" } } } } });
            let format =
                self.pick(&[json!({ "type": "text" }), json!({ "type": "json_object" }), schema]).clone();
            self.put("response_format", format);
        }
        if self.one_in(50) {
            self.put("cache_control", json!({ "type": "ephemeral", "ttl": "1h" }));
        }
        if self.one_in(120) {
            self.put("prompt_cache_options", json!({ "ttl": "12h" }));
        }
        if self.one_in(150) {
            self.put("web_search_options", json!({ "search_context_size": "high" }));
        }
        if self.one_in(250) {
            self.put("preset", json!("house-style"));
        }
        if self.one_in(40) {
            self.put("some_new_knob", json!(7));
        }
        if self.one_in(120) {
            self.put("some_new_box", json!({ "open": true }));
        }
        for (key, value) in [
            ("temperature", json!(0.7)),
            ("stream", json!(true)),
            ("user", json!("someone")),
            ("metadata", json!({ "app": "trial" })),
            ("parallel_tool_calls", json!(true)),
            ("logit_bias", json!({ "50256": -100 })),
            ("stop", json!(["\n\n", "END"])),
            ("usage", json!({ "include": true })),
            ("audio", json!({ "voice": "alloy", "format": "wav" })),
            ("seed", json!(null)),
        ] {
            if self.one_in(12) {
                self.put(key, value);
            }
        }
    }
}
