//! The pins of a permission: tier, steps, what server tools and plugins may do. What the caller set lower stays.

use pricing::{Engine, Fetch, PdfEngine, Pins, Search, ServerTool};

use super::ChatRequest;
use super::Places;
use super::edits::{Edits, member};
use super::plugins::{ParserPlace, PdfPlace};
use super::settings::{FETCH, SEARCH_PLUGIN, Settings, engine_name, pdf_name};
use super::tools::{Inner, Kind, ToolPlace};

/// What an object of parameters must say: an engine by its name, and limits.
struct Wanted<'p> {
    engine: Option<Engine>,
    names: &'static [&'static str],
    limit: &'p dyn Fn(&str) -> Option<u32>,
}

impl Places {
    /// Writes the pins. `added` are new members of the root.
    pub(super) fn pin(&self, pins: &Pins, steps: Option<u32>, edits: &mut Edits, added: &mut String) {
        if pins.tier {
            match &self.tier {
                None => member(added, format_args!("\"service_tier\":\"default\"")),
                Some(tier) if tier.is_listed => {}
                Some(tier) => edits.put(&tier.span, "\"default\"".to_owned()),
            }
        }
        if let Some(most) = pins.steps.filter(|most| steps.is_none_or(|steps| steps > *most)) {
            let condition = format!("{{\"type\":\"step_count_is\",\"step_count\":{most}}}");
            edits.extend(self.steps.as_ref(), "stop_server_tools_when", condition, added);
        }
        for (tool, pin) in self.tools.iter().zip(&pins.tools) {
            tool.pin(pin, edits);
        }
        if let (Some(web), Some(search)) = (&self.web, &pins.web) {
            write(web, &of_search(search, SEARCH_PLUGIN, &|name| search_limit(search, name)), edits);
        }
    }

    /// Plugins are added to the list together: those switched off, and the parser with its engine.
    pub(super) fn plug(&self, request: &ChatRequest<'_>, pins: &Pins, edits: &mut Edits, added: &mut String) {
        let mut plugins = String::new();
        for name in pins.off.without(request.shape.run.named).names() {
            member(&mut plugins, format_args!("{{\"id\":\"{name}\",\"enabled\":false}}"));
        }
        if let Some(most) = pins.pdf {
            match &self.parser {
                Some(parser) => parser.pin(most, edits),
                None => {
                    let engine = pdf_name(most);
                    let pdf = format_args!("{{\"id\":\"file-parser\",\"pdf\":{{\"engine\":\"{engine}\"}}}}");
                    member(&mut plugins, pdf);
                }
            }
        }
        edits.extend(self.plugins.as_ref(), "plugins", plugins, added);
    }
}

impl ToolPlace {
    fn pin(&self, pin: &ServerTool, edits: &mut Edits) {
        match (self.kind, pin) {
            (Kind::Search | Kind::SearchShorthand, ServerTool::Search(search)) => {
                self.write(&of_search(search, self.kind.limits(), &|name| search_limit(search, name)), edits);
            }
            (Kind::Fetch, ServerTool::Fetch(fetch)) => {
                self.write(&of_fetch(fetch, &|name| fetch_limit(fetch, name)), edits);
            }
            // A clock has nothing to pin; a pin of another kind is none of this tool.
            _ => {}
        }
    }

    /// Into `parameters`; of a shorthand into the tool itself, and into `parameters` where it has them too.
    fn write(&self, wanted: &Wanted<'_>, edits: &mut Edits) {
        let is_shorthand = self.kind == Kind::SearchShorthand;
        if is_shorthand {
            write(&self.top, wanted, edits);
        }
        match &self.inner {
            Some(Inner::Object(settings)) => write(settings, wanted, edits),
            _ if is_shorthand => {}
            Some(Inner::Null(span)) => edits.put(span, format!("{{{}}}", missing(None, wanted))),
            None => {
                edits.add(self.top.object, format!("\"parameters\":{{{}}}", missing(None, wanted)));
            }
        }
    }
}

impl ParserPlace {
    fn pin(&self, most: PdfEngine, edits: &mut Edits) {
        let engine = format!("\"{}\"", pdf_name(most));
        match &self.pdf {
            None => edits.add(self.object, format!("\"pdf\":{{\"engine\":{engine}}}")),
            Some(PdfPlace { span, object: None, .. }) => edits.put(span, format!("{{\"engine\":{engine}}}")),
            Some(PdfPlace { object: Some(object), engine: None, .. }) => {
                edits.add(*object, format!("\"engine\":{engine}"));
            }
            Some(PdfPlace { engine: Some((_, Some(given))), .. }) if *given <= most => {}
            Some(PdfPlace { engine: Some((span, _)), .. }) => edits.put(span, engine),
        }
    }
}

