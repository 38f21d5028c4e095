//! Requests within an answered call: handed on to the other leg, and their answers back.

use media::Side;
use sip_core::session::Session;
use sip_core::{ClientId, Replies, ServerId, Token, digest};
use sip_message::{Flow, Message, MessageWriter, Method, Name, Status};

use super::answered::{Answered, Unacknowledged};
use super::replace::Arrival;
use super::session::Refresh;
use super::setup::parsed;
use super::{Bridge, Call, Failure, Response, Within, dismiss};
use crate::abilities::Toward;
use crate::admission::readable;
use crate::calls::Role;
use crate::explain::Note;
use crate::hub::{Request, Turn};
use crate::keying::Told;
use crate::leg::{ALLOW, Leg, PRODUCT};
use crate::media_plan::{MediaPlan, Said, description};
use crate::record::End;

/// The most requests of one call under way at once; one more is answered 500.
const RELAYS_MAX: usize = 8;

/// Seconds after which a request that came too early may be tried again (RFC 3261 §14.2: 0 to 10).
const RETRY_AFTER_SECONDS: u32 = 2;

/// A request that was handed on to the other leg and is not answered yet.
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) from: Side,
    kind: Kind,
    server: ServerId,
    replies: Replies,
    /// Where the request came from.
    flow: Flow,
    client: ClientId,
    /// CSeq numbers: the request's as it came, and as it left.
    cseqs: [u32; 2],
    /// What the request offered; settled when it is answered.
    pub(super) offer: Option<Told>,
    /// The same as it was handed on.
    pub(super) offered: Option<Box<[u8]>>,
    /// The session timer that its 2xx grants.
    session: Option<Session>,
    /// The request as it came, where a challenge to it could be answered.
    request: Option<Box<[u8]>>,
    retried: Retried,
    /// Whom the request came from.
    toward: Toward,
    /// Our tag where the request is no part of a dialog yet: a newcomer's.
    tag: Option<Token>,
    /// The newcomer whose INVITE it is.
    arrival: Option<Box<Arrival>>,
}

/// Whether a request was sent again with credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retried {
    No,
    Once,
}

/// What is handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Invite,
    Update,
    /// An offer in a PRACK: to the other side, an UPDATE.
    Prack,
    Info,
}

/// What is to be done with a request besides handing it on.
pub(super) struct Asked {
    pub(super) kind: Kind,
    pub(super) session: Option<Session>,
    pub(super) owner: u64,
    /// Whom the request comes from.
    pub(super) toward: Toward,
}

impl Kind {
    pub(super) fn method(self) -> Method<'static> {
        match self {
            Self::Invite => Method::Invite,
            Self::Update | Self::Prack => Method::Update,
            Self::Info => Method::Info,
        }
    }

    /// Writes the request for the other leg, `body` being its description as that leg gets it.
    fn request(
        self,
        turn: &mut Turn<'_>,
        leg: &mut Leg,
        digest: Option<&mut digest::Client>,
        message: &Message<'_>,
        body: Option<&[u8]>,
    ) -> Request {
        leg.request(turn, self.method(), digest, |config, writer| {
            // Who is called in another's stead is told at the beginning of a call (RFC 5806), where it is
            // looked at (`identity::may_cross`).
            config.headers.pass_if(message, writer, |it| it.name != Name::Diversion);
            match (body, self) {
                (Some(body), _) => writer.body(SDP, body),
                (None, Self::Info) => finish_as(message, writer),
                (None, Self::Invite | Self::Update | Self::Prack) => writer.finish(),
            }
        })
    }
}

impl Relay {
    pub(super) fn server(&self) -> ServerId {
        self.server
    }

    /// Whether nobody else may change the session meanwhile.
    pub(super) fn changes_session(&self) -> bool {
        self.kind != Kind::Info
    }

    pub(super) fn client(&self) -> ClientId {
        self.client
    }

