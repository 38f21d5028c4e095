//! Session timers (RFC 4028): what two sides agree on, and when a session that is not refreshed is
//! over.
//!
//! Each leg of a call agrees on its own. [`answer`] is the server's half of the negotiation,
//! [`agreed`] the client's; [`Clock`] says when to refresh and when to hang up.

use std::fmt;
use std::time::{Duration, Instant};

use sip_message::{Message, Refresher, SessionExpires};

/// The name of the extension in Supported and Require.
pub const EXTENSION: &str = "timer";

/// The least interval that RFC 4028 §4 lets anybody ask for.
pub const SECONDS_MIN: u32 = 90;

/// What we want of session timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The interval we ask for and grant at most, seconds.
    pub interval: u32,
    /// The shortest interval we grant, seconds; a shorter one is answered 422.
    pub min: u32,
}

impl Default for Policy {
    /// Half an hour, and the RFC's least: what RFC 4028 §4 recommends.
    fn default() -> Self {
        Self { interval: 1800, min: SECONDS_MIN }
    }
}

/// Who refreshes a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// We do.
    Us,
    /// The other side does.
    Peer,
}

/// A session timer as both sides agreed on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// The session interval, seconds.
    pub interval: u32,
    /// Who refreshes.
    pub by: By,
}

/// The interval asked for is below [`Policy::min`]: 422 with this in Min-SE (RFC 4028 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session interval of {got} s is below {min} s")]
pub struct TooSmall {
    /// What was asked for, seconds.
    pub got: u32,
    /// What would be granted, seconds.
    pub min: u32,
}

/// What a server grants to a request that sets up or refreshes a session (RFC 4028 §9); `None` if
/// the session needs no refreshing. `current` is what was agreed before.
///
/// A caller that names no refresher and supports timers refreshes what it asked for; one that did
/// not ask is refreshed by us, and one that does not support timers is not refreshed at all, unless
/// a proxy on its way asked (RFC 4028 §9, table 2).
///
/// # Errors
/// [`TooSmall`], to those who can understand it.
pub fn answer(
    policy: Policy,
    current: Option<Session>,
    request: &Message<'_>,
) -> Result<Option<Session>, TooSmall> {
    let supports = request.supports(EXTENSION) || request.require().any(is_timer);
    let least = request.min_se().ok().flatten().unwrap_or(0).max(policy.min);
    let Some(asked) = request.session_expires().ok().flatten() else {
        let by = current.map_or(By::Us, |it| it.by);
        let interval = policy.interval.max(least);
        return Ok(supports.then_some(Session { interval, by }));
    };
    if asked.seconds < policy.min && supports {
        return Err(TooSmall { got: asked.seconds, min: policy.min });
    }
    let by = match (supports, asked.refresher, current) {
        (false, _, _) | (true, Some(Refresher::Uas), _) => By::Us,
        (true, Some(Refresher::Uac), _) | (true, None, None) => By::Peer,
        (true, None, Some(current)) => current.by,
    };
    Ok(Some(Session { interval: asked.seconds.min(policy.interval).max(least), by }))
}

fn is_timer(extension: &str) -> bool {
    extension.eq_ignore_ascii_case(EXTENSION)
}

/// What a client and its server agreed on, by the 2xx (RFC 4028 §7.2): nothing, if the server does
/// not say. What it says is not doubted, except that nobody is refreshed every moment.
#[must_use]
pub fn agreed(response: &Message<'_>) -> Option<Session> {
    let SessionExpires { seconds, refresher } = response.session_expires().ok().flatten()?;
    let by = match refresher {
        Some(Refresher::Uas) => By::Peer,
        Some(Refresher::Uac) | None => By::Us,
    };
    Some(Session { interval: seconds.max(INTERVAL_KEPT_MIN), by })
}

/// A server that grants less than this, seconds, gets no more refreshes than for this.
const INTERVAL_KEPT_MIN: u32 = 10;

impl Session {
    /// The value of Session-Expires in a request of ours.
    #[must_use]
    pub fn in_request(self) -> impl fmt::Display {
        Written(
            self.interval,
            match self.by {
                By::Us => Refresher::Uac,
                By::Peer => Refresher::Uas,
            },
        )
    }

    /// The value of Session-Expires in a 2xx of ours.
    #[must_use]
    pub fn in_response(self) -> impl fmt::Display {
        Written(
            self.interval,
            match self.by {
                By::Us => Refresher::Uas,
                By::Peer => Refresher::Uac,
            },
        )
    }
}

struct Written(u32, Refresher);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};refresher={}", self.0, self.1.as_str())
    }
}

/// A session timer that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// What was agreed.
    pub session: Session,
    /// When the session was last refreshed.
    since: Instant,
}

impl Clock {
    /// Starts the timer, or starts it anew after a refresh.
    #[must_use]
    pub fn new(now: Instant, session: Session) -> Self {
        Self { session, since: now }
    }

    /// When we refresh, if that is our part: half of the interval has passed (RFC 4028 §10).
    #[must_use]
    pub fn refresh_at(&self) -> Option<Instant> {
        match self.session.by {
            By::Us => Some(self.since + self.interval() / 2),
            By::Peer => None,
        }
    }

