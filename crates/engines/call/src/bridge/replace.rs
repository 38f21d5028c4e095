//! A newcomer takes the place of a leg of an answered call (RFC 3891).
//!
//! ```text
//!   newcomer              us                other side          leg that goes
//!      │ INVITE, Replaces  │ re-INVITE           │                   │
//!      │──────────────────►│────────────────────►│                   │
//!      │               200 │                 200 │                   │
//!      │◄──────────────────│◄────────────────────│                   │
//!      │ ACK               │ ACK                 │               BYE │
//!      │──────────────────►│────────────────────►│──────────────────►│
//! ```
//!
//! The other side agrees first, by a re-INVITE with the newcomer's offer: its codecs may be others,
//! and a held call goes on. If it does not agree the newcomer hears why, and the call is as it was.

use std::sync::Arc;

use media::Side;
use sip_core::dialog::Dialog;
use sip_core::{Replies, ServerId};
use sip_message::{Flow, Message, Method, Name, Replaces, Status};

use super::answered::Answered;
use super::session::Refresh;
use super::within::{Asked, Kind, Relay};
use super::{Bridge, Call, Within};
use crate::abilities::Toward;
use crate::calls::{Owner, Role};
use crate::directory::Connector;
use crate::dtmf::Translation;
use crate::explain::Note;
use crate::hub::Turn;
use crate::keying::Encryption;
use crate::leg::{Leg, Reach};
use crate::media_plan::{MediaPlan, Said};
use crate::replaces::{self, NotReplaced};

/// The most newcomers of one call, those included that the other side did not agree to.
const NEWCOMERS_MAX: usize = 8;

/// An INVITE whose sender may take a leg's place.
pub(crate) struct Newcomer<'m> {
    pub(crate) server: ServerId,
    pub(crate) flow: Flow,
    pub(crate) message: &'m Message<'m>,
    pub(crate) replies: Replies,
    /// The dialog that its 2xx makes.
    pub(crate) dialog: Dialog,
    pub(crate) said: Option<Said<'m>>,
    /// Whose user it is.
    pub(crate) connector: Arc<Connector>,
}

/// A newcomer that waits for the other side to agree.
#[derive(Debug)]
pub(super) struct Arrival {
    leg: Leg,
    flow: Flow,
    wants: Encryption,
    /// How digits were told before it came, for the case that it is not let in.
    digits: Translation,
}

impl Call {
    /// The connector that a leg leads to, if it is one.
    pub(crate) fn connector_of(&self, side: Side) -> Option<&Arc<Connector>> {
        match side {
            Side::A => self.facts.connector.as_ref().filter(|_| self.facts.origin.is_none()),
            Side::B => self.tried.last()?.attempt.gateway.connector(),
        }
    }

    /// Whether a leg that was found by Call-ID and our tag is the one that is named. Of a call that
    /// has ended no more than those is known.
    pub(crate) fn is_named(&self, side: Side, replaces: &Replaces<'_>) -> bool {
        match (&self.state, side) {
            (Bridge::Routing(setup) | Bridge::Ringing(setup), Side::A) => {
                replaces::is_tag(replaces.from_tag, setup.leg.dialog.remote_tag())
            }
            (Bridge::Routing(setup) | Bridge::Ringing(setup), Side::B) => {
                setup.forks.iter().any(|fork| fork.is(replaces.from_tag))
            }
            (Bridge::Answered(answered), side) => {
                replaces::names(replaces, &answered.at(side).dialog)
            }
            (Bridge::Ending(_) | Bridge::Over, _) => true,
        }
    }

    /// Whether a leg may be replaced now.
    pub(crate) fn check_replaced(&self, replaces: &Replaces<'_>) -> Result<(), NotReplaced> {
        match &self.state {
            Bridge::Routing(_) | Bridge::Ringing(_) => Err(NotReplaced::Early),
            Bridge::Ending(_) | Bridge::Over => Err(NotReplaced::Ended),
            Bridge::Answered(_) if replaces.params.contains("early-only") => {
                Err(NotReplaced::Confirmed)
            }
            Bridge::Answered(_) if self.newcomers.len() >= NEWCOMERS_MAX => {
                Err(NotReplaced::TooMany)
            }
            Bridge::Answered(answered) if answered.is_changing() => Err(NotReplaced::Changing),
            Bridge::Answered(_) => Ok(()),
        }
    }

