use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::*;

/// A zone, as a name service that answers at once.
#[derive(Debug, Clone)]
struct Zone {
    now: Instant,
    naptr: BTreeMap<String, Vec<Naptr>>,
    srv: BTreeMap<String, Vec<Srv>>,
    addresses: BTreeMap<String, Vec<IpAddr>>,
    /// Seconds that each kind of record is good for.
    ttls: [u64; 3],
    broken: bool,
}

impl Zone {
    fn new() -> Self {
        Self {
            now: Instant::now(),
            naptr: BTreeMap::new(),
            srv: BTreeMap::new(),
            addresses: BTreeMap::new(),
            ttls: [300, 200, 100],
            broken: false,
        }
    }

    fn naptr(mut self, order: u16, preference: u16, services: &str, to: &str) -> Self {
        let record = Naptr {
            order,
            preference,
            flags: "S".into(),
            services: services.into(),
            replacement: to.into(),
        };
        self.naptr.entry("sip.example.com.".into()).or_default().push(record);
        self
    }

    fn srv(mut self, name: &str, priority: u16, weight: u16, port: u16, target: &str) -> Self {
        let record = Srv { priority, weight, port, target: target.into() };
        self.srv.entry(name.into()).or_default().push(record);
        self
    }

    fn at(mut self, name: &str, addresses: &[&str]) -> Self {
        let addresses = addresses.iter().map(|it| it.parse().unwrap()).collect();
        self.addresses.insert(name.into(), addresses);
        self
    }

    fn answer<T: Clone>(&self, map: &BTreeMap<String, Vec<T>>, name: &str, ttl: u64) -> Answer<T> {
        if self.broken {
            return Err(Fault("nobody answers".into()));
        }
        let records = map.get(name).cloned().unwrap_or_default();
        Ok(Found { records, until: self.now + Duration::from_secs(ttl) })
    }

    fn locate(&self, lookup: CarrierLookup, transport: Transport, port: u16) -> Located {
        self.try_locate(lookup, transport, port, BOTH).unwrap()
    }

    fn try_locate(
        &self,
        lookup: CarrierLookup,
        transport: Transport,
        port: u16,
        families: Families,
    ) -> Result<Located, Fault> {
        let place = Place::new("sip.example.com", port, transport).looked_up(lookup);
        let search = pin!(locate(self, self.now, &place, families));
        match search.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(located) => located,
            Poll::Pending => panic!("a zone answers at once"),
        }
    }
}

impl NameService for Zone {
    async fn naptr(&self, name: &str) -> Answer<Naptr> {
        self.answer(&self.naptr, name, self.ttls[0])
    }
    async fn srv(&self, name: &str) -> Answer<Srv> {
        self.answer(&self.srv, name, self.ttls[1])
    }
    async fn addresses(&self, name: &str) -> Answer<IpAddr> {
        self.answer(&self.addresses, name, self.ttls[2])
    }
}

const BOTH: Families = Families { v4: Spoken::Yes, v6: Spoken::Yes };
const V4: Families = Families { v4: Spoken::Yes, v6: Spoken::No };

fn told(located: &Located) -> Vec<String> {
    let told = |it: &Hop| format!("{} {} {}", it.priority, it.transport, it.address);
    located.hops.iter().map(told).collect()
}

#[test]
fn a_port_that_is_given_skips_naptr_and_srv() {
    let zone = Zone::new()
        .naptr(1, 1, "SIP+D2T", "_sip._tcp.sip.example.com.")
        .srv("_sip._udp.sip.example.com.", 1, 1, 5070, "a.example.com.")
        .at("sip.example.com", &["192.0.2.1"]);
    let located = zone.locate(CarrierLookup::Address, Transport::Udp, 5080);
    assert_eq!(told(&located), ["0 UDP 192.0.2.1:5080"]);
    assert_eq!(located.until, zone.now + Duration::from_secs(100));
}

