//! What transactions do again, and what they wait for in vain.

/// Counts of all transactions of an endpoint since it was made: what a lossy path costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repeats {
    /// Requests of ours that were sent again, and ACKs for rejections that came again (timers A
    /// and E, RFC 3261 §17.1).
    pub requests_sent: u64,
    /// Responses of ours that were sent again: because the request came again, or because nobody
    /// acknowledged them (timer G, RFC 3261 §17.2.1; 2xx, §13.3.1.4).
    pub responses_sent: u64,
    /// Requests of peers that came again and went no further, ACKs for rejections among them.
    pub requests_received: u64,
    /// Final responses of peers that came again, and went no further unless they are 2xx to an
    /// INVITE: those are acknowledged by whoever has the dialog (RFC 3261 §13.2.2.4).
    pub responses_received: u64,
    /// In the order of [`Self::timeouts`].
    pub(super) gave_up: [u64; 5],
}

impl Repeats {
    /// The timers that end a wait for a peer, each with how often it fired: `B` (INVITE without
    /// any response), `F` (another request without a final one), `H` (rejection without ACK), `L`
    /// (2xx without ACK), `cancelled` (a cancelled INVITE without a final response).
    pub fn timeouts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ["B", "F", "H", "L", "cancelled"].into_iter().zip(self.gave_up)
    }
}