    /// Asks the other side whether it takes the newcomer's media; its answer decides.
    pub(crate) fn replace(&mut self, turn: &mut Turn<'_>, side: Side, newcomer: Newcomer<'_>) {
        let owner = self.owner(Role::Within);
        let Bridge::Answered(answered) = &mut self.state else { return };
        let Newcomer { server, flow, message, replies, dialog, said, connector } = newcomer;
        let trying = replies.bare(Status::TRYING, Status::TRYING.reason(), "");
        turn.respond(server, Status::TRYING, trying);
        turn.hub.endpoint.adopt(server, owner);
        let tag = turn.hub.endpoint.tag(server).expect("its INVITE waits for an answer");
        self.newcomers.push((dialog.call_id().into(), tag));

        let granted = super::session::granted(turn, None, message).ok().flatten();
        let mut leg = Leg::new(dialog, flow, Reach::of_request(message, &flow));
        leg.toward = Toward::Customer;
        leg.abilities.learn(message);
        let wants = Encryption::of_connector(&connector);
        let digits = self.media.welcome(side, message, answered.at(side.other()).told.as_deref());
        let arrival = Arrival { leg, flow, wants, digits };

        let session = granted.map(|it| it.session);
        let asked = Asked { kind: Kind::Invite, session, owner, toward: Toward::Customer };
        let request = Within { flow, message, method: Method::Invite, side, server, replies };
        let (leg, digest) = answered.leg_and_digest(side.other());
        let relay = Relay::send(turn, request, &asked, said.as_ref(), &mut self.media, leg, digest);
        match relay {
            Some(relay) => answered.relays.push(relay.of_newcomer(tag, Box::new(arrival))),
            None => self.media.send_away(arrival.digits),
        }
    }

    /// The newcomer has the leg's place: whoever had it is hung up.
    pub(super) fn replaced(&mut self, turn: &mut Turn<'_>, side: Side, mut gone: Box<Leg>) {
        let Bridge::Answered(answered) = &self.state else { return };
        let dialog = &answered.at(side).dialog;
        let (before, after) = (&gone.dialog, dialog);
        turn.hub.dialogs.remove(before.call_id(), before.local_tag());
        turn.hub.dialogs.insert(after.call_id(), after.local_tag(), (self.key, side));
        turn.hub.counters.replaced += 1;
        let note = Note::Replaced {
            side,
            was: before.call_id().into(),
            is: after.call_id().into(),
            at: answered.at(side).seen().remote,
        };
        self.notes.push(note);
        let bye = gone.request(turn, Method::Bye, None, |_, writer| {
            writer.header(Name::Reason, "SIP;cause=200;text=\"Replaced\"");
            writer.finish();
        });
        turn.request(Method::Bye, bye, Owner::NOBODY);
    }

    /// The other side did not agree: the call is as it was before the newcomer.
    pub(super) fn not_replaced(&mut self, side: Side, status: Status, arrival: Arrival) {
        self.media.send_away(arrival.digits);
        let by = arrival.leg.dialog.call_id().into();
        self.notes.push(Note::NotReplaced { side, by, status });
    }
}

impl Answered {
    /// Whether the session is being changed, or too much is under way to change it.
    fn is_changing(&self) -> bool {
        let refreshes = self.refreshes.iter().flatten().any(Refresh::changes_session);
        self.session_changes() || refreshes || self.is_full()
    }

    /// Puts a newcomer in a leg's place. What was under way with that leg is over. Gives the leg that
    /// goes.
    pub(super) fn give_place(
        &mut self,
        turn: &mut Turn<'_>,
        side: Side,
        arrival: Arrival,
        media: &mut MediaPlan,
    ) -> Box<Leg> {
        let relays = std::mem::take(&mut self.relays);
        let (to_it, rest): (Vec<_>, _) = relays.into_iter().partition(|it| it.from != side);
        self.relays = rest;
        for relay in to_it {
            relay.refuse(turn, Status::TEMPORARILY_UNAVAILABLE);
        }
        self.refreshes[side.index()] = None;
        self.digits = None;
        if side == Side::B {
            self.digest = None;
        }
        media.give_place(side, &arrival.flow, arrival.wants);
        Box::new(std::mem::replace(self.leg(side), arrival.leg))
    }
}
