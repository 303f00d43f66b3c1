//! How the account's credits, the key's own limit and the budgets stand, as the levels that alerts look at.

use admission::BalanceReport;
use alerts::{Alerts, Level, OutboxError, Pace, Subject};
use jiff::Timestamp;
use ledger::{Rolling, Span};
use openrouter::account::{Credits, KeyInfo, Reset};

use crate::instant;

const LIFETIME: Span = Span { starts_ms: 0, ends_ms: None };

/// The key's own limit; `None` when it has none, or one whose window we do not know.
pub(crate) fn of_key(info: &KeyInfo, now: Timestamp) -> Option<Level> {
    let (limit, left) = (info.limit?, info.limit_remaining?);
    let (window, span) = match &info.limit_reset {
        None => ("lifetime", LIFETIME),
        Some(Reset::Daily) => ("day", instant::window(info.limit_reset.as_ref(), now)?),
        Some(Reset::Weekly) => ("week", instant::window(info.limit_reset.as_ref(), now)?),
        Some(Reset::Monthly) => ("month", instant::window(info.limit_reset.as_ref(), now)?),
        Some(Reset::Other(_)) => return None,
    };
    let used = info.window_spent()?;
    let name = info.label.clone().unwrap_or_else(|| "of this gateway".to_owned());
    Some(Level {
        subject: Subject::Key { name },
        window: window.to_owned(),
        span,
        limit,
        // Not `usage`, which is for a lifetime.
        used,
        left,
        refused: 0,
        pace: Pace::of_window(span, used, now.as_millisecond()),
    })
}

/// The account's credits, as told to a management key.
pub(crate) fn of_credits(credits: &Credits) -> Level {
    Level {
        subject: Subject::Credits,
        window: "lifetime".to_owned(),
        span: LIFETIME,
        limit: credits.bought,
        used: credits.used,
        left: credits.left(),
        refused: 0,
        pace: None,
    }
}

/// One balance of a budget. What calls in flight hold is not counted: most of it comes back.
/// A rolling window never ends; warnings about it are given once in each stretch of its length.
pub(crate) fn of_balance(report: &BalanceReport, refused: u64, now_ms: i64) -> Level {
    let span = match Rolling::from_words(&report.name.window) {
        Some(Rolling { length_ms, .. }) => {
            let starts_ms = now_ms.div_euclid(length_ms) * length_ms;
            Span { starts_ms, ends_ms: Some(starts_ms + length_ms) }
        }
        None => Span { starts_ms: report.name.starts_ms, ends_ms: report.name.ends_ms },
    };
    Level {
        subject: Subject::Budget { name: report.name.budget.clone(), scope: report.name.scope.clone() },
        window: report.name.window.clone(),
        span,
        limit: report.limit,
        used: report.posted,
        left: report.limit.saturating_sub(report.posted).saturating_sub(report.unknown),
        refused,
        pace: None,
    }
}

/// The same with its pace of late.
///
/// # Errors
/// When what was used before cannot be read.
pub(crate) fn paced(mut level: Level, alerts: &Alerts, now_ms: i64) -> Result<Level, OutboxError> {
    if Rolling::from_words(&level.window).is_some() {
        // What was spent leaves it again, so that a pace says nothing of its end.
        return Ok(level);
    }
    level.pace = alerts.pace(&level.subject, level.span, level.used, now_ms)?;
    Ok(level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use money::Nano;

    fn key(rest: &str) -> Option<Level> {
        let info: KeyInfo =
            serde_json::from_str(&format!(r#"{{"label":"sk-or-v1-a...b","usage":900,{rest}}}"#)).unwrap();
        of_key(&info, "2026-11-24T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_rolling_budget_warns_once_in_each_length_of_it() {
        let name = ledger::BalanceName {
            budget: "b".into(),
            window: "rolling 5h".into(),
            scope: vec![],
            starts_ms: 0,
            ends_ms: None,
        };
        let balance = ledger::Balance::new(ledger::BalanceId(0), Nano::from_cents(100), None);
        let report = BalanceReport::new(std::sync::Arc::new(name), &balance);
        const LENGTH_MS: i64 = 5 * 3_600_000;
        let span = |now_ms| of_balance(&report, 0, now_ms).span;
        assert_eq!(span(7 * LENGTH_MS), span(8 * LENGTH_MS - 1));
        assert_eq!(span(8 * LENGTH_MS).starts_ms, 8 * LENGTH_MS);
        assert!(span(8 * LENGTH_MS).contains(8 * LENGTH_MS), "and it ends, so that it is over");
    }

    #[test]
    fn what_is_left_of_a_key_is_what_its_limit_says() {
        let level = key(r#""limit":50,"limit_remaining":12.5,"limit_reset":"daily""#).unwrap();
        assert_eq!(
            (level.used, level.left),
            (Nano::from_cents(3_750), Nano::from_cents(1_250)),
            "not 50 - 900"
        );
        assert_eq!(level.span.ends_ms.map(|ends_ms| ends_ms - level.span.starts_ms), Some(86_400_000));
        assert_eq!(key(r#""limit":50,"limit_remaining":12.5,"limit_reset":null"#).unwrap().span, LIFETIME);
        for rest in [
            r#""limit":null,"limit_remaining":null"#,
            r#""limit":50"#,
            r#""limit":50,"limit_remaining":1,"limit_reset":"hourly""#,
        ] {
            assert_eq!(key(rest), None, "{rest}");
        }
    }
}
