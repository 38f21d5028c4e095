//! The way to the API: where it is, as whom, and what the commands ask of it.
//!
//! Endpoint and credentials are found as the AWS CLI finds them. On the machine of the service
//! nothing needs to be set: without an endpoint the service of this machine is meant, and without
//! credentials the first key in its data directory.

use std::net::SocketAddr;

use api::operator::dto;
use chime_client::{Client, ConfigError, Endpoint, Overrides, SourceFile, Sources};
use chime_client::{Config as ClientConfig, Error as ClientError, Failure as Refusal};
use http::Method;
use model::{AccountId, KeyStatus};
use serde::Serialize;
use serde::de::DeserializeOwned;
use server::config::Config;

use crate::cli::{Common, RouteTestArgs};
use crate::failure::Failure;

/// The most items asked for at once.
const PAGE_MAX: u32 = 1000;

/// A client of the API and of the operator API beside it.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    client: Client,
}

/// Which calls to tell.
#[derive(Debug, Clone)]
pub(crate) struct CallQuery {
    /// `live` or `ended`; both if absent.
    pub(crate) state: Option<&'static str>,
    /// Those of one connector.
    pub(crate) connector: Option<String>,
    /// The most calls.
    pub(crate) limit: u32,
}

impl Connection {
    /// Finds where the API is and as whom to call it. Nothing is sent yet.
    pub(crate) fn open(common: &Common) -> Result<Self, Failure> {
        let found = Local::find();
        let overrides = Overrides {
            endpoint_url: common.endpoint_url.clone(),
            profile: common.profile.clone(),
            region: common.region.clone(),
            endpoint_url_default: Some(match &found {
                Ok(local) => local.endpoint.clone(),
                Err(_) => UNKNOWN_ENDPOINT.into(),
            }),
        };
        let config = match ClientConfig::from_process(&overrides) {
            // With a profile named, its absence is the caller's mistake.
            Err(ConfigError::NoCredentials { .. }) if common.profile.is_none() => {
                found.as_ref().map_err(not_local)?.with_first_key(overrides)?
            }
            Err(error @ ConfigError::Endpoint { .. }) if common.endpoint_url.is_some() => {
                return Err(Failure::Usage(error.to_string()));
            }
            resolved => resolved.map_err(Failure::of)?,
        };
        if let Err(broken) = found
            && Endpoint::parse(UNKNOWN_ENDPOINT, "").is_ok_and(|it| it == config.endpoint)
        {
            return Err(not_local(&broken));
        }
        Self::of(config)
    }

    /// A connection as configured.
    pub(crate) fn of(config: ClientConfig) -> Result<Self, Failure> {
        Client::new(config).map(|client| Self { client }).map_err(Failure::of)
    }

    /// The typed client.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Calls an operation by name with its input as JSON; `None` if success has no body.
    pub(crate) async fn call(
        &self,
        operation: &str,
        json: &str,
    ) -> Result<Option<serde_json::Value>, Failure> {
        let answer = self.client.call_raw(operation, json.as_bytes()).await.map_err(refused)?;
        if answer.body.is_empty() {
            return Ok(None);
        }
        read(&answer.body).map(Some)
    }

    pub(crate) async fn status(&self) -> Result<dto::Status, Failure> {
        self.get("/operator/status", &[]).await
    }

    pub(crate) async fn create_key(
        &self,
        request: &dto::CreateKey,
    ) -> Result<dto::CreatedKey, Failure> {
        self.post("/operator/keys", request).await
    }

    pub(crate) async fn keys(&self, account: Option<AccountId>) -> Result<dto::KeyList, Failure> {
        self.get("/operator/keys", &[("account", account.map(|it| it.to_string()))]).await
    }

    pub(crate) async fn set_key_status(
        &self,
        id: &str,
        status: KeyStatus,
    ) -> Result<dto::Key, Failure> {
        let verb = match status {
            KeyStatus::Enabled => "enable",
            KeyStatus::Disabled => "disable",
        };
        self.post(&format!("/operator/keys/{}/{verb}", encoded(id)), &serde_json::json!({})).await
    }

    pub(crate) async fn set_key_policy(
        &self,
        id: &str,
        request: &dto::SetKeyPolicy,
    ) -> Result<dto::Key, Failure> {
        self.put(&format!("/operator/keys/{}/policy", encoded(id)), request).await
    }

