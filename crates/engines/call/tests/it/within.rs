//! Requests within an answered call, handed on to the other side.

use std::time::Duration;

use model::CallStatus;
use sip_message::Name;

use crate::peer::{
    Request, Talk, ack, answer, body, carrier_within, header, place, response, sdp, sdp_as, talk,
    within,
};
use crate::world::{CARRIER, PBX, World, carrier, with_credential};

fn reinvite(call: &Talk, cseq: u32, offer: &str) -> Request {
    within(&call.invite, &call.answer, "INVITE", cseq).body(offer)
}

#[track_caller]
fn carrier_answers(world: &mut World, request: &str, answer: &str) {
    let contact = format!("Contact: <sip:{CARRIER}>");
    world.send(CARRIER, &response(request, "200 OK", "", &[&contact], Some(answer)));
}

#[test]
fn a_caller_holds_and_resumes() {
    let mut world = World::new();
    let call = talk(&mut world);
    for (cseq, asked, answered) in [(5, "sendonly", "recvonly"), (6, "sendrecv", "sendrecv")] {
        let hold = reinvite(&call, cseq, &sdp_as("192.0.2.10", 4000, asked));
        world.send(PBX, &hold.text());
        world.expect(PBX, "SIP/2.0 100 ");
        let left = world.expect(CARRIER, "INVITE sip:198.51.100.20:5060 SIP/2.0\r\n");
        assert!(body(&left).contains(&format!("a={asked}\r\n")), "{left}");
        assert!(body(&left).contains("m=audio 20002 "), "the same port as before: {left}");
        assert!(header(&left, Name::To).ends_with(";tag=called"), "{left}");
        carrier_answers(&mut world, &left, &sdp_as("198.51.100.20", 6000, answered));
        world.expect(CARRIER, "ACK ");
        let answer = world.expect(PBX, "SIP/2.0 200 OK\r\n");
        assert!(body(&answer).contains(&format!("a={answered}\r\n")), "{answer}");
        assert!(body(&answer).contains("m=audio 20000 "), "{answer}");
        world.send(PBX, &ack(&hold, &answer).text());
    }
    world.wait(Duration::from_secs(20));
    world.expect_nothing(PBX);
    assert_eq!(world.engine.calls_open(), 1);
}

