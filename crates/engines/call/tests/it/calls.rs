//! Calls that are placed: from INVITE to answer.

use std::time::Duration;

use call::{Change, Input, LiveState};
use model::{CallStatus, Direction, Verdict};
use sip_message::{Flow, Name, Transport};

use crate::peer::{
    Request, ack, answer, authorized, body, carrier_within, header, place, response, sdp, talk,
    to_tag, within,
};
use crate::world::{
    CALLED, CARRIER, OWNED, PASSWORD, PBX, World, carrier, connector_id, host, port,
    with_credential,
};

fn rtp(payload_type: u8, sequence: u8) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type, 0, sequence, 0, 0, 0, 160, 1, 2, 3, 4];
    packet.extend([0xff; 160]);
    packet
}

#[test]
#[expect(clippy::too_many_lines, reason = "one call, told from beginning to end")]
fn an_authenticated_call_goes_from_challenge_to_record() {
    let mut world = World::new();

    // INVITE, challenge, INVITE with the answer.
    let invite = Request::invite();
    world.send(PBX, &invite.text());
    let challenge = world.expect(PBX, "SIP/2.0 407 ");
    world.send(PBX, &ack(&invite, &challenge).text());
    let invite = authorized(&invite, &challenge, "pbx", PASSWORD);
    world.send(PBX, &invite.text());
    let trying = world.expect(PBX, "SIP/2.0 100 Trying\r\n");
    assert!(!trying.contains(";tag=\r\n") && !header(&trying, Name::To).contains("tag"));

    // The INVITE that leaves is another call's: nothing of the caller's dialog is in it.
    let left = world.expect(CARRIER, "INVITE sip:+12065550100@198.51.100.20 SIP/2.0\r\n");
    assert!(header(&left, Name::Via).starts_with("SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK"));
    assert_eq!(header(&left, Name::MaxForwards), "69");
    assert_eq!(header(&left, Name::Contact), "<sip:203.0.113.1:5060>");
    assert_eq!(header(&left, Name::To), "<sip:+12065550100@198.51.100.20>");
    assert_eq!(header(&left, Name::UserAgent), "trunkline");
    assert_ne!(header(&left, Name::CallId), invite.call_id);
    assert!(!left.contains("Proxy-Authorization") && !left.contains("192.0.2.10"), "{left}");
    assert!(body(&left).contains("c=IN IP4 203.0.113.1\r\n"), "{left}");
    assert!(body(&left).contains("m=audio 20002 RTP/AVP 0 8 101\r\n"), "{left}");
    assert_eq!(world.engine.live_calls(None, 9)[0].state, LiveState::Routing);

    // It rings, it answers.
    world.wait(Duration::from_millis(100));
    world.send(CARRIER, &response(&left, "180 Ringing", "called", &[], None));
    let ringing = world.expect(PBX, "SIP/2.0 180 Ringing\r\n");
    assert_eq!(header(&ringing, Name::Contact), "<sip:203.0.113.1:5060>");
    let live = world.engine.live_calls(None, 9).remove(0);
    assert_eq!(
        (live.state, live.from.as_str(), live.to.as_str()),
        (LiveState::Ringing, OWNED, CALLED)
    );
    world.wait(Duration::from_secs(2));
    let answer = answer(&mut world, &left);
    assert_eq!(to_tag(&answer), to_tag(&ringing), "one dialog with the caller");
    assert!(body(&answer).contains("m=audio 20000 RTP/AVP 0 8 101\r\n"), "{answer}");
    assert!(!answer.contains("198.51.100.20"), "{answer}");
    world.send(PBX, &ack(&invite, &answer).text());
    let live = world.engine.live_call(live.transaction_id).unwrap();
    assert_eq!(live.state, LiveState::Answered);
    assert_eq!(live.carrier.as_deref(), Some("first"));

    // They talk: what the caller sends comes out on the carrier's leg, and back.
    let now = world.now().instant;
    let caller = "192.0.2.10:4000".parse().unwrap();
    let called = "198.51.100.20:6000".parse().unwrap();
    let sent = world.relay.handle(now, port(20_000).rtp(), caller, &mut rtp(0, 1)).unwrap();
    assert_eq!((sent.from, sent.to), (20_002, called));
    let sent = world.relay.handle(now, port(20_002).rtp(), called, &mut rtp(0, 1)).unwrap();
    assert_eq!((sent.from, sent.to), (20_000, caller));

    // The caller hangs up after five seconds.
    world.wait(Duration::from_secs(5));
    world.send(PBX, &within(&invite, &answer, "BYE", 3).text());
    world.expect(PBX, "SIP/2.0 200 OK\r\n");
    let bye = world.expect(CARRIER, "BYE sip:198.51.100.20:5060 SIP/2.0\r\n");
    assert!(header(&bye, Name::To).ends_with(";tag=called"), "{bye}");
    assert_eq!(header(&bye, Name::CSeq), "2 BYE");
    world.send(CARRIER, &response(&bye, "200 OK", "", &[], None));
    world.expect_nothing(PBX);
    world.expect_nothing(CARRIER);

    let record = world.only_record();
    assert_eq!(record.status, CallStatus::Completed);
    assert_eq!(record.reason, "completed");
    assert_eq!(record.status_message, "Normal Call Clearing");
    assert_eq!(record.sip_status, Some(200));
    assert_eq!(record.direction, Direction::Outbound);
    assert_eq!(record.transaction_id, live.transaction_id);
    assert_eq!(record.call_id, invite.call_id);
    assert_eq!(record.peer_call_id, Some(header(&left, Name::CallId)));
    assert_eq!(record.connector, Some(connector_id()));
    assert_eq!(record.sip_user.as_deref(), Some("pbx"));
    assert_eq!((record.from.as_str(), record.to.as_str()), (OWNED, CALLED));
    assert_eq!(record.carrier.as_deref(), Some("first"));
    assert_eq!(record.duration_ms(), 5000);
    assert_eq!(record.answered.unwrap().since(record.started), 2100);
    let legs: Vec<(&str, u64)> =
        record.quality.iter().map(|it| (it.leg.as_str(), it.packets)).collect();
    assert_eq!(legs, [("caller", 1), ("called", 1)]);
    let rules: Vec<&str> = record.decisions.iter().map(|it| &*it.rule).collect();
    assert_eq!(
        rules,
        [
            "connector",
            "source-address",
            "encryption",
            "termination",
            "digest",
            "caller-id",
            "destination",
            "calling-region",
            "cps",
            "concurrent-calls",
            "media",
            "route",
            "end"
        ]
    );
    let route = &record.decisions[11];
    assert_eq!(route.seen, "carrier first at 198.51.100.20:5060: answered");
    assert_eq!(route.verdict, Verdict::Pass);
    assert_eq!(record.decisions[12].seen, "the caller hung up");
    world.wait(Duration::from_secs(40));
    world.only_record();
    world.assert_clean();
}

