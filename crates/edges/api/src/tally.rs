//! How many requests were served, by operation and status, for whoever shows metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The requests of one operation that were answered with one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// The operation's name; `operator`, `sts`, or `none` if it was not found out.
    pub operation: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// How many there were.
    pub count: u64,
    /// How long they took, all together.
    pub took: Duration,
}

/// Counts requests. Its size is bounded by operations times statuses: strangers cannot make it grow.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

/// Count and total time by operation and status.
type Counts = BTreeMap<(&'static str, u16), (u64, Duration)>;

impl Tally {
    /// Counts one request.
    pub(crate) fn add(&self, operation: &'static str, status: u16, took: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, total) = counts.entry((operation, status)).or_default();
        *count += 1;
        *total += took;
    }

    /// Everything counted, in the order of names and statuses.
    pub(crate) fn served(&self) -> Vec<Served> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .map(|(&(operation, status), &(count, took))| Served { operation, status, count, took })
            .collect()
    }
}
