//! `tools` and `plugins`: what OpenRouter itself would run and bill.

use pricing::{CacheWrite, Shape, Unpriced};
use serde_json::value::RawValue;

use super::BodyError;
use super::fields::{boolean, elements, is_empty, is_null, members, text, wrong};
use super::messages::cache_write;
use super::read::note;

/// `tools`: function tools are part of the prompt; any other type runs at OpenRouter.
pub(super) fn tools(shape: &mut Shape<'_>, raw: &RawValue) -> Result<(), BodyError> {
    if is_empty(raw) {
        return Ok(());
    }
    let must = wrong("tools", "a list of objects");
    shape.tool_bytes += raw.get().len() as u64;
    for (index, tool) in elements(raw, &must)?.into_iter().enumerate() {
        let mut function = false;
        let mut other = None;
        let mut cache = CacheWrite::None;
        members(tool, &must, |key, value| {
            match key.as_ref() {
                "type" => match text(value, "tools[].type")? {
                    Some(kind) if kind == "function" => function = true,
                    kind => other = Some(kind.unwrap_or_default().into_owned()),
                },
                "function" => function |= !is_null(value),
                "cache_control" | "prompt_cache_breakpoint" => cache = cache.max(cache_write(value)),
                _ => {}
            }
            Ok(())
        })?;
        shape.cache_write = shape.cache_write.max(cache);
        shape.tools = shape.tools.saturating_add(1);
        if !function {
            other.get_or_insert_default();
        }
        if let Some(kind) = other {
            note(shape, Unpriced::ServerTool { place: format!("tools[{index}]"), kind });
        }
    }
    Ok(())
}

/// `plugins`: `{"id":…,"enabled":false}` switches an account default off; anything else may cost.
pub(super) fn plugins(shape: &mut Shape<'_>, raw: &RawValue) -> Result<(), BodyError> {
    if is_empty(raw) {
        return Ok(());
    }
    let must = wrong("plugins", "a list of objects");
    for plugin in elements(raw, &must)? {
        let mut id = String::new();
        let mut enabled = true;
        members(plugin, &must, |key, value| {
            match key.as_ref() {
                "id" => id = text(value, "plugins[].id")?.unwrap_or_default().into_owned(),
                "enabled" => enabled = is_null(value) || boolean(value, "plugins[].enabled")?,
                _ => {}
            }
            Ok(())
        })?;
        if enabled {
            note(shape, Unpriced::Plugin(id));
        }
    }
    Ok(())
}
