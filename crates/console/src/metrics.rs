//! `GET /metrics`: the money in Prometheus' text format (version 0.0.4).
//!
//! Amounts are USD in decimal text, exact to the nano-dollar as far as the reader's floats go. Labels are bounded: the
//! names of configured budgets and the reasons a cost is unknown; never a user, a session or a request. Balances of a
//! budget with `per` are summed, and have no limit here: a sum of limits limits nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use admission::{BalanceReport, UnknownHold};
use money::Nano;
use serde_json::Value;

/// The content type of the format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The whole page.
pub(crate) fn page(reports: &[BalanceReport], unknown: &[UnknownHold], stats: &Value, now_ms: i64) -> String {
    let mut page = Page::default();
    budgets(&mut page, reports, now_ms);
    unknowns(&mut page, unknown, now_ms);
    counters(&mut page, stats);
    page.0
}

/// The sums of one budget's balances.
#[derive(Default)]
struct Sum {
    limit: Option<Nano>,
    posted: Nano,
    held: Nano,
    unknown: Nano,
    available: Nano,
}

fn budgets(page: &mut Page, reports: &[BalanceReport], now_ms: i64) {
    let mut sums: BTreeMap<(&str, &str), Sum> = BTreeMap::new();
    for report in reports.iter().filter(|report| report.name.ends_ms.is_none_or(|ends| now_ms < ends)) {
        let sum = sums.entry((&report.name.budget, &report.name.window)).or_default();
        sum.limit = report.name.scope.is_empty().then_some(report.limit);
        sum.posted = sum.posted.saturating_add(report.posted);
        sum.held = sum.held.saturating_add(report.held);
        sum.unknown = sum.unknown.saturating_add(report.unknown);
        sum.available = sum.available.saturating_add(report.available);
    }
    type Read = fn(&Sum) -> Option<Nano>;
    let families: [(&str, &str, Read); 5] = [
        ("limit", "What may be spent in the window.", |sum| sum.limit),
        ("posted", "Known costs in the window.", |sum| Some(sum.posted)),
        ("held", "Bounds of calls in flight.", |sum| Some(sum.held)),
        ("unknown", "Bounds of calls whose cost is not known yet.", |sum| Some(sum.unknown)),
        ("available", "What is left: below zero after an overrun.", |sum| Some(sum.available)),
    ];
    for (word, help, read) in families {
        let name = format!("farebox_budget_{word}_usd");
        page.family(&name, "gauge", help);
        for ((budget, window), sum) in &sums {
            if let Some(amount) = read(sum) {
                page.sample(&name, &[("budget", budget), ("window", window)], amount);
            }
        }
    }
}

fn unknowns(page: &mut Page, unknown: &[UnknownHold], now_ms: i64) {
    let mut by_reason: BTreeMap<&str, (u64, Nano)> = BTreeMap::new();
    for hold in unknown {
        let (count, sum) = by_reason.entry(hold.reason.text()).or_default();
        *count += 1;
        *sum = sum.saturating_add(hold.bound);
    }
    page.family("farebox_unknown_holds", "gauge", "Calls that ended without a known cost.");
    by_reason
        .iter()
        .for_each(|(reason, (count, _))| page.sample("farebox_unknown_holds", &[("reason", reason)], count));
    page.family("farebox_unknown_usd", "gauge", "What they are charged until it is known, each once.");
    by_reason
        .iter()
        .for_each(|(reason, (_, sum))| page.sample("farebox_unknown_usd", &[("reason", reason)], sum));
    let oldest_ms = unknown.iter().map(|hold| now_ms.saturating_sub(hold.since_ms)).max().unwrap_or(0);
    page.family(
        "farebox_unknown_oldest_age_seconds",
        "gauge",
        "For how long the oldest of them has been unknown.",
    );
    page.sample("farebox_unknown_oldest_age_seconds", &[], oldest_ms.max(0) / 1_000);
}

/// Every number of `/stats`: counts since the start as counters, the rest as gauges.
fn counters(page: &mut Page, stats: &Value) {
    for (name, value) in stats.as_object().into_iter().flatten() {
        let number = match value {
            Value::Number(number) => number.to_string(),
            Value::String(text) if name.ends_with("_usd") => text.clone(),
            _ => continue,
        };
        let is_gauge = name.ends_with("_now") || name.ends_with("_s");
        let (kind, suffix) = if is_gauge { ("gauge", "") } else { ("counter", "_total") };
        let base = name.strip_suffix("_s").map_or_else(|| name.clone(), |name| format!("{name}_seconds"));
        let name = format!("farebox_{base}{suffix}");
        page.family(&name, kind, "See the reference, /stats.");
        page.sample(&name, &[], number);
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0 += name;
        for (at, (label, text)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{label}=\"{}\"", escaped(text));
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::BalanceName;
    use std::sync::Arc;

    fn report(user: Option<&str>, posted: i64, ends_ms: Option<i64>) -> BalanceReport {
        let scope = user.map(|user| ("user".to_owned(), user.to_owned())).into_iter().collect();
        let name = BalanceName { budget: "a\"b".into(), window: "day".into(), scope, starts_ms: 0, ends_ms };
        let (limit, posted) = (Nano::from_cents(100), Nano::from_nanos(posted));
        let zero = Nano::ZERO;
        let available = limit.saturating_sub(posted);
        BalanceReport {
            name: Arc::new(name),
            limit,
            posted,
            held: zero,
            unknown: zero,
            available,
            next_release_ms: None,
        }
    }

    #[test]
    fn budgets_unknowns_and_counters() {
        let stats = serde_json::json!({ "requests": 3, "parked_now": 1, "prices_age_s": 9, "overrun_usd": "0.000000002",
            "warnings": ["x"] });
        let page = page(&[report(None, 5, Some(10)), report(None, 7, Some(1))], &[], &stats, 2);
        for line in [
            "farebox_budget_posted_usd{budget=\"a\\\"b\",window=\"day\"} 0.000000005",
            "farebox_budget_limit_usd{budget=\"a\\\"b\",window=\"day\"} 1.000000000",
            "farebox_unknown_oldest_age_seconds 0",
            "# TYPE farebox_requests_total counter",
            "farebox_requests_total 3",
            "farebox_parked_now 1",
            "farebox_prices_age_seconds 9",
            "farebox_overrun_usd_total 0.000000002",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
        assert!(!page.contains("warnings"));
    }

    #[test]
    fn balances_of_many_users_are_one_line_without_a_limit() {
        let page = page(&[report(Some("a"), 5, None), report(Some("b"), 6, None)], &[], &Value::Null, 2);
        assert!(page.contains("window=\"day\"} 0.000000011\n"), "{page}");
        assert!(!page.contains("farebox_budget_limit_usd{"), "{page}");
    }
}
