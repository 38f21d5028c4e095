//! OPTIONS, what we do not serve, and what names no connector.

use std::time::Duration;

use call::Change;
use model::VoiceConnector;
use sip_message::Name;

use crate::peer::{Request, ack, header, talk, within};
use crate::world::{CARRIER, PBX, World, connector, host};

fn options(uri: &str) -> Request {
    Request { uri: uri.into(), to: format!("<{uri}>"), ..Request::plain("OPTIONS") }
}

#[test]
fn options_to_a_connector_is_answered_minimally_and_is_a_sign_of_health() {
    let mut world = World::new();
    world.send(PBX, &options(&format!("sip:{}", host())).text());
    let answer = world.expect(PBX, "SIP/2.0 200 OK\r\n");
    let names: Vec<&str> =
        answer.lines().skip(1).filter_map(|it| it.split_once(':')).map(|(name, _)| name).collect();
    assert_eq!(names, ["Via", "From", "Call-ID", "CSeq", "To", "Content-Length"], "{answer}");
    assert!(header(&answer, Name::To).contains(";tag="), "{answer}");

    let health = &world.health[0];
    assert_eq!(health.connector, connector().id);
    assert_eq!(health.source.to_string(), "192.0.2.10");
    assert_eq!(health.timestamp, world.now().unix);
}

#[test]
fn options_from_a_source_that_may_not_call_is_forbidden_and_no_sign_of_health() {
    let mut world = World::new();
    world.send("198.18.0.1:5060", &options(&format!("sip:{}", host())).text());
    world.expect("198.18.0.1:5060", "SIP/2.0 403 Forbidden\r\n");

    world.apply(Change::PutConnector(VoiceConnector { require_encryption: true, ..connector() }));
    let again = Request { branch: "2".into(), ..options(&format!("sip:{}", host())) };
    world.send(PBX, &again.text());
    world.expect(PBX, "SIP/2.0 403 Forbidden\r\n");
    assert!(world.health.is_empty());
}

#[test]
fn options_to_the_bare_address_is_answered_and_to_an_unknown_host_not_found() {
    let mut world = World::new();
    world.send(PBX, &options("sip:203.0.113.1").text());
    world.expect(PBX, "SIP/2.0 200 OK\r\n");
    let unknown = Request { branch: "2".into(), ..options("sip:unknown.example") };
    world.send(PBX, &unknown.text());
    world.expect(PBX, "SIP/2.0 404 Not Found\r\n");
    assert!(world.health.is_empty());
}

#[test]
fn what_options_requires_and_we_lack_is_named() {
    let mut world = World::new();
    let asked = options("sip:203.0.113.1").header("Require: nothingSupportsThis, nor.this");
    world.send(PBX, &asked.text());
    let answer = world.expect(PBX, "SIP/2.0 420 Bad Extension\r\n");
    assert_eq!(header(&answer, Name::Unsupported), "nothingSupportsThis, nor.this");
}

#[test]
fn a_uri_of_a_scheme_that_nobody_knows_is_416() {
    let mut world = World::new();
    let invite = Request { uri: "nobodyKnowsThisScheme:totallyopaque".into(), ..Request::invite() };
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 416 Unsupported URI Scheme\r\n");
}

#[test]
fn an_invite_that_names_no_connector_is_not_found_and_leaves_no_record() {
    for uri in ["sip:+12065550100@unknown.example", "sip:900@203.0.113.1", "tel:+12065550100"] {
        let mut world = World::new();
        let invite = Request { uri: uri.into(), ..Request::invite() };
        world.send(PBX, &invite.text());
        let answer = world.expect(PBX, "SIP/2.0 404 Not Found\r\n");
        world.send(PBX, &ack(&invite, &answer).text());
        assert!(world.records.is_empty());
        assert_eq!(world.engine.counters().rejected["host-unknown"], 1, "{uri}");
    }
}

