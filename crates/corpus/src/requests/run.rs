//! Tools and plugins.

use serde_json::{Map, Value, json};

use super::Draft;

impl Draft {
    pub(super) fn tools(&mut self) {
        let mut tools = Vec::new();
        if self.one_in(5) {
            for at in 0..self.rng.usize(1..6) {
                tools.push(self.function(at));
            }
        }
        if self.one_in(8) {
            for _ in 0..self.rng.usize(1..3) {
                tools.push(self.server_tool());
            }
        }
        if !tools.is_empty() {
            self.put("tools", json!(tools));
            if self.one_in(6) {
                let choice = self
                    .pick(&[
                        json!("auto"),
                        json!("none"),
                        json!("required"),
                        json!({ "type": "openrouter:web_search" }),
                    ])
                    .clone();
                self.put("tool_choice", choice);
            }
        }
        if self.one_in(12) {
            let steps = self.rng.u32(..12);
            let stops = self.pick(&[
                json!([{ "type": "step_count_is", "step_count": steps }]),
                json!([{ "type": "max_cost", "max_cost_in_dollars": 0.5 }]),
                json!([{ "type": "max_cost", "max_cost_in_dollars": 0.5 }, { "type": "step_count_is", "step_count": 50 }]),
                json!([]),
                json!(null),
            ]).clone();
            self.put("stop_server_tools_when", stops);
        }
        if self.one_in(60) {
            self.put("max_tool_calls", json!(20));
        }
    }

    fn function(&mut self, at: usize) -> Value {
        let description = self.words(12);
        let mut tool = json!({ "type": "function", "function": { "name": format!("tool_{at}"), "description": description,
            "parameters": { "type": "object", "properties": { "query": { "type": "string", "enum": ["a", "b"] },
                "limit": { "type": "integer", "description": "how many: at most 10, at least 1" } } } } });
        if self.one_in(15) {
            tool["cache_control"] = json!({ "type": "ephemeral" });
        }
        tool
    }

    fn server_tool(&mut self) -> Value {
        match self.rng.u32(..20) {
            0..9 => {
                let mut tool = json!({ "type": "openrouter:web_search" });
                if self.rng.u32(..4) > 0 {
                    tool["parameters"] = Value::Object(self.search());
                }
                tool
            }
            9..11 => {
                let kind = *self.pick(&["web_search", "web_search_preview", "web_search_2025_08_26"]);
                let mut tool = self.search();
                tool.insert("type".to_owned(), json!(kind));
                if self.one_in(3) {
                    tool.insert("parameters".to_owned(), Value::Object(self.search()));
                }
                Value::Object(tool)
            }
            11..15 => {
                let mut parameters = Map::new();
                self.number(&mut parameters, "max_uses", 8);
                self.number(&mut parameters, "max_content_tokens", 60_000);
                if self.one_in(2) {
                    let engine =
                        *self.pick(&["auto", "native", "exa", "parallel", "openrouter", "firecrawl"]);
                    parameters.insert("engine".to_owned(), json!(engine));
                }
                json!({ "type": "openrouter:web_fetch", "parameters": parameters })
            }
            15..18 => json!({ "type": "openrouter:datetime" }),
            _ => {
                let kind = *self.pick(&[
                    "openrouter:image_generation",
                    "openrouter:subagent",
                    "openrouter:bash",
                    "openrouter:mcp",
                    "openrouter:fusion",
                    "code_interpreter",
                ]);
                json!({ "type": kind, "parameters": { "model": "openai/gpt-4o" } })
            }
        }
    }

    fn search(&mut self) -> Map<String, Value> {
        let mut search = Map::new();
        if self.one_in(2) {
            let engine = *self.pick(&["auto", "native", "exa", "exa", "parallel", "perplexity", "firecrawl"]);
            search.insert("engine".to_owned(), json!(engine));
        }
        if self.one_in(6) {
            let mode =
                *self.pick(&["fast", "auto", "deep", "deep-lite", "deep-reasoning", "advanced", "turbo"]);
            search.insert("mode".to_owned(), json!(mode));
        }
        if self.one_in(5) {
            let size = *self.pick(&["low", "medium", "high"]);
            search.insert("search_context_size".to_owned(), json!(size));
        }
        self.number(&mut search, "max_uses", 8);
        self.number(&mut search, "max_results", 40);
        self.number(&mut search, "max_total_results", 80);
        self.number(&mut search, "max_characters", 20_000);
        search
    }

    fn number(&mut self, object: &mut Map<String, Value>, key: &str, most: u64) {
        match self.rng.u32(..5) {
            0 | 1 => {
                object.insert(key.to_owned(), json!(self.rng.u64(1..=most)));
            }
            2 if self.one_in(4) => {
                object.insert(key.to_owned(), Value::Null);
            }
            _ => {}
        }
    }

    pub(super) fn plugins(&mut self) {
        if !self.one_in(9) {
            return;
        }
        let mut plugins = Vec::new();
        for _ in 0..self.rng.usize(0..3) {
            plugins.push(self.plugin());
        }
        self.put("plugins", json!(plugins));
    }

    fn plugin(&mut self) -> Value {
        let mut plugin = Map::new();
        let id = *self.pick(&[
            "web",
            "web",
            "web-fetch",
            "file-parser",
            "file-parser",
            "response-healing",
            "context-compression",
            "fusion",
            "moderation",
            "auto-router",
            "armor",
        ]);
        match id {
            "web" => plugin = self.search(),
            "web-fetch" => {
                self.number(&mut plugin, "max_uses", 8);
                self.number(&mut plugin, "max_content_tokens", 60_000);
            }
            "file-parser" => {
                let engine = *self.pick(&["cloudflare-ai", "pdf-text", "native", "mistral-ocr"]);
                plugin.insert("pdf".to_owned(), json!({ "engine": engine }));
            }
            _ => {}
        }
        plugin.insert("id".to_owned(), json!(id));
        match self.rng.u32(..8) {
            0 | 1 => drop(plugin.insert("enabled".to_owned(), json!(false))),
            2 => drop(plugin.insert("enabled".to_owned(), json!(true))),
            _ => {}
        }
        Value::Object(plugin)
    }
}
