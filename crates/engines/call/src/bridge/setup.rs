//! Before the answer: the caller's INVITE, and the carriers it is offered to one after another.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use media::Side;
use model::TransactionId;
use sip_core::dialog::{Dialog, State};
use sip_core::{ClientId, Replies, ServerId, Token, digest};
use sip_message::{CSeq, Flow, Message, MessageWriter, Method, Name, Status, Violation};

use super::early::{Early, Fork, Offer};
use super::{Bridge, Call, large};
use crate::admission::{Facts, readable};
use crate::bodies::{self, Whole};
use crate::calls::{CallKey, Role};
use crate::directory::Hop;
use crate::dtmf::Translation;
use crate::explain::Note;
use crate::health;
use crate::hub::{Request, Turn};
use crate::identity;
use crate::keying::Encryption;
use crate::leg::{ALLOW, Leg, PRODUCT, Reach};
use crate::limit::{Exceeded, Lane, Seat};
use crate::media_plan::{MediaPlan, Said, description};
use crate::record::{End, Tally, Tried};
use crate::reject::Reject;
use crate::route::{Attempt, Gateway, Next, Plan};
use crate::timers::{Alarms, Timer};

/// The most forks of one call whose early dialogs are told apart.
pub(super) const FORKS_MAX: usize = 8;

/// A call that is being set up.
#[derive(Debug)]
pub(super) struct Setup {
    /// The caller's INVITE.
    pub(super) server: ServerId,
    pub(super) invite: Box<[u8]>,
    pub(super) replies: Replies,
    pub(super) flow: Flow,
    /// The caller's leg, if the first fork answers; another fork's has another tag.
    pub(super) leg: Leg,
    plan: Plan,
    /// The offer as carriers get it; `None` if the caller made none.
    pub(super) offer: Option<Vec<u8>>,
    /// The offer among the other parts of the caller's body, if there are any.
    whole: Option<Whole>,
    /// The shortest session interval that the carrier at hand grants, seconds; 0 if none is asked.
    pub(super) min_se: u32,
    /// The INVITE that is out.
    pub(super) attempt: Option<Invited>,
    /// The early dialogs of the called side, in the order they came.
    pub(super) forks: ArrayVec<Fork, FORKS_MAX>,
    /// What is between the INVITE and its answer if either leg is reliable.
    pub(super) early: Early,
    /// The last answer that came in a provisional response, for 2xx responses that leave it out.
    pub(super) early_answer: Option<Vec<u8>>,
}

/// An INVITE of ours.
#[derive(Debug)]
pub(super) struct Invited {
    /// Whom it went to.
    pub(super) gateway: Gateway,
    pub(super) client: ClientId,
    pub(super) flow: Flow,
    pub(super) uri: String,
    pub(super) call_id: Token,
    pub(super) tag: Token,
    pub(super) cseq: u32,
    /// What answers the carrier's challenges, if it is given a credential.
    pub(super) digest: Option<Box<digest::Client>>,
}

/// A call that has passed admission, and the INVITE it came by.
pub(crate) struct Admitted<'m> {
    pub(crate) facts: Facts,
    pub(crate) plan: Plan,
    pub(crate) server: ServerId,
    pub(crate) replies: Replies,
    pub(crate) tag: Token,
    pub(crate) flow: Flow,
    pub(crate) message: &'m Message<'m>,
    pub(crate) said: Option<Said<'m>>,
}

