//! Digits on their way to a side that is told of them by INFO (RFC 6086 calls it legacy use).

use std::collections::VecDeque;

use media::{Digit, Side};
use sip_core::ClientId;
use sip_message::{Method, Status};

use super::answered::Answered;
use super::within::Retried;
use super::{Bridge, Call, Response, Within};
use crate::calls::Role;
use crate::dtmf::{self, Pressed};
use crate::explain::Note;
use crate::hub::Turn;

/// Digits of one call that may wait for the answer to the one before; further ones are lost.
const WAITING_MAX: usize = 32;

/// The digits of one call that are not told yet: one INFO at a time, so that they stay in order.
#[derive(Debug, Default)]
pub(super) struct Digits {
    waiting: VecDeque<Key>,
    sent: Option<Sent>,
    /// By side: whether it refused one. It is not asked again.
    refused: [bool; 2],
}

/// A digit, and who is to hear of it.
#[derive(Debug, Clone, Copy)]
struct Key {
    to: Side,
    digit: Digit,
}

#[derive(Debug)]
struct Sent {
    client: ClientId,
    key: Key,
    retried: Retried,
}

impl Call {
    /// An INFO. A digit for a side that hears events is pressed there and answered here; all else
    /// goes on.
    pub(super) fn on_info(&mut self, turn: &mut Turn<'_>, request: Within<'_>) {
        let to = request.side.other();
        let pressed = self.media.translates(to).zip(Pressed::read(request.message));
        let Some((types, Pressed { digit, duration })) = pressed else {
            return self.hand_on(turn, request, super::within::Kind::Info);
        };
        request.refuse(turn, Status::OK);
        let press = media::Press { digit, duration, payload_type: types.hears };
        self.media.press(turn, request.side, press);
        self.note(Note::DigitsTranslated { by_info: request.side });
    }

    /// A side pressed a key: one INFO for it, if the other side has no events.
    pub(super) fn on_digit(&mut self, turn: &mut Turn<'_>, from: Side, digit: Digit) {
        if self.media.translates(from).is_none() {
            return;
        }
        let Bridge::Answered(answered) = &mut self.state else { return };
        let to = from.other();
        let digits = answered.digits.get_or_insert_default();
        if digits.refused[to.index()] {
            return;
        }
        if digits.waiting.len() >= WAITING_MAX {
            return turn.hub.counters.drop("digits-waiting-max");
        }
        digits.waiting.push_back(Key { to, digit });
        self.note(Note::DigitsTranslated { by_info: to });
        self.tell_next(turn);
    }

    fn tell_next(&mut self, turn: &mut Turn<'_>) {
        let owner = self.owner(Role::Digit);
        let Bridge::Answered(answered) = &mut self.state else { return };
        let Some(digits) = answered.digits.as_deref_mut().filter(|it| it.sent.is_none()) else {
            return;
        };
        let Some(key) = digits.waiting.pop_front() else { return };
        let sent = answered.send_digit(turn, key, owner);
        if let (Some(client), Some(digits)) = (sent, answered.digits.as_deref_mut()) {
            digits.sent = Some(Sent { client, key, retried: Retried::No });
        }
    }

    /// A digit of ours was answered. A refusal costs the call nothing: the side is told of no more.
    pub(super) fn on_digit_response(&mut self, turn: &mut Turn<'_>, response: &Response<'_>) {
        if response.status.is_provisional() {
            return;
        }
        let owner = self.owner(Role::Digit);
        let Bridge::Answered(answered) = &mut self.state else { return };
        let Some(sent) = answered.digit_sent(response.client) else { return };
        answered.leg(sent.key.to).heard(response.flow);
        if sent.retried == Retried::No && answered.answers_challenge(sent.key.to, response) {
            let client = answered.send_digit(turn, sent.key, owner);
            if let (Some(client), Some(digits)) = (client, answered.digits.as_deref_mut()) {
                digits.sent = Some(Sent { client, retried: Retried::Once, ..sent });
                return;
            }
        }
        if response.status.is_failure() {
            if let Some(digits) = answered.digits.as_deref_mut() {
                digits.refused[sent.key.to.index()] = true;
                digits.waiting.retain(|key| key.to != sent.key.to);
            }
            self.note(Note::DigitsRefused { by: sent.key.to, status: response.status });
        }
        self.tell_next(turn);
    }

    /// A digit of ours stayed without an answer; whether the peer is there is for others to find out.
    pub(super) fn on_digit_failure(&mut self, turn: &mut Turn<'_>, client: ClientId) {
        let Bridge::Answered(answered) = &mut self.state else { return };
        if answered.digit_sent(client).is_some() {
            self.tell_next(turn);
        }
    }
}

impl Answered {
    fn send_digit(&mut self, turn: &mut Turn<'_>, key: Key, owner: u64) -> Option<ClientId> {
        let (leg, digest) = self.leg_and_digest(key.to);
        let body = dtmf::body(key.digit);
        let info = leg.request(turn, Method::Info, digest, |_, writer| {
            writer.body(dtmf::RELAY, body.as_bytes());
        });
        turn.request(Method::Info, info, owner)
    }

    /// Takes what is out, if that is its transaction.
    fn digit_sent(&mut self, client: ClientId) -> Option<Sent> {
        self.digits.as_deref_mut()?.sent.take_if(|it| it.client == client)
    }
}
