//! Proxy sessions: two who call each other by a number that is neither's.

use std::time::Duration;

use call::Change;
use model::{
    Participant, Proxy, ProxyCapability, ProxySession, ProxySessionId, UnixMillis, VoiceConnector,
};
use sip_message::Name;

use crate::inward::{CALLER, invite, number, world};
use crate::peer::{Request, ack, header, response, sdp, within};
use crate::world::{CARRIER, OWNED, World, connector, connector_id};

const CONTACT: &str = "Contact: <sip:198.51.100.20:5060>";
/// The other participant.
const OTHER: &str = "+14155550177";

fn session(world: &World) -> ProxySession {
    let participant = |text| Participant { number: number(text), proxy: number(OWNED) };
    ProxySession {
        id: ProxySessionId::from_random([5; 16]),
        account: connector().account,
        connector: connector_id(),
        name: None,
        expiry_minutes: 10,
        capabilities: vec![ProxyCapability::Voice, ProxyCapability::Sms],
        selection: None,
        geo_match: None,
        participants: [participant(CALLER), participant(OTHER)],
        created: world.now().unix,
        updated: world.now().unix,
        ended: None,
    }
}

fn masked() -> World {
    let mut world = world();
    let session = session(&world);
    world.apply(Change::PutProxySession(session));
    world.apply(Change::PutProxy(proxy(None)));
    world
}

fn proxy(fall_back: Option<&str>) -> Proxy {
    let VoiceConnector { account, id, .. } = connector();
    Proxy {
        account,
        connector: id,
        default_expiry_minutes: 60,
        countries: vec!["US".into()],
        fall_back: fall_back.map(number),
        disabled: false,
    }
}

fn from(caller: &str) -> Request {
    Request { from: format!("<sip:{caller}@198.51.100.20>;tag=pstn"), ..invite() }
}

#[test]
fn each_participant_reaches_the_other_and_neither_sees_the_others_number() {
    for (caller, called) in [(CALLER, OTHER), (OTHER, CALLER)] {
        let mut world = masked();
        world.send(CARRIER, &from(caller).text());
        world.expect(CARRIER, "SIP/2.0 100 ");
        let left = world.expect(CARRIER, &format!("INVITE sip:{called}@198.51.100.20 SIP/2.0\r\n"));
        assert!(!left.contains(caller), "{left}");
        assert!(header(&left, Name::From).starts_with(&format!("<sip:{OWNED}@")));
        assert!(header(&left, Name::PAssertedIdentity).starts_with(&format!("<sip:{OWNED}@")));
        world.send(CARRIER, &response(&left, "486 Busy Here", "p", &[], None));
        let record = world.only_record();
        assert_eq!((record.from.as_str(), record.to.as_str()), (caller, OWNED));
        let row = record.decisions.iter().find(|it| it.rule == "proxy-session").unwrap();
        assert!(row.seen.contains(called), "{row:?}");
    }
}

#[test]
fn a_session_that_is_over_and_a_caller_who_is_in_none_fall_back_or_are_refused() {
    let mut expired = masked();
    expired.wait(Duration::from_secs(601));
    let mut closed = masked();
    let ended = Some(UnixMillis(closed.now().unix.0));
    let session = ProxySession { ended, ..session(&closed) };
    closed.apply(Change::PutProxySession(session));
    for (mut world, caller) in [(expired, CALLER), (closed, CALLER), (masked(), "+13125550100")] {
        let fall_back = "+18005550123";
        world.send(CARRIER, &from(caller).text());
        world.expect(CARRIER, "SIP/2.0 480 ");
        assert_eq!(world.only_record().reason, "proxy-session-closed");

        world.apply(Change::PutProxy(proxy(Some(fall_back))));
        let again = Request { call_id: "again".into(), branch: "again".into(), ..from(caller) };
        world.send(CARRIER, &again.text());
        world.expect(CARRIER, "SIP/2.0 100 ");
        world.expect(CARRIER, &format!("INVITE sip:{fall_back}@"));
    }
}

#[test]
fn a_session_is_told_of_while_its_two_talk() {
    let mut world = masked();
    let talking = |world: &World| world.engine.talking().collect::<Vec<_>>();
    world.send(CARRIER, &from(CALLER).text());
    world.expect(CARRIER, "SIP/2.0 100 ");
    let left = world.expect(CARRIER, "INVITE ");
    world.send(CARRIER, &response(&left, "180 Ringing", "p", &[CONTACT], None));
    world.expect(CARRIER, "SIP/2.0 180 ");
    assert_eq!(talking(&world), [], "it rings");
    let body = sdp("198.51.100.20", 6000);
    world.send(CARRIER, &response(&left, "200 OK", "p", &[CONTACT], Some(&body)));
    world.expect(CARRIER, "ACK ");
    let answer = world.expect(CARRIER, "SIP/2.0 200 ");
    world.send(CARRIER, &ack(&from(CALLER), &answer).text());
    assert_eq!(talking(&world), [ProxySessionId::from_random([5; 16])]);

    world.send(CARRIER, &within(&from(CALLER), &answer, "BYE", 9).text());
    world.expect(CARRIER, "SIP/2.0 200 ");
    assert_eq!(talking(&world), []);
}

#[test]
fn a_session_without_voice_connects_nobody() {
    let mut world = masked();
    let session = ProxySession { capabilities: vec![ProxyCapability::Sms], ..session(&world) };
    world.apply(Change::PutProxySession(session));
    world.send(CARRIER, &from(CALLER).text());
    world.expect(CARRIER, "SIP/2.0 480 ");
}

#[test]
fn a_number_whose_sessions_are_all_forgotten_takes_calls_like_any_other() {
    let mut world = masked();
    world.apply(Change::DeleteProxySession(ProxySessionId::from_random([5; 16])));
    world.send(CARRIER, &from(CALLER).text());
    world.expect(crate::world::PBX, "INVITE ");
}

#[test]
fn a_participant_or_fall_back_that_may_not_be_called_is_not_dialled() {
    for (dial, reason) in [
        ("+442079460000", "proxy-country-not-allowed"),
        ("+19005550100", "proxy-destination-premium-rate"),
        ("+80012345678", "proxy-destination-unknown"),
    ] {
        let mut world = masked();
        let mut changed = session(&world);
        changed.participants[1].number = number(dial);
        world.apply(Change::PutProxySession(changed));
        world.apply(Change::PutProxy(proxy(Some(dial))));
        for (at, caller) in [CALLER, "+13125550100"].into_iter().enumerate() {
            let call = Request { call_id: at.to_string(), branch: at.to_string(), ..from(caller) };
            world.send(CARRIER, &call.text());
            world.expect(CARRIER, "SIP/2.0 403 ");
            let record = &world.records[at];
            assert_eq!(record.reason, reason);
            let row = record.decisions.last().unwrap();
            assert!(row.rule == "proxy-session" && row.seen.contains(dial), "{row:?}");
        }
    }
}
