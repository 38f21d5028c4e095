//! SRTP on each leg by itself: who wants it, who gets which key, and what is refused.

use std::net::SocketAddr;

use call::{Change, ResolvedCarrier};
use media::DropReason;
use media::rtp::{Header, Marker};
use media::srtp::{Inbound, MasterKey, Outbound, Suite, TRAILER_BYTES_MAX};
use model::{SrtpPolicy, Verdict, VoiceConnector};
use sdp::{Crypto, Session};
use sip_message::Transport;

use crate::peer::{Request, ack, body, carrier_within, response, sdp, within};
use crate::world::{CARRIER, CARRIER_2, PBX, World, carrier, connector};

/// The caller's key in RFC 4568's own words.
const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
/// Another one, which the carrier makes.
const CARRIERS_KEY: &str = "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj";
const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";

fn crypto(tag: u32, suite: &str, key: &str) -> String {
    format!("a=crypto:{tag} {suite} inline:{key}\r\n")
}

/// A description with these lines, as RTP/SAVP or RTP/AVP.
fn keyed(address: &str, port: u16, profile: &str, lines: &str) -> String {
    sdp(address, port).replace("RTP/AVP", profile).replace("a=ptime", &format!("{lines}a=ptime"))
}

fn offer(profile: &str, lines: &str) -> String {
    keyed("192.0.2.10", 4000, profile, lines)
}

fn answer_of_carrier(profile: &str, lines: &str) -> String {
    keyed("198.51.100.20", 6000, profile, lines)
}

fn with_policy(srtp: SrtpPolicy) -> World {
    let mut world = World::without_users();
    world.apply(Change::PutCarrier(with_srtp(carrier("first", CARRIER, 1), srtp)));
    world
}

fn with_srtp(mut carrier: ResolvedCarrier, srtp: SrtpPolicy) -> ResolvedCarrier {
    carrier.carrier.srtp = srtp;
    carrier
}

fn cryptos(message: &str) -> Vec<Crypto> {
    let session = Session::parse(body(message).as_bytes()).expect("a description of ours");
    session.sections()[0].cryptos().map(|it| it.expect("a line of ours")).collect()
}

/// The caller's INVITE with an offer; what leaves for the carrier.
fn place(world: &mut World, offer: &str) -> (Request, String) {
    let invite = Request::invite().body(offer);
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    (invite, world.expect(CARRIER, "INVITE "))
}

fn answered(world: &mut World, left: &str, answer: &str) -> String {
    let contact = format!("Contact: <sip:{CARRIER}>");
    world.send(CARRIER, &response(left, "200 OK", "called", &[&contact], Some(answer)));
    world.expect(CARRIER, "ACK ");
    world.expect(PBX, "SIP/2.0 200 ")
}

fn master(crypto: &Crypto) -> MasterKey {
    let suite = Suite::of_name(crypto.suite.name()).expect("a suite of the relay");
    MasterKey::parse(suite, crypto.key.bytes()).expect("a key of its length")
}

fn key_of(text: &str) -> MasterKey {
    master(&Crypto::parse(&format!("1 {SUITE} inline:{text}")).expect("a sound fixture"))
}

fn rtp(sequence: u16) -> Vec<u8> {
    let header =
        Header { payload_type: 0, marker: Marker::Clear, sequence, timestamp: 160, ssrc: 9 };
    [&header.print()[..], &[sequence as u8; 160]].concat()
}

/// What the relay makes of a packet that comes to one of its ports.
fn relayed(world: &mut World, port: u16, from: &str, packet: &[u8]) -> Result<Vec<u8>, DropReason> {
    let now = world.now().instant;
    let from: SocketAddr = from.parse().expect("a sound fixture");
    let mut buffer = [packet, &[0; TRAILER_BYTES_MAX]].concat();
    let sent = world.relay.handle_in(now, port, from, &mut buffer, packet.len())?;
    buffer.truncate(sent.len);
    Ok(buffer)
}

