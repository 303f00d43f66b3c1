//! Output caps, reasoning, choices, and what the caller says of providers.

use serde_json::{Map, Value, json};

use super::Draft;

impl Draft {
    pub(super) fn limits(&mut self) {
        for key in ["max_tokens", "max_completion_tokens"] {
            let value = match self.rng.u32(..10) {
                0 | 1 => json!(self.rng.u64(1..300)),
                2 | 3 => json!(self.rng.u64(300..40_000)),
                4 if self.one_in(2) => json!(self.rng.u64(40_000..2_000_000)),
                5 if self.one_in(3) => Value::Null,
                _ => continue,
            };
            self.put(key, value);
        }
        if self.one_in(10) {
            let value = match self.rng.u32(..5) {
                0 => json!({ "effort": "high" }),
                1 => json!({ "max_tokens": self.rng.u64(1..40_000) }),
                2 => json!({ "enabled": false }),
                3 => json!({ "effort": "none", "exclude": true }),
                _ => json!({ "enabled": true, "summary": "concise" }),
            };
            self.put("reasoning", value);
        }
        if self.one_in(30) {
            self.put("reasoning_effort", json!("low"));
        }
        if self.one_in(25) {
            let choices = *self.pick(&[1, 2, 3, 8]);
            self.put("n", json!(choices));
        }
    }

    pub(super) fn provider(&mut self) {
        if self.rng.u32(..10) > 2 {
            return;
        }
        let mut provider = Map::new();
        if self.one_in(2) {
            provider.insert("max_price".to_owned(), self.max_price());
        }
        let names =
            ["openai", "Azure", "anthropic", "google-vertex", "deepinfra", "novita/fp8", "Together", "azure"];
        for (key, chance) in [("only", 8), ("ignore", 5), ("order", 6)] {
            if self.one_in(chance) {
                let count = self.rng.usize(0..4);
                let names: Vec<&str> = (0..count).map(|_| *self.pick(&names)).collect();
                provider.insert(key.to_owned(), json!(names));
            }
        }
        for (key, value) in [
            ("allow_fallbacks", json!(false)),
            ("require_parameters", json!(true)),
            ("sort", json!("price")),
            ("sort", json!({ "by": "throughput", "partition": "none" })),
            ("data_collection", json!("deny")),
            ("zdr", json!(null)),
        ] {
            if self.one_in(8) {
                provider.insert(key.to_owned(), value);
            }
        }
        if self.one_in(60) {
            provider.insert("options".to_owned(), json!({ "openai": { "extra": true } }));
        }
        let value = if self.one_in(40) { Value::Null } else { Value::Object(provider) };
        self.put("provider", value);
    }

    /// Numbers and numeric strings, too low at times.
    fn max_price(&mut self) -> Value {
        let mut prices = Map::new();
        for (key, most) in
            [("prompt", 20_000), ("completion", 80_000), ("request", 50), ("image", 100), ("audio", 40)]
        {
            let asked = if matches!(key, "prompt" | "completion") { 2 } else { 12 };
            if !self.one_in(asked) {
                continue;
            }
            let thousandths = self.rng.u64(1..most);
            let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
            let value = match self.rng.u32(..6) {
                0 => json!(text),
                1 => Value::Null,
                _ => serde_json::from_str(&text).unwrap_or_default(),
            };
            prices.insert(key.to_owned(), value);
        }
        Value::Object(prices)
    }
}
