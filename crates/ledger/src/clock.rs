//! [`Clock`]: which instant the ledger goes by, and whether it may open a window on it. Pure: readings in, time out.
//!
//! Fresh money comes from a window that opens, so a clock that jumps must not open one. Three rules:
//!
//! * time never goes back: after a step backwards it stands, in the later window;
//! * a wall clock more than [`TRUST_MS`] away from the last wall time accepted plus what the boot clock went on by is
//!   *suspect*: then time goes on by the boot clock, and no window opens;
//! * the wall clock is accepted again when it comes back, or when the upstream's `Date` agrees with it within
//!   [`TRUST_MS`].
//!
//! The boot clock counts suspended time, so a laptop that slept wakes up trusted. Amounts never depend on any of this.

/// How far the wall clock may be from what is expected, milliseconds.
pub const TRUST_MS: i64 = 300_000;

/// Both clocks of the machine at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The wall clock, milliseconds since the Unix epoch.
    pub wall_ms: i64,
    /// Time since the machine started, suspended time included, milliseconds.
    pub boot_ms: i64,
}

impl Reading {
    /// What the wall clock should say when the boot clock says `boot_ms`.
    fn wall_at(&self, boot_ms: i64) -> i64 {
        self.wall_ms.saturating_add(boot_ms.saturating_sub(self.boot_ms))
    }
}

/// The time to go by, from what the machine and the upstream tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The last reading whose wall time was accepted; while suspect, the wall time is the expected one.
    accepted: Reading,
    /// The highest time told.
    now_ms: i64,
    is_trusted: bool,
}

impl Clock {
    /// At a start. `before`: the last reading accepted by an earlier process since the machine started, from the
    /// journal; `latest_ms`: the highest time in the books, 0 when they are empty.
    pub fn start(before: Option<Reading>, latest_ms: i64, reading: Reading) -> Self {
        let empty = latest_ms == 0 && before.is_none();
        let expected = match before {
            Some(before) => before,
            None if empty => reading,
            // Nobody knows how long the machine was off: at the earliest it is as late as it was.
            None => Reading { wall_ms: latest_ms, boot_ms: reading.boot_ms },
        };
        let mut clock = Clock { accepted: expected, now_ms: latest_ms, is_trusted: true };
        clock.read(reading);
        clock
    }

    /// Whether a wall time needs no more than a look: trusted, and where it is expected. Then time is the later of it
    /// and [`Clock::now_ms`].
    pub fn expects(&self, reading: Reading) -> bool {
        self.is_trusted && agree(reading.wall_ms, self.accepted.wall_at(reading.boot_ms))
    }

    /// Takes a reading of both clocks, and says what time it is.
    pub fn read(&mut self, reading: Reading) -> i64 {
        let expected_ms = self.accepted.wall_at(reading.boot_ms);
        self.is_trusted = agree(reading.wall_ms, expected_ms);
        self.accepted = match self.is_trusted {
            true => reading,
            false => Reading { wall_ms: expected_ms, boot_ms: reading.boot_ms },
        };
        self.now_ms = self.now_ms.max(self.accepted.wall_ms);
        self.now_ms
    }

    /// Takes the upstream's `Date` (milliseconds since the Unix epoch) with a reading of the same instant. Where it
    /// agrees with the wall clock, that is accepted. Returns whether the clock is trusted now.
    pub fn hear(&mut self, date_ms: i64, reading: Reading) -> bool {
        if agree(date_ms, reading.wall_ms) {
            self.accepted = reading;
        }
        self.read(reading);
        self.is_trusted
    }

    /// The time as last read, milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Whether a window may open.
    pub fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    /// How far the wall clock is from the time to go by, milliseconds: below zero where it is behind.
    pub fn off_ms(&self, wall_ms: i64) -> i64 {
        wall_ms.saturating_sub(self.now_ms)
    }

    /// The wall time that is accepted, at the last reading; for the journal.
    pub fn accepted(&self) -> Reading {
        self.accepted
    }
}

