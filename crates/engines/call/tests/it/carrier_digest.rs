//! Carriers whose calls come in from anywhere, and who prove who they are.

use call::Change;
use model::{CarrierTransport, CarrierUser, DigestKeys, Direction, Secret, Username, Verdict};
use sip_message::{Name, Transport};

use crate::inward::{invite, world};
use crate::peer::{Request, ack, authorized, header};
use crate::world::{CARRIER_2, OWNED, PBX, World, carrier};

/// Where nobody is known to be.
const ANYWHERE: &str = "198.18.7.7:5060";
const PASSWORD: &str = "carrier's own";
const REALM: &str = "carriers.voiceconnector.localhost";

fn roaming() -> World {
    roaming_by(CarrierTransport::Udp)
}

fn roaming_by(transport: CarrierTransport) -> World {
    let mut world = world();
    let mut roams = carrier("roams", CARRIER_2, 9);
    roams.carrier.transport = transport;
    roams.carrier.inbound = Some(CarrierUser {
        username: Username::parse("trunk-7").unwrap(),
        realm: REALM.into(),
        keys: DigestKeys::derive("trunk-7", REALM, Secret::new(PASSWORD.into())),
    });
    world.apply(Change::PutCarrier(roams));
    world
}

fn from_anywhere() -> Request {
    Request { via: format!("SIP/2.0/UDP {ANYWHERE}"), ..invite() }
}

/// Sends an INVITE, and again with these credentials; gives the last one.
fn proven(world: &mut World, invite: &Request, user: &str, password: &str) -> Request {
    world.send(ANYWHERE, &invite.text());
    let challenge = world.expect(ANYWHERE, "SIP/2.0 407 ");
    assert!(header(&challenge, Name::ProxyAuthenticate).contains(REALM), "{challenge}");
    world.send(ANYWHERE, &ack(invite, &challenge).text());
    let again = authorized(invite, &challenge, user, password);
    world.send(ANYWHERE, &again.text());
    again
}

#[test]
fn whose_digest_proves_a_carriers_user_calls_in_from_that_carrier() {
    let mut world = roaming();
    proven(&mut world, &from_anywhere(), "trunk-7", PASSWORD);
    world.expect(ANYWHERE, "SIP/2.0 100 ");
    let left = world.expect(PBX, "INVITE ");
    assert!(!left.contains("Authorization"), "{left}");
    world.command(call::Command::HangUpAll);
    world.wait(std::time::Duration::from_secs(40));
    let record = world.only_record();
    assert_eq!((record.direction, record.carrier.as_deref()), (Direction::Inbound, Some("roams")));
    assert_eq!((record.sip_user.as_deref(), record.to.as_str()), (Some("trunk-7"), OWNED));
    let rows: Vec<_> = record.decisions.iter().map(|it| (&*it.rule, &*it.seen)).collect();
    assert!(rows.contains(&("digest", "user trunk-7")), "{rows:?}");
    assert!(rows.contains(&("carrier", &format!("carrier roams at {ANYWHERE}"))), "{rows:?}");
}

#[test]
fn an_unknown_user_and_a_wrong_password_are_answered_alike_and_told_apart_in_the_record() {
    let mut answers = Vec::new();
    for (user, reason) in [("nobody", "digest-user-unknown"), ("trunk-7", "digest-response-wrong")]
    {
        let mut world = roaming();
        proven(&mut world, &from_anywhere(), user, "guess");
        let answer = world.expect(ANYWHERE, "SIP/2.0 403 Forbidden\r\n");
        let record = world.only_record();
        assert_eq!((record.reason.as_str(), record.direction), (reason, Direction::Inbound));
        let row = record.decisions.last().unwrap();
        assert_eq!((&*row.rule, row.verdict), ("digest", Verdict::Refuse));
        assert!(row.remedy.contains("trunkline carrier"), "{row:?}");
        world.expect_nothing(PBX);
        let words = answer.lines().filter(|it| !it.starts_with("To:"));
        answers.push(words.map(String::from).collect::<Vec<_>>());
    }
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn a_stranger_who_proves_nothing_leaves_no_record_and_cannot_lock_a_carrier_out() {
    let mut world = roaming();
    for n in 0..500 {
        let scan = Request { branch: format!("s{n}"), call_id: format!("s{n}"), ..invite() };
        world.send("198.18.0.1:5060", &scan.text());
    }
    assert!(world.records.is_empty());
    world.forget_sent();
    proven(&mut world, &from_anywhere(), "trunk-7", PASSWORD);
    world.expect(ANYWHERE, "SIP/2.0 100 ");
}

#[test]
fn credentials_serve_once() {
    let mut world = roaming();
    let invite = proven(&mut world, &from_anywhere(), "trunk-7", PASSWORD);
    world.expect(ANYWHERE, "SIP/2.0 100 ");
    let replayed = Request { call_id: "stolen".into(), branch: "stolen".into(), ..invite };
    world.send("198.18.0.1:5060", &replayed.text());
    world.expect("198.18.0.1:5060", "SIP/2.0 403 ");
    assert_eq!(world.only_record().reason, "digest-replayed");
}

#[test]
fn a_carrier_over_tls_calls_in_over_tls_whoever_it_proves_to_be() {
    let mut world = roaming_by(CarrierTransport::Tls);
    proven(&mut world, &from_anywhere(), "trunk-7", PASSWORD);
    world.expect(ANYWHERE, "SIP/2.0 403 ");
    assert_eq!(world.only_record().reason, "encryption-required");

    let first = Request { branch: "t".into(), call_id: "t".into(), ..from_anywhere() };
    world.send_over(Transport::Tls, ANYWHERE, &first.text());
    let challenge = world.expect(ANYWHERE, "SIP/2.0 407 ");
    world.send_over(Transport::Tls, ANYWHERE, &ack(&first, &challenge).text());
    let again = authorized(&first, &challenge, "trunk-7", PASSWORD);
    world.send_over(Transport::Tls, ANYWHERE, &again.text());
    world.expect(ANYWHERE, "SIP/2.0 100 ");
}

#[test]
fn without_a_carrier_that_may_prove_itself_a_stranger_is_not_found() {
    let mut world = world();
    world.send(ANYWHERE, &from_anywhere().text());
    world.expect(ANYWHERE, "SIP/2.0 404 ");
}
