//! The only reader of time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// One moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For timers: never goes back.
    pub instant: Instant,
    /// For records: milliseconds since 1970-01-01T00:00:00Z.
    pub unix_ms: u64,
}

/// Reads both clocks at once. A loop asks once per batch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock;

impl Clock {
    /// The moment now.
    pub fn now(self) -> Now {
        // A machine set to before 1970 gets the epoch: the timers are right all the same.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { instant: Instant::now(), unix_ms: since_epoch.as_millis() as u64 }
    }
}