#[test]
fn a_flood_of_strangers_is_answered_up_to_a_rate_and_counted() {
    let mut world = World::new();
    for n in 0..500 {
        let invite = Request {
            uri: "sip:900@203.0.113.1".into(),
            branch: format!("s{n}"),
            call_id: format!("s{n}"),
            ..Request::invite()
        };
        world.send("198.18.0.1:5060", &invite.text());
    }
    assert_eq!(world.sent.len(), 100);
    assert_eq!(world.engine.counters().dropped["strangers-max"], 400);

    // Whoever names a connector is not held back by it.
    world.forget_sent();
    world.send(PBX, &Request::invite().text());
    world.expect(PBX, "SIP/2.0 407 ");
    world.wait(Duration::from_secs(1));
}

/// An INVITE to the connector from a forged address, never acknowledged.
fn forged(n: u32) -> Request {
    Request {
        via: "SIP/2.0/UDP 198.18.0.1:5060".into(),
        branch: format!("f{n}"),
        call_id: format!("f{n}"),
        ..Request::invite()
    }
}

#[test]
fn a_flood_that_never_acknowledges_does_not_lock_callers_out() {
    let mut world = World::with(|config| config.sip.limits.invites_open_max = 40);
    for n in 0..500 {
        world.send("198.18.0.1:5060", &forged(n).text());
    }
    assert_eq!(world.sent.len(), 500, "every one is answered");
    world.forget_sent();
    world.remove_users();
    world.send(PBX, &Request::invite().text());
    world.expect(PBX, "SIP/2.0 100 ");
}

#[test]
fn a_flood_of_refusals_is_recorded_up_to_a_rate_and_counted() {
    let mut world = World::with(|config| {
        config.strangers.records_ahead_max = 25.try_into().unwrap();
    });
    for n in 0..50 {
        world.send("198.18.0.1:5060", &forged(n).text());
    }
    assert_eq!(world.records.len(), 10, "one source has a share");
    for (n, host) in (50..100).zip(1..) {
        let source = format!("198.18.1.{host}:5060");
        world.send(&source, &forged(n).text());
    }
    assert_eq!(world.records.len(), 25, "all sources together have a stock");
    assert_eq!(world.engine.counters().dropped["stranger-records-max"], 75);
    assert_eq!(world.engine.counters().rejected["source-not-allowed"], 100);
    world.wait(Duration::from_secs(60));
    for n in 100..200 {
        world.send(&format!("198.18.2.{n}:5060"), &forged(n).text());
    }
    assert_eq!(world.records.len(), 50, "which fills up again, and no further");
}

#[test]
fn the_record_of_a_refused_stranger_is_no_larger_than_others() {
    let mut world = World::new();
    let long = Request { call_id: "x".repeat(9000), ..forged(1) };
    world.send("198.18.0.1:5060", &long.text());
    assert_eq!(world.only_record().call_id.len(), 256);
}

#[test]
fn refusals_to_a_carriers_address_are_recorded_up_to_a_rate() {
    let mut world = crate::inward::world_with(|config| {
        config.strangers.carrier_records_per_second_max = 10.try_into().unwrap();
    });
    for n in 0..30 {
        let unknown =
            Request { uri: "sip:+12065559999@203.0.113.1".into(), ..crate::inward::another(n) };
        world.send(CARRIER, &unknown.text());
    }
    assert_eq!(world.records.len(), 10);
    assert_eq!(world.engine.counters().dropped["carrier-records-max"], 20);
    assert_eq!(world.engine.counters().rejected["number-unknown"], 30);
}

#[test]
fn what_a_trunk_does_not_serve_is_refused_with_what_it_does() {
    for method in ["REGISTER", "SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE", "REFER"] {
        let mut world = World::new();
        world.send(PBX, &Request::plain(method).text());
        let answer = world.expect(PBX, "SIP/2.0 405 Method Not Allowed\r\n");
        assert_eq!(
            header(&answer, Name::Allow),
            "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK",
            "{method}"
        );
    }
    let mut world = World::new();
    world.send(PBX, &Request::plain("FROBNICATE").text());
    world.expect(PBX, "SIP/2.0 501 Not Implemented\r\n");
}

