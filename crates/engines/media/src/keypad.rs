//! Keys of a peer that has no telephone events, put into its audio as events. RFC 4733 §2.5.

use std::collections::VecDeque;
use std::time::Duration;

use crate::dropped::DropReason;
use crate::dtmf::{Digit, EventPhase, TelephoneEvent};
use crate::rtp::{HEADER_BYTES, Header, Marker};
use crate::sender::{DIGITS_MAX, TooManyDigits};

/// Samples in a millisecond.
const TICKS_PER_MS: u128 = 8;

/// Samples in a packet, until two packets have told otherwise: 20 ms.
const PACKET_TICKS: u32 = 160;

/// The longest packet that is believed to be one: 60 ms.
const PACKET_TICKS_MAX: u32 = 480;

/// Packets that tell of an event's end. RFC 4733 §2.5.1.4.
const ENDS: u8 = 3;

/// Audio between two events, so that two equal digits are two: 60 ms.
const PAUSE_TICKS: u32 = 480;

/// Loudness written into events: −10 dBm0, what gateways expect.
const VOLUME: u8 = 10;

/// A key that a peer has told of otherwise than in its media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Press {
    /// The key.
    pub digit: Digit,
    /// How long it is held down; at most 8 s go out.
    pub duration: Duration,
    /// The payload type of events on the leg where it is to be heard.
    pub payload_type: u8,
}

/// The keys that one leg's peer has pressed, on their way into its stream.
///
/// ```text
///  Up ── a key waits ──► Down ── held long enough ──► End, 3 packets ──► Pause ── 60 ms ──► Up
///                         └ each packet of audio becomes one of the event
/// ```
///
/// An event's packets take the places of audio packets, one for one: sequence numbers, source and
/// pace stay those of the stream, whatever is lost of it on the way here.
#[derive(Debug, Default)]
pub(crate) struct Keypad {
    waiting: VecDeque<Press>,
    state: State,
}

#[derive(Debug, Clone, Copy, Default)]
enum State {
    #[default]
    Up,
    /// An event goes out.
    Down(Down),
    /// Audio goes out until this timestamp.
    Pause { until: u32 },
}

#[derive(Debug, Clone, Copy)]
struct Down {
    press: Press,
    ssrc: u32,
    /// The event's timestamp: that of the audio it began in the place of.
    began: u32,
    /// Sequence number and timestamp of the latest packet that was replaced.
    last: (u16, u32),
    /// Samples in each packet.
    step: u32,
    duration: u16,
    /// How many packets have told of its end.
    ends: u8,
}

/// What becomes of a packet of audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It goes out as it is.
    Kept,
    /// It has become an event packet of this length and payload type.
    Taken { len: usize, payload_type: u8 },
}

impl Keypad {
    /// Queues a key.
    pub(crate) fn press(&mut self, press: Press) -> Result<(), TooManyDigits> {
        if self.waiting.len() >= DIGITS_MAX {
            return Err(TooManyDigits);
        }
        self.waiting.push_back(press);
        Ok(())
    }

