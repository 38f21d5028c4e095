//! What carriers and strangers send that no well-meaning one would.

use std::time::Duration;

use crate::peer::{Request, ack, place, response, sdp, talk, within};
use crate::world::{CARRIER, PBX, World};

#[test]
fn a_2xx_whose_dialog_cannot_be_read_is_the_routes_failure() {
    for broken in
        ["Contact: <sip:", "To: \"", "From: <sip:", "To: <sip:a@b", "From: <s p:a@b>;tag=x"]
    {
        let mut world = World::new();
        let (_, left) = place(&mut world);
        let contact = format!("Contact: <sip:{CARRIER}>");
        let (name, _) = broken.split_once(':').unwrap();
        let ok = response(&left, "200 OK", "c", &[&contact], Some(&sdp("198.51.100.20", 6000)));
        let lines: Vec<&str> = ok
            .split("\r\n")
            .map(|line| if line.starts_with(&format!("{name}: ")) { broken } else { line })
            .collect();
        world.send(CARRIER, &lines.join("\r\n"));
        world.expect(PBX, "SIP/2.0 5");
        world.expect_nothing(CARRIER);
        assert_eq!(world.engine.counters().dropped["answer-without-dialog"], 1, "{broken}");
        assert_eq!(world.engine.calls_open(), 0, "{broken}");
    }
}

#[test]
fn a_2xx_whose_contact_is_no_uri_is_acknowledged_where_the_invite_went() {
    let mut world = World::new();
    let (_, left) = place(&mut world);
    let ok = response(&left, "200 OK", "c", &["Contact: <>"], Some(&sdp("198.51.100.20", 6000)));
    world.send(CARRIER, &ok);
    let invited = left.lines().next().unwrap().trim_start_matches("INVITE ");
    world.expect(CARRIER, &format!("ACK {invited}\r\n"));
    world.expect(PBX, "SIP/2.0 200 ");
}

#[test]
fn requests_that_anybody_can_make_up_leave_nothing_behind() {
    let mut world = World::new();
    for n in 0..50 {
        let mut bye = Request { branch: format!("b{n}"), ..Request::plain("BYE") };
        bye.to.push_str(";tag=gone");
        let options = Request { branch: format!("o{n}"), ..Request::plain("OPTIONS") };
        for (request, answer) in [(bye, "SIP/2.0 481 "), (options, "SIP/2.0 200 ")] {
            world.send(PBX, &request.text());
            let first = world.expect(PBX, answer);
            // Nothing is kept, and yet the same request gets the same answer.
            world.send(PBX, &request.text());
            assert_eq!(world.expect(PBX, answer), first);
        }
    }
    assert_eq!(world.engine.transactions(), 0);
}

/// Nothing that a call holds is left, transactions included.
#[track_caller]
fn nothing_is_left(mut world: World) {
    world.wait(Duration::from_secs(70));
    world.assert_clean();
    assert_eq!(world.engine.transactions(), 0);
    assert_eq!(world.engine.poll_timeout(), None);
}

#[test]
fn what_a_caller_sends_wrong_has_a_status_and_a_reason_and_leaves_nothing() {
    let offer = sdp("192.0.2.10", 4000);
    let with = |body: String| Request::invite().body(&body);
    let without_contact = Request { contact: None, ..Request::invite() };
    for (invite, status, reason) in [
        (without_contact, 400, "header-missing"),
        (with(offer.replace("m=audio", "m=video")), 488, "sdp-no-audio"),
        (with(offer.replace("m=audio 4000", "m=audio 0")), 488, "sdp-no-audio"),
        (with(offer.replace("AVP 0 8 101", "AVP 18")), 488, "sdp-no-common-codec"),
        (with(offer.replace("c=IN IP4 192.0.2.10\r\n", "")), 488, "sdp-no-address"),
        (with(offer.replace("c=IN IP4 192.0.2.10", "c=IN IP4 pbx.local")), 488, "sdp-no-address"),
        (with(offer.replace("RTP/AVP", "TCP/AVP")), 488, "sdp-unknown-protocol"),
        (with("v=0\r\n".into()), 400, "sdp-malformed"),
        (Request::invite().header("Require: gruu"), 420, "extension-unsupported"),
        (Request::invite().header("Content-Encoding: gzip"), 415, "body-unsupported"),
    ] {
        let mut world = World::without_users();
        world.send(PBX, &invite.text());
        let refused = world.expect(PBX, &format!("SIP/2.0 {status} "));
        world.send(PBX, &ack(&invite, &refused).text());
        assert_eq!(world.only_record().reason, reason);
        world.expect_nothing(CARRIER);
        nothing_is_left(world);
    }
}

#[test]
fn a_content_length_beyond_the_datagram_is_refused_and_one_short_of_it_cuts_the_body() {
    let text = Request::invite().text();
    let length = text.split_once("Content-Length: ").unwrap().1.split_once("\r\n").unwrap().0;
    let line = format!("Content-Length: {length}\r\n");
    let mut world = World::without_users();
    world.send(PBX, &text.replace(&line, "Content-Length: 9999\r\n"));
    world.expect(PBX, "SIP/2.0 400 ");
    nothing_is_left(world);

    // Bytes behind the body are no part of it (RFC 3261 §18.3): half a description is left.
    let mut world = World::without_users();
    world.send(PBX, &text.replace(&line, "Content-Length: 20\r\n"));
    world.expect(PBX, "SIP/2.0 400 ");
    assert_eq!(world.only_record().reason, "sdp-malformed");
    nothing_is_left(world);
}

#[test]
fn a_private_address_in_a_carriers_answer_is_not_handed_on_and_is_no_reason_to_refuse() {
    let mut world = World::new();
    let (invite, left) = place(&mut world);
    let contact = format!("Contact: <sip:carrier@{CARRIER}>");
    let ok = response(&left, "200 OK", "called", &[&contact], Some(&sdp("10.0.0.7", 6000)));
    world.send(CARRIER, &ok);
    world.expect(CARRIER, "ACK ");
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    assert!(!answer.contains("10.0.0.7"), "{answer}");
    world.send(PBX, &ack(&invite, &answer).text());
    world.send(PBX, &within(&invite, &answer, "BYE", 5).text());
    let bye = world.expect(CARRIER, "BYE ");
    world.send(CARRIER, &response(&bye, "200 OK", "", &[], None));
    nothing_is_left(world);
}

#[test]
fn a_carrier_that_answers_with_media_nobody_can_carry_leaves_nothing() {
    for answer in [sdp("198.51.100.20", 6000).replace("m=audio", "m=video"), "v=0\r\n".into()] {
        let mut world = World::new();
        let (invite, left) = place(&mut world);
        let contact = format!("Contact: <sip:{CARRIER}>");
        world.send(CARRIER, &response(&left, "200 OK", "c", &[&contact], Some(&answer)));
        world.expect(CARRIER, "ACK ");
        let bye = world.expect(CARRIER, "BYE ");
        world.send(CARRIER, &response(&bye, "200 OK", "", &[], None));
        let refused = world.expect(PBX, "SIP/2.0 502 ");
        world.send(PBX, &ack(&invite, &refused).text());
        assert_eq!(world.only_record().reason, "answer-refused");
        nothing_is_left(world);
    }
}

#[test]
fn a_side_that_goes_mute_within_a_call_leaves_nothing() {
    let mut world = World::new();
    let call = talk(&mut world);
    world.send(PBX, &within(&call.invite, &call.answer, "BYE", 5).text());
    world.expect(PBX, "SIP/2.0 200 ");
    nothing_is_left(world);
}
