//! Calls in: from a carrier to the routes of the connector that has the number.

use std::time::Duration;

use call::{Change, Input};
use model::{
    CallStatus, CalledNumber, Direction, PhoneNumber, ProductType, Route, RouteProtocol, SipRule,
    SipRuleId, SipTrigger, UnixMillis,
};
use sip_message::{Flow, Name, Transport};

use crate::inward::{
    CALLER, PBX_2, another, answer, invite, number, origination, route, world, world_with,
};
use crate::peer::{Request, ack, body, carrier_within, header, response, sdp};
use crate::world::{CARRIER, CARRIER_2, OWNED, PBX, US, World, carrier, connector, connector_id};

/// Sends an INVITE of the carrier that is let in; gives what leaves for the PBX.
fn place(world: &mut World, invite: &Request) -> String {
    world.send(CARRIER, &invite.text());
    world.expect(CARRIER, "SIP/2.0 100 ");
    world.expect(PBX, "INVITE ")
}

/// Sends an INVITE that is refused; gives the status line and the reason of the record.
fn refused(world: &mut World, invite: &Request) -> (String, String) {
    let before = world.records.len();
    world.send(CARRIER, &invite.text());
    let answer = world.expect(CARRIER, "SIP/2.0 ");
    world.send(CARRIER, &ack(invite, &answer).text());
    assert_eq!(world.records.len(), before + 1, "one INVITE, one record");
    let record = &world.records[before];
    assert_eq!((record.direction, record.status), (Direction::Inbound, CallStatus::Rejected));
    let decision = record.decisions.last().unwrap();
    assert!(!decision.remedy.is_empty(), "{decision:?}");
    (answer.lines().next().unwrap().into(), record.reason.clone())
}

#[test]
fn a_carriers_call_rings_at_the_connectors_route_as_aws_sends_it() {
    let mut world = world();
    let left = place(&mut world, &invite());
    assert!(left.starts_with("INVITE sip:+12065550199@192.0.2.10:5060;transport=UDP SIP/2.0\r\n"));
    assert!(left.contains(&format!("X-VoiceConnector-ID: {}\r\n", connector_id())), "{left}");
    assert!(header(&left, Name::From).starts_with(&format!("<sip:{CALLER}@203.0.113.1>")));
    assert!(header(&left, Name::To).starts_with("<sip:+12065550199@192.0.2.10:5060"));
    assert_eq!(header(&left, Name::Contact), format!("<sip:{US}>"), "a Contact that is reachable");
    assert_eq!(header(&left, Name::MaxForwards), "69");
    assert!(!left.contains("P-Asserted-Identity"), "{left}");
    let offer = body(&left);
    for line in ["RTP/AVP 0", "a=rtpmap:101 telephone-event/8000", "a=ptime:20"] {
        assert!(offer.contains(line), "no {line} in {offer}");
    }
    assert!(offer.contains("c=IN IP4 203.0.113.1"), "{offer}");

    let answer = answer(&mut world, PBX, &left);
    world.send(CARRIER, &ack(&invite(), &answer).text());
    let live = world.engine.live_calls(None, 9);
    assert_eq!(live[0].direction, Direction::Inbound);
    assert_eq!((live[0].from.as_str(), live[0].to.as_str()), (CALLER, OWNED));
    assert_eq!(live[0].carrier.as_deref(), Some("first"));

    world.wait(Duration::from_secs(3));
    let bye = carrier_within(&left, PBX, "pbx", "BYE", 1);
    world.send(PBX, &bye.text());
    world.expect(PBX, "SIP/2.0 200 ");
    let bye = world.expect(CARRIER, "BYE ");
    world.send(CARRIER, &response(&bye, "200 OK", "", &[], None));
    let record = world.only_record();
    assert_eq!((record.direction, record.status), (Direction::Inbound, CallStatus::Completed));
    assert_eq!(record.connector, Some(connector_id()));
    assert_eq!(record.carrier.as_deref(), Some("first"));
    assert_eq!((record.from.as_str(), record.to.as_str()), (CALLER, OWNED));
    assert_eq!(record.duration_ms(), 3000);
    let rules: Vec<_> = record.decisions.iter().map(|it| &*it.rule).collect();
    let expected = [
        "carrier",
        "caller-id",
        "destination",
        "number",
        "origination",
        "cps",
        "concurrent-calls",
        "media",
        "route",
        "end",
    ];
    assert_eq!(rules, expected);
    world.assert_clean();
}

