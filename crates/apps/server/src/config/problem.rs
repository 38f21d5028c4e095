//! What can be wrong with a configuration, each with the place and the remedy.

use std::fmt;
use std::path::PathBuf;

use super::settings::Origin;

/// Everything found wrong with a configuration; never empty.
#[derive(Debug)]
pub struct ConfigError(pub Vec<Problem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// One thing that is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("cannot read {}: {error}; check the path given with --config", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{}:{line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What the reader of TOML says.
        message: String,
    },
    /// No key has this name.
    #[error("{origin}: there is no key \"{key}\"{}", suggestion(*nearest))]
    UnknownKey {
        /// Where it stands.
        origin: Origin,
        /// The name.
        key: String,
        /// The key that was probably meant.
        nearest: Option<&'static str>,
    },
    /// A key has a value of another shape.
    #[error("{origin}: {key} wants {wanted}, got {found}")]
    WrongShape {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: &'static str,
        /// The shape it wants.
        wanted: &'static str,
        /// What is there.
        found: String,
    },
    /// A value breaks a rule.
    #[error("{origin}: {key} = {seen} is refused: {rule}")]
    Refused {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: &'static str,
        /// The value.
        seen: String,
        /// The rule and what would be right.
        rule: String,
    },
    /// A key that this release knows the meaning of but cannot yet act on.
    #[error("{origin}: {key} is not available yet: {remedy}")]
    NotYet {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: &'static str,
        /// What to do instead.
        remedy: &'static str,
    },
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || "; `trunkline config print` lists every key".into(),
        |key| format!("; did you mean \"{key}\"?"),
    )
}
