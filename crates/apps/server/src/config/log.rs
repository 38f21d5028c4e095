//! What is logged, and how it looks.

use super::key::Key;
use super::nearest;
use super::problem::Problem;
use super::settings::Settings;

pub(super) const KEYS: &[Key] = &[
    Key::text(
        "log.format",
        "auto",
        "text, json (one object per line), or auto: text on a terminal, json elsewhere.",
    ),
    Key::text("log.level", "info", "error, warn, info, debug or trace."),
];

/// The log. A value of this type has passed its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// How lines look.
    pub format: LogFormat,
    /// The least important level that is written.
    pub level: tracing::Level,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl LogConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, Problem> {
        let format = match settings.text("log.format") {
            Some("auto") => LogFormat::Auto,
            Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(_) | None => {
                return Err(one_of(settings, "log.format", &["auto", "text", "json"]));
            }
        };
        const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
        let level = settings
            .text("log.level")
            .filter(|it| LEVELS.contains(it))
            .and_then(|it| it.parse().ok())
            .ok_or_else(|| one_of(settings, "log.level", &LEVELS))?;
        Ok(Self { format, level })
    }
}

/// Refuses a value that is none of the choices, naming the nearest.
pub(super) fn one_of(settings: &Settings, path: &str, choices: &[&str]) -> Problem {
    let typed = settings.text(path).unwrap_or_default();
    let meant = nearest(typed, choices.iter().copied())
        .map(|it| format!("; did you mean {it}?"))
        .unwrap_or_default();
    settings.refuse(path, format!("it must be one of {}{meant}", choices.join(", ")))
}
