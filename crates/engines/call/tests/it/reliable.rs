//! Reliable provisional responses and what is said in early dialogs (RFC 3262, RFC 3311).

use std::time::Duration;

use call::ReliableProgress;
use sip_message::Name;

use crate::peer::{Request, ack, body, carrier_within, header, response, sdp, within};
use crate::world::{CARRIER, PBX, World};

const CONTACT: &str = "Contact: <sip:198.51.100.20:5060>";
const ALLOW: &str = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK";
const RELIABLE: &str = "Require: 100rel";

/// Lets an INVITE in, from a connector without users; gives the one that left.
fn place(world: &mut World, invite: &Request) -> String {
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    world.expect(CARRIER, "INVITE ")
}

fn asking(line: &str) -> Request {
    Request::invite().header(line).header(ALLOW)
}

/// A provisional response of the carrier, reliable if it has a number.
fn progress(left: &str, status: &str, rseq: Option<u32>, body: Option<&str>) -> String {
    let rseq = rseq.map(|rseq| format!("RSeq: {rseq}"));
    let mut extra = vec![CONTACT, ALLOW];
    if let Some(rseq) = &rseq {
        extra.extend([RELIABLE, rseq]);
    }
    response(left, status, "called", &extra, body)
}

/// The caller's PRACK for a response.
fn prack(invite: &Request, progress: &str, cseq: u32) -> Request {
    let rseq = header(progress, Name::RSeq);
    let rack = format!("RAck: {rseq} {} INVITE", invite.cseq);
    within(invite, progress, "PRACK", cseq).header(&rack)
}

fn ok(request: &str) -> String {
    response(request, "200 OK", "", &[], None)
}

fn answered(left: &str, body: Option<&str>) -> String {
    response(left, "200 OK", "called", &[CONTACT, ALLOW], body)
}

#[test]
fn a_carriers_reliable_progress_is_acknowledged_and_the_callers_own_prack_wanted() {
    let mut world = World::without_users();
    let invite = asking("Supported: 100rel");
    let left = place(&mut world, &invite);
    assert!(header(&left, Name::Supported).contains("100rel"), "{left}");
    let early = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &progress(&left, "183 Session Progress", Some(7), Some(&early)));
    let theirs = world.expect(CARRIER, "PRACK sip:198.51.100.20:5060 SIP/2.0\r\n");
    assert_eq!(header(&theirs, Name::RAck), "7 1 INVITE");
    assert_eq!(header(&theirs, Name::CSeq), "2 PRACK");
    world.send(CARRIER, &ok(&theirs));
    let ours = world.expect(PBX, "SIP/2.0 183 ");
    assert_eq!(header(&ours, Name::Require), "100rel");
    assert!(body(&ours).contains("m=audio 20000 "), "{ours}");

    // Repeated until the PRACK comes, twice as late each time.
    for wait in [500, 1000, 2000] {
        world.wait(Duration::from_millis(wait - 1));
        world.expect_nothing(PBX);
        world.wait(Duration::from_millis(1));
        assert_eq!(world.expect(PBX, "SIP/2.0 183 "), ours);
    }
    world.send(PBX, &prack(&invite, &ours, 2).text());
    world.expect(PBX, "SIP/2.0 200 OK\r\n");
    world.wait(Duration::from_secs(20));
    world.expect_nothing(PBX);

    world.send(CARRIER, &answered(&left, Some(&early)));
    world.expect(CARRIER, "ACK ");
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &ack(&invite, &answer).text());
    // The carrier's dialog goes on with the numbers that its PRACK began.
    world.send(PBX, &within(&invite, &answer, "BYE", 3).text());
    assert_eq!(header(&world.expect(CARRIER, "BYE "), Name::CSeq), "3 BYE");
}

