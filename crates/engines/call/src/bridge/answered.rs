//! An answered call: two confirmed dialogs and the ACKs between them.

use media::Side;
use sip_core::{ClientId, ServerId, digest};
use sip_message::{Flow, Message, Method, Status};

use super::digits::Digits;
use super::session::Refresh;
use super::setup::Invited;
use super::within::{Kind, Relay};
use super::{Bridge, Call, Response, Within, within};
use crate::abilities::{Toward, extensions};
use crate::hub::Turn;
use crate::keying::Told;
use crate::leg::Leg;
use crate::media_plan::{MediaPlan, description};
use crate::record::End;

/// A call in which they talk.
#[derive(Debug)]
pub(super) struct Answered {
    legs: [Leg; 2],
    /// Our INVITE that was answered, and the CSeq of its ACK.
    invite: (ClientId, u32),
    /// The body of that ACK, once it was sent with one.
    ack_body: Option<Box<[u8]>>,
    /// The last re-INVITE that we handed on and that was answered 2xx: its transaction, the side
    /// that answered, and the CSeq of its ACK.
    pub(super) reinvite: Option<(ClientId, Side, u32)>,
    /// By side: an INVITE of that side that we answered 2xx and whose ACK has not come.
    waiting: [Option<Unacknowledged>; 2],
    /// Requests that were handed on and are not answered yet.
    pub(super) relays: Vec<Relay>,
    /// By side: a refresh of ours that is under way.
    pub(super) refreshes: [Option<Refresh>; 2],
    /// Digits that one side is told of by INFO; there are some once there was one.
    pub(super) digits: Option<Box<Digits>>,
    /// What answers the carrier's challenges within the dialog.
    pub(super) digest: Option<Box<digest::Client>>,
}

/// An INVITE that we answered and whose ACK has not come.
#[derive(Debug)]
pub(super) struct Unacknowledged {
    pub(super) server: ServerId,
    cseq: u32,
    /// The INVITE had no offer: the other side made it, and waits for an ACK with the answer.
    owed: Option<Owed>,
}

/// An ACK that the other side waits for, and what it offered, if that is not settled yet.
#[derive(Debug, Clone)]
struct Owed {
    cseq: u32,
    offer: Option<Told>,
}

impl Unacknowledged {
    pub(super) fn new(server: ServerId, cseq: u32) -> Self {
        Self { server, cseq, owed: None }
    }

    /// Whether the other side waits for the ACK that this one brings.
    pub(super) fn owes_ack(&self) -> bool {
        self.owed.is_some()
    }

    /// The peer's 2xx with that CSeq brought the offer of the call itself.
    pub(super) fn with_offer_from_peer(self, cseq: u32) -> Self {
        Self { owed: Some(Owed { cseq, offer: None }), ..self }
    }

    /// The peer's 2xx with that CSeq brought a new offer.
    pub(super) fn with_new_offer(self, cseq: u32, offer: Told) -> Self {
        Self { owed: Some(Owed { cseq, offer: Some(offer) }), ..self }
    }
}

impl Answered {
    pub(super) fn new(
        a: Leg,
        b: Leg,
        invited: Invited,
        waiting: Unacknowledged,
        relays: Vec<Relay>,
    ) -> Self {
        let mut digest = invited.digest;
        if let Some(digest) = digest.as_deref_mut() {
            digest.settled();
        }
        Self {
            legs: [a, b],
            invite: (invited.client, invited.cseq),
            ack_body: None,
            reinvite: None,
            waiting: [Some(waiting), None],
            relays,
            refreshes: [None, None],
            digits: None,
            digest,
        }
    }

    pub(super) fn leg(&mut self, side: Side) -> &mut Leg {
        &mut self.legs[side.index()]
    }

    pub(super) fn at(&self, side: Side) -> &Leg {
        &self.legs[side.index()]
    }

    /// A leg, and what answers challenges there: carriers challenge, callers do not.
    pub(super) fn leg_and_digest(&mut self, side: Side) -> (&mut Leg, Option<&mut digest::Client>) {
        let digest = match side {
            Side::A => None,
            Side::B => self.digest.as_deref_mut(),
        };
        (&mut self.legs[side.index()], digest)
    }

