//! Between INVITE and answer: early dialogs, and what is said in them beyond ringing.
//!
//! A carrier's reliable response is acknowledged at once, unless it brings the call's first offer:
//! then its PRACK waits for the caller's, which brings the answer (RFC 3262 §5). Once offer and
//! answer are acknowledged, UPDATE and PRACK may bring new offers from either side (RFC 3311 §5).

use arrayvec::ArrayVec;
use media::Side;
use sdp::Refusal;
use sip_core::dialog::Dialog;
use sip_core::{ClientId, ServerId, digest};
use sip_message::{Flow, Message, Method, Name, StartLine, Status};

use super::reliable::{Brings, Came, EXTENSION, Reliable, Unsent, Way};
use super::setup::{FORKS_MAX, Setup, parsed};
use super::within::{self, Asked, Kind, Relay};
use super::{Bridge, Call, Response, Within, answered};
use crate::abilities::Toward;
use crate::calls::Role;
use crate::config::ReliableProgress;
use crate::hub::Turn;
use crate::keying::Told;
use crate::leg::{Leg, Reach};
use crate::media_plan::description;
use crate::record::End;
use crate::timers::Timer;

/// One early dialog of the called side.
#[derive(Debug)]
pub(super) struct Fork {
    tag: Box<str>,
    /// Once it sent something reliably: requests can be sent to it.
    leg: Option<Box<Leg>>,
    /// The RSeq of its last reliable response; 0 before the first.
    rseq: u32,
}

impl Fork {
    pub(super) fn new(tag: &str) -> Self {
        Self { tag: tag.into(), leg: None, rseq: 0 }
    }

    pub(super) fn is(&self, tag: &str) -> bool {
        *self.tag == *tag
    }

    /// Its dialog, confirmed by a 2xx; `None` if no request was ever sent in it.
    pub(super) fn confirmed(&mut self, response: &Message<'_>) -> Option<Leg> {
        let mut leg = self.leg.take()?;
        leg.dialog.confirm(response);
        Some(*leg)
    }
}

/// What there is between an INVITE and its answer.
#[derive(Debug)]
pub(super) struct Early {
    /// What the caller acknowledges; `None` if it does not.
    reliable: Option<Reliable>,
    /// The PRACK that waits for the caller's: which fork's, and the RSeq it acknowledges.
    owed: Option<(usize, u32)>,
    /// What the called side offered in a reliable response, until it is answered.
    pub(super) offered: Option<Told>,
    agreement: Agreement,
    /// The fork that the caller hears.
    pub(super) speaking: usize,
    /// A 2xx that waits for the caller's PRACK.
    pub(super) held: Option<Held>,
    /// Offers that were handed on and are not answered yet.
    pub(super) relays: Vec<Relay>,
}

/// Whether offer and answer have been exchanged for good before the 2xx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agreement {
    Open,
    Reached,
}

/// A 2xx as it came.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) flow: Flow,
    pub(super) bytes: Box<[u8]>,
    client: ClientId,
}

impl Early {
    pub(super) fn of(turn: &mut Turn<'_>, invite: &Message<'_>, server: ServerId) -> Self {
        let first = turn.hub.tokens.bits();
        Self {
            reliable: Reliable::of(invite, turn.hub.config.reliable, server, first),
            owed: None,
            offered: None,
            agreement: Agreement::Open,
            speaking: 0,
            held: None,
            relays: Vec::new(),
        }
    }

    /// Another carrier is asked: what was said with the one before does not count.
    pub(super) fn forget(&mut self, forks: &mut ArrayVec<Fork, FORKS_MAX>) {
        for fork in forks {
            (fork.leg, fork.rseq) = (None, 0);
        }
        self.owed = None;
        self.offered = None;
    }

