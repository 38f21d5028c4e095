//! How calls end, and that each end leaves one record and nothing else.

use std::time::Duration;

use call::{Command, OnSilence};
use model::{CallStatus, Verdict};
use sip_message::Name;

use crate::peer::{
    Request, ack, answer, carrier_within, header, place, response, sdp, talk, within,
};
use crate::world::{CARRIER, PBX, World};

/// The caller gives up.
fn cancel(invite: &Request) -> Request {
    Request {
        method: "CANCEL".into(),
        contact: None,
        headers: vec![],
        body: None,
        ..invite.clone()
    }
}

/// Answers the BYE that was sent to an address.
#[track_caller]
fn let_go(world: &mut World, from: &str) -> String {
    let bye = world.expect(from, "BYE ");
    world.send(from, &response(&bye, "200 OK", "", &[], None));
    bye
}

#[track_caller]
fn ended(world: &World, status: CallStatus, reason: &str, sip_status: u16) {
    let record = world.only_record();
    assert_eq!((record.status, record.reason.as_str()), (status, reason));
    assert_eq!(record.sip_status, Some(sip_status));
}

#[test]
fn the_called_side_hangs_up_and_its_reason_is_handed_on() {
    let mut world = World::new();
    let call = talk(&mut world);
    let bye = carrier_within(&call.left, CARRIER, "called", "BYE", 1)
        .header("Reason: Q.850;cause=16;text=\"Normal call clearing\"");
    world.send(CARRIER, &bye.text());
    world.expect(CARRIER, "SIP/2.0 200 OK\r\n");
    let bye = let_go(&mut world, PBX);
    assert_eq!(header(&bye, Name::Reason), "Q.850;cause=16;text=\"Normal call clearing\"");
    ended(&world, CallStatus::Completed, "completed", 200);
    let end = world.only_record().decisions.last().unwrap();
    assert_eq!((end.verdict, &*end.seen), (Verdict::Note, "the called hung up"));
    world.assert_clean();
}

#[test]
fn two_byes_that_cross_end_the_call_once() {
    let mut world = World::new();
    let call = talk(&mut world);
    world.send(PBX, &within(&call.invite, &call.answer, "BYE", 9).text());
    world.expect(PBX, "SIP/2.0 200 OK");
    let ours = world.expect(CARRIER, "BYE ");
    world.send(CARRIER, &carrier_within(&call.left, CARRIER, "called", "BYE", 1).text());
    world.expect(CARRIER, "SIP/2.0 200 OK");
    world.send(CARRIER, &response(&ours, "481 Call/Transaction Does Not Exist", "", &[], None));
    world.only_record();
    world.assert_clean();
}

#[test]
fn a_bye_that_nobody_answers_is_repeated_and_given_up() {
    let mut world = World::new();
    let call = talk(&mut world);
    world.send(PBX, &within(&call.invite, &call.answer, "BYE", 9).text());
    world.expect(PBX, "SIP/2.0 200 OK");
    world.only_record();
    world.wait(Duration::from_secs(33));
    assert!(world.sent.len() > 5, "BYE is retransmitted");
    world.only_record();
    world.assert_clean();
}

#[test]
fn busy_declined_and_not_found_are_the_calls_answer() {
    for (status, reason, code) in [
        ("486 Busy Here", "busy", 486),
        ("600 Busy Everywhere", "busy", 600),
        ("603 Decline", "declined", 603),
        ("404 Not Found", "not-found", 404),
        ("480 Temporarily Unavailable", "unavailable", 480),
        ("403 Forbidden", "refused-by-carrier", 403),
    ] {
        let mut world = World::new();
        let (invite, left) = place(&mut world);
        world.send(CARRIER, &response(&left, "180 Ringing", "called", &[], None));
        world.expect(PBX, "SIP/2.0 180 ");
        world.send(CARRIER, &response(&left, status, "called", &[], None));
        world.expect(CARRIER, "ACK ");
        let answer = world.expect(PBX, &format!("SIP/2.0 {status}\r\n"));
        world.send(PBX, &ack(&invite, &answer).text());
        ended(&world, CallStatus::Failed, reason, code);
        let record = world.only_record();
        assert_eq!(record.status_message, status.split_once(' ').unwrap().1);
        assert_eq!(record.answered, None);
        world.assert_clean();
    }
}

