//! [`World`]: a machine, a process on it, clients, OpenRouter and an operator, on one thread. It takes one event after
//! the other, and after each the auditor looks.

mod asking;
mod call;
mod evidence;
mod faults;
mod finish;
mod look;
mod machinery;

use admission::control::Watch;
use fastrand::Rng;
use ledger::UpstreamKeyId;
use store::Durability;

use self::call::Call;
use crate::auditor::Auditor;
use crate::event::{Event, Kind};
use crate::machine::{Machine, Process, Write};
use crate::setting::{Line, Setting};
use crate::tally::Tally;
use crate::tariff::Tariff;
use crate::upstream::Upstream;

/// Upstream keys in use.
const KEYS: [UpstreamKeyId; 2] = [UpstreamKeyId([1; 8]), UpstreamKeyId([2; 8])];
/// How long an attempt may be under way where a window is straddled, milliseconds.
const ATTEMPT_MS_MAX: i64 = 1_800_000;
/// How long a request waits for others at most, milliseconds.
const PARK_MS_MAX: i64 = 20_000;
/// Steps between two looks at everything.
const STEPS_A_WALK: u64 = 512;

/// Whether something was wrong, and what.
pub(crate) type Checked = Result<(), String>;

/// All there is.
pub(crate) struct World {
    setting: Setting,
    lines: Vec<Line>,
    tariff: Tariff,
    machine: Machine,
    process: Option<Process>,
    calls: Vec<Call>,
    upstream: Upstream,
    auditor: Auditor,
    watches: Vec<Watch>,
    /// Holds that were taken as free or may be corrected: to be asked for once more, and from when on.
    rechecks: Vec<(u64, i64)>,
    /// The true time, milliseconds since the Unix epoch.
    now_ms: i64,
    /// How far the wall clock is from it, milliseconds.
    skew_ms: i64,
    is_disk_full: bool,
    do_books_refuse: bool,
    /// Whether a trap was armed for this process.
    is_trapped: bool,
    /// Whether no time has passed since the gateway's last tick.
    is_ticked: bool,
    writes: Vec<Write>,
    steps: u64,
    /// A name for the next new budget.
    named: usize,
    /// What was counted.
    pub(crate) tally: Tally,
    /// Told while a failure is replayed.
    story: Option<Vec<String>>,
}

impl World {
    /// A world that has not begun.
    ///
    /// # Errors
    /// What is wrong already.
    pub(crate) fn new(setting: Setting) -> Result<Self, String> {
        let mut rng = Rng::with_seed(setting.seed);
        let skew_ms = rng.i64(-200_000..200_000);
        let now_ms = setting.starts_ms;
        let mut world = World {
            lines: setting.budgets.clone(),
            tariff: Tariff::new(),
            machine: Machine::new(now_ms + skew_ms, setting.books()),
            process: None,
            calls: Vec::new(),
            upstream: Upstream::new(setting.mode, (setting.told_percent, setting.shown_percent), KEYS.len()),
            auditor: Auditor::new(setting.mode),
            watches: KEYS.iter().map(|_| Watch::default()).collect(),
            rechecks: Vec::new(),
            now_ms,
            skew_ms,
            is_disk_full: false,
            do_books_refuse: false,
            is_trapped: false,
            is_ticked: false,
            writes: Vec::new(),
            steps: 0,
            named: setting.budgets.len(),
            tally: Tally::default(),
            story: None,
            setting,
        };
        world.start(None)?;
        Ok(world)
    }

    /// Keeps what is written into the journal, in words.
    pub(crate) fn tell(&mut self) {
        self.story = Some(Vec::new());
    }

    /// What happened since the last time it was asked for.
    pub(crate) fn told(&mut self) -> Vec<String> {
        self.story.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Two runs of a seed are alike when this is.
    pub(crate) fn print(&self) -> u64 {
        self.auditor.print()
    }

    /// Records in the journal so far.
    pub(crate) fn records(&self) -> usize {
        self.auditor.records()
    }

    /// One thing happens; then everybody looks.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn step(&mut self, event: Event) -> Checked {
        let before = self.records();
        let done = self.happen(event);
        if let Some(story) = &mut self.story {
            story.extend(self.auditor.told(before));
        }
        done
    }

    /// What is wrong, without the name of a folder that another run does not have.
    pub(crate) fn name(&self, what: &str) -> String {
        what.replace(&format!("{}/", self.machine.folder().display()), "")
    }

    fn happen(&mut self, event: Event) -> Checked {
        let mut rng = event.rng();
        self.steps += 1;
        self.act(event.kind, &mut rng)?;
        self.bury(&mut rng)?;
        self.answer_parked()?;
        self.look(event.kind)
    }

    fn act(&mut self, kind: Kind, rng: &mut Rng) -> Checked {
        match kind {
            Kind::Ask => self.ask(rng),
            Kind::Herd => self.herd(rng),
            Kind::Move => self.move_one(rng),
            Kind::Leave => self.leave(rng),
            Kind::Pass => self.pass(rng.i64(0..3_000)),
            Kind::PassLong => self.pass_long(rng),
            Kind::Tick => self.tick(),
            Kind::Sweep => self.sweep(),
            Kind::Sync => self.sync(),
            Kind::Ship => self.ship(),
            Kind::Look => self.ask_for_unknown(rng),
            Kind::Lull => self.lull(rng),
            Kind::Audit => self.audit(rng),
            Kind::Decide => self.decide(rng),
            Kind::Replay => self.replay(),
            Kind::Jump => self.jump(rng),
            Kind::Suspend => self.suspend(rng),
            Kind::Hear => self.hear(),
            Kind::Kill => self.kill(rng),
            Kind::KillSoon => self.kill_soon(rng),
            Kind::CutPower => self.cut_power(rng),
            Kind::Close => self.close(rng),
            Kind::Reconfigure => self.reconfigure(rng),
            Kind::StartTwice => self.start_twice(),
            Kind::Damage => self.damage(rng),
            Kind::Restore => self.restore(rng),
            Kind::Fill => self.fill(rng),
            Kind::FailWrite => self.fail_write(rng),
            Kind::FailSync => self.fail_sync(rng),
            Kind::Refuse => self.refuse(rng),
        }
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("a process runs between two steps")
    }

    /// What the machine's wall clock says.
    fn wall_ms(&self) -> i64 {
        self.machine.clocks.wall_ms()
    }

    /// The time that the ledger goes by.
    fn ledger_ms(&self) -> i64 {
        self.process().admission.now_ms()
    }

    fn needs_disk(&self) -> bool {
        self.setting.options.durability == Durability::Power
    }
}
