//! The side that answers: script, ACK, CANCEL, and what else comes in a dialog.

use sip_core::dialog::{Dialog, State};
use sip_core::{Replies, ServerId};
use sip_message::{Flow, Message, Method, Name, Status};

use super::renegotiate::Glare;
use super::{ALLOW, AnswerIn, Call, Desk, Purpose, Stage, Then, finish};
use crate::audio::Audio;
use crate::io::{CallId, Cause, Event, Hold};
use crate::script::{Script, Sound, Step};

/// An INVITE that came, and the transaction to answer it by.
pub(crate) struct Offer<'m> {
    pub(crate) flow: Flow,
    pub(crate) server: ServerId,
    pub(crate) replies: Replies,
    pub(crate) invite: &'m Message<'m>,
}

impl Call {
    /// Begins to follow the script for an INVITE.
    pub(crate) fn answer(
        id: CallId,
        desk: &mut Desk<'_>,
        offer: Offer<'_>,
        script: Script,
        audio: Audio,
    ) -> Self {
        let Offer { flow, server, replies, invite } = offer;
        let tag = desk.endpoint.tag(server).unwrap_or_else(|| desk.endpoint.new_tag());
        desk.endpoint.adopt(server, Purpose::Serve.owner(id));
        let mut call = Self::new(id, desk.now, flow, tag, audio);
        let (body, answer_in) = match invite.body() {
            [] => (call.audio.offer(Hold::Off), AnswerIn::Ack),
            offered => match call.audio.answer(desk.now, offered) {
                Ok((answer, _)) => (answer, AnswerIn::Settled),
                Err(refusal) => {
                    call.stage = Stage::Offered {
                        server,
                        replies,
                        body: Vec::new(),
                        answer_in: AnswerIn::Settled,
                    };
                    call.refuse(desk, Status(refusal.status()), Cause::Media(refusal));
                    return call;
                }
            },
        };
        call.stage = Stage::Offered { server, replies, body, answer_in };
        let (from, to) = (
            invite.from().map(|it| it.uri).unwrap_or_default().to_owned(),
            invite.request_line().map(|it| it.uri).unwrap_or_default().to_owned(),
        );
        desk.event(id, Event::Incoming { from, to });
        match Dialog::uas(invite, &call.local_tag, State::Early) {
            Ok(dialog) => call.dialog = Some(dialog),
            Err(_) => {
                call.refuse(desk, Status::BAD_REQUEST, Cause::NoDialog);
                return call;
            }
        }
        call.steps = script.steps.into();
        if !matches!(call.steps.front(), Some(Step::Reject(_) | Step::Answer(_) | Step::Ring)) {
            call.respond(desk, Status::TRYING);
        }
        call.run(desk);
        call
    }

    /// Follows the script up to the next step that takes time.
    pub(super) fn run(&mut self, desk: &mut Desk<'_>) {
        while let Some(step) = self.steps.pop_front() {
            match step {
                Step::Ring => self.respond(desk, Status::RINGING),
                Step::EarlyMedia(sound) => {
                    self.audio.start(desk.now, sound);
                    self.respond(desk, Status::SESSION_PROGRESS);
                }
                Step::Wait(time) => {
                    self.wake = Some(desk.now + time);
                    return;
                }
                // The script goes on when the ACK comes.
                Step::Answer(sound) => return self.accept(desk, sound),
                Step::Reject(status) => return self.reject(desk, status),
                Step::Press(digits) => self.audio.press(desk.now, &digits),
                Step::HangUp => return self.hang_up(desk),
            }
        }
    }

    /// A provisional response.
    fn respond(&mut self, desk: &mut Desk<'_>, status: Status) {
        let Stage::Offered { server, replies, body, .. } = &self.stage else { return };
        let mut bytes = Vec::with_capacity(1024);
        let mut writer = replies.start(&mut bytes, status, status.reason(), &self.local_tag);
        if status != Status::TRYING {
            desk.introduce(&mut writer);
        }
        if status == Status::SESSION_PROGRESS {
            finish(&mut writer, body);
        } else {
            writer.finish();
        }
        // An INVITE that is gone was cancelled, which has been heard of.
        _ = desk.endpoint.respond(desk.now, *server, status, bytes);
    }

    fn accept(&mut self, desk: &mut Desk<'_>, sound: Sound) {
        let before = std::mem::replace(&mut self.stage, Stage::Accepted { then: Then::GoOn });
        let Stage::Offered { server, replies, body, answer_in } = before else { return };
        let mut bytes = Vec::with_capacity(1024);
        let ok = Status::OK;
        let mut writer = replies.start(&mut bytes, ok, ok.reason(), &self.local_tag);
        desk.introduce(&mut writer);
        finish(&mut writer, &body);
        _ = desk.endpoint.respond(desk.now, server, ok, bytes);
        if let Some(dialog) = &mut self.dialog {
            dialog.accepted();
            let cseq = dialog.remote_cseq().unwrap_or_default();
            self.unacknowledged = Some((cseq, server, answer_in));
        }
        self.answered = Some(desk.now);
        self.audio.start(desk.now, sound);
    }