    /// Sends a request on to the other leg, with our addresses in it; answers 503 if it cannot
    /// leave.
    pub(super) fn send(
        turn: &mut Turn<'_>,
        request: Within<'_>,
        asked: &Asked,
        said: Option<&Said<'_>>,
        media: &mut MediaPlan,
        leg: &mut Leg,
        digest: Option<&mut digest::Client>,
    ) -> Option<Self> {
        let &Asked { kind, session, owner, toward } = asked;
        let Within { message, side, server, replies, flow, .. } = request;
        let body = said.map(|said| media.hand_on_offer(turn, side, said));
        let request = digest.is_some().then(|| message.bytes().into());
        let out = kind.request(turn, leg, digest, message, body.as_deref());
        let cseqs = [message.cseq().map_or(0, |cseq| cseq.number), leg.dialog.local_cseq()];
        let Some(client) = turn.request(kind.method(), out, owner) else {
            let status = Status::SERVICE_UNAVAILABLE;
            turn.respond(server, status, replies.bare(status, status.reason(), ""));
            return None;
        };
        let (offer, offered) = (said.map(|said| said.told.clone()), body.map(Into::into));
        let from = side;
        let retried = Retried::No;
        Some(Self {
            from,
            kind,
            server,
            replies,
            flow,
            client,
            cseqs,
            offer,
            offered,
            session,
            request,
            retried,
            toward,
            tag: None,
            arrival: None,
        })
    }

    /// Sends the request once more, for the other leg has challenged it and its credentials are
    /// there. Whether it left.
    pub(super) fn send_again(
        &mut self,
        turn: &mut Turn<'_>,
        owner: u64,
        leg: &mut Leg,
        digest: Option<&mut digest::Client>,
    ) -> bool {
        let (Some(bytes), Retried::No) = (&self.request, self.retried) else { return false };
        let message = parsed(bytes);
        let out = self.kind.request(turn, leg, digest, &message, self.offered.as_deref());
        self.cseqs[1] = leg.dialog.local_cseq();
        let Some(client) = turn.request(self.kind.method(), out, owner) else { return false };
        (self.client, self.retried) = (client, Retried::Once);
        true
    }

    /// The same for the INVITE of a newcomer, whom our tag is new to.
    pub(super) fn of_newcomer(self, tag: Token, arrival: Box<Arrival>) -> Self {
        Self { tag: Some(tag), arrival: Some(arrival), ..self }
    }

    /// Our tag, if its response has to name it.
    fn tag(&self) -> &str {
        self.tag.as_deref().unwrap_or_default()
    }

    /// Answers the request with a status and nothing else.
    pub(super) fn refuse(&self, turn: &mut Turn<'_>, status: Status) {
        let bytes = self.replies.bare(status, status.reason(), self.tag());
        turn.respond(self.server, status, bytes);
    }
}

/// 405 with what is allowed: REFER, SUBSCRIBE, NOTIFY, MESSAGE, PRACK and their like are not for a
/// trunk.
pub(super) fn not_allowed(turn: &mut Turn<'_>, request: &Within<'_>) {
    let is_known = !matches!(request.method, Method::Other(_));
    let status = if is_known { Status::METHOD_NOT_ALLOWED } else { Status::NOT_IMPLEMENTED };
    let mut bytes = Vec::new();
    let mut writer = request.replies.start(&mut bytes, status, status.reason(), "");
    writer.text(Name::Allow, ALLOW).finish();
    turn.respond(request.server, status, bytes);
}

/// 491, or 500 with a time to come back (RFC 3261 §14.2).
pub(super) fn refuse_for_now(turn: &mut Turn<'_>, request: &Within<'_>, status: Status) {
    let mut bytes = Vec::new();
    let mut writer = request.replies.start(&mut bytes, status, status.reason(), "");
    if status == Status::SERVER_INTERNAL_ERROR {
        writer.header(Name::RetryAfter, RETRY_AFTER_SECONDS);
    }
    writer.finish();
    turn.respond(request.server, status, bytes);
}

/// 420 with what we lack (RFC 3261 §8.2.2.3).
pub(super) fn lacks(turn: &mut Turn<'_>, request: &Within<'_>, tags: &str) {
    let status = Status::BAD_EXTENSION;
    let mut bytes = Vec::new();
    let mut writer = request.replies.start(&mut bytes, status, status.reason(), "");
    writer.text(Name::Unsupported, tags).finish();
    turn.respond(request.server, status, bytes);
}

/// 415 with what would be taken (RFC 3261 §8.2.3).
pub(super) fn not_a_description(turn: &mut Turn<'_>, request: &Within<'_>) {
    let status = Status::UNSUPPORTED_MEDIA_TYPE;
    let mut bytes = Vec::new();
    let mut writer = request.replies.start(&mut bytes, status, status.reason(), "");
    writer.text(Name::Accept, SDP).finish();
    turn.respond(request.server, status, bytes);
}