#[test]
fn a_transport_that_is_given_skips_naptr_and_srv_tells_port_and_order() {
    let name = "_sips._tcp.sip.example.com.";
    let zone = Zone::new()
        .naptr(1, 1, "SIP+D2U", "_sip._udp.sip.example.com.")
        .srv(name, 20, 5, 5071, "b.example.com.")
        .srv(name, 10, 60, 5061, "a.example.com.")
        .srv(name, 10, 40, 5062, "c.example.com.")
        .at("a.example.com.", &["192.0.2.1", "192.0.2.9"])
        .at("b.example.com.", &["192.0.2.2"])
        .at("c.example.com.", &["192.0.2.3"]);
    let located = zone.locate(CarrierLookup::Services, Transport::Tls, 5061);
    let expected = [
        "0 TLS 192.0.2.1:5061",
        "0 TLS 192.0.2.3:5062",
        "0 TLS 192.0.2.9:5061",
        "1 TLS 192.0.2.2:5071",
    ];
    assert_eq!(told(&located), expected);
    let weights: Vec<u16> = located.hops.iter().map(|it| it.weight).collect();
    assert_eq!(weights, [30, 40, 30, 5], "the addresses of one server share its weight");
}

#[test]
fn naptr_chooses_the_transport_and_what_we_do_not_speak_is_passed_over() {
    let zone = Zone::new()
        .naptr(50, 50, "SIPS+D2T", "_sips._tcp.example.com.")
        .naptr(90, 50, "SIP+D2T", "_sip._tcp.example.com.")
        .naptr(10, 50, "SIP+D2S", "_sip._sctp.example.com.")
        .naptr(90, 10, "sip+d2u", "_sip._udp.example.com.")
        .srv("_sips._tcp.example.com.", 1, 1, 5061, "a.example.com.")
        .srv("_sip._tcp.example.com.", 0, 1, 5060, "a.example.com.")
        .srv("_sip._udp.example.com.", 9, 1, 5060, "a.example.com.")
        .srv("_sip._sctp.example.com.", 0, 1, 5060, "a.example.com.")
        .at("a.example.com.", &["192.0.2.1"]);
    let located = zone.locate(CarrierLookup::Everything, Transport::Udp, 5060);
    let expected = ["0 TLS 192.0.2.1:5061", "1 UDP 192.0.2.1:5060", "2 TCP 192.0.2.1:5060"];
    assert_eq!(told(&located), expected);
}

#[test]
fn without_naptr_the_srv_records_of_plain_sip_are_asked_for_and_then_the_host() {
    let host = Zone::new().at("sip.example.com", &["192.0.2.1"]);
    let located = host.locate(CarrierLookup::Everything, Transport::Udp, 5060);
    assert_eq!(told(&located), ["0 UDP 192.0.2.1:5060"]);

    let tcp = host
        .srv("_sip._tcp.sip.example.com.", 1, 1, 5070, "a.example.com.")
        .at("a.example.com.", &["192.0.2.7"]);
    let located = tcp.locate(CarrierLookup::Everything, Transport::Udp, 5060);
    assert_eq!(told(&located), ["0 TCP 192.0.2.7:5070"]);
}

#[test]
fn a_place_that_is_to_be_encrypted_is_found_over_tls_alone() {
    let zone = Zone::new()
        .naptr(10, 10, "SIP+D2U", "_sip._udp.example.com.")
        .srv("_sip._udp.example.com.", 1, 1, 5060, "a.example.com.")
        .srv("_sip._udp.sip.example.com.", 1, 1, 5060, "a.example.com.")
        .at("a.example.com.", &["192.0.2.1"])
        .at("sip.example.com", &["192.0.2.2"]);
    let named = zone.clone().naptr(90, 10, "SIPS+D2T", "_sips._tcp.example.com.").srv(
        "_sips._tcp.example.com.",
        1,
        1,
        5071,
        "a.example.com.",
    );
    let located = named.locate(CarrierLookup::Everything, Transport::Tls, 5061);
    assert_eq!(told(&located), ["0 TLS 192.0.2.1:5071"]);

    let listed = zone.clone().srv("_sips._tcp.sip.example.com.", 1, 1, 5081, "a.example.com.");
    let located = listed.locate(CarrierLookup::Everything, Transport::Tls, 5061);
    assert_eq!(told(&located), ["0 TLS 192.0.2.1:5081"]);

    let located = zone.locate(CarrierLookup::Everything, Transport::Tls, 5061);
    assert_eq!(told(&located), ["0 TLS 192.0.2.2:5061"]);
}

