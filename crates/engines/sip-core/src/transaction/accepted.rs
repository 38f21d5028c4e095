//! The user agent server's duty for a 2xx: repeat it until the ACK comes.

use std::time::{Duration, Instant};

use super::{Alarms, Timer};
use crate::Timing;

/// A 2xx to an INVITE that waits for its ACK (RFC 3261 §13.3.1.4).
///
/// The interval starts at T1 and doubles up to T2, whatever the transport: an unreliable hop may
/// lie beyond a reliable one. The end at 64·T1 is the INVITE transaction's timer L, which starts
/// at the same moment.
#[derive(Debug)]
pub(super) struct AcceptedInvite {
    response: Vec<u8>,
    interval: Duration,
}

impl AcceptedInvite {
    pub(super) fn new(now: Instant, timing: &Timing, alarms: &mut Alarms, sent: &[u8]) -> Self {
        alarms.set(Timer::Answer, now + timing.t1);
        Self { response: sent.to_vec(), interval: timing.t1 }
    }

    /// The response to send again; the next repetition is set.
    pub(super) fn repeat(&mut self, now: Instant, timing: &Timing, alarms: &mut Alarms) -> Vec<u8> {
        self.interval = (self.interval * 2).min(timing.t2);
        alarms.set(Timer::Answer, now + self.interval);
        self.response.clone()
    }
}
