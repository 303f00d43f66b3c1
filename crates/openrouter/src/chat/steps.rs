//! `stop_server_tools_when`: any condition that fires ends the loop of server tools, so that the least count of steps
//! holds, whatever stands beside it.

use super::fields::{list, text, whole, wrong};
use super::notes::Notes;
use super::{BodyError, Places};

const MUST: BodyError = wrong("stop_server_tools_when", "a list of conditions");

/// Reads the list.
pub(super) fn steps<'a>(
    notes: &mut Notes<'a, '_>,
    places: &mut Places,
    raw: &'a str,
) -> Result<(), BodyError> {
    let body = notes.body;
    let conditions = list(body, raw, &MUST, |_, members| {
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
    })?;
    places.steps = Some(conditions);
    Ok(())
}
