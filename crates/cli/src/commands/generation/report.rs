//! A generation in JSON and as facts.

use console::GenerationRow;
use money::Nano;
use openrouter::account::GenerationDetails;
use openrouter::usage::Charge;
use serde::Serialize;

use crate::amount::grouped;
use crate::facts::Facts;
use crate::table::printable;
use crate::terminal::Terminal;

/// What `--json` prints. `null`: OpenRouter does not say, or does not know the generation.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    id: String,
    /// Whether OpenRouter knows it.
    known: bool,
    cost_usd: Option<String>,
    /// The digits as OpenRouter wrote them; its fee and the provider's charge joined by `+` under BYOK.
    cost_text: Option<String>,
    model: Option<String>,
    provider: Option<String>,
    created_at: Option<String>,
    finish_reason: Option<String>,
    cancelled: Option<bool>,
    streamed: Option<bool>,
    is_byok: Option<bool>,
    cache_discount_usd: Option<String>,
    tokens: Tokens,
    latency_ms: Option<u64>,
    generation_ms: Option<u64>,
    attempts: Vec<Attempt>,
    books: Option<GenerationRow>,
    /// OpenRouter's cost less what was booked; `null` while either is not known.
    drift_usd: Option<String>,
    #[serde(skip)]
    drift: Option<Nano>,
}

#[derive(Debug, Default, Serialize)]
struct Tokens {
    prompt: Option<u64>,
    cached: Option<u64>,
    completion: Option<u64>,
    reasoning: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Attempt {
    provider: Option<String>,
    model: Option<String>,
    status: Option<u64>,
    latency_ms: Option<u64>,
}

impl Report {
    /// From what OpenRouter and our books say; at least one of them does.
    pub(crate) fn new(id: &str, details: Option<&GenerationDetails>, books: Option<GenerationRow>) -> Self {
        let charge = details.and_then(GenerationDetails::charge);
        let booked = books.as_ref().and_then(|row| row.cost_usd);
        let drift = charge.as_ref().and_then(|charge| charge.amount.checked_sub(booked?));
        let report = Report {
            id: id.to_owned(),
            known: details.is_some(),
            cost_usd: charge.as_ref().map(|charge| charge.amount.to_string()),
            cost_text: charge.map(|charge: Charge| charge.text),
            model: None,
            provider: None,
            created_at: None,
            finish_reason: None,
            cancelled: None,
            streamed: None,
            is_byok: None,
            cache_discount_usd: None,
            tokens: Tokens::default(),
            latency_ms: None,
            generation_ms: None,
            attempts: Vec::new(),
            books,
            drift_usd: drift.map(|drift| drift.to_string()),
            drift,
        };
        match details {
            Some(details) => report.with(details),
            None => report,
        }
    }

    fn with(self, details: &GenerationDetails) -> Self {
        let attempt = |tried: &openrouter::account::ProviderTry| Attempt {
            provider: tried.provider_name.clone(),
            model: tried.model_permaslug.clone(),
            status: tried.status,
            latency_ms: tried.latency,
        };
        Report {
            model: details.model.clone(),
            provider: details.provider_name.clone(),
            created_at: details.created_at.clone(),
            finish_reason: details.finish_reason.clone(),
            cancelled: details.cancelled,
            streamed: details.streamed,
            is_byok: details.is_byok,
            cache_discount_usd: details.cache_discount.map(|discount| discount.to_string()),
            tokens: Tokens {
                prompt: details.native_tokens_prompt,
                cached: details.native_tokens_cached,
                completion: details.native_tokens_completion,
                reasoning: details.native_tokens_reasoning,
            },
            latency_ms: details.latency,
            generation_ms: details.generation_time,
            attempts: details.provider_responses.iter().map(attempt).collect(),
            ..self
        }
    }

    /// As people read it.
    pub(crate) fn text(&self, terminal: &Terminal) -> String {
        let mut facts = Facts::new(terminal, 8);
        facts.title(&printable(&self.id));
        if self.known {
            self.of_openrouter(&mut facts);
        } else {
            facts.fact("cost", "OpenRouter does not know it");
        }
        match &self.books {
            Some(row) => self.of_books(row, &mut facts, terminal),
            None => {
                facts.title("In these books");
                facts.fact(
                    "state",
                    "not there: the call did not go through this gateway, or its books are elsewhere",
                );
            }
        }
        facts.text()
    }

