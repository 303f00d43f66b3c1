//! [`Mutant`]: one thing wrong with the product, which the trial must find.
//!
//! Two things are not among them, for no bill shows them: the tier that is pinned, since every endpoint within the price
//! ceiling is in the bound whatever its tier; and outputs asked for beyond those that a model lists.

use money::Rate;
use openrouter::chat::Permission;
use pricing::{CacheWrite, Engine, ServerTool, Shape, Unpriced};

/// One thing wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The bound does not see images.
    NoImages,
    /// Nor sounds.
    NoAudio,
    /// Nor films.
    NoVideos,
    /// Nor files.
    NoFiles,
    /// Nor what a prediction may add.
    NoPrediction,
    /// Nor that several answers are asked for.
    OneChoice,
    /// Nor that the prompt is written to a cache.
    NoCacheWrite,
    /// Nor that tools are written anew.
    NoToolBytes,
    /// Nor that numbers and escapes in calls and schemas may be written longer.
    NoGrowth,
    /// Nor server tools.
    NoServerTools,
    /// Nor the web plugin.
    NoWebPlugin,
    /// Nor plugins without a rule, as if their switch were believed.
    NoPluginCosts,
    /// Nor that calls of a clock bring something back.
    SilentClock,
    /// The output cap is written twice as high.
    HighCap,
    /// The ceiling on prompt prices is written ten times as high.
    HighPrompt,
    /// The ceiling on completion prices is written ten times as high.
    HighCompletion,
    /// Providers to leave out are not.
    NobodyIgnored,
    /// A loop is not stopped.
    NoSteps,
    /// Plugins of the account stay on.
    PluginsOn,
    /// No engine is given for PDF files.
    NoPdfEngine,
    /// Tools keep what the caller gave them.
    NoToolPins,
    /// Pages are fetched by whom the caller likes, or by anybody.
    NoFetchEngine,
}

impl Mutant {
    /// Each of them.
    pub const ALL: [Mutant; 22] = [
        Mutant::NoImages,
        Mutant::NoAudio,
        Mutant::NoVideos,
        Mutant::NoFiles,
        Mutant::NoPrediction,
        Mutant::OneChoice,
        Mutant::NoCacheWrite,
        Mutant::NoToolBytes,
        Mutant::NoGrowth,
        Mutant::NoServerTools,
        Mutant::NoWebPlugin,
        Mutant::NoPluginCosts,
        Mutant::SilentClock,
        Mutant::HighCap,
        Mutant::HighPrompt,
        Mutant::HighCompletion,
        Mutant::NobodyIgnored,
        Mutant::NoSteps,
        Mutant::PluginsOn,
        Mutant::NoPdfEngine,
        Mutant::NoToolPins,
        Mutant::NoFetchEngine,
    ];

    /// What the bound does not see.
    pub(super) fn blind(self, shape: &mut Shape<'_>) {
        match self {
            Mutant::NoImages => shape.media.images.clear(),
            Mutant::NoAudio => (shape.media.audio_ms, shape.media.audio_unknown) = (0, 0),
            Mutant::NoVideos => shape.media.videos = 0,
            Mutant::NoFiles => shape.media.files = 0,
            Mutant::NoPrediction => shape.prediction_bytes = 0,
            Mutant::OneChoice => shape.choices = 1,
            Mutant::NoCacheWrite => shape.cache_write = CacheWrite::None,
            Mutant::NoToolBytes => (shape.tools, shape.tool_bytes) = (0, 0),
            Mutant::NoGrowth => shape.growth_bytes = 0,
            Mutant::NoServerTools => {
                shape.run.tools.clear();
                shape.run.loops = false;
            }
            Mutant::NoWebPlugin => shape.run.web = None,
            Mutant::NoPluginCosts => shape.costs.retain(|cost| !matches!(cost, Unpriced::Plugin(_))),
            // There is a loop all the same, with the same turns.
            Mutant::SilentClock if shape.run.tools.iter().all(|tool| *tool == ServerTool::Clock) => {
                shape.run.tools.clear();
            }
            _ => {}
        }
    }

    /// What is not written.
    pub(super) fn loosen(self, permission: &mut Permission) {
        let pins = &mut permission.pins;
        let ten = |rate: Rate| rate.saturating_mul(10);
        match self {
            Mutant::HighCap => permission.output_cap *= 2,
            Mutant::HighPrompt => permission.max_price.prompt = ten(permission.max_price.prompt),
            Mutant::HighCompletion => permission.max_price.completion = ten(permission.max_price.completion),
            Mutant::NobodyIgnored => permission.ignore.clear(),
            Mutant::NoSteps => pins.steps = None,
            Mutant::PluginsOn => pins.off = pricing::Plugins::default(),
            Mutant::NoPdfEngine => pins.pdf = None,
            Mutant::NoToolPins => {
                for tool in &mut pins.tools {
                    *tool = match tool {
                        ServerTool::Search(search) => ServerTool::Search(pricing::Search {
                            engine: search.engine,
                            ..Default::default()
                        }),
                        ServerTool::Fetch(fetch) => {
                            ServerTool::Fetch(pricing::Fetch { engine: fetch.engine, ..Default::default() })
                        }
                        ServerTool::Clock => ServerTool::Clock,
                    };
                }
            }
            Mutant::NoFetchEngine => {
                for tool in &mut pins.tools {
                    if let ServerTool::Fetch(fetch) = tool {
                        fetch.engine = Engine::Auto;
                    }
                }
            }
            _ => {}
        }
    }
}