    pub(super) fn reject(&mut self, desk: &mut Desk<'_>, status: Status) {
        self.refuse(desk, status, Cause::Rejected(status));
    }

    fn refuse(&mut self, desk: &mut Desk<'_>, status: Status, cause: Cause) {
        if let Stage::Offered { server, replies, .. } = &self.stage {
            let bytes = replies.bare(status, status.reason(), &self.local_tag);
            _ = desk.endpoint.respond(desk.now, *server, status, bytes);
        }
        self.over(desk, cause);
    }

    /// The CANCEL is answered already; the INVITE wants its 487 (RFC 3261 §9.2).
    pub(crate) fn cancelled(&mut self, desk: &mut Desk<'_>) {
        self.refuse(desk, Status::REQUEST_TERMINATED, Cause::PeerCancelled);
    }

    /// The ACK for a 2xx of ours.
    pub(crate) fn acknowledged(&mut self, desk: &mut Desk<'_>, ack: &Message<'_>) {
        let number = ack.cseq().map_or(0, |it| it.number);
        let Some((_, server, answer_in)) = self.unacknowledged.take_if(|it| it.0 == number) else {
            return;
        };
        desk.endpoint.acknowledged(desk.now, server);
        let settled = match answer_in {
            AnswerIn::Ack => self.audio.take_answer(desk.now, ack.body()),
            AnswerIn::Settled => Ok(()),
        };
        let Stage::Accepted { then } = self.stage else { return };
        self.stage = Stage::Up;
        desk.event(self.id, Event::Answered);
        match (settled, then) {
            (Err(refusal), _) => self.bye(desk, Cause::Media(refusal)),
            (Ok(()), Then::HangUp) => self.bye(desk, Cause::HungUp),
            (Ok(()), Then::GoOn) => self.run(desk),
        }
    }

    /// A request in the dialog, other than ACK and CANCEL.
    pub(crate) fn request(&mut self, desk: &mut Desk<'_>, offer: &Offer<'_>, method: Method<'_>) {
        let Offer { server, replies, invite: request, .. } = offer;
        desk.endpoint.adopt(*server, Purpose::Serve.owner(self.id));
        let order = self.dialog.as_mut().map(|dialog| dialog.receive(request));
        if let Some(Err(_)) = order {
            return self.reply(desk, offer, Status::SERVER_INTERNAL_ERROR);
        }
        match method {
            Method::Bye => {
                self.reply(desk, offer, Status::OK);
                let cause = match self.stage {
                    Stage::Ending { cause } => cause,
                    Stage::Fresh
                    | Stage::Calling { .. }
                    | Stage::Cancelling
                    | Stage::Offered { .. }
                    | Stage::Accepted { .. }
                    | Stage::Up
                    | Stage::Over => Cause::PeerHungUp,
                };
                // Early dialogs may be ended so too, and their INVITE with them (RFC 3261 §15.1.2).
                if matches!(self.stage, Stage::Offered { .. }) {
                    return self.refuse(desk, Status::REQUEST_TERMINATED, cause);
                }
                self.over(desk, cause);
            }
            Method::Invite => match self.renegotiate(desk, request) {
                Ok((body, answer_in)) => {
                    let mut bytes = Vec::with_capacity(1024);
                    let ok = Status::OK;
                    let mut writer = replies.start(&mut bytes, ok, ok.reason(), &self.local_tag);
                    desk.introduce(&mut writer);
                    finish(&mut writer, &body);
                    _ = desk.endpoint.respond(desk.now, *server, ok, bytes);
                    let cseq = request.cseq().map_or(0, |it| it.number);
                    self.unacknowledged = Some((cseq, *server, answer_in));
                }
                Err(Glare(status)) => self.reply(desk, offer, status),
            },
            Method::Options => self.reply(desk, offer, Status::OK),
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Prack
            | Method::Update
            | Method::Info
            | Method::Refer
            | Method::Subscribe
            | Method::Notify
            | Method::Message
            | Method::Publish => self.reply(desk, offer, Status::METHOD_NOT_ALLOWED),
            Method::Other(_) => self.reply(desk, offer, Status::NOT_IMPLEMENTED),
        }
    }

    fn reply(&self, desk: &mut Desk<'_>, offer: &Offer<'_>, status: Status) {
        let bytes = plain_reply(&offer.replies, status, &self.local_tag);
        _ = desk.endpoint.respond(desk.now, offer.server, status, bytes);
    }
}

/// A final response without a body; with Allow where RFC 3261 §21.4.6 and §11.2 want it.
pub(crate) fn plain_reply(replies: &Replies, status: Status, tag: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    let mut writer = replies.start(&mut bytes, status, status.reason(), tag);
    if matches!(status, Status::OK | Status::METHOD_NOT_ALLOWED | Status::NOT_IMPLEMENTED) {
        writer.header(Name::Allow, ALLOW);
    }
    writer.finish();
    bytes
}
