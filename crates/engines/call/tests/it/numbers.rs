//! Numbers at work: emergency calls, calling names, and trials of calls that nobody places.

use call::{Change, Listener, Seeds, Trial, Untried, try_route};
use model::{
    AccountId, CallingName, CarrierName, EmergencyCalling, EmergencyNumber, PhoneNumber,
    PhoneNumberSettings, UnixMillis, Verdict,
};
use sip_message::{Name, Transport};

use crate::inward::{CALLER, number, world};
use crate::peer::{Request, header, response};
use crate::world::{CARRIER, OWNED, PBX, US, World, connector_id, host};

fn dialling(code: &str) -> Request {
    let uri = format!("sip:{code}@{}", host());
    Request { uri: uri.clone(), to: format!("<{uri}>"), ..Request::invite() }
}

fn emergency() -> Change {
    emergency_at("+12065550911")
}

fn emergency_at(routed_to: &str) -> Change {
    Change::PutEmergencyCalling(EmergencyCalling {
        account: AccountId::DEFAULT,
        connector: connector_id(),
        numbers: vec![EmergencyNumber {
            emergency: number(routed_to),
            test: Some(number("+12065550933")),
            country: "US".into(),
        }],
    })
}

#[test]
fn an_emergency_call_goes_to_the_configured_number_or_as_it_is() {
    for (change, code, expected) in [
        (Some(emergency()), "911", "+12065550911"),
        (Some(emergency()), "933", "+12065550933"),
        (None, "911", "911"),
    ] {
        let mut world = World::without_users();
        if let Some(change) = change {
            world.apply(change);
        }
        world.send(PBX, &dialling(code).text());
        world.expect(PBX, "SIP/2.0 100 ");
        let left =
            world.expect(CARRIER, &format!("INVITE sip:{expected}@198.51.100.20 SIP/2.0\r\n"));
        world.send(CARRIER, &response(&left, "486 Busy Here", "c", &[], None));
        assert_eq!(world.only_record().to, code);
    }
}

#[test]
fn an_emergency_number_is_no_way_to_premium_numbers_and_other_countries() {
    for (routed_to, reason) in
        [("+19005550100", "destination-premium-rate"), ("+442079460000", "country-not-allowed")]
    {
        let mut world = World::without_users();
        world.apply(emergency_at(routed_to));
        world.send(PBX, &dialling("911").text());
        world.expect(PBX, "SIP/2.0 403 ");
        world.expect_nothing(CARRIER);
        assert_eq!(world.only_record().reason, reason);
    }
}

#[test]
fn an_emergency_call_is_not_stopped_by_pace_count_or_caller_id() {
    let mut world = World::with(|config| config.limits.account_calls_max = 1);
    world.remove_users();
    world.terminate(|it| it.cps_limit = 1.try_into().unwrap());
    for at in 0..3 {
        let unowned = format!("<sip:+13105550000@{PBX}>;tag=e{at}");
        let call = Request {
            from: unowned,
            call_id: format!("e{at}"),
            branch: format!("e{at}"),
            ..dialling("911")
        };
        world.send(PBX, &call.text());
        world.expect(PBX, "SIP/2.0 100 ");
        world.expect(CARRIER, "INVITE sip:911@");
    }
    let other = Request { call_id: "x".into(), branch: "x".into(), ..dialling("112") };
    world.send(PBX, &other.text());
    world.expect(PBX, "SIP/2.0 400 ");
}

#[test]
fn emergency_calls_meet_a_limit_of_their_own_and_the_engines() {
    let mut own = World::with(|config| config.limits.emergency_calls_max = 2);
    let mut engines = World::with(|config| config.limits.calls_max = 2);
    for (world, reason) in
        [(&mut own, "emergency-calls-exceeded"), (&mut engines, "engine-calls-exceeded")]
    {
        world.remove_users();
        let call = |at: usize| Request {
            call_id: format!("e{at}"),
            branch: format!("e{at}"),
            ..dialling("911")
        };
        world.send(PBX, &call(0).text());
        let first = world.expect(PBX, "SIP/2.0 100 ");
        let left = world.expect(CARRIER, "INVITE ");
        world.send(PBX, &call(1).text());
        world.expect(PBX, "SIP/2.0 100 ");
        world.send(PBX, &call(2).text());
        world.expect(PBX, "SIP/2.0 503 ");
        assert_eq!(world.only_record().reason, reason, "{first}");

        world.send(CARRIER, &response(&left, "486 Busy Here", "c", &[], None));
        world.forget_sent();
        world.send(PBX, &call(3).text());
        world.expect(PBX, "SIP/2.0 100 ");
    }
}

