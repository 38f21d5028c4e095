//! INVITEs that are too large for a datagram.

use std::time::Duration;

use call::directory::{Hop, Resolved};
use call::{Change, Input};
use sip_message::{Flow, Transport};

use crate::peer::{Request, response};
use crate::world::{CARRIER, PBX, World, carrier};

/// A carrier whose host's records list datagrams first, and TCP beside them.
fn listed() -> World {
    let mut world = World::without_users();
    let mut first = carrier("first", CARRIER, 1);
    let at =
        |priority, transport| Hop { priority, ..Hop::new(transport, CARRIER.parse().unwrap()) };
    first.resolved = Resolved::new([at(0, Transport::Udp), at(1, Transport::Tcp)]);
    world.apply(Change::PutCarrier(first));
    world
}

fn large(at: &str) -> Request {
    let invite = Request { call_id: at.into(), branch: at.into(), ..Request::invite() };
    invite.header(&format!("X-Large: {}", "x".repeat(1200)))
}

fn place(world: &mut World, invite: &Request) -> (Flow, String) {
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    next(world)
}

/// The INVITE that leaves next; what else is sent, a CANCEL say, is passed over.
#[track_caller]
fn next(world: &mut World) -> (Flow, String) {
    let at = world.sent.iter().position(|it| it.text.starts_with("INVITE "));
    let sent = world.sent.remove(at.expect("an INVITE leaves")).unwrap();
    (sent.flow, sent.text)
}

#[test]
fn a_large_invite_goes_by_tcp_where_the_records_list_it_and_a_small_one_does_not() {
    let mut world = listed();
    let (small, _) = place(&mut world, &Request::invite());
    assert_eq!(small.transport, Transport::Udp);
    let (flow, left) = place(&mut world, &large("big"));
    assert_eq!(flow.transport, Transport::Tcp);
    assert!(left.len() > 1300 && left.contains("Via: SIP/2.0/TCP "), "{left}");
}

#[test]
fn a_large_invite_to_an_address_tries_tcp_there_once_an_hour_and_its_refusal_is_no_failure() {
    let mut world = World::without_users();
    let (flow, _) = place(&mut world, &large("big"));
    assert_eq!((flow.transport, flow.remote), (Transport::Tcp, CARRIER.parse().unwrap()));
    world.put(Input::FlowFailed { flow });
    let (again, left) = next(&mut world);
    assert_eq!(again.transport, Transport::Udp);
    world.send(CARRIER, &response(&left, "486 Busy Here", "c", &[], None));
    assert_eq!(world.engine.peers().count(), 0, "a place without TCP is not down");
    for (wait, transport) in [(10, Transport::Udp), (60 * 60, Transport::Tcp)] {
        world.wait(Duration::from_secs(wait));
        world.forget_sent();
        let (flow, _) = place(&mut world, &large(&format!("after{wait}")));
        assert_eq!(flow.transport, transport, "{wait} s later");
    }
}

#[test]
fn a_large_invite_to_a_route_goes_by_tcp_to_its_address_or_by_udp_after_a_second() {
    let mut world = crate::inward::world();
    let invite = crate::inward::invite().header(&format!("X-Large: {}", "x".repeat(1200)));
    world.send(CARRIER, &invite.text());
    world.expect(CARRIER, "SIP/2.0 100 ");
    let (flow, left) = next(&mut world);
    assert_eq!((flow.transport, flow.remote), (Transport::Tcp, PBX.parse().unwrap()));
    assert!(left.contains("Via: SIP/2.0/TCP "), "{left}");
    world.wait(Duration::from_millis(1001));
    let (flow, _) = next(&mut world);
    assert_eq!((flow.transport, flow.remote), (Transport::Udp, PBX.parse().unwrap()));
}

#[test]
fn a_refused_connection_falls_back_at_once_and_is_remembered() {
    let mut world = listed();
    let (flow, _) = place(&mut world, &large("big"));
    world.put(Input::FlowFailed { flow });
    let (again, left) = next(&mut world);
    assert_eq!(again.transport, Transport::Udp);
    world.send(CARRIER, &response(&left, "486 Busy Here", "c", &[], None));
    let record = world.only_record();
    assert_eq!(record.attempt_call_ids.len(), 1);
    let rows = record.decisions.iter().filter(|it| it.rule == "route");
    let rows: Vec<_> = rows.map(|it| it.seen.to_string()).collect();
    assert_eq!(
        rows,
        [
            format!("carrier first at {CARRIER}, over TCP for its size: not reachable"),
            format!("carrier first at {CARRIER}: 486 Busy Here"),
        ]
    );
    world.forget_sent();
    let (flow, _) = place(&mut world, &large("next"));
    assert_eq!(flow.transport, Transport::Udp);
}

#[test]
fn a_connection_that_does_not_come_costs_a_second() {
    let mut world = listed();
    place(&mut world, &large("big"));
    world.wait(Duration::from_millis(1001));
    let (flow, _) = next(&mut world);
    assert_eq!(flow.transport, Transport::Udp);
}