#[test]
fn a_source_counts_as_its_carriers_and_anybody_else_is_a_stranger() {
    let mut world = world();
    let mut listed = carrier("first", CARRIER, 1);
    listed.carrier.sources = vec!["203.0.113.128/25".parse().unwrap()];
    world.apply(Change::PutCarrier(listed));
    let from = |address: &str| Request { via: format!("SIP/2.0/UDP {address}"), ..invite() };
    world.send("203.0.113.200:9999", &from("203.0.113.200:9999").text());
    world.expect("203.0.113.200:9999", "SIP/2.0 100 ");
    let stranger = "203.0.113.3:5060";
    let unknown = Request { call_id: "scan".into(), ..from(stranger) };
    world.send(stranger, &unknown.text());
    world.expect(stranger, "SIP/2.0 404 ");
    assert!(world.records.is_empty(), "a stranger leaves no record");
}

#[test]
fn a_carriers_options_are_answered_whatever_host_they_name() {
    let mut world = world();
    for uri in ["sip:203.0.113.1", "sip:trunk.example.net"] {
        let ping = Request { uri: uri.into(), contact: None, ..Request::plain("OPTIONS") };
        let ping = Request { branch: uri.into(), via: format!("SIP/2.0/UDP {CARRIER}"), ..ping };
        world.send(CARRIER, &ping.text().replace("z9hG4bKsip:", "z9hG4bK"));
        world.expect(CARRIER, "SIP/2.0 200 OK");
    }
}

#[test]
fn the_called_number_is_read_in_the_ways_that_carriers_write_it() {
    let written =
        ["2065550199", "12065550199", "0012065550199", "01112065550199", "+1-206-555-0199"];
    for written in written {
        let mut world = world();
        let uri = format!("sip:{written}@203.0.113.1");
        let left = place(&mut world, &Request { uri, ..invite() });
        assert!(left.starts_with("INVITE sip:+12065550199@"), "{written}");
    }
}

#[test]
fn where_the_called_number_stands_is_the_carriers_setting() {
    let trunk = Request { uri: "sip:trunk-7@203.0.113.1".into(), ..invite() };
    let left = place(&mut world(), &trunk);
    assert!(left.starts_with("INVITE sip:+12065550199@"), "To, if the Request-URI is no number");

    let (mut there, mut party) = (world(), world());
    let with = |called_number| {
        let mut carrier = carrier("first", CARRIER, 1);
        carrier.carrier.called_number = called_number;
        Change::PutCarrier(carrier)
    };
    let main = Request { uri: "sip:+12065550111@203.0.113.1".into(), ..invite() };
    there.apply(with(CalledNumber::To));
    assert!(place(&mut there, &main).starts_with("INVITE sip:+12065550199@"));

    party.apply(with(CalledNumber::PCalledPartyId));
    let main = Request { to: "<sip:+12065550111@x>".into(), ..main };
    let main = main.header(&format!("P-Called-Party-ID: <sip:{OWNED}@x>"));
    assert!(place(&mut party, &main).starts_with("INVITE sip:+12065550199@"));
}

#[test]
fn a_withheld_caller_is_not_shown_to_the_customer() {
    let mut world = world();
    let hidden = Request {
        from: "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=pstn".into(),
        ..invite()
    };
    let hidden = hidden
        .header(&format!("P-Asserted-Identity: <sip:{CALLER}@carrier>"))
        .header("Privacy: id");
    let left = place(&mut world, &hidden);
    assert!(!left.contains("3125550142"), "{left}");
    assert!(
        header(&left, Name::From).starts_with("\"Anonymous\" <sip:anonymous@anonymous.invalid>")
    );
    assert_eq!(header(&left, Name::Privacy), "id");
}

