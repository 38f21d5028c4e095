//! `trunkline call`: a test call from this terminal, with its messages and its quality.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use agent::{Cause, Credential, Event, Srtp};
use api::operator::dto;
use chime_client::types::{GetVoiceConnectorRequest, ListVoiceConnectorsRequest};
use serde_json::json;
use sip_message::Transport as SipTransport;

use super::{explain, read_password};
use crate::cli::{CallArgs, Common, OutputForm, Transport};
use crate::connection::{Connection, with_causes};
use crate::failure::Failure;
use crate::ladder::{Ladder, Row};
use crate::quality;
use crate::screen::{Paint, Screen, duration};
use crate::test_call::{Placed, TestCall, source_toward};

/// How long the call's record may take to be readable after its end.
const RECORD_PATIENCE: Duration = Duration::from_secs(5);
/// How often it is asked for.
const RECORD_LOOK: Duration = Duration::from_millis(20);

pub(crate) async fn run(screen: &Screen, common: &Common, args: CallArgs) -> Result<(), Failure> {
    let credential = credential(&args)?;
    let connection = Connection::open(common)?;
    let transport = match args.transport {
        Transport::Udp => SipTransport::Udp,
        Transport::Tcp => SipTransport::Tcp,
        Transport::Tls => SipTransport::Tls,
    };
    let service = match args.sip {
        Some(address) => address,
        None => sip_address(&connection, args.transport).await?,
    };
    // A carrier names the gateway that it sends to; a PBX its connector.
    let host = if args.inward {
        service.to_string()
    } else {
        outbound_host(&connection, args.connector.as_deref()).await?
    };
    let call = TestCall {
        service,
        transport,
        host,
        from: args.from,
        to: args.to,
        credential,
        talk: Duration::from_secs(args.seconds),
        srtp: if args.srtp { Srtp::Require } else { Srtp::Accept },
    };
    screen.going_on(&format!("calling {} at {service}", call.to));
    let from = source_toward(service).map_err(Failure::of)?;
    let placed = call.place(|event| say(screen, event)).await?;
    screen.clear_going_on();
    let record = match &placed.call_id {
        Some(call_id) => record(&connection, call_id).await,
        None => None,
    };
    let shown = show(screen, service, &placed, record.as_ref());
    if args.inward
        && record.is_none()
        && placed.refusal().is_some()
        && screen.form == OutputForm::Text
    {
        screen.line(format!(
            "no carrier is known by the address that this call came from: `trunkline carrier add test \
             --host {0} --port 5099 --source {0}/{1}` makes this machine one",
            from,
            if from.is_ipv4() { 32 } else { 128 },
        ));
    }
    shown
}

fn credential(args: &CallArgs) -> Result<Option<Credential>, Failure> {
    let (Some(username), Some(file)) = (&args.username, &args.password_file) else {
        return Ok(None);
    };
    Ok(Some(Credential { username: username.clone(), password: read_password(file)? }))
}

/// The outbound host name of the connector asked for, or of the only one.
async fn outbound_host(connection: &Connection, id: Option<&str>) -> Result<String, Failure> {
    let client = connection.client();
    let connector = match id {
        Some(id) => {
            let request = GetVoiceConnectorRequest { voice_connector_id: id.into() };
            let found = client.get_voice_connector(request).await;
            found.map_err(|error| Failure::Failed(with_causes(&error)))?.voice_connector
        }
        None => {
            let request = ListVoiceConnectorsRequest { max_results: Some(2), next_token: None };
            let listed = client.list_voice_connectors(request).await;
            let listed = listed.map_err(|error| Failure::Failed(with_causes(&error)))?;
            let mut connectors = listed.voice_connectors.unwrap_or_default().into_iter();
            match (connectors.next(), connectors.next()) {
                (Some(only), None) => Some(only),
                (None, _) => {
                    return Err(Failure::Failed(
                        "there is no Voice Connector yet; make one with `trunkline api \
                         CreateVoiceConnector --json '{\"Name\":\"office\",\"RequireEncryption\":false}'`"
                            .into(),
                    ));
                }
                (Some(_), Some(_)) => {
                    return Err(Failure::Usage(
                        "the account has more than one Voice Connector; choose one with --connector \
                         (`trunkline api ListVoiceConnectors` lists them)"
                            .into(),
                    ));
                }
            }
        }
    };
    connector
        .and_then(|it| it.outbound_host_name)
        .ok_or_else(|| Failure::Failed("the service told no outbound host name".into()))
}