impl Call {
    /// Begins a call: takes ports, opens the media, asks the first carrier.
    ///
    /// # Errors
    /// Nothing has been begun if there is no carrier or no port; the facts come back for the record.
    pub(crate) fn begin(
        turn: &mut Turn<'_>,
        key: CallKey,
        transaction_id: TransactionId,
        admitted: Admitted<'_>,
    ) -> Result<Box<Self>, (Box<Facts>, Reject)> {
        let Admitted { facts, plan, server, replies, tag, flow, message, said } = admitted;
        let dialog = match Dialog::uas(message, &tag, State::Early) {
            Ok(dialog) => dialog,
            Err(error) => {
                return Err((Box::new(facts), Reject::Malformed(Violation::Header(error))));
            }
        };
        if plan.leads_nowhere() {
            let reject = facts.nowhere();
            return Err((Box::new(facts), reject));
        }
        let ports = match turn.hub.take_ports(key.media_id()) {
            Ok(ports) => ports,
            Err(reject) => return Err((Box::new(facts), reject)),
        };
        let wants = facts.encryption();
        let digits = Translation::new(turn.hub.config.dtmf);
        let mut media = MediaPlan::new(key.media_id(), ports, &flow, wants, digits);
        media.learn(Side::A, message);
        if let Some(said) = said {
            media.settle(Side::A, said.told);
        }
        let reach = Reach::of_request(message, &flow);
        let mut leg = Leg::new(dialog, flow, reach);
        leg.toward = facts.caller_toward();
        leg.abilities.learn(message);
        leg.clock = super::session::granted(turn, None, message).ok().flatten();
        let setup = Setup {
            leg,
            server,
            invite: message.bytes().into(),
            replies,
            flow,
            plan,
            whole: None,
            offer: None,
            min_se: 0,
            attempt: None,
            forks: ArrayVec::new(),
            early: Early::of(turn, message, server),
            early_answer: None,
        };
        let call_id = message.call_id().expect("a message that passed its check has a Call-ID");
        let mut call = Box::new(Self {
            key,
            transaction_id,
            alarms: Alarms::default(),
            call_id: call_id.into(),
            tag,
            seats: seats(&facts),
            facts,
            started: turn.now.unix,
            answered: None,
            tried: Vec::new(),
            called: None,
            earlier: Vec::new(),
            newcomers: Vec::new(),
            media,
            notes: Vec::new(),
            state: Bridge::Routing(Box::new(setup)),
        });
        call.note_diversion(turn, message);
        call.enter(turn, message);
        Ok(call)
    }

    fn note_diversion(&mut self, turn: &Turn<'_>, invite: &Message<'_>) {
        let foreign = invite
            .headers()
            .find(|it| it.name == Name::Diversion && !identity::may_cross(turn, &self.facts, it))
            .map(|it| readable(it.value));
        if let Some(foreign) = foreign {
            self.note(Note::DiversionLeftOut(foreign));
        }
    }

    fn enter(&mut self, turn: &mut Turn<'_>, invite: &Message<'_>) {
        let Some(setup) = self.setup() else { return };
        let (server, trying) = (setup.server, setup.trying());
        turn.respond(server, Status::TRYING, trying);
        turn.hub.endpoint.adopt(server, self.owner(Role::Caller));
        turn.hub.dialogs.insert(&self.call_id, &self.tag, (self.key, Side::A));
        turn.hub.usage.begin();
        self.seats.iter().for_each(|seat| turn.hub.usage.enter(seat));
        if let Some(connector) = self.facts.emergency_connector() {
            turn.hub.usage.begin_emergency(connector);
        }
        turn.hub.counters.admitted += 1;
        let asked = invite.expires().ok().flatten().map(|it| Duration::from_secs(it.into()));
        let ring = turn.hub.config.patience.ring;
        let ring = asked.filter(|it| !it.is_zero()).map_or(ring, |it| it.min(ring));
        self.alarms.set(Timer::Ring, turn.now.instant + ring);
        self.ask_any(turn, invite);
    }

    pub(super) fn setup(&mut self) -> Option<&mut Setup> {
        match &mut self.state {
            Bridge::Routing(setup) | Bridge::Ringing(setup) => Some(setup),
            Bridge::Answered(_) | Bridge::Ending(_) | Bridge::Over => None,
        }
    }

    /// Asks the next carrier; without one the call ends.
    pub(super) fn ask_next(&mut self, turn: &mut Turn<'_>) {
        let Some(setup) = self.setup() else { return };
        setup.attempt = None;
        let bytes = std::mem::take(&mut setup.invite);
        self.ask_any(turn, &parsed(&bytes));
        if let Some(setup) = self.setup() {
            setup.invite = bytes;
        }
    }

    /// Asks carriers until one can be asked. `invite` is the caller's.
    fn ask_any(&mut self, turn: &mut Turn<'_>, invite: &Message<'_>) {
        loop {
            let Some(setup) = self.setup() else { return };
            let (probing, now) = (turn.hub.config.probing, turn.now);
            let health = &mut turn.hub.health;
            let standing = |hop: &Hop| health.standing(now, hop, &probing);
            let mut attempt = match setup.plan.next(&mut turn.hub.tokens, standing) {
                Some(Next::Now(attempt)) => attempt,
                Some(Next::Later(attempt)) => {
                    self.tried.push(Tried::new(attempt, Tally::Down));
                    continue;
                }
                None => return self.hang_up(turn, self.exhausted()),
            };
            if let Err(exceeded) = self.move_to(turn, &attempt) {
                self.tried.push(Tried::new(attempt, Tally::Full(exceeded)));
                if let Some(setup) = self.setup() {
                    setup.plan.skip_connector();
                }
                continue;
            }
            let result = self.ask_over(turn, invite, &mut attempt);
            self.watch_stream(turn, &attempt);
            self.tried.push(Tried::new(attempt, result));
            if result == Tally::Open {
                return;
            }
        }
    }

