//! From a configuration to a running service.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use api::{Clock as _, Encryption, Identity, KeyReaders, SystemClock, Tls};
use net::{BindError, Clock, raise_fd_limit};
use store::{Keyring, SealError, Snapshot, Store, StoreConfig, StoreError};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::admin::{self, Phase, PhaseCell};
use crate::census;
use crate::config::{Config, ConfigError, SealKey, Simulated, StorageConfig};
use crate::credentials::{self, CredentialsError, FirstKey};
use crate::engine_config;
use crate::flight::{self, Shelf};
use crate::media::{MediaStartError, MediaThread};
use crate::metrics::Metrics;
use crate::projection::{Projection, SimulatedCarrier};
use crate::records::{self, Recorder};
use crate::resolve::{Dns, Families, Resolver};
use crate::running::{Parts, Running};
use crate::signalling::live::{self, Asker, Live};
use crate::signalling::{Signalling, Sockets};
use crate::simulated::{self, CarrierTap};
use crate::tls::{SipTls, TlsPeers};

/// Files that a busy service has open: two sockets per leg of ten thousand calls, and room.
const FILES_WANTED: u64 = 65_536;

/// Why the service cannot start. `Display` names the remedy.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file that the configuration names cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data directory or the first credentials cannot be written.
    #[error("{0}; check data_dir and who owns it")]
    Credentials(#[from] CredentialsError),
    /// The key that seals secrets cannot be had.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The operator named a sealing key that is not there.
    #[error(
        "the sealing key {} does not exist; seal.key_file must name the key that this database \
         was made with, or be removed to have one made in data_dir",
        path.display()
    )]
    SealKeyMissing {
        /// The file.
        path: PathBuf,
    },
    /// There is no database where one was to be opened.
    #[error("{} does not exist; name the data directory of the service with --data-dir", path.display())]
    NoDatabase {
        /// The file.
        path: PathBuf,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address} ({key}): {error}; stop the other program or change {key}")]
    Listen {
        /// The configuration key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// SIP cannot be listened on.
    #[error("{0} ({key}); stop the other program or change {key}", key = sip_key(.0))]
    Sip(#[from] BindError),
    /// Audio cannot be received.
    #[error(transparent)]
    Media(#[from] MediaStartError),
    /// A thread cannot be started.
    #[error("a thread could not be started: {0}")]
    Thread(std::io::Error),
}

/// Where a service listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The HTTP API.
    pub http: SocketAddr,
    /// Health and metrics.
    pub admin: SocketAddr,
    /// SIP over UDP.
    pub sip_udp: SocketAddr,
    /// SIP over TCP.
    pub sip_tcp: SocketAddr,
    /// SIP over TLS, if it is accepted.
    pub sip_tls: Option<SocketAddr>,
}

/// The key that says where a socket of SIP is bound.
fn sip_key(error: &BindError) -> &'static str {
    if error.transport == "TLS" { "sip.tls.listen" } else { "sip.listen" }
}

/// The service. See [`Server::start`].
#[derive(Debug)]
pub struct Server(());

impl Server {
    /// Starts a service and returns when it is ready. It lives on the caller's runtime and on
    /// threads of its own until [`Running::shutdown`].
    ///
    /// # Errors
    /// [`StartError`], with nothing left running.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        Self::start_watched(config, CarrierTap::none()).await
    }

    /// As [`Server::start`]; what the simulated carrier sends and receives is told to `tap`.
    ///
    /// # Errors
    /// [`StartError`], with nothing left running.
    pub async fn start_watched(config: Config, tap: CarrierTap) -> Result<Running, StartError> {
        match raise_fd_limit(FILES_WANTED) {
            Ok(limit) if limit.files >= FILES_WANTED => {}
            Ok(limit) => {
                info!(files = limit.files, "fewer files can be open than a busy service needs");
            }
            Err(error) => warn!(%error, "the limit of open files could not be raised"),
        }
        let tls = config.http_identity()?.map(|identity| Arc::new(Tls::new(watched(identity))));
        let store = open_store(&config.storage).await?;
        let file = config.storage.credentials_file();
        if credentials::ensure_first_key(&store, &file, SystemClock.now()).await? == FirstKey::Made
        {
            info!(file = %file.display(), "first access key made; profile trunkline");
        }
        assemble(config, tls, store, tap).await
    }
}

/// The identity, with a word to the log if its key is open to everybody.
pub(crate) fn watched(identity: Identity) -> Identity {
    match identity.key_readers() {
        KeyReaders::Chosen => {}
        KeyReaders::Everybody => {
            warn!(
                "every user of this machine can read http.tls.key; take that right away (chmod o-r)"
            );
        }
    }
    identity
}

