//! The end of a call: BYE where it is due, the media closed, the record written once.

use media::Side;
use model::UnixMillis;
use sip_core::{ClientId, ServerId, digest};
use sip_message::{Flow, Message, Method, Name, Status};

use super::{Bridge, Call, Failure, Response, Within};
use crate::calls::{CallKey, Owner, Role};
use crate::headers;
use crate::hub::Turn;
use crate::leg::Leg;
use crate::record::{self, End, Outcome, Tally};
use crate::timers::Timer;

/// A call that has ended and is being cleared away.
#[derive(Debug)]
pub(super) struct Ending {
    end: End,
    ended: UnixMillis,
    byes: [Bye; 2],
    report: Report,
    digest: Option<Box<digest::Client>>,
}

/// What is left to do on one leg.
#[derive(Debug)]
enum Bye {
    /// Nothing.
    Done,
    /// The peer owes us an ACK, and no BYE may be sent before it (RFC 3261 §15).
    WaitsForAck { server: ServerId, leg: Box<Leg> },
    /// It is out.
    Sent { client: ClientId, flow: Flow, leg: Box<Leg> },
}

/// Whether the media has told what it measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Report {
    Waited,
    Told,
}

impl Call {
    /// Ends the call, whatever state it is in. Nothing happens to one that is ending already.
    pub(crate) fn hang_up(&mut self, turn: &mut Turn<'_>, end: End) {
        self.finish(turn, end, None);
    }

    /// The same, for a reason that a message of one side gives: what it says goes to the other.
    pub(super) fn hang_up_because(&mut self, turn: &mut Turn<'_>, end: End, said: &Message<'_>) {
        self.finish(turn, end, Some(said));
    }

    /// One side hung up. Its BYE is answered; what it says of the reason goes on.
    pub(super) fn on_bye(&mut self, turn: &mut Turn<'_>, request: &Within<'_>) {
        request.refuse(turn, Status::OK);
        self.finish(turn, End::HungUp(request.side), Some(request.message));
    }

    fn finish(&mut self, turn: &mut Turn<'_>, end: End, bye: Option<&Message<'_>>) {
        match &self.state {
            Bridge::Routing(_) | Bridge::Ringing(_) => self.decline(turn, end, bye),
            Bridge::Answered(_) => {}
            Bridge::Ending(_) | Bridge::Over => return,
        }
        let (byes, digest) = self.part(turn, end, bye);
        self.state = Bridge::Ending(Box::new(Ending {
            end,
            ended: turn.now.unix,
            byes,
            report: Report::Waited,
            digest,
        }));
        self.media.close(turn);
        self.alarms.clear();
        self.alarms.set(Timer::Report, turn.now.instant + turn.hub.config.patience.report);
        turn.hub.counters.end(end.code());
        turn.hub.usage.end();
        if let Some(session) = self.facts.session.filter(|_| self.answered.is_some()) {
            turn.hub.talking.end(session);
        }
        self.seats.iter().for_each(|seat| turn.hub.usage.leave(seat));
        if let Some(connector) = self.facts.emergency_connector() {
            turn.hub.usage.end_emergency(connector);
        }
    }

    /// Gives the caller its final answer, and the carrier its CANCEL, each with the reason that the
    /// other side gave.
    fn decline(&mut self, turn: &mut Turn<'_>, end: End, said: Option<&Message<'_>>) {
        let why = said.map(headers::reasons).unwrap_or_default();
        self.give_up_attempt(turn, Tally::Abandoned, &why);
        let tag = self.tag;
        let Some(setup) = self.setup() else { return };
        for relay in std::mem::take(&mut setup.early.relays) {
            relay.refuse(turn, Status::REQUEST_TERMINATED);
        }
        if let Some(held) = setup.early.held.take() {
            super::dismiss(turn, held.flow, &super::setup::parsed(&held.bytes));
        }
        let status = end.status();
        let says_it_all = matches!(end, End::Declined(_) | End::Cancelled);
        let phrase = if says_it_all { status.reason() } else { end.message() };
        let mut bytes = Vec::new();
        let mut writer = setup.replies.start(&mut bytes, status, phrase, &tag);
        if let Some(response) = said.filter(|it| !it.is_request()) {
            headers::pass_reasons(response, &mut writer);
            turn.hub.config.headers.pass(response, &mut writer);
        }
        writer.finish();
        let server = setup.server;
        turn.respond(server, status, bytes);
    }

