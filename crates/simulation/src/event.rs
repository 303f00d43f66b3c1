//! [`Event`]: one thing that happens to the world, and the dice it is thrown with.
//!
//! A world's events are drawn before it begins and know nothing of its state; what they do is decided when they happen,
//! by their own dice. So any part of a list is a list, and a failure can be shrunk by leaving events out.

use std::fmt;

use fastrand::Rng;

use crate::setting::Setting;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $weight:literal;)+) => {
        /// What can happen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $($(#[doc = $doc])+ $name,)+ }

        impl Kind {
            /// All of them.
            pub const ALL: &[Kind] = &[$(Kind::$name,)+];

            /// The word in a printed list.
            pub const fn word(self) -> &'static str {
                match self { $(Kind::$name => $word,)+ }
            }

            const fn weight(self) -> u32 {
                match self { $(Kind::$name => $weight,)+ }
            }
        }
    };
}

kinds! {
    /// A request comes.
    Ask = "ask", 2600;
    /// Many come at once.
    Herd = "herd", 12;
    /// A request goes a step further.
    Move = "move", 4400;
    /// A client goes away, wherever its request is.
    Leave = "leave", 160;
    /// A moment passes.
    Pass = "pass", 900;
    /// Hours or days pass.
    PassLong = "pass-long", 12;
    /// What the gateway does every second.
    Tick = "tick", 400;
    /// What it does every minute.
    Sweep = "sweep", 20;
    /// The group sync.
    Sync = "sync", 500;
    /// A round of shipping to the books.
    Ship = "ship", 250;
    /// Unknown holds are asked for.
    Look = "look", 200;
    /// Every request ends, and for a while none comes: what is still unknown may be found out.
    Lull = "lull", 6;
    /// Ended holds are held against the bill.
    Audit = "audit", 12;
    /// An operator says what an unknown hold cost.
    Decide = "decide", 4;
    /// The journal is read again and compared.
    Replay = "replay", 2;
    /// The wall clock jumps, or comes back.
    Jump = "jump", 6;
    /// The machine sleeps for a while.
    Suspend = "suspend", 3;
    /// The upstream says what time it is.
    Hear = "hear", 30;
    /// The process is killed between two steps, and starts again.
    Kill = "kill", 8;
    /// The process will be killed in the middle of one of its next writes.
    KillSoon = "kill-soon", 8;
    /// The power goes.
    CutPower = "cut-power", 4;
    /// The process ends in order and starts again.
    Close = "close", 4;
    /// The process starts again with other budgets or limits.
    Reconfigure = "reconfigure", 5;
    /// A second process wants the same folder.
    StartTwice = "start-twice", 3;
    /// A bit of the journal turns over while nothing runs.
    Damage = "damage", 2;
    /// Books from a backup: nothing may pass until somebody accepts them.
    Restore = "restore", 2;
    /// The disk is full, or has room again.
    Fill = "fill", 4;
    /// One of the next writes fails.
    FailWrite = "fail-write", 2;
    /// One of the next syncs fails.
    FailSync = "fail-sync", 2;
    /// The books refuse, or take again.
    Refuse = "refuse", 4;
}

impl Kind {
    /// What a seed may turn off or up.
    pub const FAULTS: &[Kind] = &[
        Kind::Lull,
        Kind::Herd,
        Kind::Leave,
        Kind::PassLong,
        Kind::Sync,
        Kind::Ship,
        Kind::Look,
        Kind::Audit,
        Kind::Jump,
        Kind::Suspend,
        Kind::Kill,
        Kind::KillSoon,
        Kind::CutPower,
        Kind::Close,
        Kind::Reconfigure,
        Kind::StartTwice,
        Kind::Damage,
        Kind::Restore,
        Kind::Fill,
        Kind::FailWrite,
        Kind::FailSync,
        Kind::Refuse,
    ];
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: Kind,
    /// How.
    pub dice: u64,
}

impl Event {
    /// The randomness it is decided with.
    pub fn rng(&self) -> Rng {
        Rng::with_seed(self.dice)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:x}", self.kind.word(), self.dice)
    }
}

impl std::str::FromStr for Event {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("no event '{text}'");
        let (word, dice) = text.split_once(':').ok_or_else(wrong)?;
        let kind = Kind::ALL.iter().find(|kind| kind.word() == word).ok_or_else(wrong)?;
        let dice = u64::from_str_radix(dice, 16).map_err(|_| wrong())?;
        Ok(Event { kind: *kind, dice })
    }
}

/// How often each kind comes.
#[derive(Clone, Debug)]
pub struct Weights([u32; Kind::ALL.len()]);

impl Weights {
    /// In a world where nothing is turned up or off.
    pub(crate) fn usual() -> Self {
        let mut weights = Weights([0; Kind::ALL.len()]);
        Kind::ALL.iter().for_each(|kind| weights.set(*kind, kind.weight()));
        weights
    }

    pub(crate) fn of(&self, kind: Kind) -> u32 {
        self.0[kind as usize]
    }

    pub(crate) fn set(&mut self, kind: Kind, weight: u32) {
        self.0[kind as usize] = weight;
    }

    fn draw(&self, rng: &mut Rng) -> Kind {
        let mut at = rng.u32(0..self.0.iter().sum());
        for (kind, weight) in Kind::ALL.iter().zip(self.0) {
            match at.checked_sub(weight) {
                Some(rest) => at = rest,
                None => return *kind,
            }
        }
        unreachable!("a draw below the sum falls on one of them")
    }
}

/// The events of a seed.
pub fn events(setting: &Setting, steps: usize) -> Vec<Event> {
    let mut rng = Rng::with_seed(setting.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x00e7_e475);
    (0..steps).map(|_| Event { kind: setting.weights.draw(&mut rng), dice: rng.u64(..) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::Mode;

    #[test]
    fn events_are_read_back() {
        for event in events(&Setting::of(7, Mode::Honest), 500) {
            assert_eq!(event.to_string().parse(), Ok(event));
        }
        assert!("nothing:1".parse::<Event>().is_err() && "ask:x".parse::<Event>().is_err());
    }
}
