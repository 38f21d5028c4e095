//! `Replaces` in an INVITE: a newcomer takes the place of a leg, or is told why not.

use std::time::Duration;

use call::{Change, ReplacesPolicy};
use media::rtp::{Header, Marker};
use media::srtp::{Inbound, MasterKey, Suite, TRAILER_BYTES_MAX};
use model::{VoiceConnector, VoiceConnectorId};
use sdp::{CryptoKey, CryptoSuite, Session};
use sip_message::Name;

use crate::inward;
use crate::peer::{
    Request, Talk, ack, answer, authorized, body, carrier_within, header, place, response, sdp,
    sdp_as, talk, to_tag, within,
};
use crate::world::{CARRIER, PASSWORD, PBX, US, World, connector, host, termination};

/// The device that the call is transferred to.
const PHONE: &str = "192.0.2.11:5060";
/// Its media.
const PHONE_MEDIA: &str = "192.0.2.11:4100";

/// The `Replaces` that names a caller's leg, as its device was told to write it.
fn named(call: &Talk) -> String {
    let tag = to_tag(&call.answer);
    format!("Replaces: {};to-tag={tag};from-tag=caller", call.invite.call_id)
}

/// The phone's INVITE with that header.
fn newcomer(replaces: &str) -> Request {
    let invite = Request {
        uri: format!("sip:+12065550100@{}", host()),
        via: format!("SIP/2.0/UDP {PHONE}"),
        branch: "new".into(),
        from: format!("<sip:desk@{PHONE}>;tag=phone"),
        call_id: "call-2@phone".into(),
        contact: Some(format!("<sip:desk@{PHONE}>")),
        ..Request::invite()
    };
    invite.header(replaces).body(&sdp("192.0.2.11", 4100))
}

fn carrier_answers(world: &mut World, left: &str, body: &str) {
    let contact = format!("Contact: <sip:{CARRIER}>");
    world.send(CARRIER, &response(left, "200 OK", "", &[&contact], Some(body)));
    world.expect(CARRIER, "ACK ");
}