    /// Whether the called side is told that we acknowledge. Without an offer of the caller's it may
    /// send its own reliably, and only a caller that acknowledges can answer that.
    pub(super) fn is_offered(&self, policy: ReliableProgress, has_offer: Offer) -> Came {
        let is_offered = match policy {
            ReliableProgress::Never => false,
            ReliableProgress::AsAsked => self.reliable.is_some(),
            ReliableProgress::Always => self.reliable.is_some() || has_offer == Offer::Made,
        };
        if is_offered { Came::Reliably } else { Came::Unreliably }
    }

    /// Whether the called side waits for a PRACK with the caller's answer.
    pub(super) fn owes_prack(&self) -> bool {
        self.owed.is_some()
    }

    /// Whether offer and answer have been exchanged and acknowledged.
    pub(super) fn is_agreed(&self) -> bool {
        self.agreement == Agreement::Reached
    }

    pub(super) fn way(&mut self, brings: Brings, came: Came) -> Way {
        self.reliable.as_mut().map_or(Way::Plain, |reliable| reliable.way(brings, came))
    }

    pub(super) fn send(&mut self, turn: &mut Turn<'_>, response: Unsent) {
        if let Some(reliable) = &mut self.reliable {
            reliable.send(turn, response);
        }
    }

    /// Keeps a 2xx back until the caller has acknowledged what came before it.
    pub(super) fn holds(&mut self, response: &Response<'_>) -> bool {
        if !self.reliable.as_ref().is_some_and(Reliable::holds_answer) {
            return false;
        }
        self.held.get_or_insert_with(|| Held {
            flow: response.flow,
            bytes: response.message.bytes().into(),
            client: response.client,
        });
        true
    }
}

/// Whether the caller's INVITE brought an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    Made,
    Late,
}

impl Setup {
    /// The leg of a side, if requests can be sent on it already.
    pub(super) fn early_leg(&mut self, side: Side) -> Option<&mut Leg> {
        match side {
            Side::A => Some(&mut self.leg),
            Side::B => self.forks.get_mut(self.early.speaking)?.leg.as_deref_mut(),
        }
    }

    /// The same of the called side, with what answers its challenges.
    fn called_leg(&mut self, fork: usize) -> Option<(&mut Leg, Option<&mut digest::Client>)> {
        let leg = self.forks.get_mut(fork)?.leg.as_deref_mut()?;
        let digest = self.attempt.as_mut().and_then(|it| it.digest.as_deref_mut());
        Some((leg, digest))
    }

    /// The leg that a request claims to come on.
    fn leg_of(&mut self, request: &Within<'_>) -> Option<&mut Leg> {
        let from = request.message.from().ok()?;
        let tag = from.tag().unwrap_or_default();
        match request.side {
            Side::A => Some(&mut self.leg).filter(|leg| leg.dialog.remote_tag() == tag),
            Side::B => self.forks.iter_mut().find(|it| it.is(tag))?.leg.as_deref_mut(),
        }
    }
}

impl Call {
    /// Takes a provisional response of the called side: `None` if it came before, or out of order
    /// (RFC 3262 §4). One that came reliably gets its PRACK.
    pub(super) fn take_progress(
        &mut self,
        turn: &mut Turn<'_>,
        response: &Response<'_>,
    ) -> Option<Came> {
        let message = response.message;
        let has_body = !message.body().is_empty();
        let policy = turn.hub.config.reliable;
        let setup = self.setup()?;
        let offer = if setup.offer.is_some() { Offer::Made } else { Offer::Late };
        let is_offered = setup.early.is_offered(policy, offer) == Came::Reliably;
        let wanted = message.require().any(|tag| tag.eq_ignore_ascii_case(EXTENSION));
        let rseq = message.rseq().ok().flatten().filter(|it| *it > 0);
        let (true, true, Some(rseq)) = (is_offered, wanted, rseq) else {
            return Some(Came::Unreliably);
        };
        let at = setup.fork(message);
        let uri = setup.attempt.as_ref().map(|it| it.uri.as_str()).unwrap_or_default();
        let toward = setup.attempt.as_ref().map_or(Toward::Carrier, |it| it.gateway.toward());
        let fork = &mut setup.forks[at];
        if fork.rseq != 0 && rseq != fork.rseq.wrapping_add(1) {
            turn.hub.counters.drop("provisional-out-of-order");
            return None;
        }
        if fork.leg.is_none() {
            let Ok(dialog) = Dialog::uac(message, uri) else { return Some(Came::Unreliably) };
            let mut leg = Leg::new(dialog, response.flow, Reach::AsWritten);
            leg.toward = toward;
            fork.leg = Some(Box::new(leg));
        }
        fork.rseq = rseq;
        let leg = fork.leg.as_mut().expect("it was just made");
        leg.heard(response.flow);
        leg.abilities.learn(message);
        if offer == Offer::Late && has_body && !setup.early.is_agreed() {
            setup.early.owed = Some((at, rseq));
        } else {
            self.prack(turn, at, rseq, None);
        }
        Some(Came::Reliably)
    }

