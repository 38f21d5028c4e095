//! Session timers of an answered call, each leg's by itself (RFC 4028).
//!
//! What a side asks for in INVITE, re-INVITE or UPDATE is granted here and never handed on: a
//! carrier that forgets its timer does not end a PBX's session, and the other way round. Where the
//! refresh is ours, it is an UPDATE without a body if the peer takes UPDATE, else a re-INVITE with
//! the description that the peer has of us already.

use std::time::Duration;

use media::Side;
use sip_core::ClientId;
use sip_core::session::{self, Clock, Session, TooSmall};
use sip_message::{Message, MessageWriter, Method, Name, Status};

use super::answered::Answered;
use super::reliable::{self, Came};
use super::setup::Asked;
use super::within::Kind;
use super::{Bridge, Call, Failure, Response, Within};
use crate::abilities::{Toward, extensions};
use crate::calls::Role;
use crate::config::Config;
use crate::hub::Turn;
use crate::leg::{ALLOW, Leg, PRODUCT};
use crate::media_plan::description;
use crate::record::{End, Tally};
use crate::timers::Timer;

/// How long a refresh that was refused for the moment waits, if nobody says.
const RETRY: Duration = Duration::from_secs(10);

/// How long a refresh waits for an INVITE that is under way.
const BUSY: Duration = Duration::from_secs(2);

/// Longer than any session: the next that happens is its end.
const NEVER: Duration = Duration::from_secs(u32::MAX as u64);

/// A refresh of ours that is under way.
#[derive(Debug)]
pub(super) struct Refresh {
    client: ClientId,
    kind: Kind,
    cseq: u32,
}

impl Refresh {
    /// Whether nobody else may change the session meanwhile (RFC 3261 §14.1).
    pub(super) fn changes_session(&self) -> bool {
        self.kind == Kind::Invite
    }
}

/// What a request of a peer is granted; nothing while session timers are off.
pub(super) fn granted(
    turn: &Turn<'_>,
    current: Option<Clock>,
    request: &Message<'_>,
) -> Result<Option<Clock>, TooSmall> {
    let Some(policy) = turn.hub.config.session else { return Ok(None) };
    let granted = session::answer(policy, current.map(|it| it.session), request)?;
    Ok(started(turn, granted))
}

/// A timer that starts now.
pub(super) fn started(turn: &Turn<'_>, session: Option<Session>) -> Option<Clock> {
    session.map(|session| Clock::new(turn.now.instant, session))
}

/// Starts a leg's timer anew: our 2xx leaves.
pub(super) fn restart(turn: &Turn<'_>, leg: &mut Leg) {
    leg.clock = started(turn, leg.clock.map(|it| it.session));
}

/// A 2xx to a request of ours has come: it says what the peer agrees to. One that says nothing
/// leaves a timer that we keep by ourselves, and ends one that the peer was to keep.
pub(super) fn heard(turn: &Turn<'_>, leg: &mut Leg, response: &Message<'_>) {
    if turn.hub.config.session.is_none() {
        return;
    }
    let kept = leg.clock.map(|it| it.session).filter(|it| it.by == session::By::Us);
    leg.clock = started(turn, session::agreed(response).or(kept));
}

/// Takes the interval of a 422 (RFC 4028 §7.4).
pub(super) fn raise(leg: &mut Leg, refusal: &Message<'_>) {
    let min = refusal.min_se().ok().flatten().unwrap_or(0);
    if let Some(clock) = &mut leg.clock {
        clock.session.interval = clock.session.interval.max(min);
    }
}

/// Asks for a session timer in the INVITE of a call; `min_se` 0 for none. Who refreshes is left to
/// the carrier (RFC 4028 §7.1).
pub(super) fn ask(
    writer: &mut MessageWriter<'_>,
    config: &Config,
    toward: Toward,
    min_se: u32,
    reliably: Came,
) {
    let mut tags = extensions(config, toward);
    tags.retain(|tag| *tag != reliable::EXTENSION || reliably == Came::Reliably);
    if !tags.is_empty() {
        writer.header(Name::Supported, tags.join(", "));
    }
    if let Some(policy) = config.session {
        writer.header(Name::SessionExpires, policy.interval.max(min_se));
        writer.header(Name::MinSe, min_se);
    }
}

/// Tells in a 2xx what was granted. A peer that has to refresh must know how (RFC 4028 §9).
pub(super) fn tell(
    writer: &mut MessageWriter<'_>,
    config: &Config,
    toward: Toward,
    clock: Option<Clock>,
) {
    let tags = extensions(config, toward);
    if !tags.is_empty() {
        writer.header(Name::Supported, tags.join(", "));
    }
    let Some(Clock { session, .. }) = clock else { return };
    if session.by == session::By::Peer {
        writer.text(Name::Require, session::EXTENSION);
    }
    writer.header(Name::SessionExpires, session.in_response());
}

/// 422 with the least interval that is granted.
pub(super) fn refuse(turn: &mut Turn<'_>, request: &Within<'_>, refused: TooSmall) {
    let status = Status::SESSION_INTERVAL_TOO_SMALL;
    let mut bytes = Vec::new();
    let mut writer = request.replies.start(&mut bytes, status, status.reason(), "");
    writer.header(Name::MinSe, refused.min).finish();
    turn.respond(request.server, status, bytes);
}

