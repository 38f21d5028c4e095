//! Calls through the whole trunk, in many worlds.

use std::time::Duration;

use agent::{Answering, Cause, Script, Sound, Srtp};
use model::{CallStatus, Direction, SrtpPolicy};
use sim::{Caller, Encryption, Link, Manners, Password, Plan, World};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn in_a_perfect_world_a_call_has_audio_both_ways_and_one_record() {
    let mut world = World::new(1, Link::PERFECT);
    let call = world.place(&Plan::to("+12065550100"));
    world.run_for(seconds(3));
    let heard = world.report(call).expect("the call is up").heard;
    assert!(heard.has_tone(), "our tone comes back: {heard:?}");
    world.hang_up(call);
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
    assert!(world.report(call).expect("the call is up").heard.has_tone());
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
fn a_call_in_rings_at_the_pbx_with_audio_both_ways_and_one_record() {
    let mut world = World::new(4, Link::PERFECT);
    let call = world.place(&Plan::inward());
    world.run_for(seconds(3));
    assert!(world.report(call).expect("the call is up").heard.has_tone());
    world.hang_up(call);
    world.settle();
    world.judge().unwrap();
    let [record] = world.records() else { panic!("{:?}", world.records()) };
    assert_eq!((record.direction, record.reason.as_str()), (Direction::Inbound, "completed"));
}

#[test]
fn an_encrypted_call_is_heard_while_every_packet_of_it_is_forged_replayed_and_cut() {
    let one_side = |pbx, carrier| Encryption { pbx, carriers: [carrier; 2] };
    for encryption in [
        Encryption::EVERYWHERE,
        one_side(Srtp::Require, SrtpPolicy::Never),
        one_side(Srtp::Accept, SrtpPolicy::Offer),
    ] {
        let mut world = World::with(5, Link::PERFECT, Manners::Good, encryption);
        world.besiege();
        let call = world.place(&Plan::to("+12065550100"));
        world.run_for(seconds(3));
        let heard = world.report(call).expect("the call is up").heard;
        assert!(heard.has_tone(), "{encryption:?}: {heard:?}");
        world.hang_up(call);
        world.settle();
        world.judge().unwrap();
        assert!(world.attacks_on_encrypted() > 1000, "{}", world.attacks_on_encrypted());
        let [record] = world.records() else { panic!("{:?}", world.records()) };
        assert!(record.quality.iter().all(|leg| leg.packets > 100 && leg.lost == 0), "{record:?}");
    }
}
