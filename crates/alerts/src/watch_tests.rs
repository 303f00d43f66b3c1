use std::collections::{HashMap, HashSet};

use ledger::Span;
use proptest::prelude::*;

use super::*;
use crate::level::Pace;

const DAY_MS: i64 = 86_400_000;

fn rules() -> Rules {
    Rules {
        credits_below: vec![Nano::from_cents(500), Nano::from_cents(2_000)],
        key_below: vec![Nano::from_cents(500)],
        key_at: vec![80, 100],
        runway_ms: 3 * DAY_MS,
        budget_at: HashMap::from([("b".to_owned(), vec![50, 80, 100])]),
    }
}

/// A budget of so many cents a day, of which so many are used.
fn budget(limit: i32, used: i32, day: i64) -> Level {
    let (limit, used) = (Nano::from_cents(limit), Nano::from_cents(used));
    Level {
        subject: Subject::Budget { name: "b".to_owned(), scope: Vec::new() },
        window: "day".to_owned(),
        span: Span { starts_ms: day * DAY_MS, ends_ms: Some((day + 1) * DAY_MS) },
        limit,
        used,
        left: limit.saturating_sub(used),
        refused: 0,
        pace: None,
    }
}

fn credits(bought: i32, left: i32) -> Level {
    let (limit, left) = (Nano::from_cents(bought), Nano::from_cents(left));
    Level {
        subject: Subject::Credits,
        window: "lifetime".to_owned(),
        span: Span { starts_ms: 0, ends_ms: None },
        limit,
        used: limit.saturating_sub(left),
        left,
        refused: 0,
        pace: None,
    }
}

/// Looks once, remembers, and tells what was said in short.
fn look(watch: &mut Watch, level: &Level, now_ms: i64) -> Vec<String> {
    let mut decisions = watch.ended(now_ms);
    decisions.extend(watch.decide(level, &rules(), now_ms));
    for decision in &decisions {
        watch.apply(decision);
    }
    decisions.iter().filter_map(|decision| decision.event.as_ref()).map(short).collect()
}

fn short(event: &Event) -> String {
    let mut text = event.name();
    for (sign, part) in [(" ", event.threshold.clone()), (" +", Some(event.also_passed.join("+")))] {
        text += &part.filter(|part| !part.is_empty()).map(|part| sign.to_owned() + &part).unwrap_or_default();
    }
    match &event.resolves {
        Some(resolves) => format!("{text} ({:?})", resolves.why),
        None => text,
    }
}

#[test]
fn a_day_of_a_budget() {
    let mut watch = Watch::default();
    let noon = DAY_MS + DAY_MS / 2;
    for (level, told) in [
        (budget(1_000, 499, 1), vec![]),
        (budget(1_000, 500, 1), vec!["budget.threshold 50%"]),
        (budget(1_000, 799, 1), vec![]),
        (budget(1_000, 1_001, 1), vec!["budget.exhausted 100% +80%"]),
        (budget(1_000, 1_001, 1), vec![]),
        (budget(4_000, 1_001, 1), vec!["budget.resolved 100% (LimitChanged)"]),
        (budget(4_000, 3_300, 1), vec!["budget.threshold 80% +50%"]),
        (
            budget(2_000, 3_300, 1),
            vec!["budget.resolved 80% (LimitChanged)", "budget.exhausted 100% +50%+80%"],
        ),
        (budget(1_000, 3_300, 1), vec!["budget.resolved 100% (LimitChanged)"]),
    ] {
        assert_eq!(look(&mut watch, &level, noon), told, "{level:?}");
    }
    assert_eq!(
        look(&mut watch, &budget(1_000, 0, 2), 2 * DAY_MS),
        Vec::<String>::new(),
        "what was open is closed"
    );
    assert_eq!(
        look(&mut watch, &budget(1_000, 500, 2), 2 * DAY_MS),
        ["budget.threshold 50%"],
        "a day is a window"
    );
    assert_eq!(look(&mut watch, &budget(1_000, 1_000, 2), 3 * DAY_MS), ["budget.resolved 50% (WindowEnded)"]);
    assert!(watch.open().is_empty());
}

#[test]
fn nobody_can_spend_the_last_cents() {
    let mut watch = Watch::default();
    let mut level = budget(1_000, 960, 0);
    assert_eq!(look(&mut watch, &level, 1), ["budget.threshold 80% +50%"]);
    level.refused = 3;
    assert_eq!(look(&mut watch, &level, 2), ["budget.exhausted 100%"]);
    let mut early = budget(1_000, 100, 1);
    early.refused = 9;
    assert_eq!(
        look(&mut watch, &early, DAY_MS)[1..],
        Vec::<String>::new()[..],
        "one call that was too large"
    );
}

#[test]
fn credits_low_again_and_again() {
    let mut watch = Watch::default();
    for (level, told) in [
        (credits(10_000, 2_500), vec![]),
        (credits(10_000, 1_999), vec!["credits.low $20.00"]),
        (credits(10_000, 400), vec!["credits.low $5.00"]),
        (credits(10_000, 300), vec![]),
        // Topped up, and not out of it: the lower one is armed again.
        (credits(11_000, 1_300), vec![]),
        (credits(11_000, 450), vec!["credits.low $5.00"]),
        (credits(20_000, 9_000), vec!["credits.resolved $20.00 (ToppedUp)"]),
        (credits(20_000, 100), vec!["credits.low $5.00 +$20.00"]),
        // A counter that swings is no news.
        (credits(20_000, 5_000), vec!["credits.resolved $5.00 (ToppedUp)"]),
        (credits(20_000, 100), vec![]),
    ] {
        assert_eq!(look(&mut watch, &level, 5), told, "{level:?}");
    }
}

