//! What must hold in every world, in very many of them.
//!
//! Two thousand seeds, half of the worlds rude, in slices that run beside one another. A failing seed
//! is printed; `cargo sim SEED` plays it again.

use std::ops::Range;
use std::time::Duration;

use agent::Hold;
use sim::{Caller, Link, Manners, Password, Plan, Rng, World};

/// Lives through the worlds of these seeds, or of the one that `TRUNKLINE_SEED` names.
fn live_through(seeds: Range<u64>) {
    let chosen = std::env::var("TRUNKLINE_SEED").ok();
    let chosen: Option<u64> = chosen.map(|it| it.parse().expect("a seed is a number"));
    let seeds = match chosen {
        Some(seed) if seeds.contains(&seed) => seed..seed + 1,
        Some(_) => return,
        None => seeds,
    };
    for seed in seeds {
        let mut rng = Rng::new(seed);
        let link = Link::any(&mut rng);
        let manners = if seed.is_multiple_of(2) { Manners::Good } else { Manners::Rude };
        let mut world = World::with(seed, link, manners);
        live(&mut world, &mut rng);
        world.settle();
        if let Err(broken) = world.judge() {
            panic!(
                "seed {seed}, {manners:?}, {link:?}: {broken}; again with `cargo sim {seed}`\n\
                 records: {:#?}",
                world.records()
            );
        }
    }
}

/// A few calls, and what their parties may think of.
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

/// Tests of 250 seeds each.
macro_rules! slices {
    ($($name:ident: $seeds:expr;)*) => {$(
        #[test]
        fn $name() {
            live_through($seeds);
        }
    )*};
}

slices! {
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_0_to_249: 0..250;
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_250_to_499: 250..500;
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_500_to_749: 500..750;
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_750_to_999: 750..1000;
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_1000_to_1249: 1000..1250;
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_1250_to_1499: 1250..1500;
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_1500_to_1749: 1500..1750;
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_1750_to_1999: 1750..2000;
}