#[test]
fn the_callers_name_and_diversion_reach_the_customer() {
    let mut world = world();
    let named =
        Request { from: format!("\"Ann \\\"A\\\" Bee\" <sip:{CALLER}@c>;tag=pstn"), ..invite() };
    let diversion = "Diversion: <sip:+12065550111@c>;reason=unconditional";
    let left = place(&mut world, &named.header(diversion));
    let from = header(&left, Name::From);
    assert!(from.starts_with(&format!("\"Ann \\\"A\\\" Bee\" <sip:{CALLER}@")), "{from}");
    assert!(left.contains(diversion), "{left}");
}

#[test]
fn a_route_that_fails_or_is_silent_or_unreachable_gives_way_to_the_next() {
    let mut world = world();
    let first = place(&mut world, &invite());
    world.send(PBX, &response(&first, "503 Service Unavailable", "p", &[], None));
    world.expect(PBX, "ACK ");
    let second = world.expect(PBX_2, "INVITE sip:+12065550199@192.0.2.11:5060;transport=UDP ");
    let ok = answer(&mut world, PBX_2, &second);
    world.send(CARRIER, &ack(&invite(), &ok).text());
    world.command(call::Command::HangUpAll);
    let rows = world.only_record().decisions.iter().filter(|it| it.rule == "route");
    let seen: Vec<_> = rows.map(|it| it.seen.to_string()).collect();
    let connector = connector_id();
    assert_eq!(
        seen,
        [
            format!("route 192.0.2.10 of connector {connector} at {PBX}: 503 Service Unavailable"),
            format!("route 192.0.2.11 of connector {connector} at {PBX_2}: answered"),
        ]
    );

    let mut world = self::world();
    place(&mut world, &invite());
    world.wait(Duration::from_secs(4));
    world.expect(PBX_2, "INVITE ");

    let mut world = self::world();
    place(&mut world, &invite());
    world.put(Input::FlowFailed { flow: Flow::udp(US.parse().unwrap(), PBX.parse().unwrap()) });
    world.expect(PBX_2, "INVITE ");
}

#[test]
fn a_busy_pbx_is_the_answer() {
    let mut world = world();
    let left = place(&mut world, &invite());
    world.send(PBX, &response(&left, "486 Busy Here", "p", &[], None));
    world.expect(CARRIER, "SIP/2.0 486 Busy Here");
    world.expect_nothing(PBX_2);
}

#[test]
fn when_no_route_answers_the_carrier_hears_the_last_ones_failure_or_that_it_is_not_there() {
    let mut world = world();
    let first = place(&mut world, &invite());
    world.send(PBX, &response(&first, "503 Service Unavailable", "p", &[], None));
    let second = world.expect(PBX_2, "INVITE ");
    world.send(PBX_2, &response(&second, "500 Server Internal Error", "p", &[], None));
    let answer = world.expect(CARRIER, "SIP/2.0 500 No route took the call");
    world.send(CARRIER, &ack(&invite(), &answer).text());
    assert_eq!(world.only_record().reason, "routes-exhausted");

    let mut world = self::world();
    place(&mut world, &invite());
    world.wait(Duration::from_secs(8));
    world.expect(CARRIER, "SIP/2.0 480 No route took the call");
}

#[test]
fn equal_routes_share_by_weight() {
    let mut world =
        world_with(|config| config.strangers.records_per_second_max = u32::MAX.try_into().unwrap());
    let heavy = Route { weight: 9, ..route(PBX, 1) };
    let routes = vec![heavy, route(PBX_2, 1)];
    world.apply(Change::PutOrigination(origination(connector_id(), routes)));
    let mut light = 0;
    for at in 0..400 {
        let invite = another(at);
        world.wait(Duration::from_millis(150));
        world.send(CARRIER, &invite.text());
        world.expect(CARRIER, "SIP/2.0 100 ");
        let (pbx, left) = match world.take(PBX) {
            Some(left) => (PBX, left),
            None => (PBX_2, world.expect(PBX_2, "INVITE ")),
        };
        light += usize::from(pbx == PBX_2);
        world.send(pbx, &response(&left, "486 Busy Here", "p", &[], None));
        let busy = world.expect(CARRIER, "SIP/2.0 486 ");
        world.send(CARRIER, &ack(&invite, &busy).text());
        world.forget_sent();
    }
    assert!((20..=65).contains(&light), "{light} of 400, expected about 40");
}

