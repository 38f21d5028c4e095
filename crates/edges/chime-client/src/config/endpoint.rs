//! Where to call.

use std::fmt;

use http::Uri;

use super::{ConfigError, Context, Overrides, is_true};

/// The service in environment variables and in `services` sections.
const VARIABLE: &str = "AWS_ENDPOINT_URL_CHIME_SDK_VOICE";
const SERVICE: &str = "chime_sdk_voice";

/// An endpoint: scheme, host, port and possibly a path that everything lies below.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    scheme: Scheme,
    authority: String,
    /// Without a slash at its end.
    base_path: String,
}

/// How an endpoint is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Endpoint {
    /// Reads an endpoint such as `http://127.0.0.1:8060`; `origin` says in errors where it is from.
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] when it is no `http` or `https` URL of a host.
    pub fn parse(url: &str, origin: &str) -> Result<Self, ConfigError> {
        let refuse = |reason| {
            let url = url.chars().take(200).collect();
            ConfigError::Endpoint { origin: origin.to_owned(), url, reason }
        };
        let uri: Uri = url.trim().parse().map_err(|_| refuse("it is no URL"))?;
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            _ => return Err(refuse("it does not begin with http:// or https://")),
        };
        let authority = uri.authority().ok_or_else(|| refuse("it names no host"))?.as_str();
        if authority.contains('@') {
            return Err(refuse("it holds a user or password"));
        }
        if uri.query().is_some() {
            return Err(refuse("it holds a query"));
        }
        let base_path = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { scheme, authority: authority.to_owned(), base_path })
    }

    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The whole URL of a path and query, both percent-encoded.
    pub(crate) fn url(&self, path: &str, query: &str) -> String {
        let separator = if query.is_empty() { "" } else { "?" };
        format!("{self}{path}{separator}{query}")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}{}", self.authority, self.base_path)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

/// The endpoint that somebody configured, if anybody did.
pub(super) fn configured(context: &Context<'_>) -> Result<Option<Endpoint>, ConfigError> {
    if let Some(url) = &context.overrides.endpoint_url {
        return Endpoint::parse(url, "--endpoint-url").map(Some);
    }
    let ignored = context
        .environment("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        .or_else(|| context.setting("ignore_configured_endpoint_urls"))
        .is_some_and(is_true);
    if ignored {
        return Ok(None);
    }
    for variable in [VARIABLE, "AWS_ENDPOINT_URL"] {
        if let Some(url) = context.environment(variable) {
            return Endpoint::parse(url, variable).map(Some);
        }
    }
    if let Some(services) = context.setting("services") {
        let section = context.config.section(&format!("services {services}")).ok_or_else(|| {
            let profile = context.profile.clone();
            ConfigError::NoServices { profile, services: services.to_owned() }
        })?;
        if let Some(url) = section.get_nested(SERVICE, "endpoint_url") {
            return Endpoint::parse(url, &format!("[services {services}]")).map(Some);
        }
    }
    match context.setting("endpoint_url") {
        Some(url) => {
            let origin = format!("endpoint_url of the profile {:?}", context.profile);
            Endpoint::parse(url, &origin).map(Some)
        }
        None => Ok(None),
    }
}

/// The endpoint that the caller would have instead of Amazon's.
pub(super) fn default_of(overrides: &Overrides) -> Result<Option<Endpoint>, ConfigError> {
    let url = overrides.endpoint_url_default.as_deref();
    url.map(|url| Endpoint::parse(url, "the default endpoint")).transpose()
}

/// Amazon's endpoint for a region.
pub(super) fn of_amazon(context: &Context<'_>, region: &str) -> Result<Endpoint, ConfigError> {
    let wanted = |variable: &str, setting: &str| {
        let configured = context.environment(variable).or_else(|| context.setting(setting));
        configured.is_some_and(is_true)
    };
    let fips = if wanted("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint") { "-fips" } else { "" };
    let domain = if wanted("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint") {
        "api.aws"
    } else {
        "amazonaws.com"
    };
    Endpoint::parse(&format!("https://voice-chime{fips}.{region}.{domain}"), "the region")
}