    /// Asks one gateway by the way that was chosen, or by a stream to the same place if the INVITE is
    /// too large for a datagram.
    fn ask_over(
        &mut self,
        turn: &mut Turn<'_>,
        invite: &Message<'_>,
        attempt: &mut Attempt,
    ) -> Tally {
        let stream = large::stream(turn, attempt);
        let bytes_max = stream.map_or(usize::MAX, |it| it.datagram_max);
        let mut left = self.ask(turn, invite, attempt, bytes_max);
        if let (Sent::TooLarge, Some(stream)) = (left, stream) {
            attempt.datagram = Some(std::mem::replace(&mut attempt.hop, stream.hop));
            left = self.ask(turn, invite, attempt, usize::MAX);
        }
        match left {
            Sent::Yes => Tally::Open,
            Sent::No | Sent::TooLarge => Tally::Unreachable,
            Sent::Nowhere => Tally::NoListener,
        }
    }

    /// The call goes to another connector of its group: it takes its seat there instead.
    fn move_to(&mut self, turn: &mut Turn<'_>, attempt: &Attempt) -> Result<(), Exceeded> {
        let Some(connector) = attempt.gateway.connector() else { return Ok(()) };
        let seat = Seat::of(connector);
        let Some(at) = self.seats.len().checked_sub(1) else { return Ok(()) };
        if self.seats[at] == seat {
            return Ok(());
        }
        turn.take_room(&seat, Lane::In, connector.termination())?;
        turn.hub.usage.enter(&seat);
        turn.hub.usage.leave(&std::mem::replace(&mut self.seats[at], seat));
        if self.facts.origin.is_some() {
            self.facts.connector = Some(Arc::clone(connector));
        }
        Ok(())
    }

    /// How a call ends that nobody took. A caller from the PSTN hears what the last route said:
    /// its own failure, or that it was not there.
    fn exhausted(&self) -> End {
        let Some(last) = self.tried.last().filter(|_| self.facts.landing.is_some()) else {
            return End::RoutesExhausted;
        };
        End::NoRouteAnswered(match last.result {
            Tally::Failed(status) if status.0 >= 500 && status.0 != 504 => status,
            Tally::Full(_) => Status::SERVICE_UNAVAILABLE,
            Tally::Open
            | Tally::Answered
            | Tally::Failed(_)
            | Tally::Redirected(_)
            | Tally::Unauthorized(_)
            | Tally::NoProgress
            | Tally::TimedOut
            | Tally::Unreachable
            | Tally::NoListener
            | Tally::Down
            | Tally::Abandoned => Status::TEMPORARILY_UNAVAILABLE,
        })
    }