    pub(crate) async fn quotas(
        &self,
        account: Option<AccountId>,
    ) -> Result<dto::QuotaList, Failure> {
        self.get("/operator/quotas", &[("account", account.map(|it| it.to_string()))]).await
    }

    pub(crate) async fn set_quota(
        &self,
        quota: &str,
        request: &dto::SetQuota,
    ) -> Result<dto::AccountQuota, Failure> {
        self.put(&format!("/operator/quotas/{}", encoded(quota)), request).await
    }

    pub(crate) async fn reset_quota(
        &self,
        quota: &str,
        account: AccountId,
    ) -> Result<dto::AccountQuota, Failure> {
        let (path, query) =
            (format!("/operator/quotas/{}", encoded(quota)), format!("account={account}"));
        let answer = self.client.request(Method::DELETE, &path, &query, None).await;
        read(&answer.map_err(refused)?.body)
    }

    /// One page of audit records.
    pub(crate) async fn audit(
        &self,
        filter: &[(&str, Option<String>)],
        limit: u32,
        token: Option<String>,
    ) -> Result<dto::AuditPage, Failure> {
        let mut query = filter.to_vec();
        query.push(("max-results", Some(limit.clamp(1, PAGE_MAX).to_string())));
        query.push(("next-token", token));
        self.get("/operator/audit", &query).await
    }

    pub(crate) async fn delete_key(&self, id: &str) -> Result<(), Failure> {
        self.delete(&format!("/operator/keys/{}", encoded(id))).await
    }

    pub(crate) async fn add_carrier(
        &self,
        request: &dto::AddCarrier,
    ) -> Result<dto::Carrier, Failure> {
        self.post("/operator/carriers", request).await
    }

    pub(crate) async fn carriers(&self) -> Result<dto::CarrierList, Failure> {
        self.get("/operator/carriers", &[]).await
    }

    pub(crate) async fn route_test(&self, args: &RouteTestArgs) -> Result<dto::RouteTest, Failure> {
        let parameters = [
            ("from", Some(args.from.clone())),
            ("to", Some(args.to.clone())),
            ("src", Some(args.src.clone())),
            ("connector", args.connector.clone()),
            ("carrier", args.carrier.clone()),
        ];
        self.get("/operator/route-test", &parameters).await
    }

    pub(crate) async fn peers(&self) -> Result<dto::PeerList, Failure> {
        self.get("/operator/peers", &[]).await
    }

    pub(crate) async fn carrier(&self, name: &str) -> Result<dto::Carrier, Failure> {
        self.get(&format!("/operator/carriers/{}", encoded(name)), &[]).await
    }

    pub(crate) async fn remove_carrier(&self, name: &str) -> Result<(), Failure> {
        self.delete(&format!("/operator/carriers/{}", encoded(name))).await
    }

    pub(crate) async fn add_numbers(
        &self,
        request: &dto::AddNumbers,
    ) -> Result<dto::AddedNumbers, Failure> {
        self.post("/operator/numbers", request).await
    }

    /// The whole inventory, or what one account owns of it.
    pub(crate) async fn numbers(
        &self,
        account: Option<AccountId>,
    ) -> Result<Vec<dto::Number>, Failure> {
        let account = account.map(|it| it.to_string());
        let mut numbers = Vec::new();
        let mut token = None;
        loop {
            let query = [
                ("account", account.clone()),
                ("max-results", Some(PAGE_MAX.to_string())),
                ("next-token", token),
            ];
            let page: dto::NumberList = self.get("/operator/numbers", &query).await?;
            numbers.extend(page.numbers);
            token = page.next_token;
            if token.is_none() {
                return Ok(numbers);
            }
        }
    }

    pub(crate) async fn remove_number(&self, number: &str) -> Result<(), Failure> {
        self.delete(&format!("/operator/numbers/{}", encoded(number))).await
    }

    /// Calls, those that go on first, then newest first.
    pub(crate) async fn calls(&self, query: &CallQuery) -> Result<Vec<dto::Call>, Failure> {
        let mut calls: Vec<dto::Call> = Vec::new();
        let mut token = None;
        loop {
            let missing =
                query.limit.saturating_sub(u32::try_from(calls.len()).unwrap_or(u32::MAX));
            let parameters = [
                ("state", query.state.map(Into::into)),
                ("connector", query.connector.clone()),
                ("max-results", Some(missing.clamp(1, PAGE_MAX).to_string())),
                ("next-token", token),
            ];
            let page: dto::CallList = self.get("/operator/calls", &parameters).await?;
            calls.extend(page.calls);
            calls.truncate(query.limit as usize);
            token = page.next_token;
            if token.is_none() || calls.len() == query.limit as usize {
                return Ok(calls);
            }
        }
    }

