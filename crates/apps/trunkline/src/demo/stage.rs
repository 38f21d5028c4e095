//! The demo's private service: its directory, its API, and its carrier's ear.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agent::{Ended, Event, Traced};
use chime_client::{Client, Config as ClientConfig, Overrides, SourceFile, Sources};
use server::config::{Config, Sources as ConfigSources};
use server::peer::PeerEvent;
use server::{CarrierTap, Running, Server};
use tempfile::TempDir;

use crate::connection::Connection;
use crate::failure::Failure;

/// Every listener takes a free port of the loopback; nothing of the user's environment counts.
const CONFIGURATION: &str = "
    http.listen = '127.0.0.1:0'
    admin.listen = '127.0.0.1:0'
    sip.listen = '127.0.0.1:0'
    media.port_min = 0
    carriers.simulated = true
    calls.drain_max_s = 0
";

/// How long the carrier may take to notice that the call is over.
const CARRIER_PATIENCE: Duration = Duration::from_secs(5);

/// The private service, running.
pub(super) struct Stage {
    running: Running,
    pub(super) connection: Connection,
    pub(super) carrier: Ear,
    /// The service's directory, which goes when the stage does.
    _home: TempDir,
}

impl Stage {
    /// Starts the service and reads its first access key as any client would.
    pub(super) async fn set() -> Result<Self, Failure> {
        let home = tempfile::Builder::new().prefix("trunkline-demo-").tempdir();
        let home = home.map_err(|error| {
            Failure::Failed(format!("no temporary directory can be made ({error}); check TMPDIR"))
        })?;
        let data_dir = Some(home.path().join("data"));
        let sources = ConfigSources { data_dir, ..ConfigSources::text(CONFIGURATION) };
        let config = Config::load(sources)?;
        let credentials = config.storage.credentials_file();
        let carrier = Ear::default();
        let running = Server::start_watched(config, carrier.tap()).await.map_err(Failure::of)?;
        let connection = connect(&running, credentials)?;
        Ok(Self { running, connection, carrier, _home: home })
    }

    /// What is listening where.
    pub(super) fn told(&self) -> String {
        let it = self.running.addresses();
        format!("API {} · SIP {} · simulated carrier", it.http, it.sip_udp)
    }

    pub(super) fn client(&self) -> &Client {
        self.connection.client()
    }

    /// Where SIP is taken.
    pub(super) fn sip(&self) -> std::net::SocketAddr {
        self.running.addresses().sip_udp
    }

    /// Stops the service and removes its directory.
    pub(super) async fn strike(self) {
        self.running.shutdown().await;
    }
}

fn connect(running: &Running, credentials: PathBuf) -> Result<Connection, Failure> {
    let text = std::fs::read_to_string(&credentials).map_err(Failure::of)?;
    let file = SourceFile { path: credentials, text: Some(text.into()) };
    let no_variables: [(&str, &str); 0] = [];
    let sources = Sources::new(no_variables, SourceFile::default(), file);
    let overrides = Overrides {
        endpoint_url: Some(format!("http://{}", running.addresses().http)),
        profile: Some(server::PROFILE.into()),
        ..Overrides::default()
    };
    Connection::of(ClientConfig::resolve(&sources, &overrides).map_err(Failure::of)?)
}

/// Hears what the simulated carrier does.
#[derive(Clone, Default)]
pub(super) struct Ear(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    messages: Vec<Traced>,
    ended: Option<Box<Ended>>,
}

impl Ear {
    fn tap(&self) -> CarrierTap {
        let ear = self.clone();
        CarrierTap::to(move |event| {
            let mut heard = ear.heard();
            match event {
                PeerEvent::Traced(traced) => heard.messages.push(traced),
                PeerEvent::Call { event: Event::Ended(ended), .. } => heard.ended = Some(ended),
                PeerEvent::Call { .. } => {}
            }
        })
    }

    /// Forgets what was heard so far.
    pub(super) fn forget(&self) {
        *self.heard() = Heard::default();
    }

    /// Every message so far.
    pub(super) fn messages(&self) -> Vec<Traced> {
        self.heard().messages.clone()
    }

    /// Waits for the carrier's end of the call.
    pub(super) async fn ended(&self) -> Result<Box<Ended>, Failure> {
        let end = tokio::time::Instant::now() + CARRIER_PATIENCE;
        while tokio::time::Instant::now() < end {
            if let Some(ended) = self.heard().ended.clone() {
                return Ok(ended);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(Failure::Failed("the call did not end at the carrier".into()))
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        // What was pushed before a panic is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
