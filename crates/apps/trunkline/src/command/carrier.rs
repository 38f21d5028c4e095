//! `trunkline carrier`: the upstream SIP gateways.

use api::operator::dto;
use model::{
    CalledNumber, CarrierLookup, CarrierTransport, Probing, Redirects, Secret, SrtpPolicy,
};

use super::read_password;
use crate::cli::{
    self, CarrierAddArgs, CarrierCommand, CarrierTlsArgs, Common, OutputForm, Transport,
};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::screen::{Cell, Paint, Screen, Table};

pub(crate) async fn run(
    screen: &Screen,
    common: &Common,
    command: CarrierCommand,
) -> Result<(), Failure> {
    match command {
        CarrierCommand::Add(args) => {
            let request = request_of(*args)?;
            let added = Connection::open(common)?.add_carrier(&request).await?;
            match screen.form {
                OutputForm::Json => screen.json(&added),
                OutputForm::Text => screen.done(&format!(
                    "carrier {} is added: calls out go to {} from now on",
                    added.name,
                    place(&added)
                )),
            }
        }
        CarrierCommand::List => {
            let connection = Connection::open(common)?;
            let mut list = connection.carriers().await?;
            let peers = connection.peers().await?;
            list.carriers.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
            show_list(screen, &list, &peers);
        }
        CarrierCommand::Show { name } => {
            let connection = Connection::open(common)?;
            let carrier = connection.carrier(&name).await?;
            show(screen, &carrier, &connection.peers().await?);
        }
        CarrierCommand::Remove { name } => {
            Connection::open(common)?.remove_carrier(&name).await?;
            screen.done(&format!("carrier {name} is removed; calls that go on stay"));
        }
    }
    Ok(())
}

fn request_of(args: CarrierAddArgs) -> Result<dto::AddCarrier, Failure> {
    let password = args.password_file.as_deref().map(read_password).transpose()?;
    Ok(dto::AddCarrier {
        name: args.name,
        host: args.host,
        port: args.port,
        transport: args.transport.map(|it| match it {
            Transport::Udp => CarrierTransport::Udp,
            Transport::Tcp => CarrierTransport::Tcp,
            Transport::Tls => CarrierTransport::Tls,
        }),
        tls: tls_of(args.tls)?,
        srtp: match args.srtp {
            cli::CarrierSrtp::Never => SrtpPolicy::Never,
            cli::CarrierSrtp::Offer => SrtpPolicy::Offer,
            cli::CarrierSrtp::Require => SrtpPolicy::Require,
        },
        priority: args.priority,
        weight: args.weight,
        username: args.username,
        password,
        sources: args.sources,
        inbound_username: args.inbound_username,
        inbound_password: args.inbound_password_file.as_deref().map(read_password).transpose()?,
        redirects: match args.redirects {
            cli::Redirects::Refuse => Redirects::Refuse,
            cli::Redirects::Follow => Redirects::Follow,
        },
        called_number: match args.called_number {
            cli::CalledNumber::RequestUri => CalledNumber::RequestUri,
            cli::CalledNumber::To => CalledNumber::To,
            cli::CalledNumber::PCalledPartyId => CalledNumber::PCalledPartyId,
        },
        probing: if args.no_probe { Probing::Off } else { Probing::On },
    })
}

fn tls_of(args: CarrierTlsArgs) -> Result<dto::AddCarrierTls, Failure> {
    let read = |path: std::path::PathBuf| {
        std::fs::read_to_string(&path).map_err(|error| {
            Failure::Failed(format!("{} cannot be read: {error}; give a PEM file", path.display()))
        })
    };
    Ok(dto::AddCarrierTls {
        server_name: args.tls_server_name,
        authorities: args.tls_ca.map(read).transpose()?,
        pin: args.tls_pin,
        insecure: args.tls_insecure,
        certificate: args.tls_client_cert.map(read).transpose()?,
        key: args.tls_client_key.map(read).transpose()?.map(Secret::new),
    })
}

/// Where calls go, in words: a port that is only a guess is not told.
fn place(carrier: &dto::Carrier) -> String {
    match carrier.lookup {
        CarrierLookup::Address => format!("{}:{}", carrier.host, carrier.port),
        CarrierLookup::Services => format!("{} (by its SRV records)", carrier.host),
        CarrierLookup::Everything => format!("{} (by its NAPTR and SRV records)", carrier.host),
    }
}

const fn lookup_name(lookup: CarrierLookup) -> &'static str {
    match lookup {
        CarrierLookup::Address => "A and AAAA",
        CarrierLookup::Services => "SRV, then A and AAAA",
        CarrierLookup::Everything => "NAPTR, then SRV, then A and AAAA",
    }
}

