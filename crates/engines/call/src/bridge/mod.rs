//! A call: two dialogs, paired.
//!
//! ```text
//!   INVITE admitted
//!         │ ports taken, INVITE to the first carrier
//!         ▼
//!    ┌─────────┐  failure of the route, no response in time:
//!    │ Routing │──┐ INVITE to the next carrier
//!    │         │◄─┘
//!    └─────────┘─────────────────┐
//!         │ 18x: to the caller   │
//!         ▼                      │ 2xx
//!    ┌─────────┐                 │ ACK to the carrier,
//!    │ Ringing │────────────────►│ 2xx to the caller
//!    └─────────┘                 ▼
//!         │                 ┌──────────┐ re-INVITE, UPDATE, INFO, ACK:
//!         │                 │ Answered │──┐ to the other side
//!         │                 │          │◄─┘
//!         │                 └──────────┘
//!         │ CANCEL, final        │ BYE, silence, time up, operator
//!         │ failure, time up     │ BYE to the other side
//!         ▼                      ▼
//!    ┌──────────────────────────────┐ media reported: the record, once
//!    │            Ending            │ BYEs answered: over
//!    └──────────────────────────────┘
//! ```
//!
//! Every step is given a message, a timer or an event and a [`Turn`]; the state it finds decides
//! which file answers.

mod answered;
mod digits;
mod early;
mod ending;
mod large;
mod orphan;
mod progress;
mod redirected;
mod reliable;
mod replace;
mod session;
mod setup;
mod within;

use arrayvec::ArrayVec;
use media::Side;
use model::{LegQuality, TransactionId, UnixMillis};
use sip_core::{ClientId, Replies, ServerId, Token};
use sip_message::{Flow, Message, Method, Status};

use crate::admission::Facts;
use crate::calls::{CallKey, Owner, Role};
use crate::explain::Note;
use crate::hub::Turn;
use crate::limit::Seat;
use crate::live::{LiveCall, LiveState};
use crate::media_plan::MediaPlan;
use crate::record::{self, End, Outcome, Story, Tried};
use crate::timers::{Alarms, Timer};

use answered::Answered;
use ending::Ending;
pub(crate) use orphan::dismiss;
pub(crate) use replace::Newcomer;
pub(crate) use setup::Admitted;
use setup::Setup;

/// Decisions on the way that one record tells.
const NOTES_MAX: usize = 8;

/// One call and all it owns.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) key: CallKey,
    pub(crate) transaction_id: TransactionId,
    pub(crate) alarms: Alarms,
    /// The Call-ID of the caller's leg.
    call_id: Box<str>,
    /// Our tag on the caller's leg; a fork's has a dot and a number behind.
    tag: Token,
    facts: Facts,
    started: UnixMillis,
    answered: Option<UnixMillis>,
    /// Every attempt at a gateway, the last one being the one that counts.
    tried: Vec<Tried>,
    /// Call-ID and tag of our latest INVITE.
    called: Option<(Token, Token)>,
    /// The Call-IDs of our INVITEs before it, to gateways that did not take the call.
    earlier: Vec<Token>,
    /// Call-ID and our tag of each INVITE that wanted the place of a leg, let in or not.
    newcomers: Vec<(Box<str>, Token)>,
    /// The room it takes: the caller's connector, the called one, or both.
    seats: ArrayVec<Seat, 2>,
    media: MediaPlan,
    /// What was decided on the way that its record should tell.
    notes: Vec<Note>,
    state: Bridge,
}

/// How far a call is. Each state owns what only it needs.
#[derive(Debug)]
enum Bridge {
    /// A carrier has been asked.
    Routing(Box<Setup>),
    /// The called party rings.
    Ringing(Box<Setup>),
    /// They talk.
    Answered(Box<Answered>),
    /// Hung up; BYEs and the media's report are outstanding.
    Ending(Box<Ending>),
    /// Nothing is outstanding.
    Over,
}

/// Why a request of ours got no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    TimedOut,
    Unreachable,
}

/// A response as it came.
pub(crate) struct Response<'m> {
    pub(crate) flow: Flow,
    pub(crate) message: &'m Message<'m>,
    pub(crate) status: Status,
    pub(crate) reason: &'m str,
    pub(crate) client: ClientId,
}

/// A request within a dialog as it came, and how to answer it.
pub(crate) struct Within<'m> {
    pub(crate) flow: Flow,
    pub(crate) message: &'m Message<'m>,
    pub(crate) method: Method<'m>,
    pub(crate) side: Side,
    pub(crate) server: ServerId,
    pub(crate) replies: Replies,
}

impl Within<'_> {
    /// Answers it with a status and nothing else.
    pub(crate) fn refuse(&self, turn: &mut Turn<'_>, status: Status) {
        turn.respond(self.server, status, self.replies.bare(status, status.reason(), ""));
    }
}

impl Call {
    /// Whether it rings, and another call would be the same one again.
    pub(crate) fn may_be_a_lap_of(&self, facts: &Facts) -> bool {
        let rings = matches!(self.state, Bridge::Routing(_) | Bridge::Ringing(_));
        rings && self.facts.is_like(facts)
    }

