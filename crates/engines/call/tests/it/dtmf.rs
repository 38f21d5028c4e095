//! Digits between a side that tells them by INFO and one that tells them in its media.

use std::net::SocketAddr;

use call::{DtmfPolicy, MediaEvent};
use media::rtp::{self, Header, Marker};
use media::{Digit, DropReason, EventPhase, TelephoneEvent};
use sip_message::Name;

use crate::peer::{Request, ack, body, carrier_within, header, response, sdp, within};
use crate::world::{CARRIER, PBX, World};

const TAKES_INFO: &str = "Allow: INVITE, ACK, BYE, CANCEL, INFO";
const CALLER_MEDIA: &str = "192.0.2.10:4000";
const CALLED_MEDIA: &str = "198.51.100.20:6000";

/// A description without telephone events.
fn plain(address: &str, port: u16) -> String {
    let with = sdp(address, port);
    let lines = with.split_inclusive("\r\n").filter(|line| !line.contains(":101 "));
    lines.collect::<String>().replace(" 8 101\r\n", " 8\r\n")
}

fn world(policy: DtmfPolicy) -> World {
    let mut world = World::with(|config| config.dtmf = policy);
    world.remove_users();
    world
}

struct Call {
    invite: Request,
    /// The INVITE as it left.
    left: String,
    /// The 200 as the caller got it.
    answer: String,
}

/// A call between two descriptions; `from` is what the caller says of itself, `to` the called side.
fn talk(world: &mut World, from: (&str, &str), to: (&str, &str)) -> Call {
    let invite = Request::invite().body(from.0).header(from.1);
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    let contact = format!("Contact: <sip:{CARRIER}>");
    world.send(CARRIER, &response(&left, "200 OK", "called", &[&contact, to.1], Some(to.0)));
    world.expect(CARRIER, "ACK ");
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &ack(&invite, &answer).text());
    Call { invite, left, answer }
}

/// A caller with INFO alone, and a called side with telephone events.
fn info_calls_events(world: &mut World) -> Call {
    let caller = plain("192.0.2.10", 4000);
    let called = sdp("198.51.100.20", 6000);
    talk(world, (&caller, TAKES_INFO), (&called, "Allow: INVITE, ACK, BYE"))
}

/// The other way round.
fn events_call_info(world: &mut World) -> Call {
    let caller = sdp("192.0.2.10", 4000);
    let called = plain("198.51.100.20", 6000);
    talk(world, (&caller, "Allow: INVITE, ACK, BYE"), (&called, TAKES_INFO))
}

fn info(call: &Call, cseq: u32, key: char) -> String {
    let mut info = within(&call.invite, &call.answer, "INFO", cseq);
    info.body =
        Some(("application/dtmf-relay".into(), format!("Signal={key}\r\nDuration=100\r\n")));
    info.text()
}

fn packet(payload_type: u8, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    let header = Header { payload_type, marker: Marker::Clear, sequence, timestamp, ssrc: 42 };
    [&header.print()[..], payload].concat()
}

/// Sends a packet of a peer to one of our ports: what leaves.
fn relay(
    world: &mut World,
    port: u16,
    from: &str,
    mut packet: Vec<u8>,
) -> Result<Vec<u8>, DropReason> {
    let from: SocketAddr = from.parse().unwrap();
    let now = world.now().instant;
    let sent = world.relay.handle(now, port, from, &mut packet)?;
    packet.truncate(sent.len);
    Ok(packet)
}

/// Twenty packets of the caller's audio: the events that the called side hears.
fn heard_of_caller(world: &mut World) -> Vec<(Header, TelephoneEvent)> {
    let mut heard = Vec::new();
    for at in 0..20_u16 {
        let audio = packet(0, at, u32::from(at) * 160, &[0xff; 160]);
        let out = relay(world, 20_000, CALLER_MEDIA, audio).unwrap();
        let header = Header::parse(&out).unwrap();
        assert_eq!(header.sequence, at, "no number is left out");
        if header.payload_type != 0 {
            let event = TelephoneEvent::parse(rtp::payload(&out).unwrap()).unwrap();
            heard.push((header, event));
        }
    }
    heard
}

