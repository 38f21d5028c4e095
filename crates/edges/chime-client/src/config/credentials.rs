//! As whom to call.

use std::fmt;

use zeroize::Zeroizing;

use super::ini::Section;
use super::{ConfigError, Context};

/// An access key. The secret and the token are wiped on drop and never printed.
#[derive(Clone)]
pub struct Credentials {
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
}

impl Credentials {
    /// An access key, with the session token of a temporary one.
    #[must_use]
    pub fn new(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        session_token: Option<String>,
    ) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: Zeroizing::new(secret_access_key.into()),
            session_token: session_token.map(Zeroizing::new),
        }
    }

    /// The public half.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    pub(crate) fn secret_access_key(&self) -> &str {
        &self.secret_access_key
    }

    pub(crate) fn session_token(&self) -> Option<&str> {
        self.session_token.as_ref().map(|token| token.as_str())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, secret withheld)", self.access_key_id)
    }
}

/// Settings by which a profile gets credentials in ways that this client does not speak.
const MECHANISMS: &[&str] = &[
    "role_arn",
    "credential_process",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
    "login_session",
];

/// The first source that has credentials. A profile named on the command line is more explicit than
/// the environment; one named in the environment is not.
pub(super) fn find(context: &Context<'_>) -> Result<Credentials, ConfigError> {
    if context.overrides.profile.is_none()
        && let Some(found) = in_environment(context)?
    {
        return Ok(found);
    }
    let files = [
        (context.in_credentials_file(), &context.sources.credentials_file),
        (context.in_config_file(), &context.sources.config_file),
    ];
    // A profile that assumes a role may hold the keys to assume it with; those are not its own.
    if let Some(mechanism) = MECHANISMS.iter().find(|it| context.setting(it).is_some()) {
        let has_keys = context.setting("aws_access_key_id").is_some();
        if *mechanism == "role_arn" || !has_keys {
            return Err(ConfigError::Mechanism { profile: context.profile.clone(), mechanism });
        }
    }
    for (section, file) in files {
        let origin = || format!("the profile {:?} of {}", context.profile, file.path.display());
        if let Some(found) = section.map(|it| in_section(it, origin)).transpose()?.flatten() {
            return Ok(found);
        }
    }
    Err(ConfigError::NoCredentials {
        profile: context.profile.clone(),
        file: context.sources.credentials_file.path.display().to_string(),
    })
}

fn in_environment(context: &Context<'_>) -> Result<Option<Credentials>, ConfigError> {
    let token = context
        .environment("AWS_SESSION_TOKEN")
        .or_else(|| context.environment("AWS_SECURITY_TOKEN"));
    pair(
        context.environment("AWS_ACCESS_KEY_ID"),
        context.environment("AWS_SECRET_ACCESS_KEY"),
        token,
        || "the environment".to_owned(),
    )
}

fn in_section(
    section: &Section,
    origin: impl FnOnce() -> String,
) -> Result<Option<Credentials>, ConfigError> {
    let token = section.get("aws_session_token").or_else(|| section.get("aws_security_token"));
    pair(section.get("aws_access_key_id"), section.get("aws_secret_access_key"), token, origin)
}

fn pair(
    id: Option<&str>,
    secret: Option<&str>,
    token: Option<&str>,
    origin: impl FnOnce() -> String,
) -> Result<Option<Credentials>, ConfigError> {
    match (id, secret) {
        (Some(id), Some(secret)) => {
            Ok(Some(Credentials::new(id, secret, token.map(str::to_owned))))
        }
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => {
            Err(ConfigError::PartialCredentials { origin: origin() })
        }
    }
}
