//! What crosses from one leg to the other beside the call itself: identities, reasons, headers,
//! and bodies of several parts.

use model::Verdict;
use sip_message::Name;

use crate::peer::{Request, ack, body, carrier_within, header, place, response, sdp, talk, within};
use crate::world::{CARRIER, OWNED, PBX, World};

const CONTACT: &str = "Contact: <sip:198.51.100.20:5060>";

fn left_of(world: &mut World, invite: &Request) -> String {
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    world.expect(CARRIER, "INVITE ")
}

fn cancel(invite: &Request, reason: &str) -> String {
    let headers = vec![reason.into()];
    let cancel = Request { method: "CANCEL".into(), headers, contact: None, ..invite.clone() };
    Request { body: None, ..cancel }.text()
}

#[test]
fn the_reason_of_a_cancel_reaches_the_carrier() {
    let mut world = World::without_users();
    let invite = Request::invite();
    let left = left_of(&mut world, &invite);
    world.send(CARRIER, &response(&left, "180 Ringing", "called", &[CONTACT], None));
    let reason = "SIP;cause=200;text=\"Call completed elsewhere\"";
    world.send(PBX, &cancel(&invite, &format!("Reason: {reason}")));
    assert_eq!(header(&world.expect(CARRIER, "CANCEL "), Name::Reason), reason);
}

#[test]
fn what_a_refusal_says_besides_its_status_crosses_by_the_same_rules() {
    let mut world = World::without_users();
    let left = left_of(&mut world, &Request::invite());
    let extra = ["Reason: Q.850;cause=17;text=\"User busy\"", "X-Carrier: 9", "Subject: no"];
    world.send(CARRIER, &response(&left, "486 Busy Here", "called", &extra, None));
    let refused = world.expect(PBX, "SIP/2.0 486 ");
    assert_eq!(header(&refused, Name::Reason), "Q.850;cause=17;text=\"User busy\"");
    assert!(refused.contains("X-Carrier: 9\r\n") && !refused.contains("Subject"), "{refused}");
}

#[test]
fn a_diversion_crosses_only_with_a_number_of_the_account() {
    let foreign = "Diversion: <sip:+14155550100@pbx>;reason=unconditional";
    let own = format!("Diversion: <sip:{OWNED}@pbx>;reason=no-answer");
    let mut world = World::without_users();
    let left = left_of(&mut world, &Request::invite().header(foreign).header(&own));
    assert_eq!(header(&left, Name::Diversion), format!("<sip:{OWNED}@pbx>;reason=no-answer"));
    assert!(!left.contains("+14155550100"), "{left}");
    world.send(CARRIER, &response(&left, "486 Busy Here", "called", &[], None));
    let decisions = &world.only_record().decisions;
    let note = decisions.iter().find(|it| it.rule == "within-the-call").unwrap();
    assert_eq!(note.verdict, Verdict::Note);
    assert!(note.seen.contains("+14155550100") && note.seen.ends_with("not handed on"), "{note:?}");

    let mut world = World::with(|config| config.caller_id = call::CallerIdPolicy::Any);
    world.remove_users();
    let left = left_of(&mut world, &Request::invite().header(foreign));
    assert!(header(&left, Name::Diversion).contains("+14155550100"), "{left}");
}

#[test]
fn a_diversion_that_comes_within_a_call_goes_no_further() {
    let mut world = World::without_users();
    let call = talk(&mut world);
    let again = within(&call.invite, &call.answer, "INVITE", 9).body(&sdp("192.0.2.10", 4000));
    let diversion = "Diversion: <sip:+14155550100@pbx>;reason=unconditional";
    world.send(PBX, &again.header(diversion).header("X-Case: 7").text());
    let left = world.expect(CARRIER, "INVITE ");
    assert!(left.contains("X-Case: 7\r\n") && !left.contains("Diversion"), "{left}");
}