impl Call {
    /// The carrier wants a longer session interval than it was asked for. Says whether it names one.
    pub(super) fn raise_interval(&mut self, refusal: &Message<'_>) -> bool {
        let wanted = refusal.min_se().ok().flatten().unwrap_or(0);
        let Some(setup) = self.setup().filter(|it| it.min_se > 0) else { return false };
        let is_longer = wanted > setup.min_se;
        setup.min_se = setup.min_se.max(wanted);
        is_longer
    }

    /// Asks the same carrier again, with the interval that it wants.
    pub(super) fn ask_with_longer_interval(&mut self, turn: &mut Turn<'_>, status: Status) {
        let Some(attempt) = self.setup().and_then(|setup| setup.attempt.take()) else { return };
        self.alarms.set(Timer::Progress, turn.now.instant + turn.hub.config.patience.progress);
        let super::setup::Invited { gateway, flow, uri, call_id, tag, cseq, digest, .. } = attempt;
        let asked = Asked { gateway, flow, uri, call_id, tag, cseq: cseq + 1, digest };
        if !self.ask_again(turn, asked) {
            self.close_attempt(Tally::Failed(status));
            self.ask_next(turn);
        }
    }

    /// Sets the alarms of both legs' timers.
    pub(super) fn watch_sessions(&mut self, turn: &Turn<'_>) {
        for side in [Side::A, Side::B] {
            self.watch_session(turn, side);
        }
    }

    fn watch_session(&mut self, turn: &Turn<'_>, side: Side) {
        let Bridge::Answered(answered) = &mut self.state else { return };
        match answered.leg(side).clock {
            Some(clock) => self.alarms.set(Timer::Session(side), clock.next(turn.now.instant)),
            None => self.alarms.stop(Timer::Session(side)),
        }
    }

    /// Tries again later, if the session lasts so long; else it ends then.
    fn retry_refresh(&mut self, turn: &Turn<'_>, side: Side, after: Duration) {
        let Bridge::Answered(answered) = &mut self.state else { return };
        let Some(clock) = answered.leg(side).clock else { return };
        let at = (turn.now.instant + after).min(clock.expires_at());
        self.alarms.set(Timer::Session(side), at);
    }

    /// A leg's session is to be refreshed, or it is over.
    pub(super) fn on_session_timer(&mut self, turn: &mut Turn<'_>, side: Side) {
        let Bridge::Answered(answered) = &mut self.state else { return };
        let Some(clock) = answered.leg(side).clock else { return };
        if turn.now.instant >= clock.expires_at() {
            return self.hang_up(turn, End::SessionExpired(side));
        }
        self.refresh(turn, side);
    }

    fn refresh(&mut self, turn: &mut Turn<'_>, side: Side) {
        let owner = self.owner(Role::Refresh);
        let Bridge::Answered(answered) = &mut self.state else { return };
        if answered.refreshes[side.index()].is_some() {
            return self.retry_refresh(turn, side, NEVER);
        }
        if answered.refresh_kind(side) == Kind::Invite && answered.session_changes() {
            return self.retry_refresh(turn, side, BUSY);
        }
        if answered.send_refresh(turn, side, owner) {
            self.retry_refresh(turn, side, NEVER);
        } else {
            self.retry_refresh(turn, side, RETRY);
        }
    }

    /// An UPDATE without an offer concerns the one leg alone: its session is refreshed, its target
    /// taken, and the other side does not hear of it.
    pub(super) fn on_plain_update(&mut self, turn: &mut Turn<'_>, request: &Within<'_>) {
        let Some(leg) = self.leg_mut(request.side) else { return };
        leg.clock = match granted(turn, leg.clock, request.message) {
            Ok(clock) => clock,
            Err(refused) => return refuse(turn, request, refused),
        };
        leg.dialog.refresh_target(request.message);
        leg.abilities.learn(request.message);
        let (clock, toward) = (leg.clock, leg.toward);
        let mut bytes = Vec::new();
        let status = Status::OK;
        let mut writer = request.replies.start(&mut bytes, status, status.reason(), "");
        writer.text(Name::Contact, &turn.hub.faces.of(&request.flow).contact);
        writer.text(Name::Allow, ALLOW).text(Name::Server, PRODUCT);
        tell(&mut writer, &turn.hub.config, toward, clock);
        writer.finish();
        turn.respond(request.server, status, bytes);
        self.watch_session(turn, request.side);
    }

    pub(super) fn on_refresh_response(&mut self, turn: &mut Turn<'_>, response: &Response<'_>) {
        let Bridge::Answered(answered) = &mut self.state else {
            return super::dismiss(turn, response.flow, response.message);
        };
        let Some(side) = answered.refreshed_side(response.client) else {
            return answered.acknowledge_reinvite_again(turn, response);
        };
        if response.status.is_provisional() {
            return;
        }
        let refresh = answered.refreshes[side.index()].take().expect("its side was just found");
        answered.leg(side).heard(response.flow);
        match response.status {
            status if status.is_success() => {
                self.refreshed(turn, side, &refresh, response);
            }
            Status::CALL_DOES_NOT_EXIST | Status::REQUEST_TIMEOUT => {
                self.hang_up(turn, End::DialogLost(side));
            }
            status => {
                let after = answered.after_refusal(turn, side, &refresh, response, status);
                self.retry_refresh(turn, side, after);
                if after.is_zero() {
                    self.refresh(turn, side);
                }
            }
        }
    }

