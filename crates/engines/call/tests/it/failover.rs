//! Carriers that fail, and the next one that is asked.

use std::time::Duration;

use call::directory::Resolved;
use call::{Change, Input, ResolvedCarrier};
use model::{CallStatus, CarrierTransport, Verdict};
use sip_message::{Flow, Name, Transport};

use crate::peer::{Request, ack, body, header, place, response, sdp};
use crate::world::{CARRIER, CARRIER_2, PBX, US, World, carrier, with_credential};

fn two_carriers() -> World {
    let mut world = World::new();
    world.apply(Change::PutCarrier(carrier("second", CARRIER_2, 2)));
    world
}

fn answer_second(world: &mut World, invite: &Request) {
    let left = world.expect(CARRIER_2, "INVITE ");
    let contact = format!("Contact: <sip:{CARRIER_2}>");
    let ok = response(&left, "200 OK", "second", &[&contact], Some(&sdp("198.51.100.30", 6000)));
    world.send(CARRIER_2, &ok);
    world.expect(CARRIER_2, "ACK ");
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &ack(invite, &answer).text());
}

fn routes(world: &World) -> Vec<(Verdict, String)> {
    let rows = world.only_record().decisions.iter().filter(|it| it.rule == "route");
    rows.map(|it| (it.verdict, it.seen.to_string())).collect()
}

#[test]
fn a_503_is_the_routes_failure_and_the_next_carrier_is_asked() {
    let mut world = two_carriers();
    let (invite, first) = place(&mut world);
    world.send(CARRIER, &response(&first, "503 Service Unavailable", "c", &[], None));
    world.expect(CARRIER, "ACK ");
    world.expect_nothing(PBX);
    let second = world.expect(CARRIER_2, "INVITE sip:+12065550100@198.51.100.30 SIP/2.0\r\n");
    assert_ne!(header(&first, Name::CallId), header(&second, Name::CallId));
    assert_eq!(body(&first), body(&second));
    let contact = format!("Contact: <sip:{CARRIER_2}>");
    let ok = response(&second, "200 OK", "second", &[&contact], Some(&sdp("198.51.100.30", 6000)));
    world.send(CARRIER_2, &ok);
    world.expect(CARRIER_2, "ACK ");
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &ack(&invite, &answer).text());

    world.command(call::Command::HangUpAll);
    let record = world.only_record();
    assert_eq!(record.carrier.as_deref(), Some("second"));
    assert_eq!(record.peer_call_id, Some(header(&second, Name::CallId)));
    assert_eq!(record.attempt_call_ids, [header(&first, Name::CallId)]);
    assert_eq!(
        routes(&world),
        [
            (Verdict::Refuse, format!("carrier first at {CARRIER}: 503 Service Unavailable")),
            (Verdict::Pass, format!("carrier second at {CARRIER_2}: answered")),
        ]
    );
}

#[test]
fn early_media_of_a_carrier_that_failed_is_forgotten() {
    let mut world = two_carriers();
    let (_, first) = place(&mut world);
    let early = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &response(&first, "183 Session Progress", "c", &[], Some(&early)));
    world.expect(PBX, "SIP/2.0 183 ");
    world.send(CARRIER, &response(&first, "503 Service Unavailable", "c", &[], None));
    let second = world.expect(CARRIER_2, "INVITE ");

    let now = world.now().instant;
    let mut packet = [0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xff];
    let caller = "192.0.2.10:4000".parse().unwrap();
    let dropped = world.relay.handle(now, 20_000, caller, &mut packet);
    assert_eq!(dropped, Err(media::DropReason::NoDestination));

    let contact = format!("Contact: <sip:{CARRIER_2}>");
    world.send(CARRIER_2, &response(&second, "200 OK", "second", &[&contact], None));
    world.expect(PBX, "SIP/2.0 502 ");
}

#[test]
fn a_carrier_that_says_nothing_is_given_up_after_four_seconds() {
    let mut world = two_carriers();
    let (invite, first) = place(&mut world);
    world.wait(Duration::from_millis(3999));
    world.expect_nothing(CARRIER_2);
    world.wait(Duration::from_millis(1));
    world.forget_sent_to(CARRIER);
    answer_second(&mut world, &invite);

    // Its late answer is cancelled, and its later one hung up.
    world.send(CARRIER, &response(&first, "180 Ringing", "late", &[], None));
    world.expect(CARRIER, "CANCEL ");
    let contact = format!("Contact: <sip:{CARRIER}>");
    let ok = response(&first, "200 OK", "late", &[&contact], Some(&sdp("198.51.100.20", 6000)));
    world.send(CARRIER, &ok);
    world.expect(CARRIER, "ACK ");
    world.expect(CARRIER, "BYE ");
    world.expect_nothing(PBX);
    assert_eq!(world.engine.calls_open(), 1);
}

#[test]
fn a_carrier_that_tries_is_given_all_the_time_to_ring() {
    let mut world = two_carriers();
    let (_, first) = place(&mut world);
    world.send(CARRIER, &response(&first, "100 Trying", "", &[], None));
    world.wait(Duration::from_secs(60));
    world.expect_nothing(CARRIER_2);
    assert_eq!(world.engine.calls_open(), 1);
}

