//! [`Watch`]: which levels are worth a message. Pure: time is an argument, and what was said before is all the state.
//!
//! A *crossing* is one threshold passed in one window. It is announced once: never again in that window, whatever
//! happens, unless the limit changes, which makes it another threshold. Several crossed at once are one message, the
//! highest, that names the others. Crossings of one kind in one window are an *incident*; a message of the kind
//! `resolved` closes it when the window ends, the limit changes, credits are bought, or the pace slows down.
//!
//! What is known to be spent only grows within a window, so a percentage passed is never taken back by itself.

use std::collections::HashMap;

use money::Nano;

use crate::event::{Event, Kind, Recovery, Resolves, id_of};
use crate::level::{Level, Rules, Subject};
use crate::words;

/// A budget seldom reaches 100 %: calls are refused once their bound does not fit into what is left. With a refusal,
/// this much is as good as all. Percent.
const AS_GOOD_AS_ALL: u8 = 95;
/// Before this much is used, a pace says little about the end. Percent.
const FORECAST_FROM: u8 = 10;

/// A kind of threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Family {
    /// Percent of a limit.
    Percent,
    /// A limit that will not last.
    Forecast,
    /// An amount left.
    Amount,
    /// Credits that will not last.
    Runway,
}

impl Family {
    const ALL: [(Family, &'static str); 4] = [
        (Family::Percent, "percent"),
        (Family::Forecast, "forecast"),
        (Family::Amount, "amount"),
        (Family::Runway, "runway"),
    ];

    pub(crate) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(family, _)| *family == self).map_or("", |(_, word)| word)
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(family, _)| *family)
    }
}

/// A threshold passed in a window, announced by an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crossing {
    pub(crate) family: Family,
    /// `80%@10.000000000`: a limit that changes makes other thresholds.
    pub(crate) threshold: String,
    /// `2026-11-24T00:00:00Z`, `lifetime`; for credits, what was ever bought.
    pub(crate) window: String,
    pub(crate) ends_ms: Option<i64>,
    /// The limit it was measured against; for [`Family::Amount`] the amount.
    pub(crate) mark: Nano,
    /// The event that announced it.
    pub(crate) event: Event,
    pub(crate) is_open: bool,
}

/// Something to say, and what is remembered of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// What to say; `None`: nothing, only remember.
    pub(crate) event: Option<Event>,
    pub(crate) opens: Vec<Crossing>,
    /// Threshold and window of crossings that are over.
    pub(crate) closes: Vec<(String, String)>,
    pub(crate) subject: String,
}

/// What was said so far, by subject.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    crossings: HashMap<String, Vec<Crossing>>,
}

impl Watch {
    /// What was said, from the books.
    pub(crate) fn of(crossings: Vec<Crossing>) -> Self {
        let mut watch = Watch::default();
        for crossing in crossings {
            watch.crossings.entry(crossing.event.subject.id()).or_default().push(crossing);
        }
        watch
    }

    /// What a level is worth.
    pub(crate) fn decide(&self, level: &Level, rules: &Rules, now_ms: i64) -> Vec<Decision> {
        if !level.span.contains(now_ms) {
            return Vec::new();
        }
        let id = level.subject.id();
        let look = Look { known: self.crossings.get(&id).map_or(&[], Vec::as_slice), id: &id, level, now_ms };
        match level.subject {
            Subject::Credits => [look.amounts(&rules.credits_below), look.runway(rules.runway_ms)].concat(),
            Subject::Key { .. } => [
                look.amounts(&rules.key_below),
                look.percents(&rules.key_at),
                look.forecast(&rules.key_at, rules.runway_ms),
            ]
            .concat(),
            Subject::Budget { ref name, .. } => {
                let at = rules.budget_at.get(name).map_or(&[][..], Vec::as_slice);
                [look.percents(at), look.forecast(at, rules.runway_ms)].concat()
            }
        }
    }