#[test]
fn early_media_reaches_the_caller_and_the_relay_before_the_answer() {
    let mut world = World::new();
    let (_, left) = place(&mut world);
    let contact = format!("Contact: <sip:{CARRIER}>");
    let early = sdp("198.51.100.20", 6000);
    let progress = response(&left, "183 Session Progress", "called", &[&contact], Some(&early));
    world.send(CARRIER, &progress);
    let progress = world.expect(PBX, "SIP/2.0 183 Session Progress\r\n");
    assert!(body(&progress).contains("m=audio 20000 "), "{progress}");

    let called = "198.51.100.20:6000".parse().unwrap();
    let now = world.now().instant;
    let sent = world.relay.handle(now, 20_002, called, &mut rtp(0, 1)).unwrap();
    assert_eq!(sent.to, "192.0.2.10:4000".parse().unwrap());

    // A 200 that leaves out the answer of the 183 is completed by it.
    world.send(CARRIER, &response(&left, "200 OK", "called", &[&contact], None));
    world.expect(CARRIER, "ACK ");
    let answer = world.expect(PBX, "SIP/2.0 200 OK\r\n");
    assert_eq!(body(&answer), body(&progress));
}

#[test]
fn a_retransmitted_invite_makes_no_second_call() {
    let mut world = World::new();
    let (invite, _) = place(&mut world);
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    world.expect_nothing(CARRIER);
    assert_eq!(world.engine.calls_open(), 1);
}

