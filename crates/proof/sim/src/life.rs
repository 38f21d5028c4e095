//! What happens in the world of a seed.

use std::time::Duration;

use agent::Hold;

use crate::customer::{Caller, Password, Plan};
use crate::encryption::Encryption;
use crate::mischief::Manners;
use crate::network::{Link, Rng};
use crate::world::World;

/// Makes the world of a seed and lives through it: a few calls, whatever their parties may think of,
/// and the end of everything. Every other world is rude, and every other one knows encrypted audio. [`World::judge`] tells what came of it.
#[must_use]
pub fn live_through(seed: u64) -> World {
    let mut rng = Rng::new(seed);
    let link = Link::any(&mut rng);
    let manners = if seed.is_multiple_of(2) { Manners::Good } else { Manners::Rude };
    let mut world =
        World::with(seed, link, manners, Encryption::any(&mut Rng::new(seed ^ 0x5e_a1ed)));
    live(&mut world, &mut rng);
    world.settle();
    world
}

fn live(world: &mut World, rng: &mut Rng) {
    let mut calls = Vec::new();
    for _ in 0..1 + rng.below(4) {
        calls.push(world.place(&any_plan(rng)));
        world.run_for(Duration::from_millis(rng.below(1500)));
    }
    for _ in 0..rng.below(10) {
        let call = calls[rng.below(calls.len() as u64) as usize];
        match rng.below(6) {
            0 => world.hang_up(call),
            1 => world.hold(call, Hold::On),
            2 => world.hold(call, Hold::Off),
            3 => world.options(call),
            _ => {}
        }
        world.run_for(Duration::from_millis(rng.below(3000)));
    }
    // Long enough for session timers to be due.
    if rng.percent(3) {
        world.run_for(Duration::from_secs(60));
    }
}

fn any_plan(rng: &mut Rng) -> Plan {
    if rng.percent(30) {
        return Plan::inward();
    }
    let mut plan = Plan::to(&format!("+120655501{:02}", rng.below(60)));
    if rng.percent(10) {
        plan.password = Password::Wrong;
    }
    if rng.percent(10) {
        plan.caller = Caller::Stranger;
    }
    plan
}
