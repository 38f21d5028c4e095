//! Nonce counts that were seen, in bounded memory.

use std::collections::BTreeMap;
use std::time::Duration;

use model::UnixMillis;

use super::nonce::Issue;

/// Counts up to this far below a nonce's highest are still told apart; requests may overtake each
/// other over UDP.
const REACH: u32 = 64;

/// Which nonce counts of which nonces have been used (RFC 7616 §3.3, "nc").
///
/// Only a right response gets in here, so only real users cost memory. If more nonces than
/// `tracked_max` are in use, the oldest is forgotten, and it and everything older is stale from
/// then on: forgetting never lets a replay through.
pub(super) struct Replays {
    windows: BTreeMap<u64, Window>,
    tracked_max: usize,
    /// Nonces up to this serial number are no longer told apart.
    floor: u64,
    lifetime: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    issued: UnixMillis,
    highest: u32,
    /// Bit n: `highest - n` was used.
    used: u64,
}

/// Whether a nonce count may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// For the first time.
    New,
    /// It was used, or is too far behind to know.
    Used,
    /// The nonce has been forgotten.
    Forgotten,
}

impl Replays {
    pub(super) fn new(tracked_max: usize, lifetime: Duration) -> Self {
        Self { windows: BTreeMap::new(), tracked_max: tracked_max.max(1), floor: 0, lifetime }
    }

    /// Uses a nonce count, of a nonce that is fresh and with a response that is right.
    pub(super) fn take(&mut self, now: UnixMillis, nonce: Issue, count: u32) -> Count {
        self.forget_expired(now);
        if nonce.serial <= self.floor {
            return Count::Forgotten;
        }
        if let Some(window) = self.windows.get_mut(&nonce.serial) {
            return window.take(count);
        }
        if self.windows.len() >= self.tracked_max {
            let (&oldest, _) = self.windows.first_key_value().expect("a full table has a first");
            if nonce.serial < oldest {
                self.floor = nonce.serial;
                return Count::Forgotten;
            }
            self.windows.remove(&oldest);
            self.floor = oldest;
        }
        let window = Window { issued: nonce.at, highest: count, used: 1 };
        self.windows.insert(nonce.serial, window);
        Count::New
    }

    /// Expired nonces are refused before they come here, so their windows can go.
    fn forget_expired(&mut self, now: UnixMillis) {
        while let Some(first) = self.windows.first_entry() {
            if Duration::from_millis(now.since(first.get().issued)) <= self.lifetime {
                break;
            }
            self.floor = *first.key();
            first.remove();
        }
    }
}

impl Window {
    fn take(&mut self, count: u32) -> Count {
        if count > self.highest {
            let ahead = count - self.highest;
            self.used = self.used.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = count;
            return Count::New;
        }
        let behind = self.highest - count;
        if behind >= REACH || self.used & 1 << behind != 0 {
            return Count::Used;
        }
        self.used |= 1 << behind;
        Count::New
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn nonce(serial: u64) -> Issue {
        Issue { serial, at: NOW }
    }

    fn replays(tracked_max: usize) -> Replays {
        Replays::new(tracked_max, Duration::from_secs(60))
    }

    #[test]
    fn each_nonce_count_is_good_once_in_whatever_order_they_come() {
        let mut replays = replays(10);
        for count in [1, 3, 2, 70, 69, 7] {
            assert_eq!(replays.take(NOW, nonce(1), count), Count::New, "{count}");
            assert_eq!(replays.take(NOW, nonce(1), count), Count::Used, "{count}");
        }
        assert_eq!(replays.take(NOW, nonce(1), 6), Count::Used, "too far behind to know");
        assert_eq!(replays.take(NOW, nonce(1), u32::MAX), Count::New);
        assert_eq!(replays.take(NOW, nonce(2), 1), Count::New, "another nonce counts anew");
    }

    #[test]
    fn forgetting_a_nonce_makes_it_stale_and_never_fresh() {
        let mut replays = replays(2);
        for serial in 1..=3 {
            assert_eq!(replays.take(NOW, nonce(serial), 1), Count::New);
        }
        assert_eq!(replays.windows.len(), 2);
        assert_eq!(replays.take(NOW, nonce(1), 1), Count::Forgotten);
        assert_eq!(replays.take(NOW, nonce(1), 2), Count::Forgotten);
    }

    #[test]
    fn a_nonce_older_than_a_full_table_is_turned_away() {
        let mut replays = replays(1);
        assert_eq!(replays.take(NOW, nonce(5), 1), Count::New);
        assert_eq!(replays.take(NOW, nonce(4), 1), Count::Forgotten);
        assert_eq!(replays.take(NOW, nonce(5), 1), Count::Used);
    }

    #[test]
    fn expired_nonces_leave_the_table() {
        let mut replays = replays(10);
        replays.take(NOW, nonce(1), 1);
        let later = UnixMillis(NOW.0 + 60_001);
        replays.take(later, Issue { serial: 2, at: later }, 1);
        assert_eq!(replays.windows.len(), 1);
    }
}
