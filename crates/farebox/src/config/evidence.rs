//! `[evidence]` and `[honesty]`: how hard Farebox looks for what a call cost, and what it does about providers that bill
//! more than they may.

use std::time::Duration;

use gateway::{EvidenceRules, OnOverrun};
use money::{Exact, Nano};

use super::layer::{choose, read};
use super::place::Source;
use super::raw::{RawEvidence, RawHonesty};
use super::{ConfigError, amount, duration};

/// What one source says of both.
#[derive(Clone, Copy, Debug, Default)]
pub struct EvidenceLayer {
    /// `[evidence] final_after`.
    pub final_after: Option<Duration>,
    /// `[evidence] quiet_after`.
    pub quiet_after: Option<Duration>,
    /// `[evidence] recheck_after`.
    pub recheck_after: Option<Duration>,
    /// `[evidence] audit_every`.
    pub audit_every: Option<Duration>,
    /// `[evidence] counter_resolution`, USD.
    pub counter_resolution: Option<Nano>,
    /// `[honesty] on_overrun`.
    pub on_overrun: Option<OnOverrun>,
}

impl EvidenceLayer {
    pub(super) fn over(self, low: EvidenceLayer) -> EvidenceLayer {
        EvidenceLayer {
            final_after: self.final_after.or(low.final_after),
            quiet_after: self.quiet_after.or(low.quiet_after),
            recheck_after: self.recheck_after.or(low.recheck_after),
            audit_every: self.audit_every.or(low.audit_every),
            counter_resolution: self.counter_resolution.or(low.counter_resolution),
            on_overrun: self.on_overrun.or(low.on_overrun),
        }
    }

    pub(super) fn of_file(
        evidence: RawEvidence,
        honesty: RawHonesty,
        source: Source<'_>,
    ) -> Result<EvidenceLayer, ConfigError> {
        let time = |raw| read(raw, source, |text: &String| duration::parse_any(text).and_then(some_time));
        Ok(EvidenceLayer {
            final_after: time(evidence.final_after)?,
            quiet_after: time(evidence.quiet_after)?,
            recheck_after: time(evidence.recheck_after)?,
            audit_every: time(evidence.audit_every)?,
            counter_resolution: read(evidence.counter_resolution, source, |text| amount::limit(&text.0))?,
            on_overrun: read(honesty.on_overrun, source, |word| on_overrun(word))?,
        })
    }

    /// With the built-in rules in its gaps.
    pub(super) fn rules(self) -> EvidenceRules {
        let defaults = EvidenceRules::default();
        EvidenceRules {
            final_after: self.final_after.unwrap_or(defaults.final_after),
            quiet_after: self.quiet_after.unwrap_or(defaults.quiet_after),
            recheck_after: self.recheck_after.unwrap_or(defaults.recheck_after),
            audit_every: self.audit_every.unwrap_or(defaults.audit_every),
            counter_resolution: self.counter_resolution.map_or(defaults.counter_resolution, Exact::from),
        }
    }
}

/// Asking without a pause, or calling a cost final at once, is a mistake.
fn some_time(time: Duration) -> Result<Duration, String> {
    if time.is_zero() { Err("it must be longer than nothing".to_owned()) } else { Ok(time) }
}

fn on_overrun(word: &str) -> Result<OnOverrun, String> {
    let words = [("guard", OnOverrun::Guard), ("refuse", OnOverrun::Refuse), ("show", OnOverrun::Show)];
    choose(word, "on_overrun", &words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layer;

    fn read(text: &str) -> Result<EvidenceLayer, String> {
        Layer::of_file("f.toml".as_ref(), text).map(|layer| layer.evidence).map_err(|error| error.text())
    }

    #[test]
    fn settings() {
        let layer = read(
            "[evidence]\nfinal_after = \"2d\"\nquiet_after = \"30s\"\ncounter_resolution = \"0.0001\"\n[honesty]\non_overrun = \"refuse\"",
        )
        .unwrap();
        let rules = layer.rules();
        assert_eq!(rules.final_after, Duration::from_secs(2 * 24 * 3600));
        assert_eq!(rules.quiet_after, Duration::from_secs(30));
        assert_eq!(rules.recheck_after, EvidenceRules::default().recheck_after);
        assert_eq!(rules.counter_resolution, Exact::from(Nano::from_nanos(100_000)));
        assert_eq!(layer.on_overrun, Some(OnOverrun::Refuse));
    }

    #[test]
    fn mistakes() {
        for (text, told) in [
            ("[evidence]\naudit_every = \"0s\"", "f.toml:2: it must be longer than nothing"),
            ("[evidence]\nquiet_after = \"soon\"", "'soon' is not a duration"),
            ("[evidence]\ncounter_resolution = 0.1", "money is exact text"),
            ("[honesty]\non_overrun = \"ignore\"", "on_overrun is guard or refuse or show, not 'ignore'"),
            ("[evidence]\nquiet_afer = \"1m\"", "did you mean 'quiet_after'?"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