#[test]
fn a_service_that_is_not_offered_is_not_looked_for_at_the_host() {
    let zone = Zone::new()
        .srv("_sip._udp.sip.example.com.", 0, 0, 0, ".")
        .at("sip.example.com", &["192.0.2.1"]);
    let located = zone.locate(CarrierLookup::Services, Transport::Udp, 5060);
    assert_eq!(told(&located), Vec::<String>::new());
}

#[test]
fn ipv6_comes_first_and_only_where_it_is_spoken() {
    let zone = Zone::new().at("sip.example.com", &["192.0.2.1", "2001:db8::1"]);
    let located = zone.locate(CarrierLookup::Address, Transport::Udp, 5060);
    assert_eq!(told(&located), ["0 UDP [2001:db8::1]:5060", "1 UDP 192.0.2.1:5060"]);
    let located = zone.try_locate(CarrierLookup::Address, Transport::Udp, 5060, V4).unwrap();
    assert_eq!(told(&located), ["0 UDP 192.0.2.1:5060"]);
}

#[test]
fn the_shortest_time_to_live_counts() {
    let mut zone = Zone::new()
        .srv("_sip._udp.sip.example.com.", 1, 1, 5060, "a.example.com.")
        .at("a.example.com.", &["192.0.2.1"]);
    zone.ttls = [500, 30, 400];
    let located = zone.locate(CarrierLookup::Everything, Transport::Udp, 5060);
    assert_eq!(located.until, zone.now + Duration::from_secs(30));
}

#[test]
fn a_name_server_that_does_not_answer_is_a_fault_and_no_answer() {
    let mut zone = Zone::new();
    zone.broken = true;
    zone.try_locate(CarrierLookup::Everything, Transport::Udp, 5060, BOTH).unwrap_err();
}

proptest! {
    /// Whatever the zone, each place is there once, worse SRV priorities later, in a stable order.
    #[test]
    fn each_server_becomes_one_place_in_the_order_of_its_priority(
        servers in prop::collection::vec((0_u16..5, 0_u16..100, 1_u8..200), 1..16).prop_shuffle(),
    ) {
        let name = "_sip._udp.sip.example.com.";
        let zone = |servers: &[(u16, u16, u8)]| {
            servers.iter().fold(Zone::new(), |zone, (priority, weight, last)| {
                let target = format!("h{last}.example.com.");
                let address = format!("192.0.2.{last}");
                zone.srv(name, *priority, *weight, 5060, &target).at(&target, &[&address])
            })
        };
        let located = zone(&servers).locate(CarrierLookup::Services, Transport::Udp, 5060);
        let mut best: BTreeMap<u8, u16> = BTreeMap::new();
        for (priority, _, last) in &servers {
            best.entry(*last).and_modify(|it| *it = (*it).min(*priority)).or_insert(*priority);
        }
        prop_assert_eq!(located.hops.len(), best.len());
        prop_assert!(located.hops.is_sorted_by_key(|it| it.priority));
        let order: Vec<u16> = located
            .hops
            .iter()
            .map(|it| match it.address.ip() {
                IpAddr::V4(v4) => best[&v4.octets()[3]],
                IpAddr::V6(_) => unreachable!("the zone has none"),
            })
            .collect();
        prop_assert!(order.is_sorted(), "{:?}", order);

        let mut backwards = servers;
        backwards.reverse();
        let again = zone(&backwards).locate(CarrierLookup::Services, Transport::Udp, 5060);
        prop_assert_eq!(told(&again), told(&located));
    }
}
