//! Re-INVITEs, both ways: hold and its end (RFC 3261 §14, RFC 3264 §8.4).

use sip_message::{Message, Method, Status};

use super::placed::acknowledge;
use super::{AnswerIn, Call, Desk, Purpose, Stage, is_challenge};
use crate::io::{Cause, Event, Hold};

/// A re-INVITE of ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Renegotiation {
    wanted: Hold,
    cseq: u32,
    settled: Settled,
}

/// Whether a re-INVITE has its final response; its 2xx may come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    No,
    Yes,
}

/// Why a re-INVITE cannot be taken now, as the status it is answered with.
pub(super) struct Glare(pub(super) Status);

impl Call {
    /// Holds the call or takes it up again. Nothing happens before the call is up, or while an
    /// earlier wish is under way.
    pub(crate) fn hold(&mut self, desk: &mut Desk<'_>, wanted: Hold) {
        let busy = self.renegotiation.is_some_and(|it| it.settled == Settled::No);
        if matches!(self.stage, Stage::Up) && !busy && self.unacknowledged.is_none() {
            self.send_reinvite(desk, wanted);
        }
    }

    fn send_reinvite(&mut self, desk: &mut Desk<'_>, wanted: Hold) {
        let body = self.audio.offer(wanted);
        match self.send_with_body(desk, Method::Invite, Purpose::Renegotiate, &body) {
            Ok((_, cseq)) => {
                self.renegotiation = Some(Renegotiation { wanted, cseq, settled: Settled::No });
            }
            Err(_) => {
                let status = Status::SERVICE_UNAVAILABLE;
                desk.event(self.id, Event::HoldRefused { status });
            }
        }
    }

    pub(super) fn renegotiation_answered(
        &mut self,
        desk: &mut Desk<'_>,
        status: Status,
        message: &Message<'_>,
    ) {
        let Some(renegotiation) = &mut self.renegotiation else { return };
        let Renegotiation { wanted, cseq, settled } = *renegotiation;
        if status.is_provisional() {
            return;
        }
        renegotiation.settled = Settled::Yes;
        if status.is_success() {
            if let Some(dialog) = &mut self.dialog {
                dialog.refresh_target(message);
                acknowledge(desk, self.flow, dialog, cseq);
            }
            if settled == Settled::No && matches!(self.stage, Stage::Up) {
                match self.audio.take_answer(desk.now, message.body()) {
                    Ok(()) => desk.event(self.id, Event::Hold(wanted)),
                    Err(refusal) => self.bye(desk, Cause::Media(refusal)),
                }
            }
            return;
        }
        if is_challenge(status) && self.try_again(desk, status, message) {
            return self.send_reinvite(desk, wanted);
        }
        desk.event(self.id, Event::HoldRefused { status });
        // The other side knows nothing of the call (RFC 3261 §12.2.1.2).
        if matches!(status, Status::CALL_DOES_NOT_EXIST | Status::REQUEST_TIMEOUT) {
            self.bye(desk, Cause::Rejected(status));
        }
    }

    /// Takes a re-INVITE; gives the body of its 200 and where the answer to it comes.
    pub(super) fn renegotiate(
        &mut self,
        desk: &mut Desk<'_>,
        request: &Message<'_>,
    ) -> Result<(Vec<u8>, AnswerIn), Glare> {
        let ours = self.renegotiation.is_some_and(|it| it.settled == Settled::No);
        let up = matches!(self.stage, Stage::Up | Stage::Accepted { .. });
        // One offer at a time (RFC 3261 §14.2).
        if ours || !up || self.unacknowledged.is_some() {
            return Err(Glare(Status::REQUEST_PENDING));
        }
        if let Some(dialog) = &mut self.dialog {
            dialog.refresh_target(request);
        }
        if request.body().is_empty() {
            return Ok((self.audio.offer(Hold::Off), AnswerIn::Ack));
        }
        match self.audio.answer(desk.now, request.body()) {
            Ok((body, hold)) => {
                desk.event(self.id, Event::PeerHold(hold));
                Ok((body, AnswerIn::Settled))
            }
            Err(refusal) => Err(Glare(Status(refusal.status()))),
        }
    }
}
