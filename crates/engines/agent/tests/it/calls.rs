//! What a caller and a called party can do to each other.

use agent::{Answering, Cause, Credential, Event, Gate, Hold, Script, Sound, Step};
use media::Digit;
use model::{DigestKeys, Secret};
use sip_core::digest::{Algorithm, Unanswerable};
use sip_message::Status;

use crate::world::{World, ended, ms};

const NUMBER: &str = "+12065550100";
const REALM: &str = "carrier.example";

fn answering(sound: Sound) -> Answering {
    Answering::Script(Script::answer(sound))
}

fn gated(algorithms: &[Algorithm], lifetime: u64) -> World {
    World::with(|config| {
        config.answering = answering(Sound::Echo);
        let keys = DigestKeys::derive("trunk", REALM, Secret::new("secret".into()));
        config.gate = Some(Gate {
            realm: REALM.into(),
            algorithms: algorithms.to_vec(),
            users: vec![("trunk".into(), keys)],
            nonce_lifetime: ms(lifetime),
        });
    })
}

fn with_password(password: &str) -> agent::CallOrder {
    let credential =
        Credential { username: "trunk".into(), password: Secret::new(password.into()) };
    agent::CallOrder { credential: Some(credential), ..World::order(NUMBER) }
}

#[test]
fn a_call_is_placed_talked_and_ended() {
    let mut world = World::new(answering(Sound::Echo));
    let call = world.call(World::order(NUMBER));
    world.run_until(ms(500));
    world.caller.hang_up(world.now, call);
    world.run_until(ms(1000));
    assert_eq!(world.messages(), ["> INVITE", "< 200 OK", "> ACK", "> BYE", "< 200 OK"]);
    assert_eq!(world.cause(call), Some(Cause::HungUp));
    let (other, _) = world.called_events[0];
    assert_eq!(ended(&world.called_events, other).unwrap().cause, Cause::PeerHungUp);
    assert!(ended(&world.called_events, other).unwrap().report.as_ref().unwrap().heard.has_tone());
    world.assert_clean("call");
}

#[test]
fn a_challenge_is_answered_under_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let mut world = gated(&[algorithm], 60_000);
        let call = world.call(with_password("secret"));
        world.run_until(ms(500));
        assert!(world.events.contains(&(call, Event::Answered)), "{:?}", world.events);
        let wanted = [
            "> INVITE",
            "< 407 Proxy Authentication Required",
            "> ACK",
            "> INVITE",
            "< 200 OK",
            "> ACK",
        ];
        assert_eq!(world.messages(), wanted);
        let invite = String::from_utf8(world.ladder[3].bytes.to_vec()).unwrap();
        assert!(invite.contains(&format!("algorithm={algorithm}, qop=auth, nc=00000001")));
        assert!(invite.contains("CSeq: 2 INVITE\r\n"), "{invite}");
    }
}

#[test]
fn a_wrong_password_and_none_at_all_end_the_call() {
    let mut world = gated(&[Algorithm::Md5], 60_000);
    let wrong = world.call(with_password("guess"));
    let none = world.call(World::order(NUMBER));
    world.run_until(ms(500));
    assert_eq!(world.cause(wrong), Some(Cause::Rejected(Status::FORBIDDEN)));
    let challenge = Status::PROXY_AUTHENTICATION_REQUIRED;
    assert_eq!(world.cause(none), Some(Cause::NoCredential(challenge)));
}

#[test]
fn a_peer_that_challenges_without_end_is_given_up() {
    let mut world = gated(&[Algorithm::Md5], 0);
    world.link.delay_ms_max = 20;
    world.rng.0 = 3;
    let call = world.call(with_password("secret"));
    world.run_until(ms(2000));
    let status = Status::PROXY_AUTHENTICATION_REQUIRED;
    let why = Unanswerable::Rejected;
    assert_eq!(world.cause(call), Some(Cause::Challenged { status, why }));
    let invites = world.messages().iter().filter(|it| *it == "> INVITE").count();
    assert_eq!(invites, 3, "one without, one with, one after stale=true");
}

#[test]
fn hold_and_its_end_are_agreed_on_and_silence_the_other_side() {
    let mut world = World::new(answering(Sound::Tone));
    let call = world.call(World::order(NUMBER));
    world.run_until(ms(1000));
    world.caller.hold(world.now, call, Hold::On);
    world.run_until(ms(1100));
    let (other, _) = world.called_events[0];
    assert!(world.events.contains(&(call, Event::Hold(Hold::On))), "{:?}", world.events);
    assert!(world.called_events.contains(&(other, Event::PeerHold(Hold::On))));
    let before = world.caller.report(call).unwrap().heard.packets;
    world.run_until(ms(3000));
    assert_eq!(world.caller.report(call).unwrap().heard.packets, before);

    world.caller.hold(world.now, call, Hold::Off);
    world.run_until(ms(4000));
    assert!(world.events.contains(&(call, Event::Hold(Hold::Off))));
    assert!(world.called_events.contains(&(other, Event::PeerHold(Hold::Off))));
    assert!(world.caller.report(call).unwrap().heard.packets > before + 40);
}

