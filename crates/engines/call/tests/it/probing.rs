//! Whether places are there: by OPTIONS, and by the calls that go to them.

use std::num::NonZeroU32;
use std::time::Duration;

use call::{Change, PeerState};
use model::Probing;

use crate::inward::{PBX_2, another, world, world_with};
use crate::peer::{Request, ack, response};
use crate::world::{CARRIER, CARRIER_2, PBX, World, carrier};

fn probed() -> World {
    world_with(|config| {
        config.probing.interval = Some(Duration::from_secs(30));
        config.probing.failures_max = NonZeroU32::new(2).unwrap();
    })
}

fn answer_options(world: &mut World, to: &str, status: &str) {
    let options = world.expect(to, "OPTIONS ");
    world.send(to, &response(&options, status, "o", &[], None));
}

#[test]
fn a_carrier_is_asked_at_an_interval_and_any_answer_shows_that_it_is_there() {
    let mut world = probed();
    while world.sent.is_empty() {
        world.wait(Duration::from_millis(100));
    }
    for status in ["200 OK", "404 Not Found", "405 Method Not Allowed"] {
        answer_options(&mut world, CARRIER, status);
        world.wait(Duration::from_millis(29_900));
        world.expect_nothing(CARRIER);
        world.wait(Duration::from_millis(100));
    }
    let peers: Vec<_> = world.engine.peers().collect();
    assert_eq!((peers.len(), peers[0].state), (1, PeerState::Up));
    assert!(peers[0].answered.is_some() && peers[0].round_trip.is_some());
    assert!(world.peers.is_empty(), "nothing has changed");
}

#[test]
fn nobody_is_asked_unless_it_is_wanted_and_a_carrier_may_be_left_out() {
    let mut quiet = world();
    quiet.wait(Duration::from_secs(600));
    quiet.expect_nothing(CARRIER);

    let mut world = probed();
    let mut left_out = carrier("first", CARRIER, 1);
    left_out.carrier.probing = Probing::Off;
    world.apply(Change::PutCarrier(left_out));
    world.wait(Duration::from_secs(600));
    world.expect_nothing(CARRIER);
}

#[test]
fn a_silent_place_goes_down_is_asked_less_and_less_and_comes_back_with_its_first_answer() {
    let mut world = probed();
    world.wait(Duration::from_secs(30));
    assert_eq!(world.peers.len(), 1, "{:?}", world.peers);
    assert_eq!(world.peers[0].state, PeerState::Down);
    assert_eq!(world.peers[0].failures, 2);

    world.forget_sent();
    world.wait(Duration::from_secs(1200));
    let calls: std::collections::BTreeSet<_> = world
        .sent
        .iter()
        .filter_map(|it| it.text.lines().find(|it| it.starts_with("Call-ID:")).map(str::to_owned))
        .collect();
    assert!((3..=8).contains(&calls.len()), "asked {} times in 20 minutes", calls.len());

    world.forget_sent();
    while world.sent.is_empty() {
        world.wait(Duration::from_secs(1));
    }
    answer_options(&mut world, CARRIER, "200 OK");
    assert_eq!(world.peers.last().unwrap().state, PeerState::Up);
}

#[test]
fn a_carrier_that_is_down_is_left_for_the_end() {
    let mut world = probed();
    world.apply(Change::PutCarrier(carrier("second", CARRIER_2, 2)));
    for _ in 0..40 {
        world.wait(Duration::from_secs(1));
        while let Some(options) = world.take(CARRIER_2) {
            world.send(CARRIER_2, &response(&options, "200 OK", "o", &[], None));
        }
    }
    world.forget_sent();
    world.send(PBX, &Request::invite().text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(CARRIER_2, "INVITE ");
    world.send(CARRIER_2, &response(&left, "503 Service Unavailable", "c", &[], None));
    world.expect(CARRIER_2, "ACK ");
    let last = world.expect(CARRIER, "INVITE ");
    world.send(CARRIER, &response(&last, "486 Busy Here", "c", &[], None));
    let rows: Vec<_> =
        world.only_record().decisions.iter().filter(|it| it.rule == "route").collect();
    assert_eq!(rows[0].seen, format!("carrier first at {CARRIER}: down, left for the end"));
    assert_eq!(rows.len(), 3);
    assert_eq!(world.peers.last().unwrap().state, PeerState::Up, "its answer brought it back");
}

#[test]
fn without_probes_calls_themselves_find_out_and_one_of_them_tries_again() {
    let mut world = world();
    for at in 0..3 {
        world.send(CARRIER, &another(at).text());
        world.expect(PBX, "INVITE ");
        world.wait(Duration::from_secs(4));
        let left = world.expect(PBX_2, "INVITE ");
        world.send(PBX_2, &response(&left, "486 Busy Here", "p", &[], None));
        world.forget_sent();
    }
    assert_eq!(world.peers.last().map(|it| it.state), Some(PeerState::Down));
    world.send(CARRIER, &another(3).text());
    let left = world.expect(PBX_2, "INVITE ");
    world.send(PBX_2, &response(&left, "486 Busy Here", "p", &[], None));
    world.forget_sent();

    world.wait(Duration::from_secs(30));
    world.forget_sent();
    world.send(CARRIER, &another(4).text());
    let trial = world.expect(PBX, "INVITE ");
    world.send(CARRIER, &another(5).text());
    world.expect(PBX_2, "INVITE ");
    let busy = response(&trial, "486 Busy Here", "p", &[], None);
    world.send(PBX, &busy);
    assert_eq!(world.peers.last().map(|it| it.state), Some(PeerState::Up));
    world.forget_sent();
    world.send(CARRIER, &another(6).text());
    world.expect(PBX, "INVITE ");
}

#[test]
fn a_route_is_asked_from_its_first_call_on_and_forgotten_after_an_hour() {
    let mut world = probed();
    world.wait(Duration::from_secs(60));
    world.expect_nothing(PBX);
    let invite = another(0);
    world.send(CARRIER, &invite.text());
    let left = world.expect(PBX, "INVITE ");
    world.send(PBX, &response(&left, "486 Busy Here", "p", &[], None));
    world.forget_sent_to(CARRIER);
    world.send(CARRIER, &ack(&invite, &response(&left, "486 Busy Here", "p", &[], None)).text());
    world.expect(PBX, "ACK ");
    world.wait(Duration::from_secs(31));
    answer_options(&mut world, PBX, "200 OK");
    world.wait(Duration::from_secs(4000));
    assert_eq!(world.engine.peers().count(), 1, "the carrier alone is left");
}
