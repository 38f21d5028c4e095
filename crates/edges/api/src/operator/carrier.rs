//! Carriers: the upstream gateways.

use http::StatusCode;
use ipnet::IpNet;
use model::{
    AccountId, Carrier, CarrierCredential, CarrierLookup, CarrierName, CarrierTransport,
    CarrierUser, DigestKeys, NetworkType, Secret, Username,
};
use store::{Page, TypedTx as _, TypedView as _};

use super::carrier_tls;
use super::dto::{self, AddCarrier, CarrierList, timestamp};
use super::query::Query;
use crate::address::AddressRules;
use crate::answer::Answer;
use crate::authorize::OperatorPermit;
use crate::config::PrivateNetworks;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};

/// Source networks of one carrier.
const SOURCES_MAX: usize = 100;
/// The longest digest user name and password, in characters.
const CREDENTIAL_CHARS_MAX: usize = 256;

/// Adds a carrier; calls out may take it from this answer on.
pub(super) async fn add(
    context: &Context,
    _permit: OperatorPermit,
    wire: AddCarrier,
) -> Result<Answer, ApiError> {
    let carrier = parse(wire, context)?;
    let answer = Answer::json(StatusCode::CREATED, &to_wire(&carrier));
    context
        .write(move |tx| {
            refuse_known_user(
                &carrier,
                &tx.list::<Carrier>(&AccountId::DEFAULT, Page::WHOLE)?.items,
            )?;
            if tx.put_if_absent(&carrier)? {
                return Ok(());
            }
            Err(ApiError::new(
                ErrorKind::Conflict,
                format!(
                    "the carrier '{0}' exists; remove it first, or choose another name",
                    carrier.name
                ),
            ))
        })
        .await?;
    Ok(answer)
}

/// Tells every carrier.
pub(super) async fn list(
    context: &Context,
    _permit: OperatorPermit,
    query: Query,
) -> Result<Answer, ApiError> {
    query.finish()?;
    let found = context.read(|view| view.list::<Carrier>(&AccountId::DEFAULT, Page::WHOLE)).await?;
    let carriers = found.items.iter().map(to_wire).collect();
    Ok(Answer::json(StatusCode::OK, &CarrierList { carriers }))
}

/// Tells which places that calls go to answer, as far as they were asked.
pub(super) async fn peers(
    context: &Context,
    _permit: OperatorPermit,
    query: Query,
) -> Result<Answer, ApiError> {
    query.finish()?;
    let peers = context.live.peers().await?;
    Ok(Answer::json(StatusCode::OK, &dto::PeerList { peers }))
}

/// Tells one carrier.
pub(super) async fn get(
    context: &Context,
    _permit: OperatorPermit,
    name: &str,
) -> Result<Answer, ApiError> {
    let name = parse_name(name)?;
    let key = name.to_string();
    let found = context.read(move |view| view.get::<Carrier>(&AccountId::DEFAULT, &key)).await?;
    let carrier = found.ok_or_else(|| no_such(&name))?;
    Ok(Answer::json(StatusCode::OK, &to_wire(&carrier)))
}

/// Removes a carrier; calls that go on over it stay.
pub(super) async fn remove(
    context: &Context,
    _permit: OperatorPermit,
    name: &str,
) -> Result<Answer, ApiError> {
    let name = parse_name(name)?;
    context
        .write(move |tx| {
            if tx.delete::<Carrier>(&AccountId::DEFAULT, name.as_str())? {
                Ok(())
            } else {
                Err(no_such(&name))
            }
        })
        .await?;
    Ok(Answer::NO_CONTENT)
}

fn parse(wire: AddCarrier, context: &Context) -> Result<Carrier, ApiError> {
    // An operator names his own gateways wherever they are; only customers are held to the rules.
    let rules = AddressRules { private_networks: PrivateNetworks::Allowed, cidr_prefix_min: 0 };
    let host = rules
        .parse_host(&wire.host, NetworkType::DualStack)
        .map_err(|rule| ApiError::bad_request(format!("host: '{}' {rule}", short(&wire.host))))?;
    if wire.port == Some(0) {
        return Err(ApiError::bad_request("port is 0; give 1 to 65535, usually 5060"));
    }
    if wire.sources.len() > SOURCES_MAX {
        return Err(ApiError::bad_request(format!("sources has more than {SOURCES_MAX} networks")));
    }
    let name = parse_name(&wire.name)?;
    let transport = wire.transport.unwrap_or_default();
    let port = wire.port.unwrap_or(default_port(transport));
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    Ok(Carrier {
        transport,
        lookup: match (wire.port, wire.transport) {
            (Some(_), _) => CarrierLookup::Address,
            (None, _) if is_address => CarrierLookup::Address,
            (None, Some(_)) => CarrierLookup::Services,
            (None, None) => CarrierLookup::Everything,
        },
        tls: carrier_tls::parse(wire.tls, wire.transport)?,
        srtp: wire.srtp,
        priority: rank("priority", wire.priority)?,
        weight: rank("weight", wire.weight)?,
        credential: parse_credential(wire.username, wire.password)?,
        inbound: parse_user(wire.inbound_username, wire.inbound_password, context)?,
        redirects: wire.redirects,
        called_number: wire.called_number,
        probing: wire.probing,
        sources: wire.sources.iter().map(|it| parse_source(it)).collect::<Result<_, _>>()?,
        ..Carrier::new(name, host, port, context.clock.now())
    })
}