#[test]
fn a_lost_invite_is_sent_again_and_a_lost_answer_too() {
    let mut world = World::new();
    let (invite, left) = place(&mut world);
    world.wait(Duration::from_millis(500));
    assert_eq!(world.expect(CARRIER, "INVITE "), left);

    let answer = answer(&mut world, &left);
    world.wait(Duration::from_millis(1500));
    assert_eq!(world.expect(PBX, "SIP/2.0 200 "), answer);
    assert_eq!(world.expect(PBX, "SIP/2.0 200 "), answer);
    world.send(PBX, &ack(&invite, &answer).text());
    world.wait(Duration::from_secs(20));
    world.expect_nothing(PBX);
}

#[test]
fn a_repeated_answer_is_acknowledged_again_and_not_repeated_to_the_caller() {
    let mut world = World::new();
    let call = talk(&mut world);
    let contact = format!("Contact: <sip:{CARRIER}>");
    let ok =
        response(&call.left, "200 OK", "called", &[&contact], Some(&sdp("198.51.100.20", 6000)));
    world.send(CARRIER, &ok);
    world.expect(CARRIER, "ACK ");
    world.expect_nothing(PBX);
}

#[test]
fn of_forked_answers_the_first_wins_and_the_second_is_acknowledged_and_hung_up() {
    let mut world = World::new();
    let (_, left) = place(&mut world);
    let contact = format!("Contact: <sip:{CARRIER}>");
    let sdp = sdp("198.51.100.20", 6000);
    for tag in ["fork1", "fork2"] {
        world.send(CARRIER, &response(&left, "180 Ringing", tag, &[&contact], None));
    }
    let first = world.expect(PBX, "SIP/2.0 180 ");
    let second = world.expect(PBX, "SIP/2.0 180 ");
    assert_ne!(to_tag(&first), to_tag(&second), "each fork is an early dialog of its own");

    world.send(CARRIER, &response(&left, "200 OK", "fork2", &[&contact], Some(&sdp)));
    world.expect(CARRIER, "ACK ");
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    assert_eq!(to_tag(&answer), to_tag(&second));

    world.send(CARRIER, &response(&left, "200 OK", "fork1", &[&contact], Some(&sdp)));
    let ack = world.expect(CARRIER, "ACK ");
    let bye = world.expect(CARRIER, "BYE ");
    for text in [ack, bye] {
        assert!(header(&text, Name::To).ends_with(";tag=fork1"), "{text}");
    }
    world.expect_nothing(PBX);
    assert_eq!(world.engine.calls_open(), 1);
}

#[test]
fn requests_of_a_winning_forks_dialog_find_the_call() {
    let mut world = World::new();
    let (invite, left) = place(&mut world);
    let contact = format!("Contact: <sip:{CARRIER}>");
    let sdp = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &response(&left, "180 Ringing", "fork1", &[&contact], None));
    world.expect(PBX, "SIP/2.0 180 ");
    world.send(CARRIER, &response(&left, "200 OK", "fork2", &[&contact], Some(&sdp)));
    world.expect(CARRIER, "ACK ");
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &ack(&invite, &answer).text());
    world.send(PBX, &within(&invite, &answer, "BYE", 9).text());
    world.expect(PBX, "SIP/2.0 200 OK");
    let bye = world.expect(CARRIER, "BYE ");
    world.send(CARRIER, &response(&bye, "200 OK", "", &[], None));
    world.assert_clean();
}