    /// Turns the first `len` bytes of `packet`, which are sound RTP, into a packet of an event if
    /// one goes out now.
    ///
    /// # Errors
    /// A packet that comes late or twice while its stream's packets are replaced has no place: its
    /// number is in use, and under SRTP no number may be used for two contents.
    pub(crate) fn replace(&mut self, packet: &mut [u8], len: usize) -> Result<Place, DropReason> {
        let header = Header::parse(&packet[..len]).ok_or(DropReason::NotRtp)?;
        if let State::Pause { until } = self.state
            && !is_before(header.timestamp, until)
        {
            self.state = State::Up;
        }
        let mut down = match self.state {
            State::Pause { .. } => return Ok(Place::Kept),
            State::Up => match self.waiting.pop_front() {
                Some(press) => Down::begin(press, &header),
                None => return Ok(Place::Kept),
            },
            State::Down(down) if down.ssrc != header.ssrc => {
                // Another stream: the event has ended with its own.
                self.state = State::Up;
                return Ok(Place::Kept);
            }
            State::Down(mut down) => {
                down.go_on(&header)?;
                down
            }
        };
        let marker = if down.ends == 0 && down.began == header.timestamp {
            Marker::Set
        } else {
            Marker::Clear
        };
        let phase = down.phase();
        self.state = if down.ends == ENDS {
            State::Pause { until: header.timestamp.wrapping_add(down.step + PAUSE_TICKS) }
        } else {
            State::Down(down)
        };
        let Press { digit, payload_type, .. } = down.press;
        let event =
            TelephoneEvent { code: digit.event(), phase, volume: VOLUME, duration: down.duration };
        let header = Header { payload_type, marker, timestamp: down.began, ..header };
        let len = HEADER_BYTES + 4;
        // Audio that is shorter than an event is no audio of ours; it is not worth a place.
        let room = packet.get_mut(..len).ok_or(DropReason::NoRoom)?;
        room[..HEADER_BYTES].copy_from_slice(&header.print());
        room[HEADER_BYTES..].copy_from_slice(&event.print());
        Ok(Place::Taken { len, payload_type })
    }
}

impl Down {
    fn begin(press: Press, header: &Header) -> Self {
        Self {
            press,
            ssrc: header.ssrc,
            began: header.timestamp,
            last: (header.sequence, header.timestamp),
            step: PACKET_TICKS,
            duration: ticks(PACKET_TICKS),
            ends: 0,
        }
    }

    /// One more packet of the stream has come.
    fn go_on(&mut self, header: &Header) -> Result<(), DropReason> {
        let (sequence, timestamp) = self.last;
        let ahead = header.sequence.wrapping_sub(sequence);
        if !matches!(ahead, 1..=0x7fff) {
            return Err(DropReason::Replayed);
        }
        let step = header.timestamp.wrapping_sub(timestamp) / u32::from(ahead);
        if (1..=PACKET_TICKS_MAX).contains(&step) {
            self.step = step;
        }
        self.last = (header.sequence, header.timestamp);
        if self.ends == 0 {
            let lasted = header.timestamp.wrapping_sub(self.began).saturating_add(self.step);
            self.duration = self.duration.max(ticks(lasted));
        }
        Ok(())
    }

    /// Whether the packet that goes out now ends the event.
    fn phase(&mut self) -> EventPhase {
        let held = u128::from(self.duration) >= self.press.duration.as_millis() * TICKS_PER_MS;
        if self.ends == 0 && !held && self.duration < u16::MAX {
            return EventPhase::Ongoing;
        }
        self.ends += 1;
        EventPhase::Ended
    }
}

fn ticks(lasted: u32) -> u16 {
    u16::try_from(lasted).unwrap_or(u16::MAX)
}

