use std::num::NonZeroU32;

use model::{
    Carrier, DigestKeys, NetworkType, PhoneNumber, Region, Secret, SipUser, Termination,
    UnixMillis, Username,
};
use proptest::prelude::*;

use super::*;

fn id(n: u8) -> VoiceConnectorId {
    VoiceConnectorId::from_random([n; 22])
}

fn connector(n: u8) -> VoiceConnector {
    VoiceConnector {
        id: id(n),
        account: AccountId::DEFAULT,
        region: Region::default(),
        name: format!("trunk {n}"),
        require_encryption: false,
        outbound_host_name: format!("{}.voiceconnector.localhost", id(n)),
        integration_type: None,
        network_type: NetworkType::default(),
        created: UnixMillis(0),
        updated: UnixMillis(0),
    }
}

fn termination(n: u8, cps: u32) -> Termination {
    Termination {
        account: AccountId::DEFAULT,
        connector: id(n),
        cps_limit: NonZeroU32::new(cps).unwrap(),
        default_phone_number: None,
        calling_regions: vec!["US".into()],
        cidr_allowed_list: vec![],
        disabled: false,
    }
}

fn user(n: u8, name: &str) -> SipUser {
    SipUser {
        account: AccountId::DEFAULT,
        connector: id(n),
        username: Username::parse(name).unwrap(),
        keys: DigestKeys::derive(name, "realm", Secret::new("p".into())),
    }
}

fn carrier(name: &str, priority: u8) -> ResolvedCarrier {
    let name = CarrierName::parse(name).unwrap();
    let carrier = Carrier {
        priority,
        sources: vec!["198.51.100.0/24".parse().unwrap()],
        ..Carrier::new(name, "192.0.2.1".into(), 5060, UnixMillis(0))
    };
    ResolvedCarrier::new(carrier, ["192.0.2.1:5060".parse().unwrap()])
}

#[test]
fn a_connector_is_found_by_its_host_in_any_case_with_or_without_the_last_dot() {
    let mut directory = Directory::new();
    directory.apply(Change::PutConnector(connector(1)));
    let host = connector(1).outbound_host_name;

    for written in [host.clone(), host.to_uppercase(), format!("{host}.")] {
        let found = directory.connector_by_host(&written).unwrap();
        assert_eq!(found.connector.id, id(1), "{written}");
    }
    assert!(directory.connector_by_host("other.voiceconnector.localhost").is_none());
    assert!(directory.connector_by_host(&"x".repeat(300)).is_none());
}

#[test]
fn a_deleted_connector_is_not_found_and_comes_back_without_its_old_settings() {
    let mut directory = Directory::new();
    directory.apply(Change::PutConnector(connector(1)));
    directory.apply(Change::PutUser(user(1, "pbx")));
    directory.apply(Change::DeleteConnector(id(1)));
    assert!(directory.connector(&id(1)).is_none());
    assert!(directory.connector_by_host(&connector(1).outbound_host_name).is_none());

    directory.apply(Change::PutConnector(connector(1)));
    assert!(directory.connector(&id(1)).unwrap().users().is_empty());
}

#[test]
fn a_snapshot_does_not_see_later_changes() {
    let mut directory = Directory::new();
    directory.apply(Change::PutConnector(connector(1)));
    let before = directory.clone();
    directory.apply(Change::PutTermination(termination(1, 5)));

    assert!(before.connector(&id(1)).unwrap().termination().is_none());
    assert!(directory.connector(&id(1)).unwrap().termination().is_some());
}

#[test]
fn a_user_is_put_by_name_and_deleted_by_name() {
    let mut directory = Directory::new();
    directory.apply(Change::PutConnector(connector(1)));
    for name in ["b", "a", "b"] {
        directory.apply(Change::PutUser(user(1, name)));
    }
    let names = |directory: &Directory| -> Vec<String> {
        let connector = directory.connector(&id(1)).unwrap();
        connector.users().iter().map(|user| user.username.to_string()).collect()
    };
    assert_eq!(names(&directory), ["a", "b"]);

    let username = Username::parse("a").unwrap();
    directory.apply(Change::DeleteUser { connector: id(1), username });
    assert_eq!(names(&directory), ["b"]);
    assert!(directory.connector(&id(1)).unwrap().user("a").is_none());
    assert!(directory.connector(&id(1)).unwrap().user("b").is_some());
}

#[test]
fn a_number_without_an_owner_is_nobodys() {
    let number = E164Number::parse("+12065550100").unwrap();
    let phone = |owner| PhoneNumber::new(number, owner, UnixMillis(0));
    let mut directory = Directory::new();
    directory.apply(Change::PutNumber(phone(Some(AccountId::DEFAULT))));
    assert_eq!(directory.owner(number), Some(AccountId::DEFAULT));
    directory.apply(Change::PutNumber(phone(None)));
    assert_eq!(directory.owner(number), None);
}

