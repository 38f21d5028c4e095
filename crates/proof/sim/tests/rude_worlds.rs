//! A thousand worlds of rude parties.
//!
//! A failing seed is printed; `cargo sim SEED` plays it again, and `cargo sim --many COUNT` tries more.

use sim::RudeWorld;

/// Worlds of each of the four tests, which run side by side.
const SEEDS: u64 = 250;

fn try_worlds(quarter: u64) {
    for seed in quarter * SEEDS..(quarter + 1) * SEEDS {
        let judged = std::panic::catch_unwind(|| {
            let mut world = RudeWorld::new(seed);
            world.run();
            world.judge().map_err(|broken| format!("{broken}\nrecords: {:#?}", world.records()))
        });
        let replay = format!("`cargo sim {seed}`");
        match judged {
            Ok(Ok(())) => {}
            Ok(Err(broken)) => panic!("seed {seed}: {broken}; {replay} plays it again"),
            Err(panicked) => {
                eprintln!("the world panicked; replay it with: {replay}");
                std::panic::resume_unwind(panicked);
            }
        }
    }
}

#[test]
fn however_rude_the_parties_each_call_ends_once_and_leaves_nothing_first_quarter() {
    try_worlds(0);
}

#[test]
fn however_rude_the_parties_each_call_ends_once_and_leaves_nothing_second_quarter() {
    try_worlds(1);
}

#[test]
fn however_rude_the_parties_each_call_ends_once_and_leaves_nothing_third_quarter() {
    try_worlds(2);
}

#[test]
fn however_rude_the_parties_each_call_ends_once_and_leaves_nothing_last_quarter() {
    try_worlds(3);
}

/// A world that is tried under every seed would prove little if nothing happened in it.
#[test]
fn in_rude_worlds_calls_end_in_every_way() {
    let mut reasons = std::collections::BTreeSet::new();
    for seed in 0..400 {
        let mut world = RudeWorld::new(seed);
        world.run();
        reasons.extend(world.records().iter().map(|it| it.reason.clone()));
    }
    for expected in [
        "completed",
        "cancelled",
        "busy",
        "routes-exhausted",
        "answer-refused",
        "ack-timeout",
        "session-expired",
        "dialog-lost",
    ] {
        assert!(reasons.contains(expected), "no call ended by {expected}: {reasons:?}");
    }
}

#[test]
fn in_some_rude_worlds_a_newcomer_takes_the_place_of_a_leg() {
    let replaced: u64 = (0..400)
        .map(|seed| {
            let mut world = RudeWorld::new(seed);
            world.run();
            world.replaced()
        })
        .sum();
    assert!(replaced > 10, "{replaced} legs were replaced in 400 worlds");
}
