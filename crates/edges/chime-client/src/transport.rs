//! One request out, one answer in, over kept-alive connections.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use chime_api::Effect;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use zeroize::Zeroizing;

use crate::config::{Config, Scheme};
use crate::retry::{self, Outcome, Policy, Verdict};
use crate::sign::{self, SignError, Unsigned};

/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// How long an unused connection is kept.
const IDLE_MAX: Duration = Duration::from_secs(30);

const JSON: &str = "application/json";

const AGENT: &str = concat!("trunkline-chime-client/", env!("CARGO_PKG_VERSION"));

/// The service could not be asked, or did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The request cannot be signed, as its parts or the credentials are malformed.
    #[error("{0}")]
    Unsignable(String),
    /// The path or query given is no part of a URL.
    #[error("the path and query make no URL; percent-encode them")]
    Url,
    /// There is no connection to the endpoint.
    #[error("cannot connect to {endpoint}: is it running, and is the endpoint right?")]
    Connect {
        /// The endpoint.
        endpoint: String,
        /// What the network says.
        #[source]
        source: hyper_util::client::legacy::Error,
    },
    /// The connection broke before the answer was there.
    #[error("{endpoint} broke off before it had answered")]
    Broken {
        /// The endpoint.
        endpoint: String,
        /// What broke.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer within the time of one attempt.
    #[error("{endpoint} did not answer within {after:?}")]
    TimedOut {
        /// The endpoint.
        endpoint: String,
        /// The time given to one attempt.
        after: Duration,
    },
}

/// TLS cannot be set up for the endpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A certificate bundle cannot be read.
    #[error("cannot read the certificates of {path}; AWS_CA_BUNDLE or ca_bundle names it")]
    Bundle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The system has no certificate authorities to trust.
    #[error(
        "this system has no trusted certificates; install ca-certificates or set AWS_CA_BUNDLE"
    )]
    NoRoots,
    /// The TLS library refuses its own defaults.
    #[error("TLS cannot be set up")]
    Library(#[from] rustls::Error),
}

/// A request before signing, with what is needed to repeat it.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: http::Method,
    /// Path below the endpoint, percent-encoded.
    pub(crate) path: &'a str,
    /// Query without its question mark.
    pub(crate) query: &'a str,
    pub(crate) body: Option<Zeroizing<Vec<u8>>>,
    pub(crate) effect: Effect,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub(crate) struct Exchanged {
    pub(crate) status: u16,
    pub(crate) error_type: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Bytes,
}

/// The connection pool of one endpoint, with what is needed to sign for it.
pub(crate) struct Transport {
    http: HyperClient<HttpsConnector<HttpConnector>, Full<Bytes>>,
    config: Config,
}