#[test]
fn a_request_of_a_dialog_that_does_not_exist_is_told_so() {
    for method in ["BYE", "INFO", "UPDATE", "PRACK", "INVITE"] {
        let mut world = World::new();
        let mut request = Request::plain(method);
        request.to.push_str(";tag=gone");
        world.send(PBX, &request.text());
        world.expect(PBX, "SIP/2.0 481 Call/Transaction Does Not Exist\r\n");
    }
    for method in ["BYE", "INFO", "UPDATE", "PRACK"] {
        let mut world = World::new();
        world.send(PBX, &Request::plain(method).text());
        world.expect(PBX, "SIP/2.0 481 Call/Transaction Does Not Exist\r\n");
    }
}

#[test]
fn a_cancel_of_nothing_and_a_stray_ack_change_nothing() {
    let mut world = World::new();
    world.send(PBX, &Request::plain("CANCEL").text());
    world.expect(PBX, "SIP/2.0 481 ");
    let mut ack = Request::plain("ACK");
    ack.to.push_str(";tag=gone");
    world.send(PBX, &ack.text());
    world.expect_nothing(PBX);
    world.expect_nothing(CARRIER);
}

#[test]
fn a_dialogs_tags_must_both_fit() {
    let mut world = World::new();
    let call = talk(&mut world);
    let mut bye = within(&call.invite, &call.answer, "BYE", 9);
    bye.from = bye.from.replace("tag=caller", "tag=somebody");
    world.send(PBX, &bye.text());
    world.expect(PBX, "SIP/2.0 481 ");
    assert_eq!(world.engine.calls_open(), 1);
}

/// What a source sees of a request's answers.
fn answers(world: &mut World, to: &str) -> Vec<String> {
    std::iter::from_fn(|| world.take(to)).collect()
}

#[test]
fn a_challenge_over_udp_is_forgotten_and_asked_again_answered_alike() {
    let mut world = World::new();
    let invite = Request::invite();
    world.send(PBX, &invite.text());
    let first = world.expect(PBX, "SIP/2.0 407 ");
    assert_eq!(world.engine.transactions(), 0, "nothing is remembered");
    world.wait(Duration::from_secs(40));
    assert_eq!(answers(&mut world, PBX), Vec::<String>::new(), "nor repeated unasked");

    world.send(PBX, &invite.text());
    let again = world.expect(PBX, "SIP/2.0 407 ");
    assert_eq!(header(&again, Name::To), header(&first, Name::To));
    world.send(PBX, &ack(&invite, &again).text());
    let stray = world.engine.counters().dropped.get("ack-stray");
    assert_eq!(stray, None, "its ACK is known");
}

#[test]
fn a_refusal_of_a_stranger_over_udp_is_repeated_only_when_it_is_asked_for() {
    let mut world = World::new();
    let stranger = "198.18.0.1:5060";
    let invite = Request::invite();
    world.send(stranger, &invite.text());
    let first = world.expect(stranger, "SIP/2.0 403 ");
    world.wait(Duration::from_secs(5));
    assert_eq!(answers(&mut world, stranger), Vec::<String>::new());
    world.send(stranger, &invite.text());
    assert_eq!(answers(&mut world, stranger), [first]);
    assert_eq!(world.records.len(), 1, "one INVITE, one record");
}

#[test]
fn one_source_over_udp_is_not_answered_without_an_end() {
    let limit = std::num::NonZeroU32::new(3).unwrap();
    let mut world = World::with(|config| config.strangers.source_answers_per_second_max = limit);
    for n in 0..20 {
        let (branch, call_id) = (format!("f{n}"), format!("f{n}"));
        world.send(PBX, &Request { branch, call_id, ..Request::invite() }.text());
    }
    assert_eq!(answers(&mut world, PBX).len(), 3);
    assert_eq!(world.engine.transactions(), 0);
    world.wait(Duration::from_secs(2));
    world.send(PBX, &Request { branch: "later".into(), ..Request::invite() }.text());
    world.expect(PBX, "SIP/2.0 407 ");
}
