//! Configuration as a checked value: read once, in layers, and never doubted afterwards.
//!
//! Layers, the last one winning: defaults, `trunkline.toml`, `TRUNKLINE_*` variables (`__` for each
//! dot), flags. A key nobody knows is an error that names the nearest one and its line. What the
//! product *manages* (keys, carriers, numbers, connectors) lives in the database, not here.
//!
//! ```
//! use server::config::{Config, Sources};
//!
//! let config = Config::load(Sources::text("http.listen = '127.0.0.1:9000'")).unwrap();
//! assert_eq!(config.http.listen.port(), 9000);
//!
//! let refused = Config::load(Sources::text("http.lisen = '127.0.0.1:9000'")).unwrap_err();
//! assert!(refused.to_string().contains("did you mean \"http.listen\"?"));
//! ```

use std::path::PathBuf;

use ::api::Identity;

mod admin;
mod api;
mod calls;
mod carriers;
mod http;
mod key;
mod log;
mod media;
mod problem;
mod settings;
mod sip;
mod sip_dns;
mod sip_tls;
mod storage;

#[cfg(test)]
mod tests;

pub use admin::AdminConfig;
pub use api::ApiConfig;
pub use calls::{CallerId, CallsConfig};
pub use carriers::{CarriersConfig, Simulated};
pub use http::{HttpConfig, TlsFiles};
pub use key::{Key, Shape, VARIABLE_PREFIX, nearest};
pub use log::{LogConfig, LogFormat};
pub use media::MediaConfig;
pub use problem::{ConfigError, Problem};
pub use settings::{Origin, Setting, Settings, Value};
pub use sip::{AdvertisedAddress, DigestAlgorithm, SipConfig};
pub use sip_dns::DnsConfig;
pub use sip_tls::{ClientCertificates, SipTlsConfig};
pub use storage::{SealKey, StorageConfig};

/// The file that is read when it stands in the working directory and no other is named.
pub const FILE_NAME: &str = "trunkline.toml";

/// The environment variable that names the file.
const FILE_VARIABLE: &str = "TRUNKLINE_CONFIG";

/// What the configuration is read from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The configuration file.
    pub file: FileSource,
    /// Environment variables; those without our prefix are passed over.
    pub variables: Vec<(String, String)>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
}

/// Where the configuration file is.
#[derive(Debug, Clone, Default)]
pub enum FileSource {
    /// There is none.
    #[default]
    Absent,
    /// `trunkline.toml` in the working directory, if there is one.
    WorkingDirectory,
    /// This file, which must be there.
    Path(PathBuf),
    /// This text, as if it were `trunkline.toml`.
    Text(String),
}

impl Sources {
    /// Only this text over the defaults.
    pub fn text(text: &str) -> Self {
        Self { file: FileSource::Text(text.into()), ..Self::default() }
    }

    /// This process's environment, and the file that `--config` or `TRUNKLINE_CONFIG` names, or
    /// `trunkline.toml` in the working directory.
    pub fn of_process(file: Option<PathBuf>, data_dir: Option<PathBuf>) -> Self {
        // A variable that is not Unicode cannot be one of ours: no key's name or value needs it.
        let variables: Vec<_> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let named = variables.iter().find(|(name, _)| name == FILE_VARIABLE);
        let file = file.or_else(|| named.map(|(_, path)| path.into()));
        let file = file.map_or(FileSource::WorkingDirectory, FileSource::Path);
        Self { file, variables, data_dir }
    }
}

/// The configuration of one process. A value of this type has passed every check.
#[derive(Debug, Clone)]
pub struct Config {
    /// The HTTP API's listener.
    pub http: HttpConfig,
    /// Limits of the HTTP API.
    pub api: ApiConfig,
    /// Health and metrics.
    pub admin: AdminConfig,
    /// SIP's listeners, names and timers.
    pub sip: SipConfig,
    /// Addresses and ports of audio.
    pub media: MediaConfig,
    /// Rules and limits of calls.
    pub calls: CallsConfig,
    /// Carriers beside those that the operator adds.
    pub carriers: CarriersConfig,
    /// Files of durable state.
    pub storage: StorageConfig,
    /// The log.
    pub log: LogConfig,
    /// Every key with its value and where that came from.
    pub settings: Settings,
}