#[test]
fn p_early_media_crosses_in_both_directions() {
    let mut world = World::without_users();
    let left = left_of(&mut world, &Request::invite().header("P-Early-Media: supported"));
    assert!(left.contains("P-Early-Media: supported\r\n"), "{left}");
    let extra = [CONTACT, "P-Early-Media: sendrecv"];
    let early = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &response(&left, "183 Session Progress", "called", &extra, Some(&early)));
    let progress = world.expect(PBX, "SIP/2.0 183 ");
    assert!(progress.contains("P-Early-Media: sendrecv\r\n"), "{progress}");
}

#[test]
fn the_strongest_identity_that_is_shown_counts() {
    let foreign = "\"x\" <sip:+14155550100@pbx>;tag=caller";
    let asserted = format!("P-Asserted-Identity: <sip:{OWNED}@pbx>");
    let preferred = format!("P-Preferred-Identity: <tel:{OWNED}>");
    let remote = format!("Remote-Party-ID: \"x\" <sip:{OWNED}@pbx>;party=calling;privacy=off");
    let other = "Remote-Party-ID: <sip:+14155550100@pbx>";
    for (lines, origin) in [
        (vec![asserted.as_str(), other], "P-Asserted-Identity"),
        (vec![preferred.as_str(), other], "P-Preferred-Identity"),
        (vec![remote.as_str()], "Remote-Party-ID"),
    ] {
        let mut world = World::without_users();
        let invite = Request { from: foreign.into(), ..Request::invite() };
        let invite = lines.iter().fold(invite, |it, line| it.header(line));
        let left = left_of(&mut world, &invite);
        assert!(header(&left, Name::From).contains(OWNED), "{left}");
        assert!(!left.contains("Remote-Party-ID"), "{left}");
        world.send(CARRIER, &response(&left, "486 Busy Here", "called", &[], None));
        let decisions = &world.only_record().decisions;
        let seen = &decisions.iter().find(|it| it.rule == "caller-id").unwrap().seen;
        assert_eq!(**seen, format!("{OWNED} by {origin}"));
    }
}

#[test]
fn remote_party_id_may_ask_for_privacy() {
    let mut world = World::without_users();
    let line = format!("Remote-Party-ID: <sip:{OWNED}@pbx>;party=calling;privacy=full");
    let left = left_of(&mut world, &Request::invite().header(&line));
    assert!(header(&left, Name::From).contains("anonymous"), "{left}");
    assert_eq!(header(&left, Name::Privacy), "id");
    assert!(header(&left, Name::PAssertedIdentity).contains(OWNED), "{left}");
}

#[test]
fn a_transfer_is_refused_and_the_record_says_so_once() {
    let mut world = World::new();
    let call = talk(&mut world);
    for (cseq, target) in [(5, "<sip:+12065550111@pbx>"), (6, "<sip:other@pbx>")] {
        let refer = within(&call.invite, &call.answer, "REFER", cseq);
        world.send(PBX, &refer.header(&format!("Refer-To: {target}")).text());
        world.expect(PBX, "SIP/2.0 405 ");
    }
    let refer = carrier_within(&call.left, CARRIER, "called", "REFER", 1);
    world.send(CARRIER, &refer.header("Refer-To: <sip:a@b>").text());
    world.expect(CARRIER, "SIP/2.0 405 ");
    world.send(PBX, &within(&call.invite, &call.answer, "BYE", 9).text());
    let decisions = &world.only_record().decisions;
    let notes: Vec<_> = decisions.iter().filter(|it| it.rule == "within-the-call").collect();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0].seen, "REFER of the caller to <sip:+12065550111@pbx>");
    assert!(notes[0].remedy.contains("a trunk does not transfer"));
}

/// An INVITE whose offer is one part of several.
fn with_location() -> Request {
    let offer = sdp("192.0.2.10", 4000);
    let whole = format!(
        "--edge\r\nContent-Type: application/sdp\r\n\r\n{offer}\r\n--edge\r\n\
         Content-Type: application/pidf+xml\r\nContent-ID: <place@pbx>\r\n\r\n\
         <presence entity=\"pres:a@b\"/>\r\n--edge--\r\n"
    );
    let invite =
        Request::invite().header("Geolocation: <cid:place@pbx>").header("MIME-Version: 1.0");
    Request { body: Some(("multipart/mixed;boundary=edge".into(), whole)), ..invite }
}

