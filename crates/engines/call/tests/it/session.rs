//! Session timers: each leg agrees on its own, is refreshed, and ends when it is not (RFC 4028).

use std::time::Duration;

use model::CallStatus;
use sip_core::session::Policy;
use sip_message::Name;

use crate::peer::{Request, ack, authorized, body, carrier_within, header, response, sdp, within};
use crate::world::{CARRIER, PASSWORD, PBX, World};

const CONTACT: &str = "Contact: <sip:198.51.100.20:5060>";
const UPDATES: &str = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE";

/// A call that is answered and acknowledged: what the caller asks for, and what the carrier grants.
struct Timed {
    invite: Request,
    left: String,
    answer: String,
}

fn talk(world: &mut World, asked: &[&str], granted: &[&str]) -> Timed {
    let asking = asked.iter().fold(Request::invite(), |it, line| it.header(line));
    world.send(PBX, &asking.text());
    let challenge = world.expect(PBX, "SIP/2.0 407 ");
    world.send(PBX, &ack(&asking, &challenge).text());
    let invite = authorized(&asking, &challenge, "pbx", PASSWORD);
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    let extra: Vec<&str> = [&[CONTACT], granted].concat();
    let ok = response(&left, "200 OK", "called", &extra, Some(&sdp("198.51.100.20", 6000)));
    world.send(CARRIER, &ok);
    world.expect(CARRIER, "ACK ");
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &ack(&invite, &answer).text());
    Timed { invite, left, answer }
}

fn ok(request: &str, extra: &[&str], body: Option<&str>) -> String {
    response(request, "200 OK", "", extra, body)
}

#[test]
fn each_leg_agrees_on_a_timer_of_its_own() {
    let mut world = World::new();
    let granted = ["Session-Expires: 900;refresher=uac", "Require: timer", UPDATES];
    let call = talk(&mut world, &["Supported: timer", "Session-Expires: 600"], &granted);
    assert_eq!(header(&call.left, Name::SessionExpires), "1800");
    assert_eq!(header(&call.left, Name::MinSe), "90");
    assert!(header(&call.left, Name::Supported).contains("timer"));
    assert_eq!(header(&call.answer, Name::SessionExpires), "600;refresher=uac");
    assert_eq!(header(&call.answer, Name::Require), "timer");

    // The carrier's session is ours to refresh, at half of its 900 s; the caller's is its own.
    let refresh = within(&call.invite, &call.answer, "UPDATE", 5)
        .header("Supported: timer")
        .header("Session-Expires: 600;refresher=uac");
    world.wait(Duration::from_secs(300));
    world.send(PBX, &refresh.text());
    let granted = world.expect(PBX, "SIP/2.0 200 ");
    assert_eq!(header(&granted, Name::SessionExpires), "600;refresher=uac");
    world.expect_nothing(CARRIER);
    world.wait(Duration::from_secs(150));
    let update = world.expect(CARRIER, "UPDATE sip:198.51.100.20:5060 SIP/2.0\r\n");
    assert_eq!(header(&update, Name::SessionExpires), "900;refresher=uac");
    assert_eq!(body(&update), "");
    world.send(CARRIER, &ok(&update, &["Session-Expires: 900;refresher=uac"], None));
    world.expect_nothing(PBX);
    assert_eq!(world.engine.calls_open(), 1);
}

#[test]
fn a_peer_that_does_not_refresh_is_hung_up_with_the_other() {
    let mut world = World::new();
    talk(&mut world, &["Supported: timer", "Session-Expires: 120"], &[]);
    world.wait(Duration::from_secs(87));
    world.expect_nothing(PBX);
    world.wait(Duration::from_secs(2));
    for peer in [PBX, CARRIER] {
        let bye = world.expect(peer, "BYE ");
        assert_eq!(header(&bye, Name::Reason), "SIP;cause=200;text=\"Session timer expired\"");
        world.send(peer, &ok(&bye, &[], None));
    }
    let record = world.only_record();
    assert_eq!((record.status, &*record.reason), (CallStatus::Completed, "session-expired"));
    let end = record.decisions.last().unwrap();
    assert_eq!(end.seen, "the session with the caller was not refreshed in time");
    assert!(end.remedy.contains("calls.session_expires_s"), "{}", end.remedy);
    world.wait(Duration::from_secs(40));
    world.assert_clean();
}