#[test]
fn a_call_that_nobody_can_take_is_refused_by_name() {
    let unowned = Request { uri: "sip:+12065550111@203.0.113.1".into(), ..invite() };
    let (status, reason) = refused(&mut world(), &unowned);
    assert_eq!((status.as_str(), reason.as_str()), ("SIP/2.0 404 Not Found", "number-unknown"));

    let nonsense = Request { uri: "sip:x@203.0.113.1".into(), to: "<sip:y@z>".into(), ..invite() };
    let (status, reason) = refused(&mut world(), &nonsense);
    assert!(status.starts_with("SIP/2.0 400 "), "{status}");
    assert_eq!(reason, "destination-invalid");

    let changes: [(&str, &str, Change); 6] = [
        ("404", "number-unassociated", Change::DeleteAssociation(number(OWNED))),
        ("480", "origination-absent", Change::DeleteOrigination(connector_id())),
        ("480", "origination-disabled", {
            let mut disabled = origination(connector_id(), vec![route(PBX, 1)]);
            disabled.disabled = true;
            Change::PutOrigination(disabled)
        }),
        ("480", "origination-no-routes", {
            Change::PutOrigination(origination(connector_id(), vec![]))
        }),
        ("480", "origination-unresolved", {
            let named = Route { host: "pbx.example.net".into(), ..route(PBX, 1) };
            Change::PutOrigination(origination(connector_id(), vec![named]))
        }),
        ("480", "origination-not-encrypted", {
            let mut encrypted = connector();
            encrypted.require_encryption = true;
            Change::PutConnector(encrypted)
        }),
    ];
    for (status, expected, change) in changes {
        let mut world = world();
        world.apply(change);
        let (line, reason) = refused(&mut world, &invite());
        assert!(line.starts_with(&format!("SIP/2.0 {status} ")), "{expected}: {line}");
        assert_eq!(reason, expected);
        world.wait(Duration::from_secs(70));
        world.assert_clean();
    }
}

#[test]
fn a_number_of_a_sip_media_application_is_refused_until_there_is_an_engine_for_it() {
    let mut dial_in = PhoneNumber::new(number(OWNED), Some(connector().account), UnixMillis(0));
    dial_in.holding.product_type = ProductType::SipMediaApplicationDialIn;
    let rule = SipRule {
        id: SipRuleId::from_random([3; 16]),
        account: connector().account,
        name: "menu".into(),
        disabled: false,
        trigger: SipTrigger::ToPhoneNumber(number(OWNED)),
        targets: vec![],
        created: UnixMillis(0),
        updated: UnixMillis(0),
    };
    for change in [Change::PutNumber(dial_in), Change::PutRule(rule)] {
        let mut world = world();
        world.apply(change);
        let (status, reason) = refused(&mut world, &invite());
        assert_eq!(status, "SIP/2.0 480 Temporarily Unavailable");
        assert_eq!(reason, "application-not-served");
    }
}

#[test]
fn a_host_that_resolves_is_called_where_it_is() {
    let mut world = world();
    let named = Route { host: "PBX.example.net".into(), port: 5070, ..route(PBX, 1) };
    let connector_of = |world: &World| world.directory.connector(&connector_id()).cloned().unwrap();
    world.apply(Change::PutOrigination(origination(connector_id(), vec![named.clone()])));
    let place = connector_of(&world).place(&named);
    let resolved = call::directory::Resolved::by(Transport::Udp, [PBX_2.parse().unwrap()]);
    world.apply(Change::PutPlace { place, resolved });
    world.send(CARRIER, &invite().text());
    let left = world.expect(PBX_2, "INVITE ");
    assert!(left.starts_with("INVITE sip:+12065550199@PBX.example.net:5070;transport=UDP "));
}

#[test]
fn a_tcp_route_is_called_over_tcp() {
    let mut world = world();
    let tcp = Route { protocol: RouteProtocol::Tcp, ..route(PBX, 1) };
    world.apply(Change::PutOrigination(origination(connector_id(), vec![tcp])));
    world.send(CARRIER, &invite().text());
    let sent = world.sent.iter().find(|it| it.text.starts_with("INVITE ")).unwrap();
    assert_eq!(sent.flow.transport, Transport::Tcp);
    assert!(sent.text.contains("sip:+12065550199@192.0.2.10:5060;transport=TCP SIP/2.0"));
}