    /// Takes the two legs apart: BYE to whoever has not hung up.
    fn part(
        &mut self,
        turn: &mut Turn<'_>,
        end: End,
        bye: Option<&Message<'_>>,
    ) -> ([Bye; 2], Option<Box<digest::Client>>) {
        let nothing = [Bye::Done, Bye::Done];
        let mut answered = match std::mem::replace(&mut self.state, Bridge::Over) {
            Bridge::Answered(answered) => answered,
            Bridge::Routing(_) | Bridge::Ringing(_) | Bridge::Ending(_) | Bridge::Over => {
                return (nothing, None);
            }
        };
        for relay in std::mem::take(&mut answered.relays) {
            relay.refuse(turn, Status::REQUEST_TERMINATED);
        }
        answered.pay_what_is_owed(turn);
        let waiting = [answered.forget_ack(Side::A), answered.forget_ack(Side::B)];
        let (legs, mut digest) = answered.into_legs();
        let owner = self.owner(Role::Bye);
        let mut byes = nothing;
        for (side, leg) in [Side::A, Side::B].into_iter().zip(legs) {
            let leg = Box::new(leg);
            byes[side.index()] = match (waiting[side.index()], end) {
                (_, End::HungUp(by)) if by == side => Bye::Done,
                (Some(server), _) => Bye::WaitsForAck { server, leg },
                (None, _) => {
                    let digest = digest.as_deref_mut().filter(|_| side == Side::B);
                    send_bye(turn, leg, digest, &Why { end, bye }, owner)
                }
            };
        }
        (byes, digest)
    }

    /// A response to a BYE of ours. A carrier's challenge is answered; anything else ends it.
    pub(super) fn on_bye_response(&mut self, turn: &mut Turn<'_>, response: &Response<'_>) {
        if response.status.is_provisional() {
            return;
        }
        let owner = self.owner(Role::Bye);
        let Bridge::Ending(ending) = &mut self.state else { return };
        let slot = ending.byes.iter_mut().find(|it| it.is(response.client));
        let Some(slot) = slot else { return };
        let challenged = ending
            .digest
            .as_deref_mut()
            .is_some_and(|digest| digest.challenged(response.message).is_ok());
        match std::mem::replace(slot, Bye::Done) {
            Bye::Sent { leg, .. } if challenged => {
                let why = Why { end: ending.end, bye: None };
                *slot = send_bye(turn, leg, ending.digest.as_deref_mut(), &why, owner);
            }
            Bye::Sent { .. } | Bye::Done | Bye::WaitsForAck { .. } => {}
        }
        self.close_if_done();
    }

    /// A BYE of ours stays without an answer: its peer is gone anyway. One that could not leave,
    /// because its connection was gone, is sent another way if there is one.
    pub(super) fn on_bye_failure(
        &mut self,
        turn: &mut Turn<'_>,
        client: ClientId,
        failure: Failure,
    ) {
        let owner = self.owner(Role::Bye);
        if let Bridge::Ending(ending) = &mut self.state {
            for side in [Side::A, Side::B] {
                let slot = &mut ending.byes[side.index()];
                if !slot.is(client) {
                    continue;
                }
                let Bye::Sent { flow, leg, .. } = std::mem::replace(slot, Bye::Done) else {
                    continue;
                };
                if failure == Failure::Unreachable && leg.flow(turn.hub) != flow {
                    let digest = ending.digest.as_deref_mut().filter(|_| side == Side::B);
                    *slot = send_bye(turn, leg, digest, &Why { end: ending.end, bye: None }, owner);
                }
            }
        }
        self.close_if_done();
    }

