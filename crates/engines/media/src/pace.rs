//! How much a leg's peer may send, and be sent before it is known.

use std::time::{Duration, Instant};

use crate::dropped::DropReason;

/// How many packets a leg's peer may send.
///
/// A bucket that holds one second's worth. It also ends loops: a packet that goes round between
/// calls empties it within milliseconds, and is dropped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// When the bucket will be full again.
    full_at: Instant,
}

const BURST: Duration = Duration::from_secs(1);

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Takes one packet; `every` is the time that it stands for.
    pub(crate) fn take(&mut self, now: Instant, every: Duration) -> Result<(), DropReason> {
        let full_at = self.full_at.max(now) + every;
        if full_at.saturating_duration_since(now) > BURST {
            return Err(DropReason::TooFast);
        }
        self.full_at = full_at;
        Ok(())
    }
}

/// What may be sent to an address that was only named, by a description that anybody can write.
///
/// Most callers send as soon as they can hear; some wait until they are answered, and hear the
/// ringing until then. So the limit is about as long as a telephone rings, and little enough that a
/// stranger's address that somebody names gets no more of a call than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnverifiedLimit {
    /// From the first packet on.
    pub time: Duration,
    /// Packets in all.
    pub packets: u32,
}

impl Default for UnverifiedLimit {
    /// 60 s and 6,000 packets.
    fn default() -> Self {
        Self { time: Duration::from_secs(60), packets: 6_000 }
    }
}

/// What has been sent to a peer that was not heard yet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Unverified {
    began: Option<Instant>,
    packets: u32,
}

impl Unverified {
    /// Spends one packet of the limit.
    pub(crate) fn spend(&mut self, now: Instant, limit: UnverifiedLimit) -> Result<(), DropReason> {
        let began = *self.began.get_or_insert(now);
        let is_over = now.saturating_duration_since(began) > limit.time;
        if is_over || self.packets >= limit.packets {
            return Err(DropReason::Unverified);
        }
        self.packets += 1;
        Ok(())
    }
}