/// Where the service says that it listens for SIP.
async fn sip_address(connection: &Connection, transport: Transport) -> Result<SocketAddr, Failure> {
    let name = match transport {
        Transport::Udp => "sip_udp",
        Transport::Tcp => "sip_tcp",
        Transport::Tls => "sip_tls",
    };
    let status = connection.status().await?;
    let told = status.listeners.iter().find(|it| it.name == name);
    let mut address: SocketAddr = told.and_then(|it| it.address.parse().ok()).ok_or_else(|| {
        Failure::Failed(format!("the service told no {name} address; give --sip"))
    })?;
    if address.ip().is_unspecified() {
        // It listens on every address, so also on the one that the API was reached at.
        address.set_ip(endpoint_ip(connection).await?);
    }
    Ok(address)
}

async fn endpoint_ip(connection: &Connection) -> Result<IpAddr, Failure> {
    let endpoint = connection.client().config().endpoint.to_string();
    let uri: http::Uri = endpoint.parse().map_err(Failure::of)?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let found = tokio::net::lookup_host((host.as_str(), 0)).await;
    let found = found.ok().and_then(|mut it| it.next()).map(|it| it.ip());
    found.ok_or_else(|| Failure::Failed(format!("{host} does not resolve; give --sip")))
}

fn say(screen: &Screen, event: &Event) {
    match event {
        Event::Challenged { status } => screen.going_on(&format!("challenged with {status}")),
        Event::Progress { status } => screen.going_on(&format!("{status} {}", status.reason())),
        Event::Answered => screen.going_on("answered, sending and listening"),
        Event::Incoming { .. }
        | Event::PeerHold(_)
        | Event::Hold(_)
        | Event::HoldRefused { .. }
        | Event::OptionsAnswered { .. }
        | Event::Ended(_) => {}
    }
}

/// What the service has written down about the call; it does so when the call has ended.
pub(crate) async fn record(connection: &Connection, call_id: &str) -> Option<dto::Call> {
    let end = tokio::time::Instant::now() + RECORD_PATIENCE;
    while tokio::time::Instant::now() < end {
        if let Ok(call) = connection.explain(call_id).await
            && call.ended.is_some()
        {
            return Some(call);
        }
        tokio::time::sleep(RECORD_LOOK).await;
    }
    None
}

fn show(
    screen: &Screen,
    service: SocketAddr,
    placed: &Placed,
    record: Option<&dto::Call>,
) -> Result<(), Failure> {
    let answered = placed.ended.answered.is_some();
    let ladder = Ladder {
        lanes: vec!["caller", "trunkline"],
        rows: placed.arrows().map(Row::Arrow).collect(),
    };
    if screen.form == OutputForm::Json {
        screen.json(&json!({
            "answered": answered,
            "cause": placed.ended.cause.to_string(),
            "sip_status": placed.refusal(),
            "call_id": placed.call_id,
            "ladder": ladder.as_json(),
            "heard": placed.ended.report.as_ref().map(quality::heard_json),
            "record": record,
            "why": record.map(explain::sentence),
        }));
        return if answered { Ok(()) } else { Err(Failure::Told) };
    }
    ladder.lines(screen.colour).iter().for_each(|line| screen.line(line));
    screen.line("");
    if answered {
        let after = placed.answered_after().map(duration).unwrap_or_default();
        let tick = screen.paint(Paint::Good, "✓");
        screen.line(format!("{tick} answered after {after}; {}", placed.ended.cause));
        if let Some(report) = &placed.ended.report {
            screen.line(quality::heard_line(screen, report));
        }
        if let Some(record) = record {
            screen.line("");
            screen.table(&quality::table(&record.quality));
        }
        return Ok(());
    }
    screen.line(format!("{} {}", screen.paint(Paint::Bad, "✗"), why(&placed.ended.cause, service)));
    if let Some(record) = record {
        screen.line("");
        explain::decisions(screen, &record.decisions);
        screen.line("");
        screen.line(screen.paint(Paint::Bad, explain::sentence(record)));
    }
    Err(Failure::Told)
}

/// The cause, with the remedy where the service cannot tell one.
fn why(cause: &Cause, service: SocketAddr) -> String {
    match cause {
        Cause::NoCredential(_) => {
            format!("{cause}: give --username and --password-file")
        }
        Cause::TimedOut | Cause::TransportFailed => format!(
            "{cause} from {service}: check that the service listens there, or give its SIP address \
             with --sip"
        ),
        Cause::HungUp
        | Cause::PeerHungUp
        | Cause::Cancelled
        | Cause::PeerCancelled
        | Cause::Rejected(_)
        | Cause::Challenged { .. }
        | Cause::NoAck
        | Cause::Media(_)
        | Cause::NoPorts
        | Cause::TooManyCalls
        | Cause::NoDialog => cause.to_string(),
    }
}