#[test]
fn an_invite_without_an_offer_lets_the_called_side_make_it() {
    let mut world = World::without_users();
    let invite = Request { body: None, ..Request::invite() };
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    assert_eq!(body(&left), "");

    let contact = format!("Contact: <sip:{CARRIER}>");
    let offer = sdp("198.51.100.20", 6000);
    let ok = response(&left, "200 OK", "called", &[&contact], Some(&offer));
    world.send(CARRIER, &ok);
    world.expect_nothing(CARRIER);
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    assert!(body(&answer).contains("m=audio 20000 "), "{answer}");

    // A repeated 2xx must wait for the caller's answer too.
    world.send(CARRIER, &ok);
    world.expect_nothing(CARRIER);

    world.send(PBX, &ack(&invite, &answer).body(&sdp("192.0.2.10", 4000)).text());
    let acknowledged = world.expect(CARRIER, "ACK ");
    assert!(body(&acknowledged).contains("m=audio 20002 "), "{acknowledged}");
    world.send(CARRIER, &ok);
    assert_eq!(body(&world.expect(CARRIER, "ACK ")), body(&acknowledged));

    let now = world.now().instant;
    let called = "198.51.100.20:6000".parse().unwrap();
    let sent = world.relay.handle(now, 20_002, called, &mut rtp(0, 1)).unwrap();
    assert_eq!(sent.to, "192.0.2.10:4000".parse().unwrap());
}

#[test]
fn payload_type_numbers_that_differ_are_translated() {
    let mut world = World::new();
    let (invite, left) = place(&mut world);
    let contact = format!("Contact: <sip:{CARRIER}>");
    let theirs = sdp("198.51.100.20", 6000).replace("101", "96");
    world.send(CARRIER, &response(&left, "200 OK", "called", &[&contact], Some(&theirs)));
    world.expect(CARRIER, "ACK ");
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    world.send(PBX, &ack(&invite, &answer).text());
    assert!(body(&answer).contains("RTP/AVP 0 8 96\r\n"), "{answer}");

    // The caller may use its own number or the one it was told: both arrive as 96.
    let now = world.now().instant;
    let caller = "192.0.2.10:4000".parse().unwrap();
    for (number, sequence) in [(101, 1), (96, 2)] {
        let mut packet = rtp(number, sequence);
        world.relay.handle(now, 20_000, caller, &mut packet).unwrap();
        assert_eq!(packet[1] & 0x7f, 96);
    }
    let called = "198.51.100.20:6000".parse().unwrap();
    let mut packet = rtp(96, 1);
    world.relay.handle(now, 20_002, called, &mut packet).unwrap();
    assert_eq!(packet[1] & 0x7f, 101);
}

#[test]
fn chosen_headers_cross_and_reserved_and_unknown_ones_do_not() {
    let mut world = World::without_users();
    let invite = Request::invite()
        .header("X-Customer: 42")
        .header("x-other:  folded\r\n value")
        .header("User-to-User: 00abcd;encoding=hex")
        .header("Diversion: <sip:+12065550199@pbx>;reason=unconditional")
        .header("X-VoiceConnector-ID: forged")
        .header("X-Amzn-SourceAccount: forged")
        .header("Subject: private")
        .header("Geolocation: <cid:a@b>");
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    assert!(left.contains("X-Customer: 42\r\n"), "{left}");
    assert!(left.contains("x-other:  folded\r\n value\r\n"), "{left}");
    assert_eq!(header(&left, Name::UserToUser), "00abcd;encoding=hex");
    assert!(header(&left, Name::Diversion).contains("+12065550199"));
    for gone in ["forged", "private", "Geolocation"] {
        assert!(!left.contains(gone), "{gone} in {left}");
    }

    let ringing =
        response(&left, "180 Ringing", "called", &["X-Carrier: yes", "P-Secret: no"], None);
    world.send(CARRIER, &ringing);
    let ringing = world.expect(PBX, "SIP/2.0 180 ");
    assert!(ringing.contains("X-Carrier: yes\r\n") && !ringing.contains("P-Secret"), "{ringing}");
}