#[test]
fn a_location_beside_the_offer_reaches_the_carrier_unchanged() {
    let mut world = World::without_users();
    let left = left_of(&mut world, &with_location());
    assert_eq!(header(&left, Name::ContentType), "multipart/mixed;boundary=edge");
    assert_eq!(header(&left, Name::Geolocation), "<cid:place@pbx>");
    assert_eq!(header(&left, Name::MimeVersion), "1.0");
    let whole = body(&left);
    assert!(whole.contains("m=audio 20002 ") && !whole.contains("192.0.2.10"), "{whole}");
    let location = "--edge\r\nContent-Type: application/pidf+xml\r\nContent-ID: <place@pbx>\r\n\r\n\
                    <presence entity=\"pres:a@b\"/>\r\n--edge--\r\n";
    assert!(whole.ends_with(location), "{whole}");
    // The call itself is like any other.
    let ok = response(&left, "200 OK", "called", &[CONTACT], Some(&sdp("198.51.100.20", 6000)));
    world.send(CARRIER, &ok);
    assert!(body(&world.expect(PBX, "SIP/2.0 200 ")).contains("m=audio 20000 "));
}

#[test]
fn a_body_of_several_parts_without_an_offer_leaves_it_to_the_called_side() {
    let mut world = World::without_users();
    let whole = "--b\r\nContent-Type: application/pidf+xml\r\n\r\n<presence/>\r\n--b--\r\n";
    let kind = "multipart/mixed;boundary=\"b\"";
    let invite = Request { body: Some((kind.into(), whole.into())), ..Request::invite() };
    let left = left_of(&mut world, &invite);
    assert_eq!(body(&left), whole);
    let ok = response(&left, "200 OK", "called", &[CONTACT], Some(&sdp("198.51.100.20", 6000)));
    world.send(CARRIER, &ok);
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &ack(&invite, &answer).body(&sdp("192.0.2.10", 4000)).text());
    assert!(body(&world.expect(CARRIER, "ACK ")).contains("m=audio 20002 "));
}

#[test]
fn an_answer_among_other_parts_is_found() {
    let mut world = World::new();
    let (_, left) = place(&mut world);
    let whole = format!(
        "--x\r\nContent-Type: application/isup\r\n\r\n\u{1}\r\n--x\r\n\
         Content-Type: application/sdp\r\n\r\n{}\r\n--x--\r\n",
        sdp("198.51.100.20", 6000)
    );
    let ok = response(&left, "200 OK", "called", &[CONTACT], Some(&whole)).replace(
        "application/sdp\r\nContent-Length",
        "multipart/mixed;boundary=x\r\nContent-Length",
    );
    world.send(CARRIER, &ok);
    world.expect(CARRIER, "ACK ");
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    assert_eq!(header(&answer, Name::ContentType), "application/sdp");
    assert!(body(&answer).contains("m=audio 20000 "), "{answer}");
}

#[test]
fn what_a_request_within_a_call_wants_and_we_lack_is_named() {
    let mut world = World::new();
    let call = talk(&mut world);
    let asked = within(&call.invite, &call.answer, "INVITE", 5).header("Require: sec-agree");
    world.send(PBX, &asked.body(&sdp("192.0.2.10", 4000)).text());
    let refused = world.expect(PBX, "SIP/2.0 420 ");
    assert_eq!(header(&refused, Name::Unsupported), "sec-agree");
    let mut asked = within(&call.invite, &call.answer, "INVITE", 6);
    asked.body = Some(("text/plain".into(), "hello".into()));
    world.send(PBX, &asked.text());
    let refused = world.expect(PBX, "SIP/2.0 415 ");
    assert_eq!(header(&refused, Name::Accept), "application/sdp");
    world.expect_nothing(CARRIER);
}