    fn refreshed(
        &mut self,
        turn: &mut Turn<'_>,
        side: Side,
        refresh: &Refresh,
        response: &Response<'_>,
    ) {
        let Bridge::Answered(answered) = &mut self.state else { return };
        let leg = answered.leg(side);
        leg.dialog.refresh_target(response.message);
        leg.abilities.learn(response.message);
        heard(turn, leg, response.message);
        if refresh.kind == Kind::Invite {
            leg.ack(turn, refresh.cseq, None);
            answered.reinvite = Some((response.client, side, refresh.cseq));
            let body = description(response.message).ok().flatten();
            if let Some(said) = body.and_then(|body| self.media.read_answer(side, body).ok()) {
                self.media.settle(side, said.told);
                self.media.update(turn);
            }
        }
        self.watch_session(turn, side);
    }

    pub(super) fn on_refresh_failure(
        &mut self,
        turn: &mut Turn<'_>,
        client: ClientId,
        failure: Failure,
    ) {
        let Bridge::Answered(answered) = &mut self.state else { return };
        let Some(side) = answered.refreshed_side(client) else { return };
        answered.refreshes[side.index()] = None;
        match failure {
            Failure::TimedOut => self.hang_up(turn, End::DialogLost(side)),
            Failure::Unreachable => self.retry_refresh(turn, side, RETRY),
        }
    }
}

impl Answered {
    /// The side that a refresh was sent to.
    fn refreshed_side(&self, client: ClientId) -> Option<Side> {
        let is_it = |side: &Side| {
            self.refreshes[side.index()].as_ref().is_some_and(|it| it.client == client)
        };
        [Side::A, Side::B].into_iter().find(is_it)
    }

    fn refresh_kind(&mut self, side: Side) -> Kind {
        match self.leg(side).abilities.takes(Method::Update) {
            true => Kind::Update,
            false => Kind::Invite,
        }
    }

    /// Sends the refresh. Says whether it left.
    fn send_refresh(&mut self, turn: &mut Turn<'_>, side: Side, owner: u64) -> bool {
        let kind = self.refresh_kind(side);
        let told = self.leg(side).told.clone();
        let (leg, digest) = self.leg_and_digest(side);
        let request = leg.request(turn, kind.method(), digest, |_, writer| match (kind, &told) {
            (Kind::Invite, Some(told)) => writer.body("application/sdp", told),
            (Kind::Invite | Kind::Update | Kind::Prack | Kind::Info, _) => writer.finish(),
        });
        let cseq = leg.dialog.local_cseq();
        let client = turn.request(kind.method(), request, owner);
        let refresh = client.map(|client| Refresh { client, kind, cseq });
        self.refreshes[side.index()] = refresh;
        self.refreshes[side.index()].is_some()
    }

    /// When a refresh that was refused is tried again; at once, if something was learned from it.
    fn after_refusal(
        &mut self,
        turn: &mut Turn<'_>,
        side: Side,
        refresh: &Refresh,
        response: &Response<'_>,
        status: Status,
    ) -> Duration {
        let (leg, digest) = self.leg_and_digest(side);
        let learned = match status {
            Status::METHOD_NOT_ALLOWED | Status::NOT_IMPLEMENTED
                if refresh.kind == Kind::Update =>
            {
                leg.abilities.forget(Method::Update);
                true
            }
            Status::SESSION_INTERVAL_TOO_SMALL => {
                let before = leg.clock.map(|it| it.session.interval);
                raise(leg, response.message);
                before != leg.clock.map(|it| it.session.interval)
            }
            Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED => {
                digest.is_some_and(|digest| digest.challenged(response.message).is_ok())
            }
            Status::REQUEST_PENDING => return glare_delay(turn, side),
            _ => false,
        };
        if learned {
            return Duration::ZERO;
        }
        let asked = response.message.retry_after().ok().flatten();
        asked.map_or(RETRY, |it| Duration::from_secs(u64::from(it.seconds).max(1)))
    }
}

/// How long to wait after a 491: 2.1 to 4 s for the owner of the Call-ID, up to 2 s for the other,
/// in steps of 10 ms (RFC 3261 §14.1). The caller chose the Call-ID of its leg, we that of the other.
fn glare_delay(turn: &mut Turn<'_>, side: Side) -> Duration {
    let random = |turn: &mut Turn<'_>, steps: u128| {
        u64::try_from(turn.hub.tokens.bits() % steps).expect("a few hundred steps") * 10
    };
    match side {
        Side::A => Duration::from_millis(10 + random(turn, 200)),
        Side::B => Duration::from_millis(2100 + random(turn, 191)),
    }
}
