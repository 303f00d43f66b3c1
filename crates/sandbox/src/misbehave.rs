//! [`Misbehave`]: faults of certain models or providers only.

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;

/// Chances, 0 to 1, that hold where an answer comes from a certain provider, for a certain model, or both.
///
/// Of this chance and the general one of the same name in [`crate::Faults`], the greater holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Misbehave {
    /// The provider, as `/sandbox/generations` names it, in any case; without it all of them.
    pub provider: Option<String>,
    /// The id of the model that answers; without it all of them.
    pub model: Option<String>,
    /// [`crate::Faults::late_charge`].
    pub late_charge: f64,
    /// [`crate::Faults::corrected`].
    pub corrected: f64,
    /// [`crate::Faults::duplicated`].
    pub duplicated: f64,
    /// [`crate::Faults::cap_broken`].
    pub cap_broken: f64,
    /// [`crate::Faults::cancel_broken`].
    pub cancel_broken: f64,
    /// [`crate::Faults::usage_never`].
    pub usage_never: f64,
    /// [`crate::Faults::generation_lost`].
    pub generation_lost: f64,
}

impl Misbehave {
    /// Whether every chance is one.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let chances = [
            ("late_charge", self.late_charge),
            ("corrected", self.corrected),
            ("duplicated", self.duplicated),
            ("cap_broken", self.cap_broken),
            ("cancel_broken", self.cancel_broken),
            ("usage_never", self.usage_never),
            ("generation_lost", self.generation_lost),
        ];
        match chances.iter().find(|(_, chance)| !is_chance(*chance)) {
            Some((name, _)) => Err(ConfigError::Range(format!("misbehave.{name} is a probability, 0 to 1"))),
            None => Ok(()),
        }
    }

    /// Whether it is about this provider and model.
    pub(crate) fn applies(&self, provider: &str, model: &str) -> bool {
        self.provider.as_deref().is_none_or(|own| own.eq_ignore_ascii_case(provider))
            && self.model.as_deref().is_none_or(|own| own == model)
    }
}

/// 0 to 1.
pub(crate) fn is_chance(chance: f64) -> bool {
    (0.0..=1.0).contains(&chance)
}