#[test]
fn a_peer_without_update_is_refreshed_by_a_reinvite_with_the_description_it_has() {
    let mut world = World::new();
    let call = talk(&mut world, &[], &["Session-Expires: 180;refresher=uac"]);
    world.wait(Duration::from_secs(90));
    let refresh = world.expect(CARRIER, "INVITE sip:198.51.100.20:5060 SIP/2.0\r\n");
    assert_eq!(body(&refresh), body(&call.left));
    assert_eq!(header(&refresh, Name::SessionExpires), "180;refresher=uac");
    let answer = sdp("198.51.100.20", 6000);
    for _ in 0..2 {
        world.send(CARRIER, &ok(&refresh, &[CONTACT], Some(&answer)));
        world.expect(CARRIER, "ACK ");
    }
    world.expect_nothing(PBX);
    // It did not name a timer any more; we keep what we agreed to keep.
    world.wait(Duration::from_secs(90));
    world.expect(CARRIER, "INVITE ");
}

#[test]
fn an_update_that_is_refused_becomes_a_reinvite() {
    let mut world = World::new();
    talk(&mut world, &[], &["Session-Expires: 180;refresher=uac", UPDATES]);
    world.wait(Duration::from_secs(90));
    let update = world.expect(CARRIER, "UPDATE ");
    world.send(CARRIER, &response(&update, "405 Method Not Allowed", "", &[], None));
    let refresh = world.expect(CARRIER, "INVITE ");
    assert!(!body(&refresh).is_empty());
    world.send(CARRIER, &ok(&refresh, &[CONTACT], Some(&sdp("198.51.100.20", 6000))));
    world.expect(CARRIER, "ACK ");
    assert_eq!(world.engine.calls_open(), 1);
}

#[test]
fn a_refresh_that_crosses_another_waits_as_the_owner_of_the_call_id_does() {
    let mut world = World::new();
    talk(&mut world, &[], &["Session-Expires: 180;refresher=uac"]);
    world.wait(Duration::from_secs(90));
    let refresh = world.expect(CARRIER, "INVITE ");
    world.send(CARRIER, &response(&refresh, "491 Request Pending", "", &[], None));
    world.expect(CARRIER, "ACK ");
    // The Call-ID of the carrier's leg is ours: 2.1 to 4 s (RFC 3261 §14.1).
    world.wait(Duration::from_millis(2090));
    world.expect_nothing(CARRIER);
    world.wait(Duration::from_millis(1910));
    world.expect(CARRIER, "INVITE ");
}

#[test]
fn an_offer_that_comes_while_we_refresh_by_reinvite_is_told_to_wait() {
    let mut world = World::new();
    let call = talk(&mut world, &[], &["Session-Expires: 180;refresher=uac"]);
    world.wait(Duration::from_secs(90));
    world.expect(CARRIER, "INVITE ");
    let theirs = carrier_within(&call.left, CARRIER, "called", "INVITE", 1);
    world.send(CARRIER, &theirs.body(&sdp("198.51.100.20", 6000)).text());
    world.expect(CARRIER, "SIP/2.0 491 ");
    let hold = within(&call.invite, &call.answer, "INVITE", 5).body(&sdp("192.0.2.10", 4000));
    world.send(PBX, &hold.text());
    world.expect(PBX, "SIP/2.0 491 ");
}

#[test]
fn a_refresh_that_is_lost_ends_the_call() {
    for (status, wait) in [(Some("481 Call/Transaction Does Not Exist"), 0), (None, 33)] {
        let mut world = World::new();
        talk(&mut world, &[], &["Session-Expires: 180;refresher=uac", UPDATES]);
        world.wait(Duration::from_secs(90));
        let update = world.expect(CARRIER, "UPDATE ");
        if let Some(status) = status {
            world.send(CARRIER, &response(&update, status, "", &[], None));
        }
        world.wait(Duration::from_secs(wait));
        world.expect(PBX, "BYE ");
        assert_eq!(world.only_record().reason, "dialog-lost");
        world.wait(Duration::from_secs(70));
        world.assert_clean();
    }
}

