//! How a command fails: what is said, and which exit code a script sees.

use std::fmt;
use std::process::ExitCode;

/// A command that did not do what it was asked. `Display` is a sentence with the remedy.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The thing asked for failed.
    Failed(String),
    /// It failed, and the reason has been printed already as the command's result.
    Told,
    /// The command line cannot be right.
    Usage(String),
    /// The configuration is bad.
    Configuration(String),
}

impl Failure {
    /// The exit code: 1, 2, or 78 (`EX_CONFIG` of `sysexits.h`).
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed(_) | Self::Told => 1,
            Self::Usage(_) => 2,
            Self::Configuration(_) => 78,
        })
    }

    /// A failure of one thing, told by what went wrong with it.
    pub(crate) fn of(error: impl fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(text) | Self::Usage(text) | Self::Configuration(text) => f.write_str(text),
            Self::Told => Ok(()),
        }
    }
}

impl From<server::StartError> for Failure {
    fn from(error: server::StartError) -> Self {
        if let server::StartError::Config(error) = error {
            return error.into();
        }
        Self::of(error)
    }
}

impl From<server::config::ConfigError> for Failure {
    fn from(error: server::config::ConfigError) -> Self {
        Self::Configuration(error.to_string())
    }
}

impl From<model::Refused> for Failure {
    fn from(refused: model::Refused) -> Self {
        Self::Usage(refused.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `serve` makes of a thread that has panicked: `server` tells which, and ends.
    #[test]
    fn a_part_of_the_service_that_ended_by_itself_is_exit_code_1_with_the_parts_name() {
        let failure = Failure::of(server::PartEnded { part: "media" });
        assert_eq!(format!("{:?}", failure.exit_code()), format!("{:?}", ExitCode::from(1)));
        let told = failure.to_string();
        assert!(
            told.contains("the media thread has ended") && told.contains("restarted"),
            "{told}"
        );
    }
}