    /// Acknowledges a reliable response of the called side.
    fn prack(&mut self, turn: &mut Turn<'_>, fork: usize, rseq: u32, answer: Option<Vec<u8>>) {
        let owner = self.owner(Role::Prack);
        let Some(setup) = self.setup() else { return };
        let Some(cseq) = setup.attempt.as_ref().map(|it| it.cseq) else { return };
        let Some((leg, digest)) = setup.called_leg(fork) else { return };
        let request = leg.request(turn, Method::Prack, digest, |_, writer| {
            writer.header(Name::RAck, format_args!("{rseq} {cseq} INVITE"));
            match &answer {
                Some(answer) => writer.body("application/sdp", answer),
                None => writer.finish(),
            }
        });
        leg.told = answer.map(Into::into).or(leg.told.take());
        turn.request(Method::Prack, request, owner);
    }

    /// Sets the alarm that repeats what the caller has not acknowledged.
    pub(super) fn watch_prack(&mut self) {
        let at = self.setup().and_then(|it| it.early.reliable.as_ref()?.wake_at());
        match at {
            Some(at) => self.alarms.set(Timer::Provisional, at),
            None => self.alarms.stop(Timer::Provisional),
        }
    }

    pub(super) fn on_prack_timer(&mut self, turn: &mut Turn<'_>) {
        let Some(reliable) = self.setup().and_then(|it| it.early.reliable.as_mut()) else { return };
        match reliable.repeat(turn) {
            Ok(()) => self.watch_prack(),
            Err(_) => self.hang_up(turn, End::PrackTimeout),
        }
    }

    /// A request within a dialog that is not confirmed yet. A caller may leave by BYE
    /// (RFC 3261 §15) and acknowledge; both sides may update what is agreed.
    pub(super) fn on_early_request(&mut self, turn: &mut Turn<'_>, request: Within<'_>) {
        let Some(setup) = self.setup() else { return };
        let ordered = setup.leg_of(&request).map(|leg| leg.dialog.receive(request.message));
        match (ordered, request.side) {
            (Some(Ok(())), _) => {}
            (Some(Err(_)), _) => return request.refuse(turn, Status::SERVER_INTERNAL_ERROR),
            (None, Side::A) => return request.refuse(turn, Status::CALL_DOES_NOT_EXIST),
            // Nothing was ever agreed with it.
            (None, Side::B) => return Self::on_unexpected_request(turn, &request),
        }
        if let Err(tags) = answered::supported(turn, request.message) {
            return within::lacks(turn, &request, &tags);
        }
        match (request.method, request.side) {
            (Method::Bye, Side::A) => {
                request.refuse(turn, Status::OK);
                self.hang_up(turn, End::Cancelled);
            }
            (Method::Prack, Side::A) => self.on_prack(turn, request),
            (Method::Update, _) if request.message.body().is_empty() => {
                self.on_plain_update(turn, &request);
            }
            (Method::Update, _) => self.hand_on_early(turn, request, Kind::Update),
            _ => Self::on_unexpected_request(turn, &request),
        }
    }

