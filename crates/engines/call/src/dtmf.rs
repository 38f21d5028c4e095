//! Digits between a side that tells them by INFO and one that tells them in its media (RFC 4733).
//!
//! Where a side describes no telephone events and takes INFO, and digits are to be translated, the
//! other side is told of an event type of ours. If it takes that, its events end at the relay and
//! become INFO, and INFO with a digit becomes an event.

use std::time::Duration;

use media::{Digit, Side};
use sdp::Audio;
use sip_message::{Message, Method};

use crate::abilities::Abilities;

/// What becomes of digits between sides that tell them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DtmfPolicy {
    /// They cross as they come: INFO as INFO, events as events, tones as tones.
    #[default]
    AsIs,
    /// INFO becomes events and events become INFO, where one side has no telephone events and takes
    /// INFO.
    Translate,
}

/// How long a key is held down of which INFO does not say it.
const DURATION: Duration = Duration::from_millis(160);

/// The shortest and longest that a key is held down: a detector wants 40 ms, and an event packet
/// can tell of 8 s (RFC 4733 §2.3.4).
const DURATIONS: [Duration; 2] = [Duration::from_millis(40), Duration::from_secs(8)];

/// The media type of digits that we send.
pub(crate) const RELAY: &str = "application/dtmf-relay";

/// A key that an INFO tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pressed {
    pub(crate) digit: Digit,
    pub(crate) duration: Duration,
}

impl Pressed {
    /// Reads `application/dtmf-relay` and `application/dtmf`; `None` for any other body, and for a
    /// signal that is no key of sixteen, like a hook flash.
    pub(crate) fn read(info: &Message<'_>) -> Option<Self> {
        let kind = info.content_type().ok()??;
        let body = std::str::from_utf8(info.body()).ok()?;
        if kind.is("application", "dtmf-relay") {
            return Self::of_lines(body);
        }
        if !kind.is("application", "dtmf") {
            return None;
        }
        let bare = signal(body.trim()).map(|digit| Self { digit, duration: DURATION });
        bare.or_else(|| Self::of_lines(body))
    }

    /// `Signal=5` and `Duration=160`, in milliseconds, a line each.
    fn of_lines(body: &str) -> Option<Self> {
        let value = |wanted: &str| {
            body.lines().find_map(|line| {
                let (name, value) = line.split_once('=')?;
                name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim())
            })
        };
        let [min, max] = DURATIONS;
        let told = value("Duration").and_then(|it| it.parse().ok()).map(Duration::from_millis);
        let duration = told.unwrap_or(DURATION).clamp(min, max);
        Some(Self { digit: signal(value("Signal")?)?, duration })
    }
}

/// A key as itself, or by the number of its event: `*` may be 10 and `#` 11.
fn signal(text: &str) -> Option<Digit> {
    let mut keys = text.chars();
    match (keys.next(), keys.next()) {
        (Some(key), None) => Digit::parse(key),
        _ => text.parse().ok().filter(|code| *code > 9).and_then(Digit::of_event),
    }
}

/// The body of an INFO that tells of a key.
pub(crate) fn body(digit: Digit) -> String {
    format!("Signal={digit}\r\nDuration={}\r\n", DURATION.as_millis())
}

/// Which sides were told of an event type of ours, and who would be told of their digits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Translation {
    policy: DtmfPolicy,
    /// By side: what it has said of itself.
    abilities: [Abilities; 2],
    /// By side: the payload type of events that we gave it, because the other side has none.
    given: [Option<u8>; 2],
}

/// What a description is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Offer,
    Answer,
}

