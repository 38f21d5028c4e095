//! Whether the built-in carrier runs.

use super::key::{Key, Shape};
use super::problem::Problem;
use super::settings::Settings;

pub(super) const KEYS: &[Key] = &[Key::unset(
    "carriers.simulated",
    Shape::Flag,
    "Runs the built-in simulated carrier. Unset, it runs while no carrier has been added.",
)];

/// Carriers beside those that the operator adds. A value of this type has passed its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriersConfig {
    /// When the simulated carrier runs.
    pub simulated: Simulated,
}

/// When the simulated carrier runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Simulated {
    /// Always.
    On,
    /// Never.
    Off,
    /// While no carrier has been added.
    WhileAlone,
}

impl CarriersConfig {
    #[expect(clippy::unnecessary_wraps, reason = "every concern reads alike; any of them may fail")]
    pub(super) fn read(settings: &Settings) -> Result<Self, Problem> {
        let simulated = match settings.flag("carriers.simulated") {
            Some(true) => Simulated::On,
            Some(false) => Simulated::Off,
            None => Simulated::WhileAlone,
        };
        Ok(Self { simulated })
    }
}