fn is_before(timestamp: u32, until: u32) -> bool {
    timestamp.wrapping_sub(until) > u32::MAX / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp;

    fn press(key: char, milliseconds: u64) -> Press {
        let digit = Digit::parse(key).unwrap();
        Press { digit, duration: Duration::from_millis(milliseconds), payload_type: 101 }
    }

    fn audio(sequence: u16) -> [u8; 172] {
        let timestamp = 5_000_u32.wrapping_add(u32::from(sequence) * 160);
        let marker = Marker::Clear;
        let header = Header { payload_type: 0, marker, sequence, timestamp, ssrc: 7 };
        let mut packet = [0xd5; 172];
        packet[..HEADER_BYTES].copy_from_slice(&header.print());
        packet
    }

    /// What goes out in the place of audio packet `sequence`.
    fn out(keypad: &mut Keypad, sequence: u16) -> Option<(Header, TelephoneEvent)> {
        let mut packet = audio(sequence);
        match keypad.replace(&mut packet, 172).unwrap() {
            Place::Kept => None,
            Place::Taken { len, .. } => {
                assert_eq!(len, 16);
                let packet = &packet[..len];
                let event = TelephoneEvent::parse(rtp::payload(packet).unwrap()).unwrap();
                Some((Header::parse(packet).unwrap(), event))
            }
        }
    }

    #[test]
    fn an_event_takes_the_places_of_audio_and_ends_three_times() {
        let mut keypad = Keypad::default();
        assert_eq!(out(&mut keypad, 9), None, "no key, no event");
        keypad.press(press('5', 100)).unwrap();
        let packets: Vec<_> = (10..17).map(|at| out(&mut keypad, at).unwrap()).collect();
        for (at, (header, event)) in packets.iter().enumerate() {
            assert_eq!(usize::from(header.sequence), 10 + at, "the stream's own numbers");
            assert_eq!((header.ssrc, header.payload_type), (7, 101));
            assert_eq!(header.timestamp, 5_000 + 1_600, "one timestamp for the whole event");
            let marker = if at == 0 { Marker::Set } else { Marker::Clear };
            assert_eq!(header.marker, marker, "packet {at}");
            assert_eq!((event.code, event.volume), (5, 10));
        }
        let durations: Vec<_> = packets.iter().map(|(_, event)| event.duration).collect();
        assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
        let ends = packets.iter().filter(|(_, event)| event.phase == EventPhase::Ended).count();
        assert_eq!(ends, 3);
        assert_eq!(out(&mut keypad, 17), None, "audio again");
    }

    #[test]
    fn two_keys_are_two_events_with_audio_between_them() {
        let mut keypad = Keypad::default();
        keypad.press(press('1', 40)).unwrap();
        keypad.press(press('1', 40)).unwrap();
        let is_event: Vec<bool> = (0..12).map(|at| out(&mut keypad, at).is_some()).collect();
        let (event, pause) = ([true; 4], [false; 3]);
        assert_eq!(is_event, [&event[..], &pause, &event, &[false]].concat());
    }

    #[test]
    fn a_lost_packet_makes_the_event_neither_longer_nor_shorter() {
        let mut keypad = Keypad::default();
        keypad.press(press('#', 100)).unwrap();
        let durations: Vec<_> =
            [0, 1, 4, 5, 6].map(|at| out(&mut keypad, at).unwrap().1.duration).into();
        assert_eq!(durations, [160, 320, 800, 800, 800]);
    }

    #[test]
    fn a_number_that_was_used_is_not_used_again() {
        let mut keypad = Keypad::default();
        keypad.press(press('1', 200)).unwrap();
        out(&mut keypad, 10).unwrap();
        for late in [10, 9] {
            let refused = keypad.replace(&mut audio(late), 172);
            assert_eq!(refused, Err(DropReason::Replayed), "packet {late}");
        }
        assert!(out(&mut keypad, 11).is_some());
    }

    #[test]
    fn an_event_ends_with_its_stream_and_timestamps_may_wrap() {
        let mut keypad = Keypad::default();
        keypad.press(press('1', 200)).unwrap();
        out(&mut keypad, 1).unwrap();
        let mut other = audio(2);
        other[11] = 8;
        assert_eq!(keypad.replace(&mut other, 172), Ok(Place::Kept));

        let mut keypad = Keypad::default();
        keypad.press(press('1', 60)).unwrap();
        let mut durations = Vec::new();
        for at in 0..5_u16 {
            let timestamp = (u32::MAX - 200).wrapping_add(u32::from(at) * 160);
            let mut packet = audio(at);
            packet[4..8].copy_from_slice(&timestamp.to_be_bytes());
            if let Place::Taken { len, .. } = keypad.replace(&mut packet, 172).unwrap() {
                let payload = rtp::payload(&packet[..len]).unwrap();
                durations.push(TelephoneEvent::parse(payload).unwrap().duration);
            }
        }
        assert_eq!(durations, [160, 320, 480, 480, 480]);
    }

    #[test]
    fn only_so_many_keys_may_wait() {
        let mut keypad = Keypad::default();
        for _ in 0..DIGITS_MAX {
            keypad.press(press('1', 40)).unwrap();
        }
        assert_eq!(keypad.press(press('1', 40)), Err(TooManyDigits));
    }
}
