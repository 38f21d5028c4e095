//! The simulated carrier keeps what its table promises.

use agent::{Answering, Cause, Event, Sound};
use sip_message::Status;

use crate::world::{World, ms};

fn world() -> World {
    World::new(Answering::SimulatedCarrier)
}

fn number(digits: &str) -> String {
    format!("+120655501{digits}")
}

#[test]
fn usual_numbers_ring_a_tenth_of_a_second_answer_and_echo() {
    for digits in ["00", "19", "77"] {
        let mut world = world();
        let call = world.call(World::order(&number(digits)));
        world.run_until(ms(99));
        assert_eq!(world.messages(), ["> INVITE", "< 180 Ringing"]);
        world.run_until(ms(1000));
        let heard = world.caller.report(call).unwrap().heard;
        assert!(heard.has_tone(), "{heard:?}");
        world.caller.hang_up(world.now, call);
        world.run_until(ms(60_000));
        let ended = world.ended(call).unwrap();
        assert_eq!(ended.cause, Cause::HungUp);
        let report = ended.report.as_ref().unwrap();
        assert_eq!(report.heard.packets_lost, 0);
        assert!(report.mos.unwrap() > 4.0, "{report:?}");
        world.assert_clean(digits);
    }
}

#[test]
fn number_20_plays_the_tone() {
    let mut world = world();
    let mut order = World::order(&number("20"));
    order.sound = Sound::Nothing;
    let call = world.call(order);
    world.run_until(ms(1000));
    assert!(world.caller.report(call).unwrap().heard.has_tone());
}

#[test]
fn numbers_that_refuse_do_so_with_their_status() {
    for (digits, status) in [
        ("30", Status::BUSY_HERE),
        ("32", Status::SERVICE_UNAVAILABLE),
        ("33", Status::NOT_FOUND),
        ("34", Status::DECLINE),
    ] {
        let mut world = world();
        let call = world.call(World::order(&number(digits)));
        world.run_until(ms(60_000));
        assert_eq!(world.cause(call), Some(Cause::Rejected(status)));
        let wanted = format!("< {status} {}", status.reason());
        assert_eq!(world.messages(), ["> INVITE", &wanted, "> ACK"]);
        world.assert_clean(digits);
    }
}

#[test]
fn a_number_out_of_range_is_not_found() {
    let mut world = world();
    let call = world.call(World::order("+12065550200"));
    world.run_until(ms(10));
    assert_eq!(world.cause(call), Some(Cause::Rejected(Status::NOT_FOUND)));
}

#[test]
fn number_31_rings_until_it_is_cancelled() {
    let mut world = world();
    let call = world.call(World::order(&number("31")));
    world.run_until(ms(120_000));
    assert_eq!(world.messages(), ["> INVITE", "< 180 Ringing"]);
    world.caller.hang_up(world.now, call);
    world.run_until(ms(120_100));
    assert_eq!(world.cause(call), Some(Cause::Cancelled));
    let messages = world.messages();
    assert_eq!(messages[2], "> CANCEL");
    let mut answers = messages[3..5].to_vec();
    answers.sort_unstable();
    assert_eq!(answers, ["< 200 OK", "< 487 Request Terminated"]);
    assert_eq!(messages[5], "> ACK");
    world.run_until(ms(200_000));
    world.assert_clean("31");
}

#[test]
fn number_40_rings_three_seconds() {
    let mut world = world();
    let call = world.call(World::order(&number("40")));
    world.run_until(ms(2999));
    assert!(!world.events.contains(&(call, Event::Answered)));
    world.run_until(ms(3010));
    assert!(world.events.contains(&(call, Event::Answered)));
}

#[test]
fn number_41_plays_a_tone_for_two_seconds_before_it_answers() {
    let mut world = world();
    let mut order = World::order(&number("41"));
    order.sound = Sound::Silence;
    let call = world.call(order);
    world.run_until(ms(1999));
    assert!(!world.events.contains(&(call, Event::Answered)));
    let early = world.caller.report(call).unwrap().heard;
    assert!(early.has_tone(), "{early:?}");
    world.run_until(ms(2010));
    assert!(world.events.contains(&(call, Event::Answered)));
    world.run_until(ms(4000));
    let heard = world.caller.report(call).unwrap().heard;
    assert!(heard.silence_packets > 50, "it echoes after the answer: {heard:?}");
}

#[test]
fn number_42_presses_1_2_3_and_hash() {
    let mut world = world();
    let call = world.call(World::order(&number("42")));
    world.run_until(ms(3000));
    assert_eq!(world.caller.report(call).unwrap().heard.digits, "123#");
}

#[test]
fn number_50_hangs_up_after_five_seconds() {
    let mut world = world();
    let call = world.call(World::order(&number("50")));
    world.run_until(ms(4990));
    assert_eq!(world.cause(call), None);
    world.run_until(ms(5100));
    assert_eq!(world.cause(call), Some(Cause::PeerHungUp));
    assert!(world.messages().ends_with(&["< BYE".into(), "> 200 OK".into()]));
    world.assert_clean("50");
}

#[test]
fn it_takes_many_calls_at_once_and_says_when_its_ports_are_gone() {
    let mut world = world();
    let calls: Vec<_> = (0..9).map(|_| world.call(World::order(&number("00")))).collect();
    assert_eq!(world.cause(calls[8]), Some(Cause::NoPorts), "the caller has eight pairs");
    world.run_until(ms(1000));
    for call in &calls[..8] {
        assert!(world.caller.report(*call).unwrap().heard.has_tone());
        world.caller.hang_up(world.now, *call);
    }
    world.run_until(ms(60_000));
    world.assert_clean("many");
}

#[test]
fn options_outside_a_call_are_answered() {
    let mut world = world();
    let text = "OPTIONS sip:192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKo\r\n\
        From: <sip:a@192.0.2.1>;tag=1\r\nTo: <sip:192.0.2.2>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\n\
        Content-Length: 0\r\n\r\n";
    let flow = sip_message::Flow::udp(
        crate::world::CALLED.parse().unwrap(),
        crate::world::CALLER.parse().unwrap(),
    );
    world.called.handle_input(world.now, agent::Input::Message { flow, bytes: text.as_bytes() });
    let sent = std::iter::from_fn(|| world.called.poll_output());
    let answer = sent.filter_map(|it| match it {
        agent::Output::Send { bytes, .. } => String::from_utf8(bytes).ok(),
        agent::Output::Media { .. } | agent::Output::Event { .. } | agent::Output::Traced(_) => {
            None
        }
    });
    let answers: Vec<String> = answer.collect();
    assert!(answers[0].starts_with("SIP/2.0 200 OK\r\n"), "{answers:?}");
    assert!(answers[0].contains("Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"));
}
