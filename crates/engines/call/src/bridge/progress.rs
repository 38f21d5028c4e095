//! What a carrier answers to our INVITE.

use media::Side;
use sip_core::ClientId;
use sip_core::dialog::{Dialog, State};
use sip_message::{Message, Name, Status};

use super::answered::{Answered, Unacknowledged};
use super::early::Fork;
use super::reliable::{self, Brings, Came, Unsent, Way};
use super::setup::{Asked, FORKS_MAX, Setup, parsed};
use super::{Bridge, Call, Failure, Response, dismiss};
use crate::explain::Note;
use crate::health;
use crate::hub::Turn;
use crate::leg::{ALLOW, Leg, PRODUCT, Reach};
use crate::media_plan::description;
use crate::record::{End, Tally};
use crate::route::{Answer, judge};
use crate::timers::Timer;

impl Call {
    pub(super) fn on_invite_response(&mut self, turn: &mut Turn<'_>, response: &Response<'_>) {
        match &mut self.state {
            Bridge::Routing(setup) | Bridge::Ringing(setup)
                if setup.attempt.as_ref().is_some_and(|it| it.client == response.client) =>
            {
                self.on_attempt_response(turn, response);
            }
            Bridge::Answered(answered) if answered.is_repeated(response) => {
                answered.acknowledge_again(turn);
            }
            // Another fork's answer, or one that comes after we gave up: nobody wants it.
            Bridge::Routing(_)
            | Bridge::Ringing(_)
            | Bridge::Answered(_)
            | Bridge::Ending(_)
            | Bridge::Over => dismiss(turn, response.flow, response.message),
        }
    }

    fn on_attempt_response(&mut self, turn: &mut Turn<'_>, response: &Response<'_>) {
        self.alarms.stop(Timer::Progress);
        self.note_times_sent(turn);
        let is_there =
            !matches!(response.status, Status::REQUEST_TIMEOUT | Status::SERVICE_UNAVAILABLE);
        if let Some(tried) = self.tried.last().filter(|_| is_there) {
            health::call_answered(turn, &tried.attempt.hop);
        }
        match response.status {
            Status::TRYING | Status::EARLY_DIALOG_TERMINATED => {}
            status if status.is_provisional() => self.ring(turn, response),
            status if status.is_success() => self.answer(turn, response),
            Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED => {
                self.on_challenge(turn, response);
            }
            Status::SESSION_INTERVAL_TOO_SMALL if self.raise_interval(response.message) => {
                self.ask_with_longer_interval(turn, response.status);
            }
            Status(300..=399) => self.on_redirection(turn, response),
            status => match judge(status) {
                Answer::TryNext => {
                    self.close_attempt(Tally::Failed(status));
                    self.ask_next(turn);
                }
                Answer::Final => {
                    self.close_attempt(Tally::Failed(status));
                    self.hang_up_because(turn, End::Declined(status), response.message);
                }
            },
        }
    }

    /// 180, 181, 182, 183: to the caller, with the answer in it if there is one.
    fn ring(&mut self, turn: &mut Turn<'_>, response: &Response<'_>) {
        let Some(came) = self.take_progress(turn, response) else { return };
        let (brings, body) = self.early_description(turn, response.message, came);
        let tag = self.tag.to_string();
        let Some(setup) = self.setup() else { return };
        let fork = setup.fork(response.message);
        let way = setup.early.way(brings, came);
        let mut bytes = Vec::new();
        let tag = fork_tag(tag, fork);
        let mut writer = setup.replies.start(&mut bytes, response.status, response.reason, &tag);
        writer.text(Name::Contact, &turn.hub.faces.of(&setup.flow).contact);
        writer.text(Name::Allow, ALLOW).text(Name::Server, PRODUCT);
        if let Way::Numbered(number) = way {
            writer.text(Name::Require, reliable::EXTENSION).header(Name::RSeq, number);
        }
        turn.hub.config.headers.pass(response.message, &mut writer);
        match &body {
            Some(body) => writer.body("application/sdp", body),
            None => writer.finish(),
        }
        if body.is_some() {
            setup.early_answer = body;
            setup.early.speaking = fork;
        }
        let server = setup.server;
        match way {
            Way::Plain => turn.respond(server, response.status, bytes),
            Way::Numbered(number) => {
                let status = response.status;
                setup.early.send(turn, Unsent { number, status, brings, bytes });
                self.watch_prack();
            }
            Way::LeftOut => turn.hub.counters.drop("provisional-left-out"),
        }
        self.state = match std::mem::replace(&mut self.state, Bridge::Over) {
            Bridge::Routing(setup) | Bridge::Ringing(setup) => Bridge::Ringing(setup),
            other @ (Bridge::Answered(_) | Bridge::Ending(_) | Bridge::Over) => other,
        };
    }