/// The called side of `port` presses a key; what the relay tells goes to the engine.
fn press(world: &mut World, port: u16, from: &str, first: u16, key: char) {
    let code = Digit::parse(key).unwrap().event();
    for at in 0..3 {
        let phase = if at == 2 { EventPhase::Ended } else { EventPhase::Ongoing };
        let event = TelephoneEvent { code, phase, volume: 10, duration: 160 * (at + 1) };
        let sent = packet(101, first + at, u32::from(first) * 160, &event.print());
        assert_eq!(relay(world, port, from, sent), Err(DropReason::EventTold));
    }
    while let Some(event) = world.relay.poll_event() {
        world.put(call::Input::Media(MediaEvent::Relay(event)));
    }
}

#[test]
fn a_side_with_info_alone_is_described_with_telephone_events_and_hears_of_none() {
    let mut world = world(DtmfPolicy::Translate);
    let call = info_calls_events(&mut world);
    let offered = body(&call.left);
    assert!(offered.contains("RTP/AVP 0 8 101\r\n"), "{offered}");
    assert!(offered.contains("a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"));
    let answered = body(&call.answer);
    assert!(!answered.contains("101"), "it offered none: {answered}");

    let mut world = self::world(DtmfPolicy::Translate);
    let call = events_call_info(&mut world);
    assert_eq!(body(&call.left).matches("telephone-event").count(), 1);
    let answered = body(&call.answer);
    assert!(answered.contains("RTP/AVP 0 8 101\r\n"), "{answered}");
    assert_eq!(answered.matches("a=rtpmap:101 telephone-event/8000\r\n").count(), 1);
}

#[test]
fn without_the_setting_or_without_info_descriptions_are_left_alone() {
    let caller = plain("192.0.2.10", 4000);
    let called = plain("198.51.100.20", 6000);
    for (policy, says) in [
        (DtmfPolicy::AsIs, TAKES_INFO),
        (DtmfPolicy::Translate, "Allow: INVITE, ACK, BYE"),
        (DtmfPolicy::Translate, "X-Nothing: said"),
    ] {
        let mut world = world(policy);
        let call = talk(&mut world, (&caller, says), (&called, says));
        assert!(!call.left.contains("telephone-event"), "{policy:?} {says}");
        assert!(!call.answer.contains("telephone-event"), "{policy:?} {says}");
    }
}

#[test]
fn digits_by_info_are_answered_here_and_heard_as_events_in_the_callers_stream() {
    let mut world = world(DtmfPolicy::Translate);
    let call = info_calls_events(&mut world);
    for (cseq, key) in [(5, '1'), (6, '#')] {
        world.send(PBX, &info(&call, cseq, key));
        world.expect(PBX, "SIP/2.0 200 OK\r\n");
    }
    world.expect_nothing(CARRIER);
    let heard = heard_of_caller(&mut world);
    let codes: Vec<u8> = heard.iter().map(|(_, event)| event.code).collect();
    assert_eq!(codes, [&[1; 7][..], &[11; 7]].concat());
    for event in [&heard[..7], &heard[7..]] {
        assert!(event.iter().all(|(header, _)| header.timestamp == event[0].0.timestamp));
        let durations: Vec<u16> = event.iter().map(|(_, event)| event.duration).collect();
        assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
        let marked = event.iter().filter(|(header, _)| header.marker == Marker::Set).count();
        assert_eq!((marked, event[0].0.marker), (1, Marker::Set));
        let ends = event.iter().filter(|(_, event)| event.phase == EventPhase::Ended).count();
        assert_eq!(ends, 3);
    }
    world.send(PBX, &within(&call.invite, &call.answer, "BYE", 9).text());
    let rows = &world.only_record_after_bye(CARRIER).decisions;
    let row = rows.iter().find(|it| it.seen.contains("digits:")).expect("a row of digits");
    assert_eq!(row.seen, "digits: INFO on the caller side, telephone-event on the called side");
}

#[test]
fn an_info_that_is_no_digit_still_crosses() {
    let mut world = world(DtmfPolicy::Translate);
    let call = info_calls_events(&mut world);
    let mut other = within(&call.invite, &call.answer, "INFO", 5);
    other.body = Some(("application/media_control+xml".into(), "<media_control/>".into()));
    world.send(PBX, &other.text());
    let left = world.expect(CARRIER, "INFO ");
    assert_eq!(body(&left), "<media_control/>");
}