impl Call {
    /// A transfer is not a trunk's to make: 405, and the record says so.
    pub(super) fn refuse_transfer(&mut self, turn: &mut Turn<'_>, request: &Within<'_>) {
        let target = request.message.first(Name::ReferTo).unwrap_or_default();
        self.note(Note::TransferRefused { by: request.side, target: readable(target) });
        not_allowed(turn, request);
    }

    /// Hands a re-INVITE, UPDATE or INFO on to the other leg.
    pub(super) fn hand_on(&mut self, turn: &mut Turn<'_>, request: Within<'_>, kind: Kind) {
        let owner = self.owner(Role::Within);
        let Bridge::Answered(answered) = &mut self.state else { return };
        if let Some(status) = answered.glare(&request, kind) {
            return refuse_for_now(turn, &request, status);
        }
        let body = match kind {
            Kind::Info => None,
            Kind::Invite | Kind::Update | Kind::Prack => match description(request.message) {
                Ok(body) => body,
                Err(_) => return not_a_description(turn, &request),
            },
        };
        let read = |body| self.media.read_offer(request.side, body);
        let said = match body.map(read).transpose() {
            Ok(said) => said,
            Err(refusal) => return request.refuse(turn, Status(refusal.status())),
        };
        let session = match kind {
            Kind::Info | Kind::Prack => None,
            Kind::Invite | Kind::Update => {
                let current = answered.leg(request.side).clock;
                match super::session::granted(turn, current, request.message) {
                    Ok(granted) => granted.map(|it| it.session),
                    Err(refused) => return super::session::refuse(turn, &request, refused),
                }
            }
        };
        if kind == Kind::Invite {
            let trying = request.replies.bare(Status::TRYING, Status::TRYING.reason(), "");
            turn.respond(request.server, Status::TRYING, trying);
            turn.hub.endpoint.adopt(request.server, owner);
        }
        if kind != Kind::Info {
            let leg = answered.leg(request.side);
            leg.dialog.refresh_target(request.message);
            leg.abilities.learn(request.message);
            self.media.learn(request.side, request.message);
        }
        let toward = answered.at(request.side).toward;
        let asked = Asked { kind, session, owner, toward };
        let (leg, digest) = answered.leg_and_digest(request.side.other());
        let relay = Relay::send(turn, request, &asked, said.as_ref(), &mut self.media, leg, digest);
        answered.relays.extend(relay);
    }

    pub(super) fn on_within_response(&mut self, turn: &mut Turn<'_>, response: &Response<'_>) {
        if matches!(self.state, Bridge::Routing(_) | Bridge::Ringing(_)) {
            return self.on_early_response(turn, response);
        }
        let owner = self.owner(Role::Within);
        let Bridge::Answered(answered) = &mut self.state else {
            return dismiss_reinvite(turn, response);
        };
        let Some(at) = answered.relays.iter().position(|it| it.client == response.client) else {
            // The 2xx to a re-INVITE, come again: our ACK was lost.
            return answered.acknowledge_reinvite_again(turn, response);
        };
        if response.status.is_provisional() {
            return;
        }
        let to = answered.relays[at].from.other();
        answered.leg(to).heard(response.flow);
        let mut relay = answered.relays.remove(at);
        if answered.answers_challenge(to, response) {
            let (leg, digest) = answered.leg_and_digest(to);
            if relay.send_again(turn, owner, leg, digest) {
                return answered.relays.push(relay);
            }
        } else if let Some(digest) = answered.leg_and_digest(to).1 {
            digest.settled();
        }
        if response.status.is_success() {
            let refused = answered.succeed(turn, &mut relay, response, &mut self.media);
            match refused {
                Ok(gone) => {
                    if let Some(gone) = gone {
                        self.replaced(turn, relay.from, gone);
                    }
                    self.watch_sessions(turn);
                }
                // The other side has changed the session, and this one cannot follow.
                Err(refusal) => {
                    relay.refuse(turn, Status::BAD_GATEWAY);
                    self.hang_up(turn, End::AnswerRefused(refusal));
                }
            }
            return;
        }
        if response.status == Status::SESSION_INTERVAL_TOO_SMALL {
            super::session::raise(answered.leg(to), response.message);
        }
        hand_back(turn, &relay, response, None);
        if let Some(arrival) = relay.arrival.take() {
            self.not_replaced(relay.from, response.status, *arrival);
        }
        if is_challenge(response.status) {
            self.note(Note::ChallengeUnanswered { by: to, status: response.status });
        }
        // RFC 3261 §12.2.1.2: the other side has no such dialog, or is gone.
        let is_lost =
            matches!(response.status, Status::CALL_DOES_NOT_EXIST | Status::REQUEST_TIMEOUT);
        if is_lost && relay.kind != Kind::Info {
            self.hang_up(turn, End::DialogLost(to));
        }
    }