const fn transport_name(transport: CarrierTransport) -> &'static str {
    match transport {
        CarrierTransport::Udp => "udp",
        CarrierTransport::Tcp => "tcp",
        CarrierTransport::Tls => "tls",
    }
}

fn show_list(screen: &Screen, list: &dto::CarrierList, peers: &dto::PeerList) {
    if screen.form == OutputForm::Json {
        return screen.json(list);
    }
    if list.carriers.is_empty() {
        return screen
            .line("no carrier is added; `trunkline carrier add NAME --host HOST` adds one");
    }
    let mut table = Table::new([
        "NAME",
        "HOST",
        "PORT",
        "TRANSPORT",
        "PRIORITY",
        "WEIGHT",
        "HEALTH",
        "USER",
        "SOURCES",
    ]);
    for it in &list.carriers {
        table.row([
            Cell::painted(Paint::Name, &it.name),
            it.host.clone().into(),
            it.port.to_string().into(),
            transport_name(it.transport).into(),
            it.priority.to_string().into(),
            it.weight.to_string().into(),
            health(&it.name, peers).into(),
            it.username.clone().unwrap_or_default().into(),
            it.sources.join(" ").into(),
        ]);
    }
    screen.table(&table);
}

fn show(screen: &Screen, carrier: &dto::Carrier, peers: &dto::PeerList) {
    if screen.form == OutputForm::Json {
        return screen.json(carrier);
    }
    let mut fields = vec![
        ("name", carrier.name.clone()),
        ("host", carrier.host.clone()),
        ("port", carrier.port.to_string()),
        ("transport", transport_name(carrier.transport).into()),
        ("found by", lookup_name(carrier.lookup).into()),
    ];
    if let Some(tls) = &carrier.tls {
        fields.push(("server name", tls.server_name.clone()));
        fields.push(("believed", trust_name(tls)));
        let shown = tls.certificate.clone().unwrap_or_else(|| "(none)".into());
        fields.push(("certificate shown", shown));
    }
    fields.extend([
        ("srtp", carrier.srtp.as_str().into()),
        ("priority", carrier.priority.to_string()),
        ("weight", carrier.weight.to_string()),
        ("user", carrier.username.clone().unwrap_or_else(|| "(does not challenge)".into())),
        ("sources", carrier.sources.join(" ")),
        ("user for calls in", inbound_user(carrier)),
        ("redirections", carrier.redirects.as_str().into()),
        ("called number in", called_number_name(carrier.called_number).into()),
        ("health", health(&carrier.name, peers)),
        ("added", carrier.added.to_string()),
    ]);
    screen.fields(&fields);
}

fn inbound_user(carrier: &dto::Carrier) -> String {
    match (&carrier.inbound_username, &carrier.inbound_realm) {
        (Some(user), Some(realm)) => format!("{user} in the realm {realm}"),
        _ => "(none: its sources alone tell who it is)".into(),
    }
}

const fn called_number_name(place: CalledNumber) -> &'static str {
    match place {
        CalledNumber::RequestUri => "the Request-URI, else To",
        CalledNumber::To => "To, else the Request-URI",
        CalledNumber::PCalledPartyId => "P-Called-Party-ID, else the Request-URI",
    }
}

/// How many of a carrier's addresses answer, in words.
fn health(name: &str, peers: &dto::PeerList) -> String {
    let known: Vec<_> =
        peers.peers.iter().filter(|it| it.carriers.iter().any(|carrier| carrier == name)).collect();
    let down: Vec<_> = known
        .iter()
        .filter(|it| it.state == dto::PeerState::Down)
        .map(|it| {
            let next = it.next_try.map(|at| format!(", tried again at {at}"));
            format!("{} since {}{}", it.address, it.since, next.unwrap_or_default())
        })
        .collect();
    match (known.len(), down.len()) {
        (0, _) => "not asked".into(),
        (_, 0) => "up".into(),
        (all, some) if some == all => format!("DOWN: {}", down.join(", ")),
        _ => format!("partly down: {}", down.join(", ")),
    }
}

fn trust_name(tls: &dto::CarrierTls) -> String {
    match (tls.trust.as_str(), &tls.pin) {
        ("pin", Some(pin)) => format!("the certificate {pin}"),
        ("system", _) => "certificates of the system's authorities".into(),
        ("authorities", _) => "certificates of the given authorities".into(),
        ("anything", _) => "ANY certificate (insecure: for tests only)".into(),
        (other, _) => other.into(),
    }
}
