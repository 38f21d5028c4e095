//! What configuration is found in: the environment and the two shared files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::ConfigError;

/// The environment and the texts of the shared files.
#[derive(Clone, Default)]
pub struct Sources {
    environment: BTreeMap<String, Zeroizing<String>>,
    pub(super) config_file: SourceFile,
    pub(super) credentials_file: SourceFile,
}

/// A shared file: where it is looked for, and its text if it is there.
#[derive(Clone, Default)]
pub struct SourceFile {
    /// Where it is looked for; shown in messages.
    pub path: PathBuf,
    /// Its text; `None` when there is no such file.
    pub text: Option<Zeroizing<String>>,
}

impl Sources {
    /// Sources made of given values. Only variables that begin with `AWS_` matter.
    pub fn new<N, V>(
        environment: impl IntoIterator<Item = (N, V)>,
        config_file: SourceFile,
        credentials_file: SourceFile,
    ) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        let environment = environment
            .into_iter()
            .map(|(name, value)| (name.into(), Zeroizing::new(value.into())))
            .collect();
        Self { environment, config_file, credentials_file }
    }

    /// The environment of this process, and the files it points at.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] when a file is there and cannot be read as text.
    pub fn from_process() -> Result<Self, ConfigError> {
        // Values that are not Unicode cannot be meant for us.
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| name.starts_with("AWS_"))?;
            Some((name, value.into_string().ok()?))
        });
        let mut sources = Self::new(variables, SourceFile::default(), SourceFile::default());
        let home = std::env::home_dir();
        let path = |variable: &str, default: &str| {
            let home = home.as_deref();
            match sources.environment(variable) {
                Some(path) => expanded(path, home),
                None => home.unwrap_or(Path::new("")).join(".aws").join(default),
            }
        };
        let config = path("AWS_CONFIG_FILE", "config");
        let credentials = path("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        sources.config_file = SourceFile::read(config)?;
        sources.credentials_file = SourceFile::read(credentials)?;
        Ok(sources)
    }

    /// A variable that is set to something.
    pub(super) fn environment(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(|value| value.as_str()).filter(|value| !value.is_empty())
    }
}

impl SourceFile {
    /// Reads a file that need not exist.
    fn read(path: PathBuf) -> Result<Self, ConfigError> {
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Self { path, text: Some(Zeroizing::new(text)) }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self { path, text: None })
            }
            Err(source) => Err(ConfigError::Unreadable { path, source }),
        }
    }
}

/// `~/x` → `x` in the home directory.
fn expanded(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

impl std::fmt::Debug for Sources {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources")
            .field("environment", &self.environment.keys())
            .field("config_file", &self.config_file)
            .field("credentials_file", &self.credentials_file)
            .finish()
    }
}

impl std::fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let present = if self.text.is_some() { "present" } else { "absent" };
        write!(f, "SourceFile({}, {present})", self.path.display())
    }
}