#[test]
fn a_number_in_the_deletion_queue_is_nobodys_until_it_is_restored() {
    let mut directory = Directory::new();
    let number = E164Number::parse("+12065550100").unwrap();
    let mut phone = PhoneNumber::new(number, Some(AccountId::DEFAULT), UnixMillis(0));
    phone.holding.deleted = Some(UnixMillis(1));
    directory.apply(Change::PutNumber(phone.clone()));
    assert_eq!(directory.owner(number), None);
    phone.holding.deleted = None;
    directory.apply(Change::PutNumber(phone));
    assert_eq!(directory.owner(number), Some(AccountId::DEFAULT));
}

#[test]
fn carriers_stand_in_order_of_priority_and_then_name() {
    let mut directory = Directory::new();
    for (name, priority) in [("c", 2), ("b", 1), ("a", 2), ("c", 1)] {
        directory.apply(Change::PutCarrier(carrier(name, priority)));
    }
    let names: Vec<_> = directory.carriers().iter().map(|it| it.carrier.name.to_string()).collect();
    assert_eq!(names, ["b", "c", "a"]);

    directory.apply(Change::DeleteCarrier(CarrierName::parse("b").unwrap()));
    assert_eq!(directory.carriers().len(), 2);
    let us = "203.0.113.1:5060".parse().unwrap();
    let from = |text: &str| directory.carrier_by_source(&Flow::udp(us, text.parse().unwrap()));
    assert_eq!(from("198.51.100.9:4000").unwrap().carrier.name.as_str(), "c");
    assert_eq!(from("192.0.2.1:5060").unwrap().carrier.name.as_str(), "c", "it is called there");
    assert!(from("192.0.2.1:5061").is_none(), "a neighbour at its address");
    assert!(from("203.0.113.1:5060").is_none());
}

#[test]
fn a_carrier_over_tls_is_not_known_by_the_source_of_a_datagram() {
    let mut directory = Directory::new();
    let mut encrypted = carrier("c", 1);
    encrypted.carrier.transport = model::CarrierTransport::Tls;
    directory.apply(Change::PutCarrier(encrypted));
    let us = "203.0.113.1:5060".parse().unwrap();
    let flow = Flow::udp(us, "198.51.100.9:4000".parse().unwrap());
    assert!(directory.carrier_by_source(&flow).is_none());
    let flow = Flow { transport: sip_message::Transport::Tls, connection: 7, ..flow };
    assert!(directory.carrier_by_source(&flow).is_some());
}

proptest! {
    /// At start-up the store tells kind by kind, in whatever order: the end is the same.
    #[test]
    fn the_order_of_changes_to_different_things_does_not_matter(order in Just(vec![0, 1, 2, 3, 4]).prop_shuffle()) {
        let changes = [
            Change::PutConnector(connector(1)),
            Change::PutTermination(termination(1, 7)),
            Change::PutUser(user(1, "a")),
            Change::PutUser(user(1, "b")),
            Change::PutConnector(connector(2)),
        ];
        let mut directory = Directory::new();
        for at in order {
            directory.apply(changes[at].clone());
        }
        let found = directory.connector_by_host(&connector(1).outbound_host_name).unwrap();
        prop_assert_eq!(found.termination().unwrap().cps_limit.get(), 7);
        prop_assert_eq!(found.users().len(), 2);
        prop_assert_eq!(directory.connector_count(), 2);
        prop_assert_eq!(directory.early.len(), 0);
    }
}

#[test]
fn a_carrier_whose_settings_mean_encryption_is_looked_for_over_tls() {
    use model::{CarrierLookup, CarrierTls, SrtpPolicy};
    use sip_message::Transport;
    let found_by = |lookup, change: fn(&mut Carrier)| {
        let name = CarrierName::parse("c").unwrap();
        let mut it = Carrier::new(name, "sip.example".into(), 5060, UnixMillis(0));
        it.lookup = lookup;
        change(&mut it);
        let place = ResolvedCarrier::new(it, []).place();
        (place.transport(), place.port())
    };
    let everything = CarrierLookup::Everything;
    assert_eq!(found_by(everything, |_| {}), (Transport::Udp, 5060));
    let required = found_by(everything, |it| it.srtp = SrtpPolicy::Require);
    assert_eq!(required, (Transport::Tls, 5061));
    let with_tls = found_by(everything, |it| {
        it.tls = CarrierTls { server_name: Some("other".into()), ..CarrierTls::default() };
    });
    assert_eq!(with_tls, (Transport::Tls, 5061));
    let said = found_by(CarrierLookup::Address, |it| it.srtp = SrtpPolicy::Require);
    assert_eq!(said, (Transport::Udp, 5060), "the operator chose the transport");
}
