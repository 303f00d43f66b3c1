//! [`Stream`]: an answer event by event, with its pauses and its faults.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use tokio::time::{Sleep, sleep};

use crate::answer::{Events, shown_reasoning};
use crate::config::Config;
use crate::plan::{Content, Plan};
use crate::reply::Cut;
use crate::run::Run;

const COMMENT: &[u8] = b": OPENROUTER PROCESSING\n\n";
const GARBAGE: &[u8] = b"data: {\"id\":\"gen-\xff\xfe\",\"choices\":[{\"delta\":{\"content\":\"\x00\n\n";

/// A running stream. Dropping it before its end is the client leaving.
pub(crate) struct Stream {
    run: Run,
    events: Events,
    steps: std::vec::IntoIter<Timed>,
    next: Option<Timed>,
    pause: Option<Pin<Box<Sleep>>>,
}

/// A step, and the pause before it.
#[derive(Debug)]
struct Timed {
    pause_ms: u64,
    step: Step,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Comment,
    HugeComment(usize),
    Garbage,
    /// Shown tokens, and how many have been produced by then.
    Reasoning {
        from: u64,
        to: u64,
        produced: u64,
    },
    Text {
        from: u64,
        to: u64,
        produced: u64,
    },
    ToolName {
        produced: u64,
    },
    ToolArguments {
        produced: u64,
    },
    /// Everything is produced.
    Finish,
    Usage {
        completion: u64,
    },
    Done,
    /// The provider fails.
    Error {
        as_text: bool,
    },
    /// The connection is cut.
    Cut,
}

impl Stream {
    pub(crate) fn new(run: Run, config: &Config) -> Stream {
        let steps = script(&run.plan, config);
        let mut steps = steps.into_iter();
        Stream { events: Events::new(&run.plan), next: steps.next(), steps, pause: None, run }
    }

    /// The next event, once its pause is over.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        let Some(next) = &self.next else { return Poll::Ready(None) };
        if next.pause_ms > 0 {
            let pause =
                self.pause.get_or_insert_with(|| Box::pin(sleep(Duration::from_millis(next.pause_ms))));
            if pause.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.pause = None;
        }
        let step = self.next.take().map(|next| next.step);
        self.next = self.steps.next();
        Poll::Ready(step.map(|step| self.take(step)))
    }

    fn take(&mut self, step: Step) -> Result<Bytes, Cut> {
        let plan = &*self.run.plan;
        let events = &self.events;
        Ok(match step {
            Step::Comment => Bytes::from_static(COMMENT),
            Step::HugeComment(bytes) => huge_comment(bytes),
            Step::Garbage => Bytes::from_static(GARBAGE),
            Step::Reasoning { from, to, produced } => {
                self.run.produced = produced;
                events.reasoning(from, to).into()
            }
            Step::Text { from, to, produced } => {
                self.run.produced = produced;
                events.text(from, to).into()
            }
            Step::ToolName { produced } | Step::ToolArguments { produced } => {
                self.run.produced = produced;
                match (&plan.content, step) {
                    (Content::Tool { name, .. }, Step::ToolName { .. }) => {
                        events.tool_name(plan, name).into()
                    }
                    (Content::Tool { arguments, .. }, _) => events.tool_arguments(arguments).into(),
                    (Content::Text(_), _) => Bytes::from_static(COMMENT),
                }
            }
            Step::Finish => {
                let bytes = events.finish(plan).into();
                self.run.finish();
                bytes
            }
            Step::Usage { completion } => events.usage(plan, completion).into(),
            Step::Done => Bytes::from_static(b"data: [DONE]\n\n"),
            Step::Error { as_text } => {
                let bytes = events.error(as_text).into();
                self.run.fail();
                bytes
            }
            Step::Cut => {
                self.run.finish();
                return Err(Cut);
            }
        })
    }
}

/// What will be said, step by step.
fn script(plan: &Plan, config: &Config) -> Vec<Timed> {
    let mut rng = Rng::with_seed(plan.seed);
    let mut body: Vec<Step> = content(plan, config);
    let mut tail = vec![Step::Finish];
    if !plan.fate.missing_usage {
        if plan.fate.duplicate_usage {
            tail.push(Step::Usage { completion: plan.usage.completion / 2 });
        }
        tail.push(Step::Usage { completion: plan.usage.completion });
    }
    tail.push(Step::Done);
    let cut_at = rng.usize(..=body.len());
    if plan.fate.stream_error {
        body.truncate(cut_at);
        tail = vec![Step::Error { as_text: rng.bool() }];
    } else if plan.fate.close_mid_stream {
        body.truncate(cut_at);
        tail = vec![Step::Cut];
    }
    let mut steps: Vec<Step> = (0..plan.comments).map(|_| Step::Comment).collect();
    let comments = steps.len();
    steps.extend(body);
    steps.extend(tail);
    let mut somewhere = |steps: &mut Vec<Step>, step| steps.insert(rng.usize(..steps.len()), step);
    if let Some(bytes) = plan.fate.huge_comment {
        somewhere(&mut steps, Step::HugeComment(bytes));
    }
    if plan.fate.garbage_event {
        somewhere(&mut steps, Step::Garbage);
    }
    pauses(steps, comments, plan, config, &mut rng)
}

/// The first byte of content waits; the chunks after it wait less.
fn pauses(steps: Vec<Step>, comments: usize, plan: &Plan, config: &Config, rng: &mut Rng) -> Vec<Timed> {
    let between = config.latency.between_chunks;
    steps
        .into_iter()
        .enumerate()
        .map(|(index, step)| {
            let pause_ms = match plan.fate.slow_chunk_ms {
                Some(slow) => slow,
                None if index < comments => 0,
                None if index == comments => plan.first_byte_ms,
                None if between.max == 0 => 0,
                None => between.draw(rng),
            };
            Timed { pause_ms, step }
        })
        .collect()
}

/// The chunks with content. Each says how many tokens are produced by then; the last one, all of them.
fn content(plan: &Plan, config: &Config) -> Vec<Step> {
    let total = plan.usage.completion;
    let tokens = match plan.content {
        Content::Tool { .. } => {
            return vec![Step::ToolName { produced: total / 2 }, Step::ToolArguments { produced: total }];
        }
        Content::Text(tokens) => tokens,
    };
    let reasoning = plan.usage.reasoning;
    let mut steps = Vec::with_capacity(config.chunks_max as usize + 1);
    let thought = shown_reasoning(plan);
    if thought > 0 {
        steps.push(Step::Reasoning { from: 0, to: thought, produced: reasoning });
    }
    let chunks = u64::from(config.chunks_max.max(1)).min(tokens);
    for chunk in 0..chunks {
        let (from, to) = (tokens * chunk / chunks, tokens * (chunk + 1) / chunks);
        let produced = reasoning + (total - reasoning) * (chunk + 1) / chunks;
        steps.push(Step::Text { from: reasoning + from, to: reasoning + to, produced });
    }
    steps
}

fn huge_comment(bytes: usize) -> Bytes {
    let mut comment = Vec::with_capacity(bytes + 4);
    comment.extend_from_slice(b": ");
    comment.resize(bytes.max(2), b'x');
    comment.extend_from_slice(b"\n\n");
    Bytes::from(comment)
}