    /// One call with every decision.
    pub(crate) async fn explain(&self, call: &str) -> Result<dto::Call, Failure> {
        self.get("/operator/explain", &[("call", Some(call.into()))]).await
    }

    /// The messages of one call that are still kept.
    pub(crate) async fn trace(&self, call: &str) -> Result<dto::Trace, Failure> {
        self.get("/operator/trace", &[("call", Some(call.into()))]).await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
    ) -> Result<T, Failure> {
        let query: Vec<String> = query
            .iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", encoded(value.as_deref()?))))
            .collect();
        let answer = self.client.request(Method::GET, path, &query.join("&"), None).await;
        read(&answer.map_err(refused)?.body)
    }

    async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).expect("our requests have text keys");
        let answer = self.client.request(Method::POST, path, "", Some(body.into())).await;
        read(&answer.map_err(refused)?.body)
    }

    async fn put<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).expect("our requests have text keys");
        let answer = self.client.request(Method::PUT, path, "", Some(body.into())).await;
        read(&answer.map_err(refused)?.body)
    }

    async fn delete(&self, path: &str) -> Result<(), Failure> {
        self.client.request(Method::DELETE, path, "", None).await.map(drop).map_err(refused)
    }
}

/// Stands for the endpoint of this machine's service while its configuration is broken. No host has
/// this name (RFC 6761 §6.4).
const UNKNOWN_ENDPOINT: &str = "http://trunkline.invalid";

/// The failure of a command that needs this machine's configuration.
fn not_local(broken: &server::config::ConfigError) -> Failure {
    Failure::Configuration(format!(
        "{broken}\nwithout it, it is not known where the service of this machine listens and where its key \
         is: put it right, or name another service with --endpoint-url and --profile"
    ))
}

/// The service on this machine, as its configuration tells.
struct Local {
    endpoint: String,
    credentials_file: std::path::PathBuf,
}

impl Local {
    /// A configuration that cannot be read is no reason not to talk to another machine's service, so
    /// it is a failure only where this machine's is meant.
    fn find() -> Result<Self, server::config::ConfigError> {
        let config = Config::load(server::config::Sources::of_process(None, None))?;
        let mut listen = config.http.listen;
        if listen.ip().is_unspecified() {
            listen.set_ip(match listen {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        if listen.port() == 0 {
            listen.set_port(8060);
        }
        let scheme = if config.http.tls.is_some() { "https" } else { "http" };
        Ok(Self {
            endpoint: format!("{scheme}://{listen}"),
            credentials_file: config.storage.credentials_file(),
        })
    }

    /// The configuration with the first key of the local service.
    fn with_first_key(&self, overrides: Overrides) -> Result<ClientConfig, Failure> {
        let path = &self.credentials_file;
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::Failed(format!(
                "no credentials are configured, and {} cannot be read ({error}); run this where \
                 `trunkline serve` runs, or set AWS_SHARED_CREDENTIALS_FILE and AWS_PROFILE",
                path.display()
            ))
        })?;
        let file = SourceFile { path: path.clone(), text: Some(text.into()) };
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with("AWS_"));
        let sources = Sources::new(variables, SourceFile::default(), file);
        let overrides = Overrides { profile: Some(server::PROFILE.into()), ..overrides };
        ClientConfig::resolve(&sources, &overrides).map_err(Failure::of)
    }
}

/// Percent-encodes everything but what is never reserved (RFC 3986 §2.3).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn refused(error: ClientError<Refusal>) -> Failure {
    let is_usage = matches!(error, ClientError::Input(_) | ClientError::UnknownOperation(_));
    let text = with_causes(&error);
    if is_usage { Failure::Usage(text) } else { Failure::Failed(text) }
}

/// The error and what lies behind it, as one sentence.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::Failed(format!(
            "the answer cannot be read ({error}); is the endpoint a trunkline service of this release?"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_id_survives_the_query() {
        assert_eq!(encoded("a84b@192.0.2.7 +1"), "a84b%40192.0.2.7%20%2B1");
    }
}