fn from_caller(world: &mut World, packet: &[u8]) -> Result<Vec<u8>, DropReason> {
    relayed(world, 20_000, "192.0.2.10:4000", packet)
}

fn from_called(world: &mut World, packet: &[u8]) -> Result<Vec<u8>, DropReason> {
    relayed(world, 20_002, "198.51.100.20:6000", packet)
}

fn protected(outbound: &mut Outbound, packet: &[u8]) -> Vec<u8> {
    let mut buffer = [packet, &[0; TRAILER_BYTES_MAX]].concat();
    let len = outbound.protect_rtp(&mut buffer, packet.len()).expect("a sound fixture");
    buffer.truncate(len);
    buffer
}

fn unprotected(inbound: &mut Inbound, mut packet: Vec<u8>) -> Vec<u8> {
    let len = inbound.unprotect_rtp(&mut packet).expect("authentic");
    packet.truncate(len);
    packet
}

#[test]
fn an_encrypted_caller_and_a_carrier_in_clear_hear_each_other() {
    let mut world = World::without_users();
    let lines = crypto(4, "F8_128_HMAC_SHA1_80", KEY) + &crypto(7, SUITE, KEY);
    let (_, left) = place(&mut world, &offer("RTP/SAVP", &lines));
    assert!(body(&left).contains("RTP/AVP 0"), "{left}");
    assert!(!left.contains("crypto"), "{left}");
    let answer = answered(&mut world, &left, &answer_of_carrier("RTP/AVP", ""));
    assert!(body(&answer).contains("m=audio 20000 RTP/SAVP 0"), "{answer}");
    let [ours] = &cryptos(&answer)[..] else { panic!("one line: {answer}") };
    assert_eq!((ours.tag, ours.suite.name()), (7, SUITE), "the first line that can be used");
    assert_ne!(master(ours), key_of(KEY), "a key of our own");

    let mut caller_sends = Outbound::new(key_of(KEY));
    let mut caller_hears = Inbound::new(master(ours), None);
    let out = protected(&mut caller_sends, &rtp(1));
    assert_eq!(from_caller(&mut world, &out), Ok(rtp(1)));
    assert_eq!(from_caller(&mut world, &rtp(2)), Err(DropReason::NotAuthentic));
    let out = from_called(&mut world, &rtp(1)).unwrap();
    assert_eq!(unprotected(&mut caller_hears, out), rtp(1));
}

#[test]
fn a_caller_in_clear_reaches_a_carrier_that_wants_encryption() {
    let mut world = with_policy(SrtpPolicy::Require);
    let (_, left) = place(&mut world, &offer("RTP/AVP", ""));
    assert!(body(&left).contains("m=audio 20002 RTP/SAVP 0"), "{left}");
    let offered = cryptos(&left);
    let names: Vec<_> = offered.iter().map(|it| (it.tag, it.suite.name())).collect();
    let expected = [(1, SUITE), (2, "AES_256_CM_HMAC_SHA1_80"), (3, "AES_CM_128_HMAC_SHA1_32")];
    assert_eq!(names, expected, "few over UDP");
    assert_eq!(from_called(&mut world, &rtp(0)), Err(DropReason::Unkeyed), "not before the answer");

    let lines = crypto(1, SUITE, CARRIERS_KEY);
    let answer = answered(&mut world, &left, &answer_of_carrier("RTP/SAVP", &lines));
    assert!(body(&answer).contains("m=audio 20000 RTP/AVP 0"), "{answer}");
    assert!(!answer.contains("crypto"), "{answer}");
    let out = from_caller(&mut world, &rtp(1)).unwrap();
    assert_eq!(unprotected(&mut Inbound::new(master(&offered[0]), None), out), rtp(1));
    let out = protected(&mut Outbound::new(key_of(CARRIERS_KEY)), &rtp(1));
    assert_eq!(from_called(&mut world, &out), Ok(rtp(1)));
}

