//! [`shrink`]: the fewest events that still break the same rule, as far as leaving out stretches finds them.

use crate::event::Event;
use crate::run::{Failure, Outcome, happen};
use crate::setting::Setting;

/// Worlds that may be tried.
const TRIES_MAX: usize = 600;

/// Events that break the same rule, and how.
pub fn shrink(setting: &Setting, events: &[Event], failure: &Failure) -> (Vec<Event>, Failure) {
    let mut least: Vec<Event> = events[..failure.step.min(events.len())].to_vec();
    let mut told = failure.clone();
    let mut tries = 0;
    let mut length = (least.len() / 2).max(1);
    loop {
        let mut from = 0;
        while from < least.len() && tries < TRIES_MAX {
            let mut fewer = least.clone();
            fewer.drain(from..(from + length).min(fewer.len()));
            tries += 1;
            match breaks(setting, &fewer, failure.rule()) {
                Some(found) => {
                    fewer.truncate(found.step);
                    (least, told) = (fewer, found);
                }
                None => from += length,
            }
        }
        if length == 1 || tries >= TRIES_MAX {
            return (least, told);
        }
        length = (length / 2).max(1);
    }
}

fn breaks(setting: &Setting, events: &[Event], rule: &str) -> Option<Failure> {
    let Outcome { failure, .. } = happen(setting.clone(), events, None);
    failure.filter(|failure| failure.rule() == rule)
}