fn of_search<'p>(
    search: &Search,
    names: &'static [&'static str],
    limit: &'p dyn Fn(&str) -> Option<u32>,
) -> Wanted<'p> {
    Wanted { engine: Some(search.engine), names, limit }
}

fn of_fetch<'p>(fetch: &Fetch, limit: &'p dyn Fn(&str) -> Option<u32>) -> Wanted<'p> {
    Wanted { engine: Some(fetch.engine), names: FETCH, limit }
}

fn search_limit(search: &Search, name: &str) -> Option<u32> {
    match name {
        "max_uses" => search.max_uses,
        "max_results" => search.max_results,
        "max_total_results" => search.max_total_results,
        "max_characters" => search.max_characters,
        _ => None,
    }
}

fn fetch_limit(fetch: &Fetch, name: &str) -> Option<u32> {
    match name {
        "max_uses" => fetch.max_uses,
        "max_content_tokens" => fetch.max_content_tokens,
        _ => None,
    }
}

/// Replaces what is too much in an object of parameters, and adds what is missing.
fn write(settings: &Settings, wanted: &Wanted<'_>, edits: &mut Edits) {
    if let (Some(place), Some(name)) = (&settings.engine, wanted.engine.and_then(engine_name))
        && place.engine != wanted.engine
    {
        edits.put(&place.span, format!("\"{name}\""));
    }
    for limit in &settings.limits {
        let most = (wanted.limit)(limit.name).filter(|most| limit.value.is_none_or(|value| value > *most));
        if let Some(most) = most {
            edits.put(&limit.span, most.to_string());
        }
    }
    edits.add(settings.object, missing(Some(settings), wanted));
}

/// The members that are not there.
fn missing(settings: Option<&Settings>, wanted: &Wanted<'_>) -> String {
    let mut members = String::new();
    let has_engine = settings.is_some_and(|settings| settings.engine.is_some());
    if let Some(name) = wanted.engine.and_then(engine_name).filter(|_| !has_engine) {
        member(&mut members, format_args!("\"engine\":\"{name}\""));
    }
    for name in wanted.names {
        let is_there = settings.is_some_and(|settings| settings.limits.iter().any(|l| l.name == *name));
        if let Some(most) = (wanted.limit)(name).filter(|_| !is_there) {
            member(&mut members, format_args!("\"{name}\":{most}"));
        }
    }
    members
}

/// Whether a body that was read again says what it was pinned to.
pub(super) fn hold(before: &ChatRequest<'_>, after: &ChatRequest<'_>, pins: &Pins) -> bool {
    let (run, places) = (&after.shape.run, &after.places);
    let within =
        |value: Option<u32>, most: Option<u32>| most.is_none_or(|most| value.is_some_and(|v| v <= most));
    let engines = |given: Engine, pin: Engine| pin == Engine::Auto || given == pin;
    let searches = |given: &Search, pin: &Search, names: &[&str]| {
        engines(given.engine, pin.engine)
            && names.iter().all(|name| within(search_limit(given, name), search_limit(pin, name)))
    };
    let fetches = |given: &Fetch, pin: &Fetch| {
        engines(given.engine, pin.engine)
            && FETCH.iter().all(|name| within(fetch_limit(given, name), fetch_limit(pin, name)))
    };
    let tool = |given: &ServerTool, pin: &ServerTool| match (given, pin) {
        (ServerTool::Search(given), ServerTool::Search(pin)) => searches(given, pin, Kind::Search.limits()),
        (ServerTool::Fetch(given), ServerTool::Fetch(pin)) => fetches(given, pin),
        _ => true,
    };
    (!pins.tier || places.tier.as_ref().is_some_and(|tier| tier.is_listed))
        && within(run.steps, pins.steps)
        && run.tools.len() == before.shape.run.tools.len()
        && run.tools.iter().zip(&pins.tools).all(|(given, pin)| tool(given, pin))
        && run.web.iter().zip(&pins.web).all(|(given, pin)| searches(given, pin, SEARCH_PLUGIN))
        && pins.pdf.is_none_or(|most| run.pdf.is_some_and(|engine| engine <= most))
        && run.named.contains(pins.off)
}
