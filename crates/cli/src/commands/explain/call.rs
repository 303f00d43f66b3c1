//! [`Call`]: a call as the gateway explains it, told to people.

use money::Nano;
use serde::Deserialize;

use crate::amount::{grouped, rate};
use crate::terminal::Terminal;

/// A call as the gateway explains it. Fields that are not there are not shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Call {
    request: String,
    at: String,
    model: String,
    outcome: String,
    sentence: String,
    held_usd: Option<String>,
    cost_usd: Option<String>,
    needed_usd: Option<String>,
    fitting_cap: Option<u64>,
    clamped: Option<Clamped>,
    asked: Option<String>,
    route: Option<String>,
    tried: Vec<Tried>,
    would_fit: Vec<Fit>,
    bound: Option<Bound>,
    budget: Option<Balance>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Clamped {
    from: u64,
    to: u64,
}

/// Models that money refused before those that were sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tried {
    models: Vec<String>,
    reason: String,
    needed_usd: Option<String>,
}

/// A model that the money left would have paid for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fit {
    model: String,
    output_cap: u64,
    usd: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Bound {
    usd: String,
    class: String,
    why_not_proven: Vec<String>,
    dearest_endpoint: String,
    ignored_providers: Vec<String>,
    only_providers: Vec<String>,
    /// What tools and plugins were held to.
    pinned: Vec<String>,
    terms: Vec<Term>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Term {
    what: String,
    quantity: u64,
    unit: String,
    usd_per_million: Option<String>,
    usd_each: Option<String>,
    usd: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Balance {
    name: String,
    window: String,
    limit_usd: String,
    posted_usd: String,
    held_usd: String,
    unknown_usd: String,
    available_usd: String,
}

impl Call {
    /// The sum, line by line, and what was made of it.
    pub(super) fn text(&self, terminal: &Terminal) -> String {
        let refused = self.outcome == "refused";
        let mut text = match refused {
            true => format!("{} {}\n", terminal.red("Refused:"), without_prefix(&self.sentence)),
            false => format!("{} {}\n", terminal.bold(&capital(&self.outcome)), self.sentence),
        };
        text += &terminal
            .dim(&format!("{} · {} · {}", self.request, self.at, self.model).replace('·', terminal.dot()));
        text.push('\n');
        text += &self.way(refused);
        if let Some(bound) = &self.bound {
            text += &format!("\n{}", bound.text(terminal));
        }
        if let Some(clamped) = &self.clamped {
            text += &format!(
                "Its output cap was lowered from {} to {} tokens to fit the money.\n",
                grouped(clamped.from),
                grouped(clamped.to)
            );
        }
        if let Some(balance) = &self.budget {
            text += &balance.text(refused);
        }
        if !refused {
            text += &match (&self.held_usd, &self.cost_usd) {
                (Some(held), Some(cost)) => format!("Held {}, cost {}.\n", people(held), people(cost)),
                (Some(held), None) => format!("Held {}.\n", people(held)),
                (None, Some(cost)) => format!("Cost {}.\n", people(cost)),
                (None, None) => String::new(),
            };
        } else if let Some(needed) = &self.needed_usd {
            text += &format!("The least this call needs is {}.\n", people(needed));
        }
        if let (true, Some(cap)) = (refused, self.fitting_cap) {
            text += &format!("With max_tokens {} it fits.\n", grouped(cap));
        }
        for fit in &self.would_fit {
            let (tokens, usd) = (grouped(fit.output_cap), people(&fit.usd));
            text += &format!("With {} it fits: up to {tokens} tokens of answer, at most {usd}.\n", fit.model);
        }
        text
    }

    /// What was made of the name asked for, and what was passed over.
    fn way(&self, refused: bool) -> String {
        let mut text = match (&self.asked, &self.route) {
            (Some(asked), Some(_)) => format!("Asked for the route {asked}.\n"),
            (Some(asked), None) => format!("Asked for {asked}.\n"),
            (None, _) => String::new(),
        };
        let what = if refused { "Tried instead" } else { "Passed over" };
        for tried in &self.tried {
            let needed = tried.needed_usd.as_deref().map(|usd| format!(", needs {}", people(usd)));
            let (models, needed) = (tried.models.join(", "), needed.unwrap_or_default());
            text += &format!("{what}: {models} ({}{needed}).\n", tried.reason);
        }
        text
    }
}

impl Bound {
    fn text(&self, terminal: &Terminal) -> String {
        let mut text = format!("The most it could cost ({})", self.class);
        if !self.dearest_endpoint.is_empty() {
            text += &format!(", at {}", self.dearest_endpoint);
        }
        text += ":\n";
        let rows: Vec<[String; 3]> = self
            .terms
            .iter()
            .map(|term| {
                let (count, times) = (grouped(term.quantity), terminal.times());
                let unit = format!("{}{}", term.unit, if term.quantity == 1 { "" } else { "s" });
                let listed = term.usd_per_million.as_deref().filter(|usd| !usd.is_empty());
                let per_million = listed.map(|usd| format!("{}/M", rate(usd)));
                let price = per_million.or_else(|| term.usd_each.as_deref().map(rate));
                let sum = price.map(|price| format!("{count} {unit} {times} {price}"));
                [term.what.clone(), sum.unwrap_or_default(), people(&term.usd)]
            })
            .chain([["total".to_owned(), String::new(), people(&self.usd)]])
            .collect();
        let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
        let widths = [width(0), width(1), width(2)];
        for row in &rows {
            text += &format!(
                "  {:<w0$}  {:<w1$}  {:>w2$}\n",
                row[0],
                row[1],
                row[2],
                w0 = widths[0],
                w1 = widths[1],
                w2 = widths[2]
            );
        }
        if !self.why_not_proven.is_empty() {
            let class = if self.class == "unbounded" { "Unbounded" } else { "Published, not proven" };
            text += &format!("{class}: {}.\n", self.why_not_proven.join("; "));
        }
        if !self.pinned.is_empty() {
            text += &format!("Held to: {}.\n", self.pinned.join("; "));
        }
        if !self.ignored_providers.is_empty() {
            text += &format!(
                "Left out, for nothing bounds what they bill: {}.\n",
                self.ignored_providers.join(", ")
            );
        }
        if !self.only_providers.is_empty() {
            let only = self.only_providers.join(", ");
            text += &format!("Served only by whoever was seen to count as its tokenizer does: {only}.\n");
        }
        text
    }
}

impl Balance {
    fn text(&self, refused: bool) -> String {
        let window = match (self.window.as_str(), self.window.strip_prefix("rolling ")) {
            (_, Some(length)) => format!("in any {length}"),
            ("lifetime", _) => "for a lifetime".to_owned(),
            (window, _) => format!("per {window}"),
        };
        let mut text = format!("Budget {} allows {} {window}", self.name, people(&self.limit_usd));
        let mut parts = vec![("spent", &self.posted_usd), ("held by other calls", &self.held_usd)];
        if !refused {
            parts[1].0 = "held";
        }
        if Nano::parse_floor(&self.unknown_usd).is_ok_and(|unknown| unknown != Nano::ZERO) {
            parts.push(("unknown", &self.unknown_usd));
        }
        parts.push(("left", &self.available_usd));
        let parts: Vec<String> = parts.iter().map(|(what, usd)| format!("{what} {}", people(usd))).collect();
        text += &format!(": {}.\n", parts.join(", "));
        text
    }
}

/// What the body had to say to clients is no news here.
fn without_prefix(sentence: &str) -> &str {
    let sentence = sentence.strip_prefix("Insufficient credits: ").unwrap_or(sentence);
    sentence.strip_suffix(" See: farebox explain last").unwrap_or(sentence)
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str() + ":")
}

/// Exact text as people read it; the text itself when it is none.
fn people(usd: &str) -> String {
    let (sign, digits) = usd.strip_prefix('-').map_or(("", usd), |digits| ("-", digits));
    Nano::parse_ceil(digits).map_or_else(|_| usd.to_owned(), |amount| sign.to_owned() + &amount.for_people())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn call(value: Value) -> String {
        serde_json::from_value::<Call>(value).unwrap().text(&Terminal::plain())
    }

    fn bound() -> Value {
        json!({
            "usd": "0.633612000", "class": "published", "why_not_proven": ["the tokenizer is not public"],
            "output_cap": 32000, "dearest_endpoint": "Anthropic (anthropic)", "ignored_providers": [],
            "terms": [
                {"what": "prompt", "quantity": 51204, "unit": "token", "usd_per_million": "3", "usd": "0.153612000"},
                {"what": "output", "quantity": 32000, "unit": "token", "usd_per_million": "15", "usd": "0.480000000"},
            ],
        })
    }

    #[test]
    fn a_refusal_with_its_sum() {
        let text = call(json!({
            "request": "req_1", "at": "2026-11-23T14:02:19Z", "model": "anthropic/claude-sonnet-4.5", "outcome": "refused",
            "sentence": "Insufficient credits: budget 'night' is used up. See: farebox explain last",
            "bound": bound(), "needed_usd": "0.441200000", "fitting_cap": 18000, "clamped": null,
            "budget": {"name": "night", "window": "day", "limit_usd": "10.000000000", "posted_usd": "9.590000000",
                "held_usd": "0.000000000", "unknown_usd": "0.000000000", "available_usd": "0.410000000"},
        }));
        let expected = "\
Refused: budget 'night' is used up.
req_1 - 2026-11-23T14:02:19Z - anthropic/claude-sonnet-4.5

The most it could cost (published), at Anthropic (anthropic):
  prompt  51,204 tokens x $3.00/M   $0.1536
  output  32,000 tokens x $15.00/M  $0.4800
  total                             $0.6336
Published, not proven: the tokenizer is not public.
Budget night allows $10.00 per day: spent $9.59, held by other calls $0.00, left $0.4100.
The least this call needs is $0.4412.
With max_tokens 18,000 it fits.
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_cost() {
        let text = call(json!({
            "request": "req_2", "at": "t", "model": "m", "outcome": "settled", "sentence": "cost $0.0123; at most $0.0200 was held",
            "held_usd": "0.020000000", "cost_usd": "0.012300000", "clamped": {"from": 65536, "to": 8192}, "bound": null, "budget": null,
        }));
        assert_eq!(
            text,
            "Settled: cost $0.0123; at most $0.0200 was held\nreq_2 - t - m\nIts output cap was lowered from 65,536 to 8,192 tokens to fit the money.\nHeld $0.0200, cost $0.0123.\n"
        );
    }

    #[test]
    fn nothing_is_expected_to_be_there() {
        assert_eq!(call(json!({})), " \n -  - \n");
    }

    #[test]
    fn a_stand_in_and_what_would_fit() {
        let text = call(json!({
            "outcome": "settled", "sentence": "cost $0.01", "asked": "task/x", "route": "task/x",
            "tried": [{"models": ["a/b", "c/d"], "reason": "used-up", "needed_usd": "0.040000000"}],
        }));
        assert!(
            text.contains("Asked for the route task/x.\nPassed over: a/b, c/d (used-up, needs $0.0400).\n"),
            "{text}"
        );
        let text = call(json!({
            "outcome": "refused", "sentence": "no", "asked": "a/b", "route": null,
            "tried": [{"models": ["c/d"], "reason": "not-found", "needed_usd": null}],
            "would_fit": [{"model": "e/f", "output_cap": 4096, "usd": "0.010000000"}],
        }));
        assert!(text.contains("Asked for a/b.\nTried instead: c/d (not-found).\n"), "{text}");
        assert!(
            text.contains("With e/f it fits: up to 4,096 tokens of answer, at most $0.0100.\n"),
            "{text}"
        );
    }
}