    /// Whether the call may be forgotten.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, Bridge::Over)
    }

    /// A response to a request of ours.
    pub(crate) fn on_response(&mut self, turn: &mut Turn<'_>, role: Role, response: &Response<'_>) {
        match role {
            Role::Invite => self.on_invite_response(turn, response),
            Role::Within => self.on_within_response(turn, response),
            Role::Bye => self.on_bye_response(turn, response),
            Role::Refresh => self.on_refresh_response(turn, response),
            Role::Digit => self.on_digit_response(turn, response),
            Role::Caller | Role::Prack => {}
        }
    }

    /// A request of ours that got no response.
    pub(crate) fn on_failure(
        &mut self,
        turn: &mut Turn<'_>,
        role: Role,
        client: ClientId,
        failure: Failure,
    ) {
        match role {
            Role::Invite => self.on_invite_failure(turn, client, failure),
            Role::Within => self.on_within_failure(turn, client, failure),
            Role::Bye => self.on_bye_failure(turn, client, failure),
            Role::Refresh => self.on_refresh_failure(turn, client, failure),
            Role::Digit => self.on_digit_failure(turn, client),
            Role::Caller | Role::Prack => {}
        }
    }

    /// A request within one of the call's dialogs.
    pub(crate) fn on_request(&mut self, turn: &mut Turn<'_>, request: Within<'_>) {
        match &mut self.state {
            Bridge::Routing(_) | Bridge::Ringing(_) => self.on_early_request(turn, request),
            Bridge::Answered(_) => self.on_answered_request(turn, request),
            Bridge::Ending(_) | Bridge::Over => Self::on_late_request(turn, &request),
        }
    }

    /// A BYE that crosses ours is as good as an answer to it (RFC 3261 §15.1.2); all else comes
    /// too late.
    fn on_late_request(turn: &mut Turn<'_>, request: &Within<'_>) {
        let is_bye = request.method == Method::Bye;
        request.refuse(turn, if is_bye { Status::OK } else { Status::CALL_DOES_NOT_EXIST });
    }

    /// The media thread's word on the call.
    pub(crate) fn on_media(&mut self, turn: &mut Turn<'_>, event: media::Event) {
        use crate::config::OnSilence;
        match (event, &self.state) {
            (media::Event::Silent { side, .. }, Bridge::Answered(_)) => {
                match turn.hub.config.on_silence {
                    OnSilence::HangUp => self.hang_up(turn, End::MediaSilent(side)),
                    OnSilence::Ignore => {}
                }
            }
            (media::Event::OneWay { side, lasted, .. }, Bridge::Answered(_)) => {
                turn.hub.counters.one_way(side);
                self.note(Note::OneWay { silent: side, lasted });
            }
            (media::Event::Dtmf { side, digit, .. }, Bridge::Answered(_)) => {
                self.on_digit(turn, side, digit);
            }
            (
                media::Event::Silent { .. }
                | media::Event::OneWay { .. }
                | media::Event::FirstPacket { .. }
                | media::Event::Dtmf { .. },
                _,
            ) => {}
        }
    }

    /// Fires the timers that are due.
    pub(crate) fn on_wake(&mut self, turn: &mut Turn<'_>) {
        while let Some(timer) = self.alarms.pop_due(turn.now.instant) {
            match timer {
                Timer::Progress => self.on_no_progress(turn),
                Timer::Ring => self.hang_up(turn, End::RingTimeout),
                Timer::Duration => self.hang_up(turn, End::DurationMax),
                Timer::Report => self.on_report(turn, None),
                Timer::Provisional => self.on_prack_timer(turn),
                Timer::Session(side) => self.on_session_timer(turn, side),
            }
        }
    }

    /// Writes down a decision for the record; the first of its kind, and not too many.
    fn note(&mut self, note: Note) {
        let is_new = !self.notes.iter().any(|it| it.is_like(&note));
        if is_new && self.notes.len() < NOTES_MAX {
            self.notes.push(note);
        }
    }

    /// The Call-IDs that belong to the call besides those of its first two legs.
    fn other_call_ids(&self) -> Vec<String> {
        let earlier = self.earlier.iter().map(ToString::to_string);
        earlier.chain(self.newcomers.iter().map(|(call_id, _)| call_id.to_string())).collect()
    }

    fn owner(&self, role: Role) -> u64 {
        Owner { key: self.key, role }.pack()
    }

    /// Enters the last state but one: the record's facts are complete but for the media's report.
    fn story(
        &self,
        outcome: &Outcome,
        ended: UnixMillis,
        quality: Vec<LegQuality>,
    ) -> Box<model::CallRecord> {
        Story {
            transaction_id: self.transaction_id,
            call_id: &self.call_id,
            peer_call_id: self.called.as_ref().map(|(call_id, _)| call_id.as_str()),
            attempt_call_ids: self.other_call_ids(),
            facts: &self.facts,
            tried: &self.tried,
            notes: &self.notes,
            outcome,
            written: ["", ""],
            started: self.started,
            answered: self.answered,
            ended,
            quality,
        }
        .tell()
    }

    /// The call as an operator sees it.
    pub(crate) fn live(&self) -> Option<LiveCall> {
        let connector = self.facts.connector.as_deref()?;
        let state = match &self.state {
            Bridge::Routing(_) => LiveState::Routing,
            Bridge::Ringing(_) => LiveState::Ringing,
            Bridge::Answered(_) => LiveState::Answered,
            Bridge::Ending(_) | Bridge::Over => LiveState::Ending,
        };
        Some(LiveCall {
            transaction_id: self.transaction_id,
            call_id: self.call_id.to_string(),
            peer_call_id: self.called.as_ref().map(|(call_id, _)| call_id.to_string()),
            attempt_call_ids: self.other_call_ids(),
            account: connector.account(),
            connector: connector.connector.id.clone(),
            direction: self.facts.direction(),
            state,
            sip_user: self.facts.username.as_ref().map(ToString::to_string),
            from: self.facts.caller_text().unwrap_or_default(),
            to: self.facts.called_text().unwrap_or_default(),
            source: self.facts.source,
            carrier: record::carrier(&self.facts, &self.tried)
                .map(|it| it.carrier.name.to_string()),
            started: self.started,
            answered: self.answered,
        })
    }
}