fn agree(one_ms: i64, other_ms: i64) -> bool {
    one_ms.abs_diff(other_ms) <= TRUST_MS.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    /// Some instant, and how long the machine had been up then.
    const NOON: Reading = Reading { wall_ms: 1_790_000_000_000, boot_ms: 9 * HOUR };

    fn after(wall_ms: i64, boot_ms: i64) -> Reading {
        Reading { wall_ms: NOON.wall_ms + wall_ms, boot_ms: NOON.boot_ms + boot_ms }
    }

    /// Readings after noon, and the time and trust that follow.
    fn check(clock: &mut Clock, story: &[(i64, i64, i64, bool)]) {
        for &(wall_ms, boot_ms, now_ms, is_trusted) in story {
            let reading = after(wall_ms, boot_ms);
            let expected = clock.expects(reading);
            let told = (clock.read(reading) - NOON.wall_ms, clock.is_trusted());
            assert_eq!(told, (now_ms, is_trusted), "wall {wall_ms}, boot {boot_ms}");
            assert!(!expected || is_trusted, "what needs no more than a look is trusted");
        }
    }

    #[test]
    fn readings() {
        let fresh = || Clock::start(None, 0, NOON);
        check(&mut fresh(), &[(0, 0, 0, true), (HOUR, HOUR, HOUR, true)]);
        // Small steps are taken as they come, but never back.
        check(&mut fresh(), &[(5 * MINUTE, 0, 5 * MINUTE, true), (-1, MINUTE, 6 * MINUTE, false)]);
        check(&mut fresh(), &[(MINUTE, MINUTE, MINUTE, true), (0, MINUTE, MINUTE, true)]);
        // A jump ahead: time goes on by the boot clock until the wall clock comes back.
        check(
            &mut fresh(),
            &[
                (24 * HOUR, MINUTE, MINUTE, false),
                (24 * HOUR, 2 * MINUTE, 2 * MINUTE, false),
                (3 * MINUTE, 3 * MINUTE, 3 * MINUTE, true),
            ],
        );
        // A jump back: the same.
        check(
            &mut fresh(),
            &[(-24 * HOUR, MINUTE, MINUTE, false), (2 * MINUTE, 2 * MINUTE, 2 * MINUTE, true)],
        );
        // Suspended for a night: the boot clock has counted it.
        check(&mut fresh(), &[(8 * HOUR, 8 * HOUR, 8 * HOUR, true)]);
    }

    #[test]
    fn dates() {
        let mut clock = Clock::start(None, 0, NOON);
        check(&mut clock, &[(24 * HOUR, MINUTE, MINUTE, false)]);
        assert!(!clock.hear(NOON.wall_ms + MINUTE, after(24 * HOUR, MINUTE)), "the upstream says: it jumped");
        assert_eq!(clock.now_ms(), NOON.wall_ms + MINUTE);
        assert!(clock.hear(NOON.wall_ms + 24 * HOUR - 4 * MINUTE, after(24 * HOUR, MINUTE)), "it was right");
        check(&mut clock, &[(24 * HOUR + 1, MINUTE + 1, 24 * HOUR + 1, true)]);
        // Back again, and the upstream agrees: accepted, but time stands until the wall clock has caught up.
        assert!(clock.hear(NOON.wall_ms, after(0, 2 * MINUTE)));
        check(
            &mut clock,
            &[
                (MINUTE, 3 * MINUTE, 24 * HOUR + 1, true),
                (25 * HOUR, 25 * HOUR + 2 * MINUTE, 25 * HOUR, true),
            ],
        );
        // A wall clock that is trusted stays so, whatever the upstream's says.
        assert!(clock.hear(0, after(25 * HOUR, 25 * HOUR + 2 * MINUTE)));
    }

    #[test]
    fn starts() {
        let latest = NOON.wall_ms;
        for (before, latest_ms, reading, now_ms, is_trusted) in [
            // Empty books trust the wall clock.
            (None, 0, after(0, 0), 0, true),
            // The same boot: the last reading of the process before is the anchor.
            (Some(NOON), latest, after(3 * HOUR, 3 * HOUR), 3 * HOUR, true),
            (Some(NOON), latest, after(24 * HOUR, 3 * HOUR), 3 * HOUR, false),
            (Some(NOON), latest, after(-24 * HOUR, 3 * HOUR), 3 * HOUR, false),
            (Some(NOON), latest + HOUR, after(0, 0), HOUR, true),
            // After a reboot: only a wall clock that is close to the books is believed.
            (None, latest, Reading { boot_ms: MINUTE, ..after(4 * MINUTE, 0) }, 4 * MINUTE, true),
            (None, latest, Reading { boot_ms: MINUTE, ..after(6 * MINUTE, 0) }, 0, false),
            (None, latest, Reading { boot_ms: MINUTE, ..after(-4 * MINUTE, 0) }, 0, true),
            (None, latest, Reading { boot_ms: MINUTE, ..after(-6 * MINUTE, 0) }, 0, false),
        ] {
            let clock = Clock::start(before, latest_ms, reading);
            let told = (clock.now_ms() - NOON.wall_ms, clock.is_trusted());
            assert_eq!(told, (now_ms, is_trusted), "{before:?}, {latest_ms}, {reading:?}");
        }
        // A reboot that took three hours: the upstream's date lets the day go on.
        let reading = Reading { boot_ms: MINUTE, ..after(3 * HOUR, 0) };
        let mut clock = Clock::start(None, latest, reading);
        assert_eq!((clock.off_ms(reading.wall_ms), clock.is_trusted()), (3 * HOUR, false));
        assert!(clock.hear(reading.wall_ms + MINUTE, reading));
        assert_eq!(clock.now_ms(), reading.wall_ms);
    }

    /// Readings of which nothing is known.
    fn any_reading() -> impl Strategy<Value = Reading> {
        let ms = || prop_oneof![-HOUR..1_900_000_000_000, any::<i64>(), Just(i64::MIN), Just(i64::MAX)];
        (ms(), ms()).prop_map(|(wall_ms, boot_ms)| Reading { wall_ms, boot_ms })
    }

    proptest! {
        /// Whatever the wall clock does: time never goes back, and without the upstream's word it never runs ahead of
        /// the boot clock by more than the wall clock was let step.
        #[test]
        fn time_never_goes_back(steps in prop::collection::vec((-HOUR..HOUR, 0..HOUR), 1..50)) {
            let mut clock = Clock::start(None, 0, NOON);
            let (mut now_ms, mut boot_ms, mut let_ms) = (NOON.wall_ms, 0, 0);
            for (off_ms, passed_ms) in steps {
                boot_ms += passed_ms;
                let told_ms = clock.read(after(boot_ms + off_ms, boot_ms));
                prop_assert!(told_ms >= now_ms);
                let_ms += TRUST_MS;
                prop_assert!(told_ms - NOON.wall_ms <= boot_ms + let_ms);
                now_ms = told_ms;
            }
        }

        /// A wall clock that is wrong changes nothing of how long a window lasts: what it is told as stays with the boot
        /// clock, and once it is right again it is trusted.
        #[test]
        fn a_clock_that_lies_and_stops_lying(
            lies in prop::collection::vec((TRUST_MS + 1..1_000_000 * HOUR, any::<bool>(), 1..HOUR), 1..20),
            rest_ms in 0..HOUR,
        ) {
            let mut clock = Clock::start(None, 0, NOON);
            let mut boot_ms = 0;
            for (off_ms, is_ahead, passed_ms) in lies {
                boot_ms += passed_ms;
                let off_ms = if is_ahead { off_ms } else { -off_ms };
                prop_assert_eq!(clock.read(after(boot_ms + off_ms, boot_ms)), NOON.wall_ms + boot_ms);
                prop_assert!(!clock.is_trusted());
                prop_assert_eq!(clock.off_ms(NOON.wall_ms + boot_ms + off_ms), off_ms);
                prop_assert_eq!(clock.accepted(), after(boot_ms, boot_ms));
            }
            boot_ms += rest_ms;
            prop_assert_eq!(clock.read(after(boot_ms, boot_ms)), NOON.wall_ms + boot_ms);
            prop_assert!(clock.is_trusted());
        }

        /// A process that starts where another left off goes by the same time.
        #[test]
        fn a_restart_goes_on(off_ms in -2 * HOUR..2 * HOUR, passed_ms in 0..HOUR, down_ms in 0..HOUR) {
            let mut clock = Clock::start(None, 0, NOON);
            clock.read(after(passed_ms + off_ms, passed_ms));
            let then = after(passed_ms + down_ms + off_ms, passed_ms + down_ms);
            let restarted = Clock::start(Some(clock.accepted()), clock.now_ms(), then);
            let told_ms = clock.read(then);
            prop_assert_eq!((restarted.now_ms(), restarted.is_trusted()), (told_ms, clock.is_trusted()));
        }

        /// Dates of the upstream and readings of any kind, at the ends of time as well.
        #[test]
        fn any_readings_are_answered(
            before in prop::option::of(any_reading()),
            latest_ms: i64,
            first in any_reading(),
            story in prop::collection::vec((any_reading(), prop::option::of(any::<i64>())), 0..20),
        ) {
            let mut clock = Clock::start(before, latest_ms, first);
            let mut now_ms = clock.now_ms();
            prop_assert!(now_ms >= latest_ms);
            for (reading, date_ms) in story {
                let expected = clock.expects(reading);
                match date_ms {
                    Some(date_ms) => {
                        let agrees = agree(date_ms, reading.wall_ms);
                        prop_assert!(clock.hear(date_ms, reading) || !agrees, "a date that agrees is believed");
                    }
                    None => prop_assert_eq!(clock.read(reading), clock.now_ms()),
                }
                prop_assert!(!expected || clock.is_trusted());
                prop_assert!(clock.now_ms() >= now_ms, "time went back");
                now_ms = clock.now_ms();
            }
        }
    }
}