    fn of_openrouter(&self, facts: &mut Facts<'_>) {
        let cost = match &self.cost_text {
            Some(text) => format!("${text}, exactly as OpenRouter wrote it"),
            None => "OpenRouter does not say".to_owned(),
        };
        facts.fact("cost", &cost);
        facts.maybe("model", self.model.as_deref().map(printable));
        facts.maybe("provider", self.provider.as_deref().map(printable));
        facts.maybe("tokens", self.tokens.words());
        facts.fact("ended", &self.ended());
        if self.is_byok == Some(true) {
            facts.fact(
                "BYOK",
                "an own key at the provider was used: OpenRouter's fee + the provider's charge",
            );
        }
        facts.maybe("cache", self.cache());
        if self.attempts.len() > 1 {
            facts.fact("tried", &self.attempts.iter().map(Attempt::words).collect::<Vec<_>>().join(", "));
        }
        facts.maybe("took", self.took());
        facts.maybe("made", self.created_at.as_deref().map(printable));
    }

    fn ended(&self) -> String {
        match (self.cancelled, self.finish_reason.as_deref()) {
            (Some(true), _) => "cancelled before its end".to_owned(),
            (_, Some(reason)) => printable(reason),
            (_, None) => "without a reason".to_owned(),
        }
    }

    fn cache(&self) -> Option<String> {
        let discount = Nano::parse_left(self.cache_discount_usd.as_ref()?).ok()?;
        match discount {
            Nano::ZERO => None,
            saved if saved > Nano::ZERO => Some(format!("saved {}", saved.for_people())),
            cost => Some(format!("writing to it cost {} more", Nano::ZERO.saturating_sub(cost).for_people())),
        }
    }

    fn took(&self) -> Option<String> {
        let first = self.latency_ms?;
        let rest = self.generation_ms.map_or(String::new(), |ms| format!(", then {} ms", grouped(ms)));
        Some(format!("{} ms to the first token{rest}", grouped(first)))
    }