    /// Sends the call's INVITE to one gateway for the first time, unless it is larger than that.
    fn ask(
        &mut self,
        turn: &mut Turn<'_>,
        invite: &Message<'_>,
        attempt: &Attempt,
        bytes_max: usize,
    ) -> Sent {
        let Some(flow) = turn.hub.faces.flow_to(&attempt.hop) else { return Sent::Nowhere };
        let gateway = &attempt.gateway;
        if gateway.connector().is_some() && attempt.datagram.is_none() {
            health::route_used(turn, &attempt.hop);
        }
        let dialled = attempt.dial.map_or_else(|| self.facts.dialled(), |it| it.to_string());
        let uri = gateway.uri(dialled, flow.transport);
        let digest = gateway.credential().map(|credential| {
            let seed = turn.hub.tokens.bits().to_le_bytes();
            let username = credential.username.clone();
            Box::new(digest::Client::new(username, credential.password.clone(), &seed))
        });
        let call_id = turn.hub.endpoint.new_call_id();
        let tag = turn.hub.endpoint.new_tag();
        let gateway = gateway.clone();
        let asked = Asked { gateway, flow, uri, call_id, tag, cseq: 1, digest };
        let before = self.called.replace((call_id, tag));
        if let Some((call_id, tag)) = before {
            turn.hub.dialogs.remove(&call_id, &tag);
        }
        turn.hub.dialogs.insert(&call_id, &tag, (self.key, Side::B));
        self.media.aim(turn, &flow, Encryption::of_gateway(&attempt.gateway));
        let offer = self.offer_of(turn, invite);
        if let Some(setup) = self.setup() {
            setup.whole = bodies::around(invite, offer.as_deref());
            setup.offer = offer;
            setup.early_answer = None;
            setup.early.forget(&mut setup.forks);
            setup.min_se = turn.hub.config.session.map_or(0, |policy| policy.min);
        }
        self.alarms.set(Timer::Progress, turn.now.instant + turn.hub.config.patience.progress);
        let sent = self.invite(turn, invite, asked, bytes_max);
        if sent == Sent::TooLarge {
            // It never was: the one before it is the latest still.
            turn.hub.dialogs.remove(&call_id, &tag);
            self.called = before;
        } else if let Some((call_id, _)) = before {
            self.earlier.push(call_id);
        }
        sent
    }

    /// What the caller offers, as the called side gets it: each one that is asked has keys of its own.
    fn offer_of(&mut self, turn: &mut Turn<'_>, invite: &Message<'_>) -> Option<Vec<u8>> {
        let body = description(invite).ok().flatten()?;
        let said = self.media.read_offer(Side::A, body).ok()?;
        Some(self.media.hand_on_offer(turn, Side::A, &said))
    }

    /// Asks the same carrier again, after its challenge.
    pub(super) fn ask_again(&mut self, turn: &mut Turn<'_>, asked: Asked) -> bool {
        let Some(setup) = self.setup() else { return false };
        let bytes = std::mem::take(&mut setup.invite);
        let left = self.invite(turn, &parsed(&bytes), asked, usize::MAX) == Sent::Yes;
        if let Some(setup) = self.setup() {
            setup.invite = bytes;
        }
        left
    }

    /// Sends the INVITE, as a first or as a further request of its dialog to be.
    fn invite(
        &mut self,
        turn: &mut Turn<'_>,
        invite: &Message<'_>,
        mut asked: Asked,
        bytes_max: usize,
    ) -> Sent {
        let branch = turn.hub.endpoint.new_branch();
        let owner = self.owner(Role::Invite);
        let facts = &self.facts;
        let (Bridge::Routing(setup) | Bridge::Ringing(setup)) = &mut self.state else {
            return Sent::No;
        };
        let mut bytes = Vec::with_capacity(1024);
        let mut writer = MessageWriter::request(&mut bytes, Method::Invite, &asked.uri);
        let face = turn.hub.faces.of(&asked.flow);
        writer.header(Name::Via, face.via(&branch));
        let hops = invite.max_forwards().ok().flatten().unwrap_or(70);
        writer.header(Name::MaxForwards, hops.saturating_sub(1));
        identity::write(&mut writer, facts, &asked.gateway, face, &asked.tag);
        writer.header(Name::To, format_args!("<{}>", asked.uri));
        writer.text(Name::CallId, &asked.call_id);
        writer.header(Name::CSeq, CSeq { number: asked.cseq, method: Method::Invite });
        writer.text(Name::Contact, &face.contact);
        writer.text(Name::Allow, ALLOW).text(Name::UserAgent, PRODUCT);
        let reliably = setup.early.is_offered(turn.hub.config.reliable, setup.offered());
        let toward = asked.gateway.toward();
        super::session::ask(&mut writer, &turn.hub.config, toward, setup.min_se, reliably);
        if let Some(digest) = &mut asked.digest
            && let Some(authorization) = digest.authorization(Method::Invite, &asked.uri)
        {
            writer.header(authorization.name(), &authorization);
        }
        turn.hub
            .config
            .headers
            .pass_if(invite, &mut writer, |header| identity::may_cross(turn, facts, header));
        match (&setup.whole, &setup.offer) {
            (Some(whole), _) => whole.write(invite, &mut writer),
            (None, Some(offer)) => writer.body("application/sdp", offer),
            (None, None) => writer.finish(),
        }
        if bytes.len() > bytes_max {
            return Sent::TooLarge;
        }
        let Asked { gateway, flow, uri, call_id, tag, cseq, digest } = asked;
        let request = Request { to: flow, branch, bytes };
        let Some(client) = turn.request(Method::Invite, request, owner) else { return Sent::No };
        setup.attempt = Some(Invited { gateway, client, flow, uri, call_id, tag, cseq, digest });
        Sent::Yes
    }

