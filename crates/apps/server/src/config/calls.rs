//! Which calls are let in, and how long they may be.

use std::time::Duration;

use super::key::Key;
use super::log::one_of;
use super::problem::Problem;
use super::settings::Settings;

pub(super) const KEYS: &[Key] = &[
    Key::text(
        "calls.caller_id",
        "inventory",
        "Which From numbers may call out: inventory (owned by the account) or any.",
    ),
    Key::integer("calls.live_max", "20000", "Calls at once; the next INVITE is answered 503."),
    Key::integer("calls.ring_timeout_s", "180", "Seconds a call may ring before it is given up."),
    Key::integer("calls.length_max_s", "14400", "Seconds an answered call may last."),
    Key::integer(
        "calls.silence_max_s",
        "60",
        "Seconds without any RTP or RTCP from either side before an answered call is ended.",
    ),
];

/// Rules and limits of calls. A value of this type has passed its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallsConfig {
    /// Which From numbers may call out.
    pub caller_id: CallerId,
    /// Calls at once.
    pub live_max: usize,
    /// How long a call may ring.
    pub ring_timeout: Duration,
    /// How long an answered call may last.
    pub length_max: Duration,
    /// How long an answered call may be silent on both sides.
    pub silence_max: Duration,
}

/// Which From numbers may call out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerId {
    /// Those that the connector's account owns.
    Inventory,
    /// Any.
    Any,
}

impl CallsConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, Problem> {
        let caller_id = match settings.text("calls.caller_id") {
            Some("inventory") => CallerId::Inventory,
            Some("any") => CallerId::Any,
            Some(_) | None => {
                return Err(one_of(settings, "calls.caller_id", &["inventory", "any"]));
            }
        };
        Ok(Self {
            caller_id,
            live_max: settings.integer("calls.live_max", 1..=1_000_000)?,
            ring_timeout: settings.seconds("calls.ring_timeout_s", 1..=3_600)?,
            length_max: settings.seconds("calls.length_max_s", 1..=604_800)?,
            silence_max: settings.seconds("calls.silence_max_s", 1..=86_400)?,
        })
    }
}
