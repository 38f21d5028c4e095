//! What an [`Endpoint`](crate::Endpoint) is told when it is made.

use std::time::Duration;

/// Timing and limits of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Config {
    /// What every transaction timer is derived from.
    pub timing: Timing,
    /// What may be open at once.
    pub limits: Limits,
}

/// The three durations that scale every timer (RFC 3261 §17.1.1.1, table 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Round-trip estimate.
    pub t1: Duration,
    /// The longest interval between retransmissions of a non-INVITE request or an INVITE response.
    pub t2: Duration,
    /// How long a message may stay in the network.
    pub t4: Duration,
}

impl Default for Timing {
    /// 500 ms, 4 s and 5 s, as RFC 3261 table 4 has them.
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }
}

impl Timing {
    /// 64·T1: how long anything is retried or waited for (timers B, F, H, J, L, M).
    #[must_use]
    pub fn give_up(&self) -> Duration {
        self.t1 * 64
    }

    /// Timer D: how long retransmissions of a final response are acknowledged, at least 32 s
    /// (RFC 3261 §17.1.1.2).
    #[must_use]
    pub fn timer_d(&self) -> Duration {
        self.give_up().max(Duration::from_secs(32))
    }
}

/// How much may be open at once. Hitting one has a name in [`Refusal`](crate::Refusal).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// INVITE server transactions that wait for a final answer or its ACK; the next INVITE is
    /// answered 503.
    pub invites_open_max: usize,
    /// Transactions of every kind and state, the lingering ones included; the next request is
    /// answered 503, and none is sent.
    pub transactions_max: usize,
}

impl Default for Limits {
    /// 20,000 INVITEs unanswered, 1,000,000 transactions.
    fn default() -> Self {
        Self { invites_open_max: 20_000, transactions_max: 1_000_000 }
    }
}
