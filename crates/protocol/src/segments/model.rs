//! [`Segments`]: the model that Stateright exhausts.

use stateright::{Model, Property};

use super::journal::Disk;
use super::recovery::Rest;
use super::{FileRule, RECORDS};

/// The files of a machine with so many kills and power cuts.
#[derive(Clone, Copy, Debug)]
pub struct Segments {
    /// Kills, at most.
    pub kills: u8,
    /// Power cuts, at most.
    pub cuts: u8,
    /// The rule that is off.
    pub off: Option<FileRule>,
    /// The one property to look at, or all.
    pub only: Option<&'static str>,
}

/// The files at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    disk: Disk,
    life: Life,
    kills: u8,
    cuts: u8,
    /// By which process each record was written that was ever told to be durable.
    told: Vec<u8>,
    /// Something that was told is gone, or is another.
    is_lost: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Life {
    Alive,
    /// Dead, the machine running on.
    Killed,
    /// Dead, the machine started anew.
    Rebooted,
    /// A start refused what it found.
    Damaged,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A record is written.
    Append,
    /// What is written is synced, and told.
    Sync,
    /// A record is posted to the books.
    Ship,
    /// A segment goes.
    LetGo,
    /// The process dies.
    Kill,
    /// The power goes: what is left of each file, and whether of the books.
    Cut(Vec<Rest>, bool),
    /// A process starts.
    Start,
}

impl Model for Segments {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let world = |is_pinned| World {
            disk: Disk::new(is_pinned),
            life: Life::Alive,
            kills: self.kills,
            cuts: self.cuts,
            told: Vec::new(),
            is_lost: false,
        };
        vec![world(false), world(true)]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        let World { disk, life, .. } = world;
        match life {
            Life::Damaged => return,
            Life::Killed | Life::Rebooted => steps.push(Step::Start),
            Life::Alive => {
                steps.extend(disk.may_append().then_some(Step::Append));
                steps.extend((disk.known < disk.last).then_some(Step::Sync));
                steps.extend((disk.posted() < disk.last).then_some(Step::Ship));
                steps.extend(disk.disposable().map(|_| Step::LetGo));
                steps.extend((world.kills > 0).then_some(Step::Kill));
            }
        }
        if world.cuts > 0 && *life != Life::Rebooted {
            cuts(disk, steps);
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        next.step(self, step);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let all = [
            Property::<Self>::always("opens", |_, world| world.life != Life::Damaged),
            Property::<Self>::always("told", |_, world| !world.is_lost),
            Property::<Self>::always("books follow the journal", |_, world| !world.is_torn()),
            Property::<Self>::sometimes("a start finds all there can be", |_, world| {
                world.disk.process > 1 && usize::from(world.disk.last) == RECORDS && world.life == Life::Alive
            }),
            Property::<Self>::sometimes("a segment went", |_, world| world.disk.segments[0].first > 1),
        ];
        all.into_iter().filter(|property| self.only.is_none_or(|only| property.name == only)).collect()
    }
}

/// Every way in which the power can go.
fn cuts(disk: &Disk, steps: &mut Vec<Step>) {
    let mut ways = vec![Vec::new()];
    for segment in &disk.segments {
        let open = segment.records.len() - usize::from(segment.synced);
        let rests = &Rest::ALL[..(open + 1).min(Rest::ALL.len())];
        let longer = |way: &Vec<Rest>| {
            rests.iter().map(|rest| way.iter().copied().chain([*rest]).collect()).collect::<Vec<_>>()
        };
        ways = ways.iter().flat_map(longer).collect();
    }
    for is_posted in [false, true] {
        steps.extend(ways.iter().map(|way| Step::Cut(way.clone(), is_posted)));
    }
}

impl World {
    fn step(&mut self, model: &Segments, step: Step) {
        match step {
            Step::Append => self.disk.append(),
            Step::Sync => {
                self.disk.sync(model.off);
                self.tell();
            }
            Step::Ship => self.disk.ship(),
            Step::LetGo => {
                if let Some(place) = self.disk.disposable() {
                    self.disk.let_go(model.off, place);
                }
            }
            Step::Kill => {
                self.kills -= 1;
                self.life = Life::Killed;
            }
            Step::Cut(rests, is_posted) => {
                self.cuts -= 1;
                self.life = Life::Rebooted;
                self.disk.cut(&rests, is_posted);
            }
            Step::Start => self.start(model),
        }
    }

    fn start(&mut self, model: &Segments) {
        let is_same_boot = self.life == Life::Killed;
        self.life = match self.disk.start(model.off, is_same_boot) {
            Ok(()) => Life::Alive,
            Err(_) => Life::Damaged,
        };
        if self.life == Life::Alive {
            let found = self.found();
            self.is_lost |= found.len() < self.told.len() || found[..self.told.len()] != self.told;
            self.tell();
        }
    }

    /// By which process each record was written, as the books and the journal behind them have it.
    fn found(&self) -> Vec<u8> {
        let mut found = self.disk.books.posted.clone();
        for segment in &self.disk.segments {
            for (record, number) in segment.records.iter().zip(usize::from(segment.first)..) {
                match record {
                    Some(record) if number == found.len() + 1 => found.push(record.process),
                    _ => {}
                }
            }
        }
        found
    }

    /// What is known to be on disk is told to whoever waits, and a start tells it all.
    fn tell(&mut self) {
        let mut found = self.found();
        found.truncate(self.disk.known.into());
        if found.len() > self.told.len() {
            self.told = found;
        }
    }

    /// Whether the books have another record than the journal, or a record that can be spoken of is nowhere.
    fn is_torn(&self) -> bool {
        let differs = |number: usize, process: u8| {
            self.disk.books.posted.get(number - 1).is_some_and(|posted| *posted != process)
        };
        let numbered = |segment: &super::journal::Segment| {
            let numbers = usize::from(segment.first)..;
            segment.records.clone().into_iter().zip(numbers).collect::<Vec<_>>()
        };
        let mut records = self.disk.segments.iter().flat_map(numbered);
        let is_other =
            records.any(|(record, number)| record.is_some_and(|record| differs(number, record.process)));
        is_other || self.life == Life::Alive && self.found().len() != usize::from(self.disk.last)
    }
}