    /// The carrier has not said anything: it is given up, and the next one asked.
    pub(super) fn on_no_progress(&mut self, turn: &mut Turn<'_>) {
        self.note_times_sent(turn);
        self.note_silence(turn);
        self.give_up_attempt(turn, Tally::NoProgress, "");
        self.fall_back_to_datagram();
        self.ask_next(turn);
    }

    /// Writes down how often the INVITE that is out has been sent.
    pub(super) fn note_times_sent(&mut self, turn: &Turn<'_>) {
        let asked = self.setup().and_then(|setup| setup.attempt.as_ref()).map(|it| it.client);
        let times = asked.and_then(|client| turn.hub.endpoint.times_sent(client));
        if let (Some(tried), Some(times)) = (self.tried.last_mut(), times) {
            tried.times_sent = times;
        }
    }

    /// The place that was asked has not answered anything.
    pub(super) fn note_silence(&self, turn: &mut Turn<'_>) {
        if let Some(tried) = self.tried.last() {
            large::note_silence(turn, &tried.attempt);
        }
    }

    /// Gives up the INVITE that is out, for a reason if one was given. What still comes of it is
    /// dealt with as nobody's.
    pub(super) fn give_up_attempt(&mut self, turn: &mut Turn<'_>, result: Tally, why: &str) {
        self.close_attempt(result);
        let Some(attempt) = self.setup().and_then(|setup| setup.attempt.take()) else { return };
        turn.hub.endpoint.cancel(
            turn.now.instant,
            attempt.client,
            Some(why).filter(|it| !it.is_empty()),
        );
    }

    /// Writes down what came of the attempt that was open.
    pub(super) fn close_attempt(&mut self, result: Tally) {
        self.alarms.stop(Timer::Progress);
        if let Some(tried) = self.tried.last_mut().filter(|it| it.result == Tally::Open) {
            tried.result = result;
        }
    }

    /// The caller gave up its INVITE.
    pub(crate) fn on_cancel(
        &mut self,
        turn: &mut Turn<'_>,
        invite: ServerId,
        cancel: &Message<'_>,
    ) {
        match &mut self.state {
            Bridge::Routing(_) | Bridge::Ringing(_) => {
                self.hang_up_because(turn, End::Cancelled, cancel);
            }
            Bridge::Answered(answered) => answered.cancel(turn, invite),
            Bridge::Ending(_) | Bridge::Over => {}
        }
    }
}

impl Setup {
    /// Whether the caller made an offer.
    pub(super) fn offered(&self) -> Offer {
        if self.offer.is_some() { Offer::Made } else { Offer::Late }
    }

    /// Asks these before any other gateway.
    pub(super) fn detour(&mut self, attempts: Vec<Attempt>) {
        self.plan.detour(attempts);
    }

    fn trying(&self) -> Vec<u8> {
        self.replies.bare(Status::TRYING, Status::TRYING.reason(), "")
    }
}

/// The caller's INVITE, from the bytes that were kept of it.
pub(super) fn parsed(invite: &[u8]) -> Message<'_> {
    Message::parse(invite).expect("it was parsed when it came")
}

/// Whether an INVITE left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Yes,
    /// There are too many transactions.
    No,
    /// It is larger than was allowed.
    TooLarge,
    /// We have no listener of that transport and address family.
    Nowhere,
}

/// An INVITE about to leave.
pub(super) struct Asked {
    pub(super) gateway: Gateway,
    pub(super) flow: Flow,
    pub(super) uri: String,
    pub(super) call_id: Token,
    pub(super) tag: Token,
    pub(super) cseq: u32,
    pub(super) digest: Option<Box<digest::Client>>,
}

/// The room that a call takes when it begins.
fn seats(facts: &Facts) -> ArrayVec<Seat, 2> {
    let mut seats: ArrayVec<Seat, 2> = facts.connector.iter().map(|it| Seat::of(it)).collect();
    if facts.origin.is_none()
        && let Some(landing) = &facts.landing
    {
        seats.push(Seat::of(&landing.connectors[0]));
    }
    seats
}
