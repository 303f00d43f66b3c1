//! Random histories, whatever the books' insides are.

use crate::Factory;
use crate::script::Script;
use crate::world::World;

pub(crate) fn random_histories_are_what_they_add_up_to<F: Factory>(_: &F) {
    for seed in 0..6 {
        let mut random = fastrand::Rng::with_seed(seed);
        let factory = F::new();
        let mut script = Script::new(&factory);
        let mut world = World::new();
        for round in 0..40 {
            let lines: Vec<_> = (0..random.usize(1..60)).map(|_| world.step(&mut random)).collect();
            script.post(&lines);
            if random.u8(0..8) == 0 {
                script.reopen();
            }
            if round % 10 == 9 {
                world.check(&*script.reader(), &format!("seed {seed}, round {round}"));
            }
        }
    }
}