#[test]
fn a_carrier_that_may_encrypt_is_offered_keys_beside_media_in_clear() {
    let lines = crypto(2, "AES_256_CM_HMAC_SHA1_80", &format!("{}==", &"QUJD".repeat(16)[..62]));
    for (answered_with, is_encrypted) in [("", false), (&*lines, true)] {
        let mut world = with_policy(SrtpPolicy::Offer);
        let (_, left) = place(&mut world, &offer("RTP/AVP", ""));
        assert!(body(&left).contains("m=audio 20002 RTP/AVP 0"), "{left}");
        assert_eq!(cryptos(&left).len(), 3);
        answered(&mut world, &left, &answer_of_carrier("RTP/AVP", answered_with));
        let out = from_caller(&mut world, &rtp(1)).unwrap();
        assert_eq!(out != rtp(1), is_encrypted);
        assert_eq!(from_called(&mut world, &rtp(1)).is_err(), is_encrypted);
    }
}

#[test]
fn each_carrier_that_is_asked_gets_keys_of_its_own() {
    let mut world = with_policy(SrtpPolicy::Require);
    let second = with_srtp(carrier("second", CARRIER_2, 2), SrtpPolicy::Require);
    world.apply(Change::PutCarrier(second));
    let (_, first) = place(&mut world, &offer("RTP/AVP", ""));
    world.send(CARRIER, &response(&first, "503 Service Unavailable", "c", &[], None));
    let second = world.expect(CARRIER_2, "INVITE ");
    for (one, other) in cryptos(&first).iter().zip(&cryptos(&second)) {
        assert_ne!(master(one), master(other));
    }
}

#[test]
fn a_carrier_that_answers_otherwise_than_it_was_offered_ends_the_call_by_name() {
    let unknown = crypto(9, SUITE, CARRIERS_KEY);
    for (srtp, profile, lines, seen) in [
        (SrtpPolicy::Require, "RTP/AVP", "", "media in clear"),
        (SrtpPolicy::Require, "RTP/SAVP", &*unknown, "no common crypto suite"),
        (SrtpPolicy::Never, "RTP/SAVP", &*unknown, "encrypted media"),
    ] {
        let mut world = with_policy(srtp);
        let (_, left) = place(&mut world, &offer("RTP/AVP", ""));
        let contact = format!("Contact: <sip:{CARRIER}>");
        let answer = answer_of_carrier(profile, lines);
        world.send(CARRIER, &response(&left, "200 OK", "called", &[&contact], Some(&answer)));
        world.expect(PBX, "SIP/2.0 502 ");
        let record = world.records.first().expect("a record");
        assert_eq!(record.reason, "answer-refused");
        let end = record.decisions.last().expect("the end's row");
        assert!(end.seen.contains(seen), "{}", end.seen);
    }
}

#[test]
fn a_connector_that_requires_encryption_wants_it_of_signalling_and_of_media() {
    let encrypted = || {
        let mut world = World::without_users();
        let connector = VoiceConnector { require_encryption: true, ..connector() };
        world.apply(Change::PutConnector(connector));
        world
    };
    let invite = |profile: &str, lines: &str| {
        let mut invite = Request::invite().body(&offer(profile, lines));
        invite.via = format!("SIP/2.0/TLS {PBX}");
        invite
    };
    let lines = crypto(1, SUITE, KEY);

    for transport in [Transport::Udp, Transport::Tcp] {
        let mut world = encrypted();
        let invite = invite("RTP/SAVP", &lines).text().replace("/TLS", transport_name(transport));
        match transport {
            Transport::Udp => world.send(PBX, &invite),
            Transport::Tcp | Transport::Tls => world.send_over(transport, PBX, &invite),
        }
        world.expect(PBX, "SIP/2.0 403 Forbidden\r\n");
        assert_eq!(world.only_record().reason, "encryption-required");
    }

    let mut world = encrypted();
    world.send_over(Transport::Tls, PBX, &invite("RTP/AVP", "").text());
    world.expect(PBX, "SIP/2.0 488 Encrypted media is required\r\n");
    let record = world.only_record();
    assert_eq!(record.reason, "sdp-encryption-required");
    let row = record.decisions.last().expect("the refusal's row");
    assert_eq!(row.verdict, Verdict::Refuse);
    assert!(row.expected.contains("RTP/SAVP"), "{}", row.expected);
    assert!(row.remedy.contains("RequireEncryption false"), "{}", row.remedy);

    let mut world = encrypted();
    world.send_over(Transport::Tls, PBX, &invite("RTP/SAVP", &lines).text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    answered(&mut world, &left, &answer_of_carrier("RTP/AVP", ""));
}

fn transport_name(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "/UDP",
        Transport::Tcp => "/TCP",
        Transport::Tls => "/TLS",
    }
}

