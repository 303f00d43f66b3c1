//! An estimate for machines. Money is decimal text with nine places; a price per million tokens is exact decimal text.

use pricing::{Reason, Sum, Term};
use serde_json::{Value, json};

use super::{Row, Told, Verdict};

/// The whole.
pub(super) fn of(told: &Told<'_>) -> Value {
    let limits = told.limits.iter().map(|(limit, verdict)| {
        let (fits, cap) = match verdict {
            Verdict::Fits => (true, None),
            Verdict::Clamped(cap) => (false, Some(cap)),
            Verdict::Refused => (false, None),
        };
        json!({
            "name": limit.name,
            "window": limit.window,
            "available_usd": limit.available.to_string(),
            "if": limit.when,
            "fits": fits,
            "fitting_max_tokens": cap,
        })
    });
    let instead = told.instead.iter().map(
        |fit| json!({ "model": fit.model, "max_tokens": fit.output_cap, "worst_usd": fit.bound.to_string() }),
    );
    let mut estimates: Vec<Value> = told.rows.iter().map(|row| estimate(row, told.calls)).collect();
    for one in told.unbounded.iter().rev() {
        estimates.insert(one.at, json!({ "asked": one.asked, "error": one.why.message() }));
    }
    json!({
        "estimates": estimates,
        "limits": limits.collect::<Vec<_>>(),
        "would_fit": instead.collect::<Vec<_>>(),
        "prices": told.prices.as_json(),
    })
}

/// One model's.
pub(super) fn estimate(row: &Row, calls: Option<u32>) -> Value {
    let estimate = &row.estimate;
    let worst = estimate.worst.explain(estimate.worst.output_cap);
    let hit = estimate.cache_hit.as_ref();
    let of_calls = calls.map(|calls| {
        json!({
            "count": calls,
            "likely_usd": estimate.likely.total.saturating_mul(calls).to_string(),
            "cache_hit_usd": hit.map(|hit| hit.total.saturating_mul(calls).to_string()),
            "worst_usd": worst.total.saturating_mul(calls).to_string(),
        })
    });
    json!({
        "asked": row.asked,
        "model": estimate.model,
        "models_named": row.models,
        "served_by": estimate.served_by,
        "prompt_tokens": estimate.prompt_tokens,
        "prompt_tokens_are": if row.count.how.is_exact() { "counted" } else { "about" },
        "prompt_tokens_how": row.count.how.words(),
        "output_tokens": estimate.output_tokens,
        "output_cap": estimate.worst.output_cap,
        "likely_usd": estimate.likely.total.to_string(),
        "likely": terms(&estimate.likely),
        "cache_hit_usd": hit.map(|hit| hit.total.to_string()),
        "cache_hit": hit.map(terms),
        "worst_usd": worst.total.to_string(),
        "worst": worst.terms.iter().map(term).collect::<Vec<_>>(),
        "worst_at": worst.dearest,
        "counted_worst_usd": row.counted.as_ref().map(|counted| counted.usd().to_string()),
        "counted_prompt_tokens_max": row.counted.as_ref().map(|counted| counted.input_tokens),
        "class": worst.class,
        "why_not_proven": estimate.worst.reasons.iter().map(Reason::words).collect::<Vec<_>>(),
        "obstacle": row.obstacle.as_ref().map(|obstacle| &obstacle.why),
        "error": null,
        "calls": of_calls,
    })
}

fn terms(sum: &Sum) -> Vec<Value> {
    sum.terms.iter().map(term).collect()
}

fn term(term: &Term) -> Value {
    json!({
        "what": term.what,
        "quantity": term.quantity,
        "unit": term.unit,
        "usd_per_million": if term.unit == "token" { Some(&term.rate) } else { None },
        "usd": term.amount.to_string(),
    })
}