    /// The 2xx to the last re-INVITE came again: our ACK was lost, unless it is still owed.
    pub(super) fn acknowledge_reinvite_again(
        &mut self,
        turn: &mut Turn<'_>,
        response: &Response<'_>,
    ) {
        let Some((client, side, cseq)) = self.reinvite else { return };
        let owes = |it: &Unacknowledged| it.owed.as_ref().is_some_and(|owed| owed.cseq == cseq);
        let is_owed = self.waiting[side.other().index()].as_ref().is_some_and(owes);
        if client == response.client && response.status.is_success() && !is_owed {
            self.legs[side.index()].ack(turn, cseq, None);
        }
    }

    pub(super) fn into_legs(self) -> ([Leg; 2], Option<Box<digest::Client>>) {
        (self.legs, self.digest)
    }

    /// Takes a challenge of a side; whether there are credentials to try again with.
    pub(super) fn answers_challenge(&mut self, side: Side, response: &Response<'_>) -> bool {
        let (_, digest) = self.leg_and_digest(side);
        digest.is_some_and(|digest| digest.challenged(response.message).is_ok())
    }

    /// Whether a 2xx is the one that answered the call, come again: our ACK was lost.
    pub(super) fn is_repeated(&self, response: &Response<'_>) -> bool {
        response.client == self.invite.0
            && self.legs[Side::B.index()].dialog.matches(response.message)
    }

    /// Sends the ACK once more, unless it waits for the caller's.
    pub(super) fn acknowledge_again(&mut self, turn: &mut Turn<'_>) {
        let cseq = self.invite.1;
        let is_owed = self.waiting[Side::A.index()]
            .as_ref()
            .and_then(|it| it.owed.as_ref())
            .is_some_and(|owed| owed.cseq == cseq);
        if !is_owed {
            self.legs[Side::B.index()].ack(turn, cseq, self.ack_body.as_deref());
        }
    }

    /// Whether an INVITE is under way in either direction, its ACK included (RFC 3261 §14.1).
    pub(super) fn invite_in_progress(&self) -> bool {
        self.waiting.iter().any(Option::is_some)
    }

    /// Whether the session is being changed, in either direction.
    pub(super) fn session_changes(&self) -> bool {
        self.invite_in_progress() || self.relays.iter().any(Relay::changes_session)
    }

    /// Remembers that `side` owes us an ACK.
    pub(super) fn wait_for_ack(&mut self, side: Side, waiting: Unacknowledged) {
        self.waiting[side.index()] = Some(waiting);
    }

    /// Takes what `side` owes us an ACK for.
    pub(super) fn forget_ack(&mut self, side: Side) -> Option<ServerId> {
        self.waiting[side.index()].take().map(|it| it.server)
    }

    /// Sends every ACK that a peer still waits for, without an answer in it: the call ends.
    pub(super) fn pay_what_is_owed(&mut self, turn: &mut Turn<'_>) {
        for side in [Side::A, Side::B] {
            let owed = self.waiting[side.index()].as_mut().and_then(|it| it.owed.take());
            if let Some(owed) = owed {
                self.legs[side.other().index()].ack(turn, owed.cseq, None);
            }
        }
    }

    /// An ACK for a 2xx of ours.
    fn acknowledged(
        &mut self,
        turn: &mut Turn<'_>,
        side: Side,
        ack: &Message<'_>,
        media: &mut MediaPlan,
    ) {
        let number = ack.cseq().map_or(0, |cseq| cseq.number);
        let Some(waiting) = self.waiting[side.index()].take_if(|it| it.cseq == number) else {
            return;
        };
        turn.hub.endpoint.acknowledged(turn.now.instant, waiting.server);
        let Some(owed) = waiting.owed else { return };
        let body = description(ack).ok().flatten();
        let said = body.and_then(|body| media.read_answer(side, body).ok());
        let answer = said.map(|said| {
            if let Some(offer) = owed.offer {
                media.settle(side.other(), offer);
            }
            media.settle(side, said.told.clone());
            media.update(turn);
            media.hand_on_answer(turn, side, &said)
        });
        let other = &mut self.legs[side.other().index()];
        other.ack(turn, owed.cseq, answer.as_deref());
        if let Some(answer) = &answer {
            other.told = Some(answer.as_slice().into());
        }
        if owed.cseq == self.invite.1 && side == Side::A {
            self.ack_body = answer.map(Into::into);
        }
    }

