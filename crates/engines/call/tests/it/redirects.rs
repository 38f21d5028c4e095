//! Carriers that send calls elsewhere (3xx), and how far they are followed.

use call::Change;
use model::{Redirects, Verdict};
use sip_message::Name;

use crate::peer::{header, place, response};
use crate::world::{CALLED, CARRIER, CARRIER_2, PBX, World, carrier};

/// A carrier that is followed, and another one that comes last.
fn followed() -> World {
    let mut world = World::without_users();
    let mut first = carrier("first", CARRIER, 1);
    first.carrier.redirects = Redirects::Follow;
    world.apply(Change::PutCarrier(first));
    world.apply(Change::PutCarrier(carrier("second", CARRIER_2, 2)));
    world
}

fn redirections(world: &World) -> Vec<(Verdict, String)> {
    let rows = world.only_record().decisions.iter().filter(|it| it.rule == "redirection");
    rows.map(|it| (it.verdict, it.seen.to_string())).collect()
}

#[test]
fn a_redirection_is_followed_to_carriers_and_numbers_that_may_be_called() {
    let mut world = followed();
    let (_, left) = place(&mut world);
    let contacts = "Contact: <sip:+12065550111@198.51.100.20>;q=0.2, \
                    <sip:+12065550122@198.51.100.30:5060>;q=0.9";
    world.send(CARRIER, &response(&left, "302 Moved Temporarily", "c", &[contacts], None));
    world.expect(CARRIER, "ACK ");
    let better = world.expect(CARRIER_2, "INVITE sip:+12065550122@198.51.100.30 SIP/2.0\r\n");
    assert_eq!(header(&better, Name::To), "<sip:+12065550122@198.51.100.30>");
    world.send(CARRIER_2, &response(&better, "503 Service Unavailable", "d", &[], None));
    let other = world.expect(CARRIER, "INVITE sip:+12065550111@198.51.100.20 SIP/2.0\r\n");
    world.send(CARRIER, &response(&other, "486 Busy Here", "e", &[], None));
    world.expect(PBX, "SIP/2.0 486 ");
    let record = world.only_record();
    assert_eq!((record.reason.as_str(), record.to.as_str()), ("busy", CALLED));
    let rows = record.decisions.iter().filter(|it| it.rule == "route");
    let rows: Vec<_> = rows.map(|it| it.seen.to_string()).collect();
    assert_eq!(
        rows,
        [
            format!("carrier first at {CARRIER}: 302 Moved Temporarily, and it is followed"),
            format!("carrier second at {CARRIER_2}, for +12065550122: 503 Service Unavailable"),
            format!("carrier first at {CARRIER}, for +12065550111: 486 Busy Here"),
        ]
    );
    assert_eq!(redirections(&world).len(), 2);
}

#[test]
fn what_may_not_be_asked_is_refused_by_name_and_the_next_carrier_is_asked() {
    for (contact, reason) in [
        ("<sip:+12065550111@203.0.113.99>", "redirect-host-unknown"),
        ("<sip:+12065550111@198.51.100.20:5070>", "redirect-host-unknown"),
        ("<sips:+12065550111@198.51.100.20>", "redirect-host-unknown"),
        ("<sip:+12065550111@198.51.100.20;transport=tcp>", "redirect-host-unknown"),
        ("<sip:+442079460000@198.51.100.20>", "redirect-country-not-allowed"),
        ("<sip:+19005550100@198.51.100.20>", "redirect-premium-rate"),
        ("<sip:+80012345678@198.51.100.20>", "redirect-number-unknown"),
        ("<sip:front-desk@198.51.100.20>", "redirect-number-invalid"),
        ("<tel:+12065550111>", "redirect-unreadable"),
        ("<sip:+12065550100@198.51.100.20>", "redirect-loop"),
    ] {
        let mut world = followed();
        let (_, left) = place(&mut world);
        let line = format!("Contact: {contact}");
        world.send(CARRIER, &response(&left, "302 Moved Temporarily", "c", &[&line], None));
        let next = world.expect(CARRIER_2, "INVITE sip:+12065550100@");
        world.send(CARRIER_2, &response(&next, "486 Busy Here", "d", &[], None));
        let told = redirections(&world);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].0, Verdict::Refuse);
        assert!(told[0].1.ends_with(reason), "{contact}: {told:?}");
    }
}

#[test]
fn a_carrier_is_not_followed_unless_its_operator_says_so() {
    let mut world = World::without_users();
    world.apply(Change::PutCarrier(carrier("second", CARRIER_2, 2)));
    let (_, left) = place(&mut world);
    let contact = "Contact: <sip:+12065550111@198.51.100.20>";
    world.send(CARRIER, &response(&left, "302 Moved Temporarily", "c", &[contact], None));
    let next = world.expect(CARRIER_2, "INVITE sip:+12065550100@");
    world.send(CARRIER_2, &response(&next, "486 Busy Here", "d", &[], None));
    assert!(redirections(&world).is_empty());
}

#[test]
fn redirections_without_an_end_are_given_up() {
    let mut world = followed();
    let (_, mut left) = place(&mut world);
    let mut asked = 1;
    for last in 11..40 {
        let contact = format!("Contact: <sip:+120655501{last}@198.51.100.20>");
        world.send(CARRIER, &response(&left, "302 Moved Temporarily", "c", &[&contact], None));
        world.expect(CARRIER, "ACK ");
        match world.take(CARRIER) {
            Some(next) => (left, asked) = (next, asked + 1),
            None => break,
        }
    }
    assert_eq!(asked, 6, "five are followed");
    let next = world.expect(CARRIER_2, "INVITE sip:+12065550100@");
    world.send(CARRIER_2, &response(&next, "486 Busy Here", "d", &[], None));
    let told = redirections(&world);
    assert!(told.last().unwrap().1.ends_with("redirect-limit"), "{told:?}");
}