    /// What is over because its window has ended.
    pub(crate) fn ended(&self, now_ms: i64) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for (id, known) in &self.crossings {
            for family in [Family::Percent, Family::Forecast] {
                let ended = |crossing: &&Crossing| {
                    crossing.is_open
                        && crossing.family == family
                        && crossing.ends_ms.is_some_and(|ends_ms| ends_ms <= now_ms)
                };
                let mut ended: Vec<&Crossing> = known.iter().filter(ended).collect();
                ended.sort_by_key(|crossing| crossing.event.at_ms);
                while let Some(last) = ended.last().map(|crossing| crossing.window.clone()) {
                    let of_window: Vec<&Crossing> =
                        ended.iter().filter(|crossing| crossing.window == last).copied().collect();
                    ended.retain(|crossing| crossing.window != last);
                    decisions.extend(resolve(id, &of_window, None, Recovery::WindowEnded, now_ms));
                }
            }
        }
        decisions
    }

    /// Remembers what was said.
    pub(crate) fn apply(&mut self, decision: &Decision) {
        let known = self.crossings.entry(decision.subject.clone()).or_default();
        for crossing in &decision.opens {
            let same = |other: &&mut Crossing| {
                (&other.threshold, &other.window) == (&crossing.threshold, &crossing.window)
            };
            if known.iter_mut().find(same).is_none() {
                known.push(crossing.clone());
            }
        }
        for crossing in known {
            let is_over = |(threshold, window): &(String, String)| {
                (threshold, window) == (&crossing.threshold, &crossing.window)
            };
            if decision.closes.iter().any(is_over) {
                crossing.is_open = false;
            }
        }
    }

    /// Forgets what is over and whose window ended before `before_ms`.
    pub(crate) fn forget(&mut self, before_ms: i64) {
        self.crossings.retain(|_, known| {
            known.retain(|crossing| {
                crossing.is_open || crossing.ends_ms.is_none_or(|ends_ms| ends_ms >= before_ms)
            });
            !known.is_empty()
        });
    }

    /// The announcements that nothing has closed yet, each once.
    pub(crate) fn open(&self) -> Vec<&Event> {
        let open = self.crossings.values().flatten().filter(|crossing| crossing.is_open);
        let mut events: Vec<&Event> = open.map(|crossing| &crossing.event).collect();
        events.sort_by(|one, other| (one.at_ms, &one.id).cmp(&(other.at_ms, &other.id)));
        events.dedup_by(|one, other| one.id == other.id);
        events
    }
}

/// One look at one level.
struct Look<'a> {
    id: &'a str,
    level: &'a Level,
    known: &'a [Crossing],
    now_ms: i64,
}

/// A threshold that is passed now.
struct Passed {
    key: String,
    shown: String,
    mark: Nano,
    kind: Kind,
}

