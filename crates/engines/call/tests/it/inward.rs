//! A world for calls in: a number with a connector behind it, and the PBXs its routes name.

use std::num::NonZeroU32;

use call::{Change, Config};
use model::{
    AccountId, AssociationTarget, CallDistribution, E164Number, GroupItem, Origination, Route,
    RouteProtocol, UnixMillis, VoiceConnector, VoiceConnectorGroup, VoiceConnectorGroupId,
    VoiceConnectorId,
};

use crate::peer::{Request, response, sdp};
use crate::world::{CARRIER, OWNED, PBX, World, connector, connector_id, termination};

/// Another PBX of the customer.
pub(crate) const PBX_2: &str = "192.0.2.11:5060";
/// Who calls in.
pub(crate) const CALLER: &str = "+13125550142";

/// A route to an address.
pub(crate) fn route(address: &str, priority: u8) -> Route {
    let (host, port) = address.rsplit_once(':').unwrap();
    Route {
        host: host.into(),
        port: port.parse().unwrap(),
        protocol: RouteProtocol::Udp,
        priority,
        weight: 1,
    }
}

pub(crate) fn origination(id: VoiceConnectorId, routes: Vec<Route>) -> Origination {
    Origination { account: AccountId::DEFAULT, connector: id, routes, disabled: false }
}

pub(crate) fn number(text: &str) -> E164Number {
    E164Number::parse(text).unwrap()
}

/// A world whose owned number rings at the PBX, then at the other one.
pub(crate) fn world() -> World {
    world_with(|_| {})
}

pub(crate) fn world_with(change: impl FnOnce(&mut Config)) -> World {
    let mut world = World::with(change);
    world.remove_users();
    let routes = vec![route(PBX, 1), route(PBX_2, 2)];
    world.apply(Change::PutOrigination(origination(connector_id(), routes)));
    let target = AssociationTarget::Connector(connector_id());
    world.apply(Change::PutAssociation { number: number(OWNED), target });
    world
}

/// Connectors of a group, one route and one termination each; the number belongs to the group.
pub(crate) fn group(world: &mut World, members: &[(u8, &str)], how: CallDistribution) {
    let mut items = Vec::new();
    for (at, (priority, address)) in members.iter().enumerate() {
        let id = member(at);
        let outbound_host_name = format!("{id}.voiceconnector.localhost");
        let made = VoiceConnector { id: id.clone(), outbound_host_name, ..connector() };
        world.apply(Change::PutConnector(made));
        let cps_limit = NonZeroU32::new(10_000).unwrap();
        let mut settings = termination();
        (settings.connector, settings.cps_limit) = (id.clone(), cps_limit);
        world.apply(Change::PutTermination(settings));
        let routes = vec![route(address, 1)];
        world.apply(Change::PutOrigination(origination(id.clone(), routes)));
        items.push(GroupItem { connector: id, priority: *priority });
    }
    let id = group_id();
    world.apply(Change::PutGroup(VoiceConnectorGroup {
        id: id.clone(),
        account: AccountId::DEFAULT,
        region: model::Region::default(),
        name: "both".into(),
        items,
        distribution: how,
        created: UnixMillis(0),
        updated: UnixMillis(0),
    }));
    let target = AssociationTarget::Group(id);
    world.apply(Change::PutAssociation { number: number(OWNED), target });
}

pub(crate) fn group_id() -> VoiceConnectorGroupId {
    VoiceConnectorGroupId::parse("obmgetfdqcrknrlxfld2s").unwrap()
}

/// The identifier of a group's member.
pub(crate) fn member(at: usize) -> VoiceConnectorId {
    VoiceConnectorId::from_random([u8::try_from(at).unwrap() + 1; 22])
}

/// The carrier's INVITE for the owned number.
pub(crate) fn invite() -> Request {
    Request {
        uri: format!("sip:{OWNED}@203.0.113.1:5060"),
        via: format!("SIP/2.0/UDP {CARRIER}"),
        from: format!("<sip:{CALLER}@198.51.100.20>;tag=pstn"),
        to: format!("<sip:{OWNED}@203.0.113.1>"),
        call_id: "in-1@carrier".into(),
        contact: Some(format!("<sip:{CARRIER}>")),
        body: Some(("application/sdp".into(), sdp("198.51.100.20", 7000))),
        ..Request::invite()
    }
}

/// A further INVITE, of a call of its own.
pub(crate) fn another(at: usize) -> Request {
    Request { call_id: format!("in-{at}@carrier"), branch: format!("n{at}"), ..invite() }
}

/// The PBX answers 200; gives the carrier's 200.
pub(crate) fn answer(world: &mut World, pbx: &str, left: &str) -> String {
    let contact = format!("Contact: <sip:{pbx}>");
    let host = pbx.rsplit_once(':').unwrap().0;
    let ok = response(left, "200 OK", "pbx", &[&contact], Some(&sdp(host, 8000)));
    world.send(pbx, &ok);
    world.expect(pbx, "ACK ");
    world.expect(CARRIER, "SIP/2.0 200 ")
}
