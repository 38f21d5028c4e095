//! Tells in the log what was refused without leaving a record.
//!
//! A call that named no connector, a message that is no SIP: these leave no record, or a scanner
//! could fill the disk. They are counted by reason, and every so often the log says how many there
//! were, so that a mistyped host name is not met with silence.

use std::collections::BTreeMap;
use std::time::Duration;

use tracing::info;

use crate::signalling::live::{Asker, SignallingCounters};

/// How often the counters are compared.
const EVERY: Duration = Duration::from_secs(10);

/// Counts by reason.
type Census = BTreeMap<&'static str, u64>;

/// Compares and tells, for as long as it is polled.
pub(crate) async fn run(asker: Asker) {
    let mut known = Census::new();
    let mut rounds = tokio::time::interval(EVERY);
    loop {
        rounds.tick().await;
        // A thread that does not answer has worse to tell, and does.
        let Ok(counted) = asker.counters().await else { continue };
        let now = unrecorded(&counted);
        for (reason, count) in newly(&known, &now) {
            info!(event = "sip_refused", reason, count, "SIP messages refused or dropped");
        }
        known = now;
    }
}

/// What is counted and leaves no record.
fn unrecorded(counted: &SignallingCounters) -> Census {
    let host_unknown = counted.engine.rejected.get_key_value("host-unknown");
    counted
        .engine
        .dropped
        .iter()
        .chain(host_unknown)
        .map(|(reason, count)| (*reason, *count))
        .collect()
}

/// How many came since, for the reasons that had any.
fn newly<'a>(known: &'a Census, now: &'a Census) -> impl Iterator<Item = (&'static str, u64)> + 'a {
    now.iter()
        .map(|(reason, count)| (*reason, count - known.get(reason).copied().unwrap_or(0)))
        .filter(|(_, count)| *count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reasons_that_came_since_are_told_with_how_often() {
        let known = Census::from([("host-unknown", 2), ("ack-stray", 7)]);
        let now = Census::from([("host-unknown", 5), ("ack-stray", 7), ("dialog-unknown", 1)]);
        let told: Vec<_> = newly(&known, &now).collect();
        assert_eq!(told, [("dialog-unknown", 1), ("host-unknown", 3)]);
    }
}
