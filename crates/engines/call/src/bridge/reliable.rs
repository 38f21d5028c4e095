//! Provisional responses that the caller acknowledges (RFC 3262), before the answer.
//!
//! Each leg is reliable or not by itself: a carrier's 183 is acknowledged here, and what the caller
//! gets is repeated until its own PRACK comes. One at a time is out; what comes meanwhile waits.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use sip_core::{ServerId, Timing};
use sip_message::{Message, Method, Status};

use crate::config::ReliableProgress;
use crate::hub::Turn;

/// The name of the extension in Supported and Require.
pub(crate) const EXTENSION: &str = "100rel";

/// Responses that may wait for the PRACK of the one that is out; more are left out.
const QUEUE_MAX: usize = 4;

/// The reliable provisional responses of the INVITE that a call came by.
#[derive(Debug)]
pub(super) struct Reliable {
    wanted: Wanted,
    server: ServerId,
    invite_cseq: u32,
    /// The number of the next one. One series serves all forks (RFC 3262 §3).
    next: u32,
    out: Option<Out>,
    queue: VecDeque<Unsent>,
}

/// Whether the caller insists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// `Supported: 100rel`: what brings a description, or came reliably, is sent reliably.
    Supported,
    /// `Require: 100rel`: everything but the 100 is.
    Required,
}

/// What a provisional response brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brings {
    /// No description.
    Nothing,
    /// The answer to the INVITE's offer.
    Answer,
    /// An offer: the PRACK will bring the answer.
    Offer,
}

/// How a provisional response came from the called side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    Unreliably,
    Reliably,
}

/// How a provisional response leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// As RFC 3261 has it.
    Plain,
    /// With this RSeq.
    Numbered(u32),
    /// Not at all: too many wait.
    LeftOut,
}

/// A response that is out, and is repeated until its PRACK comes.
#[derive(Debug)]
struct Out {
    response: Unsent,
    interval: Duration,
    again_at: Instant,
    give_up_at: Instant,
}

/// A response with its number in it.
#[derive(Debug)]
pub(super) struct Unsent {
    pub(super) number: u32,
    pub(super) status: Status,
    pub(super) brings: Brings,
    pub(super) bytes: Vec<u8>,
}

/// The caller has not acknowledged a response in 64·T1.
pub(super) struct Unacknowledged;

impl Reliable {
    /// What the caller's INVITE asks for; nothing, if it does not know of reliable responses or they
    /// are switched off. `first` is a random number (RFC 3262 §3: from 1 to 2³¹ − 1).
    pub(super) fn of(
        invite: &Message<'_>,
        policy: ReliableProgress,
        server: ServerId,
        first: u128,
    ) -> Option<Self> {
        let is_it = |tag: &str| tag.eq_ignore_ascii_case(EXTENSION);
        let wanted = match policy {
            ReliableProgress::Never => return None,
            ReliableProgress::AsAsked | ReliableProgress::Always => {
                if invite.require().any(is_it) {
                    Wanted::Required
                } else if invite.supports(EXTENSION) {
                    Wanted::Supported
                } else {
                    return None;
                }
            }
        };
        // Below 2³⁰, so that a call's few responses stay below 2³¹.
        let first = u32::try_from(first & 0x3fff_ffff).expect("30 bits were kept");
        let invite_cseq = invite.cseq().map_or(0, |it| it.number);
        let (out, queue) = (None, VecDeque::new());
        Some(Self { wanted, server, invite_cseq, next: first + 1, out, queue })
    }

    /// How a response is to be sent.
    pub(super) fn way(&mut self, brings: Brings, came: Came) -> Way {
        let is_due =
            self.wanted == Wanted::Required || brings != Brings::Nothing || came == Came::Reliably;
        if !is_due {
            return Way::Plain;
        }
        if self.queue.len() >= QUEUE_MAX {
            return Way::LeftOut;
        }
        self.next += 1;
        Way::Numbered(self.next - 1)
    }

    /// Sends a response, or lets it wait for the one that is out.
    pub(super) fn send(&mut self, turn: &mut Turn<'_>, response: Unsent) {
        if self.out.is_some() {
            return self.queue.push_back(response);
        }
        turn.respond(self.server, response.status, response.bytes.clone());
        let Timing { t1, .. } = turn.hub.config.sip.timing;
        let now = turn.now.instant;
        self.out =
            Some(Out { response, interval: t1, again_at: now + t1, give_up_at: now + t1 * 64 });
    }

    /// Sends the one that is out again, twice as late as the time before (RFC 3262 §3).
    ///
    /// # Errors
    /// It has been repeated for 64·T1: the INVITE is to be rejected.
    pub(super) fn repeat(&mut self, turn: &mut Turn<'_>) -> Result<(), Unacknowledged> {
        let Some(out) = &mut self.out else { return Ok(()) };
        if turn.now.instant >= out.give_up_at {
            return Err(Unacknowledged);
        }
        out.interval *= 2;
        out.again_at = (turn.now.instant + out.interval).min(out.give_up_at);
        turn.respond(self.server, out.response.status, out.response.bytes.clone());
        Ok(())
    }

    /// When [`Self::repeat`] is wanted.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.out.as_ref().map(|out| out.again_at)
    }

    /// What the response brought that a PRACK acknowledges; `None` if it acknowledges none that is
    /// out (RFC 3262 §3: 481).
    pub(super) fn acknowledge(&mut self, prack: &Message<'_>) -> Option<Brings> {
        let rack = prack.rack().ok().flatten()?;
        let fits = |out: &mut Out| {
            rack.rseq == out.response.number
                && rack.cseq.number == self.invite_cseq
                && rack.cseq.method == Method::Invite
        };
        self.out.take_if(fits).map(|out| out.response.brings)
    }

    /// Sends what has waited for the PRACK.
    pub(super) fn go_on(&mut self, turn: &mut Turn<'_>) {
        if let Some(next) = self.queue.pop_front() {
            self.send(turn, next);
        }
    }

    /// Whether a 2xx has to wait: a description is out that was not acknowledged (RFC 3262 §3).
    pub(super) fn holds_answer(&self) -> bool {
        let out = self.out.iter().map(|out| out.response.brings);
        out.chain(self.queue.iter().map(|it| it.brings)).any(|it| it != Brings::Nothing)
    }
}
