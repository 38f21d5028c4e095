//! Calls through the whole trunk, in many worlds.

use std::time::Duration;

use agent::{Answering, Cause, Hold, Script, Sound};
use model::CallStatus;
use sim::{Caller, Link, Password, Plan, Rng, World};

/// Worlds that are tried when no seed is given.
const SEEDS: u64 = 60;

fn seeds() -> Vec<u64> {
    std::env::var("TRUNKLINE_SEED").map_or_else(
        |_| (0..SEEDS).collect(),
        |seed| vec![seed.parse().expect("a seed is a number")],
    )
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn in_a_perfect_world_a_call_has_audio_both_ways_and_one_record() {
    let mut world = World::new(1, Link::PERFECT);
    let call = world.place(&Plan::to("+12065550100"));
    world.run_for(seconds(3));
    let heard = world.pbx.report(call).expect("the call is up").heard;
    assert!(heard.has_tone(), "our tone comes back: {heard:?}");
    world.pbx.hang_up(world.now(), call);
    world.settle();
    world.judge().unwrap();
    assert_eq!(world.end_of(call).map(|it| it.cause), Some(Cause::HungUp));
    let [record] = world.records() else { panic!("{:?}", world.records()) };
    assert_eq!(record.reason, "completed");
    assert_eq!(record.sip_user.as_deref(), Some("pbx"));
    assert!(record.quality.iter().all(|leg| leg.packets > 100 && leg.lost == 0), "{record:?}");
}

#[test]
fn the_second_carrier_takes_the_call_that_the_first_cannot() {
    let mut world = World::new(2, Link::PERFECT);
    let script = Script::answer(Sound::Echo);
    world.carriers[1].set_answering(Answering::Script(script));
    let call = world.place(&Plan::to("+12065550132"));
    world.run_for(seconds(2));
    assert!(world.pbx.report(call).expect("the call is up").heard.has_tone());
    world.settle();
    world.judge().unwrap();
    assert_eq!(world.records()[0].carrier.as_deref(), Some("carrier-2"));
}

#[test]
fn when_every_carrier_says_503_the_caller_hears_a_failure() {
    let mut world = World::new(2, Link::PERFECT);
    let call = world.place(&Plan::to("+12065550132"));
    world.run_for(seconds(2));
    let cause = world.end_of(call).map(|it| it.cause);
    assert!(matches!(cause, Some(Cause::Rejected(status)) if status.0 >= 500), "{cause:?}");
    world.settle();
    world.judge().unwrap();
}

#[test]
fn wrong_passwords_and_strangers_numbers_are_written_down_as_rejected() {
    let mut world = World::new(3, Link::PERFECT);
    let plan = Plan::to("+12065550100");
    world.place(&Plan { password: Password::Wrong, ..plan.clone() });
    world.place(&Plan { caller: Caller::Stranger, ..plan });
    world.run_for(seconds(2));
    world.settle();
    world.judge().unwrap();
    let statuses: Vec<CallStatus> = world.records().iter().map(|it| it.status).collect();
    assert_eq!(statuses, [CallStatus::Rejected; 2]);
    assert_eq!(world.carriers.iter().map(|it| it.transactions()).sum::<usize>(), 0);
}

#[test]
fn whatever_the_network_does_every_call_ends_once_with_one_record_and_nothing_left() {
    for seed in seeds() {
        let mut rng = Rng::new(seed);
        let link = Link::any(&mut rng);
        let mut world = World::new(seed, link);
        let mut calls = Vec::new();
        for _ in 0..1 + rng.below(4) {
            calls.push(world.place(&any_plan(&mut rng)));
            world.run_for(Duration::from_millis(rng.below(1500)));
        }
        for _ in 0..rng.below(10) {
            let call = calls[rng.below(calls.len() as u64) as usize];
            match rng.below(6) {
                0 => world.pbx.hang_up(world.now(), call),
                1 => world.pbx.hold(world.now(), call, Hold::On),
                2 => world.pbx.hold(world.now(), call, Hold::Off),
                3 => world.pbx.options(world.now(), call),
                _ => {}
            }
            world.run_for(Duration::from_millis(rng.below(3000)));
        }
        world.settle();
        if let Err(broken) = world.judge() {
            panic!("TRUNKLINE_SEED={seed} {link:?}: {broken}\nrecords: {:#?}", world.records());
        }
    }
}

fn any_plan(rng: &mut Rng) -> Plan {
    let mut plan = Plan::to(&format!("+120655501{:02}", rng.below(60)));
    if rng.percent(10) {
        plan.password = Password::Wrong;
    }
    if rng.percent(10) {
        plan.caller = Caller::Stranger;
    }
    plan
}
