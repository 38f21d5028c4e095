//! Where to call, as whom: found the way the AWS CLI finds it.
//!
//! Finding is pure: the environment and the texts of the two shared files are arguments
//! ([`Sources`]), and [`Config::resolve`] turns them into a [`Config`] or says what is missing.
//! [`Config::from_process`] reads the real ones.
//!
//! | what | first that is set wins |
//! |---|---|
//! | profile | override, `AWS_PROFILE`, `AWS_DEFAULT_PROFILE`, `default` |
//! | endpoint | override, `AWS_ENDPOINT_URL_CHIME_SDK_VOICE`, `AWS_ENDPOINT_URL`, the profile's `services` section (`chime_sdk_voice`), the profile's `endpoint_url`, the caller's default, Amazon's for the region. All but the first and the last two are passed over with `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` or the profile's `ignore_configured_endpoint_urls` |
//! | region | override, `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's `region`, `us-east-1` where an endpoint is configured |
//! | credentials | `AWS_ACCESS_KEY_ID` and its companions (passed over when the profile is an override), the profile in the shared credentials file, the profile in the config file |
//! | certificates | `AWS_CA_BUNDLE`, the profile's `ca_bundle`, the system's |

mod credentials;
mod endpoint;
mod ini;
mod sources;

use std::path::PathBuf;
use std::time::Duration;

pub use credentials::Credentials;
pub use endpoint::Endpoint;
pub(crate) use endpoint::Scheme;
pub use sources::{SourceFile, Sources};

use crate::transport::TlsError;
use ini::Section;

/// The region that is signed for when an endpoint is configured and no region.
const REGION_OF_OWN_ENDPOINTS: &str = "us-east-1";

/// Everything a client needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to call.
    pub endpoint: Endpoint,
    /// The region that requests are signed for.
    pub region: String,
    /// As whom.
    pub credentials: Credentials,
    /// Certificates to trust instead of the system's, a PEM file.
    pub ca_bundle: Option<PathBuf>,
    /// Times and counts.
    pub limits: Limits,
}

/// How long and how often a client tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for the whole answer of one attempt.
    pub attempt_timeout: Duration,
    /// Attempts in all, the first included; at least one is made.
    pub attempts_max: u32,
    /// Upper bound of the wait before the second attempt; it doubles with each further one.
    pub backoff: Duration,
}

impl Default for Limits {
    /// 10 s to connect and 60 s per attempt, three attempts, 100 ms before the second.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            attempt_timeout: Duration::from_secs(60),
            attempts_max: 3,
            backoff: Duration::from_millis(100),
        }
    }
}

/// What a command line may set over everything else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--endpoint-url`.
    pub endpoint_url: Option<String>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--region`.
    pub region: Option<String>,
    /// Used in place of Amazon's endpoint when nobody configures one.
    pub endpoint_url_default: Option<String>,
}

/// No client can be configured. Each message names what to set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A shared file exists and cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A shared file is not in its format.
    #[error("{path} line {line}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The profile asked for is in neither file.
    #[error(
        "the profile {profile:?} is in neither {config} nor {credentials}; \
         check AWS_PROFILE, AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE"
    )]
    NoProfile {
        /// The profile.
        profile: String,
        /// The config file looked at.
        config: String,
        /// The credentials file looked at.
        credentials: String,
    },
    /// A profile names a section that is not there.
    #[error(
        "the profile {profile:?} says services = {services}, and there is no [services {services}]"
    )]
    NoServices {
        /// The profile.
        profile: String,
        /// The section it names.
        services: String,
    },
    /// An endpoint is no URL that a client can call.
    #[error("{origin}: {url:?} is no endpoint: {reason}; write it like http://127.0.0.1:8060")]
    Endpoint {
        /// Where it was configured.
        origin: String,
        /// What was configured.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nothing says which of Amazon's regions to call.
    #[error("no region: set AWS_REGION, or region in the profile {profile:?}, or an endpoint")]
    NoRegion {
        /// The profile.
        profile: String,
    },
    /// A region that cannot be part of a host name.
    #[error("{region:?} is no region; write it like us-east-1")]
    Region {
        /// What was configured.
        region: String,
    },
    /// Nothing says as whom to call.
    #[error(
        "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put them into the \
         profile {profile:?} of {file} (a trunkline server writes such a file into its data \
         directory; point AWS_SHARED_CREDENTIALS_FILE at it)"
    )]
    NoCredentials {
        /// The profile.
        profile: String,
        /// The credentials file looked at.
        file: String,
    },
    /// An access key without its secret, or the other way round.
    #[error("{origin} has one of access key id and secret access key; set both")]
    PartialCredentials {
        /// Where.
        origin: String,
    },
    /// The profile gets its credentials in a way that this client does not speak.
    #[error(
        "the profile {profile:?} uses {mechanism}, which this client does not speak; run \
         `eval \"$(aws configure export-credentials --profile {profile} --format env)\"` first"
    )]
    Mechanism {
        /// The profile.
        profile: String,
        /// The setting, such as `role_arn`.
        mechanism: &'static str,
    },
    /// TLS to the endpoint cannot be set up.
    #[error(transparent)]
    Tls(TlsError),
}

