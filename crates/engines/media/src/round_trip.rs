//! Round trip times from relayed RTCP.

use std::time::{Duration, Instant};

use crate::rtcp::{Block, SenderInfo};

/// How many sender reports are remembered until the peer answers one.
const REMEMBERED: usize = 4;

/// The longest round trip believed; a longer one is a report about another session.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(60);

/// The round trip between us and one leg's peer.
///
/// A relayed sender report carries an NTP time; the peer's next report names that time (LSR) and
/// how long it held it (DLSR). The time from our relaying the first to our hearing the second, less
/// DLSR, is the way from us to the peer and back. RFC 3550 §6.4.1, with the relay as the observer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RoundTrip {
    sent: [Option<(u32, Instant)>; REMEMBERED],
    next: u8,
    last: Option<Duration>,
}

impl RoundTrip {
    /// A sender report has been relayed to the peer.
    pub(crate) fn sent(&mut self, now: Instant, report: &SenderInfo) {
        self.sent[usize::from(self.next)] = Some((report.ntp_middle, now));
        self.next = (self.next + 1) % REMEMBERED as u8;
    }

    /// A report block of the peer has come.
    pub(crate) fn heard(&mut self, now: Instant, block: &Block) {
        if block.last_report == 0 {
            return;
        }
        let Some(&(_, sent)) =
            self.sent.iter().flatten().find(|(ntp_middle, _)| *ntp_middle == block.last_report)
        else {
            return;
        };
        let round_trip = now.saturating_duration_since(sent).saturating_sub(block.delay());
        if round_trip <= ROUND_TRIP_MAX {
            self.last = Some(round_trip);
        }
    }

    pub(crate) fn last(&self) -> Option<Duration> {
        self.last
    }
}
