//! `plugins[]`.

use serde_json::Value;

use super::tools::{Fetch, Search, Unruled};
use super::{Asks, whole};

/// Who reads a PDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PdfEngine {
    Cloudflare,
    Native,
    Mistral,
}

impl Asks {
    pub(super) fn read_plugins(&mut self, plugins: Option<&Value>) {
        for plugin in plugins.and_then(Value::as_array).into_iter().flatten() {
            let id = plugin["id"].as_str().unwrap_or_default();
            self.named.push(id.to_owned());
            if plugin["enabled"] == false && has_switch(id) {
                self.parser_off |= id == "file-parser";
                continue;
            }
            match id {
                "web" => self.web = Some(dearer(self.web, Search::read_plugin(plugin))),
                "web-fetch" => self.fetch = Some(Fetch::read_plugin(plugin)),
                "file-parser" => self.pdf = self.pdf.max(engine(&plugin["pdf"]["engine"])),
                "response-healing"
                | "context-compression"
                | "auto-router"
                | "auto-beta-router"
                | "pareto-router" => {}
                "moderation" => self.unruled.push(Unruled::Small),
                _ => self.unruled.push(Unruled::Panel),
            }
        }
    }

    pub(super) fn read_stops(&mut self, stops: Option<&Value>) {
        let Some(conditions) = stops.and_then(Value::as_array) else { return };
        self.stops = true;
        let counts = conditions.iter().filter(|one| one["type"] == "step_count_is");
        self.steps = counts.filter_map(|one| whole(one.get("step_count"))).filter(|&count| count > 0).min();
    }
}

/// Whether a plugin has `enabled` in OpenRouter's documents (2026-08-22, its SDK of 2026-10-27); of others it is left
/// out, and they run.
fn has_switch(id: &str) -> bool {
    matches!(
        id,
        "web"
            | "fusion"
            | "file-parser"
            | "response-healing"
            | "context-compression"
            | "auto-router"
            | "auto-beta-router"
            | "pareto-router"
            | "armor"
    )
}

fn dearer(one: Option<Search>, other: Search) -> Search {
    match one {
        Some(one) if one.results() >= other.results() => one,
        _ => other,
    }
}

fn engine(name: &Value) -> Option<PdfEngine> {
    match name.as_str()? {
        "cloudflare-ai" | "pdf-text" => Some(PdfEngine::Cloudflare),
        "native" => Some(PdfEngine::Native),
        _ => Some(PdfEngine::Mistral),
    }
}