    fn of_books(&self, row: &GenerationRow, facts: &mut Facts<'_>, terminal: &Terminal) {
        facts.title("In these books");
        facts.fact("state", &state(row));
        facts.fact("held", &format!("{} at most, {}", row.bound_usd.for_people(), row.class));
        if let Some(cost) = row.cost_usd {
            facts.fact("booked", &format!("${}", cost.shortest()));
        }
        facts.maybe("drift", self.drift.map(|drift| drift_words(drift, terminal)));
        let budgets: Vec<String> = row
            .budgets
            .iter()
            .map(|budget| {
                let scope =
                    budget.scope.iter().map(|(label, value)| format!(" {label}={}", printable(value)));
                format!("{}{} ({})", printable(&budget.name), scope.collect::<String>(), budget.window)
            })
            .collect();
        facts.maybe("budgets", (!budgets.is_empty()).then(|| budgets.join(", ")));
        facts.fact("made", &row.at);
    }
}

fn state(row: &GenerationRow) -> String {
    let evidence = row.evidence.as_deref().unwrap_or_default();
    match row.state.as_str() {
        "settled" => format!("settled, by {}", evidence_words(evidence)),
        "voided" => format!("voided: nothing was booked, by {}", evidence_words(evidence)),
        "unknown" => format!(
            "unknown ({}): charged with all that was held until its cost is known",
            row.reason.as_deref().unwrap_or("no reason")
        ),
        "held" => "held: the call is still running".to_owned(),
        other => printable(other),
    }
}

fn evidence_words(evidence: &str) -> String {
    match evidence {
        "usage" => "the cost in the answer".to_owned(),
        "generation" => "what OpenRouter said of the generation later".to_owned(),
        "never-sent" => "the proof that nothing was sent".to_owned(),
        "refused" => "OpenRouter's refusal".to_owned(),
        "insured" => "an error without content that OpenRouter does not bill".to_owned(),
        other => printable(other),
    }
}

fn drift_words(drift: Nano, terminal: &Terminal) -> String {
    let amount = |drift: Nano| drift.for_people();
    match drift {
        Nano::ZERO => terminal.green("none: both say the same"),
        more if more > Nano::ZERO => terminal.red(&format!("{} more than was booked", amount(more))),
        less => terminal.yellow(&format!("{} less than was booked", amount(Nano::ZERO.saturating_sub(less)))),
    }
}

impl Tokens {
    fn words(&self) -> Option<String> {
        let part = |count: Option<u64>, what: &str| {
            count
                .filter(|count| *count > 0)
                .map_or(String::new(), |count| format!(" ({} {what})", grouped(count)))
        };
        let prompt = format!("{} in{}", grouped(self.prompt?), part(self.cached, "from the cache"));
        let completion = grouped(self.completion?);
        Some(format!("{prompt}, {completion} out{}", part(self.reasoning, "of reasoning")))
    }
}

impl Attempt {
    fn words(&self) -> String {
        let provider = self.provider.as_deref().map_or("a provider".to_owned(), printable);
        self.status
            .map_or_else(|| format!("{provider} without a status"), |status| format!("{provider} {status}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn details(value: Value) -> GenerationDetails {
        serde_json::from_value(value).unwrap()
    }

    fn row(state: &str, cost: Value) -> GenerationRow {
        serde_json::from_value(json!({
            "generation": "gen-1", "hold": 1, "model": "m", "at": "2026-11-24T10:00:00Z", "bound_usd": "0.000100000",
            "class": "published", "state": state, "cost_usd": cost, "cost_text": null, "evidence": "usage",
            "ended_at": null, "reason": "broken", "budgets": [{"name": "all", "window": "day", "scope": {"user": "ann"}}],
        }))
        .unwrap()
    }

    fn found() -> GenerationDetails {
        details(json!({
            "id": "gen-1", "model": "openai/gpt-4o-mini-2024-07-18", "provider_name": "OpenAI", "cancelled": true,
            "total_cost": 0.0000357, "is_byok": false, "native_tokens_prompt": 1900, "native_tokens_completion": 12,
            "native_tokens_cached": 1024, "latency": 310, "generation_time": 1840, "cache_discount": -0.00001,
            "provider_responses": [{"provider_name": "Azure", "status": 429}, {"provider_name": "OpenAI", "status": 200}],
        }))
    }

    #[test]
    fn both_say_the_same() {
        let report = Report::new("gen-1", Some(&found()), Some(row("settled", json!("0.000035700"))));
        let expected = "\
gen-1
  cost      $0.0000357, exactly as OpenRouter wrote it
  model     openai/gpt-4o-mini-2024-07-18
  provider  OpenAI
  tokens    1,900 in (1,024 from the cache), 12 out
  ended     cancelled before its end
  cache     writing to it cost $0.000010 more
  tried     Azure 429, OpenAI 200
  took      310 ms to the first token, then 1,840 ms

In these books
  state     settled, by the cost in the answer
  held      $0.0001 at most, published
  booked    $0.0000357
  drift     none: both say the same
  budgets   all user=ann (day)
  made      2026-11-24T10:00:00Z
";
        assert_eq!(report.text(&Terminal::plain()), expected);
        assert_eq!(report.drift_usd.as_deref(), Some("0.000000000"));
    }

    #[test]
    fn they_differ_or_one_does_not_know() {
        let drift = |booked: &str| {
            let report = Report::new("g", Some(&found()), Some(row("settled", json!(booked))));
            report.text(&Terminal::plain())
        };
        assert!(drift("0.000035600").contains("drift     $0.000000100 more than was booked"));
        assert!(drift("0.000035800").contains("drift     $0.000000100 less than was booked"));
        let unknown = Report::new("g", Some(&found()), Some(row("unknown", Value::Null)));
        assert_eq!(unknown.drift_usd, None, "not known is not zero");
        assert!(
            unknown.text(&Terminal::plain()).contains("unknown (broken): charged with all that was held")
        );
        let not_here = Report::new("g", Some(&found()), None).text(&Terminal::plain());
        assert!(not_here.contains("not there: the call did not go through this gateway"));
        let only_here = Report::new("g", None, Some(row("held", Value::Null))).text(&Terminal::plain());
        assert!(only_here.contains("OpenRouter does not know it") && only_here.contains("still running"));
    }

    #[test]
    fn an_own_key() {
        let byok = details(
            json!({"id": "g", "total_cost": 0.000095, "is_byok": true, "upstream_inference_cost": 0.0019}),
        );
        let report = Report::new("g", Some(&byok), None);
        assert_eq!(report.cost_usd.as_deref(), Some("0.001995000"));
        let text = report.text(&Terminal::plain());
        assert!(text.contains("$0.000095+0.0019") && text.contains("BYOK"), "{text}");
    }
}