#[test]
fn progress_that_comes_again_or_out_of_order_is_not_handed_on() {
    let mut world = World::without_users();
    let left = place(&mut world, &asking("Supported: 100rel"));
    let first = progress(&left, "180 Ringing", Some(7), None);
    world.send(CARRIER, &first);
    world.expect(CARRIER, "PRACK ");
    world.expect(PBX, "SIP/2.0 180 ");
    world.send(CARRIER, &first);
    world.send(CARRIER, &progress(&left, "183 Session Progress", Some(9), None));
    world.expect_nothing(CARRIER);
    world.expect_nothing(PBX);
    world.send(CARRIER, &progress(&left, "182 Queued", Some(8), None));
    let acknowledged = world.expect(CARRIER, "PRACK ");
    assert_eq!(header(&acknowledged, Name::RAck), "8 1 INVITE");
}

#[test]
fn a_caller_that_requires_it_gets_each_response_after_the_prack_for_the_one_before() {
    let mut world = World::without_users();
    let invite = asking("Require: 100rel");
    let left = place(&mut world, &invite);
    // The carrier knows nothing of it.
    world.send(CARRIER, &progress(&left, "180 Ringing", None, None));
    world.send(CARRIER, &progress(&left, "182 Queued", None, None));
    world.expect_nothing(CARRIER);
    let ringing = world.expect(PBX, "SIP/2.0 180 ");
    world.expect_nothing(PBX);
    let wrong = prack(&invite, &ringing, 2).text().replace(" INVITE\r\n", "1 INVITE\r\n");
    world.send(PBX, &wrong);
    world.expect(PBX, "SIP/2.0 481 ");
    world.send(PBX, &prack(&invite, &ringing, 3).text());
    world.expect(PBX, "SIP/2.0 200 ");
    let queued = world.expect(PBX, "SIP/2.0 182 ");
    let number = |text: &str| header(text, Name::RSeq).parse::<u32>().unwrap();
    assert_eq!(number(&queued), number(&ringing) + 1);
}

#[test]
fn a_caller_without_100rel_gets_plain_progress_and_the_carrier_is_not_offered_it() {
    let mut world = World::without_users();
    let left = place(&mut world, &Request::invite());
    assert!(!header(&left, Name::Supported).contains("100rel"), "{left}");

    let always = |config: &mut call::Config| config.reliable = ReliableProgress::Always;
    let mut world = World::with(always);
    world.remove_users();
    let left = place(&mut world, &Request::invite());
    assert!(header(&left, Name::Supported).contains("100rel"), "{left}");
    let early = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &progress(&left, "183 Session Progress", Some(1), Some(&early)));
    world.expect(CARRIER, "PRACK ");
    let plain = world.expect(PBX, "SIP/2.0 183 ");
    assert!(!plain.contains("RSeq") && !plain.contains("Require"), "{plain}");

    // Without an offer nobody could answer the one that the carrier would make.
    let mut world = World::with(always);
    world.remove_users();
    let left = place(&mut world, &Request { body: None, ..Request::invite() });
    assert!(!header(&left, Name::Supported).contains("100rel"), "{left}");
}

#[test]
fn switched_off_it_is_refused_to_those_who_require_it() {
    let mut world = World::with(|config| config.reliable = ReliableProgress::Never);
    world.remove_users();
    world.send(PBX, &asking("Require: 100rel").text());
    let refused = world.expect(PBX, "SIP/2.0 420 ");
    assert_eq!(header(&refused, Name::Unsupported), "100rel");
}

#[test]
fn a_caller_that_never_acknowledges_progress_is_refused() {
    let mut world = World::without_users();
    let invite = asking("Supported: 100rel");
    let left = place(&mut world, &invite);
    let early = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &progress(&left, "183 Session Progress", None, Some(&early)));
    world.wait(Duration::from_millis(31_900));
    world.forget_sent_to(PBX);
    world.wait(Duration::from_millis(100));
    let refused = world.expect(PBX, "SIP/2.0 504 PRACK timeout\r\n");
    world.send(PBX, &ack(&invite, &refused).text());
    let cancel = world.expect(CARRIER, "CANCEL ");
    world.send(CARRIER, &ok(&cancel));
    world.send(CARRIER, &response(&left, "487 Request Terminated", "called", &[], None));
    assert_eq!(world.only_record().reason, "prack-timeout");
    world.wait(Duration::from_secs(70));
    world.assert_clean();
}