#[test]
fn a_change_whose_answer_cannot_be_carried_is_answered_before_the_call_ends() {
    let mut world = World::new();
    let call = talk(&mut world);
    let hold = reinvite(&call, 5, &sdp_as("192.0.2.10", 4000, "sendonly"));
    world.send(PBX, &hold.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    let contact = format!("Contact: <sip:{CARRIER}>");
    world.send(CARRIER, &response(&left, "200 OK", "", &[&contact], None));
    world.expect(CARRIER, "ACK ");
    let refused = world.expect(PBX, "SIP/2.0 502 ");
    assert!(header(&refused, Name::CSeq).starts_with("5 INVITE"), "{refused}");
    world.send(PBX, &ack(&hold, &refused).text());
    for peer in [CARRIER, PBX] {
        let bye = world.expect(peer, "BYE ");
        world.send(peer, &response(&bye, "200 OK", "", &[], None));
    }
    assert_eq!(world.only_record().reason, "answer-refused");
    world.wait(Duration::from_secs(64));
    world.assert_clean();
}

#[test]
fn a_held_call_is_not_hung_up_for_its_silence() {
    let mut world = World::new();
    let call = talk(&mut world);
    let hold = reinvite(&call, 5, &sdp_as("192.0.2.10", 4000, "inactive"));
    world.send(PBX, &hold.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    carrier_answers(&mut world, &left, &sdp_as("198.51.100.20", 6000, "inactive"));
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &ack(&hold, &answer).text());
    world.wait(Duration::from_secs(120));
    let now = world.now().instant;
    world.relay.handle_timeout(now);
    assert_eq!(world.relay.poll_event(), None);
}

#[test]
fn the_called_side_moves_its_media() {
    let mut world = World::new();
    let call = talk(&mut world);
    let moved = carrier_within(&call.left, CARRIER, "called", "INVITE", 1)
        .body(&sdp("198.51.100.99", 7000));
    world.send(CARRIER, &moved.text());
    world.expect(CARRIER, "SIP/2.0 100 ");
    let left = world.expect(PBX, "INVITE sip:pbx@192.0.2.10:5060 SIP/2.0\r\n");
    assert!(body(&left).contains("m=audio 20000 "), "{left}");
    world.send(PBX, &response(&left, "200 OK", "", &[], Some(&sdp("192.0.2.10", 4000))));
    world.expect(PBX, "ACK ");
    let answer = world.expect(CARRIER, "SIP/2.0 200 ");
    world.send(CARRIER, &ack(&moved, &answer).text());

    let now = world.now().instant;
    let caller = "192.0.2.10:4000".parse().unwrap();
    let mut packet = [0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xff];
    let sent = world.relay.handle(now, 20_000, caller, &mut packet).unwrap();
    assert_eq!(sent.to, "198.51.100.99:7000".parse().unwrap());
}

#[test]
fn a_reinvite_that_is_refused_leaves_the_call_as_it_was() {
    let mut world = World::new();
    let call = talk(&mut world);
    let moved = reinvite(&call, 5, &sdp("192.0.2.99", 9000));
    world.send(PBX, &moved.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    world.send(CARRIER, &response(&left, "488 Not Acceptable Here", "", &[], None));
    world.expect(CARRIER, "ACK ");
    world.expect(PBX, "SIP/2.0 488 Not Acceptable Here\r\n");

    let now = world.now().instant;
    let called = "198.51.100.20:6000".parse().unwrap();
    let mut packet = [0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xff];
    let sent = world.relay.handle(now, 20_002, called, &mut packet).unwrap();
    assert_eq!(sent.to, "192.0.2.10:4000".parse().unwrap());
    assert_eq!(world.engine.calls_open(), 1);
}

#[test]
fn a_reinvite_without_an_offer_lets_the_other_side_make_it() {
    let mut world = World::new();
    let call = talk(&mut world);
    let asked = within(&call.invite, &call.answer, "INVITE", 5);
    world.send(PBX, &asked.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    assert_eq!(body(&left), "");
    carrier_answers(&mut world, &left, &sdp("198.51.100.20", 6002));
    world.expect_nothing(CARRIER);
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &ack(&asked, &answer).body(&sdp("192.0.2.10", 4002)).text());
    let acknowledged = world.expect(CARRIER, "ACK ");
    assert!(body(&acknowledged).contains("m=audio 20002 "), "{acknowledged}");

    let now = world.now().instant;
    let caller = "192.0.2.10:4002".parse().unwrap();
    let mut packet = [0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xff];
    let sent = world.relay.handle(now, 20_000, caller, &mut packet).unwrap();
    assert_eq!(sent.to, "198.51.100.20:6002".parse().unwrap());
}

#[test]
fn an_offer_without_audio_is_refused_and_does_not_reach_the_other_side() {
    let mut world = World::new();
    let call = talk(&mut world);
    let video =
        sdp("192.0.2.10", 4000).replace("m=audio 4000 RTP/AVP 0 8 101", "m=video 4000 RTP/AVP 96");
    world.send(PBX, &reinvite(&call, 5, &video).text());
    world.expect(PBX, "SIP/2.0 488 ");
    world.expect_nothing(CARRIER);
}

#[test]
fn reinvites_that_cross_are_both_told_to_wait() {
    let mut world = World::new();
    let call = talk(&mut world);
    let ours = reinvite(&call, 5, &sdp("192.0.2.10", 4000));
    world.send(PBX, &ours.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    let theirs = carrier_within(&call.left, CARRIER, "called", "INVITE", 1)
        .body(&sdp("198.51.100.20", 6000));
    world.send(CARRIER, &theirs.text());
    world.expect(CARRIER, "SIP/2.0 491 Request Pending\r\n");
    world.send(CARRIER, &response(&left, "491 Request Pending", "", &[], None));
    world.expect(CARRIER, "ACK ");
    world.expect(PBX, "SIP/2.0 491 Request Pending\r\n");

    // A second one of the same side, while the first is open, is 500 (RFC 3261 §14.2).
    world.send(PBX, &reinvite(&call, 6, &sdp("192.0.2.10", 4000)).text());
    world.expect(PBX, "SIP/2.0 100 ");
    world.send(PBX, &reinvite(&call, 7, &sdp("192.0.2.10", 4000)).text());
    let refused = world.expect(PBX, "SIP/2.0 500 ");
    assert!(refused.contains("Retry-After: "), "{refused}");
}

#[test]
fn a_reinvite_may_be_cancelled() {
    let mut world = World::new();
    let call = talk(&mut world);
    let asked = reinvite(&call, 5, &sdp("192.0.2.10", 4000));
    world.send(PBX, &asked.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    world.send(CARRIER, &response(&left, "180 Ringing", "", &[], None));
    let cancel = Request { method: "CANCEL".into(), body: None, contact: None, ..asked };
    world.send(PBX, &cancel.text());
    world.expect(PBX, "SIP/2.0 200 ");
    world.expect(CARRIER, "CANCEL ");
    world.send(CARRIER, &response(&left, "487 Request Terminated", "", &[], None));
    world.expect(PBX, "SIP/2.0 487 ");
    assert_eq!(world.engine.calls_open(), 1);
}

#[test]
fn a_dialog_that_the_other_side_has_lost_ends_the_call() {
    let mut world = World::new();
    let call = talk(&mut world);
    world.send(PBX, &reinvite(&call, 5, &sdp("192.0.2.10", 4000)).text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    world.send(CARRIER, &response(&left, "481 Call/Transaction Does Not Exist", "", &[], None));
    world.expect(PBX, "SIP/2.0 481 ");
    world.expect(PBX, "BYE ");
    let record = world.only_record();
    assert_eq!((record.status, record.reason.as_str()), (CallStatus::Completed, "dialog-lost"));
}

#[test]
fn a_reinvite_that_nobody_answers_ends_the_call() {
    let mut world = World::new();
    let call = talk(&mut world);
    world.send(PBX, &reinvite(&call, 5, &sdp("192.0.2.10", 4000)).text());
    world.expect(PBX, "SIP/2.0 100 ");
    world.wait(Duration::from_secs(32));
    world.expect(PBX, "SIP/2.0 408 ");
    world.expect(PBX, "BYE ");
    assert_eq!(world.only_record().reason, "dialog-lost");
    world.wait(Duration::from_secs(40));
    world.assert_clean();
}

#[test]
fn a_reinvite_whose_answer_cannot_be_used_is_answered_and_ends_the_call() {
    let nonsense = "v=0\r\n".to_owned();
    let video = sdp("198.51.100.20", 6000).replace("m=audio", "m=video");
    for answer in [Some(nonsense), Some(video), None] {
        let mut world = World::new();
        let call = talk(&mut world);
        let asked = reinvite(&call, 5, &sdp("192.0.2.10", 4000));
        world.send(PBX, &asked.text());
        world.expect(PBX, "SIP/2.0 100 ");
        let left = world.expect(CARRIER, "INVITE ");
        world.send(CARRIER, &response(&left, "200 OK", "", &[], answer.as_deref()));
        world.expect(CARRIER, "ACK ");
        let refused = world.expect(PBX, "SIP/2.0 502 ");
        world.send(PBX, &ack(&asked, &refused).text());
        for peer in [PBX, CARRIER] {
            let bye = world.expect(peer, "BYE ");
            world.send(peer, &response(&bye, "200 OK", "", &[], None));
        }
        assert_eq!(world.only_record().reason, "answer-refused");
        world.wait(Duration::from_secs(40));
        world.assert_clean();
        assert_eq!(world.engine.transactions(), 0);
    }
}

#[test]
fn an_update_is_handed_on_with_an_offer_and_answered_here_without() {
    let mut world = World::new();
    let call = talk(&mut world);
    let mut moved = within(&call.invite, &call.answer, "UPDATE", 5);
    moved.contact = Some("<sip:elsewhere@192.0.2.10:5070>".into());
    world.send(PBX, &moved.text());
    world.expect(PBX, "SIP/2.0 200 ");
    world.expect_nothing(CARRIER);

    let offered = within(&call.invite, &call.answer, "UPDATE", 6).body(&sdp("192.0.2.10", 4004));
    world.send(PBX, &offered.text());
    let left = world.expect(CARRIER, "UPDATE ");
    assert!(body(&left).contains("m=audio 20002 "), "{left}");
    carrier_answers(&mut world, &left, &sdp("198.51.100.20", 6000));
    world.expect_nothing(CARRIER);
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    assert!(body(&answer).contains("m=audio 20000 "), "{answer}");
}

#[test]
fn dtmf_by_info_is_handed_on_byte_for_byte() {
    let mut world = World::new();
    let call = talk(&mut world);
    let mut info = within(&call.invite, &call.answer, "INFO", 5);
    info.body = Some(("application/dtmf-relay".into(), "Signal=5\r\nDuration=160\r\n".into()));
    world.send(PBX, &info.text());
    let left = world.expect(CARRIER, "INFO ");
    assert_eq!(header(&left, Name::ContentType), "application/dtmf-relay");
    assert_eq!(body(&left), "Signal=5\r\nDuration=160\r\n");
    world.send(CARRIER, &response(&left, "415 Unsupported Media Type", "", &[], None));
    world.expect(PBX, "SIP/2.0 415 ");
    assert_eq!(world.engine.calls_open(), 1);
}

#[test]
fn requests_that_a_trunk_does_not_serve_are_refused_within_a_call_too() {
    let mut world = World::new();
    let call = talk(&mut world);
    for (cseq, method, status) in [
        (5, "REFER", "405 Method Not Allowed"),
        (6, "NOTIFY", "405 Method Not Allowed"),
        (7, "PRACK", "481 Call/Transaction Does Not Exist"),
        (8, "FROBNICATE", "501 Not Implemented"),
        (9, "OPTIONS", "200 OK"),
    ] {
        world.send(PBX, &within(&call.invite, &call.answer, method, cseq).text());
        world.expect(PBX, &format!("SIP/2.0 {status}\r\n"));
    }
    world.expect_nothing(CARRIER);
}

#[test]
fn a_request_that_comes_out_of_order_is_500() {
    let mut world = World::new();
    let call = talk(&mut world);
    world.send(PBX, &within(&call.invite, &call.answer, "OPTIONS", 9).text());
    world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &within(&call.invite, &call.answer, "INFO", 8).text());
    world.expect(PBX, "SIP/2.0 500 ");
}

#[test]
fn a_bye_answers_what_was_still_open() {
    let mut world = World::new();
    let call = talk(&mut world);
    let asked = reinvite(&call, 5, &sdp("192.0.2.10", 4000));
    world.send(PBX, &asked.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    world.send(CARRIER, &carrier_within(&call.left, CARRIER, "called", "BYE", 1).text());
    world.expect(CARRIER, "SIP/2.0 200 ");
    world.expect(PBX, "SIP/2.0 487 ");
    let bye = world.expect(PBX, "BYE ");
    world.send(PBX, &response(&bye, "200 OK", "", &[], None));
    // An answer to the re-INVITE that crosses is acknowledged.
    carrier_answers(&mut world, &left, &sdp("198.51.100.20", 6000));
    world.expect(CARRIER, "ACK ");
    world.only_record();
    world.wait(Duration::from_secs(70));
    world.assert_clean();
}

#[test]
fn early_requests_are_told_to_wait() {
    let mut world = World::new();
    let (invite, left) = place(&mut world);
    let contact = format!("Contact: <sip:{CARRIER}>");
    world.send(CARRIER, &response(&left, "180 Ringing", "called", &[&contact], None));
    let ringing = world.expect(PBX, "SIP/2.0 180 ");
    world.send(PBX, &within(&invite, &ringing, "INFO", 9).text());
    world.expect(PBX, "SIP/2.0 491 ");
    world.expect_nothing(CARRIER);
}

#[test]
fn an_answer_to_a_reinvite_that_comes_again_is_acknowledged_again() {
    let mut world = World::new();
    let call = talk(&mut world);
    let asked = reinvite(&call, 5, &sdp("192.0.2.10", 4000));
    world.send(PBX, &asked.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    for _ in 0..2 {
        carrier_answers(&mut world, &left, &sdp("198.51.100.20", 6000));
        let acknowledged = world.expect(CARRIER, "ACK ");
        assert_eq!(
            header(&acknowledged, Name::CSeq),
            header(&left, Name::CSeq).replace("INVITE", "ACK")
        );
    }
    world.expect(PBX, "SIP/2.0 200 ");
    world.expect_nothing(PBX);
}

#[test]
fn a_reinvite_before_the_callers_ack_is_told_to_wait() {
    let mut world = World::new();
    let (invite, left) = place(&mut world);
    let answer = answer(&mut world, &left);
    let theirs = carrier_within(&left, CARRIER, "called", "INVITE", 1);
    world.send(CARRIER, &theirs.clone().body(&sdp("198.51.100.20", 6000)).text());
    world.expect(CARRIER, "SIP/2.0 491 ");
    world.send(PBX, &ack(&invite, &answer).text());
    let again = Request { branch: "again".into(), cseq: 2, ..theirs };
    world.send(CARRIER, &again.body(&sdp("198.51.100.20", 6000)).text());
    world.expect(CARRIER, "SIP/2.0 100 ");
    world.expect(PBX, "INVITE ");
}

/// An answered call whose carrier has a credential and has challenged the INVITE.
fn talk_challenged(world: &mut World) -> Talk {
    world.apply(call::Change::PutCarrier(with_credential(carrier("first", CARRIER, 1))));
    let (invite, left) = place(world);
    challenge(world, &left, "n1");
    let left = world.expect(CARRIER, "INVITE ");
    let answer = answer(world, &left);
    world.send(PBX, &ack(&invite, &answer).text());
    Talk { invite, left, answer }
}

fn challenge(world: &mut World, request: &str, nonce: &str) {
    let wanted =
        format!("Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"{nonce}\", qop=\"auth\"");
    let status = "407 Proxy Authentication Required";
    world.send(CARRIER, &response(request, status, "c", &[&wanted], None));
    if request.starts_with("INVITE") {
        world.expect(CARRIER, "ACK ");
    }
}

#[test]
fn a_challenge_within_a_call_is_answered_with_the_carriers_credential() {
    let mut world = World::new();
    let call = talk_challenged(&mut world);
    let hold = reinvite(&call, 5, &sdp_as("192.0.2.10", 4000, "sendonly"));
    world.send(PBX, &hold.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    assert!(header(&left, Name::ProxyAuthorization).contains("nonce=\"n1\""), "{left}");
    challenge(&mut world, &left, "n2");
    world.expect_nothing(PBX);
    let again = world.expect(CARRIER, "INVITE ");
    assert!(header(&again, Name::ProxyAuthorization).contains("nonce=\"n2\""), "{again}");
    assert_eq!(body(&again), body(&left), "the same offer");
    carrier_answers(&mut world, &again, &sdp_as("198.51.100.20", 6000, "recvonly"));
    let acknowledged = world.expect(CARRIER, "ACK ");
    assert_eq!(
        header(&acknowledged, Name::CSeq),
        header(&again, Name::CSeq).replace("INVITE", "ACK")
    );
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &ack(&hold, &answer).text());

    let mut info = within(&call.invite, &call.answer, "INFO", 6);
    info.body = Some(("text/plain".into(), "hello".into()));
    world.send(PBX, &info.text());
    let left = world.expect(CARRIER, "INFO ");
    challenge(&mut world, &left, "n3");
    let again = world.expect(CARRIER, "INFO ");
    assert_eq!(body(&again), "hello");
    world.send(CARRIER, &response(&again, "200 OK", "", &[], None));
    world.expect(PBX, "SIP/2.0 200 ");
}

#[test]
fn a_challenge_within_a_call_that_cannot_be_answered_is_403_and_told() {
    let mut world = World::new();
    let call = talk_challenged(&mut world);
    world.send(PBX, &reinvite(&call, 5, &sdp("192.0.2.10", 4000)).text());
    world.expect(PBX, "SIP/2.0 100 ");
    for nonce in ["n2", "n3"] {
        let left = world.expect(CARRIER, "INVITE ");
        challenge(&mut world, &left, nonce);
    }
    let refused = world.expect(PBX, "SIP/2.0 403 Forbidden\r\n");
    assert!(!refused.contains("Authenticate"), "{refused}");
    world.expect_nothing(CARRIER);
    assert_eq!(world.engine.calls_open(), 1, "the call goes on");

    // A PBX has no reason to challenge us, and we have nothing to answer it with.
    let moved = carrier_within(&call.left, CARRIER, "called", "INVITE", 1)
        .body(&sdp("198.51.100.20", 6000));
    world.send(CARRIER, &moved.text());
    world.expect(CARRIER, "SIP/2.0 100 ");
    let left = world.expect(PBX, "INVITE ");
    world.send(PBX, &response(&left, "401 Unauthorized", "", &[], None));
    world.expect(PBX, "ACK ");
    world.expect(CARRIER, "SIP/2.0 403 ");

    world.send(PBX, &within(&call.invite, &call.answer, "BYE", 9).text());
    let rows = &world.only_record_after_bye(CARRIER).decisions;
    let row = rows.iter().find(|it| it.seen.contains("407")).expect("a row of the challenge");
    assert_eq!(row.seen, "the called side answered 407 to a request within the call");
}