    /// The peer gave up a re-INVITE: so do we on the other side.
    pub(super) fn cancel(&mut self, turn: &mut Turn<'_>, invite: ServerId) {
        if let Some(relay) = self.relays.iter().find(|it| it.server() == invite) {
            turn.hub.endpoint.cancel(turn.now.instant, relay.client(), None);
        }
    }
}

/// A PRACK that comes after the answer acknowledges what is not repeated any more; one that names
/// no response acknowledges nothing.
fn late_prack(prack: &Message<'_>) -> Status {
    match prack.rack() {
        Ok(Some(_)) => Status::OK,
        Ok(None) | Err(_) => Status::CALL_DOES_NOT_EXIST,
    }
}

/// The extensions that a request wants and we lack, if there are any (RFC 3261 §8.2.2.3). Within a
/// dialog nothing is replaced, whoever asks.
pub(super) fn supported(turn: &Turn<'_>, request: &Message<'_>) -> Result<(), String> {
    let known = extensions(&turn.hub.config, Toward::Carrier);
    let tags: Vec<&str> = request.unsupported(&known).collect();
    if tags.is_empty() { Ok(()) } else { Err(tags.join(", ")) }
}

impl Call {
    /// An ACK that belongs to one of the call's dialogs.
    pub(crate) fn on_ack(
        &mut self,
        turn: &mut Turn<'_>,
        side: Side,
        flow: Flow,
        ack: &Message<'_>,
    ) {
        match &mut self.state {
            Bridge::Answered(answered) => {
                if answered.leg(side).dialog.matches(ack) {
                    answered.leg(side).heard(flow);
                    answered.acknowledged(turn, side, ack, &mut self.media);
                }
            }
            Bridge::Ending(ending) => ending.acknowledged(turn, side, ack, self.key),
            Bridge::Routing(_) | Bridge::Ringing(_) | Bridge::Over => {}
        }
    }

    /// A 2xx of ours was never acknowledged: its sender cannot hear us.
    pub(crate) fn on_no_ack(&mut self, turn: &mut Turn<'_>, server: ServerId) {
        match &mut self.state {
            Bridge::Answered(answered) => {
                answered.pay_what_is_owed(turn);
                for waiting in &mut answered.waiting {
                    waiting.take_if(|it| it.server == server);
                }
                self.hang_up(turn, End::AckTimeout);
            }
            Bridge::Ending(ending) => ending.stop_waiting(turn, server, self.key),
            Bridge::Routing(_) | Bridge::Ringing(_) | Bridge::Over => {}
        }
    }

    /// A request within the dialogs of an answered call.
    pub(super) fn on_answered_request(&mut self, turn: &mut Turn<'_>, request: Within<'_>) {
        let Bridge::Answered(answered) = &mut self.state else { return };
        let leg = answered.leg(request.side);
        if !leg.dialog.matches(request.message) {
            return request.refuse(turn, Status::CALL_DOES_NOT_EXIST);
        }
        if leg.dialog.receive(request.message).is_err() {
            return request.refuse(turn, Status::SERVER_INTERNAL_ERROR);
        }
        leg.heard(request.flow);
        if let Err(tags) = supported(turn, request.message) {
            return within::lacks(turn, &request, &tags);
        }
        match request.method {
            Method::Bye => self.on_bye(turn, &request),
            Method::Invite => self.hand_on(turn, request, Kind::Invite),
            Method::Update if request.message.body().is_empty() => {
                self.on_plain_update(turn, &request);
            }
            Method::Update => self.hand_on(turn, request, Kind::Update),
            Method::Info => self.on_info(turn, request),
            Method::Options => request.refuse(turn, Status::OK),
            Method::Prack => request.refuse(turn, late_prack(request.message)),
            Method::Refer => self.refuse_transfer(turn, &request),
            Method::Subscribe
            | Method::Notify
            | Method::Message
            | Method::Publish
            | Method::Register
            | Method::Ack
            | Method::Cancel
            | Method::Other(_) => within::not_allowed(turn, &request),
        }
    }
}