    /// Early media: an answer in a provisional response, or an offer in one that came reliably and
    /// can go on reliably (RFC 3262 §5). One that cannot be carried is left out; the 2xx decides.
    fn early_description(
        &mut self,
        turn: &mut Turn<'_>,
        message: &Message<'_>,
        came: Came,
    ) -> (Brings, Option<Vec<u8>>) {
        let nothing = (Brings::Nothing, None);
        let Some(setup) = self.setup() else { return nothing };
        let brings = match (&setup.offer, came) {
            (Some(_), _) => Brings::Answer,
            (None, Came::Reliably) if setup.early.owes_prack() => Brings::Offer,
            (None, Came::Reliably | Came::Unreliably) => return nothing,
        };
        let Some(body) = description(message).ok().flatten() else { return nothing };
        self.media.learn(Side::B, message);
        let body = match brings {
            Brings::Offer => {
                let Ok(said) = self.media.read_offer(Side::B, body) else { return nothing };
                if let Some(setup) = self.setup() {
                    setup.early.offered = Some(said.told.clone());
                }
                self.media.hand_on_offer(turn, Side::B, &said)
            }
            Brings::Answer | Brings::Nothing => {
                let Ok(said) = self.media.read_answer(Side::B, body) else { return nothing };
                self.media.settle(Side::B, said.told.clone());
                self.media.update(turn);
                self.media.hand_on_answer(turn, Side::B, &said)
            }
        };
        (brings, Some(body))
    }

    /// A 2xx: the first one wins. One that makes no dialog, because its From, To or Contact cannot
    /// be read, is the route's failure: there is nobody to acknowledge or to hang up.
    ///
    /// It waits while the caller has a description of us that it has not acknowledged.
    pub(super) fn answer(&mut self, turn: &mut Turn<'_>, response: &Response<'_>) {
        if self.setup().is_some_and(|setup| setup.early.holds(response)) {
            return;
        }
        let invited = self.setup().and_then(|setup| setup.attempt.as_ref()).map(|it| &*it.uri);
        let Ok(dialog) = Dialog::uac(response.message, invited.unwrap_or_default()) else {
            turn.hub.counters.drop("answer-without-dialog");
            self.close_attempt(Tally::Failed(response.status));
            return self.ask_next(turn);
        };
        let body = match self.answer_body(turn, response.message) {
            Ok(body) => body,
            Err(refusal) => {
                dismiss(turn, response.flow, response.message);
                self.close_attempt(Tally::Answered);
                return self.hang_up(turn, End::AnswerRefused(refusal));
            }
        };
        self.close_attempt(Tally::Answered);
        self.alarms.clear();
        let (setup, tag) = match std::mem::replace(&mut self.state, Bridge::Over) {
            Bridge::Routing(setup) | Bridge::Ringing(setup) => (setup, self.tag.to_string()),
            other @ (Bridge::Answered(_) | Bridge::Ending(_) | Bridge::Over) => {
                self.state = other;
                return;
            }
        };
        let answered = setup.into_answered(turn, response, dialog, tag, body);
        self.answered = Some(turn.now.unix);
        if let Some(session) = self.facts.session {
            turn.hub.talking.begin(session);
        }
        self.state = Bridge::Answered(Box::new(answered));
        self.alarms.set(Timer::Duration, turn.now.instant + turn.hub.config.patience.duration);
        self.watch_sessions(turn);
        self.media.answered();
        self.media.update(turn);
        let suites = self.media.suites();
        if suites.iter().any(Option::is_some) {
            self.note(Note::Encrypted(suites));
        }
        turn.hub.counters.answered += 1;
    }

    /// The body of the 2xx as the caller gets it.
    fn answer_body(
        &mut self,
        turn: &mut Turn<'_>,
        message: &Message<'_>,
    ) -> Result<Option<Vec<u8>>, sdp::Refusal> {
        // The called side's offer was answered in a PRACK: nothing is left to say.
        if self.setup().is_some_and(|setup| setup.offer.is_none() && setup.early.is_agreed()) {
            return Ok(None);
        }
        self.media.learn(Side::B, message);
        let body = description(message).map_err(|_| sdp::Refusal::NoAudio)?;
        let Some(body) = body else {
            let early = self.setup().and_then(|setup| setup.early_answer.take());
            return early.ok_or(sdp::Refusal::NoAudio).map(Some);
        };
        if self.setup().is_some_and(|setup| setup.offer.is_some()) {
            let said = self.media.read_answer(Side::B, body)?;
            self.media.settle(Side::B, said.told.clone());
            return Ok(Some(self.media.hand_on_answer(turn, Side::B, &said)));
        }
        let said = self.media.read_offer(Side::B, body)?;
        self.media.settle(Side::B, said.told.clone());
        Ok(Some(self.media.hand_on_offer(turn, Side::B, &said)))
    }