/// The newcomer is let in; gives its 200.
fn let_in(world: &mut World, invite: &Request) -> String {
    world.send(PHONE, &invite.text());
    world.expect(PHONE, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    carrier_answers(world, &left, &sdp("198.51.100.20", 6000));
    let answer = world.expect(PHONE, "SIP/2.0 200 ");
    world.send(PHONE, &ack(invite, &answer).text());
    let bye = world.expect(PBX, "BYE ");
    world.send(PBX, &response(&bye, "200 OK", "", &[], None));
    answer
}

fn rtp(sequence: u16) -> Vec<u8> {
    let header =
        Header { payload_type: 0, marker: Marker::Clear, sequence, timestamp: 160, ssrc: 9 };
    [&header.print()[..], &[7; 160]].concat()
}

/// Where the relay sends a packet that comes to a port of its own.
fn relayed(world: &mut World, port: u16, from: &str, sequence: u16) -> Option<String> {
    let now = world.now().instant;
    let from = from.parse().unwrap();
    world.relay.handle(now, port, from, &mut rtp(sequence)).ok().map(|sent| sent.to.to_string())
}

#[test]
fn a_newcomer_takes_the_callers_place_and_its_media_flows() {
    let mut world = World::without_users();
    let call = talk(&mut world);
    assert_eq!(relayed(&mut world, 20_000, "192.0.2.10:4000", 1).unwrap(), "198.51.100.20:6000");
    let first = Session::parse(body(&call.left).as_bytes()).unwrap();
    let first = (first.origin().session_id.to_owned(), first.origin().version.to_owned());

    let invite = newcomer(&named(&call));
    let offer = body(&invite.text()).replace("o=- 1 1", "o=desk 77 5");
    let invite = invite.body(&offer);
    world.send(PHONE, &invite.text());
    world.expect(PHONE, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE sip:198.51.100.20:5060 SIP/2.0\r\n");
    assert_eq!(header(&left, Name::CallId), header(&call.left, Name::CallId), "a re-INVITE");
    assert!(body(&left).contains("m=audio 20002 "), "the same port as before: {left}");
    let second = Session::parse(body(&left).as_bytes()).unwrap();
    let second = (second.origin().session_id, second.origin().version);
    assert_eq!(second, (first.0.as_str(), "2"), "to the far side it is one session");
    assert_ne!(second.1, first.1);
    world.expect_nothing(PBX);

    carrier_answers(&mut world, &left, &sdp("198.51.100.20", 6000));
    let answer = world.expect(PHONE, "SIP/2.0 200 OK\r\n");
    assert!(body(&answer).contains("m=audio 20000 "), "{answer}");
    assert!(header(&answer, Name::Supported).contains("replaces"), "{answer}");
    assert_ne!(to_tag(&answer), to_tag(&call.answer), "a dialog of its own");
    let bye = world.expect(PBX, "BYE sip:pbx@192.0.2.10:5060 SIP/2.0\r\n");
    assert_eq!(header(&bye, Name::CallId), call.invite.call_id);
    assert_eq!(header(&bye, Name::Reason), "SIP;cause=200;text=\"Replaced\"");
    world.send(PBX, &response(&bye, "200 OK", "", &[], None));
    world.send(PHONE, &ack(&invite, &answer).text());

    assert_eq!(relayed(&mut world, 20_000, PHONE_MEDIA, 1).unwrap(), "198.51.100.20:6000");
    assert_eq!(relayed(&mut world, 20_002, "198.51.100.20:6000", 1).unwrap(), PHONE_MEDIA);
    assert_eq!(relayed(&mut world, 20_000, "192.0.2.10:4000", 2), None, "who went is not heard");

    world.send(PHONE, &within(&invite, &answer, "BYE", 9).text());
    world.expect(PHONE, "SIP/2.0 200 ");
    let record = world.only_record_after_bye(CARRIER);
    assert_eq!(record.reason, "completed");
    assert_eq!(record.attempt_call_ids, ["call-2@phone"], "by it the record is found");
    let row = record.decisions.iter().find(|it| it.rule == "replaces").unwrap();
    let seen = "192.0.2.11:5060 took the place of the caller: Call-ID call-2@phone for call-1@pbx";
    assert_eq!(row.seen, seen);
    assert_eq!(world.engine.counters().replaced, 1);
    world.wait(Duration::from_secs(64));
    world.assert_clean();
}

#[test]
fn the_device_may_call_the_contact_that_the_leg_has_of_us() {
    for users in [false, true] {
        let mut world = World::new();
        if !users {
            world.remove_users();
        }
        let call = talk(&mut world);
        let invite = Request { uri: format!("sip:{US}"), ..newcomer(&named(&call)) };
        let invite = if users {
            world.send(PHONE, &invite.text());
            let challenge = world.expect(PHONE, "SIP/2.0 407 ");
            assert!(challenge.contains(&format!("realm=\"{}\"", host())), "{challenge}");
            world.send(PHONE, &ack(&invite, &challenge).text());
            authorized(&invite, &challenge, "pbx", PASSWORD)
        } else {
            invite
        };
        let answer = let_in(&mut world, &invite);
        world.send(PHONE, &within(&invite, &answer, "BYE", 9).text());
        world.expect(PHONE, "SIP/2.0 200 ");
        assert_eq!(world.only_record_after_bye(CARRIER).reason, "completed");
    }
}

#[test]
fn a_newcomer_without_an_offer_gets_the_other_sides() {
    let mut world = World::without_users();
    let call = talk(&mut world);
    let invite = Request { body: None, ..newcomer(&named(&call)) };
    world.send(PHONE, &invite.text());
    world.expect(PHONE, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    assert_eq!(body(&left), "");
    let contact = format!("Contact: <sip:{CARRIER}>");
    let offer = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &response(&left, "200 OK", "", &[&contact], Some(&offer)));
    world.expect_nothing(CARRIER);
    let answer = world.expect(PHONE, "SIP/2.0 200 ");
    assert!(body(&answer).contains("m=audio 20000 "), "{answer}");
    world.expect(PBX, "BYE ");
    world.send(PHONE, &ack(&invite, &answer).body(&sdp("192.0.2.11", 4100)).text());
    let settled = world.expect(CARRIER, "ACK ");
    assert!(body(&settled).contains("m=audio 20002 "), "{settled}");
    assert_eq!(relayed(&mut world, 20_000, PHONE_MEDIA, 1).unwrap(), "198.51.100.20:6000");
    assert_eq!(relayed(&mut world, 20_002, "198.51.100.20:6000", 1).unwrap(), PHONE_MEDIA);
}

#[test]
fn a_call_goes_on_as_it_was_if_the_other_side_refuses_the_newcomer() {
    let mut world = World::without_users();
    let call = talk(&mut world);
    let invite = newcomer(&named(&call));
    world.send(PHONE, &invite.text());
    world.expect(PHONE, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    world.send(CARRIER, &response(&left, "488 Not Acceptable Here", "", &[], None));
    world.expect(CARRIER, "ACK ");
    let refused = world.expect(PHONE, "SIP/2.0 488 ");
    world.send(PHONE, &ack(&invite, &refused).text());
    world.expect_nothing(PBX);
    assert_eq!(relayed(&mut world, 20_000, "192.0.2.10:4000", 1).unwrap(), "198.51.100.20:6000");
    assert_eq!(relayed(&mut world, 20_002, "198.51.100.20:6000", 1).unwrap(), "192.0.2.10:4000");

    world.send(PBX, &within(&call.invite, &call.answer, "BYE", 9).text());
    let record = world.only_record_after_bye(CARRIER);
    let row = record.decisions.iter().find(|it| it.rule == "replaces").unwrap();
    assert!(row.seen.contains("the called side answered 488 when Call-ID call-2@phone"), "{row:?}");
    assert_eq!(record.attempt_call_ids, ["call-2@phone"]);
    world.wait(Duration::from_secs(64));
    world.assert_clean();
}

#[test]
fn a_newcomer_that_gives_up_leaves_the_call_as_it_was() {
    let mut world = World::without_users();
    let call = talk(&mut world);
    let invite = newcomer(&named(&call));
    world.send(PHONE, &invite.text());
    world.expect(PHONE, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    world.send(CARRIER, &response(&left, "100 Trying", "", &[], None));
    let cancel = Request { method: "CANCEL".into(), headers: vec![], body: None, ..invite };
    world.send(PHONE, &cancel.text());
    world.expect(PHONE, "SIP/2.0 200 ");
    let cancel = world.expect(CARRIER, "CANCEL ");
    world.send(CARRIER, &response(&cancel, "200 OK", "", &[], None));
    world.send(CARRIER, &response(&left, "487 Request Terminated", "", &[], None));
    world.expect(CARRIER, "ACK ");
    world.expect(PHONE, "SIP/2.0 487 ");
    world.expect_nothing(PBX);
    assert_eq!(world.engine.calls_open(), 1);
}

#[test]
fn a_call_that_ends_meanwhile_ends_for_the_newcomer_too() {
    let mut world = World::without_users();
    let call = talk(&mut world);
    let invite = newcomer(&named(&call));
    world.send(PHONE, &invite.text());
    world.expect(PHONE, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    world.send(PBX, &within(&call.invite, &call.answer, "BYE", 9).text());
    let refused = world.expect(PHONE, "SIP/2.0 487 ");
    world.send(PHONE, &ack(&invite, &refused).text());
    let bye = world.expect(CARRIER, "BYE ");
    world.send(CARRIER, &response(&bye, "200 OK", "", &[], None));
    // The other side's answer crosses our BYE.
    let contact = format!("Contact: <sip:{CARRIER}>");
    let ok = response(&left, "200 OK", "", &[&contact], Some(&sdp("198.51.100.20", 6000)));
    world.send(CARRIER, &ok);
    world.forget_sent();
    assert_eq!(world.only_record().reason, "completed");
    world.wait(Duration::from_secs(64));
    world.assert_clean();
}

/// Sends an INVITE that is refused; gives the status and the record's reason.
#[track_caller]
fn refused(world: &mut World, from: &str, invite: &Request) -> (String, String) {
    let before = world.records.len();
    world.send(from, &invite.text());
    let answer = world.expect(from, "SIP/2.0 ");
    world.send(from, &ack(invite, &answer).text());
    assert_eq!(world.records.len(), before + 1, "one record for {answer}");
    let record = &world.records[before];
    let row = record.decisions.last().unwrap();
    assert!(!row.remedy.is_empty() && !row.expected.is_empty(), "{row:?}");
    (answer[8..11].into(), record.reason.clone())
}

#[test]
fn each_refusal_of_a_newcomer_has_its_status_and_its_name() {
    let mut world = World::without_users();
    let call = talk(&mut world);
    let tag = to_tag(&call.answer);
    let of = |call_id: &str, to: &str, from: &str, more: &str| {
        format!("Replaces: {call_id};to-tag={to};from-tag={from}{more}")
    };
    let cases = [
        (of("other@pbx", &tag, "caller", ""), "481", "replaces-no-dialog"),
        (of("call-1@pbx", "mistyped", "caller", ""), "481", "replaces-no-dialog"),
        (of("call-1@pbx", &tag, "mistyped", ""), "481", "replaces-no-dialog"),
        (of("call-1@pbx", &tag, "0", ""), "481", "replaces-no-dialog"),
        (of("call-1@pbx", "caller", &tag, ""), "481", "replaces-no-dialog"),
        (of("call-1@pbx", &format!("{tag}.1"), "caller", ""), "481", "replaces-no-dialog"),
        (of("call-1@pbx", &tag, "caller", ";early-only"), "486", "replaces-confirmed-dialog"),
    ];
    for (at, (replaces, status, reason)) in cases.iter().enumerate() {
        let invite = Request { branch: format!("n{at}"), ..newcomer(replaces) };
        let invite = Request { call_id: format!("n{at}@phone"), ..invite };
        let got = refused(&mut world, PHONE, &invite);
        assert_eq!((got.0.as_str(), got.1.as_str()), (*status, *reason), "{replaces}");
        world.wait(Duration::from_secs(1));
    }
    // Two of them are no question that has an answer (RFC 3891 §3).
    let twice = newcomer(&cases[0].0).header(&cases[1].0);
    world.send(PHONE, &twice.text());
    world.expect(PHONE, "SIP/2.0 400 ");
    let half = Request { branch: "half".into(), ..newcomer("Replaces: call-1@pbx;to-tag=1") };
    world.send(PHONE, &half.text());
    world.expect(PHONE, "SIP/2.0 400 ");
    world.expect_nothing(PBX);
    world.expect_nothing(CARRIER);
    assert_eq!(world.engine.calls_open(), 1);
}

/// A second connector of the same account, which anybody may use who may use the first.
fn another_connector() -> (VoiceConnector, String) {
    let id = VoiceConnectorId::parse("abcdefghij0123456789zz").unwrap();
    let host = format!("{id}.voiceconnector.localhost");
    (VoiceConnector { id, outbound_host_name: host.clone(), ..connector() }, host)
}

#[test]
fn nobody_takes_over_a_leg_of_another_connector_or_of_a_carrier() {
    let mut world = World::without_users();
    let (other, host) = another_connector();
    let mut rules = termination();
    rules.connector = other.id.clone();
    world.apply(Change::PutConnector(other));
    world.apply(Change::PutTermination(rules));
    let call = talk(&mut world);
    let of_other = |it: Request| Request { uri: format!("sip:+12065550100@{host}"), ..it };
    let forged = of_other(newcomer(&named(&call)));
    let got = refused(&mut world, PHONE, &forged);
    assert_eq!(got, ("403".into(), "replaces-foreign-dialog".into()));

    // The carrier's leg, named by whoever has seen its messages.
    let ours = header(&call.left, Name::From);
    let (_, ours) = ours.split_once(";tag=").unwrap();
    let call_id = header(&call.left, Name::CallId);
    let carriers = format!("Replaces: {call_id};to-tag={ours};from-tag=called");
    let forged = Request { branch: "n2".into(), call_id: "n2".into(), ..newcomer(&carriers) };
    let got = refused(&mut world, PHONE, &forged);
    assert_eq!(got, ("403".into(), "replaces-foreign-dialog".into()));

    // By our own address the leg's connector is asked, and it does not know the sender.
    let stranger = "203.0.113.77:5060";
    let forged = Request {
        uri: format!("sip:{US}"),
        via: format!("SIP/2.0/UDP {stranger}"),
        ..newcomer(&named(&call))
    };
    let got = refused(&mut world, stranger, &forged);
    assert_eq!(got, ("403".into(), "source-not-allowed".into()));

    // Nor does a carrier have a leg of its own replaced.
    let forged = Request {
        via: format!("SIP/2.0/UDP {CARRIER}"),
        uri: format!("sip:+12065550199@{}", "203.0.113.1"),
        ..newcomer(&carriers)
    };
    let got = refused(&mut world, CARRIER, &forged);
    assert_eq!(got, ("603".into(), "replaces-by-carrier".into()));
    world.expect_nothing(PBX);
    world.expect_nothing(CARRIER);
    assert_eq!(relayed(&mut world, 20_000, "192.0.2.10:4000", 1).unwrap(), "198.51.100.20:6000");
}

#[test]
fn who_knows_a_leg_and_no_password_is_challenged_and_refused() {
    let mut world = World::new();
    let call = talk(&mut world);
    let invite = newcomer(&named(&call));
    world.send(PHONE, &invite.text());
    let challenge = world.expect(PHONE, "SIP/2.0 407 ");
    world.send(PHONE, &ack(&invite, &challenge).text());
    let guessed = authorized(&invite, &challenge, "pbx", "guess");
    let (status, _) = refused(&mut world, PHONE, &guessed);
    assert_eq!(status, "403");
    world.expect_nothing(PBX);
    world.expect_nothing(CARRIER);
}

#[test]
fn a_leg_that_rings_and_one_that_is_being_hung_up_are_not_replaced() {
    let mut world = World::without_users();
    let (invite, left) = place(&mut world);
    world.send(CARRIER, &response(&left, "180 Ringing", "called", &[], None));
    let ringing = world.expect(PBX, "SIP/2.0 180 ");
    let early =
        newcomer(&format!("Replaces: call-1@pbx;to-tag={};from-tag=caller", to_tag(&ringing)));
    let got = refused(&mut world, PHONE, &early);
    assert_eq!(got, ("481".into(), "replaces-early-dialog".into()));

    let answer = answer(&mut world, &left);
    world.send(PBX, &ack(&invite, &answer).text());
    world.send(CARRIER, &carrier_within(&left, CARRIER, "called", "BYE", 1).text());
    world.expect(CARRIER, "SIP/2.0 200 ");
    world.expect(PBX, "BYE ");
    let late = newcomer(&named(&Talk { invite, left, answer }));
    let late = Request { branch: "late".into(), call_id: "late".into(), ..late };
    let got = refused(&mut world, PHONE, &late);
    assert_eq!(got, ("603".into(), "replaces-ended-dialog".into()));
}

#[test]
fn a_newcomer_waits_its_turn_while_the_session_is_changed() {
    let mut world = World::without_users();
    let call = talk(&mut world);
    let hold = within(&call.invite, &call.answer, "INVITE", 5);
    let hold = hold.body(&sdp_as("192.0.2.10", 4000, "sendonly"));
    world.send(PBX, &hold.text());
    world.expect(PBX, "SIP/2.0 100 ");
    world.expect(CARRIER, "INVITE ");
    let got = refused(&mut world, PHONE, &newcomer(&named(&call)));
    assert_eq!(got, ("491".into(), "replaces-while-changing".into()));
}

#[test]
fn a_call_may_be_transferred_on_and_no_more_than_eight_times() {
    let mut world = World::without_users();
    world.terminate(|it| it.cps_limit = std::num::NonZeroU32::new(100).unwrap());
    let call = talk(&mut world);
    let mut replaces = named(&call);
    for turn in 1..=9 {
        let peer = format!("192.0.2.{}:5060", 10 + turn);
        let tag = format!("phone{turn}");
        let invite = Request {
            via: format!("SIP/2.0/UDP {peer}"),
            branch: tag.clone(),
            from: format!("<sip:desk@{peer}>;tag={tag}"),
            call_id: format!("{tag}@phone"),
            contact: Some(format!("<sip:desk@{peer}>")),
            ..newcomer(&replaces)
        };
        if turn == 9 {
            let got = refused(&mut world, &peer, &invite);
            assert_eq!(got, ("603".into(), "replaces-too-often".into()));
            continue;
        }
        world.send(&peer, &invite.text());
        world.expect(&peer, "SIP/2.0 100 ");
        let left = world.expect(CARRIER, "INVITE ");
        let version = format!("o=- 1 {} ", turn + 1);
        assert!(body(&left).contains(&version), "{left}");
        carrier_answers(&mut world, &left, &sdp("198.51.100.20", 6000));
        let answer = world.expect(&peer, "SIP/2.0 200 ");
        world.send(&peer, &ack(&invite, &answer).text());
        let gone = format!("192.0.2.{}:5060", 9 + turn);
        let bye = world.expect(&gone, "BYE ");
        world.send(&gone, &response(&bye, "200 OK", "", &[], None));
        replaces = format!("Replaces: {tag}@phone;to-tag={};from-tag={tag}", to_tag(&answer));
    }
    assert_eq!(world.engine.dialogs(), 2, "one for each leg that is there");
    world.send(CARRIER, &carrier_within(&call.left, CARRIER, "called", "BYE", 1).text());
    let bye = world.expect("192.0.2.18:5060", "BYE ");
    world.send("192.0.2.18:5060", &response(&bye, "200 OK", "", &[], None));
    let record = world.records.last().unwrap();
    assert_eq!(record.decisions.iter().filter(|it| it.rule == "replaces").count(), 8);
    world.wait(Duration::from_secs(64));
    world.assert_clean();
}

#[test]
fn the_called_leg_of_a_call_in_is_replaced_by_its_connectors_user() {
    let mut world = inward::world();
    world.remove_users();
    let invite = inward::invite();
    world.send(CARRIER, &invite.text());
    world.expect(CARRIER, "SIP/2.0 100 ");
    let left = world.expect(PBX, "INVITE ");
    assert!(header(&left, Name::Supported).contains("replaces"), "{left}");
    let answer = inward::answer(&mut world, PBX, &left);
    assert!(!answer.contains("replaces"), "a carrier is not told of it: {answer}");
    world.send(CARRIER, &ack(&invite, &answer).text());

    let (_, ours) = header(&left, Name::From).split_once(";tag=").map(own).unwrap();
    let call_id = header(&left, Name::CallId);
    let replaces = format!("Replaces: {call_id};to-tag={ours};from-tag=pbx");
    let desk = Request { uri: format!("sip:{US}"), ..newcomer(&replaces) };
    world.send(PHONE, &desk.text());
    world.expect(PHONE, "SIP/2.0 100 ");
    let offered = world.expect(CARRIER, "INVITE ");
    carrier_answers(&mut world, &offered, &sdp("198.51.100.20", 6000));
    let answer = world.expect(PHONE, "SIP/2.0 200 ");
    world.send(PHONE, &ack(&desk, &answer).text());
    let bye = world.expect(PBX, "BYE ");
    world.send(PBX, &response(&bye, "200 OK", "", &[], None));
    world.send(PHONE, &within(&desk, &answer, "BYE", 9).text());
    let record = world.only_record_after_bye(CARRIER);
    let row = record.decisions.iter().find(|it| it.rule == "replaces").unwrap();
    assert!(row.seen.contains("took the place of the called"), "{row:?}");
    world.wait(Duration::from_secs(64));
    world.assert_clean();
}

fn own((one, other): (&str, &str)) -> (String, String) {
    (one.into(), other.into())
}

#[test]
fn a_newcomer_gets_keys_of_its_own_and_streams_that_begin_anew() {
    const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";
    const KEYS: [&str; 2] =
        ["WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj"];
    let keyed = |address, port, key| {
        let line = format!("a=crypto:1 {SUITE} inline:{key}\r\na=ptime");
        sdp(address, port).replace("RTP/AVP", "RTP/SAVP").replace("a=ptime", &line)
    };
    let key_of = |message: &str| -> CryptoKey {
        let session = Session::parse(body(message).as_bytes()).unwrap();
        let crypto = session.sections()[0].cryptos().next().unwrap().unwrap();
        assert_eq!(crypto.suite, CryptoSuite::AesCm128Sha1With80);
        crypto.key
    };
    let mut world = World::without_users();
    let invite = Request::invite().body(&keyed("192.0.2.10", 4000, KEYS[0]));
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    let answer = answer(&mut world, &left);
    world.send(PBX, &ack(&invite, &answer).text());
    // The carrier's stream has gone once around: its rollover counter is 1 on the leg that goes.
    for sequence in (0..=u16::MAX).step_by(1024).chain([0]) {
        relayed_padded(&mut world, sequence);
    }

    let call = Talk { invite, left, answer };
    let phone = newcomer(&named(&call)).body(&keyed("192.0.2.11", 4100, KEYS[1]));
    let answer = let_in(&mut world, &phone);
    assert_ne!(key_of(&answer).bytes(), key_of(&call.answer).bytes(), "a key of its own");
    let suite = Suite::of_name(SUITE).unwrap();
    let master = MasterKey::parse(suite, key_of(&answer).bytes()).unwrap();
    let mut hears = Inbound::new(master, None);
    let mut packet = relayed_padded(&mut world, 1024);
    let len = hears.unprotect_rtp(&mut packet).expect("a stream that begins with counter 0");
    assert_eq!(packet[..len][12..], rtp(1024)[12..]);
}

/// What the caller's side gets of a packet of the carrier's.
fn relayed_padded(world: &mut World, sequence: u16) -> Vec<u8> {
    let (now, packet) = (world.now().instant, rtp(sequence));
    let from = "198.51.100.20:6000".parse().unwrap();
    let mut buffer = [&packet[..], &[0; TRAILER_BYTES_MAX]].concat();
    let sent = world.relay.handle_in(now, 20_002, from, &mut buffer, packet.len()).unwrap();
    buffer.truncate(sent.len);
    buffer
}

#[test]
fn an_operator_may_have_every_replacement_declined() {
    let mut world = World::with(|config| config.replaces = ReplacesPolicy::Decline);
    world.remove_users();
    let call = talk(&mut world);
    assert!(!call.answer.contains("replaces"), "{}", call.answer);
    let got = refused(&mut world, PHONE, &newcomer(&named(&call)));
    assert_eq!(got, ("603".into(), "replaces-refused".into()));
    let required = newcomer(&named(&call)).header("Require: replaces");
    let required = Request { branch: "r".into(), call_id: "r".into(), ..required };
    assert_eq!(refused(&mut world, PHONE, &required).0, "420");
    world.expect_nothing(CARRIER);
}

#[test]
fn a_newcomer_may_require_what_it_asks_for() {
    let mut world = World::without_users();
    let call = talk(&mut world);
    let_in(&mut world, &newcomer(&named(&call)).header("Require: replaces"));
}
