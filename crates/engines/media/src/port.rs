//! Local ports: even for RTP, the next odd one for RTCP (RFC 3550 §11).

use std::collections::VecDeque;

/// The RTP port of a pair: even; RTCP is on the port above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalPort(u16);

impl LocalPort {
    /// An even port that is not 0.
    pub const fn parse(port: u16) -> Option<Self> {
        if port != 0 && port.is_multiple_of(2) { Some(Self(port)) } else { None }
    }

    /// The RTP port.
    pub const fn rtp(self) -> u16 {
        self.0
    }

    /// The RTCP port.
    pub const fn rtcp(self) -> u16 {
        self.0 + 1
    }
}

/// The ports that media may use, as whole pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    first: u16,
    last: u16,
}

/// A port range without one whole pair in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the media ports {min}–{max} hold no pair of an even port and the next odd one")]
pub struct PortRangeRefused {
    /// The lowest port asked for.
    pub min: u16,
    /// The highest port asked for.
    pub max: u16,
}

impl PortRange {
    /// All pairs within `min..=max`; an odd port at the low end or an even one at the high end is
    /// left out.
    pub const fn parse(min: u16, max: u16) -> Result<Self, PortRangeRefused> {
        let refused = PortRangeRefused { min, max };
        let low = if min == 0 { 2 } else { min };
        // An odd 65535 rounds up past the last port there is.
        let Some(first) = low.checked_next_multiple_of(2) else { return Err(refused) };
        if max < 1 || first > max - 1 {
            return Err(refused);
        }
        let last = if max.is_multiple_of(2) { max - 2 } else { max - 1 };
        if first > last {
            return Err(refused);
        }
        Ok(Self { first, last })
    }

    /// The lowest RTP port.
    pub const fn first(self) -> LocalPort {
        LocalPort(self.first)
    }

    /// How many pairs there are.
    pub const fn pairs(self) -> usize {
        ((self.last - self.first) / 2 + 1) as usize
    }

    /// The pair that `port`, RTP or RTCP, belongs to, counted from 0.
    pub const fn index(self, port: u16) -> Option<usize> {
        if port < self.first || port > self.last + 1 {
            return None;
        }
        Some(((port - self.first) / 2) as usize)
    }

    /// The pair at `index`.
    pub const fn port(self, index: usize) -> Option<LocalPort> {
        if index < self.pairs() { Some(LocalPort(self.first + 2 * index as u16)) } else { None }
    }
}

/// Every bound pair is in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no media port is free: all {bound} bound pairs are in calls")]
pub struct Exhausted {
    /// How many pairs are bound and in calls.
    pub bound: usize,
}

/// Which bound pairs are free, least recently used first.
///
/// That order lets a closed port rest as long as possible, so that the late packets of its last
/// call drain before the next call listens there.
#[derive(Debug, Default)]
pub struct PortPool {
    free: VecDeque<LocalPort>,
    taken: usize,
}

impl PortPool {
    /// A pool without ports; [`PortPool::add`] brings them as they are bound.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a pair that has just been bound.
    pub fn add(&mut self, port: LocalPort) {
        self.free.push_back(port);
    }

    /// Takes the pair that has rested longest.
    pub fn take(&mut self) -> Result<LocalPort, Exhausted> {
        let port = self.free.pop_front().ok_or(Exhausted { bound: self.taken })?;
        self.taken += 1;
        Ok(port)
    }

    /// Gives back a pair that was taken.
    pub fn release(&mut self, port: LocalPort) {
        debug_assert!(!self.free.contains(&port), "port {} is released twice", port.rtp());
        self.taken -= 1;
        self.free.push_back(port);
    }

    /// Pairs that can be taken now.
    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// Pairs in calls.
    pub fn taken(&self) -> usize {
        self.taken
    }
}
