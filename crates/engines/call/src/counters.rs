//! What is counted: calls, refusals by reason, messages dropped.

use std::collections::BTreeMap;

use media::Side;

/// Counters of one engine since it was made. All keys are fixed words, so there are few of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that came in.
    pub messages_received: u64,
    /// INVITEs that began a call attempt at a connector, challenges not counted.
    pub attempts: u64,
    /// Attempts that were let in.
    pub admitted: u64,
    /// Calls that were answered.
    pub answered: u64,
    /// Legs of answered calls whose place a newcomer took (RFC 3891).
    pub replaced: u64,
    /// Challenges sent.
    pub challenges: u64,
    /// OPTIONS answered 200.
    pub options: u64,
    /// OPTIONS sent to places that calls go to.
    pub probes: u64,
    /// Those that were answered badly or not at all.
    pub probes_failed: u64,
    /// Attempts not let in, by [`Reject::code`](crate::reject::Reject::code).
    pub rejected: BTreeMap<&'static str, u64>,
    /// Calls that ended, by [`End::code`](crate::record::End::code).
    pub ended: BTreeMap<&'static str, u64>,
    /// Calls in which one side was not heard while the other one talked, by that side: `caller` or
    /// `called`. A call counts once for each time that it happens.
    pub one_way: BTreeMap<&'static str, u64>,
    /// Messages that went no further, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
}

impl Counters {
    pub(crate) fn reject(&mut self, code: &'static str) {
        *self.rejected.entry(code).or_default() += 1;
    }

    pub(crate) fn end(&mut self, code: &'static str) {
        *self.ended.entry(code).or_default() += 1;
    }

    pub(crate) fn one_way(&mut self, side: Side) {
        let name = match side {
            Side::A => "caller",
            Side::B => "called",
        };
        *self.one_way.entry(name).or_default() += 1;
    }

    pub(crate) fn drop(&mut self, code: &'static str) {
        *self.dropped.entry(code).or_default() += 1;
    }
}
