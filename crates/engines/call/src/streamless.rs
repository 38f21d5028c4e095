//! Places that took no stream when one was tried for an INVITE too large for a datagram.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long a place is not asked again.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);
/// Places that are remembered at once; the next one takes the room of another.
const PLACES_MAX: usize = 10_000;

/// Until when each place is spared another trial, so that it costs its callers one second in an hour
/// at the most. That nothing listens there for streams says nothing of whether calls are taken there:
/// health knows nothing of it.
#[derive(Debug, Default)]
pub(crate) struct Streamless(BTreeMap<SocketAddr, Instant>);

impl Streamless {
    pub(crate) fn note(&mut self, now: Instant, place: SocketAddr) {
        if self.0.len() >= PLACES_MAX {
            self.0.retain(|_, until| *until > now);
        }
        if self.0.len() >= PLACES_MAX {
            self.0.pop_first();
        }
        self.0.insert(place, now + REMEMBERED);
    }

    pub(crate) fn knows(&self, now: Instant, place: SocketAddr) -> bool {
        self.0.get(&place).is_some_and(|until| *until > now)
    }
}
