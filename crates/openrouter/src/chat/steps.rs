//! `stop_server_tools_when`: any condition that fires ends the loop of server tools, so that the least count of steps
//! holds, whatever stands beside it.

use super::fields::{is_empty, objects, text, whole, wrong};
use super::json::Cursor;
use super::notes::Notes;
use super::{BodyError, List, Places};

const MUST: BodyError = wrong("stop_server_tools_when", "a list of conditions");

/// Reads the list.
pub(super) fn steps<'a>(
    notes: &mut Notes<'a, '_>,
    places: &mut Places,
    raw: &'a str,
) -> Result<(), BodyError> {
    let list = List::of(notes.body, raw);
    let is_there = list.object.map_or(!is_empty(raw), |list| !list.empty);
    places.steps = Some(list);
    if !is_there {
        return Ok(());
    }
    objects(&mut Cursor::new(raw), &MUST, |_, members| {
        let mut counts = true;
        let mut typed = false;
        let mut most = None;
        for (key, value) in members {
            match key.as_ref() {
                "type" => {
                    typed = true;
                    let kind = text(value, "stop_server_tools_when[].type")?;
                    counts &= kind.as_deref() == Some("step_count_is");
                }
                "step_count" => {
                    let must = wrong("stop_server_tools_when[].step_count", "a whole number, at least 1");
                    let count = whole(value, 1..=u64::from(u32::MAX), must)?;
                    most = most.max(count.and_then(|count| u32::try_from(count).ok()));
                }
                _ => {}
            }
        }
        if let Some(most) = most.filter(|_| counts && typed) {
            let known = notes.shape.run.steps;
            notes.shape.run.steps = Some(known.map_or(most, |known| known.min(most)));
        }
        Ok(())
    })
}
