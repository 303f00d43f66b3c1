//! Sums that no report has to read the past for.

use ledger::{Evidence, HoldId, UnknownReason, UpstreamKeyId};
use money::{Exact, Nano};
use store::books::Line;
use store::{OpenHold, ReportBy, ReportRow};

use crate::Factory;
use crate::script::{DAY_MS, KEY, Script, correct, hold, lifetime, set, settle, void};

fn told(hold: u64, at_ms: i64, nanos: i64, text: &str, evidence: Evidence) -> Line {
    let (cost, text) = (Nano::from_nanos(nanos), text.to_owned());
    Line::Settle { hold: HoldId(hold), at_ms, cost, text, evidence }
}

pub(crate) fn key_totals_are_exact(factory: &impl Factory) {
    let mut script = Script::new(factory);
    script.post(&[lifetime(0), set(0, &[0])]);
    script.post(&(1..=4).map(|id| hold(id, 0, 5)).collect::<Vec<_>>());
    script.post(&[
        told(1, 6, 1_980, "0.000001979964", Evidence::Usage),
        told(2, 6, 150, "1.5e-7", Evidence::Usage),
        void(3, 6),
        told(4, 6, 1_000, "", Evidence::Attributed),
    ]);
    let total = script.reader().key_total(KEY).unwrap();
    assert_eq!((total.entries, total.posted.nanos()), (4, 3_130));
    assert_eq!(total.exact.to_string(), "0.000003129964");
    script.reopen();
    script.post(&[correct(1, 0, (7, 6), 1_980, 70), correct(4, 0, (7, 6), 1_000, 1_001)]);
    let total = script.reader().key_total(KEY).unwrap();
    assert_eq!((total.entries, total.posted.nanos()), (4, 1_221));
    assert_eq!(total.exact, Exact::parse_ceil("0.000001221").unwrap());
    let other = script.reader().key_total(UpstreamKeyId([0; 8])).unwrap();
    assert_eq!((other.entries, other.exact), (0, Exact::ZERO));
}

pub(crate) fn reports_by_day_key_model_and_budget(factory: &impl Factory) {
    let mut script = Script::new(factory);
    // Balances 0 and 3 are of the budget b0, 1 is of b1.
    script.post(&[lifetime(0), lifetime(1), lifetime(3), set(0, &[0, 1, 3]), set(1, &[1])]);
    let other = |id, at_ms| {
        let Line::Hold(open) = hold(id, 1, at_ms) else { unreachable!() };
        Line::Hold(OpenHold {
            key: String::new(),
            model: "m/two".to_owned(),
            upstream_key: UpstreamKeyId([0xAB; 8]),
            ..open
        })
    };
    script.post(&[hold(1, 0, 5), hold(2, 0, 5), hold(3, 0, 5), other(4, 5), other(5, 5)]);
    script.post(&[Line::Unknown { hold: HoldId(2), at_ms: 6, reason: UnknownReason::Broken, status: 0 }]);
    script.post(&[
        settle(1, DAY_MS - 1, 100),
        void(2, DAY_MS),
        settle(3, DAY_MS, 1_200),
        settle(4, DAY_MS, 7),
    ]);
    script.post(&[told(5, 2 * DAY_MS, 0, "0", Evidence::Usage)]);
    script.post(&[
        correct(1, 0, (2 * DAY_MS, DAY_MS - 1), 100, 160),
        correct(3, 0, (2 * DAY_MS, DAY_MS), 1_200, 900),
    ]);
    let report = |from, until, by| script.reader().report(from, until, by).unwrap();
    let row = |day, name: &str, counts: [u64; 5], amounts: [i64; 3]| {
        let [calls, voids, late, corrections, overruns] = counts;
        let [cost, bound, overrun] = amounts.map(Nano::from_nanos);
        let name = name.to_owned();
        ReportRow { day, name, calls, voids, late, corrections, overruns, cost, bound, overrun }
    };
    assert_eq!(
        report(0, 9, ReportBy::Day),
        [
            row(Some(0), "", [1, 0, 0, 0, 0], [100, 1_000, 0]),
            row(Some(1), "", [3, 1, 1, 0, 1], [1_207, 3_000, 200]),
            // A free model is no void. What was corrected on this day is on this day.
            row(Some(2), "", [1, 0, 0, 2, 1], [-240, 1_000, 60]),
        ]
    );
    assert_eq!(report(1, 2, ReportBy::Day).len(), 1);
    let app = row(None, "app", [3, 1, 1, 2, 2], [1_060, 3_000, 260]);
    let rest = row(None, "", [2, 0, 0, 0, 0], [7, 2_000, 0]);
    assert_eq!(report(0, 9, ReportBy::Key), [rest.clone(), app.clone()]);
    let named = |row: &ReportRow, name: &str| ReportRow { name: name.to_owned(), ..row.clone() };
    assert_eq!(report(0, 9, ReportBy::Model), [named(&app, "m/one"), named(&rest, "m/two")]);
    let upstream = [named(&app, "757073747265616d"), named(&rest, "abababababababab")];
    assert_eq!(report(0, 9, ReportBy::UpstreamKey), upstream);
    let b1 = row(None, "b1", [5, 1, 1, 2, 2], [1_067, 5_000, 260]);
    assert_eq!(
        report(0, 9, ReportBy::Budget),
        [named(&app, "b0"), b1],
        "once in a budget, however many balances"
    );
    assert_eq!(report(3, 9, ReportBy::Budget), []);
}