    pub(super) fn on_within_failure(
        &mut self,
        turn: &mut Turn<'_>,
        client: ClientId,
        failure: Failure,
    ) {
        if matches!(self.state, Bridge::Routing(_) | Bridge::Ringing(_)) {
            return self.on_early_failure(turn, client);
        }
        let Bridge::Answered(answered) = &mut self.state else { return };
        let Some(at) = answered.relays.iter().position(|it| it.client == client) else { return };
        let mut relay = answered.relays.remove(at);
        if let Some(arrival) = relay.arrival.take() {
            self.not_replaced(relay.from, Status::REQUEST_TIMEOUT, *arrival);
        }
        match failure {
            Failure::TimedOut => {
                relay.refuse(turn, Status::REQUEST_TIMEOUT);
                if relay.kind != Kind::Info {
                    self.hang_up(turn, End::DialogLost(relay.from.other()));
                }
            }
            Failure::Unreachable => relay.refuse(turn, Status::SERVICE_UNAVAILABLE),
        }
    }
}

/// A 2xx to a re-INVITE that comes when the call is ending still wants its ACK; the BYE is under
/// way.
fn dismiss_reinvite(turn: &mut Turn<'_>, response: &Response<'_>) {
    dismiss(turn, response.flow, response.message);
}

impl Answered {
    /// Whether a request comes at the wrong moment: 491 when the other side is changing the
    /// session, 500 when the same side still is (RFC 3261 §14.2, RFC 3311 §5.2).
    fn glare(&self, request: &Within<'_>, kind: Kind) -> Option<Status> {
        if self.is_full() {
            return Some(Status::SERVER_INTERNAL_ERROR);
        }
        let changes_session = match kind {
            Kind::Invite => true,
            Kind::Update => !request.message.body().is_empty(),
            Kind::Prack => true,
            Kind::Info => false,
        };
        if !changes_session {
            return None;
        }
        let mut pending = self.relays.iter().filter(|it| it.kind != Kind::Info);
        let refreshes = self.refreshes.iter().flatten().any(Refresh::changes_session);
        match pending.next() {
            Some(relay) if relay.from == request.side => Some(Status::SERVER_INTERNAL_ERROR),
            Some(_) => Some(Status::REQUEST_PENDING),
            None if self.invite_in_progress() || refreshes => Some(Status::REQUEST_PENDING),
            None => None,
        }
    }

    /// Whether no further request may be handed on for now.
    pub(super) fn is_full(&self) -> bool {
        self.relays.len() >= RELAYS_MAX
    }

    /// A 2xx: what was offered and answered is settled, and goes back to who asked. Gives the leg
    /// whose place a newcomer has taken by it.
    fn succeed(
        &mut self,
        turn: &mut Turn<'_>,
        relay: &mut Relay,
        response: &Response<'_>,
        media: &mut MediaPlan,
    ) -> Result<Option<Box<Leg>>, sdp::Refusal> {
        let (from, to) = (relay.from, relay.from.other());
        let [came, left] = relay.cseqs;
        if relay.kind != Kind::Info {
            let answering = self.leg(to);
            answering.dialog.refresh_target(response.message);
            answering.abilities.learn(response.message);
            media.learn(to, response.message);
            super::session::heard(turn, answering, response.message);
        }
        let said = match read_settled(relay, response.message, media) {
            Ok(said) => said,
            Err(refusal) => {
                if relay.kind == Kind::Invite {
                    self.leg(to).ack(turn, left, None);
                }
                return Err(refusal);
            }
        };
        let arrival = relay.arrival.take();
        let gone = arrival.map(|arrival| self.give_place(turn, from, *arrival, media));
        if relay.kind != Kind::Info {
            self.leg(from).clock = super::session::started(turn, relay.session);
        }
        let mut waiting = Unacknowledged::new(relay.server, came);
        let offer = relay.offer.take();
        let is_answer = offer.is_some();
        match (&said, offer, relay.kind) {
            // Offered and answered: settled.
            (Some(answer), Some(offer), _) => {
                media.settle(from, offer);
                media.settle(to, answer.told.clone());
            }
            // The 2xx offers; the ACK will bring the answer.
            (Some(offer), None, Kind::Invite) => {
                waiting = waiting.with_new_offer(left, offer.told.clone());
            }
            (None, _, _) | (Some(_), None, Kind::Update | Kind::Prack | Kind::Info) => {}
        }
        if relay.kind == Kind::Invite {
            if !waiting.owes_ack() {
                self.leg(to).ack(turn, left, None);
            }
            self.reinvite = Some((response.client, to, left));
            self.wait_for_ack(from, waiting);
        }
        let body = said.map(|said| match is_answer {
            true => media.hand_on_answer(turn, to, &said),
            false => media.hand_on_offer(turn, to, &said),
        });
        if is_answer {
            // The keys that the answer handed on are part of what the relay is told.
            media.update(turn);
        }
        if let Some(body) = &body {
            self.leg(from).told = Some(body.as_slice().into());
        }
        if let Some(offered) = relay.offered.take() {
            self.leg(to).told = Some(offered);
        }
        hand_back(turn, relay, response, body.as_deref());
        Ok(gone)
    }
}