#[test]
fn an_answer_waits_until_the_description_before_it_is_acknowledged() {
    let mut world = World::without_users();
    let invite = asking("Supported: 100rel");
    let left = place(&mut world, &invite);
    let early = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &progress(&left, "183 Session Progress", None, Some(&early)));
    let ours = world.expect(PBX, "SIP/2.0 183 ");
    for _ in 0..2 {
        world.send(CARRIER, &answered(&left, Some(&early)));
        world.expect_nothing(CARRIER);
        world.expect_nothing(PBX);
    }
    world.send(PBX, &prack(&invite, &ours, 2).text());
    world.expect(PBX, "SIP/2.0 200 OK\r\n");
    world.expect(CARRIER, "ACK ");
    let answer = world.expect(PBX, "SIP/2.0 200 OK\r\n");
    assert_eq!(header(&answer, Name::CSeq), "1 INVITE");
    world.send(PBX, &ack(&invite, &answer).text());
    assert_eq!(world.engine.counters().answered, 1);
}

#[test]
fn an_answer_that_waits_is_hung_up_if_the_caller_gives_up() {
    let mut world = World::without_users();
    let invite = asking("Supported: 100rel");
    let left = place(&mut world, &invite);
    let early = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &progress(&left, "183 Session Progress", None, Some(&early)));
    world.expect(PBX, "SIP/2.0 183 ");
    world.send(CARRIER, &answered(&left, Some(&early)));
    let cancel = Request { method: "CANCEL".into(), body: None, contact: None, ..invite.clone() };
    world.send(PBX, &cancel.text());
    world.expect(PBX, "SIP/2.0 200 ");
    let refused = world.expect(PBX, "SIP/2.0 487 ");
    world.send(PBX, &ack(&invite, &refused).text());
    world.expect(CARRIER, "ACK ");
    let bye = world.expect(CARRIER, "BYE ");
    world.send(CARRIER, &ok(&bye));
    assert_eq!(world.only_record().reason, "cancelled");
    world.wait(Duration::from_secs(70));
    world.assert_clean();
}

#[test]
fn an_offer_in_reliable_progress_is_answered_in_the_pracks() {
    let mut world = World::without_users();
    let invite = Request { body: None, ..asking("Supported: 100rel") };
    let left = place(&mut world, &invite);
    assert!(header(&left, Name::Supported).contains("100rel"), "{left}");
    let offer = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &progress(&left, "183 Session Progress", Some(3), Some(&offer)));
    world.expect_nothing(CARRIER);
    let ours = world.expect(PBX, "SIP/2.0 183 ");
    assert!(body(&ours).contains("m=audio 20000 "), "{ours}");
    world.send(PBX, &prack(&invite, &ours, 2).body(&sdp("192.0.2.10", 4000)).text());
    world.expect(PBX, "SIP/2.0 200 ");
    let theirs = world.expect(CARRIER, "PRACK ");
    assert!(body(&theirs).contains("m=audio 20002 "), "{theirs}");
    world.send(CARRIER, &ok(&theirs));

    let now = world.now().instant;
    let mut packet = [0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xff];
    let called = "198.51.100.20:6000".parse().unwrap();
    let sent = world.relay.handle(now, 20_002, called, &mut packet).unwrap();
    assert_eq!(sent.to, "192.0.2.10:4000".parse().unwrap());

    // All is said: the answer has no description, and neither has its ACK.
    world.send(CARRIER, &answered(&left, None));
    assert_eq!(body(&world.expect(CARRIER, "ACK ")), "");
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    assert_eq!(body(&answer), "");
    world.send(PBX, &ack(&invite, &answer).text());
    assert_eq!(world.engine.counters().answered, 1);
}