#[test]
fn a_caller_that_gives_up_cancels_the_carriers_call() {
    let mut world = World::new();
    let (invite, left) = place(&mut world);
    world.send(CARRIER, &response(&left, "180 Ringing", "called", &[], None));
    world.expect(PBX, "SIP/2.0 180 ");
    world.send(PBX, &cancel(&invite).text());
    world.expect(PBX, "SIP/2.0 200 OK\r\n");
    let terminated = world.expect(PBX, "SIP/2.0 487 Request Terminated\r\n");
    world.send(PBX, &ack(&invite, &terminated).text());
    let cancelled = world.expect(CARRIER, "CANCEL ");
    world.send(CARRIER, &response(&cancelled, "200 OK", "called", &[], None));
    world.send(CARRIER, &response(&left, "487 Request Terminated", "called", &[], None));
    world.expect(CARRIER, "ACK ");
    ended(&world, CallStatus::Failed, "cancelled", 487);
    assert_eq!(world.only_record().decisions.last().unwrap().seen, "cancelled by the caller");
    world.assert_clean();
}

#[test]
fn a_cancel_waits_for_the_carriers_first_response() {
    let mut world = World::new();
    let (invite, left) = place(&mut world);
    world.send(PBX, &cancel(&invite).text());
    world.expect(PBX, "SIP/2.0 200 ");
    world.expect(PBX, "SIP/2.0 487 ");
    world.expect_nothing(CARRIER);
    world.send(CARRIER, &response(&left, "100 Trying", "", &[], None));
    world.expect(CARRIER, "CANCEL ");
    world.only_record();
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up() {
    let mut world = World::new();
    let (invite, left) = place(&mut world);
    world.send(CARRIER, &response(&left, "180 Ringing", "called", &[], None));
    world.expect(PBX, "SIP/2.0 180 ");
    world.send(PBX, &cancel(&invite).text());
    world.expect(PBX, "SIP/2.0 200 ");
    world.expect(PBX, "SIP/2.0 487 ");
    world.expect(CARRIER, "CANCEL ");

    let contact = format!("Contact: <sip:{CARRIER}>");
    let ok = response(&left, "200 OK", "called", &[&contact], Some(&sdp("198.51.100.20", 6000)));
    world.send(CARRIER, &ok);
    world.expect(CARRIER, "ACK ");
    let_go(&mut world, CARRIER);
    world.expect_nothing(PBX);
    ended(&world, CallStatus::Failed, "cancelled", 487);
    world.wait(Duration::from_secs(70));
    world.only_record();
    world.assert_clean();
}

#[test]
fn a_cancel_that_crosses_the_answer_comes_too_late() {
    let mut world = World::new();
    let (invite, left) = place(&mut world);
    let answer = answer(&mut world, &left);
    world.send(PBX, &cancel(&invite).text());
    world.expect(PBX, "SIP/2.0 200 OK\r\n");
    world.expect_nothing(CARRIER);
    world.send(PBX, &ack(&invite, &answer).text());
    assert_eq!(world.engine.calls_open(), 1);
    assert!(world.records.is_empty());
}

#[test]
fn a_caller_may_leave_an_early_dialog_by_bye() {
    let mut world = World::new();
    let (invite, left) = place(&mut world);
    let contact = format!("Contact: <sip:{CARRIER}>");
    world.send(CARRIER, &response(&left, "180 Ringing", "called", &[&contact], None));
    let ringing = world.expect(PBX, "SIP/2.0 180 ");
    world.send(PBX, &within(&invite, &ringing, "BYE", 9).text());
    world.expect(PBX, "SIP/2.0 200 ");
    world.expect(PBX, "SIP/2.0 487 ");
    world.expect(CARRIER, "CANCEL ");
    ended(&world, CallStatus::Failed, "cancelled", 487);
}

#[test]
fn nobody_answers_in_time() {
    let mut world = World::new();
    let (_, left) = place(&mut world);
    world.send(CARRIER, &response(&left, "180 Ringing", "called", &[], None));
    world.expect(PBX, "SIP/2.0 180 ");
    world.wait(Duration::from_secs(179));
    world.expect_nothing(PBX);
    world.wait(Duration::from_secs(1));
    world.expect(PBX, "SIP/2.0 480 No answer\r\n");
    world.expect(CARRIER, "CANCEL ");
    ended(&world, CallStatus::Failed, "no-answer", 480);
    world.wait(Duration::from_secs(70));
    world.assert_clean();
}

#[test]
fn a_caller_may_ask_for_less_patience() {
    let mut world = World::without_users();
    world.send(PBX, &Request::invite().header("Expires: 20").text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    world.send(CARRIER, &response(&left, "180 Ringing", "called", &[], None));
    world.expect(PBX, "SIP/2.0 180 ");
    world.wait(Duration::from_secs(20));
    world.expect(PBX, "SIP/2.0 480 No answer\r\n");
}

#[test]
fn an_answer_that_is_never_acknowledged_is_hung_up_on_both_sides_with_aws_words() {
    let mut world = World::new();
    let (_, left) = place(&mut world);
    answer(&mut world, &left);
    world.wait(Duration::from_millis(31_600));
    world.forget_sent();
    world.wait(Duration::from_millis(400));
    for side in [PBX, CARRIER] {
        let bye = let_go(&mut world, side);
        assert_eq!(header(&bye, Name::Reason), "SIP;cause=200;text=\"ACK timeout\"");
    }
    ended(&world, CallStatus::Completed, "ack-timeout", 200);
    let end = world.only_record().decisions.last().unwrap();
    assert!(end.remedy.contains("Contact"), "{end:?}");
    world.wait(Duration::from_secs(33));
    world.assert_clean();
}

#[test]
fn a_called_side_that_hangs_up_at_once_waits_for_the_callers_ack() {
    let mut world = World::new();
    let (invite, left) = place(&mut world);
    let answer = answer(&mut world, &left);
    world.send(CARRIER, &carrier_within(&left, CARRIER, "called", "BYE", 1).text());
    world.expect(CARRIER, "SIP/2.0 200 OK");
    world.expect_nothing(PBX);
    world.send(PBX, &ack(&invite, &answer).text());
    let_go(&mut world, PBX);
    ended(&world, CallStatus::Completed, "completed", 200);
    world.assert_clean();
}

#[test]
fn a_called_side_that_hangs_up_on_a_deaf_caller_leaves_nothing_behind() {
    let mut world = World::new();
    let (_, left) = place(&mut world);
    answer(&mut world, &left);
    world.send(CARRIER, &carrier_within(&left, CARRIER, "called", "BYE", 1).text());
    world.wait(Duration::from_secs(32));
    world.forget_sent();
    world.wait(Duration::from_secs(40));
    ended(&world, CallStatus::Completed, "completed", 200);
    world.assert_clean();
}

#[test]
fn a_call_ends_when_it_has_lasted_as_long_as_it_may() {
    let mut world = World::with(|config| config.patience.duration = Duration::from_secs(60));
    talk(&mut world);
    // Media flows, or silence would end the call first.
    world.wait(Duration::from_secs(60));
    for side in [PBX, CARRIER] {
        let bye = let_go(&mut world, side);
        assert!(header(&bye, Name::Reason).contains("Maximum duration reached"), "{bye}");
    }
    ended(&world, CallStatus::Completed, "duration-max", 200);
    assert_eq!(world.only_record().duration_ms(), 60_000);
    world.assert_clean();
}

fn fall_silent(world: &mut World) {
    world.wait(Duration::from_secs(31));
    let now = world.now().instant;
    world.relay.handle_timeout(now);
    while let Some(event) = world.relay.poll_event() {
        world.put(call::Input::Media(call::MediaEvent::Relay(event)));
    }
}

#[test]
fn a_call_without_media_is_hung_up() {
    let mut world = World::new();
    talk(&mut world);
    fall_silent(&mut world);
    for side in [PBX, CARRIER] {
        let_go(&mut world, side);
    }
    ended(&world, CallStatus::Completed, "media-silent", 200);
    let end = world.only_record().decisions.last().unwrap();
    assert_eq!(end.seen, "no media from the caller");
    assert!(end.remedy.contains("media.advertised_address"), "{end:?}");
    world.assert_clean();
}

#[test]
fn silence_can_be_ignored() {
    let mut world = World::with(|config| config.on_silence = OnSilence::Ignore);
    talk(&mut world);
    fall_silent(&mut world);
    world.expect_nothing(PBX);
    assert_eq!(world.engine.calls_open(), 1);
}

#[test]
fn an_operator_hangs_up_a_call_that_rings_and_one_that_talks() {
    let mut world = World::new();
    place(&mut world);
    let transaction = world.engine.live_calls(None, 1)[0].transaction_id;
    world.command(Command::HangUp { transaction });
    world.expect(PBX, "SIP/2.0 503 Hung up by the operator\r\n");
    ended(&world, CallStatus::Failed, "operator", 503);

    let mut world = World::new();
    talk(&mut world);
    let transaction = world.engine.live_calls(None, 1)[0].transaction_id;
    world.command(Command::HangUp { transaction });
    for side in [PBX, CARRIER] {
        let bye = let_go(&mut world, side);
        assert!(header(&bye, Name::Reason).contains("Hung up by the operator"), "{bye}");
    }
    ended(&world, CallStatus::Completed, "operator", 200);
    world.command(Command::HangUp { transaction });
    world.only_record();
    world.assert_clean();
}

#[test]
fn a_shutdown_ends_every_call() {
    let mut world = World::new();
    talk(&mut world);
    world.command(Command::HangUpAll);
    for side in [PBX, CARRIER] {
        let_go(&mut world, side);
    }
    ended(&world, CallStatus::Completed, "shutdown", 200);
    world.assert_clean();
}

#[test]
fn an_answer_with_media_that_cannot_be_carried_ends_the_call() {
    for body in [Some("v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n"), None] {
        let mut world = World::new();
        let (_, left) = place(&mut world);
        let contact = format!("Contact: <sip:{CARRIER}>");
        world.send(CARRIER, &response(&left, "200 OK", "called", &[&contact], body));
        world.expect(CARRIER, "ACK ");
        let_go(&mut world, CARRIER);
        world.expect(PBX, "SIP/2.0 502 The answer's media cannot be carried\r\n");
        ended(&world, CallStatus::Failed, "answer-refused", 502);
        world.assert_clean();
    }
}

#[test]
fn a_record_is_written_without_figures_if_the_media_does_not_report() {
    let mut world = World::new();
    let call = talk(&mut world);
    world.media_answers = false;
    world.send(PBX, &within(&call.invite, &call.answer, "BYE", 9).text());
    world.expect(PBX, "SIP/2.0 200 OK");
    let_go(&mut world, CARRIER);
    assert!(world.records.is_empty());
    world.wait(Duration::from_secs(2));
    assert!(world.only_record().quality.is_empty());
    assert!(world.engine.is_idle());
    assert_eq!(world.engine.ports(), (8, 2), "ports stay with the media until it lets them go");

    let call = media::CallMediaId(0);
    world.put(call::Input::Media(call::MediaEvent::Closed { call, quality: None }));
    world.only_record();
    world.assert_clean();
}

#[test]
fn a_report_that_comes_after_the_record_makes_no_second_one() {
    let mut world = World::new();
    let call = talk(&mut world);
    world.media_answers = false;
    world.send(PBX, &within(&call.invite, &call.answer, "BYE", 9).text());
    world.wait(Duration::from_secs(3));
    world.only_record();

    // The carrier has not answered the BYE, so the call is still being cleared away.
    let call = media::CallMediaId(0);
    world.put(call::Input::Media(call::MediaEvent::Closed { call, quality: None }));
    world.only_record();
    world.wait(Duration::from_secs(40));
    world.only_record();
    world.assert_clean();
}
