//! The side that calls: INVITE, challenges, answers, forks.

use sip_core::Token;
use sip_core::dialog::Dialog;
use sip_core::digest::Client as DigestClient;
use sip_message::{Message, MessageWriter, Method, Name, Status};

use super::{Call, Desk, Placed, Purpose, Stage, finish, is_challenge, next_flow};
use crate::audio::Audio;
use crate::io::{CallId, CallOrder, Cause, Event, Hold};

const MAX_FORWARDS: u8 = 70;

impl Call {
    /// Sends the INVITE of a new call. A call that cannot begin is over at once.
    pub(crate) fn place(
        id: CallId,
        desk: &mut Desk<'_>,
        order: CallOrder,
        audio: Audio,
        seed: &[u8; 16],
    ) -> Self {
        let digest = order.credential.clone();
        let placed = Placed {
            digest: digest.map(|it| DigestClient::new(it.username, it.password, seed)),
            call_id: desk.endpoint.new_call_id(),
            cseq: 0,
            order,
        };
        let tag = desk.endpoint.new_tag();
        let flow = placed.order.flow;
        let mut call = Self::new(id, desk.now, flow, tag, audio);
        call.audio.start(desk.now, placed.order.sound);
        call.wake = placed.order.give_up_after.map(|after| desk.now + after);
        let body = call.audio.offer(Hold::Off);
        call.placed = Some(Box::new(placed));
        call.invite(desk, &body);
        call
    }

    fn invite(&mut self, desk: &mut Desk<'_>, body: &[u8]) {
        let Some(placed) = self.placed.as_deref_mut() else { return };
        placed.cseq += 1;
        let branch = desk.endpoint.new_branch();
        let mut bytes = Vec::with_capacity(1024);
        print_invite(&mut bytes, desk, placed, &self.local_tag, &branch, body);
        let owner = Purpose::Invite.owner(self.id);
        let method = Method::Invite;
        self.stage = match desk.endpoint.request(desk.now, self.flow, method, &branch, bytes, owner)
        {
            Ok(client) => Stage::Calling { client },
            Err(_) => return self.over(desk, Cause::TooManyCalls),
        };
    }

    pub(super) fn invite_answered(
        &mut self,
        desk: &mut Desk<'_>,
        status: Status,
        message: &Message<'_>,
    ) {
        if status.is_provisional() {
            return self.progress(desk, status, message);
        }
        if status.is_success() {
            return self.accepted(desk, message);
        }
        match self.stage {
            Stage::Cancelling => self.over(desk, Cause::Cancelled),
            Stage::Calling { .. } if is_challenge(status) => {
                self.invite_challenged(desk, status, message);
            }
            Stage::Calling { .. } => self.over(desk, Cause::Rejected(status)),
            Stage::Fresh
            | Stage::Offered { .. }
            | Stage::Accepted { .. }
            | Stage::Up
            | Stage::Ending { .. }
            | Stage::Over => {}
        }
    }

    fn invite_challenged(&mut self, desk: &mut Desk<'_>, status: Status, message: &Message<'_>) {
        let digest = self.placed.as_mut().and_then(|it| it.digest.as_mut());
        let Some(digest) = digest else { return self.over(desk, Cause::NoCredential(status)) };
        match digest.challenged(message) {
            Ok(()) => {
                desk.event(self.id, Event::Challenged { status });
                let body = self.audio.offer(Hold::Off);
                self.invite(desk, &body);
            }
            Err(why) => self.over(desk, Cause::Challenged { status, why }),
        }
    }

    fn progress(&mut self, desk: &mut Desk<'_>, status: Status, message: &Message<'_>) {
        if !message.body().is_empty() {
            // An early answer that cannot be used is no loss: the final one decides.
            _ = self.audio.take_answer(desk.now, message.body());
        }
        desk.event(self.id, Event::Progress { status });
    }

    /// A 2xx: the first, a repetition of it, or another fork's (RFC 3261 §13.2.2.4).
    fn accepted(&mut self, desk: &mut Desk<'_>, message: &Message<'_>) {
        let Some(placed) = self.placed.as_deref_mut() else { return };
        if let Some(digest) = &mut placed.digest {
            digest.settled();
        }
        if let Some(dialog) = &self.dialog {
            if dialog.matches(message) {
                acknowledge(desk, self.flow, dialog, placed.cseq);
            } else {
                self.refuse_fork(desk, message);
            }
            return;
        }
        let Ok(dialog) = Dialog::uac(message, &placed.order.to) else {
            return self.over(desk, Cause::NoDialog);
        };
        acknowledge(desk, self.flow, &dialog, placed.cseq);
        let hang_up_after = placed.order.hang_up_after;
        self.dialog = Some(dialog);
        if matches!(self.stage, Stage::Cancelling) {
            return self.bye(desk, Cause::Cancelled);
        }
        self.answered = Some(desk.now);
        if let Err(refusal) = self.audio.take_answer(desk.now, message.body()) {
            return self.bye(desk, Cause::Media(refusal));
        }
        self.stage = Stage::Up;
        self.wake = hang_up_after.map(|after| desk.now + after);
        desk.event(self.id, Event::Answered);
    }

    /// Acknowledges a second answer and hangs up on it.
    fn refuse_fork(&mut self, desk: &mut Desk<'_>, message: &Message<'_>) {
        let Some(placed) = &self.placed else { return };
        let Ok(mut fork) = Dialog::uac(message, &placed.order.to) else { return };
        acknowledge(desk, self.flow, &fork, placed.cseq);
        let branch = desk.endpoint.new_branch();
        let mut bytes = Vec::with_capacity(512);
        fork.request(&mut bytes, Method::Bye, &desk.via(&branch)).finish();
        let flow = next_flow(self.flow, &fork);
        let owner = Purpose::Fork.owner(self.id);
        // Without room for the BYE the fork's own timers have to do.
        _ = desk.endpoint.request(desk.now, flow, Method::Bye, &branch, bytes, owner);
    }
}

fn print_invite(
    bytes: &mut Vec<u8>,
    desk: &Desk<'_>,
    placed: &mut Placed,
    tag: &Token,
    branch: &str,
    body: &[u8],
) {
    let Placed { order, call_id, cseq, digest } = placed;
    let mut writer = MessageWriter::request(bytes, Method::Invite, &order.to);
    writer
        .header(Name::Via, desk.via(branch))
        .header(Name::MaxForwards, MAX_FORWARDS)
        .header(Name::From, format_args!("<{}>;tag={tag}", order.from))
        .header(Name::To, format_args!("<{}>", order.to))
        .header(Name::CallId, call_id)
        .header(Name::CSeq, format_args!("{cseq} INVITE"));
    desk.introduce(&mut writer);
    let authorization = digest.as_mut().and_then(|it| it.authorization(Method::Invite, &order.to));
    if let Some(authorization) = authorization {
        writer.header(authorization.name(), &authorization);
    }
    for (name, value) in &order.headers {
        writer.extension(name, value);
    }
    finish(&mut writer, body);
}

/// Sends the ACK for the 2xx to the request with that CSeq number.
pub(super) fn acknowledge(
    desk: &mut Desk<'_>,
    flow: sip_message::Flow,
    dialog: &Dialog,
    cseq: u32,
) {
    let branch = desk.endpoint.new_branch();
    let mut bytes = Vec::with_capacity(512);
    dialog.ack(&mut bytes, cseq, &desk.via(&branch)).finish();
    desk.endpoint.send(next_flow(flow, dialog), bytes);
}