#[test]
fn a_carrier_that_cannot_be_reached_is_passed_over() {
    let mut world = two_carriers();
    let (invite, _) = place(&mut world);
    let flow = Flow::udp(US.parse().unwrap(), CARRIER.parse().unwrap());
    world.put(Input::FlowFailed { flow });
    answer_second(&mut world, &invite);
    world.command(call::Command::HangUpAll);
    assert_eq!(routes(&world)[0].1, format!("carrier first at {CARRIER}: not reachable"));
}

#[test]
fn a_carrier_without_a_listener_for_it_is_passed_over() {
    let mut world = World::with(|config| config.listeners.truncate(1));
    let mut first = carrier("first", CARRIER, 1);
    first.carrier.transport = CarrierTransport::Tcp;
    first = ResolvedCarrier::new(first.carrier, [CARRIER.parse().unwrap()]);
    world.apply(Change::PutCarrier(first));
    world.apply(Change::PutCarrier(carrier("second", CARRIER_2, 2)));
    world.remove_users();
    world.send(PBX, &Request::invite().text());
    world.expect(PBX, "SIP/2.0 100 ");
    world.expect(CARRIER_2, "INVITE ");
    world.expect_nothing(CARRIER);
}

#[test]
fn every_address_of_a_carrier_has_its_turn() {
    let mut world = World::new();
    let mut first = carrier("first", CARRIER, 1);
    first.resolved =
        Resolved::by(Transport::Udp, [CARRIER, CARRIER_2].map(|it| it.parse().unwrap()));
    world.apply(Change::PutCarrier(first));
    let (invite, left) = place(&mut world);
    world.send(CARRIER, &response(&left, "500 Server Internal Error", "c", &[], None));
    answer_second(&mut world, &invite);
}

#[test]
fn a_challenge_without_a_credential_or_with_a_wrong_one_is_the_routes_failure() {
    let challenge = "Proxy-Authenticate: Digest realm=\"c\", nonce=\"n\", qop=\"auth\"";
    let status = "407 Proxy Authentication Required";
    let mut world = two_carriers();
    let (invite, left) = place(&mut world);
    world.send(CARRIER, &response(&left, status, "c", &[challenge], None));
    answer_second(&mut world, &invite);

    let mut world = two_carriers();
    world.apply(Change::PutCarrier(with_credential(carrier("first", CARRIER, 1))));
    let (invite, left) = place(&mut world);
    world.send(CARRIER, &response(&left, status, "c", &[challenge], None));
    world.expect(CARRIER, "ACK ");
    let again = world.expect(CARRIER, "INVITE ");
    world.send(CARRIER, &response(&again, status, "c", &[challenge], None));
    answer_second(&mut world, &invite);
    world.command(call::Command::HangUpAll);
    let first = &routes(&world)[0];
    assert!(first.1.contains("407, and no credential that it takes"), "{first:?}");
}

#[test]
fn when_every_carrier_fails_the_caller_gets_503_and_the_record_tells_each() {
    let mut world = two_carriers();
    let (invite, first) = place(&mut world);
    world.send(CARRIER, &response(&first, "503 Service Unavailable", "c", &[], None));
    let second = world.expect(CARRIER_2, "INVITE ");
    world.send(CARRIER_2, &response(&second, "500 Server Internal Error", "c", &[], None));
    let answer = world.expect(PBX, "SIP/2.0 503 No carrier took the call\r\n");
    world.send(PBX, &ack(&invite, &answer).text());
    let record = world.only_record();
    assert_eq!((record.status, record.reason.as_str()), (CallStatus::Failed, "routes-exhausted"));
    assert_eq!(record.sip_status, Some(503));
    assert_eq!(routes(&world).len(), 2);
    world.assert_clean();
}

#[test]
fn an_answer_of_the_called_party_is_not_tried_elsewhere() {
    for status in ["486 Busy Here", "603 Decline", "404 Not Found"] {
        let mut world = two_carriers();
        let (_, left) = place(&mut world);
        world.send(CARRIER, &response(&left, status, "c", &[], None));
        world.expect(PBX, &format!("SIP/2.0 {status}\r\n"));
        world.expect_nothing(CARRIER_2);
    }
}

#[test]
fn a_caller_that_gives_up_between_carriers_gets_its_answer() {
    let mut world = two_carriers();
    let (invite, left) = place(&mut world);
    world.send(CARRIER, &response(&left, "503 Service Unavailable", "c", &[], None));
    world.expect(CARRIER_2, "INVITE ");
    let cancel =
        Request { method: "CANCEL".into(), headers: vec![], body: None, contact: None, ..invite };
    world.send(PBX, &cancel.text());
    world.expect(PBX, "SIP/2.0 200 ");
    world.expect(PBX, "SIP/2.0 487 ");
    assert_eq!(world.only_record().reason, "cancelled");
    world.wait(Duration::from_secs(70));
    world.assert_clean();
}

#[test]
fn the_row_of_a_silent_carrier_tells_how_often_it_was_asked() {
    let mut world = two_carriers();
    let (invite, _) = place(&mut world);
    world.wait(Duration::from_millis(4100));
    answer_second(&mut world, &invite);
    world.command(call::Command::HangUpAll);
    let rows = routes(&world);
    let silent =
        format!("carrier first at {CARRIER}: no response in time; the INVITE was sent 4 times");
    assert_eq!(rows[0], (Verdict::Refuse, silent));
    assert!(!rows[1].1.contains("was sent"), "once is not worth a word: {}", rows[1].1);
    let repeats = world.engine.repeats();
    assert!(repeats.requests_sent >= 3, "{repeats:?}");
}
