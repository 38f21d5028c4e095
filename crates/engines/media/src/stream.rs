//! What one RTP stream tells of the path it came by. RFC 3550 §6.4.1, Appendix A.

use std::time::{Duration, Instant};

/// Samples per second of everything a trunk carries: the unit of RTP timestamps here.
const CLOCK_HZ: u64 = 8000;

/// A jump ahead that is still loss and no new stream. RFC 3550 A.1.
const DROPOUT_MAX: u16 = 3000;

/// How far behind a packet may be and still be called late. RFC 3550 A.1.
const MISORDER_MAX: u16 = 100;

/// Loss and jitter of the packets heard from one source.
#[derive(Debug, Clone, Copy)]
pub struct StreamStats {
    run: Option<Run>,
    epoch: Instant,
    /// Packets expected and received in runs before this one: a new SSRC or a restart.
    past_expected: u64,
    past_received: u64,
    jitter_max: u32,
    gaps: Gaps,
}

/// Holes in the numbering of packets, as they are seen while packets come: these only rise, so that
/// they can be counted over all calls at any time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Packets that had not come when a later one did.
    pub missing: u64,
    /// Packets that came behind a later one, repeats among them. What is missing for good is
    /// `missing` without these.
    pub late: u64,
}

impl std::ops::AddAssign for Gaps {
    fn add_assign(&mut self, other: Self) {
        self.missing += other.missing;
        self.late += other.late;
    }
}

/// One unbroken numbering of packets.
#[derive(Debug, Clone, Copy)]
struct Run {
    ssrc: u32,
    base: u16,
    max: u16,
    cycles: u32,
    received: u64,
    /// The number that, coming next, proves that the sender started anew.
    restart: Option<u16>,
    transit: Option<u32>,
    /// Interarrival jitter times 16, in timestamp units. RFC 3550 A.8.
    jitter_q4: u32,
}

impl StreamStats {
    /// Statistics of a stream that begins to be listened to at `now`.
    pub fn new(now: Instant) -> Self {
        Self {
            run: None,
            epoch: now,
            past_expected: 0,
            past_received: 0,
            jitter_max: 0,
            gaps: Gaps::default(),
        }
    }

    /// Takes note of a packet whose timestamp is the time it was made: jitter counts.
    pub fn hear(&mut self, now: Instant, ssrc: u32, sequence: u16, timestamp: u32) {
        if !self.hear_number(ssrc, sequence) {
            return;
        }
        let since = now.saturating_duration_since(self.epoch);
        let arrival = (since.as_micros() as u64 * CLOCK_HZ / 1_000_000) as u32;
        let Some(run) = &mut self.run else { return };
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(before) = run.transit.replace(transit) {
            let difference = (transit.wrapping_sub(before) as i32).unsigned_abs();
            // A leap of more than a second is a new timeline (transfer, music on hold), not jitter.
            if u64::from(difference) < CLOCK_HZ {
                run.jitter_q4 = run.jitter_q4 + difference - ((run.jitter_q4 + 8) >> 4);
            }
        }
        self.jitter_max = self.jitter_max.max(run.jitter_q4 >> 4);
    }

    /// Takes note of a packet whose timestamp is not the time it was made (an RFC 4733 event).
    pub fn hear_event(&mut self, ssrc: u32, sequence: u16) {
        self.hear_number(ssrc, sequence);
    }

    /// Whether the packet belongs to the run. RFC 3550 A.1, without its probation: the latch proves
    /// sources before packets come here.
    fn hear_number(&mut self, ssrc: u32, sequence: u16) -> bool {
        let Some(run) = self.run.as_mut().filter(|run| run.ssrc == ssrc) else {
            self.begin(ssrc, sequence);
            return true;
        };
        let ahead = sequence.wrapping_sub(run.max);
        if ahead < DROPOUT_MAX {
            if sequence < run.max {
                run.cycles += 1 << 16;
            }
            run.max = sequence;
            self.gaps.missing += u64::from(ahead.saturating_sub(1));
        } else if ahead <= u16::MAX - MISORDER_MAX {
            if run.restart != Some(sequence) {
                run.restart = Some(sequence.wrapping_add(1));
                return false;
            }
            self.begin(ssrc, sequence);
            return true;
        } else {
            self.gaps.late += 1;
        }
        run.received += 1;
        true
    }

    fn begin(&mut self, ssrc: u32, sequence: u16) {
        self.past_expected = self.packets_expected();
        self.past_received = self.packets_received();
        let jitter_q4 = self.run.map_or(0, |run| run.jitter_q4);
        self.run = Some(Run {
            ssrc,
            base: sequence,
            max: sequence,
            cycles: 0,
            received: 1,
            restart: None,
            transit: None,
            jitter_q4,
        });
    }

    /// Packets that the numbering says were sent.
    pub fn packets_expected(&self) -> u64 {
        self.past_expected + self.run.map_or(0, |run| u64::from(run.expected()))
    }

    /// Packets that came, repeats included.
    pub fn packets_received(&self) -> u64 {
        self.past_received + self.run.map_or(0, |run| run.received)
    }

    /// Packets that did not come; repeats may hide some. RFC 3550 A.3.
    pub fn packets_lost(&self) -> u64 {
        self.packets_expected().saturating_sub(self.packets_received())
    }

    /// Holes in the numbering so far.
    pub fn gaps(&self) -> Gaps {
        self.gaps
    }

    /// Interarrival jitter now. RFC 3550 A.8.
    pub fn jitter(&self) -> Duration {
        samples(self.run.map_or(0, |run| run.jitter_q4 >> 4))
    }

    /// The highest the jitter has been.
    pub fn jitter_max(&self) -> Duration {
        samples(self.jitter_max)
    }

    /// The report block of this stream but for its times: SSRC, extended highest sequence number,
    /// jitter in timestamp units; `None` before the first packet.
    pub fn reception(&self) -> Option<(u32, u32, u32)> {
        self.run.map(|run| (run.ssrc, run.cycles + u32::from(run.max), run.jitter_q4 >> 4))
    }
}

impl Run {
    fn expected(&self) -> u32 {
        // A packet from before the first one we heard makes it neither more nor fewer.
        (self.cycles + u32::from(self.max)).wrapping_sub(u32::from(self.base)).wrapping_add(1)
    }
}

fn samples(count: u32) -> Duration {
    Duration::from_micros(u64::from(count) * 1_000_000 / CLOCK_HZ)
}
