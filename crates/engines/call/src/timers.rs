//! The timers of a call, beside those of its transactions.

use media::Side;

/// Why a call wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The carrier has not said anything yet.
    Progress,
    /// Nobody has answered yet.
    Ring,
    /// The call has lasted as long as it may.
    Duration,
    /// The media thread has not reported yet.
    Report,
    /// The caller has not acknowledged a provisional response yet.
    Provisional,
    /// A leg's session wants to be refreshed, or was not.
    Session(Side),
}

/// The deadlines of one call: no state of it runs five timers.
pub(crate) type Alarms = sip_core::Alarms<Timer, 4>;