    fn on_unexpected_request(turn: &mut Turn<'_>, request: &Within<'_>) {
        match request.method {
            Method::Options => request.refuse(turn, Status::OK),
            Method::Invite | Method::Update | Method::Info => {
                request.refuse(turn, Status::REQUEST_PENDING);
            }
            Method::Bye | Method::Prack => request.refuse(turn, Status::CALL_DOES_NOT_EXIST),
            Method::Refer
            | Method::Subscribe
            | Method::Notify
            | Method::Message
            | Method::Publish
            | Method::Register
            | Method::Ack
            | Method::Cancel
            | Method::Other(_) => within::not_allowed(turn, request),
        }
    }

    /// The caller acknowledges. What it says with it goes on; then whatever waited for it.
    fn on_prack(&mut self, turn: &mut Turn<'_>, request: Within<'_>) {
        let Some(setup) = self.setup() else { return };
        let reliable = setup.early.reliable.as_mut();
        let Some(brought) = reliable.and_then(|it| it.acknowledge(request.message)) else {
            return request.refuse(turn, Status::CALL_DOES_NOT_EXIST);
        };
        match brought {
            Brings::Nothing => {}
            Brings::Answer | Brings::Offer => setup.early.agreement = Agreement::Reached,
        }
        match brought {
            Brings::Offer => {
                let answer = self.take_answer(turn, request.message);
                let status = answer.as_ref().err().map_or(Status::OK, |it| Status(it.status()));
                request.refuse(turn, status);
                let owed = self.setup().and_then(|setup| setup.early.owed.take());
                if let Some((fork, rseq)) = owed {
                    self.prack(turn, fork, rseq, answer.as_ref().ok().cloned());
                }
                if let Err(refusal) = answer {
                    // The called side has made the only offer there will be, and has no answer.
                    return self.hang_up(turn, End::AnswerRefused(refusal));
                }
            }
            Brings::Answer | Brings::Nothing if request.message.body().is_empty() => {
                request.refuse(turn, Status::OK);
            }
            Brings::Answer | Brings::Nothing => self.hand_on_early(turn, request, Kind::Prack),
        }
        if let Some(reliable) = self.setup().and_then(|it| it.early.reliable.as_mut()) {
            reliable.go_on(turn);
        }
        self.watch_prack();
        self.release_answer(turn);
    }

    /// The caller's answer to the called side's offer, as that side gets it.
    ///
    /// # Errors
    /// Why it cannot be carried.
    fn take_answer(
        &mut self,
        turn: &mut Turn<'_>,
        prack: &Message<'_>,
    ) -> Result<Vec<u8>, Refusal> {
        let body = description(prack).ok().flatten().ok_or(Refusal::NoAudio)?;
        let said = self.media.read_answer(Side::A, body)?;
        if let Some(offer) = self.setup().and_then(|setup| setup.early.offered.take()) {
            self.media.settle(Side::B, offer);
        }
        self.media.settle(Side::A, said.told.clone());
        self.media.update(turn);
        Ok(self.media.hand_on_answer(turn, Side::A, &said))
    }

    /// The 2xx that waited, if nothing is in its way any more.
    fn release_answer(&mut self, turn: &mut Turn<'_>) {
        let Some(setup) = self.setup() else { return };
        if setup.early.reliable.as_ref().is_some_and(Reliable::holds_answer) {
            return;
        }
        let Some(Held { flow, bytes, client }) = setup.early.held.take() else { return };
        let message = parsed(&bytes);
        let StartLine::Response(line) = message.start() else { return };
        let (status, reason) = (line.status, line.reason);
        self.answer(turn, &Response { flow, message: &message, status, reason, client });
    }

