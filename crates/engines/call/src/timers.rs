//! The timers of a call, beside those of its transactions.

use std::time::Instant;

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

/// The deadlines of one call: never more than four at once, each with its reason.
#[derive(Debug, Default)]
pub(crate) struct Alarms([Option<(Instant, Timer)>; 4]);

impl Alarms {
    /// Sets a timer, replacing its earlier deadline.
    pub(crate) fn set(&mut self, timer: Timer, at: Instant) {
        self.stop(timer);
        let free = self.0.iter_mut().find(|it| it.is_none());
        *free.expect("no state of a call runs five timers") = Some((at, timer));
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        for alarm in &mut self.0 {
            if alarm.is_some_and(|(_, set)| set == timer) {
                *alarm = None;
            }
        }
    }

    /// Stops everything: a new state begins.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The soonest deadline and the reason for it; equal deadlines in timer order.
    pub(crate) fn next(&self) -> Option<(Instant, Timer)> {
        self.0.iter().flatten().min().copied()
    }

    /// Takes the soonest deadline if it has come.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        let (_, timer) = self.next().filter(|&(at, _)| at <= now)?;
        self.stop(timer);
        Some(timer)
    }
}
