//! Whether a call can be heard in one direction alone.

use std::time::{Duration, Instant};

/// How lately the other side must have been heard, for this one's silence to be remarkable.
pub(crate) const RECENT: Duration = Duration::from_secs(2);

/// When a leg's peer was last heard, for finding out that only the other side of the call is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OneWay {
    /// When audio began to be expected.
    began: Instant,
    /// When the silence was looked at last.
    looked: Instant,
    heard: Heard,
}

/// Audio of a leg's peer. Reports do not count: they pass where audio does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    NotYet,
    At(Instant),
    /// The silence was told; the next packet ends it.
    Told,
}

impl OneWay {
    /// Audio is expected from now on.
    pub(crate) fn new(now: Instant) -> Self {
        Self { began: now, looked: now, heard: Heard::NotYet }
    }

    pub(crate) fn hear(&mut self, now: Instant) {
        self.heard = Heard::At(now);
    }

    /// When to look, given how long a silence may last; `None` once it was told.
    pub(crate) fn look_at(&self, after: Duration) -> Option<Instant> {
        match self.heard {
            Heard::NotYet => Some(self.looked + after),
            Heard::At(heard) => Some(heard.max(self.looked) + after),
            Heard::Told => None,
        }
    }

    /// Since when nothing has come.
    pub(crate) fn silent_since(&self) -> Instant {
        match self.heard {
            Heard::NotYet | Heard::Told => self.began,
            Heard::At(heard) => heard.max(self.began),
        }
    }

    pub(crate) fn was_heard_lately(&self, now: Instant) -> bool {
        match self.heard {
            Heard::At(heard) => now.saturating_duration_since(heard) < RECENT,
            Heard::NotYet | Heard::Told => false,
        }
    }

    /// The silence is told, once.
    pub(crate) fn tell(&mut self) {
        self.heard = Heard::Told;
    }

    /// The other side was not heard either: looked at again later.
    pub(crate) fn wait(&mut self, now: Instant) {
        self.looked = now;
    }
}