#[test]
fn events_are_told_by_info_one_at_a_time_and_in_order() {
    let mut world = world(DtmfPolicy::Translate);
    let _call = events_call_info(&mut world);
    for (at, key) in (0..).zip("42*".chars()) {
        press(&mut world, 20_000, CALLER_MEDIA, 100 + at * 10, key);
    }
    for key in "42*".chars() {
        let told = world.expect(CARRIER, "INFO sip:198.51.100.20:5060 SIP/2.0\r\n");
        assert_eq!(header(&told, Name::ContentType), "application/dtmf-relay");
        assert_eq!(body(&told), format!("Signal={key}\r\nDuration=160\r\n"));
        world.expect_nothing(CARRIER);
        world.send(CARRIER, &response(&told, "200 OK", "", &[], None));
    }
    world.expect_nothing(CARRIER);
    world.expect_nothing(PBX);
    // Audio still crosses.
    let audio = packet(0, 200, 32_000, &[0xff; 160]);
    assert_eq!(relay(&mut world, 20_000, CALLER_MEDIA, audio).unwrap().len(), 172);
}

#[test]
fn digits_cross_the_other_way_too() {
    let mut world = world(DtmfPolicy::Translate);
    let call = info_calls_events(&mut world);
    press(&mut world, 20_002, CALLED_MEDIA, 10, '7');
    let told = world.expect(PBX, "INFO sip:pbx@192.0.2.10:5060 SIP/2.0\r\n");
    assert!(body(&told).starts_with("Signal=7\r\n"), "{told}");
    world.send(PBX, &response(&told, "200 OK", "", &[], None));

    let mut world = self::world(DtmfPolicy::Translate);
    let call_2 = events_call_info(&mut world);
    let mut info = carrier_within(&call_2.left, CARRIER, "called", "INFO", 1);
    info.body = Some(("application/dtmf".into(), "9".into()));
    world.send(CARRIER, &info.text());
    world.expect(CARRIER, "SIP/2.0 200 OK\r\n");
    world.expect_nothing(PBX);
    let audio = packet(0, 1, 160, &[0xff; 160]);
    let out = relay(&mut world, 20_002, CALLED_MEDIA, audio).unwrap();
    assert_eq!(Header::parse(&out).unwrap().payload_type, 101);
    drop(call);
}

#[test]
fn a_side_that_refuses_digits_costs_the_call_nothing() {
    let mut world = world(DtmfPolicy::Translate);
    let call = events_call_info(&mut world);
    for key in ['1', '2'] {
        press(&mut world, 20_000, CALLER_MEDIA, 10 + u16::from(key as u8), key);
    }
    let told = world.expect(CARRIER, "INFO ");
    world.send(CARRIER, &response(&told, "481 Call/Transaction Does Not Exist", "", &[], None));
    press(&mut world, 20_000, CALLER_MEDIA, 200, '3');
    world.expect_nothing(CARRIER);
    assert_eq!(world.engine.calls_open(), 1, "the call goes on");
    world.send(PBX, &within(&call.invite, &call.answer, "BYE", 9).text());
    let rows = &world.only_record_after_bye(CARRIER).decisions;
    let row = rows.iter().find(|it| it.seen.contains("481")).expect("a row of the refusal");
    assert!(row.remedy.contains("calls.dtmf"), "{row:?}");
}

#[test]
fn a_hold_and_its_end_keep_the_digits_translated() {
    let mut world = world(DtmfPolicy::Translate);
    let call = info_calls_events(&mut world);
    for (cseq, direction) in [(5, "sendonly"), (6, "sendrecv")] {
        let offer = plain("192.0.2.10", 4000).replace("sendrecv", direction);
        let asked = within(&call.invite, &call.answer, "INVITE", cseq).body(&offer);
        world.send(PBX, &asked.text());
        world.expect(PBX, "SIP/2.0 100 ");
        let left = world.expect(CARRIER, "INVITE ");
        assert!(body(&left).contains("RTP/AVP 0 8 101\r\n"), "{left}");
        let contact = format!("Contact: <sip:{CARRIER}>");
        let answer = sdp("198.51.100.20", 6000);
        world.send(CARRIER, &response(&left, "200 OK", "", &[&contact], Some(&answer)));
        world.expect(CARRIER, "ACK ");
        let answer = world.expect(PBX, "SIP/2.0 200 ");
        assert!(!answer.contains("telephone-event"), "{answer}");
        world.send(PBX, &ack(&asked, &answer).text());
    }
    world.send(PBX, &info(&call, 7, '5'));
    world.expect(PBX, "SIP/2.0 200 ");
    assert_eq!(heard_of_caller(&mut world).len(), 7);
}