    /// When the session is over: shortly before the interval ends, so that the BYE precedes the end
    /// by the lesser of 32 s and a third of it (RFC 4028 §10).
    #[must_use]
    pub fn expires_at(&self) -> Instant {
        let interval = self.interval();
        self.since + interval - (interval / 3).min(Duration::from_secs(32))
    }

    /// What is to be done next, and when.
    #[must_use]
    pub fn next(&self, now: Instant) -> Instant {
        self.refresh_at().filter(|at| *at > now).unwrap_or_else(|| self.expires_at())
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(self.session.interval.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy { interval: 1800, min: 90 };

    fn request(headers: &str) -> Vec<u8> {
        format!("INVITE sip:a@b SIP/2.0\r\n{headers}Content-Length: 0\r\n\r\n").into()
    }

    fn granted(headers: &str) -> Result<Option<Session>, TooSmall> {
        answer(POLICY, None, &Message::parse(&request(headers)).unwrap())
    }

    fn session(interval: u32, by: By) -> Result<Option<Session>, TooSmall> {
        Ok(Some(Session { interval, by }))
    }

    #[test]
    fn a_server_chooses_interval_and_refresher_by_table_2() {
        assert_eq!(granted(""), Ok(None));
        assert_eq!(granted("Supported: timer\r\n"), session(1800, By::Us));
        for (asked, refresher) in [
            ("Supported: timer\r\nSession-Expires: 600\r\n", By::Peer),
            ("Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n", By::Peer),
            ("Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n", By::Us),
            ("Require: timer\r\nSession-Expires: 600\r\n", By::Peer),
            // Put in by a proxy for a caller that does not know of timers.
            ("Session-Expires: 600\r\n", By::Us),
        ] {
            assert_eq!(granted(asked), session(600, refresher), "{asked}");
        }
    }

    #[test]
    fn an_interval_is_shortened_to_ours_and_never_below_what_the_way_wants() {
        let asked = "Supported: timer\r\nSession-Expires: 7200\r\n";
        assert_eq!(granted(asked), session(1800, By::Peer));
        let asked = "Supported: timer\r\nSession-Expires: 7200\r\nMin-SE: 3600\r\n";
        assert_eq!(granted(asked), session(3600, By::Peer));
    }

    #[test]
    fn an_interval_below_the_least_is_refused_to_those_who_understand() {
        let asked = "Supported: timer\r\nSession-Expires: 60\r\n";
        assert_eq!(granted(asked), Err(TooSmall { got: 60, min: 90 }));
        assert_eq!(granted("Session-Expires: 60\r\n"), session(90, By::Us));
    }

    #[test]
    fn a_refresh_that_names_nobody_leaves_the_refresher_as_it_was() {
        let current = Some(Session { interval: 600, by: By::Us });
        let bytes = request("Supported: timer\r\nSession-Expires: 600\r\n");
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(answer(POLICY, current, &message), session(600, By::Us));
    }

    #[test]
    fn a_client_takes_what_the_2xx_says_and_nothing_otherwise() {
        let read = |headers: &str| {
            let text = format!("SIP/2.0 200 OK\r\n{headers}Content-Length: 0\r\n\r\n");
            agreed(&Message::parse(text.as_bytes()).unwrap())
        };
        assert_eq!(read(""), None);
        let by = |by| Some(Session { interval: 900, by });
        assert_eq!(read("Session-Expires: 900\r\n"), by(By::Us));
        assert_eq!(read("x: 900;refresher=uac\r\n"), by(By::Us));
        assert_eq!(read("Session-Expires: 900;refresher=uas\r\n"), by(By::Peer));
        let hurried = read("Session-Expires: 1\r\n").map(|it| it.interval);
        assert_eq!(hurried, Some(INTERVAL_KEPT_MIN));
    }

    #[test]
    fn a_role_is_written_as_the_transaction_has_it() {
        let ours = Session { interval: 900, by: By::Us };
        assert_eq!(ours.in_request().to_string(), "900;refresher=uac");
        assert_eq!(ours.in_response().to_string(), "900;refresher=uas");
        let theirs = Session { interval: 900, by: By::Peer };
        assert_eq!(theirs.in_request().to_string(), "900;refresher=uas");
        assert_eq!(theirs.in_response().to_string(), "900;refresher=uac");
    }

    #[test]
    fn a_session_is_refreshed_at_half_its_interval_and_is_over_shortly_before_its_end() {
        let start = crate::test_clock::start();
        let seconds = Duration::from_secs;
        let clock = |interval, by| Clock::new(start, Session { interval, by });
        assert_eq!(clock(1800, By::Us).next(start), start + seconds(900));
        assert_eq!(clock(1800, By::Us).next(start + seconds(900)), start + seconds(1768));
        assert_eq!(clock(1800, By::Peer).next(start), start + seconds(1768));
        assert_eq!(clock(90, By::Peer).next(start), start + seconds(60));
    }
}
