//! Peers of both address families, and of networks that are told addresses of their own.

use call::{Advertised, Change, Config, Listener};
use sip_message::Transport;

use crate::peer::{Request, response, sdp};
use crate::world::{CARRIER, PBX, World, carrier};

const V6_CARRIER: &str = "[2001:db8:9::20]:5060";

fn both(config: &mut Config) {
    let toward = |network: &str, address: &str| Advertised {
        toward: network.parse().unwrap(),
        address: address.parse().unwrap(),
    };
    config.listeners.push(Listener {
        transport: Transport::Udp,
        local: "[::]:5060".parse().unwrap(),
        advertised: "[2001:db8::5]:5060".parse().unwrap(),
    });
    config.media_advertised = vec![
        toward("::/0", "2001:db8::5"),
        toward("192.0.2.0/24", "192.0.2.1"),
        toward("0.0.0.0/0", "203.0.113.9"),
    ];
}

#[test]
fn an_ipv4_pbx_and_an_ipv6_carrier_are_each_told_an_address_of_their_own_family() {
    let mut world = World::with(both);
    world.remove_users();
    world.apply(Change::PutCarrier(carrier("first", V6_CARRIER, 1)));
    world.send(PBX, &Request::invite().text());
    world.expect(PBX, "SIP/2.0 100 ");
    let invite = world.expect(V6_CARRIER, "INVITE ");
    assert!(invite.contains("\r\nc=IN IP6 2001:db8::5\r\n"), "{invite}");
    let theirs = sdp("2001:db8:9::20", 30_000).replace("IP4", "IP6");
    world.send(V6_CARRIER, &response(&invite, "200 OK", "c", &[], Some(&theirs)));
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    assert!(answer.contains("\r\nc=IN IP4 192.0.2.1\r\n"), "of the smallest network: {answer}");
}

#[test]
fn a_side_that_signals_by_one_family_and_hears_by_the_other_is_told_one_that_it_hears() {
    let mut world = World::with(both);
    world.remove_users();
    let offer = sdp("2001:db8:7::1", 40_000).replace("IP4", "IP6");
    world.send(PBX, &Request::invite().body(&offer).text());
    world.expect(PBX, "SIP/2.0 100 ");
    let invite = world.expect(CARRIER, "INVITE ");
    assert!(invite.contains("\r\nc=IN IP4 203.0.113.9\r\n"), "{invite}");
    world
        .send(CARRIER, &response(&invite, "200 OK", "c", &[], Some(&sdp("198.51.100.20", 30_000))));
    let answer = world.expect(PBX, "SIP/2.0 200 ");
    assert!(answer.contains("\r\nc=IN IP6 2001:db8::5\r\n"), "{answer}");
}
