//! Values as people read them, and as the style sheet knows them.

use api::operator::dto::{CallState, PeerState, Way};
use model::{Direction, Verdict};

/// Where a call stands.
pub(crate) const fn state(state: &CallState) -> &'static str {
    match state {
        CallState::Ringing => "ringing",
        CallState::Answered => "answered",
        CallState::Completed => "completed",
        CallState::Failed => "failed",
        CallState::Rejected => "rejected",
    }
}

/// What came of a rule.
pub(crate) const fn verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Challenge => "challenge",
        Verdict::Refuse => "refuse",
        Verdict::Note => "note",
    }
}

/// Whether an address answers.
pub(crate) const fn peer(state: &PeerState) -> &'static str {
    match state {
        PeerState::Up => "up",
        PeerState::Down => "down",
    }
}

/// Which way a call goes, seen from the connectors.
pub(crate) const fn direction(direction: &Direction) -> &'static str {
    match direction {
        Direction::Outbound => "out",
        Direction::Inbound => "in",
    }
}

/// Which way a message went.
pub(crate) const fn way(way: &Way) -> &'static str {
    match way {
        Way::Received => "received from",
        Way::Sent => "sent to",
    }
}

/// Milliseconds as `1:02:03` or `2:03`, and short ones as `4.5 s`.
pub(crate) fn duration(ms: &u64) -> String {
    let seconds = *ms / 1000;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}.{} s", ms % 1000 / 100),
        (0, _) => format!("{minutes}:{rest:02}"),
        (_, _) => format!("{hours}:{minutes:02}:{rest:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_clocks_do() {
        assert_eq!(duration(&4_560), "4.5 s");
        assert_eq!(duration(&123_000), "2:03");
        assert_eq!(duration(&3_723_000), "1:02:03");
    }
}