const SDP: &str = "application/sdp";

/// Ends a message with the body of another, as it is.
fn finish_as(message: &Message<'_>, writer: &mut MessageWriter<'_>) {
    match message.first(Name::ContentType) {
        Some(kind) if !message.body().is_empty() => writer.body(kind, message.body()),
        Some(_) | None => writer.finish(),
    }
}

/// Whether a response asks for credentials.
pub(super) fn is_challenge(status: Status) -> bool {
    matches!(status, Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED)
}

/// Hands the response to a request back to who sent it. A challenge that we cannot answer is not for
/// the sender, whose credentials are none of that side's: 403 tells it that asking again is of no
/// use.
pub(super) fn hand_back(
    turn: &mut Turn<'_>,
    relay: &Relay,
    response: &Response<'_>,
    body: Option<&[u8]>,
) {
    let (status, reason) = match response.status {
        status if is_challenge(status) => (Status::FORBIDDEN, Status::FORBIDDEN.reason()),
        // The session timers of the two legs are no affair of each other's: asked again in a
        // moment, the longer interval has been taken.
        Status::SESSION_INTERVAL_TOO_SMALL => {
            (Status::REQUEST_PENDING, Status::REQUEST_PENDING.reason())
        }
        status => (status, response.reason),
    };
    let mut bytes = Vec::new();
    let mut writer = relay.replies.start(&mut bytes, status, reason, relay.tag());
    if status.is_success() && relay.kind != Kind::Info {
        writer.text(Name::Contact, &turn.hub.faces.of(&relay.flow).contact);
        writer.text(Name::Allow, ALLOW).text(Name::Server, PRODUCT);
        let clock = super::session::started(turn, relay.session);
        super::session::tell(&mut writer, &turn.hub.config, relay.toward, clock);
    }
    if status.is_failure() {
        writer.copy_all(response.message, Name::RetryAfter);
    }
    turn.hub.config.headers.pass(response.message, &mut writer);
    match (body, relay.kind) {
        (Some(body), _) => writer.body(SDP, body),
        (None, Kind::Info) => finish_as(response.message, &mut writer),
        (None, Kind::Invite | Kind::Update | Kind::Prack) => writer.finish(),
    }
    turn.respond(relay.server, status, bytes);
}

/// What a 2xx to a request that was handed on says: an answer if there was an offer, and the 2xx to
/// an INVITE must hold one; else an offer.
fn read_settled<'m>(
    relay: &Relay,
    response: &Message<'m>,
    media: &MediaPlan,
) -> Result<Option<Said<'m>>, sdp::Refusal> {
    if relay.kind == Kind::Info {
        return Ok(None);
    }
    let side = relay.from.other();
    let body = description(response).map_err(|_| sdp::Refusal::NoAudio)?;
    match (body, &relay.offer) {
        (None, Some(_)) if relay.kind == Kind::Invite => Err(sdp::Refusal::NoAudio),
        (None, _) => Ok(None),
        (Some(body), Some(_)) => media.read_answer(side, body).map(Some),
        (Some(body), None) => media.read_offer(side, body).map(Some),
    }
}