/// RFC 3261 §19.1.2.
const fn default_port(transport: CarrierTransport) -> u16 {
    match transport {
        CarrierTransport::Udp | CarrierTransport::Tcp => 5060,
        CarrierTransport::Tls => 5061,
    }
}

/// A network, or one address.
fn parse_source(text: &str) -> Result<IpNet, ApiError> {
    let network =
        text.parse().or_else(|_| text.parse().map(|address: std::net::IpAddr| address.into()));
    let network: IpNet = network.map_err(|_| {
        ApiError::bad_request(format!(
            "sources: '{}' is no network in CIDR notation; write it like 203.0.113.0/24",
            short(text)
        ))
    })?;
    if network.trunc() == network {
        return Ok(network);
    }
    Err(ApiError::bad_request(format!(
        "sources: '{network}' has bits set after its prefix; the network is {}",
        network.trunc()
    )))
}

fn parse_credential(
    username: Option<String>,
    password: Option<Secret>,
) -> Result<Option<CarrierCredential>, ApiError> {
    let printable = |text: &str| {
        (1..=CREDENTIAL_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|b| (b' '..=b'~').contains(&b))
    };
    match (username, password) {
        (None, None) => Ok(None),
        (Some(username), Some(password)) => {
            if printable(&username) && printable(password.expose()) {
                return Ok(Some(CarrierCredential { username, password }));
            }
            Err(ApiError::bad_request(format!(
                "username or password is refused: each is 1 to {CREDENTIAL_CHARS_MAX} printable US-ASCII characters"
            )))
        }
        (Some(_), None) => Err(ApiError::bad_request("password is missing; username needs one")),
        (None, Some(_)) => Err(ApiError::bad_request("username is missing; password needs one")),
    }
}

/// Who it is when it calls in. The realm is this installation's, and stays the user's.
fn parse_user(
    username: Option<String>,
    password: Option<Secret>,
    context: &Context,
) -> Result<Option<CarrierUser>, ApiError> {
    let (username, password) = match (username, password) {
        (None, None) => return Ok(None),
        (Some(username), Some(password)) => (username, password),
        (Some(_), None) => {
            return Err(ApiError::bad_request(
                "inbound_password is missing; inbound_username needs one",
            ));
        }
        (None, Some(_)) => {
            return Err(ApiError::bad_request(
                "inbound_username is missing; inbound_password needs one",
            ));
        }
    };
    let username = Username::parse(&username)
        .map_err(|refused| ApiError::bad_value("inbound_username", &refused))?;
    let printable = (1..=CREDENTIAL_CHARS_MAX).contains(&password.expose().len())
        && password.expose().bytes().all(|b| (b' '..=b'~').contains(&b));
    if !printable {
        return Err(ApiError::bad_request(format!(
            "inbound_password is refused: it is 1 to {CREDENTIAL_CHARS_MAX} printable US-ASCII characters"
        )));
    }
    let realm = format!("carriers.{}", context.config.sip_domain);
    let keys = DigestKeys::derive(username.as_str(), &realm, password);
    Ok(Some(CarrierUser { username, realm, keys }))
}

/// A user of calls in is one carrier's: its calls could not be told apart otherwise.
fn refuse_known_user(added: &Carrier, others: &[Carrier]) -> Result<(), ApiError> {
    let Some(user) = &added.inbound else { return Ok(()) };
    let is_same = |it: &&Carrier| {
        it.name != added.name
            && it
                .inbound
                .as_ref()
                .is_some_and(|it| (&it.username, &it.realm) == (&user.username, &user.realm))
    };
    match others.iter().find(is_same) {
        None => Ok(()),
        Some(other) => Err(ApiError::new(
            ErrorKind::Conflict,
            format!(
                "inbound_username: '{}' is carrier {}'s; each carrier needs a user of its own",
                user.username, other.name
            ),
        )),
    }
}

fn rank(member: &str, value: u8) -> Result<u8, ApiError> {
    if (1..=100).contains(&value) {
        return Ok(value);
    }
    Err(ApiError::bad_request(format!("{member} is {value}; give 1 to 100")))
}

fn parse_name(text: &str) -> Result<CarrierName, ApiError> {
    CarrierName::parse(text).map_err(|refused| ApiError::bad_value("name", &refused))
}

fn no_such(name: &CarrierName) -> ApiError {
    ApiError::new(ErrorKind::NotFound, format!("Could not find a carrier with the name '{name}'"))
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

fn to_wire(carrier: &Carrier) -> dto::Carrier {
    dto::Carrier {
        name: carrier.name.to_string(),
        host: carrier.host.clone(),
        port: carrier.port,
        transport: carrier.transport,
        lookup: carrier.lookup,
        tls: carrier_tls::to_wire(carrier),
        srtp: carrier.srtp,
        priority: carrier.priority,
        weight: carrier.weight,
        username: carrier.credential.as_ref().map(|it| it.username.clone()),
        sources: carrier.sources.iter().map(ToString::to_string).collect(),
        inbound_username: carrier.inbound.as_ref().map(|it| it.username.to_string()),
        inbound_realm: carrier.inbound.as_ref().map(|it| it.realm.clone()),
        redirects: carrier.redirects,
        called_number: carrier.called_number,
        probing: carrier.probing,
        added: timestamp(carrier.added),
    }
}