    /// Hands an offer on to the other side before the answer (RFC 3311 §5).
    fn hand_on_early(&mut self, turn: &mut Turn<'_>, request: Within<'_>, kind: Kind) {
        let owner = self.owner(Role::Within);
        let (Bridge::Routing(setup) | Bridge::Ringing(setup)) = &mut self.state else { return };
        match setup.early.relays.first() {
            Some(pending) if pending.from == request.side => {
                let status = Status::SERVER_INTERNAL_ERROR;
                return within::refuse_for_now(turn, &request, status);
            }
            None if setup.early.is_agreed() => {}
            Some(_) | None => return request.refuse(turn, Status::REQUEST_PENDING),
        }
        let said = match description(request.message) {
            Ok(body) => body.map(|body| self.media.read_offer(request.side, body)).transpose(),
            Err(_) => return within::not_a_description(turn, &request),
        };
        let said = match said {
            Ok(said) => said,
            Err(refusal) => return request.refuse(turn, Status(refusal.status())),
        };
        let toward = setup.leg_of(&request).map_or(Toward::Carrier, |leg| leg.toward);
        let called = setup.early.speaking;
        let other = match request.side {
            Side::A => setup.called_leg(called),
            Side::B => Some((&mut setup.leg, None)),
        };
        // A side that takes no UPDATE cannot hear of it before the answer.
        let Some((leg, digest)) = other.filter(|(leg, _)| leg.abilities.takes(Method::Update))
        else {
            return request.refuse(turn, Status::NOT_ACCEPTABLE_HERE);
        };
        let asked = Asked { kind, session: None, owner, toward };
        let relay = Relay::send(turn, request, &asked, said.as_ref(), &mut self.media, leg, digest);
        setup.early.relays.extend(relay);
    }

    pub(super) fn on_early_response(&mut self, turn: &mut Turn<'_>, response: &Response<'_>) {
        let owner = self.owner(Role::Within);
        let Some(setup) = self.setup() else { return };
        let relays = &mut setup.early.relays;
        let Some(at) = relays.iter().position(|it| it.client() == response.client) else { return };
        if response.status.is_provisional() {
            return;
        }
        let mut relay = relays.remove(at);
        let (from, to) = (relay.from, relay.from.other());
        if to == Side::B
            && let Some((leg, Some(digest))) = setup.called_leg(setup.early.speaking)
            && digest.challenged(response.message).is_ok()
            && relay.send_again(turn, owner, leg, Some(digest))
        {
            return setup.early.relays.push(relay);
        }
        let answer = description(response.message).ok().flatten();
        let answer = answer.and_then(|body| self.media.read_answer(to, body).ok());
        let body = match (answer, relay.offer.take()) {
            (Some(answer), Some(offer)) if response.status.is_success() => {
                self.media.settle(from, offer);
                self.media.settle(to, answer.told.clone());
                // The keys that the answer hands on are part of what the relay is told.
                let body = self.media.hand_on_answer(turn, to, &answer);
                self.media.update(turn);
                Some(body)
            }
            _ => None,
        };
        if let (Some(leg), Some(offered)) = (self.leg_mut(to), relay.offered.take()) {
            leg.told = Some(offered);
        }
        if let (Some(setup), Some(body), Side::A) = (self.setup(), &body, from) {
            setup.early_answer = Some(body.clone());
        }
        within::hand_back(turn, &relay, response, body.as_deref());
    }

    pub(super) fn on_early_failure(&mut self, turn: &mut Turn<'_>, client: ClientId) {
        let Some(setup) = self.setup() else { return };
        let relays = &mut setup.early.relays;
        let Some(at) = relays.iter().position(|it| it.client() == client) else { return };
        let relay = relays.remove(at);
        relay.refuse(turn, Status::SERVER_TIMEOUT);
    }

    /// A side's leg, if requests can be sent on it.
    pub(super) fn leg_mut(&mut self, side: Side) -> Option<&mut Leg> {
        match &mut self.state {
            Bridge::Routing(setup) | Bridge::Ringing(setup) => setup.early_leg(side),
            Bridge::Answered(answered) => Some(answered.leg(side)),
            Bridge::Ending(_) | Bridge::Over => None,
        }
    }
}
