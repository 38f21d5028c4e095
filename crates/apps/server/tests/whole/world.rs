//! A server of one's own, a client of its API, and phones.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use agent::{Answering, CallOrder, Credential, Ended, Event, Srtp, Trace};
use chime_client::types::{
    CreateVoiceConnectorRequest, Credential as ApiCredential,
    PutVoiceConnectorTerminationCredentialsRequest, PutVoiceConnectorTerminationRequest,
    Termination,
};
use chime_client::{Client, Config as ClientConfig, Overrides, Sensitive, SourceFile, Sources};
use http::Method;
use model::Secret;
use serde_json::{Value, json};
use server::config::{Config, Sources as ConfigSources};
use server::peer::{Peer, PeerConfig, PeerEvent, PeerTls};
use server::{Addresses, Running, Server};
use sip_message::Transport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

/// The number that every world owns.
pub(crate) const CALLER: &str = "+12065550150";
/// A number of the simulated carrier that answers and echoes.
pub(crate) const ECHO: &str = "+12065550100";
/// A number of the simulated carrier that rings until it is cancelled.
pub(crate) const RINGS: &str = "+12065550131";

/// Every listener takes a free port of the loopback.
const FREE_PORTS: &str = "
    http.listen = '127.0.0.1:0'
    admin.listen = '127.0.0.1:0'
    sip.listen = '127.0.0.1:0'
    media.port_min = 0
";
/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server and a directory of its own.
pub(crate) struct World {
    pub(crate) running: Running,
    pub(crate) client: Client,
    pub(crate) dir: tempfile::TempDir,
    settings: String,
}

/// A Voice Connector.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    pub(crate) id: String,
    pub(crate) host: String,
}

/// A configuration on free ports with its data in `dir`.
pub(crate) fn configuration(dir: &Path, settings: &str) -> Config {
    let text = format!("{FREE_PORTS}\n{settings}");
    let data_dir = Some(dir.join("data"));
    Config::load(ConfigSources { data_dir, ..ConfigSources::text(&text) }).unwrap()
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    pub(crate) async fn start_with(settings: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let running = Server::start(configuration(dir.path(), settings)).await.unwrap();
        let client = client_of(&running);
        Self { running, client, dir, settings: settings.into() }
    }

    /// Stops the server and starts another one on the same data.
    pub(crate) async fn restart(self) -> Self {
        let Self { running, dir, settings, .. } = self;
        running.shutdown().await;
        let running = Server::start(configuration(dir.path(), &settings)).await.unwrap();
        let client = client_of(&running);
        Self { running, client, dir, settings }
    }

    /// A connector that lets calls to the US out, if they have credentials.
    pub(crate) async fn connector(&self) -> Connector {
        self.connector_for(Vec::new()).await
    }

    /// The same, with an allow list.
    pub(crate) async fn connector_for(&self, networks: Vec<String>) -> Connector {
        let request = CreateVoiceConnectorRequest {
            name: "office".into(),
            require_encryption: false,
            aws_region: None,
            integration_type: None,
            network_type: None,
            tags: None,
        };
        let made = self.client.create_voice_connector(request).await.unwrap();
        let made = made.voice_connector.unwrap();
        let connector = Connector {
            id: made.voice_connector_id.unwrap(),
            host: made.outbound_host_name.unwrap(),
        };
        let termination = Termination {
            calling_regions: Some(vec!["US".into()]),
            cidr_allowed_list: Some(networks),
            cps_limit: Some(100),
            disabled: Some(false),
            default_phone_number: None,
        };
        let voice_connector_id = connector.id.clone();
        let request = PutVoiceConnectorTerminationRequest { voice_connector_id, termination };
        self.client.put_voice_connector_termination(request).await.unwrap();
        self.claim(CALLER).await;
        connector
    }

    pub(crate) async fn put_user(&self, connector: &Connector, name: &str, password: &str) {
        let credential = ApiCredential {
            username: Some(Sensitive::new(name)),
            password: Some(Sensitive::new(password)),
        };
        let request = PutVoiceConnectorTerminationCredentialsRequest {
            voice_connector_id: connector.id.clone(),
            credentials: Some(vec![credential]),
        };
        self.client.put_voice_connector_termination_credentials(request).await.unwrap();
    }

    async fn claim(&self, number: &str) {
        let body = json!({ "numbers": [number], "account": "000000000000" });
        self.operator(Method::POST, "/operator/numbers", "", Some(body)).await.unwrap();
    }

    /// A request to the operator API; its answer, or the status it was refused with.
    pub(crate) async fn operator(
        &self,
        method: Method,
        path: &str,
        query: &str,
        body: Option<Value>,
    ) -> Result<Value, u16> {
        let body = body.map(|it| serde_json::to_vec(&it).unwrap().into());
        match self.client.request(method, path, query, body).await {
            Ok(answer) if answer.body.is_empty() => Ok(Value::Null),
            Ok(answer) => Ok(serde_json::from_slice(&answer.body).unwrap()),
            Err(chime_client::Error::Service(refusal)) => Err(refusal.status),
            Err(other) => panic!("{other}"),
        }
    }

    /// The calls that go on.
    pub(crate) async fn live_calls(&self) -> Vec<Value> {
        let listed = self.operator(Method::GET, "/operator/calls", "state=live", None).await;
        listed.unwrap()["calls"].as_array().unwrap().clone()
    }

    /// The one call record there is, once it is written.
    pub(crate) async fn record(&self) -> Value {
        eventually("a call record", async || {
            let listed = self.operator(Method::GET, "/operator/calls", "state=ended", None).await;
            let calls = listed.unwrap()["calls"].as_array().unwrap().clone();
            let id = calls.first()?["transaction_id"].as_str().unwrap().to_owned();
            let query = format!("call={id}");
            Some(self.operator(Method::GET, "/operator/explain", &query, None).await.unwrap())
        })
        .await
    }

    /// The status and body of a page of the admin listener.
    pub(crate) async fn admin(&self, path: &str) -> (u16, String) {
        get(self.running.addresses().admin, path).await
    }

    /// A call through a connector, not placed yet.
    pub(crate) fn dial<'a>(&'a self, connector: &'a Connector, to: &'a str) -> Dial<'a> {
        Dial::new(self.running.addresses(), connector, to)
    }
}