#[test]
fn a_calling_name_goes_out_with_its_number_once_it_counts() {
    let placed = |world: &mut World| {
        world.send(PBX, &Request::invite().text());
        header(&world.expect(CARRIER, "INVITE "), Name::From)
    };
    let named = |effective| {
        let mut phone = PhoneNumber::new(number(OWNED), Some(AccountId::DEFAULT), UnixMillis(0));
        phone.holding.calling_name = Some(CallingName { text: "Acme Desk".into(), effective });
        Change::PutNumber(phone)
    };
    let mut own = World::without_users();
    own.apply(named(UnixMillis(1)));
    assert!(placed(&mut own).starts_with(&format!("\"Acme Desk\" <sip:{OWNED}@")));

    let mut pending = World::without_users();
    pending.apply(named(UnixMillis(u64::MAX)));
    assert!(placed(&mut pending).starts_with(&format!("<sip:{OWNED}@")));

    let mut default = World::without_users();
    default.apply(Change::PutNumberSettings(PhoneNumberSettings {
        account: AccountId::DEFAULT,
        calling_name: Some("Acme".into()),
        updated: UnixMillis(0),
    }));
    assert!(placed(&mut default).starts_with(&format!("\"Acme\" <sip:{OWNED}@")));
}

fn tried(world: &World, trial: &Trial<'_>) -> Result<call::Tried, Untried> {
    let us = US.parse().unwrap();
    let listeners = vec![Listener { transport: Transport::Udp, local: us, advertised: us }];
    let config = call::Config::new(listeners, us.ip());
    let seeds = Seeds { random: [1; 32], nonce_secret: [2; 16], process: 3 };
    try_route(&config, &seeds, &world.directory, world.now(), trial)
}

#[test]
fn a_trial_tells_which_rules_a_call_would_meet_and_places_none() {
    let (world, id) = (world(), connector_id());
    let out = Trial {
        from: OWNED,
        to: "+12065550100",
        source: PBX.parse().unwrap(),
        transport: Transport::Udp,
        connector: Some(&id),
        carrier: None,
    };
    let told = tried(&world, &out).unwrap();
    assert_eq!(told.refused, None);
    let last = told.decisions.last().unwrap();
    assert_eq!((&*last.rule, last.verdict), ("route", Verdict::Note));
    assert_eq!(last.seen, format!("1: carrier first at {CARRIER}"));

    let abroad = Trial { to: "+442079460000", ..out.clone() };
    let (reason, status, _) = tried(&world, &abroad).unwrap().refused.unwrap();
    assert_eq!((reason, status), ("country-not-allowed", 403));

    let inward = Trial {
        from: CALLER,
        to: OWNED,
        source: CARRIER.parse().unwrap(),
        connector: None,
        carrier: None,
        ..out.clone()
    };
    let told = tried(&world, &inward).unwrap();
    let places: Vec<_> = told.decisions.iter().filter(|it| it.rule == "route").collect();
    assert_eq!(places.len(), 2, "both routes");

    let nobody = Trial { source: "203.0.113.77:5060".parse().unwrap(), ..inward };
    assert_eq!(tried(&world, &nobody).unwrap_err(), Untried::NobodysSource);
    let first = CarrierName::parse("first").unwrap();
    let without_user = Trial { carrier: Some(&first), ..nobody.clone() };
    assert_eq!(tried(&world, &without_user).unwrap_err(), Untried::CarrierWithoutUser);
    let nonsense = Trial { to: "a b", ..out };
    assert_eq!(tried(&world, &nonsense).unwrap_err(), Untried::Number);
    assert!(world.records.is_empty());
}

#[test]
fn a_trial_of_a_connector_with_users_says_that_it_would_be_challenged() {
    let (world, id) = (World::new(), connector_id());
    let out = Trial {
        from: OWNED,
        to: "+12065550100",
        source: PBX.parse().unwrap(),
        transport: Transport::Udp,
        connector: Some(&id),
        carrier: None,
    };
    let told = tried(&world, &out).unwrap();
    let digest = told.decisions.iter().find(|it| it.rule == "digest").unwrap();
    assert_eq!(digest.verdict, Verdict::Challenge);
}
