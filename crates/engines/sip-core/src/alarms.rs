//! The few deadlines of one state machine, each with its reason.

use std::time::Instant;

/// At most `N` deadlines at once. Linear search beats any structure at these sizes, and nothing is
/// allocated.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let mut alarms = sip_core::Alarms::<&str, 2>::default();
/// let now = Instant::now();
/// alarms.set("give up", now + Duration::from_secs(32));
/// alarms.set("send again", now + Duration::from_millis(500));
/// assert_eq!(alarms.pop_due(now), None);
/// assert_eq!(alarms.pop_due(now + Duration::from_secs(1)), Some("send again"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Alarms<T, const N: usize>([Option<(Instant, T)>; N]);

impl<T, const N: usize> Default for Alarms<T, N> {
    fn default() -> Self {
        Self([const { None }; N])
    }
}

impl<T: Copy + Ord, const N: usize> Alarms<T, N> {
    /// Sets a timer, replacing its earlier deadline.
    ///
    /// # Panics
    ///
    /// If `N` others are set: the states of the machine decide how many can be, not its peers.
    pub fn set(&mut self, timer: T, at: Instant) {
        self.stop(timer);
        let free = self.0.iter_mut().find(|it| it.is_none());
        *free.expect("a state machine names as many deadlines as its states run") =
            Some((at, timer));
    }

    /// Takes a timer's deadline away, if it has one.
    pub fn stop(&mut self, timer: T) {
        for alarm in &mut self.0 {
            if alarm.is_some_and(|(_, set)| set == timer) {
                *alarm = None;
            }
        }
    }

    /// Stops everything: a new state begins.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The soonest deadline and the reason for it; equal deadlines in timer order.
    #[must_use]
    pub fn next(&self) -> Option<(Instant, T)> {
        self.0.iter().flatten().min().copied()
    }

    /// Takes the soonest deadline if it has come.
    pub fn pop_due(&mut self, now: Instant) -> Option<T> {
        let (_, timer) = self.next().filter(|&(at, _)| at <= now)?;
        self.stop(timer);
        Some(timer)
    }
}
