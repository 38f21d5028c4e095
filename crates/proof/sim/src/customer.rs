//! The customer's side: what stands in the directory, and what the PBX asks for.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use agent::{CallOrder, Credential, Sound};
use call::{Change, ResolvedCarrier};
use model::{
    AccountId, AssociationTarget, Carrier, CarrierName, CarrierTransport, DigestKeys, E164Number,
    NetworkType, Origination, PhoneNumber, Region, Route, RouteProtocol, Secret, SipUser,
    SrtpPolicy, Termination, UnixMillis, Username, VoiceConnector, VoiceConnectorId,
};
use sip_message::{Flow, Transport};

/// The PBX.
pub(crate) const PBX: &str = "192.0.2.10:5060";
/// The trunk.
pub(crate) const TRUNK: &str = "203.0.113.1:5060";
/// Two carriers, the first of which is tried first.
pub(crate) const CARRIERS: [&str; 2] = ["198.51.100.20:5060", "198.51.100.30:5060"];

const CONNECTOR: &str = "dr3rbaar376u5r4ntcnlq4";
const USER: &str = "pbx";
const PASSWORD: &str = "correct horse";
const OWNED: &str = "+12065550199";
const STRANGER: &str = "+12065550198";
/// Who calls in.
const OUTSIDER: &str = "+13125550142";

pub(crate) fn socket(text: &str) -> SocketAddr {
    text.parse().expect("the simulation's addresses are addresses")
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Who places it.
    pub party: Party,
    /// The called number.
    pub number: String,
    /// Whether the password is the right one.
    pub password: Password,
    /// Whether the caller's number belongs to the account.
    pub caller: Caller,
}

/// Who places a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// The customer's PBX: a call out.
    Pbx,
    /// The first carrier: a call in.
    Carrier,
}

/// What the PBX answers a challenge with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Password {
    /// The password that was put.
    Right,
    /// Another one.
    Wrong,
}

/// Whose number the PBX calls with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// The account's.
    Owned,
    /// Nobody's.
    Stranger,
}

impl Plan {
    /// A call that ought to be let in.
    #[must_use]
    pub fn to(number: &str) -> Self {
        let (password, caller) = (Password::Right, Caller::Owned);
        Self { party: Party::Pbx, number: number.into(), password, caller }
    }

    /// A call of the first carrier to the customer's number.
    #[must_use]
    pub fn inward() -> Self {
        Self { party: Party::Carrier, ..Self::to(OWNED) }
    }

    pub(crate) fn order(&self) -> CallOrder {
        if self.party == Party::Carrier {
            let flow = Flow::udp(socket(CARRIERS[0]), socket(TRUNK));
            let from = format!("sip:{OUTSIDER}@{}", socket(CARRIERS[0]).ip());
            let to = format!("sip:{}@{}", self.number, socket(TRUNK).ip());
            return CallOrder { sound: Sound::Tone, ..CallOrder::new(flow, from, to) };
        }
        let password = match self.password {
            Password::Right => PASSWORD,
            Password::Wrong => "battery staple",
        };
        let caller = match self.caller {
            Caller::Owned => OWNED,
            Caller::Stranger => STRANGER,
        };
        let host = host();
        let flow = Flow::udp(socket(PBX), socket(TRUNK));
        let from = format!("sip:{caller}@{host}");
        CallOrder {
            credential: Some(Credential {
                username: USER.into(),
                password: Secret::new(password.into()),
            }),
            sound: Sound::Tone,
            ..CallOrder::new(flow, from, format!("sip:{}@{host}", self.number))
        }
    }
}

fn host() -> String {
    format!("{CONNECTOR}.voiceconnector.localhost")
}

/// A connector with a user, an allow list and a route to the PBX, an owned number that rings there,
/// and two carriers, set for SRTP so.
pub(crate) fn directory(srtp: [SrtpPolicy; 2]) -> Vec<Change> {
    let account = AccountId::DEFAULT;
    let id = VoiceConnectorId::parse(CONNECTOR).expect("the id follows the pattern");
    let connector = VoiceConnector {
        id: id.clone(),
        account,
        region: Region::default(),
        name: "trunk".into(),
        require_encryption: false,
        outbound_host_name: host(),
        integration_type: None,
        network_type: NetworkType::default(),
        created: UnixMillis(0),
        updated: UnixMillis(0),
    };
    let termination = Termination {
        account,
        connector: id.clone(),
        cps_limit: NonZeroU32::new(100).expect("100 is not 0"),
        default_phone_number: None,
        calling_regions: vec!["US".into()],
        cidr_allowed_list: vec!["192.0.2.0/24".parse().expect("a network")],
        disabled: false,
    };
    let pbx = socket(PBX);
    let route = Route {
        host: pbx.ip().to_string(),
        port: pbx.port(),
        protocol: RouteProtocol::Udp,
        priority: 1,
        weight: 1,
    };
    let origination =
        Origination { account, connector: id.clone(), routes: vec![route], disabled: false };
    let user = SipUser {
        account,
        connector: id.clone(),
        username: Username::parse(USER).expect("a plain name"),
        keys: DigestKeys::derive(USER, &host(), Secret::new(PASSWORD.into())),
    };
    let number = E164Number::parse(OWNED).expect("a number");
    let target = AssociationTarget::Connector(id);
    let association = Change::PutAssociation { number, target };
    let number = PhoneNumber::new(number, Some(account), UnixMillis(0));
    let mut changes = vec![
        Change::PutConnector(connector),
        Change::PutTermination(termination),
        Change::PutUser(user),
        Change::PutNumber(number),
        Change::PutOrigination(origination),
        association,
    ];
    for ((priority, address), srtp) in (1..).zip(CARRIERS).zip(srtp) {
        let mut carrier = carrier(priority, socket(address));
        carrier.carrier.srtp = srtp;
        changes.push(Change::PutCarrier(carrier));
    }
    changes
}

/// The same without a user, so that the allow list alone admits, and with the carriers reached so.
pub(crate) fn open_directory(transports: [Transport; 2]) -> Vec<Change> {
    let mut changes = directory([SrtpPolicy::Never; 2]);
    changes.retain(|it| !matches!(it, Change::PutUser(_) | Change::PutCarrier(_)));
    for ((priority, address), transport) in (1..).zip(CARRIERS).zip(transports) {
        let ResolvedCarrier { mut carrier, .. } = carrier(priority, socket(address));
        carrier.transport = match transport {
            Transport::Udp => CarrierTransport::Udp,
            Transport::Tcp | Transport::Tls => CarrierTransport::Tcp,
        };
        changes.push(Change::PutCarrier(ResolvedCarrier::new(carrier, [socket(address)])));
    }
    changes
}

/// The number that the PBX calls from.
pub(crate) fn caller() -> &'static str {
    OWNED
}

/// The URI that the PBX calls a number by.
pub(crate) fn call_uri(number: &str) -> String {
    format!("sip:{number}@{}", host())
}

fn carrier(priority: u8, address: SocketAddr) -> ResolvedCarrier {
    let name = CarrierName::parse(&format!("carrier-{priority}")).expect("a plain name");
    let host = address.ip().to_string();
    let carrier = Carrier { priority, ..Carrier::new(name, host, address.port(), UnixMillis(0)) };
    ResolvedCarrier::new(carrier, [address])
}