impl Look<'_> {
    fn percents(&self, at: &[u8]) -> Vec<Decision> {
        let level = self.level;
        let mut at: Vec<u8> = at.to_vec();
        at.sort_unstable();
        at.dedup();
        let passed = at.into_iter().filter(|percent| self.is_passed(*percent)).map(|percent| Passed {
            key: format!("{percent}%@{}", level.limit),
            shown: format!("{percent}%"),
            mark: level.limit,
            kind: if percent >= 100 { Kind::Exhausted } else { Kind::Threshold },
        });
        let passed: Vec<Passed> = passed.collect();
        let mut decisions = self.changed(Family::Percent);
        decisions.extend(self.announce(Family::Percent, passed));
        decisions
    }

    fn is_passed(&self, percent: u8) -> bool {
        let level = self.level;
        let refused = level.refused > 0 && percent >= 100 && level.has_used(AS_GOOD_AS_ALL);
        level.limit > Nano::ZERO && (level.has_used(percent) || refused)
    }

    fn forecast(&self, at: &[u8], runway_ms: i64) -> Vec<Decision> {
        let level = self.level;
        let deadline_ms = match level.span.ends_ms {
            Some(ends_ms) => ends_ms,
            None if runway_ms > 0 => self.now_ms.saturating_add(runway_ms),
            None => return Vec::new(),
        };
        if at.is_empty() {
            return Vec::new();
        }
        let mut decisions = self.changed(Family::Forecast);
        let ends_early = self.runs_out_before(deadline_ms) && level.has_used(FORECAST_FROM);
        let passed = ends_early.then(|| Passed {
            key: format!("forecast@{}", level.limit),
            shown: "forecast".to_owned(),
            mark: level.limit,
            kind: Kind::ForecastOver,
        });
        decisions.extend(self.announce(Family::Forecast, passed.into_iter().collect()));
        if self.lasts_well_beyond(deadline_ms) {
            decisions.extend(
                self.over(Family::Forecast, Recovery::Slower, |crossing| crossing.mark == level.limit),
            );
        }
        decisions
    }

    fn amounts(&self, below: &[Nano]) -> Vec<Decision> {
        let left = self.level.left;
        let mut below: Vec<Nano> = below.to_vec();
        below.sort_unstable_by(|one, other| other.cmp(one));
        below.dedup();
        // Only when none is passed any more is it over for the reader; until then the lower ones are armed again quietly.
        let still: Vec<&Crossing> =
            self.open(Family::Amount).filter(|crossing| left < crossing.mark).collect();
        let mut decisions = match still.is_empty() {
            true => self.over(Family::Amount, self.why_back(), |_| true),
            false => self.quietly_over(Family::Amount, |crossing| left >= crossing.mark),
        };
        let is_open = |amount: Nano| still.iter().any(|crossing| crossing.mark == amount);
        let passed =
            below.into_iter().filter(|amount| left < *amount && !is_open(*amount)).map(|amount| Passed {
                key: format!("below {amount}"),
                shown: amount.for_people(),
                mark: amount,
                kind: Kind::Low,
            });
        decisions.extend(self.announce(Family::Amount, passed.collect()));
        decisions
    }

    fn runway(&self, runway_ms: i64) -> Vec<Decision> {
        if runway_ms <= 0 {
            return Vec::new();
        }
        let deadline_ms = self.now_ms.saturating_add(runway_ms);
        if self.open(Family::Runway).next().is_none() {
            let passed = self.runs_out_before(deadline_ms).then(|| Passed {
                key: "runway".to_owned(),
                shown: words::about(runway_ms),
                mark: self.level.limit,
                kind: Kind::Runway,
            });
            return self.announce(Family::Runway, passed.into_iter().collect()).into_iter().collect();
        }
        let topped_up = self.open(Family::Runway).any(|crossing| crossing.mark < self.level.limit);
        match self.lasts_well_beyond(deadline_ms) {
            true if topped_up => self.over(Family::Runway, Recovery::ToppedUp, |_| true),
            true => self.over(Family::Runway, Recovery::Slower, |_| true),
            false => Vec::new(),
        }
    }

    /// Why there is more than the amount again.
    fn why_back(&self) -> Recovery {
        let window = self.window();
        match self.level.subject {
            Subject::Credits => Recovery::ToppedUp,
            _ if self.open(Family::Amount).any(|crossing| crossing.window != window) => Recovery::WindowEnded,
            _ => Recovery::LimitChanged,
        }
    }

    fn runs_out_before(&self, deadline_ms: i64) -> bool {
        let runs_out_ms = self.level.runs_out_ms(self.now_ms);
        self.level.left > Nano::ZERO && runs_out_ms.is_some_and(|at_ms| at_ms < deadline_ms)
    }

    /// With a tenth to spare, so that it does not swing to and fro. A pace that is not known says nothing.
    fn lasts_well_beyond(&self, deadline_ms: i64) -> bool {
        let spare_ms = deadline_ms.saturating_sub(self.now_ms) / 10;
        let runs_out_ms = self.level.runs_out_ms(self.now_ms);
        self.level.pace.is_some()
            && self.level.left > Nano::ZERO
            && runs_out_ms.is_none_or(|at_ms| at_ms >= deadline_ms.saturating_add(spare_ms))
    }

    /// Closes what was measured against another limit. What is passed of the new one is announced anew.
    fn changed(&self, family: Family) -> Vec<Decision> {
        self.over(family, Recovery::LimitChanged, |crossing| crossing.mark != self.level.limit)
    }

    fn open(&self, family: Family) -> impl Iterator<Item = &Crossing> {
        self.known.iter().filter(move |crossing| crossing.is_open && crossing.family == family)
    }

    /// Closes the open crossings of this window that `which` says, with a message when none of the incident stays.
    fn over(&self, family: Family, why: Recovery, which: impl Fn(&Crossing) -> bool) -> Vec<Decision> {
        let of_window = |crossing: &&Crossing| !is_of_span(family) || crossing.window == self.window();
        let (over, stay): (Vec<&Crossing>, Vec<&Crossing>) =
            self.open(family).filter(of_window).partition(|crossing| which(crossing));
        match stay.is_empty() {
            true => resolve(self.id, &over, Some(self.level), why, self.now_ms).into_iter().collect(),
            false => self.quietly(over),
        }
    }

    fn quietly_over(&self, family: Family, which: impl Fn(&Crossing) -> bool) -> Vec<Decision> {
        self.quietly(self.open(family).filter(|crossing| which(crossing)).collect())
    }

    fn quietly(&self, over: Vec<&Crossing>) -> Vec<Decision> {
        let closes: Vec<_> = over.iter().map(|crossing| name(crossing)).collect();
        let decision = || Decision { event: None, opens: Vec::new(), closes, subject: self.id.to_owned() };
        if over.is_empty() { Vec::new() } else { vec![decision()] }
    }

    /// Says what is passed and was not said before in this window, lowest first in `passed`.
    fn announce(&self, family: Family, passed: Vec<Passed>) -> Option<Decision> {
        let window = self.window();
        let is_known = |passed: &Passed| {
            self.known.iter().any(|crossing| crossing.threshold == passed.key && crossing.window == window)
        };
        let fresh: Vec<Passed> = passed.into_iter().filter(|passed| !is_known(passed)).collect();
        let (highest, lower) = fresh.split_last()?;
        let event = Event {
            id: id_of(&["trigger", self.id, &highest.key, &window]),
            kind: highest.kind,
            at_ms: self.now_ms,
            subject: self.level.subject.clone(),
            window: self.level.window.clone(),
            starts_ms: self.level.span.starts_ms,
            ends_ms: self.level.span.ends_ms,
            threshold: (family != Family::Forecast).then(|| highest.shown.clone()),
            also_passed: lower.iter().map(|passed| passed.shown.clone()).collect(),
            limit: self.level.limit,
            used: self.level.used,
            left: self.level.left,
            refused: self.level.refused,
            runs_out_ms: self.level.runs_out_ms(self.now_ms),
            resolves: None,
            incident: self.incident(family, &window),
        };
        let opens = fresh.iter().map(|passed| Crossing {
            family,
            threshold: passed.key.clone(),
            window: window.clone(),
            ends_ms: self.level.span.ends_ms,
            mark: passed.mark,
            event: event.clone(),
            is_open: true,
        });
        Some(Decision {
            opens: opens.collect(),
            closes: Vec::new(),
            subject: self.id.to_owned(),
            event: Some(event.clone()),
        })
    }

    /// The name of the window: credits have none but what was bought.
    fn window(&self) -> String {
        match (&self.level.subject, self.level.span.starts_ms) {
            (Subject::Credits, _) => self.level.limit.to_string(),
            (_, 0) => "lifetime".to_owned(),
            (_, starts_ms) => words::rfc3339(starts_ms),
        }
    }

    fn incident(&self, family: Family, window: &str) -> String {
        match family {
            Family::Percent => format!("farebox/{}/{window}", self.id),
            Family::Forecast => format!("farebox/{}/{window}/forecast", self.id),
            Family::Amount => format!("farebox/{}/low", self.id),
            Family::Runway => format!("farebox/{}/runway", self.id),
        }
    }
}