#[test]
fn an_answer_in_a_prack_that_cannot_be_carried_is_refused_and_ends_the_call() {
    for answer in [Some(sdp("192.0.2.10", 4000).replace("RTP/AVP 0 8 101", "RTP/AVP 18")), None] {
        let mut world = World::without_users();
        let invite = Request { body: None, ..asking("Supported: 100rel") };
        let left = place(&mut world, &invite);
        let offer = sdp("198.51.100.20", 6000);
        world.send(CARRIER, &progress(&left, "183 Session Progress", Some(3), Some(&offer)));
        let ours = world.expect(PBX, "SIP/2.0 183 ");
        let prack = prack(&invite, &ours, 2);
        let prack = answer.iter().fold(prack, |prack, answer| prack.body(answer));
        world.send(PBX, &prack.text());
        world.expect(PBX, "SIP/2.0 488 ");
        // The called side waits for a PRACK all the same; then it is let go.
        let theirs = world.expect(CARRIER, "PRACK ");
        assert_eq!(body(&theirs), "");
        let cancel = world.expect(CARRIER, "CANCEL ");
        world.send(CARRIER, &ok(&theirs));
        world.send(CARRIER, &ok(&cancel));
        world.send(CARRIER, &response(&left, "487 Request Terminated", "called", &[], None));
        world.expect(CARRIER, "ACK ");
        let refused = world.expect(PBX, "SIP/2.0 502 ");
        world.send(PBX, &ack(&invite, &refused).text());
        assert_eq!(world.only_record().reason, "answer-refused");
        world.wait(Duration::from_secs(64));
        world.assert_clean();
    }
}

/// A call whose early offer and answer are acknowledged on both legs.
fn agreed(world: &mut World) -> (Request, String, String) {
    let invite = asking("Supported: 100rel");
    let left = place(world, &invite);
    let early = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &progress(&left, "183 Session Progress", Some(1), Some(&early)));
    let theirs = world.expect(CARRIER, "PRACK ");
    world.send(CARRIER, &ok(&theirs));
    let ours = world.expect(PBX, "SIP/2.0 183 ");
    world.send(PBX, &prack(&invite, &ours, 2).text());
    world.expect(PBX, "SIP/2.0 200 ");
    (invite, left, ours)
}

#[test]
fn an_early_update_moves_the_media_from_either_side() {
    let mut world = World::without_users();
    let (invite, left, ours) = agreed(&mut world);
    let moved = within(&invite, &ours, "UPDATE", 3).body(&sdp("192.0.2.10", 4444));
    world.send(PBX, &moved.text());
    let update = world.expect(CARRIER, "UPDATE ");
    assert!(body(&update).contains("m=audio 20002 "), "{update}");
    // A second one meanwhile waits, whoever sends it.
    world.send(PBX, &within(&invite, &ours, "UPDATE", 4).body(&sdp("192.0.2.10", 4)).text());
    world.expect(PBX, "SIP/2.0 500 ");
    let crossing = carrier_within(&left, CARRIER, "called", "UPDATE", 1);
    world.send(CARRIER, &crossing.body(&sdp("198.51.100.20", 6)).text());
    world.expect(CARRIER, "SIP/2.0 491 ");
    let answer = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &response(&update, "200 OK", "", &[CONTACT], Some(&answer)));
    world.expect(PBX, "SIP/2.0 200 ");
    let theirs = carrier_within(&left, CARRIER, "called", "UPDATE", 2);
    world.send(CARRIER, &theirs.body(&sdp("198.51.100.20", 6666)).text());
    let update = world.expect(PBX, "UPDATE sip:pbx@192.0.2.10:5060 SIP/2.0\r\n");
    world.send(PBX, &response(&update, "200 OK", "", &[], Some(&sdp("192.0.2.10", 4444))));
    world.expect(CARRIER, "SIP/2.0 200 ");

    let now = world.now().instant;
    let mut packet = [0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xff];
    let caller = "192.0.2.10:4444".parse().unwrap();
    let sent = world.relay.handle(now, 20_000, caller, &mut packet).unwrap();
    assert_eq!(sent.to, "198.51.100.20:6666".parse().unwrap());
}

