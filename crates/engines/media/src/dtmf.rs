//! Digits as RTP events. RFC 4733.

use std::fmt;

/// A digit that a telephone keypad can send: events 0–15. RFC 4733 §3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digit(u8);

const KEYS: [char; 16] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

impl Digit {
    /// `0`–`9`, `*`, `#`, `A`–`D`.
    pub fn parse(key: char) -> Option<Self> {
        let key = key.to_ascii_uppercase();
        KEYS.iter().position(|it| *it == key).map(|at| Self(at as u8))
    }

    /// The digit of an event code; `None` for codes that are no digit.
    pub const fn of_event(code: u8) -> Option<Self> {
        if code < 16 { Some(Self(code)) } else { None }
    }

    /// The event code.
    pub const fn event(self) -> u8 {
        self.0
    }

    /// The key.
    pub const fn key(self) -> char {
        KEYS[self.0 as usize]
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.key())
    }
}

/// The payload of an event packet. RFC 4733 §2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// The event code: 0–15 are the digits.
    pub code: u8,
    /// Whether this packet says that the event is over.
    pub phase: EventPhase,
    /// Loudness below 0 dBm0, 0–63 dB.
    pub volume: u8,
    /// How long the event has lasted, in timestamp units.
    pub duration: u16,
}

/// The `E` bit of an event packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventPhase {
    /// The key is still down.
    Ongoing,
    /// The key is up again.
    Ended,
}

impl TelephoneEvent {
    /// Reads an event payload; `None` if it is shorter than four bytes.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let &[code, flags, high, low, ..] = payload else { return None };
        Some(Self {
            code,
            phase: if flags & 0x80 == 0 { EventPhase::Ongoing } else { EventPhase::Ended },
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    /// The payload's bytes.
    pub fn print(&self) -> [u8; 4] {
        let end = match self.phase {
            EventPhase::Ongoing => 0,
            EventPhase::Ended => 0x80,
        };
        let [high, low] = self.duration.to_be_bytes();
        [self.code, end | (self.volume & 0x3f), high, low]
    }
}

/// How many past events are remembered, so that their late packets are no new digit.
const REMEMBERED: usize = 4;

/// Turns the packets of events into digits, each once.
///
/// All packets of one event carry one timestamp (RFC 4733 §2.5.1.1), so a digit is reported with the
/// first of its packets to arrive, whichever that is, and its repeats and stragglers are not.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventTap {
    seen: [Option<(u32, u32)>; REMEMBERED],
    next: u8,
    /// Where a segment that continues a long event would start: SSRC, timestamp, code.
    continued: Option<(u32, u32, u8)>,
}

impl EventTap {
    /// The digit that this packet is the first to tell of.
    pub fn hear(&mut self, ssrc: u32, timestamp: u32, event: TelephoneEvent) -> Option<Digit> {
        let digit = Digit::of_event(event.code)?;
        let is_known = self.seen.contains(&Some((ssrc, timestamp)));
        let continues = self.continued == Some((ssrc, timestamp, event.code));
        if event.duration == u16::MAX && event.phase == EventPhase::Ongoing {
            // RFC 4733 §2.5.1.3: a longer event goes on as a segment that starts right here.
            let next = timestamp.wrapping_add(u32::from(u16::MAX));
            self.continued = Some((ssrc, next, event.code));
        }
        if is_known {
            return None;
        }
        self.seen[usize::from(self.next)] = Some((ssrc, timestamp));
        self.next = (self.next + 1) % REMEMBERED as u8;
        (!continues).then_some(digit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(code: u8, duration: u16, phase: EventPhase) -> TelephoneEvent {
        TelephoneEvent { code, phase, volume: 10, duration }
    }

    #[test]
    fn an_event_is_one_digit_however_many_packets_tell_of_it() {
        let mut tap = EventTap::default();
        let mut heard = String::new();
        for (timestamp, code) in [(1000, 1), (3000, 2), (5000, 11)] {
            for duration in [160, 320, 480] {
                let event = packet(code, duration, EventPhase::Ongoing);
                heard.extend(tap.hear(7, timestamp, event).map(Digit::key));
            }
            for _ in 0..3 {
                let event = packet(code, 480, EventPhase::Ended);
                heard.extend(tap.hear(7, timestamp, event).map(Digit::key));
            }
        }
        assert_eq!(heard, "12#");
    }

    #[test]
    fn an_event_whose_only_packet_to_arrive_is_its_last_is_heard() {
        let mut tap = EventTap::default();
        let heard = tap.hear(7, 1000, packet(5, 800, EventPhase::Ended));
        assert_eq!(heard.map(Digit::key), Some('5'));
    }

    #[test]
    fn a_straggler_of_an_earlier_event_is_no_new_digit() {
        let mut tap = EventTap::default();
        assert!(tap.hear(7, 1000, packet(1, 160, EventPhase::Ongoing)).is_some());
        assert!(tap.hear(7, 3000, packet(2, 160, EventPhase::Ongoing)).is_some());
        assert!(tap.hear(7, 1000, packet(1, 800, EventPhase::Ended)).is_none());
    }

    #[test]
    fn a_key_held_past_eight_seconds_is_one_digit() {
        let mut tap = EventTap::default();
        assert!(tap.hear(7, 0, packet(9, u16::MAX, EventPhase::Ongoing)).is_some());
        assert!(tap.hear(7, 65_535, packet(9, 160, EventPhase::Ongoing)).is_none());
        assert!(tap.hear(7, 65_535, packet(9, 800, EventPhase::Ended)).is_none());
    }

    #[test]
    fn events_that_are_no_digit_are_passed_over() {
        let flash = packet(16, 160, EventPhase::Ongoing);
        assert_eq!(EventTap::default().hear(7, 1000, flash), None);
    }

    #[test]
    fn keys_and_event_codes_go_both_ways() {
        for key in KEYS {
            let digit = Digit::parse(key).unwrap();
            assert_eq!(digit.key(), key);
            assert_eq!(Digit::of_event(digit.event()), Some(digit));
        }
        assert_eq!(Digit::parse('x'), None);
        assert_eq!(Digit::of_event(16), None);
    }

    #[test]
    fn a_printed_event_reads_as_itself() {
        let event = packet(11, 1234, EventPhase::Ended);
        assert_eq!(TelephoneEvent::parse(&event.print()), Some(event));
        assert_eq!(TelephoneEvent::parse(&[1, 2, 3]), None);
    }
}