pub(crate) async fn open_store(config: &StorageConfig) -> Result<Store, StartError> {
    credentials::make_data_dir(&config.data_dir)?;
    let path = &config.seal_key_file;
    if config.seal_key == SealKey::Given && !path.exists() {
        return Err(StartError::SealKeyMissing { path: path.clone() });
    }
    let keyring = Keyring::load_or_create(path)?;
    let store_config = StoreConfig {
        retention: config.retention,
        audit_retention: config.audit_retention,
        ..StoreConfig::new(&config.database, keyring)
    };
    let opened = tokio::task::spawn_blocking(move || Store::open(store_config)).await;
    Ok(opened.expect("opening the store does not panic")?)
}

/// Makes every part, and sets them going.
async fn assemble(
    config: Config,
    tls: Option<Arc<Tls>>,
    store: Store,
    tap: CarrierTap,
) -> Result<Running, StartError> {
    let sip_tls = SipTls::open(&config)?;
    let Listening { sockets, http, admin, addresses } = Listening::bind(&config, &sip_tls).await?;
    let (media_thread, media, words) = MediaThread::bind(&config.media, &config.calls)?;
    let simulated = simulated_carrier(config.carriers.simulated, tap)?;
    let seat = seat(&config, simulated.as_ref());
    let projection = project(&store, seat, sip_tls.peers()).await?;

    let (recorder, writer) = records::channel();
    let waker = sockets.waker();
    let (asker, asks) = live::channel(waker.clone());
    let (flight, shelf) = flight::recorder(config.sip.trace_bytes_max);
    let seeds = engine_config::seeds(&config.storage.data_dir)?;
    let signalling = Signalling {
        sockets,
        engine: call::Engine::new(engine_config::of(&config, &addresses), &seeds),
        directory: projection.directory(),
        media: media.clone(),
        words,
        recorder: recorder.clone(),
        asks,
        clock: Clock,
        flight,
    };
    let live = live(&config, &asker, &recorder, &projection, shelf, &addresses);
    let clock = Arc::new(SystemClock);
    let context = api::Context::open(store.clone(), api_config(&config), live, clock).await?;
    context.show(Arc::new(console::Console));
    let metrics = Metrics {
        asker: asker.clone(),
        media: media.clone(),
        recorder: recorder.clone(),
        directory: projection.directory(),
        store: store.clone(),
        api: Arc::clone(&context),
        tls: tls.clone(),
        started: Instant::now(),
    };
    let media_thread = media_thread.spawn(waker).map_err(StartError::Thread)?;
    let signalling = signalling.spawn().map_err(StartError::Thread)?;

    let phase = Arc::new(PhaseCell::new());
    let background = vec![
        tokio::spawn(resolver(&config, &projection, &addresses).run()),
        tokio::spawn(census::run(asker.clone())),
        tokio::spawn(records::trim(store.clone(), || SystemClock.now())),
        tokio::spawn(admin::serve(admin, Arc::clone(&phase), Arc::new(metrics))),
    ];
    let (api, stop_api) = serve_api(http, tls.clone(), context);
    let writer = tokio::spawn(writer.run(store.clone()));
    phase.set(Phase::Ready);
    Ok(Running::new(Parts {
        addresses,
        config,
        phase,
        asker,
        media,
        recorder,
        simulated,
        store,
        background,
        tls,
        sip_tls,
        api,
        stop_api,
        writer,
        signalling,
        media_thread,
    }))
}

/// Sets the API going; it stops when it is told so.
fn serve_api(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    context: Arc<api::Context>,
) -> (JoinHandle<api::Drained>, oneshot::Sender<()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async move {
        // A sender that is gone means stop as well.
        let _ = stopped.await;
    };
    let encryption = tls.map_or(Encryption::Plaintext, Encryption::Tls);
    (tokio::spawn(api::serve(listener, encryption, context, stopped)), stop)
}

/// Every listener but those of media.
struct Listening {
    sockets: Sockets,
    http: TcpListener,
    admin: TcpListener,
    addresses: Addresses,
}

impl Listening {
    async fn bind(config: &Config, sip_tls: &SipTls) -> Result<Self, StartError> {
        let sockets = Sockets::bind(&config.sip, sip_tls)?;
        let http = listen("http.listen", config.http.listen).await?;
        let admin = listen("admin.listen", config.admin.listen).await?;
        let addresses = Addresses {
            http: local(&http),
            admin: local(&admin),
            sip_udp: sockets.udp_local(),
            sip_tcp: sockets.tcp_local(),
            sip_tls: sockets.tls_local(),
        };
        Ok(Self { sockets, http, admin, addresses })
    }
}