impl Config {
    /// Every key, in the order of the file's sections.
    pub fn keys() -> impl Iterator<Item = &'static Key> {
        [
            storage::KEYS,
            http::KEYS,
            api::KEYS,
            admin::KEYS,
            sip::KEYS,
            sip_tls::KEYS,
            sip_dns::KEYS,
            media::KEYS,
            calls::KEYS,
            carriers::KEYS,
            log::KEYS,
        ]
        .into_iter()
        .flatten()
    }

    /// Reads all layers and checks every value.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong, not only the first thing.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let settings = layered(sources, &mut problems);
        if !problems.is_empty() {
            return Err(ConfigError(problems));
        }
        Self::checked(settings)
    }

    /// Reads the certificate and the key that `http.tls.cert` and `http.tls.key` name, as they are
    /// now; `None` if they name none. It waits for the disk.
    ///
    /// It is not a part of [`Config::load`], because commands that only ask where the service
    /// listens may not be allowed to read its key.
    ///
    /// # Errors
    /// [`ConfigError`] with the file that is to blame, what is wrong with it, and the remedy.
    pub fn http_identity(&self) -> Result<Option<Identity>, ConfigError> {
        let Some(files) = &self.http.tls else { return Ok(None) };
        files.read(&self.settings).map(Some).map_err(|problem| ConfigError(vec![problem]))
    }

    /// Reads every certificate, key and authority that a key names, and forgets them again. It waits
    /// for the disk.
    ///
    /// # Errors
    /// [`ConfigError`] with the file that is to blame.
    pub fn check_certificates(&self) -> Result<(), ConfigError> {
        self.http_identity()?;
        crate::tls::check(self)
    }

    /// Refuses what a key names, for a reason that only shows when it is used.
    pub(crate) fn refused(&self, key: &'static str, rule: impl Into<String>) -> ConfigError {
        ConfigError(vec![self.settings.refuse(key, rule)])
    }

    /// Whether a file is named that may be renewed while the service runs.
    pub fn names_certificates(&self) -> bool {
        let SipTlsConfig { identity, authorities, client_certificates, .. } = &self.sip.tls;
        self.http.tls.is_some()
            || identity.is_some()
            || authorities.is_some()
            || *client_certificates != ClientCertificates::Ignored
    }

    fn checked(settings: Settings) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        fn keep<T>(read: Result<T, Problem>, problems: &mut Vec<Problem>) -> Option<T> {
            read.map_err(|problem| problems.push(problem)).ok()
        }
        let storage = keep(StorageConfig::read(&settings), &mut problems);
        let http = keep(HttpConfig::read(&settings), &mut problems);
        let api = keep(ApiConfig::read(&settings), &mut problems);
        let admin = keep(AdminConfig::read(&settings), &mut problems);
        let sip = keep(SipConfig::read(&settings), &mut problems);
        let media = keep(MediaConfig::read(&settings), &mut problems);
        let calls = keep(CallsConfig::read(&settings), &mut problems);
        let carriers = keep(CarriersConfig::read(&settings), &mut problems);
        let log = keep(LogConfig::read(&settings), &mut problems);
        let all = || {
            Some(Self {
                storage: storage?,
                http: http?,
                api: api?,
                admin: admin?,
                sip: sip?,
                media: media?,
                calls: calls?,
                carriers: carriers?,
                log: log?,
                settings,
            })
        };
        all().ok_or(ConfigError(problems))
    }
}

/// Lays all layers over one another; what cannot be read goes to `problems`.
fn layered(sources: Sources, problems: &mut Vec<Problem>) -> Settings {
    let mut settings = Settings::defaults(Config::keys());
    let path = match &sources.file {
        FileSource::Path(path) => path.clone(),
        FileSource::Absent | FileSource::WorkingDirectory | FileSource::Text(_) => FILE_NAME.into(),
    };
    let read = match sources.file {
        FileSource::Absent => None,
        FileSource::Text(text) => Some(Ok(text)),
        FileSource::Path(path) => Some(std::fs::read_to_string(path)),
        FileSource::WorkingDirectory if path.exists() => Some(std::fs::read_to_string(&path)),
        FileSource::WorkingDirectory => None,
    };
    match read {
        None => {}
        Some(Ok(text)) => settings.overlay_file(&path, &text, problems),
        Some(Err(error)) => problems.push(Problem::Unreadable { path, error }),
    }
    let variables = sources.variables.into_iter().filter(|(name, _)| name != FILE_VARIABLE);
    settings.overlay_environment(variables, problems);
    if let Some(directory) = sources.data_dir {
        let value = Value::Text(directory.to_string_lossy().into_owned());
        settings.overlay_flag("data_dir", value, "--data-dir");
    }
    settings
}