    /// 401 or 407: answered once with the carrier's credential; otherwise the next carrier.
    fn on_challenge(&mut self, turn: &mut Turn<'_>, response: &Response<'_>) {
        let Some(mut attempt) = self.setup().and_then(|setup| setup.attempt.take()) else {
            return;
        };
        let answers = attempt
            .digest
            .as_mut()
            .is_some_and(|digest| digest.challenged(response.message).is_ok());
        if answers {
            self.alarms.set(Timer::Progress, turn.now.instant + turn.hub.config.patience.progress);
            let super::setup::Invited { gateway, flow, uri, call_id, tag, cseq, digest, .. } =
                attempt;
            let asked = Asked { gateway, flow, uri, call_id, tag, cseq: cseq + 1, digest };
            if self.ask_again(turn, asked) {
                return;
            }
        }
        self.close_attempt(Tally::Unauthorized(response.status));
        self.ask_next(turn);
    }

    pub(super) fn on_invite_failure(
        &mut self,
        turn: &mut Turn<'_>,
        client: ClientId,
        failure: Failure,
    ) {
        let is_current = self
            .setup()
            .and_then(|setup| setup.attempt.as_ref())
            .is_some_and(|attempt| attempt.client == client);
        if is_current {
            self.note_silence(turn);
            self.close_attempt(match failure {
                Failure::TimedOut => Tally::TimedOut,
                Failure::Unreachable => Tally::Unreachable,
            });
            self.fall_back_to_datagram();
            self.ask_next(turn);
        }
    }
}

/// The first fork has the call's own tag; the others have it with a number behind.
fn fork_tag(tag: String, fork: usize) -> String {
    if fork == 0 { tag } else { format!("{tag}.{fork}") }
}

impl Setup {
    /// Which early dialog a response belongs to, counted from 0 in the order they came. Forks
    /// beyond the limit are not told apart.
    pub(super) fn fork(&mut self, message: &Message<'_>) -> usize {
        let tag = message.to().ok().and_then(|to| to.tag()).unwrap_or_default();
        if let Some(known) = self.forks.iter().position(|it| it.is(tag)) {
            return known;
        }
        match self.forks.try_push(Fork::new(tag)) {
            Ok(()) => self.forks.len() - 1,
            Err(_) => FORKS_MAX - 1,
        }
    }

    /// The two dialogs of an answered call, the carrier's being `dialog`; the caller has its 2xx and
    /// the carrier its ACK.
    fn into_answered(
        mut self,
        turn: &mut Turn<'_>,
        response: &Response<'_>,
        dialog: Dialog,
        tag: String,
        body: Option<Vec<u8>>,
    ) -> Answered {
        let fork = self.fork(response.message);
        let tag = fork_tag(tag, fork);
        let attempt = self.attempt.take().expect("a response came to an INVITE that is out");
        let mut a = self.leg;
        if fork > 0 {
            a.dialog = Dialog::uas(&parsed(&self.invite), &tag, State::Early)
                .expect("it made a dialog before");
        }
        a.dialog.accepted();
        super::session::restart(turn, &mut a);
        a.told = body.clone().or(self.early_answer.take()).map(Into::into);
        let mut b = self.forks[fork]
            .confirmed(response.message)
            .unwrap_or_else(|| Leg::new(dialog, response.flow, Reach::AsWritten));
        b.heard(response.flow);
        b.toward = attempt.gateway.toward();
        b.abilities.learn(response.message);
        super::session::heard(turn, &mut b, response.message);
        b.told = b.told.take().or_else(|| self.offer.as_deref().map(Into::into));
        let is_late = self.offer.is_none() && !self.early.is_agreed();
        if !is_late {
            b.ack(turn, attempt.cseq, None);
        }

        let mut bytes = Vec::new();
        let mut writer = self.replies.start(&mut bytes, response.status, response.reason, &tag);
        writer.text(Name::Contact, &turn.hub.faces.of(&self.flow).contact);
        writer.text(Name::Allow, ALLOW).text(Name::Server, PRODUCT);
        super::session::tell(&mut writer, &turn.hub.config, a.toward, a.clock);
        turn.hub.config.headers.pass(response.message, &mut writer);
        match &body {
            Some(body) => writer.body("application/sdp", body),
            None => writer.finish(),
        }
        turn.respond(self.server, response.status, bytes);

        let cseq = a.dialog.remote_cseq().unwrap_or_default();
        let mut waiting = Unacknowledged::new(self.server, cseq);
        if is_late {
            waiting = waiting.with_offer_from_peer(attempt.cseq);
        }
        let relays = self.early.relays;
        Answered::new(a, b, attempt, waiting, relays)
    }
}
