use std::num::NonZeroU32;

use model::{
    AccountId, AccountQuotas, DigestKeys, E164Number, NetworkType, Origination, PhoneNumber,
    PhoneNumberAssociation, Quota, Region, Resource, Secret, SipUser, Termination, UnixMillis,
    Username, VoiceConnector, VoiceConnectorId,
};
use store::{Keyring, Store, StoreConfig, TypedTx};

use super::*;

struct World {
    store: Store,
    projection: Arc<Projection>,
    _dir: tempfile::TempDir,
}

impl World {
    async fn new(simulated: SimulatedCarrier) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir);
        let projection = project(&store, simulated).await;
        Self { store, projection, _dir: dir }
    }

    async fn put<T: Resource>(&self, resource: T) {
        self.store.write(move |tx| tx.put(&resource)).await.unwrap();
    }

    async fn delete<T: Resource>(&self, key: String) {
        let deleted = self.store.write(move |tx| tx.delete::<T>(&AccountId::DEFAULT, &key)).await;
        assert!(deleted.unwrap());
    }

    fn directory(&self) -> Arc<Directory> {
        self.projection.directory().load_full()
    }

    fn carrier_names(&self) -> Vec<String> {
        self.directory().carriers().iter().map(|it| it.carrier.name.to_string()).collect()
    }
}

fn open(dir: &tempfile::TempDir) -> Store {
    let keyring = Keyring::load_or_create(&dir.path().join("seal.key")).unwrap();
    Store::open(StoreConfig::new(dir.path().join("t.db"), keyring)).unwrap()
}

async fn project(store: &Store, simulated: SimulatedCarrier) -> Arc<Projection> {
    store
        .project(move |view| {
            Projection::of_everything(view, simulated, TlsPeers::unvouched()).map(Arc::new)
        })
        .await
        .unwrap()
}

fn id() -> VoiceConnectorId {
    VoiceConnectorId::from_random([7; 22])
}

fn connector() -> VoiceConnector {
    VoiceConnector {
        id: id(),
        account: AccountId::DEFAULT,
        region: Region::default(),
        name: "office".into(),
        require_encryption: false,
        outbound_host_name: "office.voiceconnector.localhost".into(),
        integration_type: None,
        network_type: NetworkType::default(),
        created: UnixMillis(0),
        updated: UnixMillis(0),
    }
}

fn termination() -> Termination {
    Termination {
        account: AccountId::DEFAULT,
        connector: id(),
        cps_limit: NonZeroU32::MIN,
        default_phone_number: None,
        calling_regions: vec!["US".into()],
        cidr_allowed_list: vec![],
        disabled: false,
    }
}

fn user(name: &str) -> SipUser {
    SipUser {
        account: AccountId::DEFAULT,
        connector: id(),
        username: Username::parse(name).unwrap(),
        keys: DigestKeys::derive(name, "realm", Secret::new("secret".into())),
    }
}

fn carrier(name: &str, host: &str) -> Carrier {
    Carrier::new(CarrierName::parse(name).unwrap(), host.into(), 5060, UnixMillis(0))
}

fn simulated() -> ResolvedCarrier {
    let carrier = carrier("simulated", "127.0.0.1");
    ResolvedCarrier::new(carrier, ["127.0.0.1:5999".parse().unwrap()])
}

#[tokio::test]
async fn what_is_written_is_in_the_directory_before_the_writer_has_its_answer() {
    let world = World::new(SimulatedCarrier::Absent).await;
    world.put(connector()).await;
    world.put(termination()).await;
    world.put(user("pbx")).await;
    let directory = world.directory();
    let found = directory.connector_by_host("office.voiceconnector.localhost").unwrap();
    assert!(found.user("pbx").is_some() && found.termination().is_some());

    world.delete::<SipUser>(user("pbx").key()).await;
    world.delete::<Termination>(id().to_string()).await;
    let directory = world.directory();
    let found = directory.connector(&id()).unwrap();
    assert!(found.users().is_empty() && found.termination().is_none());

    world.delete::<VoiceConnector>(id().to_string()).await;
    assert_eq!(world.directory().connector_count(), 0);
}