#[test]
fn an_interval_below_the_least_is_422_in_an_invite_and_within_a_call() {
    let mut world = World::new();
    let short = Request::invite().header("Supported: timer").header("Session-Expires: 30");
    world.send(PBX, &short.text());
    let refused = world.expect(PBX, "SIP/2.0 422 Session Interval Too Small\r\n");
    assert_eq!(header(&refused, Name::MinSe), "90");
    assert_eq!(world.only_record().reason, "session-interval-too-small");
    world.send(PBX, &ack(&short, &refused).text());
    world.wait(Duration::from_secs(40));
    world.assert_clean();

    let mut world = World::new();
    let call = talk(&mut world, &[], &[]);
    for (cseq, method, offer) in [(5, "UPDATE", None), (6, "INVITE", Some(sdp("192.0.2.10", 4)))] {
        let mut asked = within(&call.invite, &call.answer, method, cseq)
            .header("Supported: timer")
            .header("Session-Expires: 30");
        asked.body = offer.map(|offer| ("application/sdp".into(), offer));
        world.send(PBX, &asked.text());
        let refused = world.expect(PBX, "SIP/2.0 422 ");
        assert_eq!(header(&refused, Name::MinSe), "90");
        world.expect_nothing(CARRIER);
    }
}

#[test]
fn a_carrier_that_wants_a_longer_interval_is_asked_again_with_it() {
    let mut world = World::new();
    let (_, left) = crate::peer::place(&mut world);
    let refusal = "422 Session Interval Too Small";
    world.send(CARRIER, &response(&left, refusal, "x", &["Min-SE: 3600"], None));
    world.expect(CARRIER, "ACK ");
    let again = world.expect(CARRIER, "INVITE ");
    assert_eq!(header(&again, Name::SessionExpires), "3600");
    assert_eq!(header(&again, Name::MinSe), "3600");
    assert_eq!(header(&again, Name::CallId), header(&left, Name::CallId));
    assert_eq!(header(&again, Name::CSeq), "2 INVITE");
    // Refused for the same reason once more, it is the route's failure.
    world.send(CARRIER, &response(&again, refusal, "x", &["Min-SE: 3600"], None));
    world.expect(CARRIER, "ACK ");
    world.expect(PBX, "SIP/2.0 503 ");
}

#[test]
fn a_422_to_what_was_handed_on_is_asked_again_with_what_the_carrier_wants() {
    let mut world = World::new();
    let call = talk(&mut world, &[], &["Session-Expires: 180;refresher=uac"]);
    let hold = |cseq| within(&call.invite, &call.answer, "INVITE", cseq);
    world.send(PBX, &hold(5).body(&sdp("192.0.2.10", 4000)).text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    let refusal = "422 Session Interval Too Small";
    world.send(CARRIER, &response(&left, refusal, "", &["Min-SE: 240"], None));
    world.expect(CARRIER, "ACK ");
    world.expect(PBX, "SIP/2.0 491 ");
    world.send(PBX, &hold(6).body(&sdp("192.0.2.10", 4000)).text());
    let left = world.expect(CARRIER, "INVITE ");
    assert_eq!(header(&left, Name::SessionExpires), "240;refresher=uac");
}

#[test]
fn a_required_timer_is_served_and_without_session_timers_it_is_refused() {
    let mut world = World::new();
    let call = talk(&mut world, &["Require: timer", "Session-Expires: 600;refresher=uas"], &[]);
    assert_eq!(header(&call.answer, Name::SessionExpires), "600;refresher=uas");
    world.wait(Duration::from_secs(300));
    world.expect(PBX, "INVITE ");

    let mut world = World::with(|config| config.session = None);
    let asked = Request::invite().header("Require: timer");
    world.send(PBX, &asked.text());
    let refused = world.expect(PBX, "SIP/2.0 420 ");
    assert_eq!(header(&refused, Name::Unsupported), "timer");
}

#[test]
fn switched_off_nothing_is_asked_for_and_nothing_granted() {
    let mut world = World::with(|config| config.session = None);
    let asked = ["Supported: timer", "Session-Expires: 120"];
    let call = talk(&mut world, &asked, &["Session-Expires: 120;refresher=uac"]);
    for text in [&call.left, &call.answer] {
        assert!(!text.contains("Session-Expires"), "{text}");
    }
    world.wait(Duration::from_secs(300));
    world.expect_nothing(PBX);
    world.expect_nothing(CARRIER);
    assert_eq!(world.engine.calls_open(), 1);
}

#[test]
fn a_policy_of_its_own_is_what_carriers_are_asked_for() {
    let policy = Policy { interval: 300, min: 120 };
    let mut world = World::with(|config| config.session = Some(policy));
    let (_, left) = crate::peer::place(&mut world);
    assert_eq!(header(&left, Name::SessionExpires), "300");
    assert_eq!(header(&left, Name::MinSe), "120");
}