    /// The media has told what it measured, or has not in time: the record is written.
    pub(crate) fn on_report(
        &mut self,
        turn: &mut Turn<'_>,
        measured: Option<&[media::LegQuality; 2]>,
    ) {
        let Bridge::Ending(ending) = &mut self.state else { return };
        if ending.report == Report::Told {
            return;
        }
        ending.report = Report::Told;
        let (end, ended) = (ending.end, ending.ended);
        self.alarms.stop(Timer::Report);
        let quality = measured.map_or_else(Vec::new, |[a, b]| {
            vec![record::quality(Side::A, a), record::quality(Side::B, b)]
        });
        let record = self.story(&Outcome::Ended(end), ended, quality);
        turn.hub.outputs.push_back(crate::io::Output::Record(record));
        self.close_if_done();
    }

    fn close_if_done(&mut self) {
        if let Bridge::Ending(ending) = &self.state {
            let gone = ending.byes.iter().all(|bye| matches!(bye, Bye::Done));
            if gone && ending.report == Report::Told {
                self.state = Bridge::Over;
            }
        }
    }

    /// Takes the call out of what is shared; it is forgotten next.
    pub(crate) fn leave(&self, turn: &mut Turn<'_>) {
        turn.hub.dialogs.remove(&self.call_id, &self.tag);
        if let Some((call_id, tag)) = &self.called {
            turn.hub.dialogs.remove(call_id, tag);
        }
        for (call_id, tag) in &self.newcomers {
            turn.hub.dialogs.remove(call_id, tag);
        }
    }
}

impl Ending {
    /// The ACK that a BYE waited for has come.
    pub(super) fn acknowledged(
        &mut self,
        turn: &mut Turn<'_>,
        side: Side,
        ack: &Message<'_>,
        key: CallKey,
    ) {
        let Bye::WaitsForAck { server, leg } = &self.byes[side.index()] else { return };
        if leg.dialog.matches(ack) {
            let server = *server;
            turn.hub.endpoint.acknowledged(turn.now.instant, server);
            self.stop_waiting(turn, server, key);
        }
    }

    /// No ACK will come any more, or it has come: the BYE may leave.
    pub(super) fn stop_waiting(&mut self, turn: &mut Turn<'_>, server: ServerId, key: CallKey) {
        let owner = Owner { key, role: Role::Bye }.pack();
        for side in [Side::A, Side::B] {
            let slot = &mut self.byes[side.index()];
            if !matches!(slot, Bye::WaitsForAck { server: waits, .. } if *waits == server) {
                continue;
            }
            if let Bye::WaitsForAck { leg, .. } = std::mem::replace(slot, Bye::Done) {
                let digest = self.digest.as_deref_mut().filter(|_| side == Side::B);
                *slot = send_bye(turn, leg, digest, &Why { end: self.end, bye: None }, owner);
            }
        }
    }
}

impl Bye {
    fn is(&self, client: ClientId) -> bool {
        matches!(self, Self::Sent { client: sent, .. } if *sent == client)
    }
}

/// What a BYE says of its reason.
struct Why<'m> {
    end: End,
    /// The other side's BYE, whose Reason is handed on.
    bye: Option<&'m Message<'m>>,
}

fn send_bye(
    turn: &mut Turn<'_>,
    mut leg: Box<Leg>,
    digest: Option<&mut digest::Client>,
    why: &Why<'_>,
    owner: u64,
) -> Bye {
    let request = leg.request(turn, Method::Bye, digest, |config, writer| {
        match (why.bye, why.end) {
            (Some(bye), _) => {
                headers::pass_reasons(bye, writer);
                config.headers.pass(bye, writer);
            }
            (None, End::HungUp(_)) => {}
            // AWS's words for a lost ACK; the same form for our other reasons.
            (None, end) => {
                let text = end.message();
                writer.header(Name::Reason, format_args!("SIP;cause=200;text=\"{text}\""));
            }
        }
        writer.finish();
    });
    let flow = request.to;
    match turn.request(Method::Bye, request, owner) {
        Some(client) => Bye::Sent { client, flow, leg },
        None => Bye::Done,
    }
}