#[tokio::test]
async fn a_snapshot_taken_earlier_stays_as_it_was() {
    let world = World::new(SimulatedCarrier::Absent).await;
    let before = world.directory();
    world.put(connector()).await;
    assert_eq!((before.connector_count(), world.directory().connector_count()), (0, 1));
}

#[tokio::test]
async fn a_fold_of_everything_knows_what_the_feed_had_told() {
    let world = World::new(SimulatedCarrier::Absent).await;
    world.put(connector()).await;
    world.put(user("pbx")).await;
    world.put(carrier("upstream", "192.0.2.1")).await;
    let number = E164Number::parse("+12065550150").unwrap();
    let owner = Some(AccountId::DEFAULT);
    world.put(PhoneNumber::new(number, owner, UnixMillis(0))).await;
    let anew = project(&world.store, SimulatedCarrier::Absent).await;
    let directory = anew.directory().load_full();
    assert!(directory.connector(&id()).unwrap().user("pbx").is_some());
    assert_eq!(directory.owner(number), owner);
    assert_eq!(
        directory.carriers()[0].resolved.hops()[0].address,
        "192.0.2.1:5060".parse().unwrap()
    );
}

#[tokio::test]
async fn the_simulated_carrier_gives_up_its_seat_while_there_is_another() {
    let world = World::new(SimulatedCarrier::WhileAlone(simulated())).await;
    assert_eq!(world.carrier_names(), ["simulated"]);
    world.put(carrier("upstream", "192.0.2.1")).await;
    assert_eq!(world.carrier_names(), ["upstream"]);
    assert!(!world.projection.simulated_is_seated());
    world.delete::<Carrier>("upstream".into()).await;
    assert_eq!(world.carrier_names(), ["simulated"]);
}

#[tokio::test]
async fn a_simulated_carrier_that_is_switched_on_stays_beside_others() {
    let world = World::new(SimulatedCarrier::Always(simulated())).await;
    world.put(carrier("upstream", "192.0.2.1")).await;
    assert_eq!(world.carrier_names(), ["simulated", "upstream"]);
}

#[tokio::test]
async fn an_added_carrier_of_the_same_name_takes_the_simulated_ones_place_and_gives_it_back() {
    for simulated in
        [SimulatedCarrier::Always(simulated()), SimulatedCarrier::WhileAlone(simulated())]
    {
        let world = World::new(simulated).await;
        world.put(carrier("simulated", "192.0.2.1")).await;
        let host = world.directory().carriers()[0].carrier.host.clone();
        assert_eq!((host.as_str(), world.carrier_names().len()), ("192.0.2.1", 1));
        world.delete::<Carrier>("simulated".into()).await;
        assert_eq!(world.directory().carriers()[0].carrier.host, "127.0.0.1");
    }
}

#[tokio::test]
async fn a_named_carrier_is_asked_for_and_keeps_its_addresses_until_its_host_changes() {
    let world = World::new(SimulatedCarrier::Absent).await;
    let addresses = || -> Vec<std::net::SocketAddr> {
        let hops = world.directory().carriers()[0].resolved.clone();
        hops.hops().iter().map(|it| it.address).collect()
    };
    world.put(carrier("upstream", "sip.example.net")).await;
    world.projection.unresolved().await;
    assert!(addresses().is_empty());

    let asked = world.projection.named().remove(0);
    let transport = sip_message::Transport::Udp;
    let found = || Resolved::by(transport, ["192.0.2.7:5060".parse().unwrap()]);
    let older = Named { place: Place::new("other.example.net", 5060, transport), ..asked.clone() };
    world.projection.resolved(&older, found());
    assert!(addresses().is_empty(), "the answer to an older question is not believed");
    world.projection.resolved(&asked, found());
    assert_eq!(addresses(), ["192.0.2.7:5060".parse().unwrap()]);

    let heavier = Carrier { weight: 50, ..carrier("upstream", "sip.example.net") };
    world.put(heavier).await;
    assert_eq!(addresses(), ["192.0.2.7:5060".parse().unwrap()]);
    world.put(carrier("upstream", "new.example.net")).await;
    assert!(addresses().is_empty());
}