impl Transport {
    pub(crate) fn new(config: Config) -> Result<Self, TlsError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(config.limits.connect_timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(&config)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let http = HyperClient::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_MAX)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { http, config })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Sends a request until there is an answer worth having, an error that will not pass, or no
    /// attempt left.
    pub(crate) async fn exchange(
        &self,
        outgoing: Outgoing<'_>,
    ) -> Result<Exchanged, ExchangeError> {
        let limits = &self.config.limits;
        let policy = Policy { attempts_max: limits.attempts_max, backoff: limits.backoff };
        let url = self.config.endpoint.url(outgoing.path, outgoing.query);
        let body = outgoing.body.map(Bytes::from_owner);
        let mut attempt = 1;
        loop {
            let sent = self.attempt(&outgoing.method, &url, body.clone());
            let answered = match tokio::time::timeout(limits.attempt_timeout, sent).await {
                Ok(answered) => answered,
                Err(_) => Err(ExchangeError::TimedOut {
                    endpoint: self.config.endpoint.to_string(),
                    after: limits.attempt_timeout,
                }),
            };
            let Some(outcome) = outcome(&answered) else { return answered };
            match retry::verdict(policy, outgoing.effect, attempt, outcome, dice()) {
                Verdict::Final => return answered,
                Verdict::Again(wait) => tokio::time::sleep(wait).await,
            }
            attempt += 1;
        }
    }

    async fn attempt(
        &self,
        method: &http::Method,
        url: &str,
        body: Option<Bytes>,
    ) -> Result<Exchanged, ExchangeError> {
        let request = self.signed(method, url, body)?;
        let endpoint = || self.config.endpoint.to_string();
        let response = self.http.request(request).await.map_err(|source| {
            let endpoint = endpoint();
            if source.is_connect() {
                ExchangeError::Connect { endpoint, source }
            } else {
                ExchangeError::Broken { endpoint, source: Box::new(source) }
            }
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|source| ExchangeError::Broken { endpoint: endpoint(), source })?
            .to_bytes();
        Ok(Exchanged {
            status: head.status.as_u16(),
            error_type: text(&head.headers, "x-amzn-errortype"),
            request_id: text(&head.headers, "x-amzn-requestid"),
            retry_after: text(&head.headers, RETRY_AFTER.as_str())
                .and_then(|seconds| seconds.parse().ok())
                .map(Duration::from_secs),
            body,
        })
    }

    /// Each attempt is signed anew, as a signature is good for some minutes only.
    fn signed(
        &self,
        method: &http::Method,
        url: &str,
        body: Option<Bytes>,
    ) -> Result<Request<Full<Bytes>>, ExchangeError> {
        let content_type = body.is_some().then_some(JSON);
        let body = body.unwrap_or_default();
        let unsigned = Unsigned { method: method.as_str(), url, content_type, body: &body };
        let (credentials, region) = (&self.config.credentials, &self.config.region);
        let headers = sign::headers(unsigned, credentials, region, SystemTime::now())
            .map_err(|error: SignError| ExchangeError::Unsignable(error.to_string()))?;
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .body(Full::new(body))
            .map_err(|_| ExchangeError::Url)?;
        request.headers_mut().extend(headers);
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if content_type.is_some() {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        }
        Ok(request)
    }
}

/// What an attempt means for a next one; `None` when no other attempt can fare differently.
fn outcome(answered: &Result<Exchanged, ExchangeError>) -> Option<Outcome> {
    match answered {
        Ok(answer) => {
            Some(Outcome::Status { code: answer.status, retry_after: answer.retry_after })
        }
        Err(ExchangeError::Connect { .. }) => Some(Outcome::NotSent),
        Err(ExchangeError::Broken { .. } | ExchangeError::TimedOut { .. }) => {
            Some(Outcome::Unanswered)
        }
        Err(ExchangeError::Unsignable(_) | ExchangeError::Url) => None,
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// A random number in `0.0..1.0`, good enough to spread retries.
fn dice() -> f64 {
    let random = RandomState::new().hash_one(0_u8);
    f64::from(u32::try_from(random >> 32).expect("the upper half has 32 bits"))
        / (f64::from(u32::MAX) + 1.0)
}

/// TLS as the endpoint needs it. A plain endpoint needs no certificates, so none are looked for.
fn tls(config: &Config) -> Result<rustls::ClientConfig, TlsError> {
    let mut roots = rustls::RootCertStore::empty();
    match (config.endpoint.scheme(), &config.ca_bundle) {
        (Scheme::Http, _) => {}
        (Scheme::Https, Some(path)) => {
            for certificate in bundle(path)? {
                roots.add(certificate).map_err(|error| TlsError::Bundle {
                    path: path.clone(),
                    source: Box::new(error),
                })?;
            }
        }
        (Scheme::Https, None) => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(TlsError::NoRoots);
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

fn bundle(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let refuse = |source| TlsError::Bundle { path: path.clone(), source };
    let pem = fs::read(path).map_err(|error| refuse(Box::new(error)))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(found) if found.is_empty() => Err(refuse("it holds no certificate".into())),
        Ok(found) => Ok(found),
        Err(error) => Err(refuse(Box::new(error))),
    }
}