impl Translation {
    pub(crate) fn new(policy: DtmfPolicy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// Takes note of what a side can do.
    pub(crate) fn learn(&mut self, side: Side, message: &Message<'_>) {
        if self.policy == DtmfPolicy::Translate {
            self.abilities[side.index()].learn(message);
        }
    }

    /// Another called side: what the one before said does not count.
    pub(crate) fn forget(&mut self, side: Side) {
        self.abilities[side.index()] = Abilities::default();
        self.given = [None, None];
    }

    /// The payload type of events to add to a description of `from` before the other side gets it.
    /// `told` is what that side told last: an answer may name nothing that it did not offer.
    pub(crate) fn give(
        &mut self,
        from: Side,
        audio: &Audio,
        place: Place,
        told: Option<&Audio>,
    ) -> Option<u8> {
        let to = from.other().index();
        let takes_info = self.abilities[from.index()].takes(Method::Info);
        let lacks = audio.content == sdp::Content::Audio && audio.telephone_event.is_none();
        let theirs = told.and_then(|told| told.telephone_event);
        let used = audio.payload_types();
        let is_free = |number: &u8| !used.contains(number);
        self.given[to] = match (self.policy, place) {
            (DtmfPolicy::Translate, Place::Offer) if takes_info && lacks => {
                let before = self.given[to].or(theirs);
                before.into_iter().chain([101]).chain(96..=127).find(is_free)
            }
            (DtmfPolicy::Translate, Place::Answer) if takes_info && lacks => theirs.filter(is_free),
            _ => None,
        };
        self.given[to]
    }

    /// Whether the other side of `from` offered no events, and `from` names some only because we
    /// asked for them.
    pub(crate) fn asked(&self, from: Side, told: Option<&Audio>) -> bool {
        let is_given = self.given[from.index()].is_some();
        is_given && told.is_some_and(|told| told.telephone_event.is_none())
    }

    /// The event types of a side whose digits are translated: what it was told to send, and what it
    /// wants to hear. `told` is what it told of itself.
    pub(crate) fn of(&self, side: Side, told: Option<&Audio>) -> Option<Types> {
        let sends = self.given[side.index()]?;
        Some(Types { sends, hears: told?.telephone_event? })
    }
}

/// The payload types of events on one leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Types {
    pub(crate) sends: u8,
    pub(crate) hears: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, body: &str) -> Option<(char, u128)> {
        let text = format!(
            "INFO sip:a@b SIP/2.0\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let pressed = Pressed::read(&Message::parse(text.as_bytes()).unwrap())?;
        Some((pressed.digit.key(), pressed.duration.as_millis()))
    }

    #[test]
    fn both_forms_of_a_key_are_read() {
        let relay = "application/dtmf-relay";
        assert_eq!(read(relay, "Signal=5\r\nDuration=250\r\n"), Some(('5', 250)));
        assert_eq!(read(relay, "signal= # \nduration= 90"), Some(('#', 90)), "as some write it");
        assert_eq!(read(relay, "Signal=10\r\n"), Some(('*', 160)), "by its event's number");
        assert_eq!(read(relay, "Signal=d\r\nDuration=x\r\n"), Some(('D', 160)));
        assert_eq!(read("application/dtmf", "7"), Some(('7', 160)));
        assert_eq!(read("application/dtmf", "11\r\n"), Some(('#', 160)));
        assert_eq!(read("APPLICATION/DTMF", "Signal=1\r\nDuration=100"), Some(('1', 100)));
    }

    #[test]
    fn a_key_is_held_as_long_as_it_can_be_told() {
        let relay = "application/dtmf-relay";
        assert_eq!(read(relay, "Signal=1\r\nDuration=1\r\n"), Some(('1', 40)));
        assert_eq!(read(relay, "Signal=1\r\nDuration=999999\r\n"), Some(('1', 8_000)));
    }

    #[test]
    fn what_is_no_key_is_left_alone() {
        assert_eq!(read("application/dtmf-relay", "Signal=16\r\nDuration=100\r\n"), None, "flash");
        assert_eq!(read("application/dtmf-relay", "Duration=100\r\n"), None);
        assert_eq!(read("application/dtmf-relay", ""), None);
        assert_eq!(read("application/media_control+xml", "Signal=1"), None);
    }

    #[test]
    fn a_body_that_is_written_reads_as_itself() {
        let digit = Digit::parse('*').unwrap();
        assert_eq!(read(RELAY, &body(digit)), Some(('*', 160)));
    }
}