impl Config {
    /// Finds the configuration in the environment and the shared files of this process.
    ///
    /// # Errors
    /// [`ConfigError`], naming what to set.
    pub fn from_process(overrides: &Overrides) -> Result<Self, ConfigError> {
        Self::resolve(&Sources::from_process()?, overrides)
    }

    /// Finds the configuration in what is given.
    ///
    /// # Errors
    /// [`ConfigError`], naming what to set.
    pub fn resolve(sources: &Sources, overrides: &Overrides) -> Result<Self, ConfigError> {
        let context = Context::new(sources, overrides)?;
        let configured = match endpoint::configured(&context)? {
            Some(endpoint) => Some(endpoint),
            None => endpoint::default_of(overrides)?,
        };
        let fallback = configured.as_ref().map(|_| REGION_OF_OWN_ENDPOINTS);
        let region = region(&context, fallback)?;
        let endpoint = match configured {
            Some(endpoint) => endpoint,
            None => endpoint::of_amazon(&context, &region)?,
        };
        let ca_bundle = context
            .environment("AWS_CA_BUNDLE")
            .or_else(|| context.setting("ca_bundle"))
            .map(PathBuf::from);
        let credentials = credentials::find(&context)?;
        Ok(Self { endpoint, region, credentials, ca_bundle, limits: Limits::default() })
    }
}

fn region(context: &Context<'_>, fallback: Option<&str>) -> Result<String, ConfigError> {
    let region = context
        .overrides
        .region
        .as_deref()
        .or_else(|| context.environment("AWS_REGION"))
        .or_else(|| context.environment("AWS_DEFAULT_REGION"))
        .or_else(|| context.setting("region"))
        .or(fallback)
        .ok_or_else(|| ConfigError::NoRegion { profile: context.profile.clone() })?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if region.is_empty() || region.len() > 63 || !region.bytes().all(plain) {
        return Err(ConfigError::Region { region: region.chars().take(80).collect() });
    }
    Ok(region.to_owned())
}

/// The sources with the profile chosen.
struct Context<'s> {
    sources: &'s Sources,
    overrides: &'s Overrides,
    profile: String,
    config: ini::Document,
    credentials: ini::Document,
}

impl<'s> Context<'s> {
    fn new(sources: &'s Sources, overrides: &'s Overrides) -> Result<Self, ConfigError> {
        let parse = |file: &SourceFile| match &file.text {
            None => Ok(ini::Document::default()),
            Some(text) => ini::Document::parse(text).map_err(|fault| ConfigError::Malformed {
                path: file.path.clone(),
                line: fault.line,
                reason: fault.reason,
            }),
        };
        let named = overrides
            .profile
            .as_deref()
            .or_else(|| sources.environment("AWS_PROFILE"))
            .or_else(|| sources.environment("AWS_DEFAULT_PROFILE"));
        let profile = named.unwrap_or("default").to_owned();
        let (config, credentials) =
            (parse(&sources.config_file)?, parse(&sources.credentials_file)?);
        let context = Self { sources, overrides, profile, config, credentials };
        if named.is_some() && context.sections().is_empty() {
            return Err(ConfigError::NoProfile {
                profile: context.profile,
                config: sources.config_file.path.display().to_string(),
                credentials: sources.credentials_file.path.display().to_string(),
            });
        }
        Ok(context)
    }

    fn environment(&self, name: &str) -> Option<&str> {
        self.sources.environment(name)
    }

    /// The profile's section of the credentials file.
    fn in_credentials_file(&self) -> Option<&Section> {
        self.credentials.section(&self.profile)
    }

    /// The profile's section of the config file.
    fn in_config_file(&self) -> Option<&Section> {
        match self.profile.as_str() {
            "default" => {
                self.config.section("profile default").or_else(|| self.config.section("default"))
            }
            profile => self.config.section(&format!("profile {profile}")),
        }
    }

    /// The profile's sections; the credentials file speaks first, as in the AWS CLI.
    fn sections(&self) -> Vec<&Section> {
        self.in_credentials_file().into_iter().chain(self.in_config_file()).collect()
    }

    /// A setting of the profile.
    fn setting(&self, key: &str) -> Option<&str> {
        self.sections().into_iter().find_map(|section| section.get(key))
    }
}

/// Settings that stand for true.
fn is_true(text: &str) -> bool {
    text.eq_ignore_ascii_case("true")
}

#[cfg(test)]
mod tests;
