//! Calls over a link that loses, repeats, delays and reorders: each ends once, and leaves nothing.
//!
//! Each seed is one world, replayed in virtual time; `TRUNKLINE_SEED=n` reruns a failing one.

use std::time::Duration;

use agent::{Answering, Event, Hold};

use crate::world::{Link, Rng, World, ms};

const SEEDS: u64 = 60;

fn seeds() -> Vec<u64> {
    #[expect(clippy::disallowed_methods, reason = "replaying one failing world is asked for so")]
    let asked = std::env::var("TRUNKLINE_SEED");
    asked.map_or_else(
        |_| (0..SEEDS).collect(),
        |seed| vec![seed.parse().expect("a seed is a number")],
    )
}

/// Longest time from a call's last deliberate act to its end: ringing and holding end by the
/// storm's own hand, and a lost BYE takes two times 64·T1.
const CALM: Duration = Duration::from_secs(300);

#[test]
fn every_call_ends_once_and_leaves_nothing_behind() {
    for seed in seeds() {
        let mut rng = Rng(seed);
        let mut world = World::new(Answering::SimulatedCarrier);
        world.link = Link {
            loss_percent: rng.below(30),
            repeat_percent: rng.below(30),
            delay_ms_max: rng.below(800),
        };
        world.rng = Rng(seed.wrapping_mul(77));
        let link = world.link;
        let calls: Vec<_> = (0..3)
            .map(|_| world.call(World::order(&format!("+120655501{:02}", rng.below(60)))))
            .collect();
        let mut time = 0;
        for _ in 0..12 {
            time += rng.below(2000);
            world.run_until(ms(time));
            let call = calls[rng.below(3) as usize];
            match rng.below(6) {
                0 => world.caller.hang_up(world.now, call),
                1 => world.caller.hold(world.now, call, Hold::On),
                2 => world.caller.hold(world.now, call, Hold::Off),
                3 => world.caller.options(world.now, call),
                _ => {}
            }
        }
        for call in &calls {
            world.caller.hang_up(world.now, *call);
        }
        world.run_until(ms(time) + CALM);
        let context = format!("TRUNKLINE_SEED={seed} {link:?} {:?}", world.messages());
        for call in calls {
            let ends = world
                .events
                .iter()
                .filter(|(id, event)| *id == call && matches!(event, Event::Ended(_)));
            assert_eq!(ends.count(), 1, "{call:?} {context}");
        }
        world.assert_clean(&context);
        let left = (world.caller.transactions(), world.called.transactions());
        assert_eq!(left, (0, 0), "{context}");
    }
}