fn origination(host: &str) -> Origination {
    Origination {
        account: AccountId::DEFAULT,
        connector: id(),
        routes: vec![model::Route {
            host: host.into(),
            port: 5060,
            protocol: model::RouteProtocol::Udp,
            priority: 1,
            weight: 1,
        }],
        disabled: false,
    }
}

#[tokio::test]
async fn where_a_numbers_calls_go_is_in_the_directory_and_read_again_at_the_next_start() {
    let world = World::new(SimulatedCarrier::Absent).await;
    let number = E164Number::parse("+12065550100").unwrap();
    world.put(connector()).await;
    world.put(origination("192.0.2.9")).await;
    world.put(PhoneNumber::new(number, Some(AccountId::DEFAULT), UnixMillis(0))).await;
    let target = model::AssociationTarget::Connector(id());
    world
        .put(PhoneNumberAssociation {
            account: AccountId::DEFAULT,
            number,
            target: target.clone(),
            associated: UnixMillis(0),
        })
        .await;
    let again = project(&world.store, SimulatedCarrier::Absent).await;
    for directory in [world.directory(), again.directory().load_full()] {
        assert_eq!(directory.association(number), Some(&target));
        let routes = &directory.connector(&id()).unwrap().origination().unwrap().routes;
        assert_eq!(routes[0].host, "192.0.2.9");
    }
    assert!(world.projection.named().is_empty(), "an address is nobody's to resolve");

    world.delete::<PhoneNumberAssociation>(number.to_string()).await;
    assert_eq!(world.directory().association(number), None);
}

#[tokio::test]
async fn a_routes_host_is_asked_for_while_a_route_names_it() {
    let world = World::new(SimulatedCarrier::Absent).await;
    world.put(connector()).await;
    world.put(origination("PBX.example.net")).await;
    world.projection.unresolved().await;
    let places = world.projection.named();
    assert_eq!(places.iter().map(|it| it.place.host()).collect::<Vec<_>>(), ["pbx.example.net"]);
    let found = Resolved::by(places[0].place.transport(), ["192.0.2.9:5060".parse().unwrap()]);
    world.projection.resolved(&places[0], found.clone());
    assert_eq!(world.directory().resolved(&places[0].place), found);

    world.put(origination("other.example.net")).await;
    assert!(world.directory().resolved(&places[0].place).is_empty());
    world.delete::<VoiceConnector>(id().to_string()).await;
    assert!(world.projection.named().is_empty());
}

#[tokio::test]
async fn an_accounts_quotas_limit_its_calls_at_once_and_until_they_are_reset() {
    let world = World::new(SimulatedCarrier::Absent).await;
    let limits = |world: &World| world.directory().limits(AccountId::DEFAULT);
    assert_eq!(limits(&world), call::directory::AccountLimits::default());
    let values = [(Quota::ConcurrentCalls, 2), (Quota::SipRules, 1)].into();
    world.put(AccountQuotas { account: AccountId::DEFAULT, values }).await;
    assert_eq!(limits(&world).calls_max, Some(2));
    assert_eq!(limits(&world).calls_per_second_max, None);
    let again = project(&world.store, SimulatedCarrier::Absent).await;
    assert_eq!(again.directory().load().limits(AccountId::DEFAULT), limits(&world));
    world.delete::<AccountQuotas>(AccountQuotas::KEY.into()).await;
    assert_eq!(limits(&world).calls_max, None);
}