#[test]
fn calls_in_are_paced_apart_from_calls_out_and_bounded() {
    let mut world = world();
    world.terminate(|it| it.cps_limit = 2.try_into().unwrap());
    for at in 0..2 {
        world.send(CARRIER, &another(at).text());
        world.expect(CARRIER, "SIP/2.0 100 ");
    }
    world.send(CARRIER, &another(2).text());
    let busy = world.expect(CARRIER, "SIP/2.0 503 Calls per second limit exceeded");
    assert_eq!(header(&busy, Name::RetryAfter), "1");
    assert_eq!(world.only_record().reason, "cps-exceeded");
    assert_eq!(world.engine.counters().rejected["cps-exceeded"], 1);
    world.send(PBX, &Request::invite().text());
    world.expect(CARRIER, "INVITE ");

    let mut world = world_with(|config| config.limits.connector_calls_max = 1);
    place(&mut world, &another(0));
    let (status, reason) = refused(&mut world, &another(1));
    assert_eq!(status, "SIP/2.0 503 Concurrent call limit exceeded");
    assert_eq!(reason, "connector-calls-exceeded");
}

#[test]
fn a_number_of_our_own_is_called_without_a_carrier() {
    let mut world = world();
    world.own("+12065550150");
    let routes = vec![route(PBX_2, 1)];
    world.apply(Change::PutOrigination(origination(connector_id(), routes)));
    let own = Request {
        uri: Request::invite().uri.replace("+12065550100", OWNED),
        from: format!("<sip:+12065550150@{PBX}>;tag=caller"),
        ..Request::invite()
    };
    world.send(PBX, &own.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(PBX_2, "INVITE sip:+12065550199@192.0.2.11:5060;transport=UDP ");
    world.expect_nothing(CARRIER);
    world.send(PBX_2, &response(&left, "486 Busy Here", "p", &[], None));
    world.expect(PBX, "SIP/2.0 486 ");
    let record = world.only_record();
    assert_eq!(record.direction, Direction::Outbound);
    assert!(record.decisions.iter().any(|it| it.rule == "number"), "{:#?}", record.decisions);
    world.wait(Duration::from_secs(70));
    world.assert_clean();
}

#[test]
fn a_number_of_our_own_that_takes_no_calls_in_leaves_like_any_other() {
    let mut world = world();
    world.apply(Change::DeleteOrigination(connector_id()));
    let own =
        Request { uri: Request::invite().uri.replace("+12065550100", OWNED), ..Request::invite() };
    world.send(PBX, &own.text());
    world.expect(CARRIER, "INVITE sip:+12065550199@");
}

#[test]
fn a_carrier_that_gives_up_cancels_the_call_at_the_pbx() {
    let mut world = world();
    let invite = invite();
    let left = place(&mut world, &invite);
    world.send(PBX, &response(&left, "180 Ringing", "p", &[], None));
    world.expect(CARRIER, "SIP/2.0 180 ");
    let cancel = Request { method: "CANCEL".into(), body: None, contact: None, ..invite };
    world.send(CARRIER, &cancel.text());
    world.expect(CARRIER, "SIP/2.0 200 ");
    world.expect(CARRIER, "SIP/2.0 487 ");
    let cancelled = world.expect(PBX, "CANCEL ");
    world.send(PBX, &response(&cancelled, "200 OK", "p", &[], None));
    world.send(PBX, &response(&left, "487 Request Terminated", "p", &[], None));
    assert_eq!(world.only_record().reason, "cancelled");
    world.wait(Duration::from_secs(70));
    world.assert_clean();
}

#[test]
fn a_late_offer_passes_both_ways() {
    let mut world = world();
    let without = Request { body: None, ..invite() };
    let left = place(&mut world, &without);
    assert_eq!(body(&left), "");
    let contact = format!("Contact: <sip:{PBX}>");
    let ok = response(&left, "200 OK", "pbx", &[&contact], Some(&sdp("192.0.2.10", 8000)));
    world.send(PBX, &ok);
    let answer = world.expect(CARRIER, "SIP/2.0 200 ");
    assert!(body(&answer).contains("c=IN IP4 203.0.113.1"));
    world.expect_nothing(CARRIER_2);
}