#[test]
fn when_both_hold_at_once_both_are_told_to_wait() {
    let mut world = World::new(answering(Sound::Tone));
    world.link.delay_ms_max = 0;
    let call = world.call(World::order(NUMBER));
    world.run_until(ms(100));
    let (other, _) = world.called_events[0];
    world.caller.hold(world.now, call, Hold::On);
    world.called.hold(world.now, other, Hold::On);
    world.run_until(ms(2000));
    let refused = Event::HoldRefused { status: Status::REQUEST_PENDING };
    assert!(world.events.contains(&(call, refused.clone())));
    assert!(world.called_events.contains(&(other, refused)));
    assert_eq!(world.cause(call), None, "the call goes on");
}

#[test]
fn digits_are_heard_as_they_were_pressed() {
    let mut world = World::new(answering(Sound::Silence));
    let call = world.call(World::order(NUMBER));
    world.run_until(ms(100));
    let digits: Vec<Digit> = "90*#".chars().filter_map(Digit::parse).collect();
    world.caller.press(world.now, call, &digits);
    world.run_until(ms(2000));
    let (other, _) = world.called_events[0];
    assert_eq!(world.called.report(other).unwrap().heard.digits, "90*#");
}

#[test]
fn options_in_the_dialog_tell_that_the_other_side_is_there() {
    let mut world = World::new(answering(Sound::Silence));
    let call = world.call(World::order(NUMBER));
    world.run_until(ms(100));
    world.caller.options(world.now, call);
    world.run_until(ms(200));
    assert!(world.events.contains(&(call, Event::OptionsAnswered { status: Status::OK })));
}

#[test]
fn a_caller_without_patience_cancels_and_one_with_a_plan_hangs_up() {
    let mut world = World::new(Answering::Script(Script { steps: vec![Step::Ring] }));
    let order = agent::CallOrder { give_up_after: Some(ms(700)), ..World::order(NUMBER) };
    let call = world.call(order);
    world.run_until(ms(800));
    assert_eq!(world.cause(call), Some(Cause::Cancelled));
    world.run_until(ms(60_000));
    world.assert_clean("patience");

    let mut world = World::new(answering(Sound::Echo));
    let order = agent::CallOrder { hang_up_after: Some(ms(700)), ..World::order(NUMBER) };
    let call = world.call(order);
    world.run_until(ms(800));
    assert_eq!(world.cause(call), Some(Cause::HungUp));
    let ended = world.ended(call).unwrap();
    assert!(ended.answered.unwrap() - ended.began < ms(10));
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up() {
    let steps = vec![Step::Ring, Step::Wait(ms(100)), Step::Answer(Sound::Echo)];
    let mut world = World::new(Answering::Script(Script { steps }));
    world.link.delay_ms_max = 0;
    let call = world.call(World::order(NUMBER));
    world.run_until(ms(99));
    // Both decide in the same millisecond: the answer is on the wire when the CANCEL leaves.
    world.now += ms(1);
    world.called.handle_timeout(world.now);
    world.caller.hang_up(world.now, call);
    world.run_until(ms(500));
    assert_eq!(world.cause(call), Some(Cause::Cancelled));
    let messages = world.messages();
    assert!(messages.contains(&"> ACK".to_owned()) && messages.contains(&"> BYE".to_owned()));
    world.run_until(ms(60_000));
    world.assert_clean("crossing");
}

#[test]
fn nobody_there_is_noticed_after_64_t1() {
    let mut world = World::new(Answering::Refuse);
    world.link.loss_percent = 100;
    let call = world.call(World::order(NUMBER));
    world.run_until(ms(31_999));
    assert_eq!(world.cause(call), None);
    world.run_until(ms(32_000));
    assert_eq!(world.cause(call), Some(Cause::TimedOut));
}

#[test]
fn an_answer_that_nobody_acknowledges_is_hung_up_after_64_t1() {
    let mut world = World::new(answering(Sound::Echo));
    world.link.delay_ms_max = 0;
    world.call(World::order(NUMBER));
    // The INVITE arrives; nothing of what follows does.
    world.now += ms(1);
    let (wire_open, broken) = (world.link, crate::world::Link { loss_percent: 100, ..world.link });
    world.run_one();
    world.link = broken;
    world.run_until(ms(33_000));
    world.link = wire_open;
    let (other, _) = world.called_events[0];
    world.run_until(ms(120_000));
    assert_eq!(ended(&world.called_events, other).unwrap().cause, Cause::NoAck);
    world.run_until(ms(300_000));
    world.assert_clean("no ack");
}

#[test]
fn a_refusing_agent_says_480_and_a_full_one_503() {
    let mut world = World::new(Answering::Refuse);
    let call = world.call(World::order(NUMBER));
    world.run_until(ms(100));
    assert_eq!(world.cause(call), Some(Cause::Rejected(Status::TEMPORARILY_UNAVAILABLE)));

    let mut world = World::with(|config| {
        config.answering = answering(Sound::Echo);
        config.calls_max = 1;
    });
    let first = world.call(World::order(NUMBER));
    let second = world.call(World::order(NUMBER));
    world.run_until(ms(100));
    assert_eq!(world.cause(first), None);
    assert_eq!(world.cause(second), Some(Cause::Rejected(Status::SERVICE_UNAVAILABLE)));
}
