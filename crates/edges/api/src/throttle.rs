//! A token bucket per access key, and per account for what has a pace of its own.

use std::sync::{Mutex, PoisonError};

use model::UnixMillis;

use crate::config::Rate;
use crate::error::{ApiError, ErrorKind};

/// How much may still be asked. One request costs 1,000 millitokens, so that a rate per second is
/// a whole number of millitokens per millisecond.
#[derive(Debug)]
pub(crate) struct Bucket(Mutex<Level>);

#[derive(Debug, Clone, Copy)]
struct Level {
    millitokens: u64,
    at: UnixMillis,
}

const REQUEST: u64 = 1000;

impl Bucket {
    /// The bucket of whoever is rested.
    pub(crate) fn full() -> Self {
        Self(Mutex::new(Level { millitokens: u64::MAX, at: UnixMillis(0) }))
    }

    /// Takes one request's worth of a key, or says how long to wait.
    pub(crate) fn take(&self, now: UnixMillis, rate: Rate) -> Result<(), ApiError> {
        self.draw(now, rate).map_err(|wait_s| {
            ApiError::new(
                ErrorKind::Throttled,
                format!(
                    "rate exceeded: this access key may send {} requests per second, {} at once; \
                     slow down, or have the operator raise api.requests_per_second",
                    rate.per_second, rate.burst
                ),
            )
            .retry_after(wait_s)
        })
    }

    /// Takes one request's worth, or tells the whole seconds until there is one.
    ///
    /// A clock that steps back earns nothing until it has caught up.
    pub(crate) fn draw(&self, now: UnixMillis, rate: Rate) -> Result<(), u64> {
        let (per_ms, full) = (u64::from(rate.per_second), u64::from(rate.burst) * REQUEST);
        let mut level = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let earned = per_ms.saturating_mul(now.since(level.at));
        level.millitokens = level.millitokens.saturating_add(earned).min(full);
        level.at = level.at.max(now);
        if let Some(left) = level.millitokens.checked_sub(REQUEST) {
            level.millitokens = left;
            return Ok(());
        }
        let missing_ms = (REQUEST - level.millitokens).div_ceil(per_ms.max(1));
        Err(missing_ms.div_ceil(1000).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 2, burst: 3 };

    #[test]
    fn a_rested_key_may_burst_and_then_earns_its_rate() {
        let bucket = Bucket::full();
        let taken = |at: u64| bucket.take(UnixMillis(at), RATE).is_ok();
        assert!(taken(1000) && taken(1000) && taken(1000));
        assert!(!taken(1000), "the burst is spent");
        assert!(!taken(1499) && taken(1500), "half a second earns one request");
        assert!(!taken(1500));
    }

    #[test]
    fn a_clock_that_steps_back_neither_earns_nor_panics() {
        let bucket = Bucket::full();
        for _ in 0..3 {
            assert!(bucket.take(UnixMillis(10_000), RATE).is_ok());
        }
        let refused = bucket.take(UnixMillis(5), RATE).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Throttled);
        assert_eq!(refused.retry_after_s, Some(1));
    }
}