#[test]
fn a_key_with_an_amount_left() {
    let mut watch = Watch::default();
    let key = |limit, used, day| Level {
        subject: Subject::Key { name: "k".to_owned() },
        ..budget(limit, used, day)
    };
    assert_eq!(look(&mut watch, &key(1_000, 501, 0), 5), ["key.low $5.00"]);
    assert_eq!(look(&mut watch, &key(3_000, 501, 0), 6), ["key.resolved $5.00 (LimitChanged)"]);
    assert_eq!(look(&mut watch, &key(1_000, 501, 1), DAY_MS), ["key.low $5.00"]);
    assert_eq!(look(&mut watch, &key(1_000, 0, 2), 2 * DAY_MS), ["key.resolved $5.00 (WindowEnded)"]);
}

#[test]
fn what_will_not_last() {
    let mut watch = Watch::default();
    let six = DAY_MS / 4;
    let mut level = budget(1_000, 400, 0);
    level.pace = Some(Pace { spent: Nano::from_cents(400), over_ms: six });
    assert_eq!(look(&mut watch, &level, six), ["budget.forecast_over"]);
    let event = watch.open()[0].clone();
    assert_eq!(event.runs_out_ms, Some(six + six * 600 / 400));
    assert!(event.incident.ends_with("/forecast"));
    level.pace = Some(Pace { spent: Nano::from_cents(400), over_ms: six * 2 });
    assert_eq!(look(&mut watch, &level, six), Vec::<String>::new(), "just so, with nothing to spare");
    level.pace = None;
    assert_eq!(look(&mut watch, &level, six), Vec::<String>::new(), "a pace not known says nothing");
    level.pace = Some(Pace { spent: Nano::ZERO, over_ms: six });
    assert_eq!(look(&mut watch, &level, six), ["budget.resolved (Slower)"]);
    level.pace = Some(Pace { spent: Nano::from_cents(400), over_ms: six });
    assert_eq!(look(&mut watch, &level, six), Vec::<String>::new(), "once per window");

    let mut level = credits(10_000, 3_000);
    level.pace = Some(Pace { spent: Nano::from_cents(1_500), over_ms: DAY_MS });
    assert_eq!(look(&mut watch, &level, 7), ["credits.runway about 3 days"]);
    level = credits(20_000, 13_000);
    level.pace = Some(Pace { spent: Nano::from_cents(1_500), over_ms: DAY_MS });
    assert_eq!(look(&mut watch, &level, 7), ["credits.resolved about 3 days (ToppedUp)"]);
}

#[test]
fn a_level_of_another_time_says_nothing() {
    let mut watch = Watch::default();
    assert_eq!(look(&mut watch, &budget(1_000, 1_000, 1), DAY_MS - 1), Vec::<String>::new());
    assert_eq!(look(&mut watch, &budget(1_000, 1_000, 1), 2 * DAY_MS), Vec::<String>::new());
}

fn levels() -> impl Strategy<Value = Vec<(Level, i64)>> {
    let one =
        (0..4_u8, 1..4_i32, 0..1_300_i32, 0..3_u64, 0..400_i64, prop::option::of((0..900_i32, 1..DAY_MS)));
    prop::collection::vec(one, 1..80).prop_map(|steps| {
        let mut now_ms = 0;
        let levels = steps.into_iter().map(|(what, limit, used, refused, minutes, pace)| {
            now_ms += minutes * 60_000;
            let mut level = match what {
                0 => credits(limit * 1_000, 4_000 - used * 4),
                _ => budget(limit * 400, used, now_ms / DAY_MS),
            };
            level.refused = refused;
            level.pace = pace.map(|(spent, over_ms)| Pace { spent: Nano::from_cents(spent), over_ms });
            (level, now_ms)
        });
        levels.collect()
    })
}

proptest! {
    /// Whatever the levels: a threshold is announced at most once in a window, nothing is closed that was not
    /// announced before, nothing is closed twice, and ids are never used again.
    #[test]
    fn each_threshold_once_and_in_order(levels in levels()) {
        let mut watch = Watch::default();
        let (mut announced, mut ids, mut triggers, mut closed) =
            (HashSet::new(), HashSet::new(), HashSet::new(), HashSet::new());
        for (level, now_ms) in levels {
            let mut decisions = watch.ended(now_ms);
            decisions.extend(watch.decide(&level, &rules(), now_ms));
            for decision in decisions {
                for crossing in &decision.opens {
                    let key = (decision.subject.clone(), crossing.threshold.clone(), crossing.window.clone());
                    prop_assert!(announced.insert(key), "announced again");
                }
                if let Some(event) = &decision.event {
                    prop_assert!(ids.insert(event.id.clone()), "an id used again");
                    match &event.resolves {
                        Some(resolves) => {
                            prop_assert!(triggers.contains(&resolves.id), "closed before it was announced");
                            prop_assert!(closed.insert(resolves.id.clone()), "closed twice");
                        }
                        None => drop(triggers.insert(event.id.clone())),
                    }
                }
                watch.apply(&decision);
            }
            let again = watch.decide(&level, &rules(), now_ms);
            prop_assert!(again.iter().all(|decision| decision.event.is_none()), "the same level is no news: {:?}", again);
        }
    }
}