#[test]
fn no_more_than_2048_bytes_of_extension_headers_cross() {
    let mut world = World::without_users();
    let long = "y".repeat(1000);
    let invite =
        (0..4).fold(Request::invite(), |invite, n| invite.header(&format!("X-{n}: {long}")));
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    assert_eq!(left.matches(&long).count(), 2);
}

#[test]
fn a_carriers_challenge_is_answered_and_its_credentials_used_to_the_end() {
    let mut world = World::new();
    world.apply(Change::PutCarrier(with_credential(carrier("first", CARRIER, 1))));
    let (invite, left) = place(&mut world);
    assert!(!left.contains("Authorization"), "{left}");
    let challenge = "Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"n1\", qop=\"auth\"";
    world.send(
        CARRIER,
        &response(&left, "407 Proxy Authentication Required", "c", &[challenge], None),
    );
    world.expect(CARRIER, "ACK ");
    let again = world.expect(CARRIER, "INVITE ");
    assert_eq!(header(&again, Name::CallId), header(&left, Name::CallId));
    assert_eq!(header(&again, Name::CSeq), "2 INVITE");
    assert_eq!(body(&again), body(&left), "the same offer, from the same address");
    let credentials = header(&again, Name::ProxyAuthorization);
    assert!(credentials.contains("username=\"trunk\"") && credentials.contains("nc=00000001"));
    assert!(!again.contains("carrier secret"));

    let answer = answer(&mut world, &again);
    world.send(PBX, &ack(&invite, &answer).text());
    world.send(PBX, &within(&invite, &answer, "BYE", 9).text());
    world.expect(PBX, "SIP/2.0 200 ");
    let bye = world.expect(CARRIER, "BYE ");
    assert!(header(&bye, Name::ProxyAuthorization).contains("nc=00000002"), "{bye}");
    assert_eq!(header(&bye, Name::CSeq), "3 BYE");
    // Even so it may ask for a new nonce.
    let stale =
        "Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"n2\", qop=\"auth\", stale=true";
    world.send(CARRIER, &response(&bye, "407 Proxy Authentication Required", "", &[stale], None));
    let bye = world.expect(CARRIER, "BYE ");
    assert!(header(&bye, Name::ProxyAuthorization).contains("nonce=\"n2\""), "{bye}");
    world.send(CARRIER, &response(&bye, "200 OK", "", &[], None));
    world.only_record();
    world.assert_clean();
}