#[test]
fn an_offer_in_a_prack_reaches_the_called_side_as_an_update() {
    let mut world = World::without_users();
    let invite = asking("Supported: 100rel");
    let left = place(&mut world, &invite);
    let early = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &progress(&left, "183 Session Progress", Some(1), Some(&early)));
    world.expect(CARRIER, "PRACK ");
    let ours = world.expect(PBX, "SIP/2.0 183 ");
    world.send(PBX, &prack(&invite, &ours, 2).body(&sdp("192.0.2.10", 4444)).text());
    world.expect_nothing(PBX);
    let update = world.expect(CARRIER, "UPDATE ");
    world.send(CARRIER, &response(&update, "200 OK", "", &[CONTACT], Some(&early)));
    let acknowledged = world.expect(PBX, "SIP/2.0 200 OK\r\n");
    assert_eq!(header(&acknowledged, Name::CSeq), "2 PRACK");
    assert!(body(&acknowledged).contains("m=audio 20000 "), "{acknowledged}");
}

#[test]
fn an_early_offer_that_cannot_be_handed_on_is_refused_and_one_too_early_waits() {
    let mut world = World::without_users();
    let invite = asking("Supported: 100rel");
    let left = place(&mut world, &invite);
    let early = sdp("198.51.100.20", 6000);
    // Unreliable towards us: the carrier has no dialog that takes requests.
    world.send(CARRIER, &progress(&left, "183 Session Progress", None, Some(&early)));
    let ours = world.expect(PBX, "SIP/2.0 183 ");
    let offer = |cseq| within(&invite, &ours, "UPDATE", cseq).body(&sdp("192.0.2.10", 4444));
    world.send(PBX, &offer(2).text());
    world.expect(PBX, "SIP/2.0 491 ");
    world.send(PBX, &prack(&invite, &ours, 3).text());
    world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &offer(4).text());
    world.expect(PBX, "SIP/2.0 488 ");
    world.expect_nothing(CARRIER);
}

#[test]
fn an_update_that_is_open_when_the_answer_comes_is_still_answered() {
    let mut world = World::without_users();
    let (invite, left, ours) = agreed(&mut world);
    world.send(PBX, &within(&invite, &ours, "UPDATE", 3).body(&sdp("192.0.2.10", 4444)).text());
    let update = world.expect(CARRIER, "UPDATE ");
    world.send(CARRIER, &answered(&left, None));
    world.expect(CARRIER, "ACK ");
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &ack(&invite, &answer).text());
    let agreed = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &response(&update, "200 OK", "", &[CONTACT], Some(&agreed)));
    let updated = world.expect(PBX, "SIP/2.0 200 ");
    assert_eq!(header(&updated, Name::CSeq), "3 UPDATE");
}

#[test]
fn a_call_that_ends_early_answers_what_was_open() {
    let mut world = World::without_users();
    let (invite, left, ours) = agreed(&mut world);
    world.send(PBX, &within(&invite, &ours, "UPDATE", 3).body(&sdp("192.0.2.10", 4444)).text());
    world.expect(CARRIER, "UPDATE ");
    world.send(CARRIER, &response(&left, "486 Busy Here", "called", &[], None));
    world.expect(CARRIER, "ACK ");
    let updated = world.expect(PBX, "SIP/2.0 487 ");
    assert_eq!(header(&updated, Name::CSeq), "3 UPDATE");
    let refused = world.expect(PBX, "SIP/2.0 486 ");
    world.send(PBX, &ack(&invite, &refused).text());
    world.wait(Duration::from_secs(70));
    world.assert_clean();
}

#[test]
fn a_request_of_another_early_dialog_is_told_so() {
    let mut world = World::without_users();
    let (invite, _, ours) = agreed(&mut world);
    let mut stranger = within(&invite, &ours, "BYE", 3);
    stranger.from = stranger.from.replace("tag=caller", "tag=stranger");
    world.send(PBX, &stranger.text());
    world.expect(PBX, "SIP/2.0 481 ");
    assert_eq!(world.engine.calls_open(), 1);
}