/// The status and body of one plain HTTP page.
pub(crate) async fn get(address: std::net::SocketAddr, path: &str) -> (u16, String) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

pub(crate) fn client_of(running: &Running) -> Client {
    let path = running.config().storage.credentials_file();
    let text = std::fs::read_to_string(&path).unwrap();
    let file = SourceFile { path, text: Some(text.into()) };
    let (scheme, variables) = match &running.config().http.tls {
        None => ("http", Vec::new()),
        // Made by the test, the certificate vouches for itself.
        Some(tls) => ("https", vec![("AWS_CA_BUNDLE", tls.cert.to_str().unwrap())]),
    };
    let sources = Sources::new(variables, SourceFile::default(), file);
    let overrides = Overrides {
        endpoint_url: Some(format!("{scheme}://{}", running.addresses().http)),
        profile: Some(server::PROFILE.into()),
        ..Overrides::default()
    };
    Client::new(ClientConfig::resolve(&sources, &overrides).unwrap()).unwrap()
}

/// A call to be placed.
pub(crate) struct Dial<'a> {
    addresses: &'a Addresses,
    connector: &'a Connector,
    to: &'a str,
    credential: Option<Credential>,
    transport: Transport,
    talk: Option<Duration>,
}

impl<'a> Dial<'a> {
    pub(crate) fn new(addresses: &'a Addresses, connector: &'a Connector, to: &'a str) -> Self {
        Self {
            addresses,
            connector,
            to,
            credential: None,
            transport: Transport::Udp,
            talk: Some(Duration::from_millis(400)),
        }
    }

    pub(crate) fn user(mut self, username: &str, password: &str) -> Self {
        let password = Secret::new(password.into());
        self.credential = Some(Credential { username: username.into(), password });
        self
    }

    pub(crate) fn over(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// The caller hangs up so long after the answer.
    pub(crate) fn talking(mut self, talk: Duration) -> Self {
        self.talk = Some(talk);
        self
    }

    /// The caller does not hang up by itself.
    pub(crate) fn for_ever(mut self) -> Self {
        self.talk = None;
        self
    }

    /// Places the call.
    pub(crate) fn place(self) -> Phone {
        let service = match self.transport {
            Transport::Udp => self.addresses.sip_udp,
            Transport::Tcp => self.addresses.sip_tcp,
            Transport::Tls => self.addresses.sip_tls.unwrap(),
        };
        let config = PeerConfig {
            address: [127, 0, 0, 1].into(),
            transport: self.transport,
            srtp: Srtp::Accept,
            answering: Answering::Refuse,
            trace: Trace::Off,
            tls: (self.transport == Transport::Tls).then(|| PeerTls::believing_anything().unwrap()),
        };
        let (sender, events) = mpsc::unbounded_channel();
        let peer = Peer::start(&config, move |event| {
            let _ = sender.send(event);
        })
        .unwrap();
        let host = &self.connector.host;
        let order = CallOrder {
            credential: self.credential,
            hang_up_after: self.talk,
            give_up_after: Some(PATIENCE),
            ..CallOrder::new(
                peer.flow_to(service),
                format!("sip:{CALLER}@{host}"),
                format!("sip:{}@{host}", self.to),
            )
        };
        let call = peer.call(order).unwrap();
        Phone { peer, call, events }
    }

    /// Places the call and waits for its end.
    pub(crate) async fn and_wait(self) -> Ended {
        self.place().ended().await
    }
}

/// A phone in a call.
pub(crate) struct Phone {
    peer: Peer,
    call: agent::CallId,
    events: mpsc::UnboundedReceiver<PeerEvent>,
}

impl Phone {
    /// Waits for something to happen to the call.
    pub(crate) async fn until(&mut self, mut is_it: impl FnMut(&Event) -> bool) {
        let wait = async {
            loop {
                match self.events.recv().await.expect("the phone lives") {
                    PeerEvent::Call { event, .. } if is_it(&event) => return,
                    PeerEvent::Call { event: Event::Ended(ended), .. } => {
                        panic!("the call ended early: {}", ended.cause)
                    }
                    PeerEvent::Call { .. } | PeerEvent::Traced(_) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("it happens in time");
    }

    pub(crate) fn hang_up(&self) {
        self.peer.hang_up(self.call);
    }

    /// Waits for the end of the call.
    pub(crate) async fn ended(mut self) -> Ended {
        let wait = async {
            loop {
                let event = self.events.recv().await.expect("the phone lives");
                if let PeerEvent::Call { event: Event::Ended(ended), .. } = event {
                    return *ended;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the call ends in time")
    }
}

/// Looks until there is something to see.
pub(crate) async fn eventually<T, F>(what: &str, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let wait = async {
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        loop {
            looks.tick().await;
            if let Some(seen) = look().await {
                return seen;
            }
        }
    };
    let seen = tokio::time::timeout(PATIENCE, wait).await;
    seen.unwrap_or_else(|_elapsed| panic!("{what}: not seen in time"))
}