/// The simulated carrier, unless it is off.
fn simulated_carrier(
    wanted: Simulated,
    tap: CarrierTap,
) -> Result<Option<simulated::Simulated>, StartError> {
    match wanted {
        Simulated::Off => Ok(None),
        Simulated::On | Simulated::WhileAlone => {
            simulated::Simulated::start(tap).map(Some).map_err(StartError::Thread)
        }
    }
}

/// Whoever keeps the hosts of carriers and routes found.
fn resolver(config: &Config, projection: &Arc<Projection>, addresses: &Addresses) -> Resolver {
    let dns = Dns::new(&config.sip.dns.servers).unwrap_or_else(|error| {
        warn!(%error, "the system names no name servers that can be read; this machine is asked, or \
            those in sip.dns.servers");
        let own = SocketAddr::from(([127, 0, 0, 1], 53));
        Dns::new(&[own]).expect("one plain address is a configuration")
    });
    let families = Families::of(&[addresses.sip_udp]);
    Resolver::new(Arc::clone(projection), dns, families, config.sip.dns.stale_max)
}

/// When the simulated carrier takes part.
fn seat(config: &Config, simulated: Option<&simulated::Simulated>) -> SimulatedCarrier {
    match (simulated, config.carriers.simulated) {
        (Some(it), Simulated::On) => SimulatedCarrier::Always(it.carrier()),
        (Some(it), Simulated::WhileAlone) => SimulatedCarrier::WhileAlone(it.carrier()),
        (Some(_) | None, Simulated::Off | Simulated::On | Simulated::WhileAlone) => {
            SimulatedCarrier::Absent
        }
    }
}

/// The API's door to what is going on.
fn live(
    config: &Config,
    asker: &Asker,
    recorder: &Recorder,
    projection: &Arc<Projection>,
    shelf: Arc<Shelf>,
    addresses: &Addresses,
) -> Arc<Live> {
    Arc::new(Live {
        asker: asker.clone(),
        recorder: recorder.clone(),
        projection: Arc::clone(projection),
        started: SystemClock.now(),
        config: engine_config::of(config, addresses),
        shelf,
        listeners: [
            ("http", addresses.http),
            ("admin", addresses.admin),
            ("sip_udp", addresses.sip_udp),
            ("sip_tcp", addresses.sip_tcp),
        ]
        .into_iter()
        .chain(addresses.sip_tls.map(|it| ("sip_tls", it)))
        .collect(),
    })
}

/// Folds what is stored, and says so if calls go to the simulated carrier.
async fn project(
    store: &Store,
    seat: SimulatedCarrier,
    peers: Arc<TlsPeers>,
) -> Result<Arc<Projection>, StoreError> {
    let load =
        move |view: &Snapshot<'_>| Projection::of_everything(view, seat, peers).map(Arc::new);
    let projection = store.project(load).await?;
    if projection.simulated_is_seated() {
        info!(
            numbers = simulated::NUMBERS,
            "the simulated carrier takes calls; `trunkline carrier add` puts a real one in its place"
        );
    }
    Ok(projection)
}

async fn listen(key: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| StartError::Listen { key, address, error })
}

fn local(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("a bound listener has an address")
}

fn api_config(config: &Config) -> api::ApiConfig {
    let defaults = api::ApiConfig::default();
    api::ApiConfig {
        sip_domain: config.sip.domain.clone(),
        limits: api::Limits {
            request_time: config.api.request_timeout,
            connections: config.api.connections_max,
            ..defaults.limits
        },
        quotas: api::Quotas {
            voice_connectors: config.api.voice_connectors_max,
            calls_per_second: config.api.calls_per_second_max,
            voice_connector_groups: config.api.voice_connector_groups_max,
            voice_connectors_per_group: config.api.voice_connectors_per_group_max,
            phone_numbers: config.api.phone_numbers_max,
            sip_media_applications: config.api.sip_media_applications_max,
            sip_media_application_calls_per_second: config
                .api
                .sip_media_application_calls_per_second_max,
            sip_media_application_updates_per_second: config
                .api
                .sip_media_application_updates_per_second_max,
            sip_rules: config.api.sip_rules_max,
            voice_profile_domains: config.api.voice_profile_domains_max,
            voice_profiles: config.api.voice_profiles_per_domain_max,
            speaker_search_tasks: config.api.speaker_search_tasks_max,
            voice_tone_analysis_tasks: config.api.voice_tone_analysis_tasks_max,
            concurrent_calls: config.calls.account_calls_max.into(),
            ..defaults.quotas
        },
        rate: api::Rate {
            per_second: config.api.requests_per_second.get(),
            burst: config.api.burst.get(),
        },
        calling_name_delay: config.api.calling_name_delay,
        version: crate::VERSION.into(),
        ..defaults
    }
}