/// Whether the incidents of a family are those of a window.
fn is_of_span(family: Family) -> bool {
    matches!(family, Family::Percent | Family::Forecast)
}

fn name(crossing: &Crossing) -> (String, String) {
    (crossing.threshold.clone(), crossing.window.clone())
}

/// The message that closes an incident: what was announced last, as it stands now.
fn resolve(
    id: &str,
    over: &[&Crossing],
    level: Option<&Level>,
    why: Recovery,
    now_ms: i64,
) -> Option<Decision> {
    let last = over.iter().max_by_key(|crossing| (crossing.event.at_ms, crossing.mark))?;
    let said = &last.event;
    let resolves = Resolves { id: said.id.clone(), kind: said.kind, why };
    let event = Event {
        id: id_of(&["resolve", &said.id]),
        kind: Kind::Resolved,
        at_ms: now_ms,
        limit: level.map_or(said.limit, |level| level.limit),
        used: level.map_or(said.used, |level| level.used),
        left: level.map_or(said.left, |level| level.left),
        refused: level.map_or(said.refused, |level| level.refused),
        runs_out_ms: None,
        resolves: Some(resolves),
        also_passed: Vec::new(),
        ..said.clone()
    };
    let closes = over.iter().map(|crossing| name(crossing)).collect();
    Some(Decision { event: Some(event), opens: Vec::new(), closes, subject: id.to_owned() })
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