#[test]
fn a_caller_behind_a_nat_is_reached_where_its_messages_come_from() {
    let mut world = World::new();
    world.terminate(|it| it.cidr_allowed_list.clear());
    let outside = "198.18.0.7:33000";
    let mut invite = Request::invite();
    invite.via = "SIP/2.0/UDP 10.0.0.5:5060".into();
    invite.contact = Some("<sip:pbx@10.0.0.5:5060>".into());
    world.send(outside, &invite.text());
    let challenge = world.expect(outside, "SIP/2.0 407 ");
    assert!(header(&challenge, Name::Via).contains("received=198.18.0.7"), "{challenge}");
    let invite = authorized(&invite, &challenge, "pbx", PASSWORD);
    world.send(outside, &invite.text());
    world.expect(outside, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    let contact = format!("Contact: <sip:{CARRIER}>");
    world.send(
        CARRIER,
        &response(&left, "200 OK", "called", &[&contact], Some(&sdp("198.51.100.20", 6000))),
    );
    world.expect(CARRIER, "ACK ");
    let answer = world.expect(outside, "SIP/2.0 200 ");
    world.send(outside, &ack(&invite, &answer).text());

    world.send(CARRIER, &carrier_within(&left, CARRIER, "called", "BYE", 1).text());
    world.expect(CARRIER, "SIP/2.0 200 ");
    let bye = world.expect(outside, "BYE sip:pbx@10.0.0.5:5060 SIP/2.0\r\n");
    assert!(header(&bye, Name::To).ends_with(";tag=caller"), "{bye}");
}

#[test]
fn a_call_over_tcp_stays_on_its_connection() {
    let mut world = World::without_users();
    let mut invite = Request::invite();
    invite.via = "SIP/2.0/TCP 192.0.2.10:5060".into();
    world.send_over(Transport::Tcp, "192.0.2.10:40000", &invite.text());
    world.expect("192.0.2.10:40000", "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    world.send(CARRIER, &response(&left, "180 Ringing", "called", &[], None));
    let ringing = world.sent.pop_back().unwrap();
    assert_eq!(ringing.flow.connection, 77);
    assert_eq!(header(&ringing.text, Name::Contact), "<sip:203.0.113.1:5060;transport=tcp>");
}

#[test]
fn a_request_within_a_call_whose_connection_is_gone_goes_to_the_contact() {
    for is_told in [true, false] {
        let mut world = World::without_users();
        let mut invite = Request::invite();
        invite.via = "SIP/2.0/TCP 192.0.2.10:5060".into();
        invite.contact = Some(format!("<sip:pbx@{PBX};transport=tcp>"));
        let remote = "192.0.2.10:40000";
        world.send_over(Transport::Tcp, remote, &invite.text());
        let left = world.expect(CARRIER, "INVITE ");
        crate::peer::answered_over(&mut world, remote, &invite, &left);
        let local = crate::world::US.parse().unwrap();
        let remote = remote.parse().unwrap();
        let flow = Flow { transport: Transport::Tcp, local, remote, connection: 77 };
        if is_told {
            world.put(Input::FlowClosed { flow });
        }
        world.send(CARRIER, &carrier_within(&left, CARRIER, "called", "BYE", 1).text());
        if !is_told {
            // The BYE was on its way when the connection turned out to be gone.
            world.expect("192.0.2.10:40000", "BYE ");
            world.put(Input::FlowFailed { flow });
        }
        let at = world.sent.iter().position(|it| it.text.starts_with("BYE ")).unwrap();
        let bye = world.sent.remove(at).unwrap();
        assert_eq!(bye.flow.remote, PBX.parse().unwrap());
        assert!(bye.flow.peer().is_some(), "over a new connection: {:?}", bye.flow);
    }
}

#[test]
fn an_in_dialog_request_follows_the_record_route_of_the_caller() {
    let mut world = World::without_users();
    let invite = Request::invite().header("Record-Route: <sip:192.0.2.77:5062;lr>");
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    assert!(!left.contains("Record-Route") && !left.contains("Route:"), "{left}");
    let answer = answer(&mut world, &left);
    assert_eq!(header(&answer, Name::RecordRoute), "<sip:192.0.2.77:5062;lr>");
    world.send(PBX, &ack(&invite, &answer).text());
    world.send(CARRIER, &carrier_within(&left, CARRIER, "called", "BYE", 1).text());
    world.expect(CARRIER, "SIP/2.0 200 ");
    let bye = world.expect("192.0.2.77:5062", "BYE sip:pbx@192.0.2.10:5060 SIP/2.0\r\n");
    assert_eq!(header(&bye, Name::Route), "<sip:192.0.2.77:5062;lr>");
}

#[test]
fn live_calls_are_listed_in_pages() {
    let mut world = World::without_users();
    for n in 0..3 {
        let invite = Request {
            branch: format!("n{n}"),
            call_id: format!("call-{n}"),
            from: format!("<sip:{OWNED}@{PBX}>;tag=caller{n}"),
            ..Request::invite()
        };
        world.send(PBX, &invite.text());
    }
    let first = world.engine.live_calls(None, 2);
    let rest = world.engine.live_calls(Some(first[1].transaction_id), 2);
    assert_eq!((first.len(), rest.len()), (2, 1));
    assert!(first[0].transaction_id < first[1].transaction_id);
    assert!(first[1].transaction_id < rest[0].transaction_id);
    assert_eq!(first[0].connector, connector_id());
    assert!(world.engine.live_call(rest[0].transaction_id).is_some());
    assert_eq!(host(), world.directory.connector(&connector_id()).unwrap().host());
}