#[test]
fn a_late_offer_of_the_carrier_reaches_an_encrypted_connector_with_our_keys() {
    let mut world = World::without_users();
    world.apply(Change::PutConnector(VoiceConnector { require_encryption: true, ..connector() }));
    let mut invite = Request::plain("INVITE");
    invite.via = format!("SIP/2.0/TLS {PBX}");
    world.send_over(Transport::Tls, PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    let contact = format!("Contact: <sip:{CARRIER}>");
    let offered = answer_of_carrier("RTP/AVP", "");
    world.send(CARRIER, &response(&left, "200 OK", "called", &[&contact], Some(&offered)));
    let ok = world.expect(PBX, "SIP/2.0 200 ");
    assert!(body(&ok).contains("RTP/SAVP"), "{ok}");
    let ours = cryptos(&ok);
    assert_eq!(ours.len(), 8, "all suites over a stream");

    let mut acknowledged = ack(&invite, &ok).body(&offer("RTP/SAVP", &crypto(1, SUITE, KEY)));
    acknowledged.via = format!("SIP/2.0/TLS {PBX}");
    world.send_over(Transport::Tls, PBX, &acknowledged.text());
    let answer = world.expect(CARRIER, "ACK ");
    assert!(body(&answer).contains("RTP/AVP") && !answer.contains("crypto"), "{answer}");
    let out = protected(&mut Outbound::new(key_of(KEY)), &rtp(1));
    assert_eq!(from_caller(&mut world, &out), Ok(rtp(1)));
    let out = from_called(&mut world, &rtp(1)).unwrap();
    assert_eq!(unprotected(&mut Inbound::new(master(&ours[0]), None), out), rtp(1));
}

#[test]
fn a_hold_keeps_the_keys_and_a_new_key_of_the_caller_is_taken() {
    let mut world = with_policy(SrtpPolicy::Require);
    let lines = crypto(1, SUITE, KEY);
    let (invite, left) = place(&mut world, &offer("RTP/SAVP", &lines));
    let carriers = crypto(1, SUITE, CARRIERS_KEY);
    let answer = answered(&mut world, &left, &answer_of_carrier("RTP/SAVP", &carriers));
    world.send(PBX, &ack(&invite, &answer).text());
    let before = (cryptos(&answer), cryptos(&left));
    let mut caller_sends = Outbound::new(key_of(KEY));
    let mut caller_hears = Inbound::new(master(&before.0[0]), None);
    let mut carrier_sends = Outbound::new(key_of(CARRIERS_KEY));

    let held = offer("RTP/SAVP", &lines).replace("sendrecv", "sendonly");
    let rekeyed = offer("RTP/SAVP", &crypto(1, SUITE, CARRIERS_KEY));
    for (cseq, reoffer) in [(5, held), (6, rekeyed)] {
        let reinvite = within(&invite, &answer, "INVITE", cseq).body(&reoffer);
        world.send(PBX, &reinvite.text());
        world.expect(PBX, "SIP/2.0 100 ");
        let reoffered = world.expect(CARRIER, "INVITE ");
        assert_eq!(cryptos(&reoffered), before.1[..1], "what was agreed on, and no more");
        let contact = format!("Contact: <sip:{CARRIER}>");
        let ok = answer_of_carrier("RTP/SAVP", &carriers);
        world.send(CARRIER, &response(&reoffered, "200 OK", "", &[&contact], Some(&ok)));
        world.expect(CARRIER, "ACK ");
        let again = world.expect(PBX, "SIP/2.0 200 ");
        assert_eq!(cryptos(&again), before.0, "our key stays");
        world.send(PBX, &ack(&reinvite, &again).text());

        if cseq == 6 {
            caller_sends.rekey(&key_of(CARRIERS_KEY));
        }
        let out = protected(&mut caller_sends, &rtp(cseq as u16));
        from_caller(&mut world, &out).unwrap();
        let out = protected(&mut carrier_sends, &rtp(cseq as u16));
        let out = from_called(&mut world, &out).unwrap();
        assert_eq!(unprotected(&mut caller_hears, out), rtp(cseq as u16));
    }
}

#[test]
fn a_carrier_takes_its_encryption_off_only_if_it_may() {
    for (srtp, status) in
        [(SrtpPolicy::Require, "SIP/2.0 488 "), (SrtpPolicy::Offer, "SIP/2.0 100 ")]
    {
        let mut world = with_policy(srtp);
        let (invite, left) = place(&mut world, &offer("RTP/AVP", ""));
        let carriers = crypto(1, SUITE, CARRIERS_KEY);
        let profile = if srtp == SrtpPolicy::Require { "RTP/SAVP" } else { "RTP/AVP" };
        let answer = answered(&mut world, &left, &answer_of_carrier(profile, &carriers));
        world.send(PBX, &ack(&invite, &answer).text());
        let clear = carrier_within(&left, CARRIER, "called", "INVITE", 1)
            .body(&answer_of_carrier("RTP/AVP", ""));
        world.send(CARRIER, &clear.text());
        world.expect(CARRIER, status);
    }
}

/// The carrier's answer within the call to what it was offered just now.
fn carrier_answers_within(world: &mut World, answer: &str) -> String {
    let left = world.expect(CARRIER, "INVITE ");
    let contact = format!("Contact: <sip:{CARRIER}>");
    world.send(CARRIER, &response(&left, "200 OK", "", &[&contact], Some(answer)));
    world.expect(CARRIER, "ACK ");
    left
}

#[test]
fn a_carrier_that_answered_in_clear_gets_a_new_key_when_it_encrypts_again() {
    let mut world = with_policy(SrtpPolicy::Offer);
    let (invite, left) = place(&mut world, &offer("RTP/AVP", ""));
    let lines = crypto(1, SUITE, CARRIERS_KEY);
    let answer = answered(&mut world, &left, &answer_of_carrier("RTP/AVP", &lines));
    world.send(PBX, &ack(&invite, &answer).text());
    let first = cryptos(&left).remove(0);
    let out = from_caller(&mut world, &rtp(1)).unwrap();
    assert_eq!(unprotected(&mut Inbound::new(master(&first), None), out), rtp(1));

    let reinvite = within(&invite, &answer, "INVITE", 5).body(&offer("RTP/AVP", ""));
    world.send(PBX, &reinvite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let offered = carrier_answers_within(&mut world, &answer_of_carrier("RTP/AVP", ""));
    assert_eq!(
        cryptos(&offered)[..],
        cryptos(&left)[..1],
        "what was agreed on is offered once more"
    );
    let ok = world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &ack(&reinvite, &ok).text());
    assert_eq!(from_caller(&mut world, &rtp(2)), Ok(rtp(2)), "in clear");

    let again = carrier_within(&left, CARRIER, "called", "INVITE", 1)
        .body(&answer_of_carrier("RTP/AVP", &lines));
    world.send(CARRIER, &again.text());
    world.expect(CARRIER, "SIP/2.0 100 ");
    let reoffered = world.expect(PBX, "INVITE ");
    let contact = format!("Contact: <sip:{PBX}>");
    let clear = offer("RTP/AVP", "");
    world.send(PBX, &response(&reoffered, "200 OK", "", &[&contact], Some(&clear)));
    let ok = world.expect(CARRIER, "SIP/2.0 200 ");
    let [second] = &cryptos(&ok)[..] else { panic!("one line: {ok}") };
    assert_ne!(master(second), master(&first), "no key twice: its stream would begin anew");
    let out = from_caller(&mut world, &rtp(3)).unwrap();
    assert_eq!(unprotected(&mut Inbound::new(master(second), None), out), rtp(3));
}

#[test]
fn a_caller_that_went_clear_gets_a_new_key_when_it_encrypts_again() {
    let mut world = World::without_users();
    let encrypted = offer("RTP/SAVP", &crypto(1, SUITE, KEY));
    let (invite, left) = place(&mut world, &encrypted);
    let answer = answered(&mut world, &left, &answer_of_carrier("RTP/AVP", ""));
    world.send(PBX, &ack(&invite, &answer).text());
    let mut given = cryptos(&answer);

    for (cseq, body) in [(5, offer("RTP/AVP", "")), (6, encrypted)] {
        let reinvite = within(&invite, &answer, "INVITE", cseq).body(&body);
        world.send(PBX, &reinvite.text());
        world.expect(PBX, "SIP/2.0 100 ");
        carrier_answers_within(&mut world, &answer_of_carrier("RTP/AVP", ""));
        let ok = world.expect(PBX, "SIP/2.0 200 ");
        world.send(PBX, &ack(&reinvite, &ok).text());
        given.extend(cryptos(&ok));
    }
    let [first, second] = &given[..] else { panic!("one key each time: {given:?}") };
    assert_ne!(master(first), master(second));
}

#[test]
fn no_key_is_in_a_record_or_shown() {
    let mut world = with_policy(SrtpPolicy::Require);
    let (invite, left) = place(&mut world, &offer("RTP/SAVP", &crypto(1, SUITE, KEY)));
    let carriers = crypto(1, SUITE, CARRIERS_KEY);
    let answer = answered(&mut world, &left, &answer_of_carrier("RTP/SAVP", &carriers));
    world.send(PBX, &ack(&invite, &answer).text());
    world.send(PBX, &within(&invite, &answer, "BYE", 9).text());
    let record = format!("{:?}", world.only_record());
    let ours = [&answer, &left].map(|text| {
        let (_, behind) = body(text).split_once("inline:").expect("a key of ours");
        behind[..40].to_owned()
    });
    for key in [KEY, CARRIERS_KEY, &ours[0], &ours[1]] {
        assert!(!record.contains(key), "{record}");
    }
    assert!(record.contains("caller's leg AES_CM_128_HMAC_SHA1_80"), "{record}");
}

#[test]
fn one_way_audio_is_told_in_the_record_and_counted() {
    let mut world = World::without_users();
    let (invite, left) = place(&mut world, &offer("RTP/AVP", ""));
    let answer = answered(&mut world, &left, &answer_of_carrier("RTP/AVP", ""));
    world.send(PBX, &ack(&invite, &answer).text());
    for second in 0..11_u16 {
        for tick in 0..50 {
            from_caller(&mut world, &rtp(second * 50 + tick)).unwrap();
        }
        world.wait(std::time::Duration::from_secs(1));
    }
    from_caller(&mut world, &rtp(600)).unwrap();
    let now = world.now().instant;
    world.relay.handle_timeout(now);
    while let Some(event) = world.relay.poll_event() {
        world.put(call::Input::Media(call::MediaEvent::Relay(event)));
    }
    assert_eq!(world.engine.counters().one_way.get("called"), Some(&1));
    world.send(PBX, &within(&invite, &answer, "BYE", 9).text());
    let record = world.only_record();
    let row = record.decisions.iter().find(|row| row.seen.starts_with("one-way audio"));
    let row = row.expect("a row of its own");
    assert!(row.seen.contains("nothing heard of the called side"), "{}", row.seen);
    assert_eq!(row.verdict, Verdict::Note);
}
